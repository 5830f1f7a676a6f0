"""What a program owes: available, waiting and debt, in bands by age and by last day, that add up to the wallets."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty.by_hand import extend
from loyalty.liability import Band, liability
from loyalty.models import BookDay, CohortMonth, Lot, Program, Wallet
from tests.factories.world import a_manager, a_member, a_program, a_purchase, a_rule_set, record

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def a_running_program(**fields: Any) -> Program:
    program = a_program(point_value=Decimal("0.04"), adjustment_limit=10**6, **fields)
    a_rule_set(program)
    return program


def test_bands_add_up_to_the_wallets() -> None:
    program = a_running_program(expiry_months=12)
    member = a_member(program, starts_at=datetime(2024, 1, 1, tzinfo=UTC))
    for points, day in ((100, date(2026, 2, 10)), (20, date(2026, 10, 31)), (7, date(2026, 11, 1))):
        at = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
        record(a_purchase(member.company, points, occurred_at=at), now=at)

    owed = liability(program, now=NOW)

    assert (owed.available, owed.waiting, owed.debt, owed.over, owed.outstanding) == (127, 0, 0, 0, 127)
    assert owed.money(127) == Decimal("5.08")
    assert owed.by_age == (
        Band(date(2026, 2, 1), date(2026, 2, 28), 100),
        Band(date(2026, 10, 1), date(2026, 10, 31), 20),
        Band(date(2026, 11, 1), date(2026, 11, 30), 7),
    )
    assert owed.by_end == (
        Band(date(2027, 2, 1), date(2027, 2, 28), 100),
        Band(date(2027, 10, 1), date(2027, 10, 31), 20),
        Band(date(2027, 11, 1), date(2027, 12, 31), 7),
    )
    assert sum(band.points for band in owed.by_age) == owed.available


def test_what_waits_what_is_owed_and_what_is_over_stand_apart() -> None:
    waits = a_running_program(release="AFTER_DAYS", release_days=30)
    record(a_purchase(a_member(waits).company, 50, occurred_at=NOW), now=NOW)
    short = a_running_program(expiry_months=1)
    member = a_member(short)
    long_ago = NOW - timedelta(days=50)
    record(a_purchase(member.company, 40, occurred_at=long_ago), now=long_ago)

    waiting, over = liability(waits, now=NOW), liability(short, now=NOW)

    assert (waiting.available, waiting.waiting, waiting.outstanding, waiting.by_age) == (0, 50, 50, ())
    assert (over.available, over.over, over.by_end) == (40, 40, ())
    assert over.forecast.cohorts == ()


def test_idle_wallets_extended_lots_and_the_programs_last_day_end_where_they_end() -> None:
    idle = a_running_program(expiry="INACTIVITY", expiry_months=2)
    record(a_purchase(a_member(idle).company, 30, occurred_at=NOW), now=NOW)
    extended = a_running_program(expiry_months=1)
    member = a_member(extended)
    record(a_purchase(member.company, 40, occurred_at=NOW), now=NOW)
    extend(membership=member, employee=None, until=date(2026, 12, 31), to=date(2027, 3, 5), reason="Late",
           by=a_manager(), now=NOW)  # fmt: skip
    ending = a_running_program(last_earn_on=date(2026, 12, 1), last_spend_on=date(2027, 1, 15))
    record(a_purchase(a_member(ending).company, 60, occurred_at=NOW), now=NOW)

    ends = [liability(program, now=NOW).by_end for program in (idle, extended, ending)]

    assert ends == [
        (Band(date(2027, 1, 1), date(2027, 1, 31), 30),),
        (Band(date(2027, 3, 1), date(2027, 3, 31), 40),),
        (Band(date(2027, 1, 1), date(2027, 1, 31), 60),),
    ]
    january = Lot.objects.ending(date(2027, 1, 1), date(2027, 1, 31)).values_list("wallet__program", flat=True)
    assert set(january) == {idle.pk, ending.pk}
    assert not Lot.objects.endless().exists()


def test_cost_does_not_grow_with_history() -> None:
    program = a_running_program(expiry_months=1)
    member = a_member(program)
    record(a_purchase(member.company, 40, occurred_at=NOW), now=NOW)
    with CaptureQueriesContext(connection) as few:
        liability(program, now=NOW)
    wallet = Wallet.objects.get(program=program, employee=None, kind="AVAILABLE")
    spent = [date(2020, 1, 1) + timedelta(days=number) for number in range(40)]
    Lot.objects.bulk_create(Lot(wallet=wallet, available_on=day, earned=5, remaining=0) for day in spent)
    BookDay.objects.bulk_create(
        BookDay(program=program, day=day, opening=0, available=0, waiting=0, debt=0) for day in spent
    )
    CohortMonth.objects.create(program=program, cohort=spent[0], month=spent[0], used=5, expired=0)

    with CaptureQueriesContext(connection) as many:
        owed = liability(program, now=NOW)

    assert len(few.captured_queries) == len(many.captured_queries) == 3
    assert owed.available == 40
