"""Lots: when points expire, in which order they are used, and where they go back to."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts import laws
from loyalty.ledger import Act, Book, Owner, expire_points, last_day
from loyalty.models import Lot, Membership, Program, Transaction, Wallet
from tests.factories.world import NOW, a_member, a_program, a_purchase, a_rule_set, balance, record

DEBT, EXPIRED, SPENT = Wallet.Kind.DEBT, Wallet.Kind.EXPIRED, Wallet.Kind.SPENT
LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("earned_on", "months", "last"),
    [
        (date(2026, 6, 15), 12, date(2027, 6, 15)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 6, 15), 240, date(2046, 6, 15)),
        (date(2026, 6, 15), None, None),
    ],
)
def test_points_last_to_the_same_day_of_a_later_month(earned_on: date, months: int | None, last: date | None) -> None:
    terms = Program(expiry="MONTHS" if months else "NEVER", expiry_months=months)

    assert last_day(terms, earned_on) == last


@pytest.fixture
def _laws_hold(db: None) -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


database = pytest.mark.usefixtures("_laws_hold")


def a_member_of(**program: object) -> Membership:
    """A member of a program that gives 1 point for each full 1."""
    fields = a_program(**program)  # type: ignore[arg-type]
    a_rule_set(fields)
    return a_member(fields)


def owner_of(member: Membership) -> Owner:
    return Owner(member.program_id, member.company_id)


def spend(member: Membership, points: int, *, now: datetime = NOW) -> Act:
    """Spend points of the company as a redemption does."""
    book = _open(member, now)
    act = book.begin(Transaction.Kind.REDEEM, owner_of(member))
    book.spend(act, owner_of(member), points, at=now)
    book.write()
    return act


def refund(member: Membership, spending: Act, *, now: datetime = NOW) -> None:
    """Give the spending back as a cancellation does."""
    book = _open(member, now)
    act = book.begin(Transaction.Kind.CANCEL, owner_of(member))
    book.refund(act, owner_of(member), spending, at=now)
    book.write()


def _open(member: Membership, now: datetime) -> Book:
    book = Book(now=now, programs=[member.program])
    book.open([owner_of(member)], all_lots_of=[owner_of(member)])
    return book


def lots() -> list[tuple[int, int, int]]:
    """What each lot earned, has left and lost by expiry; soonest-expiring first."""
    rows = Lot.objects.order_by("expires_on", "available_on", "wallet")
    return list(rows.values_list("earned", "remaining", "expired"))


@database
@pytest.mark.parametrize(
    ("zone", "last_moment"),
    [
        ("Europe/London", datetime(2026, 7, 15, 22, 59, 59, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 7, 16, 3, 59, 59, tzinfo=UTC)),
        ("Asia/Tokyo", datetime(2026, 7, 15, 14, 59, 59, tzinfo=UTC)),
    ],
)
def test_points_are_valid_through_the_end_of_their_last_local_day(zone: str, last_moment: datetime) -> None:
    member = a_member_of(expiry_months=1, time_zone=zone)
    record(a_purchase(member.company, 80, occurred_at=NOW))

    assert expire_points(now=last_moment).points == 0
    assert expire_points(now=last_moment + timedelta(seconds=1)).points == 80
    assert (balance(member), balance(member, kind=EXPIRED)) == (0, 80)


@database
@pytest.mark.parametrize(
    ("occurred_at", "last"),
    [
        (datetime(2026, 3, 28, 23, 59, tzinfo=UTC), date(2026, 4, 28)),
        (datetime(2026, 3, 29, 23, 0, tzinfo=UTC), date(2026, 4, 30)),
        (datetime(2025, 10, 25, 23, 0, tzinfo=UTC), date(2025, 11, 26)),
        (datetime(2025, 10, 26, 23, 0, tzinfo=UTC), date(2025, 11, 26)),
    ],
)
def test_day_of_earning_is_the_programs_when_clocks_change(occurred_at: datetime, last: date) -> None:
    member = a_member_of(expiry_months=1)

    record(a_purchase(member.company, 80, occurred_at=occurred_at))

    assert Lot.objects.get().expires_on == last


@database
def test_second_run_expires_nothing_more() -> None:
    member = a_member_of(expiry_months=1)
    record(a_purchase(member.company, 80), a_purchase(member.company, 5, occurred_at=NOW - timedelta(days=3)))
    later = NOW + timedelta(days=40)

    first, second = expire_points(now=later), expire_points(now=later)

    assert (first.wallets, first.points) == (1, 85)
    assert (second.wallets, second.points) == (0, 0)
    assert Transaction.objects.filter(kind="EXPIRE").count() == 1


@database
def test_program_whose_points_never_expire_loses_none() -> None:
    member = a_member_of(expiry_months=None)
    record(a_purchase(member.company, 80))

    assert expire_points(now=NOW + timedelta(days=20_000)).points == 0
    assert balance(member) == 80


@database
def test_soonest_expiring_points_are_spent_first() -> None:
    member = a_member_of(expiry_months=2)
    record(
        a_purchase(member.company, 10),
        a_purchase(member.company, 20, occurred_at=NOW - timedelta(days=30)),
        a_purchase(member.company, 30, occurred_at=NOW - timedelta(days=20)),
    )

    spend(member, 25)

    assert lots() == [(20, 0, 0), (30, 25, 0), (10, 10, 0)]


@database
def test_refund_goes_back_to_the_very_lots_with_their_days_unchanged() -> None:
    member = a_member_of(expiry_months=2)
    record(a_purchase(member.company, 10), a_purchase(member.company, 20, occurred_at=NOW - timedelta(days=30)))
    days = list(Lot.objects.order_by("pk").values_list("pk", "available_on", "expires_on"))
    spending = spend(member, 25)
    record(a_purchase(member.company, 5, occurred_at=NOW - timedelta(days=3)))

    refund(member, spending, now=NOW + timedelta(days=1))

    assert lots() == [(20, 20, 0), (5, 5, 0), (10, 10, 0)]
    assert list(Lot.objects.order_by("pk").values_list("pk", "available_on", "expires_on"))[:2] == days
    assert (balance(member), balance(member, kind=SPENT)) == (35, 0)


@database
def test_refund_of_points_that_expired_meanwhile_expires_at_once() -> None:
    member = a_member_of(expiry_months=2)
    record(a_purchase(member.company, 10), a_purchase(member.company, 20, occurred_at=NOW - timedelta(days=30)))
    spending = spend(member, 25)

    refund(member, spending, now=NOW + timedelta(days=45))

    assert lots() == [(20, 0, 20), (10, 10, 0)]
    assert (balance(member), balance(member, kind=EXPIRED)) == (10, 20)


@database
def test_refund_repays_debt_first() -> None:
    member = a_member_of()
    purchase = a_purchase(member.company, 50)
    record(purchase)
    spending = spend(member, 50)
    record(a_purchase(member.company, 30, reverses=purchase.external_id))

    refund(member, spending)

    assert (balance(member), balance(member, kind=DEBT)) == (20, 0)


@database
def test_points_returned_after_they_were_spent_are_repaid_by_the_next_earnings() -> None:
    member = a_member_of()
    purchase = a_purchase(member.company, 50)
    record(purchase)
    spend(member, 40)

    record(a_purchase(member.company, 30, reverses=purchase.external_id))
    assert (balance(member), balance(member, kind=DEBT)) == (0, -20)
    record(a_purchase(member.company, 5))
    assert (balance(member), balance(member, kind=DEBT)) == (0, -15)
    record(a_purchase(member.company, 100))
    assert (balance(member), balance(member, kind=DEBT)) == (85, 0)


@database
def test_overdue_points_repay_debt_before_they_expire() -> None:
    member = a_member_of(expiry_months=1)
    purchase = a_purchase(member.company, 50)
    record(purchase)
    spend(member, 50)
    record(a_purchase(member.company, 30, reverses=purchase.external_id))

    record(a_purchase(member.company, 40, occurred_at=NOW - timedelta(days=90)))

    assert (balance(member), balance(member, kind=DEBT), balance(member, kind=EXPIRED)) == (0, 0, 10)


@database
def test_reversal_takes_from_the_own_lot_then_what_it_lost_then_the_soonest_expiring_then_debt() -> None:
    member = a_member_of(expiry_months=2)
    old = a_purchase(member.company, 100, occurred_at=NOW - timedelta(days=30))
    record(old)
    spend(member, 60)
    later = NOW + timedelta(days=40)
    record(
        a_purchase(member.company, 15, occurred_at=NOW),
        a_purchase(member.company, 10, occurred_at=NOW - timedelta(days=25)),
    )
    assert expire_points(now=later).points == 50
    record(a_purchase(member.company, 7, occurred_at=later), now=later)

    steps = []
    for amount in (30, 20, 10, 40):
        record(a_purchase(member.company, amount, occurred_at=later, reverses=old.external_id), now=later)
        steps.append((lots(), balance(member, kind=EXPIRED), balance(member, kind=DEBT)))

    assert steps == [
        ([(100, 0, 10), (10, 0, 10), (15, 15, 0), (7, 7, 0)], 20, 0),
        ([(100, 0, 0), (10, 0, 10), (15, 5, 0), (7, 7, 0)], 10, 0),
        ([(100, 0, 0), (10, 0, 10), (15, 0, 0), (7, 2, 0)], 10, 0),
        ([(100, 0, 0), (10, 0, 10), (15, 0, 0), (7, 0, 0)], 10, -38),
    ]


@database
def test_reversal_takes_from_its_own_lot_even_where_another_expires_sooner() -> None:
    member = a_member_of(expiry_months=2)
    purchase = a_purchase(member.company, 20)
    record(purchase, a_purchase(member.company, 10, occurred_at=NOW - timedelta(days=30)))

    record(a_purchase(member.company, 15, reverses=purchase.external_id))

    assert lots() == [(10, 10, 0), (20, 5, 0)]
