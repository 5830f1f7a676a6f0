"""Multipliers: what a tier's factor makes of a formula, refused where it is none, and how it is said."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.conditions import ALWAYS, Catalogue, Fact, FactType, Value
from accounts.wording import PLAIN
from loyalty.earning import (
    MAX_POINTS,
    Beneficiary,
    EarningRule,
    Formula,
    FormulaError,
    Modified,
    evaluate,
    parse_formula,
    rule_sentence,
    verdict_sentence,
)

AMOUNT, TIER = "activity.amount", "standing.tier"
CATALOGUE: Catalogue = {
    AMOUNT: Fact(AMOUNT, FactType.NUMBER, "amount", "GBP"),
    TIER: Fact(TIER, FactType.CHOICE, "tier", choices=(("silver", "Silver"), ("gold", "Gold"), ("black", "Black"))),
}
FACTORS = {"gold": "1.5", "silver": "1.25"}


def per_ten(**modifiers: Any) -> Formula:
    return parse_formula({"kind": "per", "points": 1, "step": "10", "of": AMOUNT, **modifiers}, CATALOGUE)


def by_tier(factors: Any = FACTORS, **modifiers: Any) -> Formula:
    return per_ten(multipliers={"tier": factors}, **modifiers)


@pytest.mark.parametrize(
    ("tier", "amount", "points"),
    [
        ("silver", "39.99", 3),
        ("silver", "40", 5),
        ("gold", "10", 1),
        ("gold", "20", 3),
        ("black", "20", 2),
        (None, "20", 2),
        ("gold", "9.99", 0),
        ("gold", "-20", 0),
    ],
)
def test_points_are_multiplied_by_the_factor_of_the_tier(tier: str | None, amount: str, points: int) -> None:
    assert by_tier().give({AMOUNT: Decimal(amount), TIER: tier}) == points


def test_factor_counts_before_rounding_and_before_least_and_most() -> None:
    values: dict[str, Value] = {AMOUNT: Decimal(10), TIER: "gold"}

    assert by_tier(rounding="up").give(values) == 2
    assert by_tier(rounding="half up").give(values) == 2
    assert by_tier({"gold": "1.49"}, rounding="half up").give(values) == 1
    assert by_tier(at_least=7).give(values) == 7
    assert by_tier({"gold": 100}, at_most=99).give(values) == 99
    assert by_tier({"gold": "0.5"}).give(values) == 0


def test_factor_never_leads_beyond_the_most_of_all() -> None:
    assert by_tier({"gold": 100}).give({AMOUNT: Decimal("1e300"), TIER: "gold"}) == MAX_POINTS


factors = st.decimals("0.01", 100, places=4)
amounts = st.decimals(0, 10**9, places=4)


@given(factor=factors, rate=st.decimals("0.01", 500, places=2), amount=amounts)
def test_factor_makes_of_a_share_what_a_plain_calculation_says(factor: Decimal, rate: Decimal, amount: Decimal) -> None:
    document = {"kind": "percent", "percent": str(rate), "of": AMOUNT, "multipliers": {"tier": {"gold": str(factor)}}}

    points = parse_formula(document, CATALOGUE).give({AMOUNT: amount, TIER: "gold"})

    assert points == math.floor(Fraction(amount) * Fraction(rate) * Fraction(factor) / 100)


@given(low=factors, high=factors, amount=amounts)
def test_higher_factor_never_gives_fewer_points(low: Decimal, high: Decimal, amount: Decimal) -> None:
    low, high = sorted((low, high))
    formula = by_tier({"silver": str(low), "gold": str(high)})

    assert formula.give({AMOUNT: amount, TIER: "silver"}) <= formula.give({AMOUNT: amount, TIER: "gold"})


@pytest.mark.parametrize(
    ("multipliers", "says"),
    [
        (None, "multipliers: None is not an object"),
        ([], "multipliers: [] is not an object"),
        ({}, "multipliers: name tiers with their factors, or campaigns."),
        ({"tier": FACTORS, "moon": 2}, "multipliers.moon: no such key here; there are"),
        ({"tier": None}, "multipliers.tier: None is not an object"),
        ({"tier": {}}, "multipliers.tier: name a tier with its factor."),
        ({"tier": {"gld": 2}}, "multipliers.tier: 'gld' is not one of silver, gold, black."),
        ({"tier": {"gold": "0"}}, "multipliers.tier.gold: '0' is not a number from 0.01 to 100."),
        ({"tier": {"gold": "-1"}}, "multipliers.tier.gold: '-1'"),
        ({"tier": {"gold": "NaN"}}, "multipliers.tier.gold: 'NaN'"),
        ({"tier": {"gold": "101"}}, "multipliers.tier.gold: '101'"),
        ({"tier": {"gold": None}}, "multipliers.tier.gold: None"),
        ({"tier": {"gold": True}}, "multipliers.tier.gold: True"),
    ],
)
def test_multiplier_that_is_none_is_refused_by_its_place(multipliers: Any, says: str) -> None:
    with pytest.raises(FormulaError) as refusal:
        per_ten(multipliers=multipliers)

    assert str(refusal.value).startswith(says)


def test_program_without_tiers_multiplies_by_none() -> None:
    catalogue = {AMOUNT: CATALOGUE[AMOUNT]}

    with pytest.raises(FormulaError) as refusal:
        parse_formula({"kind": "fixed", "points": 1, "multipliers": {"tier": FACTORS}}, catalogue)

    assert str(refusal.value) == "multipliers.tier: this program has no tiers."


def test_factors_read_in_the_order_of_the_tiers() -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, by_tier(at_most=9), Beneficiary.COMPANY)

    assert rule_sentence(rule, when="Purchase", catalogue=CATALOGUE, translate=PLAIN) == (
        "Purchase: 1 point for each full 10 GBP of amount to the company, times 1.25 where tier is Silver, times 1.5 "
        "where tier is Gold, at most 9 points each time."
    )


@pytest.mark.parametrize(
    ("tier", "told"),
    [
        ("gold", "amount was 30 GBP; tier was Gold: times 1.5; rounded from 4.5 to 4."),
        ("black", "amount was 30 GBP; tier was Black: not multiplied."),
        (None, "amount was 30 GBP; tier is not known: not multiplied."),
    ],
)
def test_explanation_tells_which_factor_counted(tier: str | None, told: str) -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, by_tier(), Beneficiary.COMPANY)
    [verdict] = evaluate([rule], {AMOUNT: Decimal(30), TIER: tier})

    said = verdict_sentence(verdict, granted=verdict.gifts[0].points, catalogue=CATALOGUE, translate=PLAIN)

    assert said.partition(" Here: ")[2] == told


def test_tier_that_is_gone_is_said_by_its_code_before_the_others() -> None:
    tiers = [(code, code.title()) for code in ("gold", "silver")]
    today = {**CATALOGUE, TIER: Fact(TIER, FactType.CHOICE, "tier", choices=tuple(tiers))}

    assert by_tier({"black": "3", "gold": "2", "silver": "1.5"}).terms(today, PLAIN) == [
        "times 3 where tier is black",
        "times 2 where tier is Gold",
        "times 1.5 where tier is Silver",
    ]


def test_tiers_without_names_are_said_as_texts_are() -> None:
    plain = {**CATALOGUE, TIER: Fact(TIER, FactType.TEXT, "tier")}

    assert by_tier({"gold": "2"}).terms(plain, PLAIN) == ["times 2 where tier is “gold”"]


def test_all_that_is_said_of_a_formula_reads_in_the_order_in_which_it_counts() -> None:
    once = by_tier({"gold": "2"}, minimum_spend="20", at_most=1)

    assert once.terms(CATALOGUE, PLAIN) == [
        "nothing where amount is below 20 GBP",
        "times 2 where tier is Gold",
        "at most 1 point each time",
    ]
    assert Modified(once, at_least=1).terms(CATALOGUE, PLAIN) == [
        *once.terms(CATALOGUE, PLAIN),
        "at least 1 point each time",
    ]
