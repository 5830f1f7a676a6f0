"""Addresses of the catalogue, of orders and of the company's approvals."""

from django.urls import path

from rewards.views import approving, catalogue, orders

urlpatterns = [
    path("rewards/", catalogue.rewards, name="rewards"),
    path("rewards/<int:pk>/", catalogue.reward, name="reward"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<int:pk>/", orders.order, name="order"),
    path("company/approvals/", approving.approvals, name="company-approvals"),
    path("company/approvals/<int:pk>/", approving.approval, name="company-approval"),
    path("company/approvals/policy/", approving.policy, name="spending-policy"),
    path("company/approvals/delegate/", approving.stand_in, name="stand-in"),
]
