"""Addresses of the engine's own pages."""

from django.urls import path

from loyalty import views

urlpatterns = [
    path("rules/", views.rules, name="rules"),
    path("benefits/", views.benefits, name="benefits"),
    path("benefits/<int:pk>/", views.benefit, name="benefit"),
]
