"""The books: a day closes by what was recorded on it, adds up, and follows from the day before."""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import laws
from loyalty.activities import ActivityItem
from loyalty.books import close_books, closing
from loyalty.by_hand import adjust
from loyalty.ledger import InsufficientPointsError, Owner, expire_points
from loyalty.liability import liability
from loyalty.models import BookDay, CohortMonth, Membership, Posting, Program
from rewards.redemption import cancel, redeem
from tests.factories.canaries import as_actor, user_of
from tests.factories.world import (
    NOW,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    an_admin,
    record,
)

pytestmark = pytest.mark.django_db

TOKYO = ZoneInfo("Asia/Tokyo")
BEGIN = datetime(2026, 3, 2, 10, tzinfo=UTC)


def laws_broken() -> dict[str, int]:
    return {finding.law.code: finding.count for finding in laws.verify() if finding.count}


def held(program: Program, *, before: datetime) -> tuple[int, int, int]:
    """What postings made before a moment left available, waiting and owed: the books' yardstick."""
    made = Posting.objects.filter(created_at__lt=before)
    sums = []
    for kind in ("AVAILABLE", "PENDING", "DEBT"):
        into = made.filter(credit_wallet__program=program, credit_wallet__kind=kind).aggregate(points=Sum("points"))
        out_of = made.filter(debit_wallet__program=program, debit_wallet__kind=kind).aggregate(points=Sum("points"))
        sums.append((into["points"] or 0) - (out_of["points"] or 0))
    return sums[0], sums[1], sums[2]


def start_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone)


def movements(row: BookDay) -> int:
    return row.earned - row.returned - row.spent + row.given_back - row.expired + row.by_hand - row.handed_over


@pytest.fixture
def member() -> Membership:
    """A company in a program of Tokyo's days whose points last a month."""
    program = a_program(time_zone="Asia/Tokyo", expiry_months=1, adjustment_limit=10**6)
    a_rule_set(program)
    return a_member(program)


def test_each_movement_stands_in_its_column_on_its_day(member: Membership) -> None:
    program, admin = member.program, an_admin(member.company)
    reward = a_reward(program, price=40)
    item = a_purchase(member.company, 300, occurred_at=BEGIN)
    record(item, now=BEGIN)
    day = timedelta(days=1)
    order = redeem(
        actor=as_actor(user_of(admin)), reward_id=reward.pk, payer=Owner(program.pk, member.company_id),
        shown_price=40, key="one", now=BEGIN + day,
    ).redemption  # fmt: skip
    record(a_purchase(member.company, 100, reverses=item.external_id, occurred_at=BEGIN + 2 * day), now=BEGIN + 2 * day)
    cancel(redemption_id=order.pk, by_user_id=user_of(admin).pk, now=BEGIN + 3 * day)
    adjust(membership=member, employee=None, points=-30, reason_code="CORRECTION", reason="Twice", by=a_manager(),
           now=BEGIN + 4 * day)  # fmt: skip
    expire_points(now=BEGIN + 60 * day)

    close_books(now=BEGIN + 70 * day)

    first = BEGIN.astimezone(TOKYO).date()
    rows = {row.day: row for row in BookDay.objects.filter(program=program)}
    assert (min(rows), max(rows), len(rows)) == (first, first + 69 * day, 70)
    told = [
        (row.opening, row.earned, row.spent, row.returned, row.given_back, row.by_hand, row.expired, row.closing)
        for row in (rows[first + number * day] for number in (0, 1, 2, 3, 4, 60))
    ]
    assert told == [
        (0, 300, 0, 0, 0, 0, 0, 300),
        (300, 0, 40, 0, 0, 0, 0, 260),
        (260, 0, 0, 100, 0, 0, 0, 160),
        (160, 0, 0, 0, 40, 0, 0, 200),
        (200, 0, 0, 0, 0, -30, 0, 170),
        (170, 0, 0, 0, 0, 0, 170, 0),
    ]
    assert laws_broken() == {}


