"""What works in the background: every queue that a worker looks at, and every kind of job that it can do.

Explicit lists, like menus: whoever has a queue or a kind of job adds it here.
"""

import time
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from accounts import erasing, jobs, periodic, segments, webhooks
from accounts.jobs import JobKind
from accounts.mail import queue_of_mail
from accounts.moving import work
from accounts.queues import Queue
from loyalty import replaying
from loyalty.site.periodic import PERIODIC

JOB_KINDS: tuple[JobKind, ...] = (
    *(kind.job for kind in PERIODIC),
    *work.job_kinds(),
    *segments.job_kinds(),
    *replaying.job_kinds(),
)

QUEUES: tuple[Queue, ...] = (
    periodic.queue_of(PERIODIC, settings.CLOCK),
    jobs.queue_of(JOB_KINDS),
    erasing.queue(),
    queue_of_mail(),
    webhooks.queue(),
)

TURN = 5.0
"""Seconds after which a queue that still has work lets the others have theirs."""


def drain(queue: Queue, *, clock: Callable[[], datetime] = timezone.now, seconds: float = TURN) -> bool:
    """Deal with what is due, portion by portion, until nothing is or the turn is over; return whether it was cut."""
    ends = time.monotonic() + seconds
    while queue.take(clock()):
        if time.monotonic() >= ends:
            return True
    return False
