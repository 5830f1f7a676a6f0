"""Queues as a worker drains them, and what becomes of the work of a worker that is killed."""

import select
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts import jobs, naming, periodic
from accounts.jobs import JobKind, Run
from accounts.models import Job
from accounts.queues import Queue
from loyalty.models import ProgramDay
from loyalty.site.periodic import PERIODIC
from loyalty.site.work import JOB_KINDS, QUEUES, drain
from tests.factories.world import NOW, a_program
from tests.processes import environment

KILLED_WORKER = """
import time
import django

django.setup()
from django.utils import timezone

from accounts import jobs


def hangs(run):
    run.report(1, 3)
    print("at work", flush=True)
    time.sleep(60)


jobs.queue_of([jobs.JobKind("count", "Count", hangs)]).take(timezone.now())
"""


def counting(portions: int) -> tuple[Queue, list[datetime]]:
    """A queue of so many portions, and the moments at which one was taken or asked for."""
    looks: list[datetime] = []

    def take(now: datetime) -> int:
        looks.append(now)
        return int(len(looks) <= portions)

    return Queue("count", take), looks


def test_queue_is_drained_portion_by_portion_with_the_time_of_each() -> None:
    queue, looks = counting(3)
    moments = iter(NOW + timedelta(seconds=second) for second in range(9))

    assert drain(queue, clock=lambda: next(moments)) is False

    assert looks == [NOW + timedelta(seconds=second) for second in range(4)]


def test_queue_that_does_not_end_lets_the_others_have_their_turn() -> None:
    queue, looks = counting(10**9)

    assert drain(queue, seconds=0.01) is True

    assert 0 < len(looks) < 10**6


def test_what_works_in_the_background_is_listed_once() -> None:
    assert len({queue.code for queue in QUEUES}) == len(QUEUES)
    assert len({kind.code for kind in JOB_KINDS}) == len(JOB_KINDS)
    assert {kind.job.code for kind in PERIODIC} <= {kind.code for kind in JOB_KINDS}
    assert set(naming.JOBS) >= {kind.code for kind in JOB_KINDS}


@pytest.mark.django_db
def test_everything_that_comes_round_does_its_work_and_can_do_it_again() -> None:
    a_program()
    periodic_queue, jobs_queue = periodic.queue_of(PERIODIC, settings.CLOCK), jobs.queue_of(JOB_KINDS)
    tomorrow, day_after = (timezone.now() + timedelta(days=days) for days in (1, 2))
    periodic_queue.take(timezone.now())

    for now in (tomorrow, day_after):
        drain(periodic_queue, clock=lambda now=now: now)  # type: ignore[misc]
        drain(jobs_queue, clock=lambda now=now: now)  # type: ignore[misc]

    done = {(job.kind, job.state) for job in Job.objects.all()}
    assert done == {(kind.job.code, "DONE") for kind in PERIODIC}
    assert Job.objects.count() == 2 * len(PERIODIC)
    assert ProgramDay.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_job_whose_worker_process_was_killed_is_taken_up_at_once_by_the_next() -> None:
    job = jobs.ask(kind="count", parameters={}, asked_by_id=None, now=timezone.now())

    def counts(run: Run) -> Mapping[str, object]:
        return {"counted": 3}

    queue = jobs.queue_of([JobKind("count", "Count", counts)])
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_WORKER], cwd=settings.BASE_DIR, env=environment(), stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout is not None
        assert select.select([worker.stdout], [], [], 30)[0], "the worker did not begin"
        assert worker.stdout.readline() == b"at work\n"
        job.refresh_from_db()
        assert (job.state, job.done, job.tries) == ("RUNNING", 1, 1)
        assert queue.take(timezone.now()) == 0
        worker.kill()

    until = timezone.now() + timedelta(seconds=5)
    while not queue.take(timezone.now()) and timezone.now() < until:  # until PostgreSQL has seen that it is gone
        pass
    job.refresh_from_db()
    assert (job.state, job.result, job.tries) == ("DONE", {"counted": 3}, 2)
