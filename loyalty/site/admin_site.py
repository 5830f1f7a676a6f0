"""The program manager's desk: Django's admin with our name, our order of things, and vendor staff only."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

GROUPS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("queues", _("Queues"), ("rewards.Redemption",)),
    (
        "program",
        _("Program"),
        ("loyalty.Program", "loyalty.Membership", "loyalty.Consent", "loyalty.Tier", "loyalty.TierAssignment"),
    ),
    (
        "earning",
        _("Earning"),
        (
            "loyalty.RuleSet",
            "loyalty.Rule",
            "loyalty.ActivityType",
            "loyalty.Metric",
            "loyalty.Activity",
            "loyalty.Evaluation",
            "loyalty.Award",
            "loyalty.CapUsage",
            "loyalty.MetricBucket",
            "loyalty.Wallet",
            "loyalty.Transaction",
            "loyalty.Posting",
            "loyalty.Lot",
        ),
    ),
    ("rewards", _("Rewards"), ("rewards.Reward", "rewards.RewardStock", "rewards.StockMovement")),
    (
        "clients",
        _("Clients"),
        (
            "accounts.Company",
            "accounts.Employee",
            "accounts.Segment",
            "accounts.AccountManagerAssignment",
            "accounts.ServiceNote",
            "accounts.Message",
        ),
    ),
    (
        "system",
        _("System"),
        (
            "accounts.User",
            "auth.Group",
            "accounts.StakeholderRole",
            "accounts.Interest",
            "loyalty.Source",
            "accounts.AuditEntry",
        ),
    ),
)


class TwofoldAdminSite(AdminSite):
    """The admin site; what a sidebar group holds is the explicit list above."""

    site_title = _("Twofold")
    site_header = _("Twofold")
    index_title = _("Administration")
    empty_value_display = "–"

    def has_permission(self, request: HttpRequest) -> bool:
        """Vendor staff only: an employee of a client never enters, whatever flags the login carries."""
        actor = getattr(request, "actor", None)
        return super().has_permission(request) and bool(actor and actor.is_manager)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The sidebar: groups by what a manager does, not by Django app."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        models = {
            f"{app['app_label']}.{model['object_name']}": model
            for app in super().get_app_list(request)
            for model in app["models"]
        }
        groups = [
            {
                "name": name,
                "app_label": code,
                "app_url": "",
                "has_module_perms": True,
                "models": [models[label] for label in labels if label in models],
            }
            for code, name, labels in GROUPS
        ]
        return [group for group in groups if group["models"]]
