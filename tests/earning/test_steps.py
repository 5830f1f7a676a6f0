"""Step tables: what each band gives on its edges, that parts add up, which tables are refused, and how they read."""

from decimal import ROUND_FLOOR, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.conditions import Catalogue, Fact, FactType, Value
from accounts.wording import PLAIN
from loyalty.earning import MAX_POINTS, FormulaError, Steps, formula_sentence, parse_formula

AMOUNT, MAKERS = "activity.amount", "attribute.makers"
CATALOGUE: Catalogue = {
    AMOUNT: Fact(AMOUNT, FactType.NUMBER, "amount", "GBP"),
    MAKERS: Fact(MAKERS, FactType.NUMBER, "manufacturers shown"),
    "activity.object": Fact("activity.object", FactType.TEXT, "product code"),
}
RISING = [
    {"from": "0", "to": "1000", "percent": "1"},
    {"from": "1000", "to": "5000", "percent": "2"},
    {"from": "5000", "percent": "3"},
]


def steps(bands: Any, applies: str = "to the part", **keys: Any) -> Steps:
    document = {"kind": "steps", "of": AMOUNT, "applies": applies, "bands": bands, **keys}
    formula = parse_formula(document, CATALOGUE)
    assert isinstance(formula, Steps)
    return formula


@pytest.mark.parametrize(
    ("amount", "part", "whole"),
    [
        ("0", 0, 0),
        ("99.99", 0, 0),
        ("100", 1, 1),
        ("999.99", 9, 9),
        ("1000", 10, 20),
        ("1000.01", 10, 20),
        ("1049.99", 10, 20),
        ("1050", 11, 21),
        ("4999.99", 89, 99),
        ("5000", 90, 150),
        ("5033.33", 90, 150),
        ("5033.34", 91, 151),
        ("6000", 120, 180),
        ("-5", 0, 0),
    ],
)
def test_band_counts_for_its_part_or_for_the_whole_as_the_rule_says(amount: str, part: int, whole: int) -> None:
    values = {AMOUNT: Decimal(amount)}

    assert steps(RISING).give(values) == part
    assert steps(RISING, "to the whole").give(values) == whole


@pytest.mark.parametrize("value", [None, "5000", True])
def test_table_gives_nothing_for_what_is_no_number(value: Value) -> None:
    assert steps(RISING).give({AMOUNT: value}) == 0
    assert steps(RISING, "to the whole").give({AMOUNT: value}) == 0


def test_nothing_is_given_below_the_first_band_and_its_part_begins_there() -> None:
    table = [{"from": "100", "points": 1, "step": "10"}]

    assert [steps(table).give({AMOUNT: Decimal(amount)}) for amount in ("99.99", "100", "109.99", "110")] == [
        0,
        0,
        0,
        1,
    ]
    whole = steps(table, "to the whole")
    assert [whole.give({AMOUNT: Decimal(amount)}) for amount in ("99.99", "100", "119.99")] == [0, 10, 11]


def test_band_of_no_points_leaves_its_part_out() -> None:
    table = [{"from": "0", "points": 0}, {"from": "1000", "percent": "10"}]

    assert [steps(table).give({AMOUNT: Decimal(amount)}) for amount in ("1000", "1100")] == [0, 10]


def test_share_falls_with_another_number_than_the_one_that_is_paid_for() -> None:
    table = [
        {"from": "1", "to": "2", "percent": "50"},
        {"from": "2", "to": "4", "percent": "20"},
        {"from": "4", "points": 0},
    ]
    formula = steps(table, "to the whole", by=MAKERS)

    given_ = [formula.give({AMOUNT: Decimal(300), MAKERS: Decimal(makers)}) for makers in range(6)]

    assert given_ == [0, 150, 60, 60, 0, 0]
    assert formula.give({AMOUNT: Decimal(300)}) == 0
    assert formula.give({MAKERS: Decimal(1)}) == 0


def test_points_of_a_band_that_is_reached_are_given_once() -> None:
    formula = steps([{"from": "1000", "points": 100}, {"from": "5000", "points": 700}], "to the whole")

    assert [formula.give({AMOUNT: Decimal(amount)}) for amount in (999, 1000, 4999, 5000, 10**12)] == [
        0,
        100,
        100,
        700,
        700,
    ]


