"""More time for points at the manager's desk: given within the limit, above it decided by a second person."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Approval
from loyalty.models import Extension, Membership
from tests.factories.canaries import fingerprint
from tests.factories.world import a_manager, a_member, a_program, a_purchase, a_rule_set, record

pytestmark = pytest.mark.django_db

_forms = count()
ADD = "/admin/loyalty/extension/add/"


def a_member_with_points(limit: int) -> Membership:
    """A company with 40 points that end in a month or so."""
    program = a_program(expiry_months=1, adjustment_limit=limit)
    a_rule_set(program)
    member = a_member(program)
    now = timezone.now()
    record(a_purchase(member.company, 40, occurred_at=now), now=now)
    return member


def sent(member: Membership, **more: Any) -> dict[str, Any]:
    today = timezone.now().date()
    return {
        "membership": member.pk,
        "until": (today + timedelta(days=40)).isoformat(),
        "to": (today + timedelta(days=90)).isoformat(),
        "reason": "The catalogue was late",
        "key": f"form {next(_forms)}",
        **more,
    }


def test_time_within_the_limit_is_given_once(desk: Client) -> None:
    form = sent(a_member_with_points(100))

    done = desk.post(ADD, form, follow=True)
    again = desk.post(ADD, form, follow=True)

    assert "The points last longer; the client has been told." in done.content.decode()
    assert again.status_code == 200
    assert Extension.objects.get().points == 40


def test_above_the_limit_the_queue_leads_to_a_decision(desk: Client, client: Client) -> None:
    desk.post(ADD, sent(a_member_with_points(0)))
    approval = Approval.objects.get()
    client.force_login(a_manager())

    page = client.get(f"/admin/accounts/approval/{approval.pk}/approve/")
    client.post(f"/admin/accounts/approval/{approval.pk}/approve/")

    assert "The points last longer at once" in page.content.decode()
    assert Extension.objects.get().state == "POSTED"


@pytest.mark.parametrize(
    ("change", "status"),
    [({"reason": ""}, 200), ({"to": "2020-01-01"}, 200), ({"until": "never"}, 200), ({"until": "2020-01-01"}, 409)],
)
def test_what_makes_no_sense_is_said_on_the_form(desk: Client, change: dict[str, str], status: int) -> None:
    form = sent(a_member_with_points(100), **change)
    before = fingerprint()

    answer = desk.post(ADD, form)

    assert (answer.status_code, fingerprint()) == (status, before)
    assert "errorlist" in answer.content.decode() or "errornote" in answer.content.decode()
