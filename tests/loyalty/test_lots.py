"""Lots alone: what goes in and out, which are due, ripe and first, which are read, and what is written of them."""

from datetime import date, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from loyalty.ledger import LotEntry
from loyalty.ledger.lots import Writing, ask_lots, read_lots, wallets_of_ids
from loyalty.models import Lot

TODAY = date(2026, 6, 15)
DAY = timedelta(days=1)
WALLET, DUE_WALLET, OTHER_WALLET = 901, 902, 903


def a_lot(expires_on: date | None = None, *, wallet_id: int = WALLET, **fields: int | date | None) -> Lot:
    numbers = {"earned": 10, "available_on": TODAY, "remaining": 0, **fields}
    return Lot.objects.create(wallet_id=wallet_id, expires_on=expires_on, **numbers)


def an_entry(**fields: int | date | None) -> LotEntry:
    return LotEntry(**{"id": None, "wallet_id": WALLET, "available_on": TODAY, "expires_on": None, **fields})  # type: ignore[arg-type]


def row(lot: Lot) -> tuple[int, int, int, date | None]:
    lot.refresh_from_db()
    return lot.earned, lot.remaining, lot.expired, lot.extended_to


def numbers(lot: LotEntry) -> tuple[int, int, int, int, int]:
    return lot.remaining, lot.expired, lot.earned_change, lot.remaining_change, lot.expired_change


def test_what_goes_in_and_out_is_counted_with_its_changes() -> None:
    lot = an_entry(remaining=100, expired=50)

    lot.put(10, newly_earned=True)
    assert numbers(lot) == (110, 50, 10, 10, 0)
    lot.put(5, newly_earned=False)
    assert numbers(lot) == (115, 50, 10, 15, 0)
    lot.put(2, newly_earned=True)
    assert numbers(lot) == (117, 50, 12, 17, 0)
    lot.take(40)
    assert numbers(lot) == (77, 50, 12, -23, 0)
    lot.take(7, by_expiry=True)
    assert numbers(lot) == (70, 57, 12, -30, 7)
    lot.take(1, by_expiry=True)
    assert numbers(lot) == (69, 58, 12, -31, 8)
    lot.forget_expired(20)
    assert numbers(lot) == (69, 38, 12, -31, -12)
    lot.forget_expired(1)
    assert numbers(lot) == (69, 37, 12, -31, -13)


@pytest.mark.parametrize(
    ("remaining", "expires_on", "extended_to", "is_due"),
    [
        (1, TODAY - DAY, None, True),
        (1, TODAY, None, False),
        (0, TODAY - DAY, None, False),
        (1, None, None, False),
        (1, TODAY - 9 * DAY, TODAY, False),
        (1, TODAY - 9 * DAY, TODAY - DAY, True),
    ],
)
def test_lot_is_due_when_its_last_day_is_over(
    remaining: int, expires_on: date | None, extended_to: date | None, is_due: bool
) -> None:
    lot = an_entry(remaining=remaining, expires_on=expires_on, extended_to=extended_to)

    assert lot.is_due(TODAY) is is_due


@pytest.mark.parametrize(
    ("remaining", "available_on", "is_ripe"),
    [(1, TODAY, True), (1, TODAY - DAY, True), (1, TODAY + DAY, False), (1, None, False), (0, TODAY, False)],
)
def test_lot_is_ripe_from_its_day_on(remaining: int, available_on: date | None, is_ripe: bool) -> None:
    assert an_entry(remaining=remaining, available_on=available_on).is_ripe(TODAY) is is_ripe


def test_soonest_last_day_is_spent_first_then_the_oldest() -> None:
    never, late, soon = an_entry(), an_entry(expires_on=TODAY + DAY), an_entry(expires_on=TODAY)
    older = an_entry(expires_on=TODAY, available_on=TODAY - DAY)
    waiting = an_entry(available_on=None)
    extended = an_entry(expires_on=TODAY - DAY)
    extended.extend(TODAY + 2 * DAY)

    in_order = sorted([waiting, never, extended, late, soon, older], key=lambda lot: lot.spending_order)

    assert in_order == [older, soon, late, extended, never, waiting]
    assert (extended.last_day, extended.is_extended) == (TODAY + 2 * DAY, True)
    assert extended.days == (TODAY, TODAY - DAY)


