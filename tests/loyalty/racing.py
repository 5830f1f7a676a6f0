"""Races: use cases in threads with connections of their own, brought to the same point before any goes on."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest
from django.db import connection, connections, transaction

from tests.database import empty_the_tables

PATIENCE = 20.0


def race(runners: Sequence[Callable[[], Any]], *, held: Callable[[], object] | None = None) -> list[Any]:
    """Run every runner in a thread; return what each gave back or raised, in their order.

    `held` takes a lock that all runners come to; it is let go when every one of them waits for a lock.
    """
    results: list[Any] = [None] * len(runners)
    start = threading.Barrier(len(runners) + (0 if held is None else 1))

    def run(position: int) -> None:
        try:
            start.wait(PATIENCE)
            results[position] = runners[position]()
        except Exception as error:  # a loser of the race is a result
            results[position] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(position,)) for position in range(len(runners))]
    if held is None:
        for thread in threads:
            thread.start()
    else:
        with transaction.atomic():
            held()
            for thread in threads:
                thread.start()
            start.wait(PATIENCE)
            _until_waiting(len(runners))
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a runner hangs"
    return results


def _until_waiting(count: int) -> None:
    deadline = monotonic() + PATIENCE
    waiting = 0
    while monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # or a transaction sees the same picture every time
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            waiting = cursor.fetchone()[0]
        if waiting >= count:
            return
    raise AssertionError(f"{waiting} of {count} runners wait")


def race_in_order(runners: Sequence[Callable[[], Any]], *, held: Callable[[], object]) -> list[Any]:
    """Like `race`, but each runner starts when the one before it waits for a lock: they queue in their order."""
    results: list[Any] = [None] * len(runners)

    def run(position: int) -> None:
        try:
            results[position] = runners[position]()
        except Exception as error:  # a loser of the race is a result
            results[position] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(position,)) for position in range(len(runners))]
    with transaction.atomic():
        held()
        for position, thread in enumerate(threads, start=1):
            thread.start()
            _until_waiting(position)
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a runner hangs"
    return results


def meet_before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, count: int, *, once: bool = False) -> None:
    """Let `count` runners meet right before the function `name` of `owner`: all have read, none has written.

    With `once` they meet the first time and go on by themselves from then on.
    """
    barrier = threading.Barrier(count)
    function = getattr(owner, name)
    calls = itertools.count()

    def meet_first(*args: Any, **kwargs: Any) -> Any:
        if not once or next(calls) < count:
            barrier.wait(PATIENCE)
        return function(*args, **kwargs)

    monkeypatch.setattr(owner, name, meet_first)


@contextmanager
def without_constraints(**tables: str) -> Iterator[None]:
    """The database without some constraints (name to table); afterwards it is emptied and has them again."""
    definitions: dict[str, str] = {}
    with connection.cursor() as cursor:
        for name, table in tables.items():
            cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
            definitions[name] = cursor.fetchone()[0]
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    try:
        yield
    finally:
        empty_the_tables()
        with connection.cursor() as cursor:
            for name, table in tables.items():
                cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definitions[name]}')
