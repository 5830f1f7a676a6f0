"""Formulas: what each gives for which facts, which documents are refused, and how they read."""

from decimal import Decimal

import pytest

from accounts.conditions import Catalogue, Fact, FactType, Value
from accounts.wording import PLAIN, Translator
from loyalty.earning import (
    KINDS,
    MAX_POINTS,
    Fixed,
    Formula,
    FormulaError,
    Per,
    Percent,
    formula_sentence,
    parse_formula,
)

AMOUNT = "activity.amount"
CATALOGUE: Catalogue = {
    AMOUNT: Fact(AMOUNT, FactType.NUMBER, "amount", "GBP"),
    "attribute.weight": Fact("attribute.weight", FactType.NUMBER, "weight"),
    "activity.object": Fact("activity.object", FactType.TEXT, "product code"),
}


def per(points: int, step: str) -> Per:
    return Per(points, Decimal(step), AMOUNT)


def percent(rate: str) -> Percent:
    return Percent(Decimal(rate), AMOUNT)


@pytest.mark.parametrize(
    ("formula", "amount", "points"),
    [
        (Fixed(50), Decimal(0), 50),
        (Fixed(50), None, 50),
        (per(2, "10"), Decimal("9.9999"), 0),
        (per(2, "10"), Decimal(10), 2),
        (per(2, "10"), Decimal("105.50"), 20),
        (per(1, "0.01"), Decimal("0.03"), 3),
        (per(3, "0.0001"), Decimal("0.0003"), 9),
        (per(1, "1"), Decimal(0), 0),
        (per(1, "1"), Decimal(-5), 0),
        (per(1, "1"), None, 0),
        (per(10**9, "0.0001"), Decimal(10) ** 12, MAX_POINTS),
        (per(1, "1"), Decimal("1e150"), MAX_POINTS),
        (per(1, "1"), Decimal("1e-150"), 0),
        (percent("2.5"), Decimal(39), 0),
        (percent("2.5"), Decimal(40), 1),
        (percent("2.5"), Decimal("105.50"), 2),
        (percent("100"), Decimal("7.9999"), 7),
        (percent("10000"), Decimal(10) ** 12, 10**14),
        (percent("10000"), Decimal("1e999999"), MAX_POINTS),
        (percent("10000"), Decimal("1e14"), MAX_POINTS),
        (percent("100"), Decimal("1.005e15"), MAX_POINTS),
        (percent("100"), Decimal(MAX_POINTS), MAX_POINTS),
        (per(1, "1"), Decimal("2." + "9" * 40), 2),
        (percent("0.0001"), Decimal("-1e30"), 0),
        (percent("2.5"), None, 0),
    ],
)
def test_formula_gives_whole_points_rounded_down(formula: Formula, amount: Decimal | None, points: int) -> None:
    assert formula.give({AMOUNT: amount}) == points


def test_percentage_just_below_the_next_point_is_not_rounded_up_to_it() -> None:
    nearly_all = percent("99." + "9" * 40)

    assert nearly_all.give({AMOUNT: Decimal(1)}) == 0


@pytest.mark.parametrize("value", ["105", True, frozenset({"105"})])
def test_fact_that_is_no_number_gives_nothing(value: Value) -> None:
    assert per(1, "1").give({AMOUNT: value}) == 0
    assert percent("100").give({AMOUNT: value}) == 0


@pytest.mark.parametrize(
    ("document", "formula"),
    [
        ({"kind": "fixed", "points": 50}, Fixed(50)),
        ({"kind": "per", "points": 2, "step": "10", "of": AMOUNT}, per(2, "10")),
        ({"kind": "per", "points": 2, "step": 0.1, "of": AMOUNT}, per(2, "0.1")),
        ({"kind": "percent", "percent": "2.5", "of": "attribute.weight"}, Percent(Decimal("2.5"), "attribute.weight")),
    ],
)
def test_document_of_the_menu_is_read(document: object, formula: Formula) -> None:
    assert parse_formula(document, CATALOGUE) == formula


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (None, "A formula is an object"),
        ([], "A formula is an object"),
        ({}, "kind: None"),
        ({"kind": "power"}, "kind: 'power'"),
        ({"kind": ["fixed"]}, "kind: ['fixed']"),
        ({"kind": "fixed"}, "points: missing"),
        ({"kind": "fixed", "points": 50, "step": 1}, "step: a formula of the kind 'fixed'"),
        ({"kind": "fixed", "points": 0}, "points: 0"),
        ({"kind": "fixed", "points": -3}, "points: -3"),
        ({"kind": "fixed", "points": True}, "points: True"),
        ({"kind": "fixed", "points": "50"}, "points: '50'"),
        ({"kind": "fixed", "points": 1.5}, "points: 1.5"),
        ({"kind": "fixed", "points": 10**9 + 1}, "points: 1000000001"),
        ({"kind": "per", "points": 1, "step": "0", "of": AMOUNT}, "step: '0'"),
        ({"kind": "per", "points": 1, "step": "NaN", "of": AMOUNT}, "step: 'NaN'"),
        ({"kind": "per", "points": 1, "step": "Infinity", "of": AMOUNT}, "step: 'Infinity'"),
        ({"kind": "per", "points": 1, "step": "ten", "of": AMOUNT}, "step: 'ten'"),
        ({"kind": "per", "points": 1, "step": None, "of": AMOUNT}, "step: None"),
        ({"kind": "percent", "percent": "10000.1", "of": AMOUNT}, "percent: '10000.1'"),
        ({"kind": "percent", "percent": "5", "of": "activity.object"}, "of: 'activity.object' is not a number"),
        ({"kind": "percent", "percent": "5", "of": "activity.price"}, "of: 'activity.price' is not a number"),
        ({"kind": "percent", "percent": "5", "of": [AMOUNT]}, "of: ['activity.amount'] is not a number"),
    ],
)
def test_document_off_the_menu_is_refused_by_its_key(document: object, says: str) -> None:
    with pytest.raises(FormulaError) as refusal:
        parse_formula(document, CATALOGUE)

    assert str(refusal.value).startswith(says)


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        (Fixed(1500), "1,500 points"),
        (Fixed(1), "1 point"),
        (Fixed(0), "0 points"),
        (per(1, "1"), "1 point for each full 1 GBP of amount"),
        (per(1_000, "2500"), "1,000 points for each full 2,500 GBP of amount"),
        (per(2, "10.00"), "2 points for each full 10 GBP of amount"),
        (Per(2, Decimal("0.5"), "attribute.weight"), "2 points for each full 0.5 of weight"),
        (percent("2.50"), "2.5 % of amount in points"),
    ],
)
def test_formula_reads_as_a_sentence(formula: Formula, sentence: str) -> None:
    assert formula_sentence(formula, CATALOGUE, PLAIN) == sentence


class _German(Translator):
    def __call__(self, template: str, /) -> str:
        """Return what German has for it."""
        return {
            "kind: {found} is not one of {kinds}.": "kind: {found} ist keines von {kinds}.",
            "{first}, {second}": "{first} / {second}",
        }[template]


def test_refusal_is_said_in_the_language_of_the_reader() -> None:
    with pytest.raises(FormulaError) as refusal:
        parse_formula({"kind": "gift"}, {})

    kinds = ", ".join(KINDS)
    assert str(refusal.value) == f"kind: 'gift' is not one of {kinds}."
    assert refusal.value.translated(_German()) == f"kind: 'gift' ist keines von {' / '.join(KINDS)}."
