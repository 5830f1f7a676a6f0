"""A condition as rows that people fill in: facts compared one a row, and groups of rows one level deep.

An outline holds what was typed, sound or not; `document_of` turns it into a document or names the row that is wrong.
`outline_of` goes the other way, and refuses a document that would not come back exactly as it was.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from accounts.conditions.facts import Catalogue, Fact, FactType, Operator, iso_date
from accounts.conditions.language import step
from accounts.conditions.parsing import ConditionError, parse
from accounts.wording import N_, Translate

T = TypeVar("T")

LISTING = frozenset({Operator.IN, Operator.NOT_IN, Operator.HAS_ANY, Operator.HAS_NONE})
"""Operators that compare with several values."""

_NUMBER = re.compile(r"[-+]?\d{1,40}(\.\d{1,40})?([eE][-+]?\d{1,3})?", re.ASCII)


class Joins(StrEnum):
    """How rows come together; NONE only of a group."""

    ALL = "all"
    ANY = "any"
    NONE = "none"


Place = tuple[int, ...]
"""Where a row or group stands, counted from 0: `(1,)`, or in a group `(1, 0)`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison as it was typed; without a fact it is blank, and means nothing."""

    fact: str = ""
    op: str = ""
    values: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The values one by one, without what is blank: several may have been typed a line each."""
        lines = (line.strip() for value in self.values for line in value.splitlines())
        return tuple(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that count as one. `is_bare`: a single row of NONE was written without a list, and stays so."""

    joins: Joins = Joins.ANY
    rows: tuple[Row, ...] = ()
    is_bare: bool = False


@dataclass(frozen=True, slots=True)
class Outline:
    """Rows and groups. `is_bare`: what stands alone was written without a list, and stays so."""

    joins: Joins = Joins.ALL
    items: tuple[Row | Group, ...] = ()
    is_bare: bool = False

    def with_row(self, group: int | None = None) -> "Outline":
        """Return it with a blank row more, at the end or at the end of a group."""
        if group is None:
            return replace(self, items=(*self.items, Row()))
        return self._changed(group, lambda rows: (*rows, Row()))

    def with_group(self) -> "Outline":
        """Return it with a group of one blank row more."""
        return replace(self, items=(*self.items, Group(rows=(Row(),))))

    def without(self, place: Place) -> "Outline":
        """Return it without a row or group."""
        if len(place) == 1:
            return replace(self, items=_without(self.items, place[0]))
        return self._changed(place[0], lambda rows: _without(rows, place[1]))

    def moved(self, place: Place, by: int) -> "Outline":
        """Return it with a row or group one place up (-1) or down (1) among its neighbours."""
        if len(place) == 1:
            return replace(self, items=_moved(self.items, place[0], by))
        return self._changed(place[0], lambda rows: _moved(rows, place[1], by))

    def _changed(self, index: int, change: "Callable[[tuple[Row, ...]], tuple[Row, ...]]") -> "Outline":
        items = list(self.items)
        if 0 <= index < len(items) and isinstance(group := items[index], Group):
            items[index] = replace(group, rows=change(group.rows))
        return replace(self, items=tuple(items))


def number_of(place: Place) -> str:
    """Return what a row or group is called: "2", or in a group "2.1"."""
    return ".".join(str(index + 1) for index in place)


def document_of(outline: Outline, catalogue: Catalogue) -> dict[str, object]:
    """Return the document that an outline means; blank rows are left out, and nothing at all means always.

    Raises ConditionError whose path is the number of the row, empty for the whole.
    """
    document, numbers = _written(outline, catalogue)
    try:
        parse(document, catalogue)
    except ConditionError as error:
        raise error.at(numbers.get(error.path, "")) from None
    return document


def outline_of(document: object, catalogue: Catalogue) -> Outline | None:
    """Return the outline of a document; None where rows and groups would not bring back the very same document."""
    outline = _read(document)
    if outline is None:
        return None
    try:
        written, _numbers = _written(outline, catalogue)
    except ConditionError:
        return None
    return outline if _text(written) == _text(document) else None


def _without(items: tuple[T, ...], index: int) -> tuple[T, ...]:
    return (*items[:index], *items[index + 1 :])


def _moved(items: tuple[T, ...], index: int, by: int) -> tuple[T, ...]:
    other = index + by
    if not (0 <= index < len(items) and 0 <= other < len(items)):
        return items
    listed = list(items)
    listed[index], listed[other] = listed[other], listed[index]
    return tuple(listed)


def _text(document: object) -> str:
    """Tell documents apart that Python holds equal: 1, 1.0 and true."""
    return json.dumps(document, sort_keys=True)


def _read(document: object) -> Outline | None:
    """Return the outline that a document looks like; `outline_of` compares."""
    if document is None or document == {}:
        return Outline()
    match document:
        case {"all": [*parts]}:
            joins, is_bare = Joins.ALL, False
        case {"any": [*parts]}:
            joins, is_bare = Joins.ANY, False
        case _:
            joins, parts, is_bare = Joins.ALL, [document], True
    items = [_read_item(part) for part in parts]
    known = tuple(item for item in items if item is not None)
    return Outline(joins, known, is_bare) if len(known) == len(items) else None


def _read_item(part: object) -> Row | Group | None:
    match part:
        case {"all": [*parts]}:
            return _read_group(Joins.ALL, parts)
        case {"any": [*parts]}:
            return _read_group(Joins.ANY, parts)
        case {"not": {"any": [*parts]}}:
            return _read_group(Joins.NONE, parts)
        case {"not": inner}:
            return _read_group(Joins.NONE, [inner], is_bare=True)
        case _:
            return _read_row(part)


def _read_group(joins: Joins, parts: list[object], *, is_bare: bool = False) -> Group | None:
    rows = [_read_row(part) for part in parts]
    known = tuple(row for row in rows if row is not None)
    return Group(joins, known, is_bare) if len(known) == len(rows) else None


def _read_row(part: object) -> Row | None:
    match part:
        case {"fact": str(fact), "op": str(op), "value": value}:
            listed = value if isinstance(value, list) else [value]
            return Row(fact, op, tuple(one if isinstance(one, str) else json.dumps(one) for one in listed))
        case _:
            return None


def _written(outline: Outline, catalogue: Catalogue) -> tuple[dict[str, object], dict[str, str]]:
    """Return the document, and of each path in it the number of the row that it came from."""
    parts = list(_written_items(outline.items, catalogue))
    if not parts:
        return {}, {}
    if outline.is_bare and len(parts) == 1:
        [(document, numbers)] = parts
        return document, numbers
    paths = {
        step(step("", f"{outline.joins}[{index}]"), path) if path else f"{outline.joins}[{index}]": number
        for index, (_part, numbers) in enumerate(parts)
        for path, number in numbers.items()
    }
    return {outline.joins.value: [part for part, _numbers in parts]}, paths


def _written_items(
    items: tuple[Row | Group, ...], catalogue: Catalogue
) -> Iterator[tuple[dict[str, object], dict[str, str]]]:
    for index, item in enumerate(items):
        if isinstance(item, Group):
            yield from _written_group(item, index, catalogue)
        elif item.fact:
            number = number_of((index,))
            yield _leaf(item, number, catalogue), {"": number}


def _written_group(
    group: Group, index: int, catalogue: Catalogue
) -> Iterator[tuple[dict[str, object], dict[str, str]]]:
    rows = [(number_of((index, inner)), row) for inner, row in enumerate(group.rows) if row.fact]
    leaves = [_leaf(row, number, catalogue) for number, row in rows]
    if not leaves:
        return
    if group.joins is not Joins.NONE:
        paths = {f"{group.joins}[{inner}]": number for inner, (number, _row) in enumerate(rows)}
        yield {group.joins.value: leaves}, {"": number_of((index,)), **paths}
    elif group.is_bare and len(leaves) == 1:
        yield {"not": leaves[0]}, {"not": rows[0][0]}
    else:
        paths = {f"not.any[{inner}]": number for inner, (number, _row) in enumerate(rows)}
        yield {"not": {"any": leaves}}, {"": number_of((index,)), **paths}


def _leaf(row: Row, number: str, catalogue: Catalogue) -> dict[str, object]:
    fact = catalogue.get(row.fact)
    value: object = list(row.values) if fact is None else _Typed(row, fact, number).value()
    return {"fact": row.fact, "op": row.op, "value": value}


class _Typed:
    """What was typed in a row, as the fact's type has it."""

    def __init__(self, row: Row, fact: Fact, number: str) -> None:
        self._row, self._fact, self._number = row, fact, number

    def value(self) -> object:
        """Return it as JSON; ConditionError where it is none."""
        op, texts = self._row.op, self._row.texts
        if op not in list(self._fact.operators):
            raise self._error(N_("Choose how “{fact}” is compared."))
        match Operator(op), self._fact.type:
            case (Operator.KNOWN, _) | (_, FactType.BOOLEAN):
                return self._flag(texts)
            case Operator.BETWEEN, _:
                if len(texts) != 2:
                    raise self._error(N_("Write from where to where “{fact}” is meant: both ends."))
                return [self._one(text) for text in texts]
            case operator, _ if operator in LISTING:
                if not texts:
                    raise self._error(N_("Choose at least one for “{fact}”."))
                return list(texts)
            case _:
                if len(texts) != 1:
                    raise self._error(N_("Say with what “{fact}” is compared: one value."))
                return self._one(texts[0])

    def _flag(self, texts: tuple[str, ...]) -> bool:
        if texts not in (("true",), ("false",)):
            raise self._error(N_("Choose yes or no for “{fact}”."))
        return texts == ("true",)

    def _one(self, text: str) -> object:
        if self._fact.type is FactType.NUMBER:
            return self._decimal(text)
        if self._fact.type is FactType.DATE and iso_date(text) is None:
            raise self._error(N_("“{text}” is not a date for “{fact}”; write it as 2026-01-31."), text)
        return text

    def _decimal(self, text: str) -> int | float:
        if not _NUMBER.fullmatch(text):
            template = N_("“{text}” is not a number for “{fact}”; write digits, with a point before decimals: 2.5.")
            raise self._error(template, text)
        if text.lstrip("+-").isdigit():
            return int(text)
        number = float(text)
        if Decimal(repr(number)) != Decimal(text):
            raise self._error(N_("“{text}” has too many digits for “{fact}”; write it shorter."), text)
        return number

    def _error(self, template: str, text: str = "") -> ConditionError:
        def label(_translate: Translate) -> str:
            return str(self._fact.label)

        return ConditionError(self._number, template, fact=label, text=text[:40])
