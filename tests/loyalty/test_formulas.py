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
    a_purchase_type,
    a_rule_set,
    an_employee,
    balance,
    consent_to,
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
        "Applies: 70 points where the product's lists include Special; 10 % of amount in points where the product's "
        "lists include Tools; 1 % of amount in points otherwise. Here: the product's lists: Special, Tools; amount "
        "was 200 GBP; the row for Special counts."
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
    assert reasons() == ["Does not apply: the product's lists include Tools, but are not known."]


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
        "Purchase: the company gets 7 points where the product's lists include Tools; nothing otherwise."
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


def test_bwt_pays_a_share_of_an_advertisement_that_falls_with_the_makers_it_shows() -> None:
    """D4: half of the cost where it shows our products alone."""
    type_ = a_purchase_type()
    type_.attributes.create(code="makers", name="manufacturers shown", type="NUMBER")
    share = {
        "kind": "steps",
        "by": "attribute.makers",
        "of": AMOUNT,
        "applies": "to the whole",
        "bands": [{"from": 1, "percent": 50}, {"from": 2, "percent": 25}, {"from": 4, "points": 0}],
    }
    member = a_club(share)

    outcomes = record(*(a_purchase(member.company, 900, attributes={"makers": makers}) for makers in range(1, 6)))

    assert [outcome.points for outcome in outcomes] == [450, 225, 225, 0, 0]


def test_etihad_gives_people_miles_by_the_class_of_a_ticket() -> None:
    """D7: business and first class tickets earn miles for whoever sold them."""
    a_purchase_type().attributes.create(code="class", name="class", type="TEXT")
    miles = {
        "kind": "lookup",
        "by": "attribute.class",
        "of": "activity.quantity",
        "table": [
            {"is": "business", "points": 500, "step": 1},
            {"is": ["first", "residence"], "points": 900, "step": 1},
        ],
    }
    program = a_program()
    a_rule_set(program, [{"formula": miles, "beneficiary": "EMPLOYEE"}])
    member = a_member(program)
    consent_to(member)
    seller = an_employee(member.company)

    outcomes = record(
        *(
            a_purchase(member.company, 3_000, employee_id=seller.pk, quantity=Decimal(2), attributes={"class": booked})
            for booked in ("business", "first", "economy")
        )
    )

    assert [outcome.points for outcome in outcomes] == [1_000, 1_800, 0]
    assert (balance(member, seller), balance(member)) == (2_800, 0)


def test_officemax_gives_a_share_back_and_a_dollar_a_cartridge_up_to_a_hundred_a_month() -> None:
    """D11, in cents: online spend, and recycled cartridges of the own make, under one limit."""
    program = a_program()
    back = {
        "kind": "lookup",
        "by": LISTS,
        "of": AMOUNT,
        "table": [{"is": "own", "points": 100, "step": 1, "of": "activity.quantity"}],
        "otherwise": {"percent": "300"},
    }
    a_rule_set(program, [{"formula": back, "caps": [("COMPANY", "MONTH", 10_000)]}], lists={"own": ["OM-21", "OM-22"]})
    member = a_member(program)

    outcomes = record(
        a_purchase(member.company, "250.50"),
        a_purchase(member.company, None, object="OM-22", quantity=Decimal(7)),
        a_purchase(member.company, None, object="XX-22", quantity=Decimal(7)),
        a_purchase(member.company, "99999"),
    )

    assert [outcome.points for outcome in outcomes] == [751, 700, 0, 10_000 - 1_451]
