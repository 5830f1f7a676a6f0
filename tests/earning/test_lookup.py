"""Lookups: which row counts for which value, what all others get, which tables are refused, and how they read."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.conditions import ALWAYS, Catalogue, Fact, FactType, Value
from accounts.wording import PLAIN
from loyalty.earning import (
    Beneficiary,
    EarningRule,
    FormulaError,
    Lookup,
    formula_sentence,
    parse_formula,
    rule_sentence,
)

AMOUNT, PIECES, PRODUCT = "activity.amount", "activity.quantity", "activity.object"
TIER, SEGMENTS, IS_OWN = "standing.tier", "company.segments", "attribute.own"
CATALOGUE: Catalogue = {
    AMOUNT: Fact(AMOUNT, FactType.NUMBER, "amount", "GBP"),
    PIECES: Fact(PIECES, FactType.NUMBER, "quantity"),
    PRODUCT: Fact(PRODUCT, FactType.TEXT, "product code"),
    TIER: Fact(TIER, FactType.CHOICE, "tier", choices=(("silver", "Silver"), ("gold", "Gold"))),
    SEGMENTS: Fact(SEGMENTS, FactType.SET, "segments", choices=(("key", "Key accounts"), ("new", "New"))),
    IS_OWN: Fact(IS_OWN, FactType.BOOLEAN, "own make"),
    "activity.day": Fact("activity.day", FactType.DATE, "day"),
}
PRODUCTS = [{"is": "DRILL", "points": 50}, {"is": ["SAW", "AXE"], "percent": "5"}]


def lookup(by: str, table: Any, **keys: Any) -> Lookup:
    formula = parse_formula({"kind": "lookup", "by": by, "of": AMOUNT, "table": table, **keys}, CATALOGUE)
    assert isinstance(formula, Lookup)
    return formula


@pytest.mark.parametrize(
    ("product", "points"), [("DRILL", 50), ("SAW", 10), ("AXE", 10), ("saw", 2), ("SAW ", 2), ("", 2), (None, 2)]
)
def test_row_that_names_the_product_counts_and_others_get_the_rest(product: str | None, points: int) -> None:
    formula = lookup(PRODUCT, PRODUCTS, otherwise={"percent": "1"})

    assert formula.give({PRODUCT: product, AMOUNT: Decimal(200)}) == points


def test_nothing_is_given_to_what_no_row_names_where_nothing_else_is_said() -> None:
    formula = lookup(PRODUCT, PRODUCTS)

    assert formula.give({PRODUCT: "HAMMER", AMOUNT: Decimal(200)}) == 0
    assert formula.give({AMOUNT: Decimal(200)}) == 0


def test_pieces_of_a_product_are_counted() -> None:
    formula = lookup(PRODUCT, [{"is": "CARTRIDGE", "points": 1, "step": 1}], of=PIECES)

    assert formula.give({PRODUCT: "CARTRIDGE", PIECES: Decimal(7)}) == 7
    assert formula.give({PRODUCT: "CARTRIDGE"}) == 0


def test_first_row_counts_where_several_fit() -> None:
    formula = lookup(SEGMENTS, [{"is": "new", "points": 10}, {"is": "key", "points": 99}], otherwise={"points": 1})

    points = [formula.give({SEGMENTS: held}) for held in (frozenset({"key", "new"}), frozenset({"key"}), frozenset())]
    assert points == [10, 99, 1]


def test_row_can_count_another_number_than_the_rest() -> None:
    own = {"is": "CARTRIDGE", "points": 100, "step": 1, "of": PIECES}
    formula = lookup(PRODUCT, [own], otherwise={"percent": 300})

    assert formula.facts == (PRODUCT, PIECES, AMOUNT)
    assert formula.give({PRODUCT: "CARTRIDGE", PIECES: Decimal(7), AMOUNT: Decimal(9)}) == 700
    assert formula.give({PRODUCT: "PAPER", PIECES: Decimal(7), AMOUNT: Decimal("9.99")}) == 29


@pytest.mark.parametrize(("value", "points"), [(True, 9), (False, 0), (None, 0), ("true", 0), (Decimal(1), 0)])
def test_yes_and_no_are_told_apart(value: Value, points: int) -> None:
    assert lookup(IS_OWN, [{"is": True, "points": 9}]).give({IS_OWN: value}) == points


products = st.sampled_from(["A", "B", "C", "D", "E"])
rates = st.integers(0, 9).map(lambda points: {"points": points}) | st.integers(1, 900).map(
    lambda percent: {"percent": percent}
)


@given(
    table=st.dictionaries(products, rates, min_size=1), rest=st.none() | rates, product=products, pounds=st.integers(0)
)
def test_lookup_gives_what_a_plain_table_says(
    table: dict[str, dict[str, int]], rest: dict[str, int] | None, product: str, pounds: int
) -> None:
    pounds = pounds % 10**9
    formula = lookup(
        PRODUCT,
        [{"is": each, **rate} for each, rate in table.items()],
        **({} if rest is None else {"otherwise": rest}),
    )
    rate = table.get(product, rest) or {"points": 0}

    points = formula.give({PRODUCT: product, AMOUNT: Decimal(pounds)})

    assert points == (rate["points"] if "points" in rate else pounds * rate["percent"] // 100)


@pytest.mark.parametrize(
    ("by", "table", "says"),
    [
        (AMOUNT, PRODUCTS, "by: nothing can be looked up by 'activity.amount'; choose one of activity.object"),
        ("activity.day", PRODUCTS, "by: nothing can be looked up by 'activity.day'"),
        ("attribute.gone", PRODUCTS, "by: nothing can be looked up by 'attribute.gone'"),
        (PRODUCT, [], "table: [] is not a list with entries"),
        (PRODUCT, {"SAW": 1}, "table: {'SAW': 1} is not a list"),
        (PRODUCT, ["SAW"], "table[0]: 'SAW' is not an object"),
        (PRODUCT, [{"points": 1}], "table[0].is: missing"),
        (PRODUCT, [{"is": "SAW"}], "table[0].points: missing; a rate is points or percent"),
        (PRODUCT, [{"is": "SAW", "points": "1"}], "table[0].points: '1' is not a whole number from 0"),
        (PRODUCT, [{"is": "SAW", "points": -1}], "table[0].points: -1"),
        (PRODUCT, [{"is": "SAW", "percent": "-5"}], "table[0].percent: '-5'"),
        (PRODUCT, [{"is": "SAW", "percent": "NaN"}], "table[0].percent: 'NaN'"),
        (PRODUCT, [{"is": "SAW", "percent": "5", "of": PRODUCT}], "table[0].of: 'activity.object' is not a number"),
        (PRODUCT, [{"is": "SAW", "points": 5, "of": PIECES}], "table[0].of: nothing is counted here"),
        (PRODUCT, [{"is": 7, "points": 1}], "table[0].is: 7 is not a text"),
        (PRODUCT, [{"is": None, "points": 1}], "table[0].is: None is not a text"),
        (PRODUCT, [{"is": " ", "points": 1}], "table[0].is: ' ' is not a text"),
        (PRODUCT, [{"is": "a\0", "points": 1}], "table[0].is: 'a\\x00' is not a text"),
        (PRODUCT, [{"is": [], "points": 1}], "table[0].is: there are 0 entries"),
        (PRODUCT, [{"is": ["x"] * 1_001, "points": 1}], "table[0].is: there are 1,001 entries; write from 1 to 1,000"),
        (PRODUCT, [{"is": ["SAW", "SAW"], "points": 1}], "table[0].is[1]: 'SAW' stands in table[0].is[0] already"),
        (PRODUCT, [*PRODUCTS, {"is": "AXE", "points": 1}], "table[2].is: 'AXE' stands in table[1].is[1] already"),
        (PRODUCT, [{"is": "SAW", "points": 1, "was": 2}], "table[0].was: no such key here"),
        (PRODUCT, [{"is": str(n), "points": 1} for n in range(101)], "table: there are 101 entries; 100 is the most"),
        (TIER, [{"is": "gld", "points": 1}], "table[0].is: 'gld' is not one of silver, gold."),
        (SEGMENTS, [{"is": ["key", "kye"], "points": 1}], "table[0].is[1]: 'kye' is not one of key, new."),
        (IS_OWN, [{"is": "true", "points": 1}], "table[0].is: 'true' is neither true nor false."),
        (IS_OWN, [{"is": 1, "points": 1}], "table[0].is: 1 is neither true nor false."),
    ],
)
def test_table_that_is_none_is_refused_by_its_place(by: str, table: Any, says: str) -> None:
    with pytest.raises(FormulaError) as refusal:
        lookup(by, table)

    assert str(refusal.value).startswith(says)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"otherwise": {"percent": "0"}, "of": AMOUNT}, "otherwise.percent: '0'"),
        ({"otherwise": None, "of": AMOUNT}, "otherwise: None is not an object"),
        ({"otherwise": {"is": "X", "points": 1}}, "otherwise.is: no such key here"),
        ({"otherwise": {"percent": "1"}}, "otherwise.percent: of which number?"),
        ({"otherwise": {"points": 1, "step": 2}}, "otherwise.step: of which number?"),
        ({"of": PRODUCT}, "of: 'activity.object' is not a number"),
    ],
)
def test_rest_of_a_lookup_is_checked_likewise(document: dict[str, Any], says: str) -> None:
    with pytest.raises(FormulaError) as refusal:
        parse_formula({"kind": "lookup", "by": PRODUCT, "table": [{"is": "SAW", "points": 1}], **document}, CATALOGUE)

    assert str(refusal.value).startswith(says)


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        (
            lookup(PRODUCT, PRODUCTS, otherwise={"percent": 1}),
            "50 points where product code is “DRILL”; 5 % of amount in points where product code is “SAW” or “AXE”; "
            "1 % of amount in points otherwise",
        ),
        (lookup(TIER, [{"is": "gold", "points": 9}]), "9 points where tier is Gold; nothing otherwise"),
        (
            lookup(SEGMENTS, [{"is": ["key", "new"], "points": 9}]),
            "9 points where segments include Key accounts or New; nothing otherwise",
        ),
        (lookup(IS_OWN, [{"is": True, "points": 9}]), "9 points where own make is yes; nothing otherwise"),
    ],
)
def test_lookup_reads_as_a_sentence(formula: Lookup, sentence: str) -> None:
    assert formula_sentence(formula, CATALOGUE, PLAIN) == sentence


@pytest.mark.parametrize(
    ("to", "who"),
    [
        (Beneficiary.COMPANY, "the company gets"),
        (Beneficiary.EMPLOYEE, "the employee gets"),
        (Beneficiary.BOTH, "the company and the employee each get"),
    ],
)
def test_rule_of_a_table_says_first_to_whom_it_gives(to: Beneficiary, who: str) -> None:
    table = {"kind": "lookup", "by": TIER, "table": [{"is": "gold", "points": 9}], "at_most": 7}
    rule = EarningRule(1, "rule", "Rule", ALWAYS, parse_formula(table, CATALOGUE), to)

    assert rule_sentence(rule, when="Purchase", catalogue=CATALOGUE, translate=PLAIN) == (
        f"Purchase: {who} 9 points where tier is Gold; nothing otherwise, at most 7 points each time."
    )


@pytest.mark.parametrize(
    ("product", "told"),
    [
        ("AXE", ["product code was “AXE”", "amount was 20 GBP", "the row for “AXE” counts"]),
        ("HAMMER", ["product code was “HAMMER”", "amount was 20 GBP", "no row names it"]),
        (None, ["product code is not known", "amount was 20 GBP", "no row names it"]),
    ],
)
def test_lookup_tells_which_row_it_came_to(product: str | None, told: list[str]) -> None:
    assert lookup(PRODUCT, PRODUCTS).findings({PRODUCT: product, AMOUNT: Decimal(20)}, CATALOGUE, PLAIN) == told


def test_lookup_by_several_tells_the_one_that_counted() -> None:
    formula = lookup(SEGMENTS, [{"is": ["new"], "points": 9}, {"is": ["key"], "points": 1}])

    told = formula.findings({SEGMENTS: frozenset({"new", "key"})}, CATALOGUE, PLAIN)

    assert told == ["segments: Key accounts, New", "the row for New counts"]


def test_row_that_counted_is_told_by_the_whole_name() -> None:
    formula = lookup(PRODUCT, [{"is": ["AX", "AXE"], "points": 9}])

    assert formula.findings({PRODUCT: "AXE"}, CATALOGUE, PLAIN) == [
        "product code was “AXE”",
        "the row for “AXE” counts",
    ]


def test_table_divided_among_a_role_says_first_to_whom_it_gives() -> None:
    table = {"kind": "lookup", "by": TIER, "table": [{"is": "gold", "points": 9}]}
    rule = EarningRule(
        1, "rule", "Rule", ALWAYS, parse_formula(table, CATALOGUE), Beneficiary.ROLE, role="buyer", is_divided=True
    )

    assert rule_sentence(rule, when="Purchase", catalogue=CATALOGUE, translate=PLAIN) == (
        "Purchase: everybody in the role buyer who took part shares 9 points where tier is Gold; nothing otherwise."
    )
