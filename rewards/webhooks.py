"""What this floor announces to other systems: every step of an order."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts import webhooks
from accounts.models import Employee
from accounts.webhooks import EventKind, News
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


def announce_redemptions(redemptions: Sequence[Redemption], *, now: datetime) -> None:
    """Announce the states that orders are in; call it under the locks of the orders."""

    def news() -> list[News]:
        people = Employee.objects.filter(pk__in={one.employee_id for one in redemptions})
        numbers = dict(people.values_list("pk", "external_id"))
        return [
            News(
                REDEMPTION_CHANGED,
                one.company_id,
                str(one.pk),
                {
                    "redemption": one.pk,
                    "reference": one.reference,
                    "state": str(one.state),
                    "program": one.reward.program.code,
                    "reward": one.reward.code,
                    "points": one.points,
                    "company_points": one.company_points,
                    "employee": named(one.employee_id, numbers[one.employee_id]),
                },
            )
            for one in redemptions
        ]

    webhooks.announce_all([REDEMPTION_CHANGED], news, now=now)
