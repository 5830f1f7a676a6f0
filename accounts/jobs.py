"""Jobs: asked for by a page, done by a worker, with progress, cancel and result.

A running job is held by a lock of its worker's connection: a worker that dies lets go of it at once, and the next one
takes the job up again, at most three times. So a job may run twice, and must leave the same behind.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts import naming, queues
from accounts.models import Job, PeriodicWork

QUEUE = "jobs"
CAN_BE_SENT_AGAIN = (Job.State.FAILED, Job.State.CANCELLED)
MOST_TRIES = 3
KEPT = timedelta(days=30)
"""How long jobs that nobody asked for, those that come round, are kept once they are done."""

_LOOKED_AT = 50  # open jobs that one claim looks at: those of other workers are passed over
_LOCK_SPACE = 0x4A6F62  # advisory locks of jobs are told from others by this first key

log = logging.getLogger(__name__)


class JobFailedError(Exception):
    """What a job's code raises where it cannot go on; `str()` says to a person what happened and what to do."""


class JobCancelledError(Exception):
    """Raised into a job's code by `Run.report` once somebody has asked to cancel it."""


class JobOverError(Exception):
    """The job cannot be cancelled any more, or is not one to send again; `str()` says so."""

    def __str__(self) -> str:
        return _("Meanwhile the job has moved on. Look at it again.")


@dataclass(frozen=True, slots=True)
class Run:
    """A job while a worker does it."""

    job: Job

    @property
    def began_at(self) -> datetime:
        """When this try began: the `now` of what it does."""
        if self.job.started_at is None:
            raise ValueError("A job that runs has begun.")
        return self.job.started_at

    def report(self, done: int, total: int = 0) -> None:
        """Say how far the job is, outside any transaction; raises JobCancelledError where it is to be cancelled."""
        self.job.done, self.job.total = done, max(done, total) if total else 0
        Job.objects.filter(pk=self.job.pk).update(done=self.job.done, total=self.job.total)
        if Job.objects.filter(pk=self.job.pk, is_cancel_asked=True).exists():
            raise JobCancelledError


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job: `do` does it and returns its result, JSON of ids, codes and numbers.

    It raises JobFailedError where it cannot; it commits its own transactions, calls `Run.report` between them, and
    leaves the same behind when it is done again from the start or from where it was killed.
    """

    code: str
    label: str | Promise
    do: Callable[[Run], Mapping[str, object]]


def name_kinds(kinds: Iterable[JobKind]) -> None:
    """Say which kinds of jobs this installation knows, for pages to name them. The shell does so."""
    naming.JOBS.add({kind.code: kind.label for kind in kinds})


def label_of(kind_code: str) -> str:
    """Return what a kind of job is called."""
    return naming.JOBS.of(kind_code)


def ask(
    *,
    kind: str,
    parameters: Mapping[str, object],
    asked_by_id: int | None,
    now: datetime,
    due_at: datetime | None = None,
) -> Job:
    """Write a job down, in the transaction of what it follows from, and wake a worker after the commit."""
    job = Job.objects.create(
        kind=kind, parameters=dict(parameters), asked_by_id=asked_by_id, created_at=now, due_at=due_at or now
    )
    queues.wake(QUEUE)
    return job


def cancel(*, job_id: int, now: datetime) -> Job:
    """End a job that waits, or ask one that runs to stop at its next report. Raises JobOverError."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        if not job.is_open:
            raise JobOverError
        job.is_cancel_asked = True
        if job.state == Job.State.QUEUED:
            job.state, job.ended_at = Job.State.CANCELLED, now
        job.save(update_fields=["is_cancel_asked", "state", "ended_at"])
    return job


def send_again(*, job_id: int, now: datetime) -> Job:
    """Put a job that failed or was cancelled back into the queue. Raises JobOverError for any other."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        if job.state not in CAN_BE_SENT_AGAIN:
            raise JobOverError
        job.state, job.ended_at, job.due_at, job.tries = Job.State.QUEUED, None, now, 0
        job.failure, job.is_cancel_asked = "", False
        job.save(update_fields=["state", "ended_at", "due_at", "tries", "failure", "is_cancel_asked"])
        queues.wake(QUEUE)
    return job


def forget_old(*, now: datetime) -> int:
    """Forget jobs that came round and were done KEPT ago; returns how many. What people asked for stays."""
    latest = PeriodicWork.objects.filter(job__isnull=False).values("job")
    old = Job.objects.filter(state=Job.State.DONE, asked_by=None, ended_at__lt=now - KEPT).exclude(pk__in=latest)
    return old.delete()[0]


def queue_of(kinds: Iterable[JobKind], clock: Callable[[], datetime] = timezone.now) -> queues.Queue:
    """Return the queue of jobs, for an installation that knows these kinds."""
    by_code = {kind.code: kind for kind in kinds}

    def take(now: datetime) -> int:
        job = _claim(by_code, now)
        if job is None:
            return 0
        try:
            _do(by_code[job.kind], job, clock)
        finally:
            _let_go(job.pk)
        return 1

    return queues.Queue(QUEUE, take)


def _claim(kinds: Iterable[str], now: datetime) -> Job | None:
    """Take the lock of a job that is due and that no living worker holds, and write down one more try."""
    with transaction.atomic():
        rows = (
            Job.objects.select_for_update(skip_locked=True)
            .filter(state__in=(Job.State.QUEUED, Job.State.RUNNING), due_at__lte=now, kind__in=list(kinds))
            .order_by("due_at", "pk")
        )
        for job in rows[:_LOOKED_AT]:
            if not _hold(job.pk):
                continue
            if job.tries >= MOST_TRIES:
                _end(job, Job.State.FAILED, now, failure=_("Its worker was killed or lost the database three times."))
                _let_go(job.pk)
                continue
            if job.is_cancel_asked:
                _end(job, Job.State.CANCELLED, now)
                _let_go(job.pk)
                continue
            job.state, job.started_at, job.tries = Job.State.RUNNING, now, job.tries + 1
            job.save(update_fields=["state", "started_at", "tries"])
            return job
    return None


def _do(kind: JobKind, job: Job, clock: Callable[[], datetime]) -> None:
    """Do a claimed job to its end; one that lost the database stays claimed, for the next worker."""
    try:
        result = kind.do(Run(job))
    except JobCancelledError:
        _end(job, Job.State.CANCELLED, clock())
    except JobFailedError as error:
        _end(job, Job.State.FAILED, clock(), failure=str(error) or _("It gave no reason."))
    except OperationalError:
        log.exception("job_lost_the_database", extra={"job": job.pk})
        raise
    except Exception:  # whatever a job's code does, the worker goes on with the next
        log.exception("job_failed", extra={"job": job.pk})
        failure = _("Something unforeseen happened; the log of the worker says what. It can be sent again.")
        _end(job, Job.State.FAILED, clock(), failure=failure)
    else:
        job.result = dict(result)
        _end(job, Job.State.DONE, clock())


def _end(job: Job, state: Job.State, now: datetime, *, failure: str = "") -> None:
    job.state, job.ended_at, job.failure = state, now, failure
    job.save(update_fields=["state", "ended_at", "failure", "result"])


def _hold(job_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, job_id % 2**31])
        return bool(cursor.fetchone()[0])


def _let_go(job_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, job_id % 2**31])
