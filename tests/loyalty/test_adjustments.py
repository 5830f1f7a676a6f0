"""Points by hand: with a reason, within the limit alone, above it only with a second person."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts import approvals, laws
from accounts.models import Approval, AuditEntry, Message, User
from loyalty.by_hand import (
    MOST_POINTS,
    Adjusted,
    NoPointsError,
    NotAMemberError,
    ProgramClosedError,
    adjust,
)
from loyalty.by_hand.adjustments import decide
from loyalty.ledger import InsufficientPointsError, Owner
from loyalty.models import Adjustment, Lot, Membership, Transaction, Wallet
from loyalty.statement import statement, title_of
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    NOW,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_admin,
    an_employee,
    balance,
    record,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return a_manager(name="Helena Vogt")


@pytest.fixture
def second() -> User:
    return a_manager(name="Second Pair")


@pytest.fixture
def member() -> Membership:
    program = a_program(expiry_months=2, adjustment_limit=500)
    a_rule_set(program)
    return a_member(program)


def by_hand(member: Membership, points: int, by: User, **fields: Any) -> Adjusted:
    return adjust(
        **{
            "membership": member,
            "employee": None,
            "points": points,
            "reason_code": Adjustment.Reason.GOODWILL,
            "reason": "A pallet came late",
            "by": by,
            "now": NOW,
            **fields,
        }
    )


def lawful() -> bool:
    return [finding.law.code for finding in laws.verify() if finding.count] == []


def test_points_within_the_limit_are_posted_at_once_with_their_reason_on_record(
    member: Membership, manager: User
) -> None:
    admin = an_admin(member.company)

    adjusted = by_hand(member, 500, manager)

    assert adjusted.is_posted
    assert balance(member) == 500
    lot = Lot.objects.get(wallet__company=member.company_id)
    assert (str(lot.available_on), str(lot.expires_on)) == ("2026-06-15", "2026-08-15")
    entry = AuditEntry.objects.get(action="points-by-hand")
    assert (entry.actor, entry.numbers, entry.reason.text) == (manager, {"points": 500}, "A pallet came late")
    message = Message.objects.get()
    assert (message.employee, message.facts) == (admin, {"points": 500, "reason": "A pallet came late"})
    assert lawful()


def test_points_of_a_person_are_told_to_that_person_alone(member: Membership, manager: User) -> None:
    an_admin(member.company)
    person = an_employee(member.company)

    by_hand(member, 20, manager, employee=person)

    assert balance(member, person) == 20
    assert balance(member) == 0
    assert list(Message.objects.values_list("employee", flat=True)) == [person.pk]


def test_points_taken_come_out_of_what_expires_first_and_go_back_to_issued(member: Membership, manager: User) -> None:
    for days_ago in (40, 3):
        record(a_purchase(member.company, 100, occurred_at=NOW - timedelta(days=days_ago)))

    by_hand(member, -130, manager)

    assert balance(member) == 70
    assert balance(member, kind=Wallet.Kind.ISSUED) == -70
    assert list(Lot.objects.order_by("expires_on").values_list("remaining", flat=True)) == [0, 70]
    assert lawful()


def test_line_of_the_statement_says_so(member: Membership, manager: User) -> None:
    by_hand(member, 20, manager)

    [line] = statement(Owner(member.program_id, member.company_id))

    assert (title_of(line.kind, line.activity_type), line.points) == ("Changed by hand", 20)


def test_more_than_there_is_cannot_be_taken(member: Membership, manager: User) -> None:
    record(a_purchase(member.company, 100))
    before = fingerprint()

    for points in (-101, -MOST_POINTS):
        with pytest.raises(InsufficientPointsError):
            by_hand(member, points, manager)

    assert fingerprint() == before


@pytest.mark.parametrize("points", [0, MOST_POINTS + 1, -MOST_POINTS - 1])
def test_nothing_and_a_slip_of_the_key_are_refused(member: Membership, manager: User, points: int) -> None:
    before = fingerprint()

    with pytest.raises(NoPointsError):
        by_hand(member, points, manager)

    assert fingerprint() == before


def test_above_the_limit_nothing_moves_until_somebody_else_agrees(
    member: Membership, manager: User, second: User
) -> None:
    asked = by_hand(member, 501, manager)

    assert not asked.is_posted
    assert balance(member) == 0
    approval = Approval.objects.get()
    assert (approval.subject_id, approval.points, approval.note) == (asked.adjustment.pk, 501, "A pallet came late")
    assert lawful()

    decide(adjustment_id=asked.adjustment.pk, by=second, is_approved=True, now=NOW)

    assert balance(member) == 501
    assert Transaction.objects.get(kind="ADJUST").actor == second
    assert lawful()


def test_whoever_asks_never_agrees(member: Membership, manager: User) -> None:
    asked = by_hand(member, 501, manager)
    before = fingerprint()

    with pytest.raises(approvals.OwnRequestError):
        decide(adjustment_id=asked.adjustment.pk, by=manager, is_approved=True, now=NOW)
    with pytest.raises(IntegrityError, match="approval_asker_never_decides"), transaction.atomic():
        Approval.objects.update(state=Approval.State.APPROVED, decided_by=manager, decided_at=NOW)

    assert fingerprint() == before


def test_halves_do_not_pass_the_limit_unseen(member: Membership, manager: User) -> None:
    assert by_hand(member, 300, manager).is_posted
    assert not by_hand(member, 201, manager, now=NOW + timedelta(hours=23)).is_posted

    assert by_hand(member, 200, manager, now=NOW + timedelta(hours=23)).is_posted
    assert by_hand(member, 300, manager, now=NOW + timedelta(hours=25)).is_posted
    assert balance(member) == 800


def test_without_a_limit_set_every_point_waits(manager: User) -> None:
    member = a_member(a_program())

    assert not by_hand(member, 1, manager).is_posted


def test_refused_points_never_move_and_the_reason_stays(member: Membership, manager: User, second: User) -> None:
    asked = by_hand(member, 600, manager)

    decide(adjustment_id=asked.adjustment.pk, by=second, is_approved=False, reason="Too much", now=NOW)

    assert balance(member) == 0
    adjustment = Adjustment.objects.get()
    assert (adjustment.state, adjustment.approval and adjustment.approval.reason) == ("REJECTED", "Too much")
    assert lawful()


def test_a_decision_is_made_once(member: Membership, manager: User, second: User) -> None:
    asked = by_hand(member, 600, manager)
    decide(adjustment_id=asked.adjustment.pk, by=second, is_approved=True, now=NOW)
    before = fingerprint()

    with pytest.raises(approvals.AlreadyDecidedError):
        decide(adjustment_id=asked.adjustment.pk, by=second, is_approved=True, now=NOW)

    assert fingerprint() == before


def test_points_spent_meanwhile_are_not_taken(member: Membership, manager: User, second: User) -> None:
    record(a_purchase(member.company, 600))
    asked = by_hand(member, -600, manager)
    by_hand(member, -10, second)
    before = fingerprint()

    with pytest.raises(InsufficientPointsError):
        decide(adjustment_id=asked.adjustment.pk, by=second, is_approved=True, now=NOW)

    assert fingerprint() == before


def test_closed_program_gives_and_takes_nothing(member: Membership, manager: User, second: User) -> None:
    asked = by_hand(member, 600, manager)
    member.program.is_active = False
    member.program.save()
    before = fingerprint()

    with pytest.raises(ProgramClosedError):
        by_hand(member, 10, manager)
    with pytest.raises(ProgramClosedError):
        decide(adjustment_id=asked.adjustment.pk, by=second, is_approved=True, now=NOW)

    assert fingerprint() == before


def test_somebody_of_another_company_gets_nothing(member: Membership, manager: User) -> None:
    stranger, gone = an_employee(a_company()), an_employee(member.company, is_active=False)
    before = fingerprint()

    for person in (stranger, gone):
        with pytest.raises(NotAMemberError):
            by_hand(member, 10, manager, employee=person)

    assert fingerprint() == before


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"points": 0}, "adjustment_moves_points"),
        ({"reason": ""}, "adjustment_with_reason"),
        ({"state": "WAITING"}, "adjustment_posted_has_transaction"),
        ({"state": "WAITING", "transaction": None}, "adjustment_waits_for_an_approval"),
    ],
)
def test_database_refuses_points_that_nobody_can_explain(
    member: Membership, manager: User, change: dict[str, Any], constraint: str
) -> None:
    by_hand(member, 10, manager)
    before = fingerprint()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Adjustment.objects.update(**change)

    assert fingerprint() == before
