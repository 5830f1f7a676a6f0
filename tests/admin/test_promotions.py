"""Promotions in the admin: asked for, approved by somebody else in the queue, with their effect, ended."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from loyalty.models import Membership, PersonalPromotion
from tests.factories.world import (
    a_manager,
    a_member,
    a_program,
    a_promotion,
    a_purchase,
    a_rule_set,
    record,
)

pytestmark = pytest.mark.django_db
CHANGE = "admin:loyalty_personalpromotion_change"


def a_world() -> Membership:
    program = a_program()
    a_rule_set(program, [{"code": "spend", "name": "Spending"}])
    return a_member(program)


def filled_in(membership: Membership, **fields: Any) -> dict[str, Any]:
    today = timezone.now().date()
    days = {"starts_on": today.isoformat(), "ends_on": (today + timedelta(days=9)).isoformat()}
    return {
        "membership": membership.pk, "employee": "", "rule_codes": "spend", "factor": "1.5", "budget": "500",
        "reason": "A new plant", **days, **fields,
    }  # fmt: skip


def test_promotion_is_asked_for_and_approved_by_somebody_else(desk: Client, client: Client) -> None:
    membership = a_world()

    answer = desk.post(reverse("admin:loyalty_personalpromotion_add"), filled_in(membership), follow=True)
    promotion = PersonalPromotion.objects.get()
    approval = promotion.approval
    own = desk.post(reverse("admin:accounts_approval_approve", args=[approval.pk]), {"reason": ""})
    client.force_login(a_manager())
    shown = client.get(reverse("admin:accounts_approval_approve", args=[approval.pk])).content.decode()
    done = client.post(reverse("admin:accounts_approval_approve", args=[approval.pk]), {"reason": ""}, follow=True)

    assert "Nothing is added yet: the promotion waits for a second person" in answer.content.decode()
    assert own.status_code == 409
    assert f"{membership.company} gets 1.5 times the points of “Spending”, at most 500 points more in all." in shown
    assert "Approved: the promotion holds." in done.content.decode()
    promotion.refresh_from_db()
    assert (promotion.state, promotion.budget) == ("APPROVED", 500)


@pytest.mark.parametrize(
    ("status", "word", "fields"),
    [
        (200, "The factor of a promotion is more than 1", {"factor": "1"}),
        (
            409,
            "There is no rule “nothing” that gives points in those days; there is: spend.",
            {"rule_codes": "nothing"},
        ),
        (409, "A promotion cannot begin in the past", {"starts_on": "2020-01-01"}),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_was_typed(
    desk: Client, status: int, word: str, fields: dict[str, Any]
) -> None:
    answer = desk.post(reverse("admin:loyalty_personalpromotion_add"), filled_in(a_world(), **fields))

    assert answer.status_code == status
    assert word in answer.content.decode()
    assert "A new plant" in answer.content.decode()
    assert not PersonalPromotion.objects.exists()


def test_promotion_is_read_with_its_effect_and_ended(desk: Client) -> None:
    membership = a_world()
    now = timezone.now()
    promotion = a_promotion(
        membership, budget=500, starts_on=now.date(), ends_on=now.date() + timedelta(days=9), now=now
    )
    later = now + timedelta(seconds=1)
    record(a_purchase(membership.company, 60, occurred_at=later), now=later)

    page = desk.get(reverse(CHANGE, args=[promotion.pk])).content.decode()
    ended = desk.post(reverse("admin:loyalty_personalpromotion_end", args=[promotion.pk]), follow=True)
    after = desk.get(reverse(CHANGE, args=[promotion.pk])).content.decode()

    assert "60 points; 440 are left of the budget" in page
    assert 'name="_save"' not in page
    assert "is ended." in ended.content.decode()
    assert reverse("admin:loyalty_personalpromotion_end", args=[promotion.pk]) not in after
    promotion.refresh_from_db()
    assert promotion.ends_at is not None
    assert promotion.ends_at < timezone.now()


def test_request_is_withdrawn(desk: Client) -> None:
    desk.post(reverse("admin:loyalty_personalpromotion_add"), filled_in(a_world()))
    promotion = PersonalPromotion.objects.get()

    done = desk.post(reverse("admin:loyalty_personalpromotion_withdraw", args=[promotion.pk]), follow=True)

    assert "is withdrawn." in done.content.decode()
    promotion.refresh_from_db()
    assert promotion.state == "WITHDRAWN"
