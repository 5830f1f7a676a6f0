"""Ways to expire: which day is the last, at every boundary; and wallets that end when nothing happens in them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import laws
from loyalty.company_figures import people_with_points
from loyalty.ledger import Owner, expire_points, last_day, release_points
from loyalty.ledger.terms import idle_until
from loyalty.models import Lot, Membership, Program, Transaction, Wallet
from loyalty.statement import Balance, ExpiringLot, balances_of
from loyalty.terms import expiry_in_words
from tests.factories.canaries import as_actor
from tests.factories.world import (
    NOW,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    a_source,
    an_employee,
    balance,
    consent_to,
    record,
)
from tests.loyalty.racing import race
from tests.loyalty.test_expiry import refund, spend

EXPIRED = Wallet.Kind.EXPIRED
DAY = timedelta(days=1)


def fixed(month: int, day: int, years: int = 0) -> Program:
    return Program(expiry="FIXED_DAY", expiry_month=month, expiry_day=day, expiry_years=years)


@pytest.mark.parametrize(
    ("terms", "available_on", "last"),
    [
        (fixed(3, 31), date(2026, 3, 30), date(2026, 3, 31)),
        (fixed(3, 31), date(2026, 3, 31), date(2026, 3, 31)),
        (fixed(3, 31), date(2026, 4, 1), date(2027, 3, 31)),
        (fixed(3, 31, 1), date(2026, 3, 31), date(2027, 3, 31)),
        (fixed(3, 31, 1), date(2026, 4, 1), date(2028, 3, 31)),
        (fixed(2, 29), date(2026, 2, 28), date(2026, 2, 28)),
        (fixed(2, 29), date(2026, 3, 1), date(2027, 2, 28)),
        (fixed(2, 29), date(2028, 2, 28), date(2028, 2, 29)),
        (fixed(2, 29), date(2028, 2, 29), date(2028, 2, 29)),
        (fixed(2, 29), date(2028, 3, 1), date(2029, 2, 28)),
        (fixed(2, 29, 2), date(2026, 2, 1), date(2028, 2, 29)),
        (fixed(1, 1), date(2026, 12, 31), date(2027, 1, 1)),
        (fixed(12, 31), date(2026, 12, 31), date(2026, 12, 31)),
        (Program(expiry="YEAR_END"), date(2026, 1, 1), date(2026, 12, 31)),
        (Program(expiry="YEAR_END"), date(2026, 12, 31), date(2026, 12, 31)),
        (Program(expiry="YEAR_END", expiry_years=1), date(2026, 12, 31), date(2027, 12, 31)),
        (Program(expiry="YEAR_END", expiry_years=3), date(2027, 1, 1), date(2030, 12, 31)),
        (Program(expiry="NEVER"), date(2026, 1, 1), None),
        (Program(expiry="INACTIVITY", expiry_months=2), date(2026, 1, 1), None),
    ],
)
def test_last_day_of_points(terms: Program, available_on: date, last: date | None) -> None:
    assert last_day(terms, available_on) == last


@pytest.mark.parametrize(
    ("active_on", "months", "last"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
    ],
)
def test_idle_wallet_lasts_to_the_same_day_of_a_later_month(active_on: date, months: int, last: date) -> None:
    assert idle_until(Program(expiry="INACTIVITY", expiry_months=months), active_on) == last
    assert idle_until(Program(expiry="MONTHS", expiry_months=months), active_on) is None


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (fixed(3, 31), "They last up to the next March 31, that day counted in."),
        (fixed(2, 29, 1), "They last up to the next February 29 and 1 year more, that day counted in."),
        (fixed(2, 29, 2), "They last up to the next February 29 and 2 years more, that day counted in."),
        (Program(expiry="YEAR_END"), "They last to the end of the calendar year in which they can be spent."),
        (
            Program(expiry="YEAR_END", expiry_years=2),
            "They last to the end of the calendar year in which they can be spent, and 2 years more.",
        ),
        (
            Program(expiry="INACTIVITY", expiry_months=6),
            "All of them end 6 months after points last came or were spent; each time they last anew.",
        ),
    ],
)
def test_ways_to_expire_are_said_in_words(terms: Program, sentence: str) -> None:
    assert expiry_in_words(terms) == sentence


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"expiry": "MONTHS"}, "program_expiry_months"),
        ({"expiry": "MONTHS", "expiry_months": 0}, "program_expiry_months"),
        ({"expiry": "INACTIVITY"}, "program_expiry_months"),
        ({"expiry": "NEVER", "expiry_months": 3}, "program_expiry_months"),
        ({"expiry": "YEAR_END", "expiry_months": 3}, "program_expiry_months"),
        ({"expiry": "FIXED_DAY"}, "program_expiry_fixed_day"),
        ({"expiry": "FIXED_DAY", "expiry_month": 4}, "program_expiry_fixed_day"),
        ({"expiry": "FIXED_DAY", "expiry_month": 4, "expiry_day": 31}, "program_expiry_fixed_day"),
        ({"expiry": "FIXED_DAY", "expiry_month": 2, "expiry_day": 30}, "program_expiry_fixed_day"),
        ({"expiry": "FIXED_DAY", "expiry_month": 13, "expiry_day": 1}, "program_expiry_fixed_day"),
        ({"expiry": "NEVER", "expiry_month": 3, "expiry_day": 1}, "program_expiry_fixed_day"),
        ({"expiry": "NEVER", "expiry_years": 1}, "program_expiry_years"),
        ({"expiry": "YEAR_END", "expiry_years": 21}, "program_expiry_years"),
    ],
)
def test_terms_that_say_no_day_are_refused(fields: dict[str, Any], name: str) -> None:
    program = a_program()
    for field, value in fields.items():
        setattr(program, field, value)

    with pytest.raises(ValidationError):
        program.full_clean()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        program.save()


@pytest.fixture
def _laws_hold(db: None) -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


database = pytest.mark.usefixtures("_laws_hold")


def a_member_of(**fields: Any) -> Membership:
    """A member of a program that gives 1 point for each full 1."""
    program = a_program(**fields)
    a_rule_set(program)
    return a_member(program)


def an_idle_member(**fields: Any) -> Membership:
    return a_member_of(**{"expiry": "INACTIVITY", "expiry_months": 2, **fields})


def ends_on(member: Membership) -> date | None:
    return Wallet.objects.get(
        company=member.company, program=member.program, kind="AVAILABLE", employee=None
    ).expires_on


def shown(member: Membership, today: date, until: date | None = None) -> Balance:
    [found] = balances_of([Owner(member.program_id, member.company_id)], today=today, expiring_until=until)
    return found


@database
@pytest.mark.parametrize(
    ("zone", "last_moment"),
    [
        ("Europe/London", datetime(2027, 3, 28, 22, 59, 59, tzinfo=UTC)),  # the clocks went forward that night
        ("America/New_York", datetime(2027, 3, 29, 3, 59, 59, tzinfo=UTC)),
        ("Asia/Tokyo", datetime(2027, 3, 28, 14, 59, 59, tzinfo=UTC)),
    ],
)
def test_fixed_day_is_the_programs_whole_day(zone: str, last_moment: datetime) -> None:
    member = a_member_of(expiry="FIXED_DAY", expiry_month=3, expiry_day=28, time_zone=zone)
    record(a_purchase(member.company, 80))

    assert expire_points(now=last_moment).points == 0
    assert expire_points(now=last_moment + timedelta(seconds=1)).points == 80
    assert expire_points(now=last_moment + timedelta(seconds=1)).points == 0


@database
def test_year_of_the_activity_is_the_programs() -> None:
    member = a_member_of(expiry="YEAR_END", time_zone="Asia/Tokyo")
    new_year = datetime(2026, 12, 31, 15, 0, tzinfo=UTC)

    record(
        a_purchase(member.company, 1, occurred_at=new_year - timedelta(seconds=1)),
        a_purchase(member.company, 2, occurred_at=new_year),
        now=new_year,
    )

    assert list(Lot.objects.filter(remaining__gt=0).values_list("expires_on", "remaining")) == [(date(2027, 12, 31), 2)]
    assert balance(member, kind=EXPIRED) == 1


@database
def test_earning_and_spending_let_a_wallet_last_anew_and_what_is_late_does_not() -> None:
    member = an_idle_member()
    steps = []
    record(a_purchase(member.company, 80))
    steps.append(ends_on(member))
    record(a_purchase(member.company, 5, occurred_at=NOW - 20 * DAY), now=NOW + DAY)
    steps.append(ends_on(member))
    spending = spend(member, 10, now=NOW + 10 * DAY)
    steps.append(ends_on(member))
    refund(member, spending, now=NOW + 20 * DAY)
    steps.append(ends_on(member))

    assert steps == [date(2026, 8, 15), date(2026, 8, 15), date(2026, 8, 25), date(2026, 8, 25)]
    assert expire_points(now=datetime(2026, 8, 25, 22, 59, tzinfo=UTC)).points == 0
    assert expire_points(now=datetime(2026, 8, 25, 23, 0, tzinfo=UTC)).points == 85


@database
def test_return_is_no_activity_of_the_wallet() -> None:
    member = an_idle_member()
    purchase = a_purchase(member.company, 80)
    record(purchase)

    record(a_purchase(member.company, 30, reverses=purchase.external_id, occurred_at=NOW + DAY), now=NOW + DAY)

    assert (ends_on(member), balance(member)) == (date(2026, 8, 15), 50)


@database
def test_wallet_that_ended_loses_all_before_anything_new_comes() -> None:
    member = an_idle_member()
    record(a_purchase(member.company, 80))
    later = datetime(2026, 8, 16, 12, tzinfo=UTC)
    assert shown(member, date(2026, 8, 16)).available == 0

    record(a_purchase(member.company, 5, occurred_at=later), now=later)

    assert (balance(member), balance(member, kind=EXPIRED)) == (5, 80)
    assert ends_on(member) == date(2026, 10, 16)


@database
def test_return_of_points_that_ended_with_their_wallet_takes_them_from_what_expired() -> None:
    member = an_idle_member()
    purchase = a_purchase(member.company, 80)
    record(purchase)
    later = datetime(2026, 8, 16, 12, tzinfo=UTC)
    expire_points(now=later)

    record(a_purchase(member.company, 30, reverses=purchase.external_id, occurred_at=later), now=later)

    assert (balance(member), balance(member, kind=EXPIRED), balance(member, kind="DEBT")) == (0, 50, 0)


@database
def test_pages_tell_when_a_wallet_ends() -> None:
    member = an_idle_member()
    record(a_purchase(member.company, 80))

    before, last, after = (
        shown(member, day, day + 60 * DAY) for day in (date(2026, 6, 16), date(2026, 8, 15), date(2026, 8, 16))
    )

    lots = (ExpiringLot(80, date(2026, 8, 15)),)
    assert (before.ends_on, before.expiring) == (date(2026, 8, 15), lots)
    assert (last.available, last.ends_on, last.expiring) == (80, date(2026, 8, 15), lots)
    assert (after.available, after.ends_on, after.expiring) == (0, None, ())


@database
def test_people_of_a_wallet_that_ended_have_no_points() -> None:
    program = a_program(expiry="INACTIVITY", expiry_months=2)
    a_rule_set(program, [{"beneficiary": "EMPLOYEE"}])
    member = a_member(program)
    consent_to(member)
    person = an_employee(member.company)
    record(a_purchase(member.company, 80, employee_id=person.pk))
    manager = as_actor(a_manager())

    def points(at: datetime) -> list[int]:
        return [vars(row)["available"] for row in people_with_points(replace(manager, at=at), member)]

    assert points(NOW + DAY) == [80]
    assert points(NOW + 70 * DAY) == [0]


@database
def test_wallets_of_before_begin_to_count_when_the_program_begins_to_end_them() -> None:
    member = a_member_of(expiry="NEVER")
    record(a_purchase(member.company, 80))
    Program.objects.filter(pk=member.program_id).update(expiry="INACTIVITY", expiry_months=2)

    assert expire_points(now=NOW + 300 * DAY).points == 0
    assert ends_on(member) == date(2027, 6, 11)
    assert expire_points(now=datetime(2027, 6, 12, tzinfo=UTC)).points == 80


@database
def test_wallets_of_a_program_that_ends_them_no_longer_go_on() -> None:
    member = an_idle_member()
    record(a_purchase(member.company, 80))
    Program.objects.filter(pk=member.program_id).update(expiry="NEVER", expiry_months=None)
    member.program.refresh_from_db()
    later = NOW + 300 * DAY

    assert expire_points(now=later).points == 0
    assert shown(member, later.date()).available == 80
    spend(member, 80, now=later)


@database
@pytest.mark.parametrize("by_job", [True, False])
def test_points_released_after_the_wallet_ended_do_not_save_what_ended(by_job: bool) -> None:
    member = an_idle_member(release="AFTER_DAYS", release_days=100)
    late = a_purchase(member.company, 80, occurred_at=NOW - 100 * DAY)
    record(late, a_purchase(member.company, 7))
    assert (balance(member), ends_on(member)) == (80, date(2026, 8, 15))
    later = NOW + 101 * DAY

    if by_job:
        release_points(now=later)
    else:
        record(a_purchase(member.company, 1, occurred_at=later), now=later)

    assert (balance(member), balance(member, kind=EXPIRED)) == (7, 80)
    assert ends_on(member) == (date(2026, 11, 23) if by_job else date(2026, 11, 24))


@database
def test_release_lets_a_wallet_last_anew() -> None:
    member = an_idle_member(release="AFTER_DAYS", release_days=30)
    record(a_purchase(member.company, 80))

    release_points(now=NOW + 30 * DAY)

    assert ends_on(member) == date(2026, 9, 15)


@pytest.mark.django_db(transaction=True)
def test_job_and_purchase_at_once_leave_what_either_order_leaves() -> None:
    member = an_idle_member()
    record(a_purchase(member.company, 80))
    source, later = a_source(), datetime(2026, 8, 16, 12, tzinfo=UTC)

    def locked() -> object:
        return list(Wallet.objects.select_for_update().order_by("pk"))

    results = race(
        [
            partial(expire_points, now=later),
            partial(expire_points, now=later),
            partial(record, a_purchase(member.company, 5, occurred_at=later), now=later, source=source),
        ],
        held=locked,
    )

    assert [result for result in results if isinstance(result, Exception)] == []
    assert (balance(member), balance(member, kind=EXPIRED)) == (5, 80)
    assert Transaction.objects.filter(kind="EXPIRE").count() == 1
    assert [finding.law.code for finding in laws.verify() if finding.count] == []
