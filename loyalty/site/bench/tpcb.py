"""The yardstick: pgbench's TPC-B-like transaction, prepared, on the same server with as many clients.

Where no pgbench is found, clients of ours do the same seven statements; the figures then say so.
"""

import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection

from loyalty.site import embedded_postgres
from loyalty.site.bench.clients import Unit, clients

SCALE = 10
ACCOUNTS = 100_000 * SCALE
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


class YardstickError(Exception):
    """pgbench failed; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What tells how many transactions a second the machine does: `rate` measures for so many seconds."""

    name: str
    rate: Callable[[float], float]


@contextmanager
def yardstick(count: int) -> Iterator[Yardstick]:
    """The yardstick for `count` clients at once, on tables of its own in the database in use, made where missing."""
    program, database = _pgbench(), str(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pgbench_history') IS NULL")
        is_empty = cursor.fetchone()[0]
    if program is None:
        if is_empty:
            _fill_tables()
        with clients(count, _tpcb) as ours:
            yield Yardstick("its seven statements by psycopg (no pgbench was found)", lambda s: ours.work(s).rate)
    else:
        if is_empty:
            _run(program, database, "-i", "-q", "-s", str(SCALE))
        yield Yardstick("pgbench", lambda seconds: _rate(program, database, count, seconds))


def _pgbench() -> str | None:
    found = embedded_postgres.program("pgbench")
    return str(found) if found is not None else shutil.which("pgbench")


def _rate(program: str, database: str, count: int, seconds: float) -> float:
    """Transactions a second, without the time to connect; pgbench takes whole seconds."""
    threads = min(count, os.cpu_count() or 1)
    amount = ("-c", str(count), "-j", str(threads), "-T", str(max(1, round(seconds))))
    said = _run(program, database, "-n", "-M", "prepared", *amount)
    found = _RATE.search(said)
    if found is None:
        raise YardstickError(said)
    return float(found[1])


def _run(program: str, database: str, *arguments: str) -> str:
    settings: dict[str, Any] = connection.settings_dict
    names = (("-h", "HOST"), ("-p", "PORT"), ("-U", "USER"))
    address = [part for flag, name in names if settings[name] for part in (flag, str(settings[name]))]
    done = subprocess.run(  # noqa: S603 (the program was looked up, the address is that of the settings)
        [program, *address, *arguments, database],
        env={**os.environ, "PGPASSWORD": str(settings["PASSWORD"] or "")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise YardstickError(done.stderr)
    return done.stdout


_TABLES = f"""
    CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88)) WITH (fillfactor = 100);
    CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84));
    CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84));
    CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
    INSERT INTO pgbench_branches SELECT n, 0, '' FROM generate_series(1, {SCALE}) n;
    INSERT INTO pgbench_tellers SELECT n, (n - 1) / 10 + 1, 0, '' FROM generate_series(1, 10 * {SCALE}) n;
    INSERT INTO pgbench_accounts SELECT n, (n - 1) / 100000 + 1, 0, '' FROM generate_series(1, {ACCOUNTS}) n;
    VACUUM ANALYZE pgbench_branches, pgbench_tellers, pgbench_accounts, pgbench_history"""  # noqa: S608 (numbers of ours)


def _fill_tables() -> None:
    with connection.cursor() as cursor:
        for statement in _TABLES.split(";"):
            cursor.execute(statement)


def _tpcb(number: int) -> Unit:
    """One TPC-B-like transaction, on a bare connection with prepared statements."""
    connection.ensure_connection()
    bare: psycopg.Connection[Any] = connection.connection
    bare.prepare_threshold = 0
    chance = random.Random(number)  # noqa: S311 (nothing secret)

    def transact() -> None:
        account, delta = chance.randint(1, ACCOUNTS), chance.randint(-5000, 5000)
        branch, teller = chance.randint(1, SCALE), chance.randint(1, 10 * SCALE)
        with bare.transaction():
            bare.execute("UPDATE pgbench_accounts SET abalance = abalance + %s WHERE aid = %s", (delta, account))
            bare.execute("SELECT abalance FROM pgbench_accounts WHERE aid = %s", (account,)).fetchone()
            bare.execute("UPDATE pgbench_tellers SET tbalance = tbalance + %s WHERE tid = %s", (delta, teller))
            bare.execute("UPDATE pgbench_branches SET bbalance = bbalance + %s WHERE bid = %s", (delta, branch))
            bare.execute(
                "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (%s, %s, %s, %s, now())",
                (teller, branch, account, delta),
            )

    return transact
