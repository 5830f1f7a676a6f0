"""Whether conditions can hold, alone and together, and which rows are to blame where they cannot."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given

from accounts.conditions import Condition, Fact, FactType, Leaf, Operator, Values, can_hold, clashes, holds, parse
from tests.accounts.test_conditions_laws import CATALOGUE, conditions, worlds

FACTS = {
    **CATALOGUE,
    "kind": Fact("kind", FactType.CHOICE, "kind", choices=(("dealer", "Dealer"), ("agent", "Agent"))),
    "lists": Fact("lists", FactType.SET, "lists", choices=(("tools", "Tools"), ("tea", "Tea"))),
}


def leaf(fact: str, op: str, value: object) -> dict[str, object]:
    return {"fact": fact, "op": op, "value": value}


def every(*parts: object) -> dict[str, Any]:
    return {"all": list(parts)}


def some(*parts: object) -> dict[str, Any]:
    return {"any": list(parts)}


def read(document: object) -> Condition:
    return parse(document, FACTS)


ABOVE, BELOW, GOLD = leaf("amount", "gt", 100), leaf("amount", "lt", 50), leaf("tier", "eq", "a")


@pytest.mark.parametrize(
    ("document", "possible"),
    [
        ({}, True),
        (every(ABOVE, BELOW), False),
        (every(leaf("amount", "gt", 5), leaf("amount", "lt", 6)), True),  # 5.5
        (every(leaf("amount", "gte", 5), leaf("amount", "lte", 5)), True),
        (every(leaf("amount", "gt", 5), leaf("amount", "lte", 5)), False),
        (every(leaf("amount", "between", [1, 5]), leaf("amount", "ne", 5), leaf("amount", "gte", 5)), False),
        (every(ABOVE, {"not": leaf("amount", "gt", 50)}), False),
        ({"not": every(ABOVE, leaf("amount", "known", True))}, True),
        (every({"not": ABOVE}, {"not": leaf("amount", "lte", 100)}), True),  # an amount that is not known
        (every({"not": ABOVE}, {"not": leaf("amount", "lte", 100)}, leaf("amount", "known", True)), False),
        (every(ABOVE, leaf("amount", "known", False)), False),
        (every(leaf("joined", "on_or_after", "2026-01-02"), leaf("joined", "before", "2026-01-03")), True),
        (every(leaf("joined", "on_or_after", "2026-01-02"), leaf("joined", "before", "2026-01-02")), False),
        # No day lies between two that follow each other.
        (every({"not": leaf("joined", "before", "2026-01-03")}, leaf("joined", "before", "2026-01-03")), False),
        (every(leaf("active", "eq", True), leaf("active", "eq", False)), False),
        (every(leaf("kind", "ne", "dealer"), leaf("kind", "ne", "agent")), False),  # there are no others
        (every(leaf("object", "ne", "A"), leaf("object", "ne", "B")), True),
        (every(leaf("object", "in", ["A", "B"]), leaf("object", "not_in", ["B", "A"])), False),
        (every(leaf("object", "starts_with", "dr"), leaf("object", "eq", "DRILL-9")), True),  # case is no matter
        (every(leaf("object", "starts_with", "dr"), leaf("object", "starts_with", "drill")), True),
        (every(leaf("object", "starts_with", "dr"), leaf("object", "starts_with", "saw")), False),
        (every(leaf("object", "contains", "dr"), {"not": leaf("object", "contains", "r")}), False),
        (every(leaf("object", "contains", "dr"), {"not": leaf("object", "contains", "drr")}), True),
        (every(leaf("segments", "has", "a"), leaf("segments", "has_none", ["b", "c"])), True),
        (every(leaf("segments", "has", "a"), leaf("segments", "has_none", ["a"])), False),
        (every(leaf("segments", "has_any", ["a", "b"]), leaf("segments", "has_none", ["a"])), True),
        (every(leaf("segments", "has_any", ["a", "b"]), leaf("segments", "has_none", ["a", "b"])), False),
        (every(leaf("lists", "has_none", ["tools"]), {"not": leaf("lists", "has_none", ["tools"])}), False),
        (every(ABOVE, some(BELOW, GOLD)), True),
        (every(ABOVE, some(BELOW, leaf("amount", "eq", 7))), False),
    ],
)
def test_whether_a_condition_can_hold(document: object, possible: bool) -> None:
    assert can_hold(read(document), catalogue=FACTS) is possible


def blamed(document: object, *given_: Leaf) -> list[tuple[bool, list[str]]]:
    found = clashes(read(document), catalogue=FACTS, given=given_)
    return [(clash.is_whole, [row.path or "given" for row in clash.rows]) for clash in found]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (every(ABOVE, GOLD), []),
        (every(GOLD, ABOVE, BELOW), [(True, ["all[1]", "all[2]"])]),
        # Of three rows the two that are enough; of two facts both.
        (every(leaf("amount", "ne", 7), ABOVE, BELOW), [(True, ["all[1]", "all[2]"])]),
        (
            every(ABOVE, BELOW, leaf("active", "eq", True), leaf("active", "eq", False)),
            [(True, ["all[0]", "all[1]"]), (True, ["all[2]", "all[3]"])],
        ),
        # Either way of holding is closed by another row: none alone is to blame.
        (every(ABOVE, some(BELOW, leaf("amount", "eq", 7))), [(True, [])]),
        (every(ABOVE, some(BELOW, GOLD)), [(False, ["all[0]", "all[1].any[0]"])]),
        # A group that excludes itself is told once, whatever else stands in it.
        (some(every(ABOVE, GOLD, BELOW), GOLD), [(False, ["any[0].all[0]", "any[0].all[2]"])]),
        ({"not": some(ABOVE, leaf("amount", "lte", 100), leaf("amount", "known", False))}, [
            (True, ["not.any[0]", "not.any[1]", "not.any[2]"])
        ]),
    ],
)  # fmt: skip
def test_which_rows_are_to_blame(document: object, found: list[tuple[bool, list[str]]]) -> None:
    assert blamed(document) == found


def test_what_is_given_is_part_of_a_clash_and_of_conditions_together() -> None:
    from_now_on = Leaf("joined", Operator.ON_OR_AFTER, date(2026, 12, 1))
    over = leaf("joined", "before", "2026-01-01")

    assert blamed(every(GOLD, over), from_now_on) == [(True, ["all[1]", "given"])]
    assert blamed(some(GOLD, over), from_now_on) == [(False, ["any[1]", "given"])]
    assert can_hold(read(ABOVE), read(GOLD), catalogue=FACTS)
    assert not can_hold(read(ABOVE), read(some(BELOW, every(GOLD, BELOW))), catalogue=FACTS)
    assert can_hold(read(ABOVE), read(BELOW), catalogue={})  # of a fact that is gone nothing is claimed


def test_very_many_ways_to_hold_are_not_all_tried() -> None:
    groups = [some(*(leaf("amount", "eq", group * 10 + one) for one in range(3))) for group in range(6)]

    assert not can_hold(read(every(*groups)), catalogue=FACTS)


@given(conditions, worlds)
def test_what_holds_for_some_facts_can_hold(condition: Condition, facts: Values) -> None:
    if holds(condition, facts):
        assert can_hold(condition, catalogue=CATALOGUE)
        assert not [clash for clash in clashes(condition, catalogue=CATALOGUE) if clash.is_whole]