def test_table_never_gives_more_than_the_most() -> None:
    table = [{"from": "0", "percent": "10000"}, {"from": "1", "percent": "10000"}]

    assert steps(table).give({AMOUNT: Decimal("1e999999")}) == MAX_POINTS
    assert steps(table, "to the whole").give({AMOUNT: Decimal("1e999999")}) == MAX_POINTS


amounts = st.decimals(0, 10**9, places=4)
edges = st.lists(st.integers(0, 10**6), min_size=1, max_size=20, unique=True).map(sorted)


@st.composite
def tables(draw: st.DrawFn, *, rising: bool = False) -> list[dict[str, Any]]:
    """Bands of any edges and percentages, their ends said or left out."""
    starts = draw(edges)
    rates = [draw(st.decimals("0.01", 100, places=2)) for _ in starts]
    bands: list[dict[str, Any]] = []
    for index, (start, rate) in enumerate(zip(starts, sorted(rates) if rising else rates, strict=True)):
        band: dict[str, Any] = {"from": start, "percent": str(rate)}
        if index + 1 < len(starts) and draw(st.booleans()):
            band["to"] = starts[index + 1]
        bands.append(band)
    return bands


@given(bands=tables(), amount=amounts)
def test_parts_add_up_to_what_a_plain_sum_over_the_bands_says(bands: list[dict[str, Any]], amount: Decimal) -> None:
    expected = Decimal(0)
    for index, band in enumerate(bands):
        end = Decimal(bands[index + 1]["from"]) if index + 1 < len(bands) else amount
        expected += max(Decimal(0), min(amount, end) - band["from"]) * Decimal(band["percent"]) / 100

    assert steps(bands).give({AMOUNT: amount}) == int(expected.to_integral_value(ROUND_FLOOR))


@given(bands=tables(), amount=amounts)
def test_whole_gets_the_rate_of_the_highest_band_that_it_reaches(bands: list[dict[str, Any]], amount: Decimal) -> None:
    rate = Decimal(0)
    for band in bands:
        if band["from"] <= amount:
            rate = Decimal(band["percent"])

    assert steps(bands, "to the whole").give({AMOUNT: amount}) == int(amount * rate / 100)


@given(bands=tables(), one=amounts, other=amounts)
def test_more_money_never_gives_fewer_points_by_parts(
    bands: list[dict[str, Any]], one: Decimal, other: Decimal
) -> None:
    less, more = sorted((one, other))

    assert steps(bands).give({AMOUNT: less}) <= steps(bands).give({AMOUNT: more})


@given(bands=tables(rising=True), one=amounts, other=amounts)
def test_more_money_never_gives_fewer_points_by_the_whole_where_rates_rise(
    bands: list[dict[str, Any]], one: Decimal, other: Decimal
) -> None:
    less, more = sorted((one, other))
    formula = steps(bands, "to the whole")

    assert formula.give({AMOUNT: less}) <= formula.give({AMOUNT: more})


