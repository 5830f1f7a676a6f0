"""Redis and RabbitMQ as production has them: word of a job reaches a worker, which looks for nothing by itself."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from celery import Celery
from django.conf import settings
from django.utils import timezone
from kombu import Connection, Exchange, Queue

from accounts import jobs
from accounts.models import Job
from tests.processes import environment

HOST = os.environ.get("TWOFOLD_SERVICES_HOST", "127.0.0.1")
BROKERS = [
    pytest.param(f"redis://{HOST}:6379/13", marks=pytest.mark.services("redis"), id="redis"),
    pytest.param(f"amqp://guest:guest@{HOST}:5672//", marks=pytest.mark.services("rabbitmq"), id="rabbitmq"),
]
PATIENCE = 60.0

WORKER = [
    sys.executable,
    "-W",
    "ignore",
    "-m",
    "celery",
    "--app",
    "loyalty.site.celery",
    "worker",
    "--concurrency",
    "1",
]
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]

ASKS = """
import django

django.setup()
from django.utils import timezone

from accounts import jobs

jobs.ask(kind="tidy_up", parameters={}, asked_by_id=None, now=timezone.now())
"""


@contextmanager
def an_installation(broker: str) -> Iterator[dict[str, str]]:
    """Settings with queues of their own on the broker; nothing is left of them."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    try:
        yield environment(CELERY_BROKER_URL=broker, TWOFOLD_QUEUE=name)
    finally:
        with Connection(broker) as connection:
            channel = connection.channel()
            for queue in (name, f"{name}-jobs"):
                Queue(queue, channel=channel).delete()
                Exchange(queue, channel=channel).delete()


@contextmanager
def a_worker(settings_of_it: dict[str, str], *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own, once it answers."""
    name = f"{settings_of_it['TWOFOLD_QUEUE']}@here"
    command = [*WORKER, *QUIET, "--hostname", name, *more]
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=settings_of_it) as worker:
        try:
            _until_it_answers(name, settings_of_it["CELERY_BROKER_URL"])
            yield worker
        finally:
            worker.terminate()
            worker.wait(PATIENCE)


def _until_it_answers(name: str, broker: str) -> None:
    until = time.monotonic() + PATIENCE
    with Celery("asks", broker=broker) as app:
        while not app.control.ping(destination=[name], timeout=0.5):
            assert time.monotonic() < until, "the worker does not answer"


def ended() -> list[str]:
    """The states of the jobs, once all of them have ended."""
    until = time.monotonic() + PATIENCE
    while Job.objects.filter(ended_at=None).exists() and time.monotonic() < until:
        time.sleep(0.05)
    return list(Job.objects.order_by("pk").values_list("state", flat=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broker", BROKERS)
def test_worker_is_woken_by_a_process_that_ends_right_after_its_commit(broker: str) -> None:
    with an_installation(broker) as theirs, a_worker(theirs):
        subprocess.run([sys.executable, "-c", ASKS], cwd=settings.BASE_DIR, env=theirs, check=True)

        assert ended() == ["DONE"]


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broker", BROKERS)
def test_work_that_nobody_said_anything_of_is_found_at_the_start_of_a_worker_and_by_beat(broker: str) -> None:
    jobs.ask(kind="tidy_up", parameters={}, asked_by_id=None, now=timezone.now())

    with an_installation(broker) as theirs, a_worker(theirs, "--beat"):
        assert ended() == ["DONE"]
        jobs.ask(kind="tidy_up", parameters={}, asked_by_id=None, now=timezone.now())
        assert ended() == ["DONE", "DONE"]
