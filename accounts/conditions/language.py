"""The condition itself: a small immutable tree that answers whether it holds and which comparisons decided that.

A value that is not known (None or absent) meets no comparison, `ne`, `not_in` and `has_none` included: what we don't
know we don't claim. Only `known: false` is met by it. `not` flips the answer as usual, so `not (amount >= 100)` holds
for an unknown amount; add `known: true` beside it where that is not meant. An empty text or set is known.
"""

import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from accounts.conditions.facts import Operator, Value, Values

Operand = Decimal | str | bool | date | tuple[Decimal, Decimal] | tuple[date, date] | tuple[str, ...]
"""What a leaf compares with: one value, the two ends of `between` (both included), or several codes."""

_Test = Callable[[typing.Any], bool]


def _starts_with(prefix: str) -> _Test:
    folded = prefix.casefold()
    return lambda value: value is not None and value.casefold().startswith(folded)


def _contains(part: str) -> _Test:
    folded = part.casefold()
    return lambda value: value is not None and folded in value.casefold()


def _between(ends: tuple[typing.Any, typing.Any]) -> _Test:
    first, last = ends
    return lambda value: value is not None and first <= value <= last


def _one_of(codes: tuple[str, ...]) -> _Test:
    return frozenset(codes).__contains__


def _none_of(codes: tuple[str, ...]) -> _Test:
    listed = frozenset(codes)
    return lambda value: value is not None and value not in listed


def _has_any(codes: tuple[str, ...]) -> _Test:
    listed = frozenset(codes)
    return lambda value: value is not None and not listed.isdisjoint(value)


def _has_none(codes: tuple[str, ...]) -> _Test:
    listed = frozenset(codes)
    return lambda value: value is not None and listed.isdisjoint(value)


# One test a leaf, built when the leaf is: evaluation then runs no lookup by operator or type.
_TESTS: Mapping[Operator, Callable[[typing.Any], _Test]] = MappingProxyType(
    {
        Operator.EQ: lambda operand: lambda value: value == operand,
        Operator.NE: lambda operand: lambda value: value is not None and value != operand,
        Operator.GT: lambda operand: lambda value: value is not None and value > operand,
        Operator.GTE: lambda operand: lambda value: value is not None and value >= operand,
        Operator.LT: lambda operand: lambda value: value is not None and value < operand,
        Operator.LTE: lambda operand: lambda value: value is not None and value <= operand,
        Operator.BETWEEN: _between,
        Operator.IN: _one_of,
        Operator.NOT_IN: _none_of,
        Operator.CONTAINS: _contains,
        Operator.STARTS_WITH: _starts_with,
        Operator.ON_OR_AFTER: lambda operand: lambda value: value is not None and value >= operand,
        Operator.BEFORE: lambda operand: lambda value: value is not None and value < operand,
        Operator.HAS: lambda operand: lambda value: value is not None and operand in value,
        Operator.HAS_ANY: _has_any,
        Operator.HAS_NONE: _has_none,
        Operator.KNOWN: lambda operand: lambda value: (value is not None) is operand,
    }
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison of one fact."""

    fact: str
    op: Operator
    value: Operand
    _test: _Test = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_test", _TESTS[self.op](self.value))

    def holds(self, values: Values) -> bool:
        return self._test(values.get(self.fact))

    def children(self, path: str) -> tuple[tuple[str, "Node"], ...]:
        return ()


@dataclass(frozen=True, slots=True)
class All:
    """Holds when every part does."""

    parts: tuple["Node", ...]

    def holds(self, values: Values) -> bool:
        for part in self.parts:  # noqa: SIM110 - the hot path: a generator costs as much again
            if not part.holds(values):
                return False
        return True

    def children(self, path: str) -> tuple[tuple[str, "Node"], ...]:
        return tuple((step(path, f"all[{index}]"), part) for index, part in enumerate(self.parts))


@dataclass(frozen=True, slots=True)
class Any:
    """Holds when at least one part does."""

    parts: tuple["Node", ...]

    def holds(self, values: Values) -> bool:
        for part in self.parts:  # noqa: SIM110 - the hot path: a generator costs as much again
            if part.holds(values):
                return True
        return False

    def children(self, path: str) -> tuple[tuple[str, "Node"], ...]:
        return tuple((step(path, f"any[{index}]"), part) for index, part in enumerate(self.parts))


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when its part does not."""

    part: "Node"

    def holds(self, values: Values) -> bool:
        return not self.part.holds(values)

    def children(self, path: str) -> tuple[tuple[str, "Node"], ...]:
        return ((step(path, "not"), self.part),)


@dataclass(frozen=True, slots=True)
class Always:
    """The empty condition. It stands only at the root, so that whatever fails has a leaf to blame."""

    def holds(self, values: Values) -> bool:
        return True

    def children(self, path: str) -> tuple[tuple[str, "Node"], ...]:
        return ()


ALWAYS = Always()

Node = All | Any | Not | Leaf
Condition = Node | Always


def step(path: str, name: str) -> str:
    """The path of a part: `all[0]`, then `any[1]`, is `all[0].any[1]`. The root's path is empty."""
    return f"{path}.{name}" if path else name


@dataclass(frozen=True, slots=True)
class LeafOutcome:
    """How one leaf came out: `actual` is what its fact was, None when not known."""

    path: str
    leaf: Leaf
    actual: Value
    met: bool


def holds(condition: Condition, values: Values) -> bool:
    return condition.holds(values)


def explain(condition: Condition, values: Values) -> tuple[LeafOutcome, ...]:
    """Every leaf, in the order written, with what it found."""
    return tuple(_outcome(path, leaf, values) for path, leaf in _leaves(condition, ""))


def failures(condition: Condition, values: Values) -> tuple[LeafOutcome, ...]:
    """The fewest leaves that tell why `condition` does not hold, in the order written; empty exactly when it holds.

    Of an `all` those that failed, of an `any` all of them, within a `not` those that held (their `met` is True).
    """
    return () if condition.holds(values) else tuple(_causes(condition, "", values))


def asked_of(condition: Condition, fact: str) -> frozenset[str] | None:
    """Return the only texts with which, as the value of `fact`, a condition can hold; None where others may do."""
    match condition:
        case Leaf(fact=asked, op=Operator.EQ, value=str(value)) if asked == fact:
            return frozenset([value])
        case Leaf(fact=asked, op=Operator.IN, value=tuple(values)) if asked == fact:
            return frozenset(value for value in values if isinstance(value, str))
        case All(parts):
            known = [texts for part in parts if (texts := asked_of(part, fact)) is not None]
            return frozenset.intersection(*known) if known else None
        case Any(parts):
            each = [asked_of(part, fact) for part in parts]
            known = [texts for texts in each if texts is not None]
            return frozenset.union(*known) if known and len(known) == len(each) else None
    return None


def _leaves(node: Condition, path: str) -> Iterator[tuple[str, Leaf]]:
    if isinstance(node, Leaf):
        yield path, node
    for child_path, child in node.children(path):
        yield from _leaves(child, child_path)


def _causes(node: Condition, path: str, values: Values) -> Iterator[LeafOutcome]:
    """The leaves that made `node` come out as it did, whichever way that was."""
    if isinstance(node, Leaf):
        yield _outcome(path, node, values)
    held = node.holds(values)
    for child_path, child in node.children(path):
        if isinstance(node, Not) or child.holds(values) is held:
            yield from _causes(child, child_path, values)


def _outcome(path: str, leaf: Leaf, values: Values) -> LeafOutcome:
    return LeafOutcome(path, leaf, values.get(leaf.fact), leaf.holds(values))
