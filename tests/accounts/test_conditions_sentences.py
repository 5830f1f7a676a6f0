"""Conditions in plain words: one sentence an operator, joined and bracketed, in the reader's language."""

from datetime import date
from decimal import Decimal

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


def english(template: str) -> str:
    return template


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
        (leaf("amount", "ne", 0.5), "amount is not 0.5 GBP"),
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
        (leaf("segments", "has", "vip"), "Key clients is among segments"),
        (leaf("segments", "has_any", ["vip", "new"]), "at least one of Key clients, New is among segments"),
        (leaf("segments", "has_none", ["vip", "new"]), "none of Key clients, New is among segments"),
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
    assert sentence(parse(document, CATALOGUE), CATALOGUE, english) == expected


@pytest.mark.parametrize(
    ("document", "values", "expected"),
    [
        (BIG, {"amount": Decimal("40.00")}, ["amount is at least 100 GBP, but was 40 GBP"]),
        (BIG, {}, ["amount is at least 100 GBP, but is not known"]),
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
            ["none of Key clients is among segments, but found Key clients, New"],
        ),
        (
            leaf("segments", "has", "vip"),
            {"segments": frozenset()},
            ["Key clients is among segments, but found none"],
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

    assert [failure_sentence(outcome, CATALOGUE, english) for outcome in outcomes] == expected


def test_words_and_order_follow_the_readers_language() -> None:
    german = {
        "{fact} is at least {value}": "{value} oder mehr {fact}",
        "{number} {unit}": "{unit} {number}",
        "{fact} is {value}": "{fact} ist {value}",
        "{first} and {second}": "{first} und {second}",
        "yes": "ja",
        "1,234.5": "1.234,5",
    }

    text = sentence(parse({"all": [BIG, ACTIVE]}, CATALOGUE), CATALOGUE, german.__getitem__)

    assert text == "GBP 100 oder mehr amount und account active ist ja"


def test_a_label_is_read_each_time_a_sentence_is_built() -> None:
    class Lazy:
        language = "en"

        def __str__(self) -> str:
            return {"en": "amount", "de": "Betrag"}[self.language]

    label = Lazy()
    catalogue = {"amount": Fact("amount", FactType.NUMBER, label)}
    condition = parse(BIG, catalogue)

    before = sentence(condition, catalogue, english)
    label.language = "de"

    assert before == "amount is at least 100"
    assert sentence(condition, catalogue, english) == "Betrag is at least 100"


def test_a_fact_that_has_left_the_catalogue_is_called_by_its_code() -> None:
    gone = Leaf("activity.weight", Operator.GTE, Decimal("2.50"))

    assert leaf_sentence(gone, {}, english) == "activity.weight is at least 2.5"


def test_every_operator_has_a_name_for_the_editor() -> None:
    assert set(OPERATOR_NAMES) == set(Operator)
