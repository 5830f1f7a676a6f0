"""Work that comes round by the clock. A row says when it is due next; whoever claims the row asks for the job.

So a beat only has to look: any number of them may, and what nobody looked at in time is done when somebody does. A job
that failed is sent again after RETRY_AFTER, until it succeeds or comes round anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q

from accounts import jobs
from accounts.jobs import JobKind
from accounts.models import Job, PeriodicWork
from accounts.queues import Queue

QUEUE = "periodic"
RETRY_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """At these `minutes` of every hour; or of one `hour` of the day, by the installation's clock."""

    minutes: tuple[int, ...]
    hour: int | None = None

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """Return the first moment of the rhythm after `moment`, in UTC."""
        if self.hour is None:
            hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            coming = [hour + timedelta(hours=more, minutes=minute) for more in (0, 1) for minute in self.minutes]
        else:
            today = moment.astimezone(zone).date()
            coming = [
                datetime.combine(today + timedelta(days=more), time(self.hour, minute), zone).astimezone(UTC)
                for more in (0, 1)
                for minute in self.minutes
            ]
        return min(one for one in coming if one > moment)


@dataclass(frozen=True, slots=True)
class PeriodicKind:
    """A kind of job that comes round; it takes no parameters."""

    job: JobKind
    rhythm: Rhythm


def queue_of(kinds: Iterable[PeriodicKind], zone: ZoneInfo) -> Queue:
    """Return the queue of work that comes round, for an installation whose clock shows the time of `zone`."""
    by_code = {kind.job.code: kind for kind in kinds}

    def take(now: datetime) -> int:
        _write_down_what_is_new(by_code, now, zone)
        with transaction.atomic():
            work = _claim(by_code, now)
            if work is None:
                return 0
            _ask(work, now)
            work.next_due_at = by_code[work.code].rhythm.next_after(now, zone)
            work.save()
        return 1

    return Queue(QUEUE, take)


def _write_down_what_is_new(kinds: dict[str, PeriodicKind], now: datetime, zone: ZoneInfo) -> None:
    """Give each kind its row; one that is new begins with its next time, so that a first start is not all work."""
    missing = kinds.keys() - set(PeriodicWork.objects.values_list("code", flat=True))
    rows = [PeriodicWork(code=code, next_due_at=kinds[code].rhythm.next_after(now, zone)) for code in sorted(missing)]
    if rows:
        PeriodicWork.objects.bulk_create(rows, ignore_conflicts=True)


def _claim(kinds: Iterable[str], now: datetime) -> PeriodicWork | None:
    """A row that is due, or whose job failed; one that killed its worker too often waits until it comes round."""
    has_failed = Q(job__state=Job.State.FAILED, job__ended_at__lte=now - RETRY_AFTER, job__tries__lt=jobs.MOST_TRIES)
    return (
        PeriodicWork.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("job")
        .filter(Q(next_due_at__lte=now) | has_failed, code__in=list(kinds))
        .order_by("next_due_at", "pk")
        .first()
    )


def _ask(work: PeriodicWork, now: datetime) -> None:
    """Ask for the job, or for one that failed once more; where the last one is still at it, it counts for this time."""
    if work.job is None or work.job.state in (Job.State.DONE, Job.State.CANCELLED):
        work.job = jobs.ask(kind=work.code, parameters={}, asked_by_id=None, now=now)
    elif work.job.state == Job.State.FAILED:
        work.failed_at, work.failure = work.job.ended_at, work.job.failure
        work.job = jobs.send_again(job_id=work.job.pk, now=now)
