"""Many rows in one statement: columns go to the database as arrays, ids are drawn ahead."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection


def fetch(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows that `sql` gives."""
    with _cursor(parameters) as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def fetch_named(sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows that `sql` gives, with its parameters by name; planned for the very values."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def stream(sql: str, parameters: Mapping[str, Any], *, at_once: int = 2_000) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that `sql` gives, so many at once in memory; in a transaction, until it ends."""
    connection.ensure_connection()
    with connection.connection.cursor(name="stream") as cursor:
        cursor.itersize = at_once
        cursor.execute(sql, parameters)
        yield from cursor


def run(sql: str, *parameters: Any) -> int:
    """Carry out `sql`; return the number of rows it touched."""
    with _cursor(parameters) as cursor:
        cursor.execute(sql, parameters)
        touched: int = cursor.rowcount
    return touched


def _cursor(parameters: Sequence[Any]) -> Any:
    """A cursor of Django's, which has the server plan each statement for the very rows; for few rows one that keeps the
    plan with the connection: with them, planning takes longer than doing.
    """
    if any(isinstance(value, list | str) and len(value) > _FEW for value in parameters):
        return connection.cursor()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    connection.connection.prepare_threshold = 1
    cursor: Any = psycopg.Cursor(connection.connection)
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)


_FEW = 500
"""Elements of an array, or characters of its literal."""


def insert(table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]], *, then: str = "") -> None:
    """Insert `rows` into `table`; `columns` maps names to PostgreSQL types; `then` is an ON CONFLICT clause."""
    if rows:
        run(_insert_sql(table, columns, then), *_literals(columns, rows))


def insert_returning(
    table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]], *, then: str
) -> list[tuple[Any, ...]]:
    """Insert `rows` and return what `then`, which ends in a RETURNING clause, gives."""
    return fetch(_insert_sql(table, columns, then), *_literals(columns, rows)) if rows else []


def columns_of(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    """Rows turned into columns."""
    return [list(column) for column in zip(*rows, strict=True)]


def draw_ids(**counts: int) -> dict[str, list[int]]:
    """Draw so many new ids a table, ascending; one round trip for all of them."""
    wanted = {table: count for table, count in counts.items() if count}
    if not wanted:
        return {table: [] for table in counts}
    draws = " UNION ALL ".join(
        f"(SELECT '{table}', nextval('{table}_id_seq') FROM generate_series(1, %s))"  # noqa: S608 (names are code)
        for table in wanted
    )
    ids: dict[str, list[int]] = {table: [] for table in counts}
    for table, new_id in fetch(draws, *wanted.values()):
        ids[table].append(new_id)
    return {table: sorted(drawn) for table, drawn in ids.items()}


def _insert_sql(table: str, columns: Mapping[str, str], then: str) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    arrays = ", ".join(f"%s::{type_}[]" for type_ in columns.values())
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {then}"  # noqa: S608 (names are code)


def _literals(columns: Mapping[str, str], rows: Sequence[Sequence[object]]) -> list[str]:
    """One PostgreSQL array literal a column; written here, as the driver's own way takes five times as long."""
    return [
        "{" + ",".join(map(_ELEMENTS[type_], column)) + "}"
        for type_, column in zip(columns.values(), zip(*rows, strict=True), strict=True)
    ]


def _plain(value: object) -> str:
    return "NULL" if value is None else str(value)


def _quoted(value: object) -> str:
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bytes(value: Any) -> str:
    return "NULL" if value is None else f'"\\\\x{value.hex()}"'


_ELEMENTS: Mapping[str, Callable[[object], str]] = {
    "bigint": _plain,
    "boolean": _plain,
    "numeric": _plain,
    "date": _plain,
    "timestamptz": _quoted,
    "text": _quoted,
    "jsonb": _quoted,
    "bytea": _bytes,
}
