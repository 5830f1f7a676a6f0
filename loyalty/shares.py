"""Work over many companies in several processes: each does those of its share.

A company is in one share from the first thing to the last, in their order; what companies have in common (limits of a
whole program, budgets of campaigns) is what only one process at a time could count, so there it stays one.
"""

import os
import signal
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any, cast

from django.db import connection, connections

from loyalty.models import Campaign, RuleCap, RuleSet

_SLOTS = 16
_DRAFT = RuleSet.Status.DRAFT


class ShareStoppedError(Exception):
    """A process ended before it was done; what it had committed until then stays."""


@dataclass(frozen=True, slots=True)
class Share:
    """The companies of one process: the `number`th of `of`. `customer` is a company by its own number."""

    number: int = 0
    of: int = 1

    @property
    def is_first(self) -> bool:
        """Whether it speaks for what belongs to no customer."""
        return self.number == 0

    def holds(self, customer: str) -> bool:
        """Whether a customer is in it."""
        return self.of == 1 or _slot(customer) % self.of == self.number

    def locks(self, name: str) -> list[int]:
        """The keys that keep another import of the same `name` away from these customers, however it is shared out."""
        slots = range(self.number, _SLOTS, self.of)
        return sorted(zlib.crc32(f"{name}:{slot}".encode()) for slot in slots)


def _slot(customer: str) -> int:
    return zlib.crc32(customer.encode()) % _SLOTS


def most_processes(wanted: int) -> int:
    """Return in how many processes activities may be brought in where `wanted` are asked for."""
    if connection.in_atomic_block or not hasattr(os, "fork"):
        return 1
    limits = RuleCap.objects.filter(subject=RuleCap.Subject.PROGRAM).exclude(rule__rule_set__status=_DRAFT)
    budgets = Campaign.objects.filter(budget__isnull=False).exclude(rule_set__status=_DRAFT)
    return 1 if limits.exists() or budgets.exists() else max(1, min(wanted, _SLOTS))


Told = Any
"""What a share tells after a batch: its rejections; and at the end, whatever it comes to."""


def share_out(
    count: int, work: Callable[[Share, Callable[[Told], None]], Told], on_batch: Callable[[Sequence[Told]], None]
) -> list[Told]:
    """Do `work` for each of `count` shares in a process of its own, and return what they come to, by share.

    `work` tells something after each batch; `on_batch` hears what all of them told of the first, of the second, and so
    on. Raises what a share raised, and ShareStoppedError where one ended without a word; the others are ended then.
    """
    connections.close_all()  # a process must not speak on another one's connection
    told: list[deque[Told]] = [deque() for _share in range(count)]
    results: list[Told] = [None] * count
    with _processes(count, work) as pipes:
        open_ = dict(zip(pipes, range(count), strict=True))
        while open_:
            for pipe in cast(list[Connection], wait(list(open_))):
                kind, content = _heard(pipe)
                if kind == "error":
                    raise content
                if kind == "end":
                    results[open_.pop(pipe)] = content
                else:
                    told[open_[pipe]].append(content)
            while all(told):
                on_batch([waiting.popleft() for waiting in told])
    return results


def _heard(pipe: Connection) -> tuple[str, Told]:
    try:
        kind, content = pipe.recv()
    except EOFError as error:
        raise ShareStoppedError("A process was ended from outside.") from error
    return kind, content


@contextmanager
def _processes(count: int, work: Callable[[Share, Callable[[Told], None]], Told]) -> Iterator[list[Connection]]:
    forking = get_context("fork")  # with all that is loaded and configured here
    pipes: list[Connection] = []
    processes: list[ForkProcess] = []
    try:
        for number in range(count):
            here, there = forking.Pipe(duplex=False)
            process = forking.Process(target=_serve, args=(Share(number, count), work, there), daemon=True)
            process.start()
            there.close()
            pipes.append(here)
            processes.append(process)
        yield pipes
    finally:
        for process in processes:
            process.terminate()
        for process, pipe in zip(processes, pipes, strict=True):
            process.join()
            pipe.close()


def _serve(share: Share, work: Callable[[Share, Callable[[Told], None]], Told], pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who shared out hears it, and ends all
    try:
        result = work(share, lambda told: pipe.send(("batch", told)))
    except Exception as error:
        pipe.send(("error", _carried(error)))
    else:
        pipe.send(("end", result))
    finally:
        connections.close_all()


def _carried(error: Exception) -> Exception:
    """An error as another process can raise it: those of the database driver carry what cannot be sent."""
    error.__cause__ = error.__context__ = None
    return error
