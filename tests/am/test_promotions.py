"""Promotions at the account manager's desk: read, asked for, refused with a word; never of companies of others."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from loyalty.models import Membership, PersonalPromotion
from loyalty.promotions import decide
from tests.client.pages import words_of
from tests.factories.world import a_manager, a_member, a_program, a_rule_set, an_account_manager, an_employee

pytestmark = pytest.mark.django_db


def a_world() -> Membership:
    program = a_program()
    a_rule_set(program, [{"code": "spend", "name": "Spending"}])
    return a_member(program)


def asked(**fields: Any) -> dict[str, Any]:
    today = timezone.now().date()
    days = {"starts_on": (today + timedelta(days=1)).isoformat(), "ends_on": (today + timedelta(days=9)).isoformat()}
    return {
        "employee": "",
        "rule_codes": ["spend"],
        "factor": "2",
        "budget": "",
        "reason": "A new plant",
        **days,
        **fields,
    }


def test_account_manager_asks_and_sees_what_waits_and_what_holds(client: Any) -> None:
    membership = a_world()
    person = an_employee(membership.company)
    client.force_login(an_account_manager(membership.company))
    address = reverse("am-promotions", args=[membership.company_id])

    answer = client.post(address, asked(employee=person.pk, budget="500"), follow=True)

    page = words_of(answer)
    assert "Asked for: nothing is added until a program manager has approved it." in page
    assert (
        f"{person.name} gets twice the points of “Spending”, at most 500 points more in all. Waits for approval" in page
    )
    promotion = PersonalPromotion.objects.get()
    assert (promotion.state, promotion.employee_id, promotion.rule_codes) == ("WAITING", person.pk, ["spend"])
    decide(promotion_id=promotion.pk, by=a_manager(), is_approved=True, now=timezone.now())
    company_page = words_of(client.get(reverse("am-company", args=[membership.company_id])))
    assert f"{person.name} gets twice the points of “Spending”" in company_page
    assert "Not begun yet" in company_page


@pytest.mark.parametrize(
    ("status", "word", "fields"),
    [
        (409, "A factor is more than 1, and 100 at most.", {"factor": "1"}),
        (409, "A promotion cannot begin in the past", {"starts_on": "2020-01-01"}),
        (409, "The last day is before the first.", {"ends_on": timezone.now().date().isoformat()}),
        (422, "Select a valid choice", {"rule_codes": ["nothing"]}),
        (422, "This field is required.", {"reason": ""}),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_was_typed(
    client: Any, status: int, word: str, fields: dict[str, Any]
) -> None:
    membership = a_world()
    client.force_login(an_account_manager(membership.company))

    answer = client.post(reverse("am-promotions", args=[membership.company_id]), asked(**fields))

    assert answer.status_code == status
    assert word in words_of(answer)
    assert not PersonalPromotion.objects.exists()


def test_companies_and_people_of_others_are_not_found(client: Any) -> None:
    membership, foreign = a_world(), a_world()
    stranger = an_employee(foreign.company)
    client.force_login(an_account_manager(membership.company))

    missing = client.post(reverse("am-promotions", args=[foreign.company_id]), asked())
    refused = client.post(reverse("am-promotions", args=[membership.company_id]), asked(employee=stranger.pk))

    assert (missing.status_code, refused.status_code) == (404, 422)
    assert stranger.name not in refused.content.decode()
    assert not PersonalPromotion.objects.exists()
