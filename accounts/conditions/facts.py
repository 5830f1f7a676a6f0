"""What a condition may ask about: facts, their types, the operators each type allows, and how a value is kept as JSON.

Each floor registers its facts in `registry`; a catalogue is any mapping of code to `Fact`, so a caller can extend it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType

from accounts.wording import N_

Label = object
"""Anything `str()` can render. It may be a lazy translation, so it is read only when a sentence is built."""

Value = Decimal | str | bool | date | frozenset[str] | None
"""What a fact was at the moment of asking; None when it is not known."""

Values = Mapping[str, Value]
"""Fact code to value. A code that is absent is not known."""

Json = str | bool | list[str] | None


class FactType(StrEnum):
    NUMBER = "NUMBER"
    TEXT = "TEXT"
    CHOICE = "CHOICE"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    SET = "SET"


class Operator(StrEnum):
    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    BETWEEN = "between"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ON_OR_AFTER = "on_or_after"
    BEFORE = "before"
    HAS = "has"
    HAS_ANY = "has_any"
    HAS_NONE = "has_none"
    KNOWN = "known"


OPERATOR_NAMES: Mapping[Operator, str] = MappingProxyType(
    {
        Operator.EQ: N_("is"),
        Operator.NE: N_("is not"),
        Operator.GT: N_("is more than"),
        Operator.GTE: N_("is at least"),
        Operator.LT: N_("is less than"),
        Operator.LTE: N_("is at most"),
        Operator.BETWEEN: N_("is from … to …"),
        Operator.IN: N_("is one of"),
        Operator.NOT_IN: N_("is none of"),
        Operator.CONTAINS: N_("contains"),
        Operator.STARTS_WITH: N_("starts with"),
        Operator.ON_OR_AFTER: N_("is on or after"),
        Operator.BEFORE: N_("is before"),
        Operator.HAS: N_("include"),
        Operator.HAS_ANY: N_("include one of"),
        Operator.HAS_NONE: N_("include none of"),
        Operator.KNOWN: N_("is known"),
    }
)
"""The operators as an editor lists them; untranslated."""

_OPERATORS: Mapping[FactType, tuple[Operator, ...]] = {
    FactType.NUMBER: (
        Operator.EQ,
        Operator.NE,
        Operator.GT,
        Operator.GTE,
        Operator.LT,
        Operator.LTE,
        Operator.BETWEEN,
        Operator.KNOWN,
    ),
    FactType.TEXT: (
        Operator.EQ,
        Operator.NE,
        Operator.IN,
        Operator.NOT_IN,
        Operator.CONTAINS,
        Operator.STARTS_WITH,
        Operator.KNOWN,
    ),
    FactType.CHOICE: (Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN, Operator.KNOWN),
    FactType.BOOLEAN: (Operator.EQ, Operator.KNOWN),
    FactType.DATE: (Operator.ON_OR_AFTER, Operator.BEFORE, Operator.BETWEEN, Operator.KNOWN),
    FactType.SET: (Operator.HAS, Operator.HAS_ANY, Operator.HAS_NONE, Operator.KNOWN),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a condition can ask about.

    `choices` are the (code, label) pairs of a CHOICE or SET fact. Left empty, the codes are not listed here and any is
    accepted: a caller who knows them (an editor, a blueprint) parses with a catalogue where the fact has choices, while
    a running engine can parse a saved condition without looking them up.
    """

    code: str
    type: FactType
    label: Label
    unit: Label = ""
    choices: tuple[tuple[str, Label], ...] = ()

    @property
    def operators(self) -> tuple[Operator, ...]:
        return _OPERATORS[self.type]


Catalogue = Mapping[str, Fact]


class FactConflictError(ValueError):
    """Two floors claim one fact code with different meanings."""


class FactRegistry:
    """The facts of every floor, filled in `AppConfig.ready()`."""

    def __init__(self) -> None:
        self._facts: dict[str, Fact] = {}

    def register(self, *facts: Fact) -> None:
        """Add facts, all or none. Repeating one is harmless; its code with other type or choices is FactConflictError.

        Labels are not compared: that would read a lazy translation before there is a language to read it in.
        """
        added: dict[str, Fact] = {}
        for fact in facts:
            known = self._facts.get(fact.code) or added.setdefault(fact.code, fact)
            if _meaning(known) != _meaning(fact):
                raise FactConflictError(
                    f"The fact '{fact.code}' is already registered with another type or other choices; "
                    "give one of the two another code."
                )
        self._facts.update(added)

    def catalogue(self) -> Catalogue:
        """A read-only view, by code, of all that is registered."""
        return MappingProxyType(self._facts)


def _meaning(fact: Fact) -> tuple[FactType, tuple[str, ...]]:
    return fact.type, tuple(code for code, _ in fact.choices)


registry = FactRegistry()


def to_json(value: Value) -> Json:
    """`value` as JSON that `from_json` reads back exactly: numbers and dates as text, sets as sorted lists.

    Raises ValueError for NaN, Infinity and a datetime: none of them is a fact's value.
    """
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is not a number that can be kept as a fact.")
        return str(value)
    if isinstance(value, datetime):
        raise ValueError("A fact holds a date, not a datetime; take the date in the program's time zone first.")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    return value


def from_json(raw: object, fact: Fact) -> Value:
    """The value of `fact` kept as `raw`. Raises ValueError when `raw` is not of the fact's type.

    Numbers may come as text (as `to_json` writes them) or as JSON numbers.
    """
    if raw is None:
        return None
    value = _read(raw, fact.type)
    if value is None:
        raise ValueError(f"{raw!r} is not a value of the {fact.type} fact '{fact.code}'.")
    return value


def _read(raw: object, fact_type: FactType) -> Value:
    match fact_type, raw:
        case FactType.BOOLEAN, bool():
            return raw
        case ((FactType.TEXT | FactType.CHOICE), str()):
            return raw
        case FactType.NUMBER, (str() | int() | float()) if not isinstance(raw, bool):
            return _finite(raw)
        case FactType.DATE, str():
            return iso_date(raw)
        case FactType.SET, list() if all(isinstance(code, str) for code in raw):
            return frozenset(raw)
        case _:
            return None


def _finite(raw: str | float) -> Decimal | None:
    try:
        # By way of text: 0.1 is meant, not the binary fraction nearest to it.
        number = Decimal(repr(raw) if isinstance(raw, float) else raw)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def iso_date(raw: str) -> date | None:
    """The day written YYYY-MM-DD, and None for any other way of writing one."""
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        return None
    return day if day.isoformat() == raw else None
