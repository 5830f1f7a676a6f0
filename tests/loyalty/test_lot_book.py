"""Lots of wallets under lock: only as many are read as are needed, and nothing comes out otherwise for that."""

import random
from datetime import date, timedelta
from itertools import permutations

import pytest
from pytest_django import DjangoAssertNumQueries

from loyalty.ledger import LotDays
from loyalty.ledger.lot_book import AT_ONCE, LotBook
from loyalty.ledger.lots import LotEntry, wallets_of_ids
from loyalty.models import Lot

TODAY = date(2026, 6, 15)
DAY = timedelta(days=1)
WALLET, OTHER_WALLET = 901, 902


def some_lots(count: int, *, wallet_id: int = WALLET, points: int = 10) -> list[int]:
    """Make lots of as many days, each ending later than the one before; return their ids."""
    rows = [
        Lot(wallet_id=wallet_id, available_on=TODAY, expires_on=TODAY + n * DAY, earned=points, remaining=points)
        for n in range(count)
    ]
    return [lot.pk for lot in Lot.objects.bulk_create(rows)]


def opened(*, whole: tuple[int, ...] = (), soonest: tuple[int, ...] = (), due: tuple[int, ...] = ()) -> LotBook:
    book = LotBook()
    none = wallets_of_ids(())
    book.ask(due=wallets_of_ids(due), waiting=none, soonest=wallets_of_ids(soonest), today=TODAY)
    book.open(whole=whole, waiting=(), soonest=soonest)
    return book


def drawn(book: LotBook, points: int, *, balance: int = 10**9, wallet_id: int = WALLET) -> list[tuple[int | None, int]]:
    return [(lot.id, part) for lot, part in book.draw(wallet_id, points, balance=balance)]


