"""Statements that go to the database together: in one packet, in their order, each answered like one sent alone.

A statement that is sent alone costs two changes between processes beside its own work, which for few rows is more than
that. It takes libpq's pipeline mode, below psycopg's cursors, which would send each statement by itself all the same.
"""

import select
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection, transaction
from psycopg import abc, errors, pq
from psycopg.adapt import AdaptersMap, Loader, Transformer

from accounts.parameters import are_many, bound, numbered, spelled_out

Row = tuple[Any, ...]


class Answer:
    """What a statement that waits to be sent will give; asking for its rows sends everything up to it."""

    def __init__(self, sender: "Sender | None" = None, rows: list[Row] | None = None) -> None:
        self._sender = sender
        self._rows = rows

    @property
    def rows(self) -> list[Row]:
        """The rows."""
        if self._rows is None and self._sender is not None:
            self._sender.send()
        return self._rows or []

    def take(self, rows: list[Row]) -> None:
        """Take in the rows that came."""
        self._rows = rows


class Sender:
    """Statements of this thread's connection that wait to be sent, in their order; or (`waits` False) do not."""

    def __init__(self, *, waits: bool) -> None:
        self._waits = waits
        self._waiting: list[tuple[str, Sequence[Any], Answer]] = []

    def add(self, sql: str, parameters: Sequence[Any]) -> Answer:
        """Let a statement wait; `sql` has a %s for each parameter, and %% for a percent sign."""
        answer = Answer(self)
        self._waiting.append((sql, parameters, answer))
        if not self._waits:
            self.send()
        return answer

    def send(self, *, and_commit: bool = False) -> None:
        """Send what waits and read the answers. Raises what Django raises for the first statement that fails.

        Nothing may follow `and_commit` in the transaction: what Django then does to commit it finds nothing to do.
        """
        waiting, self._waiting = self._waiting, []
        if waiting:
            with connection.wrap_database_errors:
                _exchange(connection.connection, waiting, and_commit=and_commit)


_of_thread = threading.local()


@contextmanager
def atomic_together() -> Iterator[None]:
    """A transaction whose statements of `arrays` wait for each other, up to the next whose rows are asked for.

    The last go with the commit. What goes to the database otherwise (the ORM) comes after what waits, too.
    """
    with transaction.atomic(), together(commits=True):
        yield


@contextmanager
def together(*, commits: bool = False) -> Iterator[None]:
    """The same without a transaction of its own; `commits` is for the one that is about to end."""
    outer: Sender | None = getattr(_of_thread, "sender", None)
    ours = None if outer else _a_sender(waits=True)
    if ours is None:
        yield
        if outer:
            outer.send()
        return

    def after_those_that_wait(execute: Callable[..., Any], *arguments: Any) -> Any:
        ours.send()
        return execute(*arguments)

    _of_thread.sender = ours
    try:
        with connection.execute_wrapper(after_those_that_wait):
            yield
        is_last = (
            commits
            and len(connection.atomic_blocks) == 1
            and connection.commit_on_exit
            and not connection.needs_rollback
        )
        ours.send(and_commit=is_last)
    finally:
        _of_thread.sender = None


def sender() -> Sender | None:
    """Return where a statement waits for others, or goes at once outside of `together`.

    None where statements are watched (by tests, which count them): those go through Django's cursors.
    """
    found: Sender | None = getattr(_of_thread, "sender", None)
    return found or _a_sender(waits=False)


def _a_sender(*, waits: bool) -> Sender | None:
    if connection.execute_wrappers or connection.queries_logged:
        return None
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    return Sender(waits=waits)


_Key = tuple[str, tuple[int, ...]]
"""What tells a planned statement: its text, and the types of its parameters, as PostgreSQL numbers them."""

_prepared: WeakKeyDictionary[psycopg.Connection[Any], dict[_Key, bytes]] = WeakKeyDictionary()
"""Names of the statements that each connection has planned."""


class _Moment(Loader):
    """A moment in UTC, as Django's loader gives it, which takes ten times as long: it is written in Python."""

    def load(self, data: abc.Buffer) -> datetime:
        """Raises psycopg.DataError for what no datetime can hold: infinity, years before 1 and after 9999."""
        text = bytes(data).decode()
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise psycopg.DataError(f"no datetime holds {text}") from error


