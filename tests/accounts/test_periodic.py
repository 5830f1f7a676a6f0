"""Work that comes round: in its rhythm, once however many look, after a miss, and again after a failure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts import jobs, periodic
from accounts.jobs import JobFailedError, JobKind, Run
from accounts.models import Job, PeriodicWork
from accounts.periodic import RETRY_AFTER, PeriodicKind, Rhythm
from accounts.queues import Queue
from tests.loyalty.racing import race

HOURLY = Rhythm((5,))
NIGHTLY = Rhythm((30,), hour=3)
BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def counts(run: Run) -> Mapping[str, object]:
    return {"counted": 1}


def fails(run: Run) -> Mapping[str, object]:
    raise JobFailedError("The stars were not right.")


def a_kind(do: object = counts, rhythm: Rhythm = HOURLY) -> PeriodicKind:
    return PeriodicKind(JobKind("count", "Count", do), rhythm)  # type: ignore[arg-type]


def the_queue(*kinds: PeriodicKind) -> Queue:
    return periodic.queue_of(kinds or [a_kind()], BERLIN)


def do_jobs(kind: PeriodicKind, now: datetime) -> None:
    while jobs.queue_of([kind.job], clock=lambda: now).take(now):
        pass


@pytest.mark.parametrize(
    ("rhythm", "moment", "expected"),
    [
        (HOURLY, "2026-03-10T12:00:00+00:00", "2026-03-10T12:05:00+00:00"),
        (HOURLY, "2026-03-10T12:05:00+00:00", "2026-03-10T13:05:00+00:00"),
        (HOURLY, "2026-12-31T23:59:59+00:00", "2027-01-01T00:05:00+00:00"),
        (Rhythm((25, 55)), "2026-03-10T12:30:00+00:00", "2026-03-10T12:55:00+00:00"),
        (NIGHTLY, "2026-03-10T02:29:59+00:00", "2026-03-10T02:30:00+00:00"),
        (NIGHTLY, "2026-03-10T02:30:00+00:00", "2026-03-11T02:30:00+00:00"),
        (NIGHTLY, "2026-07-10T12:00:00+00:00", "2026-07-11T01:30:00+00:00"),
        # the night in which the clock goes from 2 to 3, and the one in which it is 2:30 twice
        (Rhythm((30,), hour=2), "2026-03-28T12:00:00+00:00", "2026-03-29T01:30:00+00:00"),
        (Rhythm((30,), hour=2), "2026-10-25T00:00:00+00:00", "2026-10-25T00:30:00+00:00"),
        (Rhythm((30,), hour=2), "2026-10-25T00:30:00+00:00", "2026-10-26T01:30:00+00:00"),
    ],
)
def test_rhythm_is_kept_by_the_clock_of_the_installation(rhythm: Rhythm, moment: str, expected: str) -> None:
    assert rhythm.next_after(datetime.fromisoformat(moment), BERLIN).isoformat() == expected


@pytest.mark.django_db
def test_new_work_waits_for_its_time_and_is_then_asked_for_once() -> None:
    queue = the_queue()

    assert queue.take(NOON) == 0
    assert not Job.objects.exists()
    due = NOON + timedelta(minutes=5)
    assert [queue.take(due), queue.take(due)] == [1, 0]

    work = PeriodicWork.objects.get()
    assert work.next_due_at == NOON + timedelta(hours=1, minutes=5)
    assert [work.job] == list(Job.objects.filter(kind="count", state="QUEUED", asked_by=None))


@pytest.mark.django_db
def test_what_was_missed_is_done_once_when_somebody_looks_again() -> None:
    queue = the_queue(a_kind(rhythm=NIGHTLY))
    queue.take(NOON)
    days_later = NOON + timedelta(days=5)

    assert [queue.take(days_later), queue.take(days_later)] == [1, 0]

    assert Job.objects.count() == 1
    assert PeriodicWork.objects.get().next_due_at == datetime(2026, 3, 16, 2, 30, tzinfo=UTC)


@pytest.mark.django_db
def test_work_that_is_still_at_it_is_not_asked_for_again() -> None:
    queue = the_queue()
    queue.take(NOON)
    queue.take(NOON + timedelta(minutes=5))

    assert queue.take(NOON + timedelta(hours=1, minutes=5)) == 1

    assert Job.objects.count() == 1
    assert PeriodicWork.objects.get().next_due_at == NOON + timedelta(hours=2, minutes=5)


@pytest.mark.django_db
def test_work_that_failed_is_tried_again_and_why_it_failed_is_kept() -> None:
    queue, due = the_queue(), NOON + timedelta(minutes=5)
    queue.take(NOON)
    queue.take(due)
    do_jobs(a_kind(fails), due)
    assert Job.objects.get().state == "FAILED"

    assert queue.take(due + RETRY_AFTER - timedelta(seconds=1)) == 0
    assert queue.take(due + RETRY_AFTER) == 1
    do_jobs(a_kind(), due + RETRY_AFTER)

    work, job = PeriodicWork.objects.get(), Job.objects.get()
    assert (job.state, job.result, job.failure) == ("DONE", {"counted": 1}, "")
    assert (work.failed_at, work.failure) == (due, "The stars were not right.")
    assert work.next_due_at == NOON + timedelta(hours=1, minutes=5)


@pytest.mark.django_db
def test_work_that_killed_its_worker_three_times_rests_until_it_comes_round() -> None:
    queue, due = the_queue(), NOON + timedelta(minutes=5)
    queue.take(NOON)
    queue.take(due)
    Job.objects.update(state="FAILED", ended_at=due, failure="Its worker was killed.", tries=jobs.MOST_TRIES)

    assert queue.take(due + RETRY_AFTER) == 0
    assert queue.take(due + timedelta(hours=1)) == 1
    assert (Job.objects.get().state, Job.objects.get().tries) == ("QUEUED", 0)


@pytest.mark.django_db(transaction=True)
def test_many_beats_ask_for_due_work_once() -> None:
    queue = the_queue()
    queue.take(NOON)
    due = NOON + timedelta(minutes=5)

    taken = race([lambda: queue.take(due)] * 6)

    assert sorted(taken) == [0, 0, 0, 0, 0, 1]
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_beats_that_see_new_work_at_once_write_it_down_once() -> None:
    assert race([lambda: the_queue().take(NOON)] * 6) == [0] * 6

    assert PeriodicWork.objects.count() == 1


@pytest.mark.django_db
def test_done_jobs_of_the_clock_are_forgotten_and_nothing_else_is() -> None:
    queue, due = the_queue(), NOON + timedelta(minutes=5)
    queue.take(NOON)
    for hour in range(3):
        queue.take(due + timedelta(hours=hour))
        do_jobs(a_kind(), due + timedelta(hours=hour))
    late = due + jobs.KEPT + timedelta(hours=2, seconds=1)
    failed = jobs.ask(kind="count", parameters={}, asked_by_id=None, now=NOON)
    Job.objects.filter(pk=failed.pk).update(state="FAILED", ended_at=NOON, failure="It was.")

    assert jobs.forget_old(now=late) == 2

    assert set(Job.objects.values_list("pk", flat=True)) == {failed.pk, PeriodicWork.objects.get().job_id}
