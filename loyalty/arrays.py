"""Many rows in one statement: columns go to the database as arrays, ids are drawn ahead."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def fetch(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows that `sql` gives."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def run(sql: str, *parameters: Any) -> int:
    """Carry out `sql`; return the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        touched: int = cursor.rowcount
    return touched


def insert(table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]], *, then: str = "") -> None:
    """Insert `rows` into `table`; `columns` maps names to PostgreSQL types; `then` is an ON CONFLICT clause."""
    if rows:
        run(insert_sql(table, columns, then), *columns_of(rows))


def insert_returning(
    table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]], *, then: str
) -> list[tuple[Any, ...]]:
    """Insert `rows` and return what `then`, which ends in a RETURNING clause, gives."""
    return fetch(insert_sql(table, columns, then), *columns_of(rows)) if rows else []


def insert_sql(table: str, columns: Mapping[str, str], then: str) -> str:
    """The statement that inserts one array a column, in the order of the arrays."""
    names = ", ".join(f'"{name}"' for name in columns)
    arrays = ", ".join(f"%s::{type_}[]" for type_ in columns.values())
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {then}"  # noqa: S608 (names are code)


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