_reading: WeakKeyDictionary[psycopg.Connection[Any], abc.Transformer] = WeakKeyDictionary()
"""What turns the answers of each connection, whose time zone is UTC, into values."""


def _reader(bare: psycopg.Connection[Any]) -> abc.Transformer:
    reader = _reading.get(bare)
    if reader is None:
        adapters = AdaptersMap(bare.adapters)
        adapters.register_loader("timestamptz", _Moment)
        reader = _reading[bare] = Transformer(adapters)
    return reader


_MOST_PLANS = 500
"""Plans that a connection keeps; with more it begins anew."""

_numbers = count()


def _exchange(
    bare: psycopg.Connection[Any], statements: Sequence[tuple[str, Sequence[Any], Answer]], *, and_commit: bool
) -> None:
    pgconn = bare.pgconn
    names = _prepared.setdefault(bare, {})
    new: dict[_Key, bytes] = {}
    expected: list[Answer | None] = []
    planned = [_plan(sql, parameters, pgconn) for sql, parameters, _answer in statements]
    pgconn.enter_pipeline_mode()
    try:
        if pgconn.transaction_status == pq.TransactionStatus.IDLE and not bare.autocommit:
            pgconn.send_query_params(b"BEGIN", None)
            expected.append(None)
        if len(names) >= _MOST_PLANS:
            names.clear()
            pgconn.send_query_params(b"DEALLOCATE ALL", None)
            expected.append(None)
        for (key, values), (_sql, _parameters, answer) in zip(planned, statements, strict=True):
            if isinstance(key, bytes):
                pgconn.send_query_params(key, None)
            else:
                name = names.get(key) or new.get(key)
                if name is None:
                    name = new[key] = b"together_%d" % next(_numbers)
                    pgconn.send_prepare(name, numbered(key[0]), key[1])
                    expected.append(None)
                pgconn.send_query_prepared(name, values)
            expected.append(answer)
        if and_commit:
            pgconn.send_query_params(b"COMMIT", None)
            expected.append(None)
        pgconn.pipeline_sync()
        while pgconn.flush():
            _wait(pgconn, select.POLLIN | select.POLLOUT)
        _read(bare, expected)
    finally:
        with suppress(psycopg.Error):
            pgconn.exit_pipeline_mode()
        if pgconn.pipeline_status != pq.PipelineStatus.OFF:
            bare.close()  # broken off between sending and reading: what comes yet must not answer something else
    names.update(new)


def _plan(
    sql: str, parameters: Sequence[Any], pgconn: pq.abc.PGconn
) -> tuple[_Key, list[bytes | None]] | tuple[bytes, None]:
    """What a statement's plan is kept by, and its values; of one for many rows, which is planned for these very ones,
    its text with the values in it. With few, planning takes longer than doing.
    """
    if are_many(parameters):
        return spelled_out(sql, parameters, pgconn), None
    types, values = bound(parameters)
    return (sql, types), values


def _read(bare: psycopg.Connection[Any], expected: Sequence[Answer | None]) -> None:
    """Read an answer a statement, up to the last; raises for the first that failed, or cannot be told in Python."""
    pgconn, reader = bare.pgconn, _reader(bare)
    failed: psycopg.Error | None = None
    answers = iter(expected)
    while True:
        while pgconn.is_busy():
            _wait(pgconn, select.POLLIN)
        result = pgconn.get_result()
        if result is None:
            continue
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            break
        if result.status == pq.ExecStatus.FATAL_ERROR:
            failed = failed or errors.error_from_result(result, encoding=bare.info.encoding)
        answer = next(answers)
        if answer is not None and failed is None:
            answer.take([])
            if result.ntuples:
                reader.set_pgresult(result)
                try:
                    answer.take(reader.load_rows(0, result.ntuples, tuple))
                except psycopg.Error as error:
                    failed = error
    reader.set_pgresult(None)  # a large one is not kept until the next
    if failed is not None:
        raise failed


def _wait(pgconn: pq.abc.PGconn, events: int) -> None:
    """Wait until the socket is ready, and take in what came."""
    poll = select.poll()
    poll.register(pgconn.socket, events)
    poll.poll()
    pgconn.consume_input()
