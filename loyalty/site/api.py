"""Every address of the API, and its description for machines. Whoever adds a resource adds its lines here."""

from typing import Any

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularYAMLAPIView

from accounts.api import companies
from accounts.api.tokens import token
from accounts.api.views import Nowhere
from loyalty.api import activities, confirming, entitlements, memberships, paid_tiers, points, transfers
from loyalty.site.views.api import api_page
from rewards import api as rewards
from surveys import api as surveys

V1 = [
    path("companies/", companies.Companies.as_view(), name="api-companies"),
    path("companies/<str:company>/", companies.OneCompany.as_view(), name="api-company"),
    path("companies/<str:company>/employees/", companies.Employees.as_view(), name="api-employees"),
    path("companies/<str:company>/employees/<str:employee>/", companies.OneEmployee.as_view(), name="api-employee"),
    path("companies/<str:company>/memberships/", memberships.Memberships.as_view(), name="api-memberships"),
    path(
        "companies/<str:company>/memberships/<slug:program>/",
        memberships.OneMembership.as_view(),
        name="api-membership",
    ),
    path("activities/", activities.Activities.as_view(), name="api-activities"),
    path("activities/confirm/", confirming.ConfirmActivities.as_view(), name="api-activities-confirm"),
    path("activities/<int:pk>/", activities.OneActivity.as_view(), name="api-activity"),
    path("wallets/", points.Wallets.as_view(), name="api-wallets"),
    path("transactions/", points.Transactions.as_view(), name="api-transactions"),
    path("transactions/<int:pk>/", points.OneTransaction.as_view(), name="api-transaction"),
    path("transfers/", transfers.Transfers.as_view(), name="api-transfers"),
    path("transfers/<int:pk>/", transfers.OneTransfer.as_view(), name="api-transfer"),
    path("paid-tiers/", paid_tiers.PaidTiers.as_view(), name="api-paid-tiers"),
    path("paid-tiers/<int:pk>/", paid_tiers.OnePaidTier.as_view(), name="api-paid-tier"),
    path("paid-tiers/<int:pk>/payments/", paid_tiers.PaidTierPayments.as_view(), name="api-paid-tier-payments"),
    path("paid-tiers/<int:pk>/cancel/", paid_tiers.CancelledPaidTier.as_view(), name="api-paid-tier-cancel"),
    path("entitlements/", entitlements.Entitlements.as_view(), name="api-entitlements"),
    path("rewards/", rewards.Rewards.as_view(), name="api-rewards"),
    path("redemptions/", rewards.Redemptions.as_view(), name="api-redemptions"),
    path("redemptions/<int:pk>/", rewards.OneRedemption.as_view(), name="api-redemption"),
    path("redemptions/<int:pk>/cancel/", rewards.CancelledRedemption.as_view(), name="api-redemption-cancel"),
    path("surveys/", surveys.Surveys.as_view(), name="api-surveys"),
    path("surveys/<slug:code>/results/", surveys.SurveyResults.as_view(), name="api-survey-results"),
]
"""Version 1."""

_OPEN: dict[str, Any] = {"authentication_classes": [], "permission_classes": [], "schema": None}

urlpatterns = [
    path("v1/", include(V1)),
    path("", api_page, name="api-page"),
    path("token/", token, name="api-token"),
    path("schema/", SpectacularJSONAPIView.as_view(**_OPEN), name="api-schema"),
    path("schema.yaml", SpectacularYAMLAPIView.as_view(**_OPEN), name="api-schema-yaml"),
    re_path(r"^v1/.*$", Nowhere.as_view(), name="api-nowhere"),
]
