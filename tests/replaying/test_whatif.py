"""What would bring points is answered as things stand: by rule, with what is left of limits; and nothing is written."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor, actor_of, actor_of_employee
from loyalty.models import Activity, CapUsage, Evaluation, Membership, MetricBucket, Wallet
from loyalty.replaying import WhatIf, what_if
from tests.factories.world import (
    NOW,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_purchase_type,
    a_rule_set,
    an_admin,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

PERCENT = {"kind": "percent", "percent": "10", "of": "activity.amount"}


@pytest.fixture
def membership() -> Membership:
    """80 of 100 points a month are used up, and the tier is silver from 80 on."""
    program = a_program(tiers={"bronze": 0, "silver": 80})
    silver = {"fact": "standing.tier", "op": "eq", "value": "silver"}
    a_rule_set(
        program,
        [
            {"code": "spend", "name": "Spend", "caps": [("COMPANY", "MONTH", 100)]},
            {"code": "person", "name": "Person", "formula": PERCENT, "beneficiary": "EMPLOYEE", "condition": silver},
            {"code": "large", "name": "Large", "condition": {"fact": "activity.amount", "op": "gte", "value": 500}},
        ],
    )
    membership = a_member(program, a_company(name="Acme"))
    consent_to(membership)
    record(a_purchase(membership.company, 80, occurred_at=NOW - timedelta(days=1)))
    return membership


def ask(membership: Membership, actor: Actor, **fields: Any) -> WhatIf:
    return what_if(membership, a_purchase(membership.company, **fields), actor, now=NOW)


def rows() -> list[Any]:
    """All that a question leaves as it is."""
    return [
        [*model._default_manager.order_by("pk").values()]
        for model in (Activity, CapUsage, Evaluation, MetricBucket, Wallet)
    ]


def test_answer_is_what_would_then_be_posted(membership: Membership) -> None:
    anna = an_employee(membership.company, login=False)
    item = a_purchase(membership.company, 300, employee_id=anna.pk)
    before = rows()

    found = what_if(membership, item, actor_of(a_manager(), now=NOW), now=NOW)

    assert rows() == before
    assert (found.company_points, found.person_points, found.fault) == (20, 30, "")
    assert [(v.rule_name, v.is_met, v.is_capped, v.points) for v in found.verdicts] == [
        ("Spend", True, True, 20), ("Person", True, False, 30), ("Large", False, False, 0),
    ]  # fmt: skip
    assert found.verdicts[2].reason == "Does not apply: amount is at least 500 GBP, but was 300 GBP."
    [outcome] = record(item)
    assert outcome.points == found.company_points + found.person_points


def test_person_is_not_told_of_rules_for_the_company_alone(membership: Membership) -> None:
    anna = an_employee(membership.company)

    found = ask(membership, actor_of_employee(anna, now=NOW), amount=300, employee_id=anna.pk)

    assert [verdict.rule_name for verdict in found.verdicts] == ["Person"]
    assert (found.company_points, found.person_points) == (0, 30)
    assert len(ask(membership, actor_of_employee(an_admin(membership.company), now=NOW), amount=300).verdicts) == 3


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"type": "gift"}, "There is no activity type “gift”."),
        ({"attributes": {"colour": "red"}}, "attributes.colour: This attribute is not declared."),
        ({"occurred_at": NOW.replace(year=2001)}, "The company is no member of the program on that day."),
    ],
)
def test_what_cannot_happen_is_said(membership: Membership, fields: dict[str, Any], fault: str) -> None:
    assert ask(membership, actor_of(a_manager(), now=NOW), **{"amount": 5, **fields}) == WhatIf(fault=fault)


def test_manager_asks_on_the_page_of_a_membership(membership: Membership, client: Client) -> None:
    client.force_login(a_manager())
    page = reverse("admin:loyalty_membership_what_if", args=[membership.pk])
    assert page in client.get(reverse("admin:loyalty_membership_change", args=[membership.pk])).content.decode()
    asked: dict[str, Any] = {"activity_type": a_purchase_type().pk, "day": NOW.date().isoformat(), "amount": "600"}

    empty, shown = client.get(page), client.get(page, asked)
    wrong = client.get(page, {**asked, "amount": "-1"})

    assert (empty.status_code, shown.status_code, wrong.status_code) == (200, 200, 422)
    assert shown.context["found"].company_points == 620
    assert "Large" in shown.content.decode()
    assert client.get(reverse("admin:loyalty_membership_what_if", args=[4711])).status_code == 404


def test_people_of_other_companies_are_not_to_be_chosen(membership: Membership, client: Client) -> None:
    client.force_login(a_manager())
    stranger = an_employee(a_company())
    asked: dict[str, Any] = {"activity_type": a_purchase_type().pk, "day": "2026-06-01", "employee": stranger.pk}

    answer = client.get(reverse("admin:loyalty_membership_what_if", args=[membership.pk]), asked)

    assert answer.status_code == 422
    assert "employee" in answer.context["form"].errors
