"""Agreements in the admin: drawn up, checked, asked for by one manager and approved by another, then only read."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Approval
from loyalty.models import Agreement, AgreementRate, Membership
from loyalty.rulesets import draft_from
from tests.factories.world import a_draft_agreement, a_manager, a_member, a_program, a_rule_set, an_agreement

pytestmark = pytest.mark.django_db

ADD = "admin:loyalty_agreement_add"
CHANGE = "admin:loyalty_agreement_change"
RATE = '{"kind": "per", "points": 2, "step": "1", "of": "activity.amount"}'


def a_partner() -> Membership:
    program = a_program(tiers={"basic": 0})
    a_rule_set(program, [{"code": "spend"}])
    return a_member(program)


def typed(member: Membership, *, code: str = "spend", formula: str = RATE, **more: Any) -> dict[str, Any]:
    """What a manager writes into the form of a new agreement."""
    return {
        "membership": member.pk,
        "factor": "1.5",
        "reason": "A frame contract",
        "rates-TOTAL_FORMS": 1,
        "rates-INITIAL_FORMS": 0,
        "rates-0-rule_code": code,
        "rates-0-formula": formula,
        "limits-TOTAL_FORMS": 0,
        "limits-INITIAL_FORMS": 0,
        **more,
    }


def test_agreement_is_drawn_up_asked_for_and_approved_by_somebody_else(desk: Client, client: Client) -> None:
    member = a_partner()

    drafted = desk.post(reverse(ADD), typed(member), follow=True)
    agreement = Agreement.objects.get()
    page = desk.get(reverse(CHANGE, args=[agreement.pk])).content.decode()
    asked = desk.post(reverse("admin:loyalty_agreement_ask", args=[agreement.pk]), follow=True)
    approval = Approval.objects.get()
    approve = reverse("admin:accounts_approval_approve", args=[approval.pk])
    own = desk.post(approve)
    client.force_login(a_manager())
    shown = client.get(approve).content.decode()
    done = client.post(approve, follow=True).content.decode()

    assert drafted.status_code == 200
    assert "2 points for each full 1 GBP of amount to the company, by your agreement." in page
    assert "waits for a second person" in asked.content.decode()
    assert own.status_code == 409
    assert "2 points for each full 1 GBP of amount to the company, by your agreement." in shown
    assert "A frame contract" in shown
    assert "Approved: the agreement holds." in done
    agreement.refresh_from_db()
    assert (agreement.status, agreement.version, agreement.factor) == ("ACTIVE", 1, Decimal("1.5"))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"code": "spent"}, "There is no rule “spent” in this program"),
        ({"formula": '{"kind": "fixd"}'}, "is not one of"),
        ({"formula": "{"}, "This is not JSON"),
        ({"factor": "0"}, "The factor is from 0.01 to 100."),
    ],
)
def test_what_does_not_fit_is_said_at_the_form(desk: Client, fields: dict[str, Any], sentence: str) -> None:
    page = desk.post(reverse(ADD), typed(a_partner(), **fields))

    assert sentence in page.content.decode()
    assert not Agreement.objects.exists()


def test_step_that_cannot_be_taken_says_why(desk: Client) -> None:
    draft = a_draft_agreement(a_partner())

    page = desk.post(reverse("admin:loyalty_agreement_ask", args=[draft.pk]))

    assert page.status_code == 409
    assert "The agreement says nothing yet" in page.content.decode()
    assert Agreement.objects.get().status == "DRAFT"


def test_agreement_in_force_is_read_copied_and_ended(desk: Client) -> None:
    agreement = an_agreement(a_partner(), rates={"spend": {"kind": "fixed", "points": 3}})
    address = reverse(CHANGE, args=[agreement.pk])

    page = desk.get(address).content.decode()
    desk.post(address, typed(agreement.membership, factor="9"))
    desk.post(reverse("admin:loyalty_agreement_draft", args=[agreement.pk]))
    desk.post(reverse("admin:loyalty_agreement_end", args=[agreement.pk]))

    assert 'name="_save"' not in page
    rows = Agreement.objects.order_by("version").values_list("version", "status", "factor")
    assert list(rows) == [(1, "ENDED", Decimal(1)), (2, "DRAFT", Decimal(1))]
    assert AgreementRate.objects.filter(agreement__version=2, formula={"kind": "fixed", "points": 3}).exists()


def test_request_is_withdrawn(desk: Client) -> None:
    draft = a_draft_agreement(a_partner(), factor="2")
    desk.post(reverse("admin:loyalty_agreement_ask", args=[draft.pk]))

    desk.post(reverse("admin:loyalty_agreement_withdraw", args=[draft.pk]))

    assert Agreement.objects.get().status == "DRAFT"
    assert Approval.objects.get().state == "WITHDRAWN"


def test_version_that_lost_an_agreed_rule_says_so_before_it_is_put_in_force(desk: Client) -> None:
    member = a_partner()
    an_agreement(member, rates={"spend": {"kind": "fixed", "points": 42}})
    draft = draft_from(rule_set=member.program.rule_sets.get(), by=a_manager(), now=timezone.now())
    draft.rules.filter(code="spend").update(code="spending")

    page = desk.get(reverse("admin:loyalty_ruleset_ask", args=[draft.pk])).content.decode()

    assert f"The agreement with {member.company} speaks of “spend”, which this version does not have" in page
