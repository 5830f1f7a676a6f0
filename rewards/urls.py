"""Addresses of the catalogue and of orders."""

from django.urls import path

from rewards import views

urlpatterns = [
    path("rewards/", views.rewards, name="rewards"),
    path("rewards/<int:pk>/", views.reward, name="reward"),
    path("orders/", views.orders, name="orders"),
    path("orders/<int:pk>/", views.order, name="order"),
]
