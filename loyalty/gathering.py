"""Callers of one moment, on the threads of one process, are worked for together: they share a transaction and a commit.

While one of them works, those that come wait; the first of these then works for all of them. Whoever comes right after
some were worked for together waits for all who came lately to come again, half of what that took at the most: they were
answered at once, and without that they would fall apart into groups that wait for each other. Nobody works for others
twice in a row.
"""

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import connection

K = TypeVar("K", bound=Hashable)
I = TypeVar("I")  # noqa: E741 (an item)
R = TypeVar("R")


_PART = 0.5
"""Of the time that the last ones took, how long others are waited for."""

_MOST_KEYS = 100
"""Keys of which the last group is remembered; with more it begins anew, as callers may make up any."""


@dataclass(frozen=True, slots=True)
class Group:
    """Those that were worked for together: how many, when that ended, and how long it took, in seconds; with the
    threads of their callers, and of those before them.
    """

    size: int
    ended: float
    took: float
    callers: frozenset[int] = frozenset()
    before: frozenset[int] = frozenset()


class _Call(Generic[I, R]):
    def __init__(self, items: Sequence[I]) -> None:
        self.items = items
        self.results: Sequence[R] | None = None
        self.by = threading.get_ident()
        self.leads = False
        self.is_its_turn = threading.Event()


class Gathering(Generic[K, I, R]):
    """Does work that may be done for one caller or for many: `work` takes items and gives a result an item.

    It must be fit for that: items one by one, or in any groups, have to lead to the same. Only callers with the same
    key are worked for together, and at most `most` items at once.
    """

    def __init__(self, work: Callable[[K, Sequence[I]], Sequence[R]], *, most: int) -> None:
        self._work = work
        self._most = most
        self._lock = threading.Lock()
        self._came = threading.Condition(self._lock)
        self._last: dict[K, Group] = {}
        self._waiting: dict[K, list[_Call[I, R]]] = {}
        """Calls by key, in the order in which they came; a key stands here while somebody works for it."""

    def __call__(self, key: K, items: Sequence[I]) -> Sequence[R]:
        """Return a result an item. What goes wrong for many at once is done again for each, and concerns it alone."""
        if connection.in_atomic_block:  # the caller's transaction is not for others
            return self._work(key, items)
        call: _Call[I, R] = _Call(items)
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is None:
                self._waiting[key] = []
                call.leads = True
            else:
                waiting.append(call)
                self._came.notify_all()
        if not call.leads:
            call.is_its_turn.wait()
        if call.leads:
            self._lead(key, call)
        return self._work(key, items) if call.results is None else call.results

    def _lead(self, key: K, own: _Call[I, R]) -> None:
        """Work for the own call and those that wait, then give the lead away; what failed is left without results."""
        self._await_others(key)
        started = time.perf_counter()
        calls = [own, *self._followers(key, len(own.items))]
        try:
            if len(calls) > 1:
                self._serve(key, calls)
            else:
                own.results = self._work(key, own.items)
        finally:
            for call in calls[1:]:
                call.is_its_turn.set()
            with self._lock:
                ended = time.perf_counter()
                callers, last = frozenset(call.by for call in calls), self._last.get(key)
                before = last.callers if last is not None else frozenset[int]()
                if len(self._last) >= _MOST_KEYS:
                    self._last.clear()
                self._last[key] = Group(len(calls), ended, ended - started, callers, before)
                if self._waiting[key]:
                    following = self._waiting[key].pop(0)
                    following.leads = True
                    following.is_its_turn.set()
                else:
                    del self._waiting[key]

    def _await_others(self, key: K) -> None:
        """Give those that came lately a moment to come again, where some were answered together just now."""
        with self._came:
            last = self._last.get(key)
            if last is not None and last.size > 1 and time.perf_counter() - last.ended < _PART * last.took:
                missing = (last.callers | last.before) - {threading.get_ident()}
                self._came.wait_for(lambda: missing <= {call.by for call in self._waiting[key]}, _PART * last.took)

    def _serve(self, key: K, calls: Sequence[_Call[I, R]]) -> None:
        try:
            results = self._work(key, [item for call in calls for item in call.items])
        except Exception:  # by its own attempt each of them is told what concerns it
            return
        start = 0
        for call in calls:
            call.results = results[start : start + len(call.items)]
            start += len(call.items)

    def _followers(self, key: K, count: int) -> list[_Call[I, R]]:
        """Take from those that wait as many as may be worked for together with `count` items."""
        with self._lock:
            waiting = self._waiting[key]
            taken: list[_Call[I, R]] = []
            while waiting and count + len(waiting[0].items) <= self._most:
                taken.append(waiting.pop(0))
                count += len(taken[-1].items)
            return taken
