"""Agreements laid over rules: rates, limits and a factor, and how the rule then reads."""

from dataclasses import replace
from decimal import Decimal

import pytest

from accounts.conditions import ALWAYS, Catalogue, Fact, FactType
from loyalty.earning import (
    NOTHING,
    AgreedLimit,
    AgreedTerms,
    Beneficiary,
    Cap,
    CapSubject,
    Combining,
    Counts,
    EarningRule,
    Fixed,
    Formula,
    Percent,
    Period,
    Scheme,
    evaluate,
    laid_over,
    parse_formula,
    rule_sentence,
    verdict_sentence,
)

AMOUNT, TIER = "activity.amount", "standing.tier"
CATALOGUE: Catalogue = {
    AMOUNT: Fact(AMOUNT, FactType.NUMBER, "amount", "GBP"),
    TIER: Fact(TIER, FactType.CHOICE, "tier", choices=(("gold", "Gold"),)),
}
GOLD = {"kind": "fixed", "points": 10, "multipliers": {"tier": {"gold": "1.5"}}}
MONTH = Cap(CapSubject.COMPANY, Period.MONTH, 100)
TIMES = Cap(CapSubject.COMPANY, Period.MONTH, 3, Counts.TIMES)
SHARED = Cap(CapSubject.COMPANY, Period.MONTH, 50, shared_as="all", name="All")


class _Badge:
    def sentence(self, translate: object) -> str:
        return "the badge “First”"


def a_rule(formula: Formula = Fixed(10), *caps: Cap) -> EarningRule:  # noqa: B008 (frozen)
    return EarningRule(1, "rule", "Rule", ALWAYS, formula, Beneficiary.COMPANY, caps)


def terms(
    factor: str = "1", rate: Formula | None = None, *caps: Cap, combining: Combining = Combining.MULTIPLY
) -> AgreedTerms:
    limits = tuple(AgreedLimit(cap, frozenset({"rule"})) for cap in caps)
    return AgreedTerms(Decimal(factor), {"rule": rate} if rate else {}, limits, combining)


def given(rule: EarningRule, tier: str | None = None) -> int:
    [verdict] = evaluate([rule], {AMOUNT: Decimal(80), TIER: tier})
    return sum(gift.points for gift in verdict.gifts)


@pytest.mark.parametrize(
    ("combining", "tier", "factor", "points"),
    [
        (Combining.MULTIPLY, None, "1.2", 12),
        (Combining.MULTIPLY, "gold", "1.2", 18),
        (Combining.HIGHEST, "gold", "1.2", 15),
        (Combining.HIGHEST, "gold", "2", 20),
        (Combining.HIGHEST, None, "0.5", 5),
        (Combining.MULTIPLY, "gold", "0.5", 7),
    ],
)
def test_factor_meets_the_tier_s_as_the_version_says(
    combining: Combining, tier: str | None, factor: str, points: int
) -> None:
    formula = parse_formula(GOLD, CATALOGUE, Scheme({}, combining))

    assert given(laid_over(a_rule(formula), terms(factor, combining=combining)), tier) == points


def test_rate_stands_for_the_formula_and_is_not_multiplied() -> None:
    agreed = laid_over(a_rule(), terms("3", Percent(Decimal(50), AMOUNT)))

    assert given(agreed) == 40
    assert agreed.is_agreed


def test_rule_of_which_nothing_was_agreed_stays_the_very_rule() -> None:
    rule = a_rule(Fixed(10), MONTH)

    other = AgreedLimit(TIMES, frozenset({"other"}))
    assert laid_over(rule, AgreedTerms(Decimal(1), {"other": Fixed(1)}, (other,))) is rule


def test_limit_stands_for_the_one_of_its_kind_and_beside_the_others() -> None:
    agreed = Cap(CapSubject.COMPANY, Period.MONTH, 400)

    caps = laid_over(a_rule(Fixed(10), MONTH, TIMES, SHARED), terms("1", None, agreed)).caps

    assert caps == (TIMES, SHARED, agreed)
    assert agreed.counter("rule") == MONTH.counter("rule")


def test_what_is_no_points_has_no_factor() -> None:
    badge = replace(a_rule(NOTHING), effect=_Badge())

    assert laid_over(badge, terms("3")) is badge


def test_rule_and_verdict_say_that_it_is_by_agreement() -> None:
    rule = laid_over(a_rule(parse_formula(GOLD, CATALOGUE)), terms("1.2"))
    [verdict] = evaluate([rule], {TIER: "gold"})

    assert rule_sentence(rule, when="Purchase", catalogue=CATALOGUE, translate=str) == (
        "Purchase: 10 points to the company, times 1.5 where tier is Gold, times 1.2 for the company, "
        "several factors are multiplied with each other, by your agreement."
    )
    assert verdict_sentence(verdict, granted=18, catalogue=CATALOGUE, translate=str) == (
        "Applies: 10 points, times 1.5 where tier is Gold, times 1.2 for the company, several factors are multiplied "
        "with each other, by your agreement. Here: tier was Gold: times 1.5; the agreement: times 1.2; several factors "
        "are multiplied with each other: times 1.8."
    )
