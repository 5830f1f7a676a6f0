"""Formulas at work: from an activity to points, to what is kept of it, and to what people read about it."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import actor_of
from loyalty.explaining import plain_lists, plain_rules, verdicts_of
from loyalty.models import Evaluation, Membership
from tests.factories.world import (
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    balance,
    record,
)

pytestmark = pytest.mark.django_db

AMOUNT, LISTS = "activity.amount", "activity.product_lists"


def a_club(*formulas: dict[str, Any], **rule_set: Any) -> Membership:
    """A member of a program with a rule for each formula."""
    program = a_program(tiers={"basic": 0, "gold": 500})
    a_rule_set(program, [{"formula": formula} for formula in formulas], **rule_set)
    return a_member(program)


def reasons() -> list[str]:
    """Why each rule gave what it gave for the latest activity, computed again as a manager reads it."""
    evaluation = Evaluation.objects.select_related("activity__type", "program").latest("pk")
    return [verdict.reason for verdict in verdicts_of(evaluation, actor_of(a_manager(), now=timezone.now()))]


def test_tier_of_the_moment_multiplies_and_is_told_later() -> None:
    member = a_club({"kind": "percent", "percent": "1", "of": AMOUNT, "multipliers": {"tier": {"gold": "1.5"}}})

    outcomes = record(a_purchase(member.company, 500), a_purchase(member.company, 500))

    assert [outcome.points for outcome in outcomes] == [5, 7]
    assert Evaluation.objects.latest("pk").facts == {AMOUNT: "500", "standing.tier": "gold"}
    assert reasons() == [
        "Applies: 1 % of amount in points, times 1.5 where tier of the company is Gold. Here: amount was 500 GBP; tier "
        "of the company was Gold: times 1.5; rounded from 7.5 to 7."
    ]


def test_product_on_a_list_is_paid_by_its_rate_and_told_later() -> None:
    rate = {
        "kind": "lookup",
        "by": LISTS,
        "of": AMOUNT,
        "table": [{"is": "special", "points": 70}, {"is": "tools", "percent": "10"}],
        "otherwise": {"percent": "1"},
    }
    member = a_club(rate, lists={"tools": ["SAW-1", "SAW-2"], "special": ["SAW-2"]})

    outcomes = record(
        a_purchase(member.company, 200, object="SAW-1"),
        a_purchase(member.company, 200, object="saw-1"),
        a_purchase(member.company, 200),
        a_purchase(member.company, 200, object="SAW-2"),
    )

    assert [outcome.points for outcome in outcomes] == [20, 2, 2, 70]
    assert Evaluation.objects.latest("pk").facts == {AMOUNT: "200", LISTS: ["special", "tools"]}
    assert reasons() == [
        "Applies: 70 points where Special is among the product's lists; 10 % of amount in points where Tools is among "
        "the product's lists; 1 % of amount in points otherwise. Here: the product's lists was Special, Tools; amount "
        "was 200 GBP; the row of Special counts."
    ]


def test_condition_asks_for_a_list() -> None:
    program = a_program()
    a_rule_set(
        program,
        [{"condition": {"fact": LISTS, "op": "has_any", "value": ["tools"]}}],
        lists={"tools": ["SAW-1"], "rest": ["BOLT"]},
    )
    member = a_member(program)

    outcomes = record(*(a_purchase(member.company, 9, object=product) for product in ("SAW-1", "BOLT", "NUT", "")))

    assert [outcome.points for outcome in outcomes] == [9, 0, 0, 0]
    assert reasons() == ["Does not apply: at least one of Tools is among the product's lists, but is not known."]


def test_list_of_another_version_counts_for_nothing() -> None:
    program = a_program()
    a_rule_set(a_program(), lists={"tools": ["SAW-1"]})
    a_rule_set(program, [{"condition": {"fact": LISTS, "op": "has", "value": "tools"}}], lists={"tools": ["DRILL-9"]})
    member = a_member(program)

    record(a_purchase(member.company, 9, object="SAW-1"))

    assert balance(member) == 0


def test_rules_are_said_with_the_names_of_lists_and_the_lists_can_be_read() -> None:
    member = a_club(
        {"kind": "lookup", "by": LISTS, "table": [{"is": "tools", "points": 7}]}, lists={"tools": ["B", "A"]}
    )
    rule_set = member.program.rule_sets.get()

    [rule] = plain_rules(rule_set, member.program)
    [listed] = plain_lists(rule_set)

    assert rule.sentence == (
        "Purchase: the company gets 7 points where Tools is among the product's lists; nothing otherwise."
    )
    assert (listed.name, listed.products, listed.more) == ("Tools", ("A", "B"), 0)


def test_minimum_spend_steps_and_most_of_a_real_purchase() -> None:
    """D11 and D4 in one: a share by steps, at most so much each time, nothing for small change."""
    member = a_club(
        {
            "kind": "steps",
            "of": AMOUNT,
            "applies": "to the part",
            "bands": [{"from": "0", "percent": "2"}, {"from": "100", "percent": "5"}],
            "minimum_spend": "10",
            "rounding": "half up",
            "at_most": 50,
        }
    )

    amounts = ["9.99", "10", "24.99", "25", "100", "109.99", "110", "1060", "9999"]
    outcomes = record(*(a_purchase(member.company, amount, quantity=Decimal(1)) for amount in amounts))

    assert [outcome.points for outcome in outcomes] == [0, 0, 0, 1, 2, 2, 3, 50, 50]
