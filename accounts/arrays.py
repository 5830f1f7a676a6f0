"""Many rows in one statement: columns go to the database as arrays, ids are drawn ahead."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
from django.db import connection

from accounts import together
from accounts.together import Answer


def fetch(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows that `sql` gives."""
    return ask(sql, *parameters).rows


def ask(sql: str, *parameters: Any) -> Answer:
    """Ask for the rows that `sql` gives, which may come with those of the next statements."""
    if sender := together.sender():
        return sender.add(sql, parameters)
    with _watched_cursor() as cursor:
        cursor.execute(sql, parameters)
        return Answer(rows=cursor.fetchall())


def fetch_named(sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows that `sql` gives, with its parameters by name; planned for the very values."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def stream(sql: str, parameters: Mapping[str, Any], *, at_once: int = 2_000) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that `sql` gives, so many at once in memory; in a transaction, until it ends."""
    connection.ensure_connection()
    if sender := together.sender():
        sender.send()
    with connection.connection.cursor(name="stream") as cursor:
        cursor.itersize = at_once
        cursor.execute(sql, parameters)
        yield from cursor


def run(sql: str, *parameters: Any) -> None:
    """Carry out `sql`; the next statements may be sent with it."""
    if sender := together.sender():
        sender.add(sql, parameters)
        return
    with _watched_cursor() as cursor:
        cursor.execute(sql, parameters)


def _watched_cursor() -> Any:
    """A cursor that tells Django of its statements; values go to the server beside them, as they do otherwise."""
    connection.ensure_connection()
    cursor: Any = psycopg.Cursor(connection.connection)
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)


def insert(table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]], *, then: str = "") -> None:
    """Insert `rows` into `table`; `columns` maps names to PostgreSQL types; `then` is an ON CONFLICT clause."""
    if rows:
        run(_insert_sql(table, tuple(columns.items()), then), *literals(columns, rows))


def insert_returning(
    table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]], *, then: str
) -> list[tuple[Any, ...]]:
    """Insert `rows` and return what `then`, which ends in a RETURNING clause, gives."""
    return insert_asking(table, columns, rows, then=then).rows


def insert_asking(table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]], *, then: str) -> Answer:
    """The same, whose answer may come with those of the next statements."""
    return ask(_insert_sql(table, tuple(columns.items()), then), *literals(columns, rows)) if rows else Answer(rows=[])


def columns_of(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    """Rows turned into columns."""
    return [list(column) for column in zip(*rows, strict=True)]


def draw_ids(**counts: int) -> dict[str, list[int]]:
    """Draw so many new ids a table, ascending; one round trip for all of them."""
    return ask_ids(**counts)()


def ask_ids(**counts: int) -> Callable[[], dict[str, list[int]]]:
    """Ask for so many new ids a table; what is returned gives them, and they may come with the next statements."""
    wanted = {table: count for table, count in counts.items() if count}
    none: dict[str, list[int]] = {table: [] for table in counts}
    if not wanted:
        return lambda: none
    draws = " UNION ALL ".join(
        f"(SELECT '{table}', array_agg(nextval('{table}_id_seq')) FROM generate_series(1, %s))"  # noqa: S608 (names are code)
        for table in wanted
    )
    answer = ask(draws, *wanted.values())
    return lambda: none | {table: sorted(drawn) for table, drawn in answer.rows}


@cache
def _insert_sql(table: str, columns: Sequence[tuple[str, str]], then: str) -> str:
    names = ", ".join(f'"{name}"' for name, _type in columns)
    arrays = ", ".join(f"%s::{type_}[]" for _name, type_ in columns)
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {then}"  # noqa: S608 (names are code)


def literals(columns: Mapping[str, str], rows: Sequence[Sequence[object]]) -> list[str]:
    """One PostgreSQL array literal a column; written here, as the driver's own way takes five times as long."""
    return [
        _literal(column, _ELEMENTS[type_])
        for type_, column in zip(columns.values(), zip(*rows, strict=True), strict=True)
    ]


def _literal(column: tuple[Any, ...], element: Callable[[Any], str] | None) -> str:
    """Write an array; what stands in a column more than once is written once, as most columns have few values."""
    if element is None:
        return "{" + repr(column)[1:-1].rstrip(",").replace("None", "NULL") + "}"
    written: dict[Any, str] = {value: element(value) for value in set(column)}
    if None in written:
        written[None] = "NULL"
    return "{" + ",".join([written[value] for value in column]) + "}"


def _quoted(value: object) -> str:
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bytes(value: bytes) -> str:
    return f'"\\\\x{value.hex()}"'


_ELEMENTS: Mapping[str, Callable[[Any], str] | None] = {
    "bigint": None,
    "boolean": None,
    "numeric": str,
    "date": str,
    "timestamptz": _quoted,
    "text": _quoted,
    "jsonb": _quoted,
    "bytea": _bytes,
}
"""How an element is written; None: as Python itself writes whole numbers and truth values."""
