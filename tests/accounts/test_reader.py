"""Sentences for a reader have the numbers and days of the language; those for nobody in particular have none."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils import translation

from accounts.conditions import Fact, FactType, Operator, parse, sentence
from accounts.reader import READER
from accounts.wording import PLAIN, with_unit

CATALOGUE = {
    "amount": Fact("amount", FactType.NUMBER, "amount", unit="EUR"),
    "day": Fact("day", FactType.DATE, "day"),
}
BOTH = parse(
    {
        "all": [
            {"fact": "amount", "op": Operator.GTE, "value": 1971.5},
            {"fact": "day", "op": Operator.BEFORE, "value": "2026-01-31"},
        ]
    },
    CATALOGUE,
)


@pytest.mark.parametrize(
    ("language", "money", "day"),
    [
        ("en", "1,971.50 EUR", "Jan. 31, 2026"),
        ("ar", "1.971,50 EUR", "31 يناير 2026"),
        ("id", "1.971,50 EUR", "31 Jan. 2026"),
        ("ja", "1,971.50 EUR", "2026年1月31日"),
        ("ko", "1,971.50 EUR", "2026년 1월 31일"),
        ("zh-hans", "1,971.50 EUR", "2026年1月31日"),
    ],
)
def test_numbers_and_days_are_those_of_the_language(language: str, money: str, day: str) -> None:
    with translation.override(language):
        assert with_unit(Decimal("1971.5"), "EUR", READER) == money
        assert READER.day(date(2026, 1, 31)) == day
        said = sentence(BOTH, CATALOGUE, READER)

    assert money in said
    assert day in said


@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_what_is_said_to_nobody_in_particular_is_the_same_in_every_language(language: str) -> None:
    with translation.override(language):
        assert sentence(BOTH, CATALOGUE, PLAIN) == "amount is at least 1,971.50 EUR and day is before 2026-01-31"


def test_large_and_small_numbers_keep_all_of_their_digits() -> None:
    with translation.override("en"):
        assert READER.number(Decimal("123456789012345678.123456789012")) == "123,456,789,012,345,678.123456789012"
        assert READER.number(10**15) == "1,000,000,000,000,000"
        assert READER.number(Decimal("-0.50")) == "-0.5"
        assert READER.number(Decimal("-0.00")) == "0"
