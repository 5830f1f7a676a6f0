"""Counters of limits alone: what passes, what counts, what comes back, and what is written."""

from datetime import date

import pytest
from pytest_django import DjangoAssertNumQueries

from loyalty.earning import Counts
from loyalty.ledger import CapBook, CapKey, Limit
from loyalty.ledger.caps import BlankCaps, read_used
from loyalty.models import CapUsage

pytestmark = pytest.mark.django_db

A, B = (CapKey(901, code, "COMPANY", 7, "MONTH", date(2026, 6, 1)) for code in ("a", "b"))


def a_book(**limits: int) -> CapBook:
    book = CapBook()
    book.open({A._replace(rule_code=code): limit for code, limit in limits.items()})
    return book


def points(key: CapKey, limit: int) -> Limit:
    return Limit(key, limit)


def times(key: CapKey, limit: int) -> Limit:
    return Limit(key, limit, Counts.TIMES)


def rows() -> list[tuple[str, int, int]]:
    return [*CapUsage.objects.order_by("rule_code").values_list("rule_code", "used", "limit")]


def used(**counters: int) -> None:
    book = a_book(**dict.fromkeys(counters, 1_000))
    for code, number in counters.items():
        book.let_through(number, [points(A._replace(rule_code=code), 1_000)])
    book.write()


def test_tightest_limit_lets_through_what_it_has_left_and_all_count_it() -> None:
    book = a_book(a=100, b=40)
    limits = [points(A, 100), points(B, 40)]

    assert book.let_through(30, limits) == (30, 40)
    assert book.let_through(30, limits) == (10, 10)
    assert book.let_through(30, limits) == (0, 0)
    assert [book.left(limit) for limit in limits] == [60, 0]
    book.write()
    assert rows() == [("a", 40, 100), ("b", 40, 40)]


def test_what_has_no_limit_passes() -> None:
    assert a_book(a=5).let_through(60, []) == (60, None)


def test_limit_of_times_lets_all_through_or_none() -> None:
    book = a_book(a=2)

    assert [book.let_through(60, [times(A, 2)]) for _ in range(3)] == [(60, None), (60, None), (0, 0)]
    book.write()
    assert rows() == [("a", 2, 2)]


def test_limits_of_both_kinds_count_each_its_own() -> None:
    book = a_book(a=100, b=1)
    limits = [points(A, 100), times(B, 1)]

    assert [book.let_through(60, limits) for _ in range(2)] == [(60, 100), (0, 0)]
    book.write()
    assert rows() == [("a", 60, 100), ("b", 1, 1)]


def test_nothing_is_no_time() -> None:
    book = a_book(a=0, b=5)

    assert book.let_through(60, [points(A, 0), times(B, 5)]) == (0, 0)
    assert book.let_through(0, [times(B, 5)]) == (0, None)
    book.write()
    assert rows() == [("a", 0, 0), ("b", 0, 5)]


def test_one_time_counts_once_however_many_it_gives_to() -> None:
    book = a_book(a=1)
    counted: set[CapKey] = set()

    assert [book.let_through(60, [times(A, 1)], counted=counted) for _ in range(2)] == [(60, None), (60, None)]
    assert counted == {A}
    assert book.let_through(60, [times(A, 1)], counted=set()) == (0, 0)
    book.write()
    assert rows() == [("a", 1, 1)]


def test_limit_that_was_lowered_lets_nothing_more_through_and_stays_true() -> None:
    used(a=80)

    book = a_book(a=50)

    assert book.left(points(A, 50)) == 0
    assert book.let_through(10, [points(A, 50)]) == (0, 0)
    assert rows() == [("a", 80, 80)]
    assert a_book(a=200).left(points(A, 200)) == 120


def test_return_frees_points_but_never_more_than_were_counted() -> None:
    used(a=50, b=5)
    book = a_book(a=100, b=100)

    book.give_back(20, [points(A, 100), points(B, 100)])
    book.write()

    assert rows() == [("a", 30, 100), ("b", 0, 100)]


def test_time_comes_back_once_and_only_where_the_whole_is_undone() -> None:
    used(a=3, b=0)
    book = a_book(a=3, b=3)
    limits = [times(A, 3), times(B, 3)]
    freed: set[CapKey] = set()

    book.give_back(20, limits)
    assert book.left(limits[0]) == 0
    book.give_back(20, limits, freed=freed)
    book.give_back(20, limits, freed=freed)
    book.write()

    assert freed == {A, B}
    assert rows() == [("a", 2, 3), ("b", 0, 3)]


def test_counters_are_told_apart_by_every_part_of_their_key() -> None:
    keys = [
        A,
        A._replace(program_id=902),
        A._replace(subject="PROGRAM"),
        A._replace(subject_id=8),
        A._replace(period="YEAR"),
        A._replace(period_start=date(2026, 7, 1)),
        A._replace(object="SAW"),
        B,
    ]
    book = CapBook()
    book.open(dict.fromkeys(keys, 100))

    for number, key in enumerate(keys, start=1):
        book.let_through(number, [points(key, 100)])
    book.write()

    again = CapBook()
    again.open(dict.fromkeys(reversed(keys), 100))
    assert [100 - again.left(points(key, 100)) for key in keys] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_counters_that_did_not_move_are_not_written(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    book = a_book(a=100)

    with django_assert_num_queries(0):
        book.write()
        CapBook().write()


def test_used_is_read_of_the_counters_that_are_asked_for(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    used(a=3, b=4)
    of_object = A._replace(object="x")
    book = CapBook()
    book.open({of_object: 9})
    book.let_through(5, [points(of_object, 9)])
    book.write()
    wanted = [B, of_object, A._replace(subject_id=8), A._replace(period_start=date(2026, 7, 1))]

    with django_assert_num_queries(1):
        assert read_used(wanted) == {B: 4, of_object: 5}
    with django_assert_num_queries(0):
        assert read_used([]) == {}
    assert read_used([A, B]) == {A: 3, B: 4}


def test_blank_counters_begin_at_nothing_or_where_they_are_said_to(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    book = BlankCaps()

    with django_assert_num_queries(0):
        assert book.let_through(80, [points(A, 100)]) == (80, 100)
        book.begin_with({A: 70, B: 2})
        assert book.let_through(80, [points(A, 100), times(B, 3)]) == (30, 30)
        assert book.let_through(1, [times(B, 3)]) == (0, 0)
        assert book.left(points(A, 101)) == 1
