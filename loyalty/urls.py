"""Addresses of the engine's own pages."""

from django.urls import path

from loyalty import badge_views, tier_views, transfer_views, views, what_if_views

urlpatterns = [
    path("points/pass-on/", transfer_views.transfer, name="pass-on"),
    path("tier/<slug:name>/<int:pk>/", tier_views.act, name="tier-act"),
    path("points/why/", what_if_views.why_number, name="why-number"),
    path("earn/what-if/", what_if_views.what_if, name="what-if"),
    path("rules/", views.rules, name="rules"),
    path("benefits/", views.benefits, name="benefits"),
    path("benefits/<int:pk>/", views.benefit, name="benefit"),
    path("badges/<int:pk>/", badge_views.badge, name="badge"),
    path("badges/given/<int:pk>/", badge_views.badge_given, name="badge-given"),
]
