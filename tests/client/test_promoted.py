"""Promotions on the client's pages: read by whom they are for and nobody else, with what they added and why not."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from loyalty.models import Membership, Transaction
from tests.client.conftest import SignIn
from tests.client.pages import words_of
from tests.factories.world import (
    NOW,
    a_member,
    a_program,
    a_promotion,
    a_purchase,
    a_rule_set,
    a_waiting_promotion,
    an_admin,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db


def a_world() -> Membership:
    program = a_program()
    a_rule_set(program, [{"code": "spend", "name": "Spending", "beneficiary": "BOTH"}])
    return a_member(program)


def days_of(month: int) -> dict[str, Any]:
    return {"starts_on": date(2035, month, 1), "ends_on": date(2035, month, 9)}


@pytest.mark.parametrize("path", ["/rules/", "/earn/"])
def test_promotion_of_a_person_is_read_by_that_person_alone_and_one_of_the_company_by_all_of_it(
    sign_in: SignIn, path: str
) -> None:
    membership = a_world()
    consent_to(membership)
    person, colleague, admin = (make(membership.company) for make in (an_employee, an_employee, an_admin))
    stranger = an_admin(a_member(membership.program).company)
    a_promotion(membership, employee=person, rule_codes=["spend"], factor="1.5", now=NOW, **days_of(7))
    a_promotion(membership, budget=500, now=NOW, **days_of(8))

    own, others, of_admin, elsewhere = (
        words_of(sign_in(reader).get(path)) for reader in (person, colleague, admin, stranger)
    )

    personal = "From July 1, 2035 through July 9, 2035 you get 1.5 times the points of “Spending”."
    shared = (
        "From Aug. 1, 2035 through Aug. 9, 2035 your company gets twice the points, at most 500 points more in all."
    )
    assert personal in own
    for page in (own, others, of_admin):
        assert shared in page
    for page in (others, of_admin, elsewhere):
        assert "2035 through July" not in page
        assert person.name not in page
    assert "More points for a time" not in elsewhere


def test_pages_tell_what_it_added_what_is_left_and_behind_points_why(sign_in: SignIn) -> None:
    membership = a_world()
    consent_to(membership)
    person = an_employee(membership.company)
    colleague = an_employee(membership.company)
    now = timezone.now()
    today = now.date()
    a_promotion(membership, employee=person, budget=500, starts_on=today, ends_on=today + timedelta(days=9), now=now)
    later = now + timedelta(seconds=1)
    record(a_purchase(membership.company, 60, employee_id=person.pk, occurred_at=later), now=later)

    page = words_of(sign_in(person).get("/rules/"))
    statement = words_of(sign_in(person).get("/points/"))
    why = words_of(sign_in(person).get(f"/points/{Transaction.objects.get().pk}/"))

    assert "60 points more so far · 440 points left" in page
    assert "Spending · 60 of them by a promotion" in statement
    assert "It added 60 points." in why
    assert sign_in(colleague).get(f"/points/{Transaction.objects.get().pk}/").status_code == 404


def test_promotion_of_somebody_who_may_not_earn_says_so_and_one_that_waits_is_not_read(sign_in: SignIn) -> None:
    membership = a_world()
    person = an_employee(membership.company)
    a_promotion(membership, employee=person, now=NOW, **days_of(7))
    a_waiting_promotion(membership, factor="7", **days_of(8))

    page = words_of(sign_in(person).get("/earn/"))

    assert "It adds nothing as things stand. No points: the company's management had not agreed" in page
    assert "7 times" not in page
