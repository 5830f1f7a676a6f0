"""Addresses of surveys."""

from django.urls import path

from surveys import views

urlpatterns = [
    path("surveys/", views.surveys, name="surveys"),
    path("surveys/<int:pk>/", views.survey, name="survey"),
    path("surveys/<int:pk>/<int:step>/", views.step, name="survey-step"),
    path("surveys/<int:pk>/check/", views.check, name="survey-check"),
]
