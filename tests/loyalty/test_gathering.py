"""Callers of one moment are worked for together, and none of them can tell."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter

import pytest
from django.db import connection, transaction

from loyalty.activities import ActivityItem, Status, record_activities
from loyalty.gathering import Gathering, Group
from loyalty.models import Activity
from tests.factories.world import NOW, a_member, a_program, a_purchase, a_rule_set, a_source, balance
from tests.loyalty.test_races import broken_laws

PATIENCE = 10


class Work:
    """Work that doubles numbers, notes for whom it is done, and can be held up."""

    def __init__(self) -> None:
        self.done: list[tuple[str, list[int]]] = []
        self.is_held = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, key: str, items: Sequence[int]) -> list[int]:
        self.done.append((key, list(items)))
        self.is_held.set()
        assert self.may_go_on.wait(PATIENCE)
        if 13 in items:
            raise ZeroDivisionError
        return [2 * item for item in items]


@contextmanager
def callers(
    gathering: Gathering[str, int, int], work: Work, calls: Sequence[tuple[str, list[int]]]
) -> Iterator[list[Future[Sequence[int]]]]:
    """Callers who come, in this order, while the first call is being worked for; let go at the end of the block."""
    work.may_go_on.clear()
    with ThreadPoolExecutor(len(calls) + 1) as pool:
        futures = [pool.submit(gathering, "a", [1])]
        assert work.is_held.wait(PATIENCE)
        for key, items in calls:
            before = waiting(gathering) + len(work.done)
            futures.append(pool.submit(gathering, key, items))
            while waiting(gathering) + len(work.done) == before:
                assert not futures[-1].done()
        work.may_go_on.set()
        yield futures


def waiting(gathering: Gathering[str, int, int]) -> int:
    """How many calls wait."""
    return sum(map(len, gathering._waiting.values()))


def test_those_who_come_meanwhile_are_worked_for_together_and_get_their_own() -> None:
    work = Work()
    gathering = Gathering(work, most=100)

    with callers(gathering, work, [("a", [2, 3]), ("a", []), ("a", [4])]) as futures:
        results = [list(future.result(PATIENCE)) for future in futures]

    assert results == [[2], [4, 6], [], [8]]
    assert work.done == [("a", [1]), ("a", [2, 3, 4])]
    assert gathering("a", [5]) == [10]  # nobody is left waiting, and nobody works


def test_keys_are_worked_for_apart_and_no_group_is_larger_than_the_most() -> None:
    work = Work()
    gathering = Gathering(work, most=3)

    with callers(gathering, work, [("a", [2, 3]), ("b", [9]), ("a", [4]), ("a", [5, 6, 7, 8]), ("a", [9])]) as futures:
        results = [list(future.result(PATIENCE)) for future in futures]

    assert results == [[2], [4, 6], [18], [8], [10, 12, 14, 16], [18]]
    assert [items for key, items in work.done if key == "a"] == [[1], [2, 3, 4], [5, 6, 7, 8], [9]]


def test_what_one_of_them_breaks_breaks_for_that_one_alone() -> None:
    work = Work()
    gathering = Gathering(work, most=100)

    with callers(gathering, work, [("a", [2]), ("a", [13]), ("a", [4])]) as futures:
        assert [list(futures[place].result(PATIENCE)) for place in (0, 1, 3)] == [[2], [4], [8]]
        with pytest.raises(ZeroDivisionError):
            futures[2].result(PATIENCE)

    with pytest.raises(ZeroDivisionError):
        gathering("a", [13])
    assert gathering("a", [5]) == [10]


@pytest.mark.django_db
def test_whoever_is_inside_a_transaction_works_alone() -> None:
    work = Work()
    gathering = Gathering(work, most=100)
    gathering._waiting["a"] = []  # somebody works already

    with transaction.atomic():
        assert gathering("a", [1]) == [2]


@pytest.mark.django_db(transaction=True)
def test_purchases_of_one_moment_lead_to_what_they_lead_to_one_by_one() -> None:
    program = a_program()
    a_rule_set(program)
    source, member = a_source(), a_member(program)
    items = [a_purchase(member.company, 10) for _number in range(40)]
    sizes: list[int] = []

    def record(_key: str, items: Sequence[ActivityItem]) -> list[Status]:
        sizes.append(len(items))
        return [outcome.status for outcome in record_activities(items, source=source, now=NOW)]

    gathering = Gathering(record, most=1_000)

    def send(item: ActivityItem) -> Status:
        try:
            [status] = gathering("shop", [item])
        finally:
            connection.close()
        return status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, [item for item in items for _twice in range(2)]))

    assert (statuses.count(Status.RECORDED), statuses.count(Status.DUPLICATE)) == (40, 40)
    assert (sum(sizes), Activity.objects.count(), balance(member)) == (80, 40, 400)
    assert max(sizes) > 1
    assert not broken_laws()


def test_whoever_comes_right_after_some_were_answered_waits_for_all_who_came_lately() -> None:
    work = Work()
    gathering = Gathering(work, most=100)
    together = threading.Barrier(4)

    def come_again(number: int) -> Sequence[int]:
        own = threading.get_ident()
        with gathering._lock:
            last = gathering._last.get("a", Group(2, 0, 0))
            # Two groups of two, one after the other, as far as these four can tell.
            callers, before = (last.callers | {own}, last.before) if number < 3 else (last.callers, last.before | {own})
            gathering._last["a"] = Group(2, perf_counter(), 100 * PATIENCE, callers, before)
        together.wait(PATIENCE)
        return gathering("a", [number])

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(come_again, number) for number in (1, 2, 3, 4)]
        results = [list(future.result(PATIENCE)) for future in futures]

    assert results == [[2], [4], [6], [8]]
    assert [(key, sorted(items)) for key, items in work.done] == [("a", [1, 2, 3, 4])]


def test_groups_remember_who_came_lately() -> None:
    work = Work()
    gathering = Gathering(work, most=100)

    with callers(gathering, work, [("a", [2]), ("a", [3])]) as futures:
        assert [list(future.result(PATIENCE)) for future in futures] == [[2], [4], [6]]

    last = gathering._last["a"]
    assert (last.size, len(last.callers), len(last.before)) == (2, 2, 1)
    assert not last.callers & last.before


def test_keys_that_callers_make_up_are_forgotten() -> None:
    gathering = Gathering(Work(), most=100)

    with ThreadPoolExecutor(1) as pool:
        for number in range(1_000):
            assert pool.submit(gathering, f"made up {number}", [1]).result(PATIENCE) == [2]

    assert not gathering._waiting
    assert len(gathering._last) <= 100


def test_nobody_waits_for_those_who_were_answered_long_ago_or_alone() -> None:
    work = Work()
    gathering = Gathering(work, most=100)
    long_ago = perf_counter() - 100 * PATIENCE

    with ThreadPoolExecutor(1) as pool:
        many = frozenset({1, 2, 3})
        for last in (
            Group(3, long_ago, 100 * PATIENCE, callers=many),
            Group(1, perf_counter(), 100 * PATIENCE, callers=frozenset({1}), before=many),
        ):
            gathering._last["a"] = last
            assert pool.submit(gathering, "a", [1]).result(PATIENCE) == [2]

    assert work.done == [("a", [1]), ("a", [1])]
