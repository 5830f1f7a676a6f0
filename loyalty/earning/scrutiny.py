"""What is odd about rules by themselves and beside each other: what can never give, what overlaps, what has no limit.

Pure: it says what it found and by which rows; `loyalty.concerns` puts it into words.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from accounts.conditions import Catalogue, FactType, Leaf, Literal, Operator, can_hold, clashes, explain
from loyalty.earning.formulas import AMOUNT, DAY, Lookup, Modified
from loyalty.earning.formulas.kind import ROLES
from loyalty.earning.rules import Beneficiary, EarningRule


class Odd(StrEnum):
    """What there is to find in one rule."""

    CONTRADICTION = "its rows exclude each other"
    DEAD_ROW = "a row can never count"
    OVER = "its days are over, or lie beyond the last day to earn"
    CAMPAIGN_OVER = "a campaign that it names is over"
    NOBODY = "nobody is what it asks for"
    TOO_SMALL = "no amount that it lets through reaches its minimum spend"
    DEAD_RATE = "a row of its table can never count"
    LIMIT_OF_NOTHING = "a limit lets nothing through"
    NO_LIMIT = "nothing limits it"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd, with the rows of the condition that tell it; `subject` is the name it is about.

    `keys` are those of a row of a table, called as people call them.
    """

    odd: Odd
    rows: tuple[Literal, ...] = ()
    subject: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Times:
    """What is known of activities to come: none before `first`, none after `last`, and no company or person has any of
    the codes in `nobody`, by fact.
    """

    first: date
    last: date | None = None
    nobody: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rules for the same activities and recipients; `is_apart`: no activity can meet both."""

    first: EarningRule
    second: EarningRule
    is_apart: bool


def scrutinise(rule: EarningRule, *, catalogue: Catalogue, times: Times) -> list[Finding]:
    """Return what is odd about one rule, the gravest first; what follows from that is not said again."""
    found = [
        Finding(Odd.CONTRADICTION if clash.is_whole else Odd.DEAD_ROW, clash.rows)
        for clash in clashes(rule.condition, catalogue=catalogue)
    ]
    if not any(finding.odd is Odd.CONTRADICTION for finding in found):
        found += [each for each in _beside_the_times(rule, catalogue, times) if each not in found]
        found += _in_formula(rule, catalogue, times)
    found += [Finding(Odd.LIMIT_OF_NOTHING, subject=cap.name) for cap in rule.caps if cap.limit == 0]
    if rule.effect is None and not rule.caps:
        found.append(Finding(Odd.NO_LIMIT))
    return found


def pairs(rules: Sequence[EarningRule], *, catalogue: Catalogue) -> list[Pair]:
    """Return which of the rules for one kind of activity give the same to the same: at once, or never both.

    The same are points and points, or the very same badge or benefit.
    """
    found = []
    for index, first in enumerate(rules):
        for second in rules[index + 1 :]:
            if first.effect == second.effect and not set(first.recipients).isdisjoint(second.recipients):
                is_apart = not can_hold(first.condition, second.condition, catalogue=catalogue)
                found.append(Pair(first, second, is_apart))
    return found


def _beside_the_times(rule: EarningRule, catalogue: Catalogue, times: Times) -> Iterator[Finding]:
    """What its rows ask for that will not be."""
    days = [Leaf(DAY, Operator.ON_OR_AFTER, times.first)]
    if times.last is not None:
        days.append(Leaf(DAY, Operator.BETWEEN, (date.min, times.last)))
    for is_whole, rows in _clashes_with(days, rule, catalogue):
        if is_whole or any(row.leaf.fact == DAY for row in rows):
            yield Finding(Odd.OVER if is_whole else Odd.DEAD_ROW, rows)
    for code, absent in times.nobody.items():
        fact = catalogue.get(code)
        if fact is not None and absent:
            operator = Operator.HAS_NONE if fact.type is FactType.SET else Operator.NOT_IN
            for is_whole, rows in _clashes_with([Leaf(code, operator, tuple(sorted(absent)))], rule, catalogue):
                if is_whole:
                    yield Finding(Odd.NOBODY, rows)
    if rule.beneficiary is Beneficiary.ROLE and rule.role in times.nobody.get(ROLES, ()):
        yield Finding(Odd.NOBODY)


def _clashes_with(
    given: Sequence[Leaf], rule: EarningRule, catalogue: Catalogue
) -> Iterator[tuple[bool, tuple[Literal, ...]]]:
    for clash in clashes(rule.condition, catalogue=catalogue, given=given):
        yield clash.is_whole, tuple(row for row in clash.rows if not row.is_given)


def _in_formula(rule: EarningRule, catalogue: Catalogue, times: Times) -> Iterator[Finding]:
    if rule.effect is not None:
        return
    formula = rule.formula
    if isinstance(formula, Modified):
        if formula.minimum_spend is not None:
            given = [Leaf(AMOUNT, Operator.GTE, formula.minimum_spend)]
            for is_whole, rows in _clashes_with(given, rule, catalogue):
                if is_whole:
                    yield Finding(Odd.TOO_SMALL, rows)
        for campaign in formula.campaigns:
            if campaign.ends_on < times.first:
                yield Finding(Odd.CAMPAIGN_OVER, subject=campaign.name)
        formula = formula.formula
    if isinstance(formula, Lookup):
        yield from _dead_rates(rule, formula, catalogue)


def _dead_rates(rule: EarningRule, table: Lookup, catalogue: Catalogue) -> Iterator[Finding]:
    """Rows of a table for what the condition keeps out."""
    if all(outcome.leaf.fact != table.by for outcome in explain(rule.condition, {})):
        return
    fact = catalogue[table.by]
    for row in table.rows:
        keys = tuple(str(key) for key in row.keys)
        if fact.type is FactType.BOOLEAN:
            is_reached = any(_lets_in(rule, catalogue, Leaf(table.by, Operator.EQ, bool(key))) for key in row.keys)
        else:
            operator = Operator.HAS_ANY if fact.type is FactType.SET else Operator.IN
            is_reached = _lets_in(rule, catalogue, Leaf(table.by, operator, keys))
        if not is_reached:
            names = dict(fact.choices)
            yield Finding(Odd.DEAD_RATE, keys=tuple(str(names.get(key, key)) for key in keys[:_MOST_KEYS]))


_MOST_KEYS = 3


def _lets_in(rule: EarningRule, catalogue: Catalogue, given: Leaf) -> bool:
    return can_hold(rule.condition, catalogue=catalogue, given=[given])