@pytest.mark.django_db
def test_lots_are_read_that_hold_or_lost_points_are_due_or_got_more_time() -> None:
    holding = a_lot(remaining=10)
    lost = a_lot(TODAY - DAY, expired=3)
    a_lot(TODAY + DAY)
    lasting = a_lot(TODAY - 2 * DAY, extended_to=TODAY)
    a_lot(TODAY - 3 * DAY, extended_to=TODAY - DAY)
    due = a_lot(TODAY - DAY, wallet_id=DUE_WALLET, remaining=4)
    a_lot(TODAY, wallet_id=DUE_WALLET, remaining=4)
    a_lot(TODAY - 2 * DAY, wallet_id=DUE_WALLET, expired=4)
    lasting_too = a_lot(TODAY - 3 * DAY, wallet_id=DUE_WALLET, extended_to=TODAY)
    a_lot(TODAY - DAY, wallet_id=OTHER_WALLET, remaining=4)

    none = wallets_of_ids([])
    of_due = ask_lots(due=wallets_of_ids([DUE_WALLET]), waiting=none, soonest=none, today=TODAY, count=1)
    lots = {lot.id: lot for lot in (*read_lots([WALLET], TODAY), *(LotEntry(*row) for row in of_due.rows))}

    assert sorted(lots) == [holding.pk, lost.pk, lasting.pk, due.pk, lasting_too.pk]  # type: ignore[type-var]
    assert lots[lost.pk] == LotEntry(lost.pk, WALLET, TODAY, TODAY - DAY, 0, 3)
    assert lots[lasting.pk] == LotEntry(lasting.pk, WALLET, TODAY, TODAY - 2 * DAY, 0, 0, TODAY)
    assert lots[due.pk] == LotEntry(due.pk, DUE_WALLET, TODAY, TODAY - DAY, 4, 0)


@pytest.mark.django_db
def test_lots_are_read_that_were_given_more_time_and_are_not_over() -> None:
    a_lot(TODAY - DAY, extended_to=TODAY)

    assert [lot.extended_to for lot in read_lots([WALLET], TODAY)] == [TODAY]
    assert [*read_lots([WALLET], TODAY + DAY)] == []


@pytest.mark.django_db
def test_what_changed_is_written_and_nothing_else() -> None:
    known, untouched, more_time = a_lot(remaining=10), a_lot(TODAY, remaining=5), a_lot(TODAY + DAY, remaining=5)
    earning, losing, back = (a_lot(TODAY + days * DAY, remaining=5, expired=2) for days in (2, 3, 4))
    entries = {lot.id: lot for lot in read_lots([WALLET], TODAY)}
    entries[known.pk].take(4)
    entries[more_time.pk].extend(TODAY + 9 * DAY)
    entries[untouched.pk].extended_to = TODAY + 9 * DAY
    entries[earning.pk].earned_change = 1
    entries[losing.pk].take(3, by_expiry=True)
    entries[back.pk].forget_expired(2)

    Writing(iter(entries.values())).take_ids()

    assert row(known) == (10, 6, 0, None)
    assert row(more_time) == (10, 5, 0, TODAY + 9 * DAY)
    assert row(untouched) == (10, 5, 0, None)
    assert row(earning) == (11, 5, 2, None)
    assert row(losing) == (10, 2, 5, None)
    assert row(back) == (10, 5, 0, None)


@pytest.mark.django_db
def test_new_lot_is_made_or_joins_the_one_of_its_days_and_gets_its_id() -> None:
    there = a_lot(TODAY + DAY, remaining=4, expired=1)
    joining, made, empty = an_entry(expires_on=TODAY + DAY), an_entry(), an_entry(expires_on=TODAY)
    joining.put(7, newly_earned=True)
    joining.take(2, by_expiry=True)
    made.put(20, newly_earned=True)
    made.take(5)

    Writing([joining, made, empty]).take_ids()

    assert joining.id == there.pk
    assert row(there) == (17, 9, 3, None)
    other = Lot.objects.exclude(pk=there.pk).get()
    assert (other.pk, other.expires_on) == (made.id, None)
    assert row(other) == (20, 15, 0, None)
    assert empty.id is None


@pytest.mark.django_db
def test_lot_that_may_be_new_is_not_given_more_time_before_it_has_an_id() -> None:
    new = an_entry(expires_on=TODAY)
    new.put(5, newly_earned=True)
    new.extend(TODAY + DAY)

    Writing([new]).take_ids()

    assert Lot.objects.get().extended_to is None


@pytest.mark.django_db
def test_nothing_to_write_asks_the_database_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        Writing([an_entry(id=1, remaining=5)]).take_ids()
