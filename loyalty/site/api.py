"""Every address of the API, and its description for machines. Whoever adds a resource adds its lines here."""

from typing import Any

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularYAMLAPIView

from accounts.api.tokens import token
from accounts.api.views import Nowhere
from loyalty.api import activities
from loyalty.site.views.api import api_page

V1 = [
    path("activities/", activities.Activities.as_view(), name="api-activities"),
    path("activities/<int:pk>/", activities.OneActivity.as_view(), name="api-activity"),
]
"""Version 1."""

_OPEN: dict[str, Any] = {"authentication_classes": [], "permission_classes": [], "schema": None}

urlpatterns = [
    path("", api_page, name="api-page"),
    path("token/", token, name="api-token"),
    path("schema/", SpectacularJSONAPIView.as_view(**_OPEN), name="api-schema"),
    path("schema.yaml", SpectacularYAMLAPIView.as_view(**_OPEN), name="api-schema-yaml"),
    path("v1/", include(V1)),
    re_path(r"^v1/.*$", Nowhere.as_view(), name="api-nowhere"),
]
