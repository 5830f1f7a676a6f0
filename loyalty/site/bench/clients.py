"""Clients that work at the same time: processes with a connection of their own, let loose for a window of time."""

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from django.db import connection, connections

Unit = Callable[[], None]
"""Does one unit of work, committed at its end."""

_TICKS = os.sysconf("SC_CLK_TCK")
_forking = get_context("fork")  # the database and settings of a benchmark exist in this process alone


class ClientError(Exception):
    """A client could not do its work; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Window:
    """What all clients did in a window: units, seconds, and the processor's seconds on both sides.

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


class Clients:
    """Processes that wait between windows."""

    def __init__(self, pipes: list[Connection]) -> None:
        self._pipes = pipes

    def work(self, seconds: float) -> Window:
        """Let all of them work for `seconds`. Raises ClientError."""
        for pipe in self._pipes:
            pipe.send(seconds)
        windows: list[Window] = []
        for pipe in self._pipes:
            told = pipe.recv()
            if not isinstance(told, Window):
                raise ClientError(told)
            windows.append(told)
        seen = [window.server_cpu for window in windows if window.server_cpu is not None]
        return Window(
            units=sum(window.units for window in windows),
            seconds=max(window.seconds for window in windows),
            client_cpu=sum(window.client_cpu for window in windows),
            server_cpu=sum(seen) if len(seen) == len(windows) else None,
        )


@contextmanager
def clients(count: int, prepare: Callable[[int], Unit]) -> Iterator[Clients]:
    """Start `count` processes, each with the unit of work that `prepare` makes for its number; end them afterwards."""
    connections.close_all()
    pipes: list[Connection] = []
    processes = []
    for number in range(count):
        here, there = _forking.Pipe()
        process = _forking.Process(target=_serve, args=(number, prepare, there), daemon=True)
        process.start()
        there.close()
        pipes.append(here)
        processes.append(process)
    try:
        yield Clients(pipes)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(10)
            if process.is_alive():
                process.kill()


def _serve(number: int, prepare: Callable[[int], Unit], pipe: Connection) -> None:
    try:
        unit = prepare(number)
        unit()  # caches are filled and statements planned before anything is measured
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = Path("/proc") / str(cursor.fetchone()[0]) / "stat"
        while True:
            pipe.send(_work(unit, pipe.recv(), backend))
    except EOFError:
        pass
    except Exception as error:  # told to whoever measures: there is nobody else
        pipe.send(repr(error))


def _work(unit: Unit, seconds: float, backend: Path) -> Window:
    own, server = _own_cpu(), _server_cpu(backend)
    started = time.perf_counter()
    units = 0
    while (elapsed := time.perf_counter() - started) < seconds:
        unit()
        units += 1
    server_after = _server_cpu(backend)
    spent = None if server is None or server_after is None else server_after - server
    return Window(units, elapsed, _own_cpu() - own, spent)


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
