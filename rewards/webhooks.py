"""What this floor announces to other systems: every step of an order."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts import webhooks
from accounts.webhooks import EventKind
from accounts.webhooks.people import named
from rewards.models import Redemption

REDEMPTION_CHANGED = EventKind(
    "redemption.changed",
    _("An order was placed or took a step"),
    "order",
    {
        "redemption": 204,
        "reference": "R-000204",
        "state": "APPROVED",
        "program": "club",
        "reward": "headphones",
        "points": 900,
        "company_points": 0,
        "employee": {"id": 31, "external_id": "E-7"},
    },
)


def register() -> None:
    """Make the kind known."""
    webhooks.register(REDEMPTION_CHANGED)


def announce_redemption(redemption: Redemption, *, now: datetime) -> None:
    """Announce the state that an order is in; call it under the order's lock."""

    def facts() -> Mapping[str, object]:
        return {
            "redemption": redemption.pk,
            "reference": redemption.reference,
            "state": str(redemption.state),
            "program": redemption.reward.program.code,
            "reward": redemption.reward.code,
            "points": redemption.points,
            "company_points": redemption.company_points,
            "employee": named(redemption.employee_id, redemption.employee.external_id),
        }

    webhooks.announce(
        REDEMPTION_CHANGED, company_id=redemption.company_id, subject_id=redemption.pk, facts=facts, now=now
    )
