"""Clients that work at the same time: processes or threads with a connection of their own, let loose for a window."""

import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Barrier

from django.db import connection, connections

Unit = Callable[[], None]
"""Does one unit of work, committed at its end."""

_TICKS = os.sysconf("SC_CLK_TCK")
_forking = get_context("fork")  # the database and settings of a benchmark exist in this process alone


class ClientError(Exception):
    """A client could not do its work; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Window:
    """What all clients did in a window: units, seconds that they take for so many while all of them work, and the
    processor's seconds on both sides.

    A unit that is begun in the window is ended after it; the part of it within, by time, is what counts.
    `server_cpu` is None where the server's processes cannot be seen from here.
    """

    units: int
    seconds: float
    client_cpu: float
    server_cpu: float | None

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.units / self.seconds

    def of(self, units_each: int) -> "Window":
        """The same window where each unit of work was so many units of what is counted."""
        return replace(self, units=self.units * units_each)


class Clients:
    """Processes that wait between windows."""

    def __init__(self, pipes: list[Connection]) -> None:
        self._pipes = pipes

    def work(self, seconds: float) -> Window:
        """Let all of them work for `seconds`. Raises ClientError."""
        for pipe in self._pipes:
            with suppress(BrokenPipeError):  # one that failed already has said why, which is heard below
                pipe.send(seconds)
        windows: list[Window] = []
        for pipe in self._pipes:
            told = pipe.recv()
            if not isinstance(told, Window):
                raise ClientError(told)
            windows.append(told)
        seen = [window.server_cpu for window in windows if window.server_cpu is not None]
        units = sum(window.units for window in windows)
        return Window(
            units=units,
            seconds=units / sum(window.rate for window in windows),
            client_cpu=sum(window.client_cpu for window in windows),
            server_cpu=sum(seen) if len(seen) == len(windows) else None,
        )


@contextmanager
def clients(count: int, prepare: Callable[[int], Unit], *, threads: int = 1) -> Iterator[Clients]:
    """Start `count` clients, so many `threads` to a process, each with the unit of work that `prepare` makes for its
    number; end them afterwards.
    """
    connections.close_all()
    pipes: list[Connection] = []
    processes = []
    for first in range(0, count, threads):
        here, there = _forking.Pipe()
        numbers = range(first, min(first + threads, count))
        process = _forking.Process(target=_serve, args=(numbers, prepare, there), daemon=True)
        process.start()
        there.close()
        pipes.append(here)
        processes.append(process)
    try:
        yield Clients(pipes)
    finally:
        for pipe in pipes:
            with suppress(BrokenPipeError):
                pipe.send(None)  # closing alone says nothing: those that were started later hold its end, too
            pipe.close()
        for process in processes:
            process.join(10)
            if process.is_alive():
                process.kill()


def _serve(numbers: Sequence[int], prepare: Callable[[int], Unit], pipe: Connection) -> None:
    try:
        with ThreadPoolExecutor(len(numbers)) as pool:
            together = Barrier(len(numbers))
            members = list(pool.map(lambda number: _begin(number, prepare, together), numbers))
            while (seconds := pipe.recv()) is not None:
                pipe.send(_work(pool, members, seconds, together))
    except EOFError:
        pass
    except Exception as error:  # told to whoever measures: there is nobody else
        pipe.send(repr(error))


def _begin(number: int, prepare: Callable[[int], Unit], together: Barrier) -> tuple[Unit, Path]:
    """Make a client in a thread of its own; returns its unit of work, and where its backend's seconds can be read."""
    unit = prepare(number)
    unit()  # caches are filled and statements planned before anything is measured
    backend = _backend()
    together.wait()  # every thread has one: none is done and takes another's
    return unit, backend


def watched(work: Callable[[], int]) -> Window:
    """Do `work`, which gives the number of units it did, in this process and measure it."""
    backend = _backend()
    own, server, started = _own_cpu(), _server_cpu(backend), time.perf_counter()
    units = work()
    seconds = time.perf_counter() - started
    after = _server_cpu(backend)
    return Window(
        units=units,
        seconds=seconds,
        client_cpu=_own_cpu() - own,
        server_cpu=after - server if after is not None and server is not None else None,
    )


def _backend() -> Path:
    """Where the seconds of the connection's backend can be read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return Path("/proc") / str(cursor.fetchone()[0]) / "stat"


def _work(pool: ThreadPoolExecutor, members: Sequence[tuple[Unit, Path]], seconds: float, together: Barrier) -> Window:
    own, server = _own_cpu(), [_server_cpu(backend) for _unit, backend in members]
    done = list(pool.map(lambda member: _repeat(member[0], seconds, together), members))
    after = [_server_cpu(backend) for _unit, backend in members]
    spent = [
        then - before for before, then in zip(server, after, strict=True) if before is not None and then is not None
    ]
    units = sum(whole for whole, _within in done)
    return Window(
        units=units,
        seconds=seconds * units / sum(within for _whole, within in done),
        client_cpu=_own_cpu() - own,
        server_cpu=sum(spent) if len(spent) == len(members) else None,
    )


def _repeat(unit: Unit, seconds: float, together: Barrier) -> tuple[int, float]:
    """Do a unit after the other until `seconds` are over; return how many were done, and how many within that time."""
    together.wait()
    started = time.perf_counter()
    began = ended = 0.0
    units = 0
    while ended < seconds:
        began = ended
        unit()
        units += 1
        ended = time.perf_counter() - started
    return units, units - (ended - seconds) / (ended - began)


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _server_cpu(stat: Path) -> float | None:
    """Seconds that a backend has computed for, if it runs on this machine."""
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS
