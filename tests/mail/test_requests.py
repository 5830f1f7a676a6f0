"""Who may decide is written to when a colleague asks for something, whoever asked when it is decided."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail as outbox

from accounts.models import Approval, Mail, User
from loyalty import agreements, promotions
from loyalty.by_hand import adjust, adjustments, extend, extensions
from loyalty.models import Membership, PersonalPromotion
from tests.factories.world import (
    NOW,
    a_company,
    a_draft_agreement,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    a_waiting_promotion,
    record,
)
from tests.mail.conftest import Send

pytestmark = pytest.mark.django_db

SOON = NOW + timedelta(minutes=1)


@dataclass
class Case:
    """How something is asked for, decided, and called."""

    ask: Callable[[Membership, User], object]
    decide: Callable[..., object]
    name: str
    why: str


def _ask_for_agreement(membership: Membership, by: User) -> None:
    draft = a_draft_agreement(membership, factor="1.5", reason="Three years")
    agreements.ask(agreement=draft, by=by, starts_at=NOW, now=NOW)


def _ask_for_promotion(membership: Membership, by: User) -> None:
    terms = promotions.Terms(
        employee=None, rule_codes=(), factor=Decimal(2), starts_on=NOW.date(), ends_on=NOW.date(), budget=None
    )
    promotions.ask(membership=membership, terms=terms, reason="A second plant", by=by, now=NOW)


def _ask_for_points(membership: Membership, by: User) -> None:
    adjust(
        membership=membership, employee=None, points=9_000, reason_code="GOODWILL", reason="A late delivery", by=by,
        now=NOW,
    )  # fmt: skip


def _ask_for_time(membership: Membership, by: User) -> None:
    today = NOW.date()
    extend(
        membership=membership, employee=None, until=today + timedelta(days=40), to=today + timedelta(days=80),
        reason="A late catalogue", by=by, now=NOW,
    )  # fmt: skip


CASES = {
    "agreement": Case(
        _ask_for_agreement,
        lambda pk, **decision: agreements.decide(agreement_id=pk, **decision),
        "Agreement with a company",
        "Three years",
    ),
    "promotion": Case(
        _ask_for_promotion,
        lambda pk, **decision: promotions.decide(promotion_id=pk, **decision),
        "Personal promotion",
        "A second plant",
    ),
    "points": Case(
        _ask_for_points,
        lambda pk, **decision: adjustments.decide(adjustment_id=pk, **decision),
        "Points by hand",
        "A late delivery",
    ),
    "time": Case(
        _ask_for_time,
        lambda pk, **decision: extensions.decide(extension_id=pk, **decision),
        "More time for points",
        "A late catalogue",
    ),
}


@pytest.fixture
def member() -> Membership:
    program = a_program(adjustment_limit=0, expiry="MONTHS", expiry_months=1)
    a_rule_set(program)
    member = a_member(program, a_company(name="Acme"))
    record(a_purchase(member.company, 40), now=NOW)
    return member


@pytest.fixture
def asker() -> User:
    return a_manager(name="Maxine", email="maxine@vendor.example")


@pytest.fixture
def approver() -> User:
    return a_manager(name="Ada", email="ada@vendor.example")


def letters() -> list[tuple[str, str]]:
    """To whom what went, and under which heading; then the outbox is empty."""
    sent = [(email.to[0], str(email.subject)) for email in outbox.outbox]
    outbox.outbox.clear()
    return sorted(sent)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_who_may_decide_is_written_to_and_whoever_asked_of_the_decision(
    case: Case, member: Membership, asker: User, approver: User, send: Send
) -> None:
    Mail.objects.all().delete()
    case.ask(member, asker)
    request = Approval.objects.get()

    send(SOON)
    body = next(str(email.body) for email in outbox.outbox if email.to == [approver.email])
    others = [(user.email, f"{case.name}, Acme: a request waits for your approval") for user in others_than(asker)]
    assert letters() == sorted(others)
    assert f"Maxine asks for approval. What: {case.name}. Of: Acme." in body
    assert f"Why: {case.why}" in body
    assert f"/admin/accounts/approval/{request.pk}/" in body

    case.decide(request.subject_id, by=approver, is_approved=False, reason="Too dear", now=NOW)
    send(SOON)
    assert "Ada rejected what you asked for." in str(outbox.outbox[0].body)
    assert "Why: Too dear" in str(outbox.outbox[0].body)
    assert [one for one in letters() if one[0] == asker.email] == [
        (asker.email, f"{case.name}, Acme: your request is rejected")
    ]


def others_than(asker: User) -> list[User]:
    return list(User.objects.filter(is_staff=True).exclude(pk=asker.pk))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_approved_meanwhile_is_asked_of_nobody(
    case: Case, member: Membership, asker: User, approver: User, send: Send
) -> None:
    case.ask(member, asker)
    case.decide(Approval.objects.get().subject_id, by=approver, is_approved=True, now=NOW)
    send(SOON)

    mine = [subject for address, subject in letters() if address == asker.email]
    assert mine == [f"{case.name}, Acme: your request is approved"]
    assert set(Mail.objects.filter(kind="request-asked").values_list("state", "why")) == {
        ("UNWANTED", "The request was decided or withdrawn meanwhile.")
    }


def test_what_is_withdrawn_is_told_to_nobody(member: Membership, asker: User, approver: User, send: Send) -> None:
    promotion = a_waiting_promotion(member)
    promotions.withdraw(promotion=promotion, by=promotion.asked_by, now=NOW)
    send(SOON)

    assert PersonalPromotion.objects.get().state == "WITHDRAWN"
    assert letters() == []


def test_points_within_the_limit_ask_nobody(member: Membership, asker: User, approver: User, send: Send) -> None:
    member.program.adjustment_limit = 10_000
    member.program.save()

    _ask_for_points(member, asker)
    send(SOON)

    assert not Approval.objects.exists()
    assert not [subject for _address, subject in letters() if "approval" in subject]
