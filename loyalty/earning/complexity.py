"""How hard a program's rules are to explain, as one plain number that says what it is made of.

The number is the sum of what a reader has to keep in mind, each with its weight:

    3  each rule                                1  each rate that a table lists
    2  each row of a condition                  1  each minimum spend, factor, rounding, least and most
    2  each group of rows, and each "not"       1  each limit of a rule
    3  each kind of formula beyond the first    2  each limit that rules share
    2  each campaign                            2  each rule that shares, or gives to a role
    1  each segment, tier, role and list of products that conditions name

Up to 20 a program is easy, up to 50 it takes explaining, above that it is hard. The weights are a judgement, not a
measurement: they rank what can be taken away.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from accounts.conditions import Condition, Leaf, Not, explain
from accounts.conditions.language import All, Any
from loyalty.earning.formulas import Formula, Modified
from loyalty.earning.rules import Beneficiary, EarningRule


class Burden(StrEnum):
    """What a reader of rules has to keep in mind."""

    RULE = "rules"
    ROW = "rows of conditions"
    GROUP = "groups of rows"
    NAMED = "segments, tiers, roles and lists that are named"
    FORMULA = "further kinds of formulas"
    RATE = "rates in tables"
    EXTRA = "minimum spends, factors, roundings, minimums and maximums"
    CAMPAIGN = "campaigns"
    LIMIT = "limits"
    SHARED_LIMIT = "shared limits"
    SHARE = "shares and roles"


WEIGHTS: Mapping[Burden, int] = MappingProxyType(
    {
        Burden.RULE: 3,
        Burden.ROW: 2,
        Burden.GROUP: 2,
        Burden.NAMED: 1,
        Burden.FORMULA: 3,
        Burden.RATE: 1,
        Burden.EXTRA: 1,
        Burden.CAMPAIGN: 2,
        Burden.LIMIT: 1,
        Burden.SHARED_LIMIT: 2,
        Burden.SHARE: 2,
    }
)
EASY, EXPLAINED = 20, 50
"""Up to which number a program is easy, and up to which it takes explaining."""


class Ease(StrEnum):
    """How hard it is, in a word."""

    EASY = "easy"
    TAKES_EXPLAINING = "takes explaining"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Complexity:
    """How often each burden is there; `by_rule` is what each rule, by its code, adds by itself."""

    counts: Mapping[Burden, int]
    by_rule: Mapping[str, int]

    @property
    def score(self) -> int:
        """The number."""
        return sum(WEIGHTS[burden] * count for burden, count in self.counts.items())

    @property
    def ease(self) -> Ease:
        """The number in a word."""
        return Ease.EASY if self.score <= EASY else Ease.TAKES_EXPLAINING if self.score <= EXPLAINED else Ease.HARD


def complexity_of(rules: Iterable[EarningRule], *, naming: Collection[str]) -> Complexity:
    """Count what the rules of a version ask of a reader; `naming` are the facts whose codes are names of its own."""
    counts: Counter[Burden] = Counter()
    by_rule: dict[str, int] = {}
    kinds, campaigns, shared, named = set[object](), set[str](), set[str](), set[tuple[str, str]]()
    for rule in rules:
        own = _of_rule(rule)
        by_rule[rule.code] = sum(WEIGHTS[burden] * count for burden, count in own.items())
        counts += own
        kinds.add(_kind_of(rule))
        campaigns.update(campaign.code for campaign in rule.formula.campaigns)
        shared.update(cap.shared_as for cap in rule.caps if cap.shared_as)
        named.update(_named(rule.condition, naming))
    counts[Burden.FORMULA] = max(0, len(kinds) - 1)
    counts[Burden.CAMPAIGN] = len(campaigns)
    counts[Burden.SHARED_LIMIT] = len(shared)
    counts[Burden.NAMED] = len(named)
    return Complexity({burden: counts[burden] for burden in Burden if counts[burden]}, by_rule)


def _of_rule(rule: EarningRule) -> Counter[Burden]:
    """What a rule adds by itself: without what it has in common with others."""
    shares = rule.beneficiary in (Beneficiary.SPLIT, Beneficiary.ROLE)
    return +Counter(
        {
            Burden.RULE: 1,
            Burden.ROW: len(explain(rule.condition, {})),
            Burden.GROUP: _groups(rule.condition),
            Burden.RATE: rule.formula.lines,
            Burden.EXTRA: _extras(rule.formula),
            Burden.LIMIT: sum(not cap.shared_as for cap in rule.caps),
            Burden.SHARE: int(shares) + int(rule.is_divided),
        }
    )


def _groups(node: Condition) -> int:
    """Every "not", and every list of rows below another; the list of all rows is none."""
    below = sum(isinstance(part, All | Any) + _groups(part) for part in _parts(node))
    return below + isinstance(node, Not)


def _parts(node: Condition) -> tuple[Condition, ...]:
    match node:
        case Not(part):
            return (part,)
        case All(parts) | Any(parts):
            return parts
        case _:
            return ()


def _extras(formula: Formula) -> int:
    if not isinstance(formula, Modified):
        return 0
    said = (formula.minimum_spend, formula.rounding, formula.at_least, formula.at_most)
    factors = 0 if formula.multipliers is None else len(formula.multipliers.tiers)
    return sum(each is not None for each in said) + factors


def _kind_of(rule: EarningRule) -> object:
    if rule.effect is not None:
        return type(rule.effect)
    return type(rule.formula.formula if isinstance(rule.formula, Modified) else rule.formula)


def _named(condition: Condition, naming: Collection[str]) -> Iterable[tuple[str, str]]:
    leaves: Iterable[Leaf] = (outcome.leaf for outcome in explain(condition, {}))
    for leaf in leaves:
        if leaf.fact in naming:
            codes = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
            yield from ((leaf.fact, code) for code in codes if isinstance(code, str))
