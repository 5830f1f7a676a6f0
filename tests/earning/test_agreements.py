"""Agreements laid over rules: rates, limits and a factor, and how the rule then reads."""

from dataclasses import replace
from decimal import Decimal

import pytest

from accounts.conditions import ALWAYS, Catalogue, Fact, FactType, parse
from accounts.wording import PLAIN, Translator
from loyalty.earning import (
    EVERY_RULE,
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
    Promotion,
    Scheme,
    cap_sentence,
    evaluate,
    laid_over,
    misfit,
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

    assert rule_sentence(rule, when="Purchase", catalogue=CATALOGUE, translate=PLAIN) == (
        "Purchase: 10 points to the company, times 1.5 where tier is Gold, times 1.2 for the company, "
        "several factors are multiplied with each other, by your agreement."
    )
    assert verdict_sentence(verdict, granted=18, catalogue=CATALOGUE, translate=PLAIN) == (
        "Applies: 10 points, times 1.5 where tier is Gold, times 1.2 for the company, several factors are multiplied "
        "with each other, by your agreement. Here: tier was Gold: times 1.5; the agreement: times 1.2; several factors "
        "are multiplied with each other: times 1.8."
    )


def test_who_gets_nothing_reads_what_the_agreement_would_give() -> None:
    large = parse({"fact": AMOUNT, "op": "gte", "value": 100}, CATALOGUE)
    to_buyers = replace(a_rule(), beneficiary=Beneficiary.EMPLOYEE)
    half = terms("1", Percent(Decimal(50), AMOUNT))

    class InMarks(Translator):
        def __call__(self, template: str, /) -> str:
            return f"«{template}»"

    def said(rule: EarningRule) -> str:
        [verdict] = evaluate([rule], {AMOUNT: Decimal(80)})
        return verdict_sentence(verdict, granted=0, catalogue=CATALOGUE, translate=InMarks())

    unmet, refused = (replace(rule, condition=when) for rule, when in ((a_rule(), large), (to_buyers, ALWAYS)))
    for rule in (unmet, refused):
        assert (
            said(laid_over(rule, half)) == f"«{said(rule)} By your agreement it would give «50 % of amount in points».»"
        )
    badge = replace(a_rule(NOTHING), effect=_Badge(), condition=large)
    assert said(replace(badge, is_agreed=True)) == said(badge)


QUARTER = Cap(CapSubject.COMPANY, Period.QUARTER, 70)
BOTH = Cap(CapSubject.COMPANY, Period.MONTH, 30, shared_as="both", name="Both", is_agreed=True)
ALL = Cap(CapSubject.COMPANY, Period.MONTH, 90, shared_as=EVERY_RULE, is_agreed=True)
OF_RULE = frozenset({"rule"})


def limited(rule: EarningRule, *limits: AgreedLimit) -> EarningRule:
    return laid_over(rule, AgreedTerms(Decimal(1), {}, limits))


@pytest.mark.parametrize(
    ("limit", "caps"),
    [
        (AgreedLimit(replace(MONTH, limit=400), OF_RULE), (SHARED, QUARTER, replace(MONTH, limit=400))),
        (AgreedLimit(replace(MONTH, limit=40), OF_RULE, is_lower=True), (SHARED, QUARTER, replace(MONTH, limit=40))),
        (AgreedLimit(replace(MONTH, limit=99), OF_RULE, is_lower=True), (SHARED, QUARTER, replace(MONTH, limit=99))),
        (AgreedLimit(replace(MONTH, limit=100), OF_RULE, is_lower=True), None),
        (AgreedLimit(replace(MONTH, limit=400), OF_RULE, is_lower=True), None),
        (AgreedLimit(TIMES, OF_RULE, is_lower=True), (MONTH, SHARED, QUARTER, TIMES)),
        (AgreedLimit(replace(MONTH, limit=1), frozenset({"other"})), None),
        (AgreedLimit(BOTH, frozenset({"rule", "other"})), (MONTH, SHARED, QUARTER, BOTH)),
        (AgreedLimit(BOTH, frozenset({"one", "other"})), None),
        (AgreedLimit(ALL, None), (MONTH, SHARED, QUARTER, ALL)),
        (AgreedLimit(replace(SHARED, limit=9, name=""), None), (MONTH, QUARTER, replace(SHARED, limit=9))),
        (AgreedLimit(replace(SHARED, limit=60, name=""), None, is_lower=True), None),
        (AgreedLimit(replace(SHARED, limit=9, shared_as="another"), None), None),
        (
            AgreedLimit(replace(MONTH, limit=1, is_per_object=True), OF_RULE),
            (MONTH, SHARED, QUARTER, replace(MONTH, limit=1, is_per_object=True)),
        ),
    ],
)
def test_limit_stands_where_it_is_meant_to_and_leaves_the_others(
    limit: AgreedLimit, caps: tuple[Cap, ...] | None
) -> None:
    rule = a_rule(Fixed(10), MONTH, SHARED, QUARTER)

    agreed = limited(rule, limit)

    assert agreed.caps == (rule.caps if caps is None else caps)
    assert agreed.is_agreed is (caps is not None)
    assert (agreed is rule) is (caps is None)


def test_one_company_s_limit_under_a_shared_limit_s_code_is_another_and_both_stand() -> None:
    own = replace(BOTH, shared_as="all", name="Own")

    caps = limited(a_rule(Fixed(10), SHARED), AgreedLimit(own, OF_RULE)).caps

    assert caps == (SHARED, own)
    assert [cap.counter("rule") for cap in caps] == ["shared:all", "agreed:all"]


@pytest.mark.parametrize(
    ("cap", "counter"),
    [
        (BOTH, "agreed:both"),
        (ALL, "agreed:*"),
        (replace(BOTH, counts=Counts.TIMES), "times:agreed:both"),
        (replace(BOTH, is_per_object=True), "object:agreed:both"),
        (replace(ALL, counts=Counts.TIMES, is_per_object=True), "object:times:agreed:*"),
        (replace(SHARED, counts=Counts.TIMES), "shared:all"),
        (MONTH, "rule"),
    ],
)
def test_own_limits_count_apart_from_the_program_s(cap: Cap, counter: str) -> None:
    assert cap.counter("rule") == counter


def test_limit_over_all_rules_leaves_alone_what_gives_no_points_and_one_of_the_rule_does_not() -> None:
    badge = replace(a_rule(NOTHING), effect=_Badge())
    often = replace(ALL, counts=Counts.TIMES)

    assert limited(badge, AgreedLimit(often, None)) is badge
    assert limited(badge, AgreedLimit(TIMES, OF_RULE)).caps == (TIMES,)
    assert limited(a_rule(), AgreedLimit(often, None)).caps == (often,)


def test_misfit_is_the_first_limit_that_cannot_be_laid_over_the_rule() -> None:
    points, badge = a_rule(Fixed(10), SHARED), replace(a_rule(NOTHING, TIMES), effect=_Badge())
    other_kind = AgreedLimit(replace(SHARED, period=Period.YEAR), None)
    of_points, of_times = AgreedLimit(MONTH, OF_RULE), AgreedLimit(TIMES, OF_RULE)
    of_others = AgreedLimit(MONTH, frozenset({"other"}))

    assert misfit(points, [of_points, of_times, AgreedLimit(replace(SHARED, limit=1), None)]) is None
    assert misfit(points, [of_points, other_kind]) is other_kind
    assert misfit(a_rule(Fixed(10), MONTH), [other_kind]) is None
    assert misfit(badge, [of_others, of_times, AgreedLimit(ALL, None), other_kind]) is None
    assert misfit(badge, [of_others, of_times, of_points]) is of_points
    assert misfit(badge, [AgreedLimit(BOTH, OF_RULE)]) == AgreedLimit(BOTH, OF_RULE)


def test_limits_over_rules_are_said() -> None:
    assert cap_sentence(BOTH, PLAIN) == "at most 30 points a month per company from all rules for “Both” together"
    assert cap_sentence(ALL, PLAIN) == "at most 90 points a month per company from all rules together"


@pytest.mark.parametrize(("combining", "points"), [(Combining.MULTIPLY, 30), (Combining.HIGHEST, 20)])
def test_factor_meets_a_promotion_s_as_the_version_says(combining: Combining, points: int) -> None:
    rule = laid_over(a_rule(), terms("1.5", combining=combining))

    [verdict] = evaluate([rule], {}, promotions=[Promotion(1, Decimal(2))])

    assert sum(gift.points for gift in verdict.gifts) == points
