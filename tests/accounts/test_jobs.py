"""Jobs: done once, cancelled, failed with a reason, taken up again after a worker died, three times at most."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from accounts import jobs
from accounts.jobs import JobFailedError, JobKind, JobOverError, Run
from accounts.models import Job
from tests.loyalty.racing import race


def kind(do: object) -> JobKind:
    """A kind of job that does `do`."""
    return JobKind("count", "Count", do)  # type: ignore[arg-type]


def counts_to_three(run: Run) -> Mapping[str, object]:
    for step in range(1, 4):
        run.report(step, 3)
    return {"counted": 3}


@pytest.mark.django_db
def test_a_job_is_done_once_and_keeps_its_result() -> None:
    now = timezone.now()
    job = jobs.ask(kind="count", parameters={}, asked_by_id=None, now=now)
    queue = jobs.queue_of([kind(counts_to_three)])

    assert queue.take(now) == 1
    assert queue.take(now) == 0

    job.refresh_from_db()
    assert (job.state, job.result, job.done, job.total, job.tries) == ("DONE", {"counted": 3}, 3, 3, 1)
    assert job.ended_at is not None


@pytest.mark.django_db
def test_a_job_that_is_not_due_or_not_known_here_waits() -> None:
    now = timezone.now()
    jobs.ask(kind="count", parameters={}, asked_by_id=None, now=now, due_at=now + timedelta(hours=1))
    jobs.ask(kind="another", parameters={}, asked_by_id=None, now=now)

    assert jobs.queue_of([kind(counts_to_three)]).take(now) == 0
    assert jobs.queue_of([kind(counts_to_three)]).take(now + timedelta(hours=1)) == 1


@pytest.mark.django_db
def test_a_job_that_cannot_go_on_says_why_and_can_be_sent_again() -> None:
    def refuses(run: Run) -> Mapping[str, object]:
        raise JobFailedError("The file is empty.")

    now = timezone.now()
    job = jobs.ask(kind="count", parameters={}, asked_by_id=None, now=now)

    jobs.queue_of([kind(refuses)]).take(now)

    job.refresh_from_db()
    assert (job.state, job.failure) == ("FAILED", "The file is empty.")
    jobs.send_again(job_id=job.pk, now=now)
    jobs.queue_of([kind(counts_to_three)]).take(now)
    job.refresh_from_db()
    assert (job.state, job.failure) == ("DONE", "")
    with pytest.raises(JobOverError):
        jobs.send_again(job_id=job.pk, now=now)


@pytest.mark.django_db
def test_a_job_that_breaks_does_not_stop_the_queue() -> None:
    def breaks(run: Run) -> Mapping[str, object]:
        raise ZeroDivisionError

    now = timezone.now()
    job = jobs.ask(kind="count", parameters={}, asked_by_id=None, now=now)

    assert jobs.queue_of([kind(breaks)]).take(now) == 1

    job.refresh_from_db()
    assert job.state == "FAILED"
    assert job.failure.startswith("Something unforeseen happened")


@pytest.mark.django_db
def test_a_job_is_cancelled_while_it_waits_and_while_it_runs() -> None:
    now = timezone.now()
    waits = jobs.ask(kind="count", parameters={}, asked_by_id=None, now=now)
    assert jobs.cancel(job_id=waits.pk, now=now).state == "CANCELLED"

    def cancelled_meanwhile(run: Run) -> Mapping[str, object]:
        run.report(1, 3)
        jobs.cancel(job_id=run.job.pk, now=now)
        run.report(2, 3)
        raise AssertionError("it should have stopped")

    runs = jobs.ask(kind="count", parameters={}, asked_by_id=None, now=now)
    jobs.queue_of([kind(cancelled_meanwhile)]).take(now)

    runs.refresh_from_db()
    assert (runs.state, runs.done) == ("CANCELLED", 2)
    with pytest.raises(JobOverError):
        jobs.cancel(job_id=runs.pk, now=now)


@pytest.mark.django_db(transaction=True)
def test_a_job_whose_worker_died_is_taken_up_again_three_times_at_most() -> None:
    now = timezone.now()
    job = jobs.ask(kind="count", parameters={}, asked_by_id=None, now=now)

    def dies(run: Run) -> Mapping[str, object]:
        connections["default"].close()  # what the kernel does for a process that is killed
        raise SystemExit

    for expected in (1, 2, 3):
        with pytest.raises(SystemExit):
            jobs.queue_of([kind(dies)]).take(now)
        job.refresh_from_db()
        assert (job.state, job.tries) == ("RUNNING", expected)

    assert jobs.queue_of([kind(dies)]).take(now) == 0
    job.refresh_from_db()
    assert (job.state, job.tries) == ("FAILED", 3)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_do_one_job_at_once() -> None:
    now = timezone.now()
    jobs.ask(kind="count", parameters={}, asked_by_id=None, now=now)
    done: list[int] = []

    def looks_around(run: Run) -> Mapping[str, object]:
        done.append(run.job.pk)
        others = race([lambda: jobs.queue_of([kind(looks_around)]).take(now)])
        return {"others": others[0]}

    assert jobs.queue_of([kind(looks_around)]).take(now) == 1
    assert len(done) == 1
    assert Job.objects.get().result == {"others": 0}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"state": "DONE"}, "job_ended_has_a_moment"),
        ({"state": "FAILED", "ended_at": timezone.now()}, "job_failed_says_why"),
        ({"done": 3, "total": 2}, "job_done_within_total"),
    ],
)
def test_the_database_refuses_a_job_that_makes_no_sense(wrong: dict[str, object], constraint: str) -> None:
    job = jobs.ask(kind="count", parameters={}, asked_by_id=None, now=timezone.now())

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**wrong)
    assert Job.objects.get(pk=job.pk).state == "QUEUED"
