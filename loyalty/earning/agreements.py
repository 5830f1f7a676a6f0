"""Agreements: what was negotiated with one company, laid over the rules of its program."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from loyalty.earning.caps import Cap, Counts
from loyalty.earning.formulas import Combining, Formula, by_agreement
from loyalty.earning.rules import EarningRule

NO_FACTOR = Decimal(1)


class AgreedLimit(NamedTuple):
    """A limit for one company, of the rules of some codes (None: of every rule that gives points).

    It stands in the place of the program's limit of the same kind, on the same counter, where a rule has one; with
    `is_lower` only as far as it is the lower of the two. A limit that the program lets rules share is meant by its
    `shared_as`, whichever rules share it. One that `is_agreed` stands beside all of the program's, on its own counter.
    """

    cap: Cap
    rule_codes: frozenset[str] | None
    is_lower: bool = False

    @property
    def is_of_program(self) -> bool:
        """Whether it is a limit that the program lets rules share, with another number."""
        return bool(self.cap.shared_as) and not self.cap.is_agreed

    def speaks_of(self, rule_code: str, shared: Iterable[str]) -> bool:
        """Whether it limits a rule that has a part in the limits `shared`, by their codes."""
        if self.is_of_program:
            return self.cap.shared_as in shared
        return self.rule_codes is None or rule_code in self.rule_codes

    def limits(self, rule: EarningRule) -> bool:
        """Whether it limits a rule; one over all rules leaves alone what gives no points."""
        if rule.effect is not None and self.rule_codes is None and not self.is_of_program:
            return False
        return self.speaks_of(rule.code, {cap.shared_as for cap in rule.caps if not cap.is_agreed})

    def laid_over(self, caps: tuple[Cap, ...]) -> tuple[Cap, ...]:
        """Return a rule's limits with this one among them."""
        others = tuple(cap for cap in caps if _kind_of(cap) != _kind_of(self.cap))
        own = [cap for cap in caps if cap not in others]
        if self.is_lower and any(cap.limit <= self.cap.limit for cap in own):
            return caps
        return (*others, replace(self.cap, name=own[0].name) if own else self.cap)


@dataclass(frozen=True, slots=True)
class AgreedTerms:
    """The terms of one agreement: rates by the code of the rule for which they stand, limits, and a factor."""

    factor: Decimal
    rates: Mapping[str, Formula]
    limits: tuple[AgreedLimit, ...] = ()
    combining: Combining = Combining.MULTIPLY


def laid_over(rule: EarningRule, terms: AgreedTerms) -> EarningRule:
    """Return a rule as the agreement has it; the rule itself where nothing was agreed about it.

    A rate stands in the place of the formula, multipliers and all; the factor multiplies what has no rate. Where a
    limit stands in the place of the rule's own, what was earned before counts. What a rule gives that is no points has
    neither rate nor factor.
    """
    formula, caps = rule.formula, rule.caps
    for limit in terms.limits:
        if limit.limits(rule):
            caps = limit.laid_over(caps)
    if rule.effect is None:
        if rule.code in terms.rates:
            formula = terms.rates[rule.code]
        elif terms.factor != NO_FACTOR:
            formula = by_agreement(formula, terms.factor, terms.combining)
    if formula is rule.formula and caps == rule.caps:
        return rule
    return replace(rule, formula=formula, caps=caps, is_agreed=True)


def misfit(rule: EarningRule, limits: Iterable[AgreedLimit]) -> AgreedLimit | None:
    """Return a limit that cannot be laid over a rule: in points where it gives none, or of another kind than the one
    that the program shares under its code.
    """
    for limit in limits:
        if not limit.limits(rule):
            continue
        if rule.effect is not None and limit.cap.counts is Counts.POINTS:
            return limit
        if limit.is_of_program and all(_kind_of(cap) != _kind_of(limit.cap) for cap in rule.caps):
            return limit
    return None


def _kind_of(cap: Cap) -> tuple[object, ...]:
    return cap.subject, cap.period, cap.counts, cap.is_per_object, cap.shared_as, cap.is_agreed
