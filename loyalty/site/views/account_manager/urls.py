"""Addresses of the account manager's desk."""

from django.urls import path

from loyalty.site.views.account_manager.benefits import benefits, given_benefit
from loyalty.site.views.account_manager.companies import companies
from loyalty.site.views.account_manager.company import company, profile
from loyalty.site.views.account_manager.follow_ups import follow_up, follow_ups
from loyalty.site.views.account_manager.notes import edit_note, note
from loyalty.site.views.account_manager.points import points
from loyalty.site.views.account_manager.promotions import promotions
from loyalty.site.views.account_manager.renewals import renewals
from loyalty.site.views.account_manager.today import today
from loyalty.site.views.account_manager.what_if import what_if

urlpatterns = [
    path("", today, name="am-today"),
    path("companies/", companies, name="am-companies"),
    path("companies/<int:pk>/", company, name="am-company"),
    path("companies/<int:pk>/profile/", profile, name="am-profile"),
    path("companies/<int:pk>/points/", points, name="am-points"),
    path("companies/<int:pk>/what-if/", what_if, name="am-what-if"),
    path("companies/<int:pk>/benefits/", benefits, name="am-benefits"),
    path("companies/<int:pk>/promotions/", promotions, name="am-promotions"),
    path("grants/<int:pk>/", given_benefit, name="am-grant"),
    path("notes/<int:pk>/", note, name="am-note"),
    path("notes/<int:pk>/edit/", edit_note, name="am-note-edit"),
    path("renewals/", renewals, name="am-renewals"),
    path("follow-ups/", follow_ups, name="am-follow-ups"),
    path("follow-ups/<int:pk>/", follow_up, name="am-follow-up"),
]
