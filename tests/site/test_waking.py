"""Wake-ups: sent after the commit, by a thread, never more than one at a time; a broker that is down costs nobody."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import transaction

from accounts import jobs, queues
from accounts.models import Job
from loyalty.site.waking import Waker
from tests.factories.world import NOW
from tests.processes import environment

PATIENCE = 5.0


class Post:
    """A broker: keeps what was sent, or refuses it."""

    def __init__(self, *, is_down: bool = False) -> None:
        self.sent: list[str] = []
        self.attempts = 0
        self.is_down = is_down
        self.opened = threading.Event()
        self.opened.set()

    def send(self, queue_code: str) -> None:
        self.attempts += 1
        assert self.opened.wait(PATIENCE)
        if self.is_down:
            raise ConnectionRefusedError(111, "refused")
        self.sent.append(queue_code)


def test_a_storm_of_wake_ups_becomes_few_and_the_last_one_is_not_lost() -> None:
    post = Post()
    waker = Waker(post.send, interval=0.05)
    post.opened.clear()

    waker("jobs")  # is being sent while all of the others come
    for _number in range(10_000):
        waker("jobs")
        waker("mail")
    post.opened.set()

    assert waker.flush(PATIENCE)
    assert all(1 <= post.sent.count(code) <= 2 for code in ("jobs", "mail"))  # the one on its way, and the one after
    waker("jobs")
    assert waker.flush(PATIENCE)
    assert post.sent[-1] == "jobs"


def test_broker_that_hangs_or_refuses_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    post = Post(is_down=True)
    waker = Waker(post.send, interval=0.01, pause=60)
    post.opened.clear()
    began = time.monotonic()

    for _number in range(1_000):
        waker("jobs")

    assert time.monotonic() - began < 0.5
    post.opened.set()
    assert not waker.flush(PATIENCE)
    assert "wake_up_lost" in caplog.text
    attempts, began = post.attempts, time.monotonic()
    waker("jobs")
    assert not waker.flush(PATIENCE)
    assert time.monotonic() - began < 0.5
    assert (post.attempts, post.sent) == (attempts, [])


def test_broker_that_comes_back_is_found_after_the_pause(caplog: pytest.LogCaptureFixture) -> None:
    post = Post(is_down=True)
    waker = Waker(post.send, interval=0.01, pause=0.05)
    waker("jobs")
    assert not waker.flush(PATIENCE)

    post.is_down = False
    waker("jobs")
    until = time.monotonic() + PATIENCE
    while not (found := waker.flush(0.05)) and time.monotonic() < until:
        time.sleep(0.001)

    assert (found, post.sent) == (True, ["jobs"])


@pytest.fixture
def woken() -> Iterator[list[str]]:
    """The codes of the queues that somebody was woken for."""
    codes: list[str] = []
    queues.use_waker(codes.append)
    yield codes
    queues.use_waker(lambda code: None)


@pytest.mark.django_db(transaction=True)
def test_nobody_is_woken_before_the_commit_nor_for_what_was_rolled_back(woken: list[str]) -> None:
    with transaction.atomic():
        jobs.ask(kind="count", parameters={}, asked_by_id=None, now=NOW)
        assert woken == []
    assert woken == ["jobs"]

    with transaction.atomic():
        jobs.ask(kind="count", parameters={}, asked_by_id=None, now=NOW)
        transaction.set_rollback(True)
    assert woken == ["jobs"]


@pytest.mark.django_db(transaction=True)
def test_waker_that_fails_does_not_undo_what_was_committed() -> None:
    def fails(queue_code: str) -> None:
        raise ConnectionRefusedError

    queues.use_waker(fails)
    try:
        job = jobs.ask(kind="count", parameters={}, asked_by_id=None, now=NOW)
    finally:
        queues.use_waker(lambda code: None)

    job.refresh_from_db()
    assert job.state == "QUEUED"


ASKS_WITH_A_CLOCK = """
import time

import django

django.setup()
from django.utils import timezone

from accounts import jobs

began = time.monotonic()
for _number in range(20):
    jobs.ask(kind="tidy_up", parameters={}, asked_by_id=None, now=timezone.now())
print(time.monotonic() - began)
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_whoever_asks_while_the_broker_hangs_waits_no_longer_and_is_told_nothing(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never says a word
        theirs = environment(CELERY_BROKER_URL=f"{scheme}://127.0.0.1:{silent.getsockname()[1]}//")
        asked = subprocess.run(
            [sys.executable, "-c", ASKS_WITH_A_CLOCK],
            cwd=settings.BASE_DIR, env=theirs, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip

    assert float(asked.stdout) < 1
    assert Job.objects.filter(state="QUEUED").count() == 20
