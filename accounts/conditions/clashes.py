"""Whether conditions can hold at all, and together; and which of their rows exclude each other.

Every comparison of a fact changes its answer at finitely many places, so a few values of it stand for all there are.
What is called impossible is; what is called possible may in rare cases not be: facts are looked at each for itself (a
tier and its rank are two), and of a condition with very many ways to hold not all are tried.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal
from itertools import pairwise

from accounts.conditions.facts import Catalogue, Fact, FactType, Operator, Value
from accounts.conditions.language import All, Always, Any, Condition, Leaf, Not, step

_MOST_STEPS = 2_000
"""How many ways to hold are tried; whoever writes twenty rows by hand stays far below."""

_EXACT = Context(prec=1_000)
"""Between any two numbers that people write there is another one."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A leaf of a condition and how it has to come out; `is_given` says that it is no row but was assumed."""

    path: str
    leaf: Leaf
    is_met: bool = True
    is_given: bool = False


@dataclass(frozen=True, slots=True)
class Clash:
    """Rows of a condition that exclude each other, as few as tell it; `is_whole`: so the condition never holds.

    Else what stands below one of its "any" never counts. `rows` are empty where no two or three of them are to blame.
    """

    rows: tuple[Literal, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class _All:
    parts: "tuple[_Part, ...]"


@dataclass(frozen=True, slots=True)
class _Any:
    parts: "tuple[_Part, ...]"


_Part = _All | _Any | Literal


def can_hold(*conditions: Condition, catalogue: Catalogue, given: Sequence[Leaf] = ()) -> bool:
    """Whether there are facts by which all of `conditions` and what is `given` hold at once."""
    parts = [_normal(condition, "", is_met=True) for condition in conditions]
    return _Search(catalogue).can_hold((*parts, *_given(given)))


def clashes(condition: Condition, *, catalogue: Catalogue, given: Sequence[Leaf] = ()) -> list[Clash]:
    """Return what keeps a condition, or a part of it, from ever holding; `given` holds besides."""
    whole, assumed = _normal(condition, "", is_met=True), tuple(_given(given))
    if not _Search(catalogue).can_hold((whole, *assumed)):
        found = [Clash(rows, True) for rows in _cores((*_sure(whole), *assumed), catalogue)]
        return found or [Clash((), True)]
    dead: dict[frozenset[Literal], Clash] = {}
    for literal in _literals(whole):
        forced = _by_way_of(whole, literal)
        if forced is whole or _Search(catalogue).can_hold((forced, *assumed)):
            continue
        cores = _cores((*_sure(forced), *assumed), catalogue) or [(literal,)]
        for rows in cores:
            dead.setdefault(frozenset(rows), Clash(rows, False))
    return list(dead.values())


class _Search:
    """Looks for a way to hold: of every "any" one part."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._steps = 0

    def can_hold(self, parts: Iterable[_Part]) -> bool:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            return True
        sure, choices = _parted(parts)
        if not all(_is_possible(rows, self._catalogue) for rows in _by_fact(sure)):
            return False
        if not choices:
            return True
        chosen = min(choices, key=lambda choice: len(choice.parts))
        others = [choice for choice in choices if choice is not chosen]
        return any(self.can_hold((*sure, option, *others)) for option in chosen.parts)


def _normal(node: Condition, path: str, *, is_met: bool) -> _Part:
    """The same without "not": what stands below one has to come out the other way."""
    match node:
        case Leaf():
            return Literal(path, node, is_met)
        case Always():
            return _All(())
        case Not(part):
            return _normal(part, step(path, "not"), is_met=not is_met)
        case All() | Any():
            parts = tuple(_normal(part, at, is_met=is_met) for at, part in node.children(path))
            return _All(parts) if isinstance(node, All) is is_met else _Any(parts)


def _given(leaves: Iterable[Leaf]) -> Iterator[Literal]:
    for leaf in leaves:
        yield Literal("", leaf, is_given=True)


def _parted(parts: Iterable[_Part]) -> tuple[list[Literal], list[_Any]]:
    """What has to come out as it stands, and the choices that are left."""
    sure: list[Literal] = []
    choices: list[_Any] = []
    pending = list(parts)
    while pending:
        match pending.pop(0):
            case Literal() as literal:
                sure.append(literal)
            case _All(several):
                pending[:0] = several
            case _Any((only,)):
                pending.insert(0, only)
            case _Any() as choice:
                choices.append(choice)
    return sure, choices


def _sure(part: _Part) -> list[Literal]:
    return _parted([part])[0]


def _literals(part: _Part) -> Iterator[Literal]:
    if isinstance(part, Literal):
        yield part
    else:
        for inner in part.parts:
            yield from _literals(inner)


def _by_way_of(part: _Part, literal: Literal) -> _Part:
    """The part with every choice on the way to a literal made for it; the very same where there is none."""
    if isinstance(part, Literal) or literal not in _literals(part):
        return part
    if isinstance(part, _Any) and len(part.parts) > 1:
        return _by_way_of(next(each for each in part.parts if literal in _literals(each)), literal)
    inner = tuple(_by_way_of(each, literal) for each in part.parts)
    return part if all(new is old for new, old in zip(inner, part.parts, strict=True)) else _All(inner)


def _by_fact(literals: Iterable[Literal]) -> list[list[Literal]]:
    by_fact: dict[str, list[Literal]] = {}
    for literal in literals:
        by_fact.setdefault(literal.leaf.fact, []).append(literal)
    return list(by_fact.values())


def _cores(literals: Iterable[Literal], catalogue: Catalogue) -> list[tuple[Literal, ...]]:
    """Of each fact that cannot come out as it has to, the fewest of its literals that tell so."""
    cores = []
    for rows in _by_fact(literals):
        if _is_possible(rows, catalogue):
            continue
        for literal in list(rows):
            fewer = [each for each in rows if each is not literal]
            if not _is_possible(fewer, catalogue):
                rows = fewer
        cores.append(tuple(rows))
    return cores


def _is_possible(literals: Sequence[Literal], catalogue: Catalogue) -> bool:
    """Whether one value of a fact, or none, meets all that is said of it."""
    if not literals:
        return True
    fact = catalogue.get(literals[0].leaf.fact)
    if fact is None:
        return True
    values: Iterator[Value] = iter((None, *_WITNESSES[fact.type](literals, fact)))
    return any(all(one.leaf.holds({fact.code: value}) is one.is_met for one in literals) for value in values)


def _operands(literals: Iterable[Literal]) -> Iterator[object]:
    for literal in literals:
        if literal.leaf.op is not Operator.KNOWN:
            value = literal.leaf.value
            yield from value if isinstance(value, tuple) else (value,)


def _numbers(literals: Sequence[Literal], fact: Fact) -> Iterator[Value]:
    """Every number that is named, one between each two, one below and one above all."""
    named = sorted({number for number in _operands(literals) if isinstance(number, Decimal)})
    if not named:
        yield Decimal(0)
        return
    yield from (_EXACT.subtract(named[0], Decimal(1)), _EXACT.add(named[-1], Decimal(1)), *named)
    for lower, upper in pairwise(named):
        yield _EXACT.divide(_EXACT.add(lower, upper), Decimal(2))


def _days(literals: Sequence[Literal], fact: Fact) -> Iterator[Value]:
    """Every day that is named, and those beside it."""
    named = [day for day in _operands(literals) if isinstance(day, date)]
    for day in named or [date(2000, 1, 1)]:
        yield day
        if day > date.min:
            yield day - timedelta(days=1)
        if day < date.max:
            yield day + timedelta(days=1)


def _flags(literals: Sequence[Literal], fact: Fact) -> Iterator[Value]:
    yield from (True, False)


def _codes(literals: Sequence[Literal], fact: Fact) -> Iterator[Value]:
    """The codes that there are; where they are not listed, those that are named and another."""
    codes = [code for code, _label in fact.choices]
    yield from codes or (*(code for code in _operands(literals) if isinstance(code, str)), _OTHER)


def _texts(literals: Sequence[Literal], fact: Fact) -> Iterator[Value]:
    """The texts that are named; and one that begins and contains as it has to, and is otherwise like no other."""
    yield from (text for text in _operands(literals) if isinstance(text, str))
    asked = [(one.leaf.op, one.leaf.value) for one in literals if one.is_met]
    starts = [str(text) for op, text in asked if op is Operator.STARTS_WITH]
    parts = [str(text) for op, text in asked if op is Operator.CONTAINS]
    yield _OTHER.join((max(starts, key=len, default=""), *parts, ""))


def _sets(literals: Sequence[Literal], fact: Fact) -> Iterator[Value]:
    """The greatest set that holds nothing it must not: if any set does, it meets what has to be among it."""
    barred: set[object] = set()
    for literal in literals:
        if (literal.leaf.op is Operator.HAS_NONE) is literal.is_met:
            barred.update(_operands([literal]))
    named = {code for code in _operands(literals) if isinstance(code, str)}
    yield frozenset((named | {code for code, _label in fact.choices}) - barred)


_OTHER = "\N{NULL}"
"""A sign that no text has that people write."""

_WITNESSES: dict[FactType, Callable[[Sequence[Literal], Fact], Iterator[Value]]] = {
    FactType.NUMBER: _numbers,
    FactType.DATE: _days,
    FactType.BOOLEAN: _flags,
    FactType.CHOICE: _codes,
    FactType.TEXT: _texts,
    FactType.SET: _sets,
}
