"""Requests that a second person decides: by somebody else, once, and with a reason where it is no."""

from datetime import timedelta

import psycopg
import pytest
from django.db import IntegrityError, transaction

from accounts import approvals
from accounts.approvals import AlreadyDecidedError, OwnRequestError, ReasonMissingError
from accounts.models import Approval, User
from tests.factories.canaries import fingerprint
from tests.factories.world import NOW, a_company, a_user

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


def a_request(asker: User, **fields: object) -> Approval:
    return approvals.ask(
        **{
            "kind": "test",
            "subject_id": 7,
            "audience": Approval.Audience.CLIENT,
            "company_id": a_company().pk,
            "asked_by_id": asker.pk,
            "points": 100,
            "note": "For the fair",
            "now": NOW,
            **fields,
        }  # type: ignore[arg-type]
    )


def test_request_says_who_asked_for_what_and_why() -> None:
    asker = a_user()

    approval = a_request(asker)

    assert approval == Approval.objects.get()
    assert (approval.kind, approval.subject_id, approval.points, approval.note) == ("test", 7, 100, "For the fair")
    assert (approval.asked_by, approval.asked_at, approval.state) == (asker, NOW, "WAITING")


def test_second_person_approves() -> None:
    approval, other = a_request(a_user()), a_user()

    decided = approvals.decide(approval_id=approval.pk, by_user_id=other.pk, is_approved=True, now=LATER)

    assert decided == Approval.objects.get()
    assert (decided.state, decided.decided_by, decided.decided_at) == ("APPROVED", other, LATER)


def test_second_person_rejects_with_a_reason() -> None:
    approval, other = a_request(a_user()), a_user()

    decided = approvals.decide(
        approval_id=approval.pk, by_user_id=other.pk, is_approved=False, reason=" Too dear ", now=LATER
    )

    assert (decided.state, decided.reason) == ("REJECTED", "Too dear")


@pytest.mark.parametrize("is_approved", [True, False])
def test_nobody_decides_the_own_request(is_approved: bool) -> None:
    asker = a_user()
    approval = a_request(asker)
    before = fingerprint()

    with pytest.raises(OwnRequestError):
        approvals.decide(approval_id=approval.pk, by_user_id=asker.pk, is_approved=is_approved, reason="R", now=LATER)

    assert fingerprint() == before


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_no_without_a_reason_is_refused(reason: str) -> None:
    approval, other = a_request(a_user()), a_user()
    before = fingerprint()

    with pytest.raises(ReasonMissingError):
        approvals.decide(approval_id=approval.pk, by_user_id=other.pk, is_approved=False, reason=reason, now=LATER)

    assert fingerprint() == before


def test_decision_is_made_once_and_says_by_whom() -> None:
    approval, first, second = a_request(a_user()), a_user(), a_user()
    approvals.decide(approval_id=approval.pk, by_user_id=first.pk, is_approved=True, now=LATER)
    before = fingerprint()

    with pytest.raises(AlreadyDecidedError) as refusal:
        approvals.decide(approval_id=approval.pk, by_user_id=second.pk, is_approved=False, reason="No", now=LATER)
    with pytest.raises(AlreadyDecidedError):
        approvals.withdraw(approval_id=approval.pk, by_user_id=second.pk, now=LATER)

    assert refusal.value.approval is not None
    assert (refusal.value.approval.decided_by, refusal.value.approval.decided_at) == (first, LATER)
    assert fingerprint() == before


def test_whoever_asked_may_withdraw_it() -> None:
    asker = a_user()
    approval = a_request(asker)

    withdrawn = approvals.withdraw(approval_id=approval.pk, by_user_id=asker.pk, now=LATER)

    assert (withdrawn.state, withdrawn.decided_by, withdrawn.decided_at) == ("WITHDRAWN", asker, LATER)


def test_same_thing_can_be_asked_again_once_it_waits_no_longer() -> None:
    asker = a_user()
    first = a_request(asker)
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        a_request(asker)
    assert constraint_of(refusal.value) == "approval_asked_once_at_a_time"

    approvals.withdraw(approval_id=first.pk, by_user_id=asker.pk, now=LATER)

    assert a_request(asker).state == "WAITING"


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"state": "APPROVED", "decided_at": NOW, "decided_by": "asker"}, "approval_asker_never_decides"),
        (
            {"state": "REJECTED", "decided_at": NOW, "decided_by": "asker", "reason": "R"},
            "approval_asker_never_decides",
        ),
        ({"state": "APPROVED", "decided_at": NOW}, "approval_decided_by_somebody"),
        ({"state": "APPROVED", "decided_by": "other"}, "approval_decided_by_somebody"),
        ({"decided_at": NOW, "decided_by": "other"}, "approval_decided_by_somebody"),
        ({"state": "REJECTED", "decided_at": NOW, "decided_by": "other"}, "approval_rejected_with_reason"),
    ],
)
def test_database_keeps_decisions_to_somebody_else_with_a_reason(fields: dict[str, object], constraint: str) -> None:
    people = {"asker": a_user(), "other": a_user()}
    a_request(people["asker"])
    written = {name: people.get(str(value), value) for name, value in fields.items()}

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Approval.objects.update(**written)

    assert constraint_of(refusal.value) == constraint


def constraint_of(error: IntegrityError) -> str | None:
    assert isinstance(error.__cause__, psycopg.Error)
    return error.__cause__.diag.constraint_name
