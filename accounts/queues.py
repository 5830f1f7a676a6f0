"""Work is rows: queues whose due rows a worker deals with, and the wake-up that says that there are some.

A wake-up is a hint, sent once what it speaks of has been committed. Whoever loses it (a broker that is down, a worker
that is killed) loses nothing but time: every queue is looked at again and again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction


@dataclass(frozen=True, slots=True)
class Queue:
    """A kind of work that stands in rows.

    `take` claims one portion of the rows that are due, deals with it and returns how many rows that were; 0 means that
    nothing is due. It may be killed at any point, run twice, and run in many processes at once.
    """

    code: str
    take: Callable[[datetime], int]


_wakers: list[Callable[[str], None]] = []


def use_waker(waker: Callable[[str], None]) -> None:
    """Say how a worker is woken: `waker` is called with a queue's code. The shell does so, with its broker."""
    _wakers[:] = [waker]


def wake(queue_code: str) -> None:
    """Hint, once this transaction has been committed, that the queue has rows that are due."""

    def send() -> None:  # a function with a name, which Django logs where it fails; a `partial` has none
        for waker in _wakers:
            waker(queue_code)

    transaction.on_commit(send, robust=True)