def test_late_arrival_stands_on_the_day_it_was_recorded_and_changes_no_closed_one(member: Membership) -> None:
    record(a_purchase(member.company, 100, occurred_at=BEGIN), now=BEGIN)
    close_books(now=BEGIN + timedelta(days=3))
    before = list(BookDay.objects.order_by("day").values())

    late = BEGIN + timedelta(days=4)
    record(a_purchase(member.company, 50, occurred_at=BEGIN), now=late)
    close_books(now=late + timedelta(days=2))

    assert list(BookDay.objects.order_by("day").values())[: len(before)] == before
    row = BookDay.objects.get(day=late.astimezone(TOKYO).date())
    assert (row.opening, row.earned, row.closing) == (100, 50, 150)
    assert laws_broken() == {}


def test_day_closes_at_noon_of_the_next_one_and_once(member: Membership) -> None:
    record(a_purchase(member.company, 100, occurred_at=BEGIN), now=BEGIN)
    day = BEGIN.astimezone(TOKYO).date()
    noon = start_of(day, TOKYO) + timedelta(hours=36)

    assert close_books(now=noon - timedelta(seconds=1)) == 0
    open_still = closing(member.program, day, now=noon - timedelta(seconds=1))
    assert (open_still.is_closed, open_still.row.closing) == (False, 100)
    assert close_books(now=noon) == 1
    assert close_books(now=noon) == 0

    assert closing(member.program, day, now=noon).is_closed
    assert closing(member.program, day - timedelta(days=9), now=noon).row.closing == 0
    assert close_books(now=noon, since=day) == 1
    assert BookDay.objects.get().closing == 100


def test_closing_costs_the_same_however_long_the_history(member: Membership) -> None:
    record(*(a_purchase(member.company, 10, occurred_at=BEGIN) for _number in range(5)), now=BEGIN)
    now = BEGIN + timedelta(days=40)
    close_books(now=now)

    with CaptureQueriesContext(connection) as captured:
        closing(member.program, now.date() - timedelta(days=30), now=now)

    assert len(captured.captured_queries) == 1


def test_database_refuses_a_day_that_does_not_add_up(member: Membership) -> None:
    fields = {"program": member.program, "day": date(2026, 3, 2), "opening": 5, "waiting": 0, "debt": 0}
    wrong = [
        ("book_day_adds_up", {**fields, "earned": 10, "available": 14}),
        ("book_day_balances_have_a_side", {**fields, "opening": -5, "available": -5}),
    ]

    for name, row in wrong:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            BookDay.objects.create(**row)
    BookDay.objects.create(**fields, earned=10, available=15)
    with pytest.raises(IntegrityError, match="book_day_unique"), transaction.atomic():
        BookDay.objects.create(**fields, available=5)


def test_laws_find_books_that_are_wrong(member: Membership) -> None:
    record(a_purchase(member.company, 100, occurred_at=BEGIN), now=BEGIN)
    close_books(now=BEGIN + timedelta(days=5))
    second = BookDay.objects.order_by("day")[1]

    BookDay.objects.filter(pk=second.pk).update(opening=99, available=99)
    assert set(laws_broken()) == {"D2"}
    BookDay.objects.filter(pk=second.pk).update(opening=100, earned=1, available=101)
    assert {"D1", "D2"} <= set(laws_broken())
    close_books(now=BEGIN + timedelta(days=5), since=second.day)

    assert laws_broken() == {}


def test_how_points_went_is_kept_by_the_month_they_could_be_spent_from(member: Membership) -> None:
    program, admin = member.program, an_admin(member.company)
    record(a_purchase(member.company, 300, occurred_at=BEGIN), now=BEGIN)
    reward = a_reward(program, price=40)
    redeem(
        actor=as_actor(user_of(admin)), reward_id=reward.pk, payer=Owner(program.pk, member.company_id),
        shown_price=40, key="one", now=BEGIN + timedelta(days=2),
    )  # fmt: skip
    close_books(now=BEGIN + timedelta(days=5))
    expire_points(now=BEGIN + timedelta(days=40))

    close_books(now=BEGIN + timedelta(days=45))

    march, april = date(2026, 3, 1), date(2026, 4, 1)
    went = CohortMonth.objects.order_by("month").values_list("cohort", "month", "used", "expired")
    assert list(went) == [(march, march, 40, 0), (march, april, 0, 260)]


