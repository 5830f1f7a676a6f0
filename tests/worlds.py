"""Worlds that are dear to build are built once in a while, and put back for each test in one question.

A world is whatever a function builds in an empty database and returns. A fixture for a module keeps it, a fixture for a
test puts it back (`canary_world` in conftest.py is one); each test has rows and objects of its own.
"""

import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from django.db import connection, transaction

from tests.database import tables_of_tests

World = TypeVar("World")

FRESH = 600
"""For how many seconds a world is good: it was built as of then."""


@dataclass(frozen=True, slots=True)
class Kept(Generic[World]):
    """A world as statements that insert its rows, triggers aside, and as a pickle of what its builder returned."""

    insert: str
    returned: bytes
    at: float

    def put_back(self) -> World:
        """Let the database, empty but for it, hold this world."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(self.insert)
        world: World = pickle.loads(self.returned)  # noqa: S301  written by this process
        return world


class Keep(Protocol):
    """What the fixture `keep` gives."""

    def __call__(self, build: Callable[[], World]) -> Kept[World]: ...


_kept: dict[Callable[[], Any], Kept[Any]] = {}


def kept(build: Callable[[], World]) -> Kept[World]:
    """Return a world that `build` has built lately, or have it built: outside of tests, in the empty database."""
    if build not in _kept or time.monotonic() - _kept[build].at > FRESH:
        with transaction.atomic():
            world = build()
            _kept[build] = Kept(_inserts(), pickle.dumps(world), time.monotonic())
            transaction.set_rollback(True)
    return _kept[build]


def _inserts() -> str:
    """Statements that insert every row that now stands in a table; whatever a row holds, it comes back as it was.

    What the database computes of a row it computes again.
    """
    statements = " UNION ALL ".join(
        f"""SELECT format('INSERT INTO %1$I (%2$s) SELECT %2$s FROM unnest(%3$L::%1$I[])', '{table}',
                          (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
                           WHERE attrelid = '"{table}"'::regclass AND attnum > 0 AND NOT attisdropped
                             AND attgenerated = ''),
                          array_agg(kept))
        FROM "{table}" AS kept HAVING count(*) > 0"""
        for table in tables_of_tests()
    )
    with connection.cursor() as cursor:
        cursor.execute(statements)
        inserts = [row[0] for row in cursor.fetchall()]
    replica, origin = (f"SET LOCAL session_replication_role = {role}" for role in ("replica", "origin"))
    return "; ".join([replica, *inserts, origin])