@pytest.mark.django_db
def test_few_points_cost_the_soonest_lots_alone(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    lots = some_lots(AT_ONCE + 5)

    with django_assert_num_queries(1):
        book = opened(soonest=(WALLET,), due=(WALLET,))
        assert drawn(book, 25) == [(lots[0], 10), (lots[1], 10), (lots[2], 5)]
    assert len(book.open_lots(WALLET)) == AT_ONCE - 2


@pytest.mark.django_db
def test_all_but_the_last_of_those_that_were_read_can_be_spent(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    lots = some_lots(AT_ONCE + 1)

    with django_assert_num_queries(1):
        book = opened(soonest=(WALLET,))
        assert drawn(book, 10 * (AT_ONCE - 1)) == [(lot, 10) for lot in lots[: AT_ONCE - 1]]


@pytest.mark.django_db
@pytest.mark.parametrize("made", list(permutations((1, 2, 3))))
def test_of_lots_that_end_on_one_day_the_one_that_ended_first_goes_first_though_it_was_not_read(
    made: tuple[int, ...],
) -> None:
    earlier = some_lots(AT_ONCE - 2)
    last_day = TODAY + AT_ONCE * DAY
    tied = {
        place: Lot.objects.create(
            wallet_id=WALLET,
            available_on=TODAY,
            expires_on=last_day - (3 - place) * DAY,
            extended_to=None if place == 3 else last_day,
            earned=10,
            remaining=10,
        ).pk
        for place in made
    }
    book = opened(soonest=(WALLET,))

    assert drawn(book, 10 * len(earlier) + 5)[-1:] == [(tied[1], 5)]
    assert drawn(book, 10) == [(tied[1], 5), (tied[2], 5)]


@pytest.mark.django_db
def test_last_point_of_a_lot_is_spent_like_others() -> None:
    [lot] = some_lots(1, points=1)

    assert drawn(opened(soonest=(WALLET,)), 1) == [(lot, 1)]


@pytest.mark.django_db
def test_lots_of_some_wallets_are_known_whole_and_of_others_as_far_as_they_are_due() -> None:
    some_lots(2)
    some_lots(1, wallet_id=OTHER_WALLET)
    Lot.objects.filter(wallet_id=OTHER_WALLET).update(available_on=TODAY - 2 * DAY, expires_on=TODAY - DAY)

    book = opened(whole=(WALLET,), due=(OTHER_WALLET,))

    assert [len(book.open_lots(wallet_id)) for wallet_id in (WALLET, OTHER_WALLET)] == [2, 1]


@pytest.mark.django_db
def test_lot_is_one_however_it_is_come_by() -> None:
    [soonest] = some_lots(1)
    book = opened(soonest=(WALLET,))
    days = LotDays(TODAY, TODAY)

    known = book.find(WALLET, days)

    assert known is not None
    assert known.id == soonest
    assert book.lot(WALLET, days) is known
    assert book.stored(LotEntry(soonest, WALLET, TODAY, TODAY, 10)) is known
    assert book.find(OTHER_WALLET, days) is None
    new = book.lot(OTHER_WALLET, days)
    assert (new.id, new.wallet_id) == (None, OTHER_WALLET)
    assert book.find(OTHER_WALLET, days) is new


@pytest.mark.django_db
def test_more_lots_are_read_where_those_do_not_reach(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    lots = some_lots(9 * AT_ONCE)
    book = opened(soonest=(WALLET,))

    with django_assert_num_queries(1):
        assert drawn(book, 10 * AT_ONCE) == [(lot, 10) for lot in lots[:AT_ONCE]]
        assert drawn(book, 30) == [(lot, 10) for lot in lots[AT_ONCE : AT_ONCE + 3]]
        assert len(book.open_lots(WALLET)) == 7 * AT_ONCE - 3
        all_but_the_last_known = 10 * (7 * AT_ONCE - 4)
        assert len(drawn(book, all_but_the_last_known)) == 7 * AT_ONCE - 4
    with django_assert_num_queries(1):  # 64 times as many are all there are
        assert drawn(book, 10_000) == [(lot, 10) for lot in lots[8 * AT_ONCE - 1 :]]
    with django_assert_num_queries(0):
        assert drawn(book, 1) == []


@pytest.mark.django_db
def test_lots_of_a_wallet_whose_spending_nobody_announced_are_read_when_it_spends(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    lots = some_lots(2)
    some_lots(2, wallet_id=OTHER_WALLET)
    book = opened()

    with django_assert_num_queries(1):
        assert drawn(book, 15) == [(lots[0], 10), (lots[1], 5)]


@pytest.mark.django_db
def test_nothing_is_read_where_what_is_known_is_all_there_is(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    book = opened()
    new = book.lot(WALLET, LotDays(TODAY, TODAY))
    new.put(40, newly_earned=True)

    with django_assert_num_queries(0):
        assert drawn(book, 30, balance=40) == [(None, 30)]


@pytest.mark.django_db
def test_points_put_into_a_lot_before_it_is_read_are_spent_in_its_turn_and_written_once() -> None:
    soonest, later = some_lots(2)
    Lot.objects.filter(pk=later).update(earned=13, expired=3)
    book = opened()
    lot = book.lot(WALLET, LotDays(TODAY, TODAY + DAY))
    lot.put(9, newly_earned=True)
    lot.take(2, by_expiry=True)

    assert drawn(book, 12) == [(soonest, 10), (later, 2)]
    assert (lot.id, lot.remaining, lot.expired) == (later, 15, 5)
    book.begin_write()
    book.end_write()

    stored = Lot.objects.in_bulk()
    assert (stored[soonest].earned, stored[soonest].remaining, stored[soonest].is_open) == (10, 0, False)
    assert (stored[later].earned, stored[later].remaining, stored[later].expired) == (22, 15, 5)
    assert stored[later].is_open
    assert len(stored) == 2


@pytest.mark.django_db
def test_new_lot_that_ends_late_waits_for_those_that_were_not_read_yet() -> None:
    lots = some_lots(AT_ONCE + 2)
    book = opened(soonest=(WALLET,))
    book.lot(WALLET, LotDays(TODAY, TODAY + 365 * DAY)).put(1_000, newly_earned=True)

    taken = drawn(book, 10 * AT_ONCE + 25)

    assert taken == [*((lot, 10) for lot in lots), (None, 5)]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(20))
def test_same_points_come_out_of_the_same_lots_however_many_were_read(seed: int) -> None:
    chance = random.Random(seed)
    days: set[tuple[date, date | None]] = set()
    while len(days) < 3 * AT_ONCE:
        ends_on = chance.choice([None, *(TODAY + number * DAY for number in range(12))])
        days.add((TODAY - chance.randrange(12) * DAY, ends_on))
    for available_on, expires_on in sorted(days, key=str):
        more = chance.random() < 0.3 and expires_on is not None
        left = chance.choice([0, chance.randrange(1, 50)])
        extended_to = expires_on + chance.randrange(1, 9) * DAY if more and expires_on else None
        Lot.objects.create(
            wallet_id=WALLET,
            available_on=available_on,
            expires_on=expires_on,
            extended_to=extended_to,
            earned=50,
            remaining=left,
        )
    books = opened(whole=(WALLET,)), opened(soonest=(WALLET,), due=(WALLET,)), opened(due=(WALLET,))
    balance = sum(Lot.objects.values_list("remaining", flat=True))

    while balance:
        points = min(balance, chance.randrange(1, 200))
        came = chance.choice(sorted(days, key=str)) if chance.random() < 0.5 else None
        outcomes = []
        for book in books:
            if came is not None:
                book.lot(WALLET, LotDays(*came)).put(3, newly_earned=True)
            grown = balance + (3 if came else 0)
            outcomes.append([(lot.days, part) for lot, part in book.draw(WALLET, points, balance=grown)])
        balance += (3 if came else 0) - points

        assert outcomes[1] == outcomes[0]
        assert outcomes[2] == outcomes[0]
