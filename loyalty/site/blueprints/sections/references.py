"""What a document names of the whole installation: types of activities, roles and segments, by their codes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.facts import COMPANY_SEGMENTS, EMPLOYEE_ROLES


@dataclass(frozen=True, slots=True)
class References:
    """Codes that stand somewhere in a document beside where they are said."""

    types: frozenset[str]
    roles: frozenset[str]
    segments: frozenset[str]


def references_of(data: Mapping[str, Any]) -> References:
    """Return what a document names, whatever else it is."""
    types: set[str] = set()
    roles: set[str] = set()
    segments: set[str] = set()
    for mapping in _mappings({key: part for key, part in data.items() if key not in _WORDS}):
        types.update(_texts(mapping.get("when"), mapping.get("what"), mapping.get("of")))
        roles.update(_texts(mapping.get("role"), mapping.get("roles")))
        segments.update(_texts(mapping.get("segment"), mapping.get("segments")))
        for keys in ("fact", "by"):
            found = roles if mapping.get(keys) == EMPLOYEE_ROLES else segments
            if mapping.get(keys) in (EMPLOYEE_ROLES, COMPANY_SEGMENTS):
                found.update(_texts(mapping.get("value"), *(row.get("is") for row in _rows(mapping.get("table")))))
    return References(frozenset(types), frozenset(roles), frozenset(segments))


_WORDS = ("roles", "segments", "activity_types")
"""Where they are said."""


def _mappings(part: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(part, Mapping):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _mappings(each)


def _rows(table: Any) -> Iterator[Mapping[str, Any]]:
    return (row for row in table if isinstance(row, Mapping)) if isinstance(table, list) else iter(())


def _texts(*parts: Any) -> Iterator[str]:
    for part in parts:
        for each in part if isinstance(part, list) else [part]:
            if isinstance(each, str):
                yield each
