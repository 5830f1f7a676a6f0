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
ADD_RATE = "admin:loyalty_agreementrate_add"


def a_partner() -> Membership:
    program = a_program(tiers={"basic": 0})
    a_rule_set(program, [{"code": "spend"}])
    return a_member(program)


def typed(member: Membership, **more: Any) -> dict[str, Any]:
    """What a manager writes into the form of a new agreement."""
    empty = {f"{part}-{count}": 0 for part in ("rates", "limits") for count in ("TOTAL_FORMS", "INITIAL_FORMS")}
    return {"membership": member.pk, "factor": "1.5", "reason": "A frame contract", **empty, **more}


def a_rate(agreement: Agreement, **more: str) -> dict[str, Any]:
    """What a manager writes into the form of a rate of it."""
    formula = {"kind": "per", "points": "2", "step": "1", "of": "activity.amount"}
    parts = {f"formula-{key}": text for key, text in formula.items()}
    return {"agreement": agreement.pk, "rule_code": "spend", **parts, **more}


def test_agreement_is_drawn_up_asked_for_and_approved_by_somebody_else(desk: Client, client: Client) -> None:
    member = a_partner()

    drafted = desk.post(reverse(ADD), typed(member), follow=True)
    agreement = Agreement.objects.get()
    offered = desk.get(reverse(ADD_RATE, query={"agreement": agreement.pk}))
    back = desk.post(reverse(ADD_RATE), a_rate(agreement))
    page = desk.get(back.headers["Location"]).content.decode()
    asked = desk.post(reverse("admin:loyalty_agreement_ask", args=[agreement.pk]), follow=True)
    approval = Approval.objects.get()
    approve = reverse("admin:accounts_approval_approve", args=[approval.pk])
    own = desk.post(approve)
    client.force_login(a_manager())
    shown = client.get(approve).content.decode()
    done = client.post(approve, follow=True).content.decode()

    assert drafted.status_code == 200
    assert offered.context["adminform"].form["formula"].initial == member.program.rule_sets.get().rules.get().formula
    assert back.headers["Location"] == reverse(CHANGE, args=[agreement.pk])
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
        ({"rule_code": "spent"}, "There is no rule “spent” in this program"),
        ({"formula-kind": "fixd"}, "is not one of"),
        ({"formula-step": "0"}, "“for each full”"),
        ({"formula-kind": "badge", "formula-badge": "first"}, "is not one of"),
    ],
)
def test_rate_that_does_not_fit_is_said_at_the_form(desk: Client, fields: dict[str, str], sentence: str) -> None:
    draft = a_draft_agreement(a_partner())

    page = desk.post(reverse(ADD_RATE), a_rate(draft, **fields))

    assert sentence in page.content.decode()
    assert not AgreementRate.objects.exists()


def test_factor_that_takes_everything_is_refused_at_the_form(desk: Client) -> None:
    page = desk.post(reverse(ADD), typed(a_partner(), factor="0"))

    assert "The factor is from 0.01 to 100." in page.content.decode()
    assert not Agreement.objects.exists()


def test_rate_changes_while_the_agreement_is_a_draft_and_is_read_from_then_on(desk: Client) -> None:
    draft = a_draft_agreement(a_partner(), rates={"spend": {"kind": "fixed", "points": 3}})
    rate = draft.rates.get()
    address = reverse("admin:loyalty_agreementrate_change", args=[rate.pk])

    desk.post(address, {"rule_code": "spend", "formula-kind": "fixed", "formula-points": "5"})
    desk.post(reverse("admin:loyalty_agreement_ask", args=[draft.pk]))
    refused = desk.post(address, {"rule_code": "spend", "formula-kind": "fixed", "formula-points": "9"})
    late = desk.post(reverse(ADD_RATE), a_rate(draft))

    assert refused.status_code == 403
    assert "Select a valid choice" in late.content.decode()
    assert 'name="_save"' not in desk.get(address).content.decode()
    assert AgreementRate.objects.get().formula == {"kind": "fixed", "points": 5}


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