@pytest.mark.parametrize(
    ("bands", "says"),
    [
        ([], "bands: [] is not a list with entries"),
        ({"from": 0}, "bands: {'from': 0} is not a list"),
        ([7], "bands[0]: 7 is not an object"),
        ([{"percent": "1"}], "bands[0].from: missing"),
        ([{"from": "0"}], "bands[0].points: missing; a rate is points or percent"),
        ([{"from": "-1", "percent": "1"}], "bands[0].from: '-1' is not a number from 0"),
        ([{"from": "NaN", "percent": "1"}], "bands[0].from: 'NaN'"),
        ([{"from": float("nan"), "percent": "1"}], "bands[0].from: nan"),
        ([{"from": float("inf"), "percent": "1"}], "bands[0].from: inf"),
        ([{"from": True, "percent": "1"}], "bands[0].from: True"),
        ([{"from": [0], "percent": "1"}], "bands[0].from: [0]"),
        ([{"from": "0", "percent": "-1"}], "bands[0].percent: '-1' is not a number from 0.0001"),
        ([{"from": "0", "percent": "NaN"}], "bands[0].percent: 'NaN'"),
        ([{"from": "0", "percent": None}], "bands[0].percent: None"),
        ([{"from": "0", "points": 1, "percent": "1"}], "bands[0].points: a rate is either points or percent"),
        ([{"from": "0", "points": -1, "step": "1"}], "bands[0].points: -1"),
        ([{"from": "0", "points": 5}], "bands[0].points: add 'step', or write percent: 5 points are no rate"),
        ([{"from": "0", "percent": "1", "rate": 2}], "bands[0].rate: no such key here; there are from, percent"),
        (
            [{"from": "0", "to": "9", "percent": "1"}, {"from": "10", "percent": "2"}],
            "bands[1].from: from 9 to 10 there",
        ),
        ([{"from": "0", "to": "9", "percent": "1"}, {"from": "8", "percent": "2"}], "bands[1].from: 8 overlaps"),
        ([{"from": "5", "percent": "1"}, {"from": "5", "percent": "2"}], "bands[1].from: 5 is not above 5, where"),
        ([{"from": "5", "percent": "1"}, {"from": "4", "percent": "2"}], "bands[1].from: 4 is not above 5, where"),
        ([{"from": "5", "to": "5", "percent": "1"}, {"from": "5", "percent": "2"}], "bands[0].to: 5 is not above 5"),
        ([{"from": "0", "to": "9", "percent": "1"}], "bands[0].to: leave it out; the last step has no end"),
        ([{"from": n, "percent": "1"} for n in range(21)], "bands: there are 21 entries; 20 is the most"),
    ],
)
def test_table_that_is_none_is_refused_by_its_place(bands: Any, says: str) -> None:
    with pytest.raises(FormulaError) as refusal:
        steps(bands)

    assert str(refusal.value).startswith(says)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"applies": "maybe"}, "applies: 'maybe' is not one of to the part, to the whole."),
        ({"applies": None}, "applies: None"),
        ({"of": "activity.object"}, "of: 'activity.object' is not a number of this activity"),
        ({"of": "attribute.gone"}, "of: 'attribute.gone' is not a number"),
        ({"by": "activity.object"}, "by: 'activity.object' is not a number"),
        ({"by": MAKERS}, "by: another number can decide which step is reached"),
    ],
)
def test_table_of_the_wrong_facts_is_refused(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(FormulaError) as refusal:
        steps(RISING, **keys)

    assert str(refusal.value).startswith(says)


def test_twenty_bands_are_not_too_many() -> None:
    assert len(steps([{"from": n, "percent": "1"} for n in range(20)]).bands) == 20


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        (
            steps(RISING),
            "1 % of amount in points for the part from 0 to 1,000 GBP; 2 % of amount in points for the part from 1,000 "
            "to 5,000 GBP; 3 % of amount in points for the part above 5,000 GBP",
        ),
        (
            steps([{"from": 1, "percent": 50}, {"from": 2, "points": 0}], "to the whole", by=MAKERS),
            "50 % of amount in points where manufacturers shown is from 1 to below 2; 0 points where manufacturers "
            "shown is at least 2",
        ),
        (
            steps([{"from": "0", "points": 2, "step": "10"}]),
            "2 points for each full 10 GBP of amount for the part above 0 GBP",
        ),
    ],
)
def test_table_reads_as_a_sentence(formula: Steps, sentence: str) -> None:
    assert formula_sentence(formula, CATALOGUE, PLAIN) == sentence


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, ["amount is not known"]),
        (Decimal(4), ["amount was 4 GBP", "nothing is given below 10 GBP"]),
        (Decimal(10), ["amount was 10 GBP", "the step from 10 GBP on was reached"]),
        (Decimal("2000.50"), ["amount was 2,000.50 GBP", "the step from 1,000 GBP on was reached"]),
    ],
)
def test_table_tells_which_step_was_reached(value: Decimal | None, told: list[str]) -> None:
    formula = steps([{"from": 10, "percent": 1}, {"from": 1000, "percent": 2}])

    assert formula.findings({AMOUNT: value}, CATALOGUE, PLAIN) == told
