"""The registry of facts, and how their values are kept as JSON."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from accounts.conditions import Fact, FactConflictError, FactRegistry, FactType, Value, from_json, to_json


class Unreadable:
    """A lazy label in a process that has no language yet."""

    def __str__(self) -> str:
        raise AssertionError("a label was read before a sentence needed it")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a label was compared")

    __hash__ = None  # type: ignore[assignment]


def test_registered_facts_are_found_by_code() -> None:
    registry = FactRegistry()
    amount = Fact("amount", FactType.NUMBER, "amount")

    registry.register(amount, Fact("object", FactType.TEXT, "product"))

    assert list(registry.catalogue()) == ["amount", "object"]
    assert registry.catalogue()["amount"] is amount


def test_the_catalogue_can_be_extended_but_not_changed() -> None:
    registry = FactRegistry()
    registry.register(Fact("amount", FactType.NUMBER, "amount"))
    catalogue = registry.catalogue()

    extended = {**catalogue, "attribute.colour": Fact("attribute.colour", FactType.TEXT, "colour")}

    assert list(extended) == ["amount", "attribute.colour"]
    assert list(registry.catalogue()) == ["amount"]
    assert not hasattr(catalogue, "__setitem__")


def test_registering_the_same_fact_again_is_harmless_and_reads_no_label() -> None:
    registry = FactRegistry()

    for _ in range(2):
        registry.register(Fact("tier", FactType.CHOICE, Unreadable(), Unreadable(), choices=(("GOLD", Unreadable()),)))

    assert list(registry.catalogue()) == ["tier"]


@pytest.mark.parametrize(
    "other",
    [Fact("tier", FactType.TEXT, "tier"), Fact("tier", FactType.CHOICE, "tier", choices=(("SILVER", "Silver"),))],
)
def test_one_code_with_two_meanings_is_refused_and_changes_nothing(other: Fact) -> None:
    registry = FactRegistry()
    tier = Fact("tier", FactType.CHOICE, "tier", choices=(("GOLD", "Gold"),))
    registry.register(tier)

    with pytest.raises(FactConflictError, match="The fact 'tier' is already registered"):
        registry.register(Fact("amount", FactType.NUMBER, "amount"), other)

    assert dict(registry.catalogue()) == {"tier": tier}


@pytest.mark.parametrize(
    ("fact_type", "value", "raw"),
    [
        (FactType.NUMBER, Decimal("100.10"), "100.10"),
        (FactType.NUMBER, Decimal("1E+3"), "1E+3"),
        (FactType.TEXT, "", ""),
        (FactType.CHOICE, "GOLD", "GOLD"),
        (FactType.BOOLEAN, False, False),
        (FactType.DATE, date(2026, 1, 31), "2026-01-31"),
        (FactType.SET, frozenset({"b", "a"}), ["a", "b"]),
        (FactType.SET, frozenset(), []),
        *((fact_type, None, None) for fact_type in FactType),
    ],
)
def test_a_value_comes_back_from_json_exactly(fact_type: FactType, value: Value, raw: object) -> None:
    fact = Fact("x", fact_type, "x")

    kept = json.loads(json.dumps(to_json(value)))

    assert kept == raw
    back = from_json(kept, fact)
    assert back == value
    assert type(back) is type(value)
    assert str(back) == str(value) or isinstance(value, frozenset)


@pytest.mark.parametrize(("raw", "value"), [(5, Decimal(5)), (0.1, Decimal("0.1")), ("5.00", Decimal("5.00"))])
def test_a_number_may_come_as_a_json_number(raw: object, value: Decimal) -> None:
    assert str(from_json(raw, Fact("x", FactType.NUMBER, "x"))) == str(value)


@pytest.mark.parametrize(
    ("fact_type", "raw"),
    [
        (FactType.NUMBER, True),
        (FactType.NUMBER, "a"),
        (FactType.NUMBER, "NaN"),
        (FactType.NUMBER, float("inf")),
        (FactType.NUMBER, [1]),
        (FactType.TEXT, 5),
        (FactType.CHOICE, False),
        (FactType.BOOLEAN, 1),
        (FactType.BOOLEAN, "true"),
        (FactType.DATE, "20260131"),
        (FactType.DATE, "2026-01-31T00:00:00"),
        (FactType.DATE, 5),
        (FactType.SET, "a"),
        (FactType.SET, ["a", 5]),
    ],
)
def test_json_of_another_type_is_refused(fact_type: FactType, raw: object) -> None:
    with pytest.raises(ValueError, match=f"is not a value of the {fact_type} fact 'x'"):
        from_json(raw, Fact("x", fact_type, "x"))


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("-Infinity"), datetime(2026, 1, 31, tzinfo=UTC)])
def test_what_could_not_come_back_is_not_kept(value: Value) -> None:
    with pytest.raises(ValueError, match="fact"):
        to_json(value)