def test_points_taken_back_after_they_expired_count_neither_as_earned_nor_as_expired(member: Membership) -> None:
    """Three months of 1,000 points, of which 500 are spent and 500 expire; a return takes 300 of one back, later.

    Without those, 500 + 500 + 200 of 1,000 + 1,000 + 700 points expired: four of nine.
    """
    program, admin = member.program, an_admin(member.company)
    reward = a_reward(program, price=500)
    bought = [a_purchase(member.company, 1_000, occurred_at=BEGIN + timedelta(days=31 * number)) for number in range(3)]
    for item in bought:
        record(item, now=item.occurred_at)
        redeem(
            actor=as_actor(user_of(admin)), reward_id=reward.pk, payer=Owner(program.pk, member.company_id),
            shown_price=500, key=item.external_id, now=item.occurred_at,
        )  # fmt: skip
        expire_points(now=item.occurred_at + timedelta(days=40))
    now = BEGIN + timedelta(days=155)
    record(a_purchase(member.company, 900, occurred_at=now), now=now)
    close_books(now=now + timedelta(days=2))
    before = liability(program, now=now + timedelta(days=2)).forecast

    back = a_purchase(member.company, 300, reverses=bought[0].external_id, occurred_at=now)
    record(back, now=now + timedelta(days=3))
    close_books(now=now + timedelta(days=5))
    close_books(now=now + timedelta(days=5), since=(now + timedelta(days=1)).date())

    march, april, august = (date(2026, number, 1) for number in (3, 4, 8))
    rows = CohortMonth.objects.filter(cohort=march).order_by("month")
    assert list(rows.values_list("month", "used", "expired", "expired_in")) == [
        (march, 500, 0, None),
        (april, 0, 500, None),
        (august, 0, -300, april),
    ]
    after = liability(program, now=now + timedelta(days=5)).forecast
    assert [(one.outstanding, one.points) for one in before.cohorts] == [(900, 450)]
    assert [(one.outstanding, one.points) for one in after.cohorts] == [(900, 400)]
    assert laws_broken() == {}


acts = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["buy", "return", "give", "take", "expire"]), st.integers(1, 400)),
    min_size=1,
    max_size=12,
)


def do(act: str, points: int, member: Membership, bought: list[tuple[ActivityItem, int]], *, now: datetime) -> None:
    """One act of a random history."""
    by_hand = partial(
        adjust, membership=member, employee=None, reason_code="GOODWILL", reason="Why", by=a_manager(), now=now
    )
    match act:
        case "buy":
            item = a_purchase(member.company, points, occurred_at=now - timedelta(hours=points))
            bought.append((item, points))
            record(item, now=now)
        case "return" if bought:
            item, whole = bought.pop()
            record(a_purchase(member.company, whole, reverses=item.external_id, occurred_at=now), now=now)
        case "give":
            by_hand(points=points)
        case "take":
            with suppress(InsufficientPointsError):
                by_hand(points=-points)
        case "expire":
            expire_points(now=now)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=acts, closed_on_the_way=st.integers(0, 12))
def test_any_history_closes_with_what_its_postings_add_up_to(
    member: Membership, history: list[tuple[int, str, int]], closed_on_the_way: int
) -> None:
    program, zone = member.program, member.program.zone
    with transaction.atomic():
        now, bought = BEGIN, list[tuple[ActivityItem, int]]()
        for number, (hours, act, points) in enumerate(history):
            now += timedelta(hours=hours * 9)
            do(act, points, member, bought, now=now)
            if number == closed_on_the_way:
                close_books(now=now)
        close_books(now=now + timedelta(days=2))

        rows = list(BookDay.objects.filter(program=program).order_by("day"))
        for row in rows:
            end = start_of(row.day + timedelta(days=1), zone)
            assert (row.available, row.waiting, row.debt) == held(program, before=end)
            assert row.closing == row.opening + movements(row)
        for before, after in pairwise(rows):
            assert (after.opening, after.day) == (before.closing, before.day + timedelta(days=1))
        assert laws_broken() == {}
        transaction.set_rollback(True)


def test_nothing_is_closed_where_nothing_was_posted() -> None:
    program = a_program()

    assert close_books(now=NOW) == 0
    assert closing(program, NOW.date(), now=NOW).row.closing == 0
