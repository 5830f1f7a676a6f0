"""More time for points by hand: which lots get it, what a return and a refund make of it, and who has to agree."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from accounts import approvals, laws
from accounts.models import Approval, AuditEntry, Message, User
from loyalty.by_hand import (
    Extended,
    MorePointsError,
    NotAMemberError,
    NothingExpiresError,
    NoTimeGivenError,
    ProgramClosedError,
    adjust,
    extend,
)
from loyalty.by_hand.extensions import decide
from loyalty.ledger import Owner, expire_points
from loyalty.models import ExtendedLot, Extension, Lot, Membership, Program, Wallet
from loyalty.statement import ExpiringLot, balances_of
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    NOW,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    a_source,
    an_admin,
    an_employee,
    balance,
    record,
)
from tests.loyalty.racing import race
from tests.loyalty.test_expiry import refund, spend

DAY = timedelta(days=1)
TODAY = NOW.date()
UNTIL, TO = date(2026, 7, 31), date(2026, 9, 30)
EXPIRED = Wallet.Kind.EXPIRED


@pytest.fixture(autouse=True)
def _laws_hold(db: None) -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


@pytest.fixture
def manager() -> User:
    return a_manager(name="Helena Vogt")


@pytest.fixture
def member() -> Membership:
    """40 points last to 15 July, 50 to 15 August; 100 points by hand need nobody else."""
    return a_member_with_points()


def a_member_with_points(**fields: Any) -> Membership:
    program = a_program(**{"expiry_months": 2, "adjustment_limit": 100, **fields})
    a_rule_set(program)
    member = a_member(program)
    record(a_purchase(member.company, 40, occurred_at=NOW - 31 * DAY), a_purchase(member.company, 50))
    return member


def more_time(member: Membership, by: User, **fields: Any) -> Extended:
    terms = {"employee": None, "until": UNTIL, "to": TO, "reason": "The catalogue was late", "now": NOW, **fields}
    return extend(membership=member, by=by, **terms)


def days(member: Membership) -> list[tuple[int, date | None]]:
    rows = Lot.objects.filter(wallet__company=member.company, remaining__gt=0).order_by("available_on")
    return [(lot.remaining, lot.last_day) for lot in rows]


def test_points_that_end_by_the_day_last_longer_and_the_others_as_before(member: Membership, manager: User) -> None:
    admin = an_admin(member.company)

    asked = more_time(member, manager)

    assert (asked.is_posted, asked.extension.points) == (True, 40)
    assert days(member) == [(40, TO), (50, date(2026, 8, 15))]
    [kept] = ExtendedLot.objects.all()
    assert (kept.points, kept.last_day_before, kept.last_day) == (40, date(2026, 7, 15), TO)
    [told] = Message.objects.filter(employee=admin)
    assert told.facts["reason"] == "The catalogue was late"
    [entry] = AuditEntry.objects.filter(action="more-time")
    assert (entry.actor, entry.numbers["points"]) == (manager, 40)
    assert expire_points(now=datetime(2026, 9, 30, 22, 59, tzinfo=UTC)).points == 50
    assert expire_points(now=datetime(2026, 9, 30, 23, 0, tzinfo=UTC)).points == 40


def test_pages_and_use_cases_know_the_new_day(member: Membership, manager: User) -> None:
    more_time(member, manager)
    later = datetime(2026, 8, 20, tzinfo=UTC)

    [seen] = balances_of([Owner(member.program_id, member.company_id)], today=later.date(), expiring_until=TO)

    assert (seen.available, seen.expiring) == (40, (ExpiringLot(40, TO),))
    spend(member, 40, now=later)
    assert balance(member, kind=EXPIRED) == 50


def test_points_that_end_later_are_spent_later(member: Membership, manager: User) -> None:
    more_time(member, manager)

    spend(member, 45)

    assert days(member) == [(40, TO), (5, date(2026, 8, 15))]


def test_spent_points_that_come_back_have_the_time_that_their_lot_was_given(member: Membership, manager: User) -> None:
    spending = spend(member, 30)
    more_time(member, manager)

    refund(member, spending, now=datetime(2026, 9, 1, tzinfo=UTC))

    assert days(member) == [(40, TO)]


def test_return_finds_the_points_of_its_purchase_where_they_lie(manager: User) -> None:
    program = a_program(expiry_months=2, adjustment_limit=100)
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 40)
    record(purchase)
    more_time(member, manager, until=date(2026, 8, 15))
    over = datetime(2026, 10, 1, 12, tzinfo=UTC)
    expire_points(now=over)

    record(a_purchase(member.company, 30, reverses=purchase.external_id, occurred_at=over), now=over)

    assert (balance(member, kind=EXPIRED), balance(member, kind="DEBT")) == (10, 0)


def test_what_comes_late_to_an_extended_day_lasts_as_long(member: Membership, manager: User) -> None:
    more_time(member, manager)
    spend(member, 90)
    later = datetime(2026, 8, 1, tzinfo=UTC)

    record(a_purchase(member.company, 7, occurred_at=NOW - 31 * DAY), now=later)

    assert days(member) == [(7, TO)]


def test_time_is_given_again_and_again(member: Membership, manager: User) -> None:
    more_time(member, manager)

    again = more_time(member, manager, until=TO, to=date(2026, 12, 24), now=NOW + 2 * DAY)

    assert again.extension.points == 90
    assert days(member) == [(40, date(2026, 12, 24)), (50, date(2026, 12, 24))]


def test_wallet_that_would_end_lasts_longer(manager: User) -> None:
    member = a_member_with_points(expiry="INACTIVITY", expiry_months=1)

    asked = more_time(member, manager)

    assert (asked.is_posted, asked.extension.points) == (True, 90)
    assert expire_points(now=datetime(2026, 9, 30, 22, 59, tzinfo=UTC)).points == 0
    assert expire_points(now=datetime(2026, 9, 30, 23, 0, tzinfo=UTC)).points == 90


def test_above_the_limit_a_second_person_decides(manager: User) -> None:
    member = a_member_with_points(adjustment_limit=39)
    second = a_manager()

    asked = more_time(member, manager)

    assert (asked.is_posted, days(member)[0]) == (False, (40, date(2026, 7, 15)))
    with pytest.raises(approvals.OwnRequestError):
        decide(extension_id=asked.extension.pk, by=manager, is_approved=True, now=NOW)
    decide(extension_id=asked.extension.pk, by=second, is_approved=True, now=NOW)
    assert days(member)[0] == (40, TO)
    with pytest.raises(approvals.AlreadyDecidedError):
        decide(extension_id=asked.extension.pk, by=second, is_approved=True, now=NOW)
    approval = Approval.objects.get()
    assert (approval.state, approval.decided_by, approval.points) == ("APPROVED", second, 40)


def test_refused_request_changes_no_day(manager: User) -> None:
    member = a_member_with_points(adjustment_limit=0)
    asked = more_time(member, manager)

    decide(extension_id=asked.extension.pk, by=a_manager(), is_approved=False, reason="Too late", now=NOW)

    assert Extension.objects.get().state == "REJECTED"
    assert days(member)[0] == (40, date(2026, 7, 15))
    assert not ExtendedLot.objects.exists()


def test_more_points_than_were_agreed_to_need_a_word_of_their_own(manager: User) -> None:
    member = a_member_with_points(adjustment_limit=0)
    asked = more_time(member, manager)
    second = a_manager()
    record(a_purchase(member.company, 9, occurred_at=NOW - 31 * DAY))
    before = fingerprint()

    with pytest.raises(MorePointsError):
        decide(extension_id=asked.extension.pk, by=second, is_approved=True, now=NOW)

    assert fingerprint() == before


def test_points_by_hand_and_more_time_count_together_against_the_limit(member: Membership, manager: User) -> None:
    adjust(membership=member, employee=None, points=61, reason_code="GOODWILL", reason="Late", by=manager, now=NOW)

    assert not more_time(member, manager).is_posted
    assert more_time(member, a_manager()).is_posted


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"until": TODAY - DAY}, NoTimeGivenError),
        ({"to": UNTIL}, NoTimeGivenError),
        ({"to": UNTIL - DAY}, NoTimeGivenError),
        ({"to": date(2046, 6, 15)}, NoTimeGivenError),
        ({"until": date(2026, 7, 14)}, NothingExpiresError),
    ],
)
def test_days_that_make_no_sense_are_refused(
    member: Membership, manager: User, fields: dict[str, Any], error: type[Exception]
) -> None:
    before = fingerprint()

    with pytest.raises(error):
        more_time(member, manager, **fields)

    assert fingerprint() == before


def test_closed_program_and_somebody_elses_person_are_refused(member: Membership, manager: User) -> None:
    stranger = an_employee(a_member(a_program()).company)
    before = fingerprint()

    with pytest.raises(NotAMemberError):
        more_time(member, manager, employee=stranger)
    assert fingerprint() == before
    Program.objects.filter(pk=member.program_id).update(is_active=False)
    with pytest.raises(ProgramClosedError):
        more_time(member, manager)


@pytest.mark.parametrize(
    "change", [{"extended_to": date(2026, 7, 15)}, {"extended_to": date(2026, 1, 1)}, {"expires_on": None}]
)
def test_database_refuses_an_extension_that_takes_time_away(
    member: Membership, manager: User, change: dict[str, date | None]
) -> None:
    more_time(member, manager)

    with pytest.raises(DatabaseError, match="lot_extended_to_a_later_day"), transaction.atomic():
        Lot.objects.filter(remaining=40).update(**change)


@pytest.mark.django_db(transaction=True)
def test_more_time_expiry_and_a_purchase_at_once_leave_what_some_order_leaves() -> None:
    member, manager, source = a_member_with_points(), a_manager(), a_source()
    last_moment = datetime(2026, 7, 15, 22, 0, tzinfo=UTC)

    def locked() -> object:
        return list(Wallet.objects.select_for_update().order_by("pk"))

    results = race(
        [
            partial(more_time, member, manager, now=last_moment),
            partial(expire_points, now=last_moment + timedelta(hours=2)),
            partial(record, a_purchase(member.company, 5, occurred_at=last_moment), now=last_moment, source=source),
        ],
        held=locked,
    )

    lost = balance(member, kind=EXPIRED)
    assert (lost, balance(member)) in [(0, 95), (40, 55)]
    refused = [result for result in results if isinstance(result, Exception)]
    assert [type(error) for error in refused] == ([NothingExpiresError] if lost else [])
