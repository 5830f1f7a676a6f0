"""What this floor holds of a person: orders, and the words that go with their steps."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import subjects
from accounts.models import Employee
from accounts.subjects import ERASED, Part, Row
from rewards.models import Redemption, RedemptionStep


def register() -> None:
    """Make the part known."""
    subjects.register(
        Part(
            "orders",
            _("Your orders"),
            _orders,
            _erase_words_of_orders,
            _("What was ordered for how many points, under the number that takes the place of your name."),
        )
    )


def _orders(employee: Employee) -> Iterable[Row]:
    for order in Redemption.objects.filter(employee=employee).select_related("reward").order_by("pk"):
        yield {
            "number": order.reference,
            "reward": order.reward.name,
            "points": order.points,
            "placed_at": order.placed_at,
            "state": order.get_state_display(),
            "steps": [
                {"state": step.get_state_display(), "at": step.at, "reason": step.reason}
                for step in order.steps.order_by("at", "pk")
            ],
        }


def _erase_words_of_orders(employee: Employee) -> None:
    _steps(employee).exclude(reason="").update(reason=ERASED)


def _steps(employee: Employee) -> QuerySet[RedemptionStep]:
    by = Q(by=employee.user_id) if employee.user_id is not None else Q()
    return RedemptionStep.objects.filter(Q(redemption__employee=employee) | by)
