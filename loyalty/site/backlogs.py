"""How much work waits in each queue, and for how long: for health, metrics and the manager's home."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, QuerySet

from accounts import webhooks
from accounts.models import Erasure, Job, Mail, PeriodicWork


@dataclass(frozen=True, slots=True)
class Backlog:
    """The rows of a queue that are due: how many, and since when the oldest of them is."""

    code: str
    due: int
    oldest_due_at: datetime | None


def backlogs(*, now: datetime) -> list[Backlog]:
    """Return what waits in each queue at `now`; one query a queue, over an index of open rows."""
    return [_backlog(code, rows, field) for code, rows, field in _due_rows(now)]


def _due_rows(now: datetime) -> list[tuple[str, QuerySet[Any], str]]:
    """The rows of each queue that are due, and the column that says since when."""
    return [
        ("jobs", Job.objects.filter(state=Job.State.QUEUED, due_at__lte=now), "due_at"),
        ("periodic", PeriodicWork.objects.filter(next_due_at__lte=now), "next_due_at"),
        ("webhooks", webhooks.due(now), "due_at"),
        ("mail", Mail.objects.filter(state=Mail.State.WAITING, due_at__lte=now), "due_at"),
        ("erasures", Erasure.objects.filter(state=Erasure.State.WAITING, due_at__lte=now), "due_at"),
    ]


def _backlog(code: str, rows: QuerySet[Any], field: str) -> Backlog:
    found = rows.aggregate(count=Count("pk"), oldest=Min(field))
    return Backlog(code, found["count"], found["oldest"])
