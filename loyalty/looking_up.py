"""Why did something bring what it brought, or nothing? Asked by the number that other systems call it by."""

import re
from dataclasses import dataclass

from accounts.actors import Actor
from loyalty.explaining import Counted, PlainVerdict, counted_as, verdicts_of
from loyalty.models import Activity, Evaluation, Source, Transaction

_REFERENCE = re.compile("[Tt]-([0-9]{1,18})")

MOST_SHOWN = 5
"""Of one number: each source has its own, and each program judges an activity for itself."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An activity as one program judged it; `transaction_id` is the act that moved points in sight, if one did."""

    activity: Activity
    evaluation: Evaluation
    counted: Counted | None
    verdicts: list[PlainVerdict]
    transaction_id: int | None

    @property
    def points(self) -> int:
        """What it brought to wallets in sight."""
        return sum(verdict.points for verdict in self.verdicts)


def reference_of(transaction_id: int) -> str:
    """Return what an act is called by when people speak of it."""
    return f"T-{transaction_id}"


def act_called(reference: str, actor: Actor) -> int | None:
    """Return the id of the act that a reference is of, if the actor sees it."""
    match = _REFERENCE.fullmatch(reference.strip())
    if match is None:
        return None
    acts = Transaction.objects.visible_to(actor).filter(pk=int(match[1]))
    return acts.values_list("pk", flat=True).first()


def look_up(number: str, actor: Actor) -> list[Judged]:
    """Return what became of the activities that are called `number`, of those that the actor sees, the latest first.

    The cost does not grow with history: activities are kept by source and number.
    """
    sources = list(Source.objects.values_list("pk", flat=True))
    activities = Activity.objects.visible_to(actor).filter(source__in=sources, external_id=number)
    shown = list(activities.values_list("pk", flat=True).order_by("-pk")[:MOST_SHOWN])
    if not shown:
        return []
    evaluations = Evaluation.objects.filter(activity__in=shown).select_related("activity__type", "program", "company")
    acts = Transaction.objects.visible_to(actor).filter(activity__in=shown).order_by("-pk")
    moved = {(row.activity_id, row.program_id): row.pk for row in acts}
    return [
        Judged(
            activity=row.activity,
            evaluation=row,
            counted=counted_as(row.activity, row.program),
            verdicts=verdicts_of(row, actor),
            transaction_id=moved.get((row.activity_id, row.program_id)),
        )
        for row in evaluations.order_by("-pk")[:MOST_SHOWN]
    ]
