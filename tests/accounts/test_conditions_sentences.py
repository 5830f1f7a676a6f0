"""Conditions in plain words: one sentence an operator, joined and bracketed, in the reader's language."""

from datetime import date
from decimal import Decimal
from typing import ClassVar

import pytest

from accounts.conditions import (
    OPERATOR_NAMES,
    Fact,
    FactType,
    Leaf,
    Operator,
    Value,
    failure_sentence,
    failures,
    leaf_sentence,
    parse,
    sentence,
)
from accounts.wording import PLAIN, Translator, trimmed, with_unit

CATALOGUE = {
    fact.code: fact
    for fact in (
        Fact("amount", FactType.NUMBER, "amount", unit="GBP"),
        Fact("orders", FactType.NUMBER, "number of orders"),
        Fact("object", FactType.TEXT, "product"),
        Fact("tier", FactType.CHOICE, "tier", choices=(("GOLD", "Gold"), ("SILVER", "Silver"))),
        Fact("active", FactType.BOOLEAN, "account active"),
        Fact("joined", FactType.DATE, "joining day"),
        Fact("segments", FactType.SET, "segments", choices=(("vip", "Key clients"), ("new", "New"))),
    )
}


def leaf(fact: str, op: str, value: object) -> dict[str, object]:
    return {"fact": fact, "op": op, "value": value}


BIG = leaf("amount", "gte", 100)
GOLD = leaf("tier", "eq", "GOLD")
ACTIVE = leaf("active", "eq", True)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, "always"),
        (leaf("amount", "eq", 100), "amount is 100 GBP"),
        (leaf("amount", "ne", 0.5), "amount is not 0.50 GBP"),
        (leaf("amount", "gt", 100.0), "amount is more than 100 GBP"),
        (leaf("amount", "gte", 1e17), "amount is at least 100,000,000,000,000,000 GBP"),
        (leaf("amount", "lt", -0.0), "amount is less than 0 GBP"),
        (leaf("orders", "lte", 10), "number of orders is at most 10"),
        (leaf("orders", "between", [1, 2]), "number of orders is from 1 to 2"),
        (leaf("object", "eq", "A-1"), "product is “A-1”"),
        (leaf("object", "ne", "{fact}"), "product is not “{fact}”"),
        (leaf("object", "in", ["A", "B", "C"]), "product is one of “A”, “B”, “C”"),
        (leaf("object", "contains", "pump"), "product contains “pump”"),
        (leaf("object", "starts_with", "A"), "product starts with “A”"),
        (leaf("tier", "eq", "GOLD"), "tier is Gold"),
        (leaf("tier", "not_in", ["GOLD", "SILVER"]), "tier is none of Gold, Silver"),
        (leaf("active", "eq", True), "account active is yes"),
        (leaf("active", "eq", False), "account active is no"),
        (leaf("joined", "on_or_after", "2026-01-31"), "joining day is on or after 2026-01-31"),
        (leaf("joined", "before", "2026-01-31"), "joining day is before 2026-01-31"),
        (
            leaf("joined", "between", ["2026-01-01", "2026-01-31"]),
            "joining day is from 2026-01-01 to 2026-01-31",
        ),
        (leaf("segments", "has", "vip"), "segments include Key clients"),
        (leaf("segments", "has_any", ["vip", "new"]), "segments include at least one of Key clients, New"),
        (leaf("segments", "has_none", ["vip", "new"]), "segments include none of Key clients, New"),
        (leaf("segments", "has_any", ["vip"]), "segments include Key clients"),
        (leaf("segments", "has_none", ["vip"]), "segments do not include Key clients"),
        (leaf("segments", "known", True), "segments are known"),
        (leaf("segments", "known", False), "segments are not known"),
        (leaf("tier", "in", ["GOLD"]), "tier is Gold"),
        (leaf("tier", "not_in", ["GOLD"]), "tier is not Gold"),
        (leaf("amount", "known", True), "amount is known"),
        (leaf("amount", "known", False), "amount is not known"),
        ({"all": [BIG, GOLD, ACTIVE]}, "amount is at least 100 GBP and tier is Gold and account active is yes"),
        ({"any": [BIG, GOLD]}, "amount is at least 100 GBP or tier is Gold"),
        ({"not": BIG}, "not (amount is at least 100 GBP)"),
        (
            {"all": [BIG, {"any": [GOLD, ACTIVE]}]},
            "amount is at least 100 GBP and (tier is Gold or account active is yes)",
        ),
        (
            {"any": [{"all": [BIG, GOLD]}, {"not": {"any": [BIG, ACTIVE]}}]},
            "(amount is at least 100 GBP and tier is Gold) or "
            "not (amount is at least 100 GBP or account active is yes)",
        ),
        ({"all": [{"any": [BIG]}]}, "amount is at least 100 GBP"),
        ({"all": [{"any": [BIG]}, GOLD]}, "amount is at least 100 GBP and tier is Gold"),
        (
            {"all": [{"any": [{"all": [BIG, GOLD]}]}, ACTIVE]},
            "(amount is at least 100 GBP and tier is Gold) and account active is yes",
        ),
    ],
)
def test_a_condition_reads_as_a_sentence(document: object, expected: str) -> None:
    assert sentence(parse(document, CATALOGUE), CATALOGUE, PLAIN) == expected


