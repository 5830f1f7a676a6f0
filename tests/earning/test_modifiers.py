"""Minimum spend, rounding, the least and the most: on their edges, against a plain calculation, refused, and said."""

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
    KINDS,
    MAX_POINTS,
    Beneficiary,
    EarningRule,
    Fixed,
    Formula,
    FormulaError,
    Kind,
    evaluate,
    formula_sentence,
    parse_formula,
    rule_sentence,
    verdict_sentence,
)

AMOUNT = "activity.amount"
CATALOGUE: Catalogue = {
    AMOUNT: Fact(AMOUNT, FactType.NUMBER, "amount", "GBP"),
    "activity.quantity": Fact("activity.quantity", FactType.NUMBER, "quantity"),
    "activity.object": Fact("activity.object", FactType.TEXT, "product code"),
}


def percent(rate: str = "10", **modifiers: Any) -> Formula:
    return parse_formula({"kind": "percent", "percent": rate, "of": AMOUNT, **modifiers}, CATALOGUE)


@pytest.mark.parametrize(
    ("amount", "down", "up", "half_up"),
    [
        ("0", 0, 0, 0),
        ("0.01", 0, 1, 0),
        ("4.99", 0, 1, 0),
        ("5", 0, 1, 1),
        ("9.99", 0, 1, 1),
        ("10", 1, 1, 1),
        ("14.9999", 1, 2, 1),
        ("15", 1, 2, 2),
        ("25", 2, 3, 3),
        ("-5", 0, 0, 0),
    ],
)
def test_parts_of_a_point_are_rounded_as_the_rule_says(amount: str, down: int, up: int, half_up: int) -> None:
    values = {AMOUNT: Decimal(amount)}

    given_ = [percent(rounding=rounding).give(values) for rounding in ("down", "up", "half up")]

    assert given_ == [down, up, half_up]
    assert percent().give(values) == down


@pytest.mark.parametrize(
    ("modifiers", "amount", "points"),
    [
        ({"at_least": 5}, "0", 0),
        ({"at_least": 5}, "0.01", 5),
        ({"at_least": 5}, "49.99", 5),
        ({"at_least": 5}, "60", 6),
        ({"at_most": 5}, "49.99", 4),
        ({"at_most": 5}, "50", 5),
        ({"at_most": 5}, "1e12", 5),
        ({"at_least": 5, "at_most": 5}, "1", 5),
        ({"at_least": 5, "at_most": 5}, "1000", 5),
        ({"at_least": 5}, None, 0),
        ({"minimum_spend": "100"}, "99.99", 0),
        ({"minimum_spend": "100"}, "100", 10),
        ({"minimum_spend": "100", "at_least": 50}, "99.99", 0),
        ({"minimum_spend": "100", "at_least": 50}, "100", 50),
        ({"minimum_spend": "100"}, None, 0),
    ],
)
def test_least_most_and_minimum_spend_hold_on_their_edges(
    modifiers: dict[str, Any], amount: str | None, points: int
) -> None:
    assert percent(**modifiers).give({AMOUNT: None if amount is None else Decimal(amount)}) == points


@pytest.mark.parametrize("value", ["1000", True, frozenset({"1000"}), None])
def test_minimum_spend_is_not_reached_by_what_is_no_number(value: Value) -> None:
    formula = parse_formula({"kind": "fixed", "points": 9, "minimum_spend": 1}, CATALOGUE)

    assert formula.give({AMOUNT: value}) == 0


def test_share_just_below_a_half_point_is_not_rounded_up() -> None:
    assert percent("49." + "9" * 60, rounding="half up").give({AMOUNT: Decimal(1)}) == 0
    assert percent("0.0001", rounding="up").give({AMOUNT: Decimal("1e-150")}) == 1


def test_most_of_all_holds_for_what_is_rounded_up_too() -> None:
    assert percent("10000", rounding="up").give({AMOUNT: Decimal("1e300")}) == MAX_POINTS


amounts = st.decimals(0, 10**6, places=4)
modifiers = st.fixed_dictionaries(
    {},
    optional={
        "minimum_spend": st.decimals("0.0001", 10**5, places=4).map(str),
        "rounding": st.sampled_from(["down", "up", "half up"]),
        "at_least": st.integers(1, 500),
        "at_most": st.integers(500, 10**6),
    },
)


@given(rate=st.decimals("0.01", 900, places=2), modifiers=modifiers, amount=amounts)
def test_modifiers_make_of_a_share_what_a_plain_calculation_says(
    rate: Decimal, modifiers: dict[str, Any], amount: Decimal
) -> None:
    exact = Fraction(amount) * Fraction(rate) / 100
    if Fraction(modifiers.get("minimum_spend", "0")) > Fraction(amount):
        exact = Fraction(0)
    whole = {"down": math.floor(exact), "up": math.ceil(exact), "half up": math.floor(exact + Fraction(1, 2))}
    expected = whole[modifiers.get("rounding", "down")]
    if exact:
        expected = max(expected, modifiers.get("at_least", 0))

    assert percent(str(rate), **modifiers).give({AMOUNT: amount}) == min(expected, modifiers.get("at_most", 10**9))


