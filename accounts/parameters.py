"""Values as PostgreSQL reads them: parameters of statements whose plans are kept, and literals in the others."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import pq

_FEW, _SHORT = 500, 20_000
"""Elements of an array, and characters of its literal."""

_INT4, _INT8, _DATES = 23, 20, 1182
_NAMES: Mapping[int, bytes] = {
    _INT4: b"int4",
    _INT8: b"int8",
    _DATES: b"date[]",
    16: b"bool",
    17: b"bytea",
    1082: b"date",
    1184: b"timestamptz",
    1700: b"numeric",
}


def are_many(parameters: Sequence[Any]) -> bool:
    """Whether any of these is an array of so many elements that a plan made for these very ones is the better one."""
    for value in parameters:
        kind = type(value)
        if (kind is list and len(value) > _FEW) or (kind is str and len(value) > _SHORT):
            return True
    return False


def bound(parameters: Sequence[Any]) -> tuple[tuple[int, ...], list[bytes | None]]:
    """Return the types of parameters, as PostgreSQL numbers them, and their texts.

    The type is 0 where the server knows it from the statement, as of texts and most arrays. Raises psycopg.DataError
    for a text that would be cut off at a NUL.
    """
    types: list[int] = []
    texts: list[bytes | None] = []
    for value in parameters:
        type_, text = _BINDERS.get(type(value), _bind_other)(value)
        if text is not None and 0 in text:
            raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        types.append(type_)
        texts.append(text)
    return tuple(types), texts


def numbered(sql: str) -> bytes:
    """Return a statement with $1, $2 … for each %s, and a percent sign for each %%."""
    first, *others = sql.split("%s")
    parts = [first, *(f"${number}{part}" for number, part in enumerate(others, start=1))]
    return "".join(parts).replace("%%", "%").encode()


def spelled_out(sql: str, parameters: Sequence[Any], pgconn: pq.abc.PGconn) -> bytes:
    """Return a statement with its values in it."""
    first, *others = (part.replace("%%", "%").encode() for part in sql.split("%s"))
    escaping = pq.Escaping(pgconn)
    spelled = [first]
    for type_, text, part in zip(*bound(parameters), others, strict=True):
        spelled.append(b"NULL" if text is None else bytes(escaping.escape_literal(text)))
        if type_:
            spelled.append(b"::" + _NAMES[type_])
        spelled.append(part)
    return b"".join(spelled)


def _bind_int(value: int) -> tuple[int, bytes]:
    return _INT4 if -(2**31) <= value < 2**31 else _INT8, b"%d" % value


def _bind_list(value: list[Any]) -> tuple[int, bytes]:
    kind = type(value[0]) if value else None
    if kind is int:  # and so are all others, or None
        return 0, f"{{{repr(value)[1:-1].replace('None', 'NULL')}}}".encode()
    return _DATES if kind is date else 0, b"{" + b",".join([_element(each) for each in value]) + b"}"


def _bind_other(value: Any) -> tuple[int, bytes]:
    """What inherits from a type that is known here."""
    for kind in (str, bool, int, list, datetime, date):
        if isinstance(value, kind):
            type_, text = _BINDERS[kind](value)
            return type_, text if text is not None else b""
    return 0, str(value).encode()


_BINDERS: Mapping[type, Callable[[Any], tuple[int, bytes | None]]] = {
    type(None): lambda value: (0, None),
    str: lambda value: (0, str.encode(value)),
    int: _bind_int,
    list: _bind_list,
    bool: lambda value: (16, b"true" if value else b"false"),
    bytes: lambda value: (17, b"\\x" + value.hex().encode()),
    date: lambda value: (1082, value.isoformat().encode()),
    datetime: lambda value: (1184, str(value).encode()),
    Decimal: lambda value: (1700, str(value).encode()),
}


def _element(value: Any) -> bytes:
    if value is None:
        return b"NULL"
    if isinstance(value, int | date) and not isinstance(value, datetime):
        return str(value).encode()
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
