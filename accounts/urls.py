"""Addresses of the ground floor."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("me/", views.me, name="me"),
    path("language/", views.set_language, name="set_language"),
]
