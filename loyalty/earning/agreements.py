"""Agreements: what was negotiated with one company, laid over the rules of its program."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from loyalty.earning.caps import Cap
from loyalty.earning.formulas import Combining, Formula, by_agreement
from loyalty.earning.rules import EarningRule

NO_FACTOR = Decimal(1)


@dataclass(frozen=True, slots=True)
class AgreedTerms:
    """The terms of one agreement: rates and limits by the code of the rule for which they stand, and a factor."""

    factor: Decimal
    rates: Mapping[str, Formula]
    caps: Mapping[str, tuple[Cap, ...]]
    combining: Combining = Combining.MULTIPLY


def laid_over(rule: EarningRule, terms: AgreedTerms) -> EarningRule:
    """Return a rule as the agreement has it; the rule itself where nothing was agreed about it.

    A rate stands in the place of the formula, multipliers and all; the factor multiplies what has no rate. A limit
    stands in the place of the rule's own for the same subject, period and count, on the same counter: what was earned
    before counts. What a rule gives that is no points has neither rate nor factor.
    """
    formula, caps = rule.formula, _agreed_caps(rule.caps, terms.caps.get(rule.code, ()))
    if rule.effect is None:
        if rule.code in terms.rates:
            formula = terms.rates[rule.code]
        elif terms.factor != NO_FACTOR:
            formula = by_agreement(formula, terms.factor, terms.combining)
    if formula is rule.formula and caps == rule.caps:
        return rule
    return replace(rule, formula=formula, caps=caps, is_agreed=True)


def _agreed_caps(own: tuple[Cap, ...], agreed: tuple[Cap, ...]) -> tuple[Cap, ...]:
    """The rule's limits without those that agreed ones stand for, and the agreed ones."""
    replaced = {_kind_of(cap) for cap in agreed}
    return (*(cap for cap in own if _kind_of(cap) not in replaced), *agreed)


def _kind_of(cap: Cap) -> tuple[object, ...]:
    return cap.subject, cap.period, cap.counts, cap.is_per_object, cap.shared_as