@pytest.mark.parametrize(
    ("document", "values", "expected"),
    [
        (BIG, {"amount": Decimal("40.00")}, ["amount is at least 100 GBP, but was 40 GBP"]),
        (BIG, {}, ["amount is at least 100 GBP, but is not known"]),
        (leaf("amount", "known", True), {}, ["amount is not known"]),
        (leaf("segments", "known", True), {}, ["segments are not known"]),
        (leaf("segments", "has_any", ["vip"]), {}, ["segments include Key clients, but are not known"]),
        (GOLD, {"tier": "SILVER"}, ["tier is Gold, but was Silver"]),
        (GOLD, {"tier": "RETIRED"}, ["tier is Gold, but was RETIRED"]),
        (ACTIVE, {"active": False}, ["account active is yes, but was no"]),
        (
            leaf("joined", "before", "2026-01-01"),
            {"joined": date(2026, 1, 1)},
            ["joining day is before 2026-01-01, but was 2026-01-01"],
        ),
        (leaf("object", "eq", "A"), {"object": ""}, ["product is “A”, but was “”"]),
        (
            leaf("segments", "has_none", ["vip"]),
            {"segments": frozenset({"vip", "new"})},
            ["segments do not include Key clients, but were Key clients, New"],
        ),
        (
            leaf("segments", "has", "vip"),
            {"segments": frozenset()},
            ["segments include Key clients, but there were none"],
        ),
        (leaf("amount", "known", False), {"amount": Decimal(1)}, ["amount is not known, but was 1 GBP"]),
        ({"not": BIG}, {"amount": Decimal(100)}, ["not (amount is at least 100 GBP), but was 100 GBP"]),
        (
            {"any": [BIG, GOLD]},
            {"tier": "SILVER"},
            ["amount is at least 100 GBP, but is not known", "tier is Gold, but was Silver"],
        ),
    ],
)
def test_a_failure_says_what_was_wanted_and_what_was_found(
    document: object, values: dict[str, Value], expected: list[str]
) -> None:
    outcomes = failures(parse(document, CATALOGUE), values)

    assert [failure_sentence(outcome, CATALOGUE, PLAIN) for outcome in outcomes] == expected


class German(Translator):
    words: ClassVar[dict[str, str]] = {
        "{fact} is at least {value}": "{value} oder mehr {fact}",
        "{number} {unit}": "{unit} {number}",
        "{fact} is {value}": "{fact} ist {value}",
        "{fact} is before {value}": "{fact} liegt vor dem {value}",
        "{first} and {second}": "{first} und {second}",
        "yes": "ja",
        "1,234.5": "1.234,5",
    }

    def __call__(self, template: str, /) -> str:
        return self.words[template]

    def number(self, number: Decimal | int, digits: int = 0) -> str:
        return f"{trimmed(number, digits):f}".replace(".", ",")

    def day(self, day: date) -> str:
        return f"{day:%d.%m.%Y}"


def test_words_and_order_numbers_and_days_follow_the_readers_language() -> None:
    early = leaf("joined", "before", "2026-01-31")
    much = leaf("amount", "gte", 1971.5)

    text = sentence(parse({"all": [much, ACTIVE, early]}, CATALOGUE), CATALOGUE, German())

    assert text == "GBP 1971,50 oder mehr amount und account active ist ja und joining day liegt vor dem 31.01.2026"


@pytest.mark.parametrize(
    ("number", "unit", "expected"),
    [
        ("1971.5", "EUR", "1,971.50 EUR"),
        ("1971.50", "EUR", "1,971.50 EUR"),
        ("1971.00", "EUR", "1,971 EUR"),
        ("0.0250", "EUR", "0.025 EUR"),
        ("1971.5", "JPY", "1,971.5 JPY"),
        ("1971.5", "KWD", "1,971.500 KWD"),
        ("1971.50", "kg", "1,971.5 kg"),
        ("1971.50", "", "1,971.5"),
        ("-0.0", "EUR", "0 EUR"),
        ("-1E+3", "", "-1,000"),
        ("123456789012345678.123456789012", "", "123,456,789,012,345,678.123456789012"),
    ],
)
def test_number_is_said_exactly_and_money_with_all_of_its_cents(number: str, unit: str, expected: str) -> None:
    assert with_unit(Decimal(number), unit, PLAIN) == expected


def test_a_label_is_read_each_time_a_sentence_is_built() -> None:
    class Lazy:
        language = "en"

        def __str__(self) -> str:
            return {"en": "amount", "de": "Betrag"}[self.language]

    label = Lazy()
    catalogue = {"amount": Fact("amount", FactType.NUMBER, label)}
    condition = parse(BIG, catalogue)

    before = sentence(condition, catalogue, PLAIN)
    label.language = "de"

    assert before == "amount is at least 100"
    assert sentence(condition, catalogue, PLAIN) == "Betrag is at least 100"


def test_a_fact_that_has_left_the_catalogue_is_called_by_its_code() -> None:
    gone = Leaf("activity.weight", Operator.GTE, Decimal("2.50"))

    assert leaf_sentence(gone, {}, PLAIN) == "activity.weight is at least 2.5"


def test_every_operator_has_a_name_for_the_editor() -> None:
    assert set(OPERATOR_NAMES) == set(Operator)