@given(modifiers=modifiers, one=amounts, other=amounts)
def test_more_money_never_gives_fewer_points_whatever_is_said(
    modifiers: dict[str, Any], one: Decimal, other: Decimal
) -> None:
    less, more = sorted((one, other))
    formula = percent(**modifiers)

    assert formula.give({AMOUNT: less}) <= formula.give({AMOUNT: more})


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@given(modifiers=modifiers, amount=st.none() | st.decimals(allow_nan=False, allow_infinity=False))
def test_every_kind_takes_every_modifier(kind: type[Kind], modifiers: dict[str, Any], amount: Decimal | None) -> None:
    formula = parse_formula({**kind.example, **modifiers}, CATALOGUE)
    values: dict[str, Value] = {AMOUNT: amount, "activity.quantity": amount, "activity.object": "DRILL-9"}

    given_ = formula.give(values)

    assert type(given_) is int
    assert 0 <= given_ <= modifiers.get("at_most", MAX_POINTS)
    assert given_ == 0 or given_ >= modifiers.get("at_least", 0)
    assert set(formula.facts) <= set(CATALOGUE)
    assert formula_sentence(formula, CATALOGUE, PLAIN)
    assert all(formula.findings(values, CATALOGUE, PLAIN))


def test_formula_of_which_nothing_is_said_is_itself() -> None:
    assert parse_formula({"kind": "fixed", "points": 3}, CATALOGUE) == Fixed(3)


@pytest.mark.parametrize(
    ("modifiers", "says"),
    [
        ({"rounding": "nearest"}, "rounding: 'nearest' is not one of down, up, half up."),
        ({"rounding": None}, "rounding: None is not one of"),
        ({"rounding": ["up"]}, "rounding: ['up'] is not one of"),
        ({"at_least": 0}, "at_least: 0 is not a whole number from 1"),
        ({"at_least": "5"}, "at_least: '5'"),
        ({"at_least": 1.0}, "at_least: 1.0"),
        ({"at_most": -5}, "at_most: -5"),
        ({"at_most": True}, "at_most: True"),
        ({"at_most": None}, "at_most: None"),
        ({"at_least": 6, "at_most": 5}, "at_least: 6 is more than the most of 5 points."),
        ({"minimum_spend": "0"}, "minimum_spend: '0' is not a number from 0.0001"),
        ({"minimum_spend": "-1"}, "minimum_spend: '-1'"),
        ({"minimum_spend": "NaN"}, "minimum_spend: 'NaN'"),
        ({"minimum_spend": "sNaN"}, "minimum_spend: 'sNaN'"),
        ({"minimum_spend": "1e400"}, "minimum_spend: '1e400'"),
        ({"minimum_spend": {"value": 1}}, "minimum_spend: {'value': 1}"),
        ({"maximum": 5}, "maximum: a formula of the kind 'percent' has no such key."),
    ],
)
def test_modifier_that_is_none_is_refused_by_its_key(modifiers: dict[str, Any], says: str) -> None:
    with pytest.raises(FormulaError) as refusal:
        percent(**modifiers)

    assert str(refusal.value).startswith(says)


def test_minimum_spend_needs_an_amount() -> None:
    with pytest.raises(FormulaError) as refusal:
        parse_formula({"kind": "fixed", "points": 1, "minimum_spend": "5"}, {})

    assert str(refusal.value) == "minimum_spend: this activity has no amount."


ALL_OF_THEM = percent("2.5", minimum_spend="20", rounding="half up", at_least=5, at_most=1500)


def test_modifiers_read_as_sentences_after_whom_the_points_go_to() -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, ALL_OF_THEM, Beneficiary.COMPANY)

    assert rule_sentence(rule, when="Purchase", catalogue=CATALOGUE, translate=PLAIN) == (
        "Purchase: 2.5 % of amount in points to the company, nothing where amount is below 20 GBP, rounded to the "
        "nearest point, halves up, at least 5 points each time, at most 1,500 points each time."
    )
    assert formula_sentence(percent(rounding="up", at_least=1), CATALOGUE, PLAIN) == (
        "10 % of amount in points, rounded up, at least 1 point each time"
    )
    assert formula_sentence(percent(rounding="down"), CATALOGUE, PLAIN) == "10 % of amount in points, rounded down"


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("19.99", "amount was 19.99 GBP; amount did not reach 20 GBP, so nothing is given."),
        ("50", "amount was 50 GBP; rounded from 1.25 to 1; raised from 1 to 5."),
        ("300", "amount was 300 GBP; rounded from 7.5 to 8."),
        ("400", "amount was 400 GBP."),
        ("80000", "amount was 80,000 GBP; cut from 2,000 to 1,500."),
    ],
)
def test_explanation_tells_what_each_modifier_made_of_it(amount: str, told: str) -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, ALL_OF_THEM, Beneficiary.COMPANY)
    [verdict] = evaluate([rule], {AMOUNT: Decimal(amount)})

    said = verdict_sentence(verdict, granted=verdict.gifts[0].points, catalogue=CATALOGUE, translate=PLAIN)

    assert said.partition(" Here: ")[2] == told
