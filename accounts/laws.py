"""Laws: promises about the data that a query can check; each floor registers its own."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class Law:
    """A promise that holds at every instant.

    `breaches` is a query that gives one row a breach, whose first columns say where; over lawful data it is empty.
    """

    code: str
    promise: str
    breaches: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What checking a law found: how many breaches, and the first few."""

    law: Law
    count: int
    examples: tuple[tuple[object, ...], ...]


_laws: dict[str, Law] = {}


def register(*laws: Law) -> None:
    """Add laws to those that `verify` checks; a code belongs to one law."""
    for law in laws:
        if _laws.setdefault(law.code, law) != law:
            raise ValueError(f"Two laws are called {law.code}.")


def verify() -> Iterable[Finding]:
    """Check every law over all data, by code; a lawful installation gives findings that all count 0."""
    for _code, law in sorted(_laws.items()):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM ({law.breaches}) AS breach")  # noqa: S608 (laws are code)
            count: int = cursor.fetchone()[0]
            examples: tuple[tuple[object, ...], ...] = ()
            if count:
                cursor.execute(f"SELECT * FROM ({law.breaches}) AS breach LIMIT 5")  # noqa: S608 (laws are code)
                examples = tuple(cursor.fetchall())
        yield Finding(law, count, examples)
