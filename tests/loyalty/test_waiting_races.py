"""Races of a return and its original: whoever comes last applies it, once; each beside a twin without its guard."""

import random
from collections import Counter
from functools import partial
from typing import Any

import pytest

from accounts import arrays
from loyalty.activities import ActivityItem, Status, arrivals, lanes, record, turns
from loyalty.activities.judging import Judging
from loyalty.models import Activity, ActivityReturn, Membership, ReturnLink
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_purchase_type,
    a_rule_set,
    a_source,
    balance,
)
from tests.factories.world import record as record_items
from tests.loyalty.racing import meet_before, race, race_in_order
from tests.loyalty.test_races import broken_laws, record_one

pytestmark = pytest.mark.django_db(transaction=True)

RETURN_FIRST = pytest.mark.parametrize("return_first", [True, False], ids=["return first", "original first"])


def runners_of(items: list[ActivityItem], *, return_first: bool) -> list[Any]:
    return [partial(record_one, item) for item in (items if return_first else items[::-1])]


def a_return_and_its_original(company: Any) -> list[ActivityItem]:
    purchase = a_purchase(company, 10)
    return [a_purchase(company, 4, reverses=purchase.external_id), purchase]


@RETURN_FIRST
def test_return_and_original_of_a_member_at_once_are_settled_once(return_first: bool) -> None:
    program = a_program()
    a_rule_set(program)
    a_source()
    member = a_member(program)
    items = a_return_and_its_original(member.company)

    outcomes = race_in_order(
        runners_of(items, return_first=return_first),
        held=lambda: Membership.objects.select_for_update().get(pk=member.pk),
    )

    expected = [(Status.WAITING, 0), (Status.RECORDED, 10)] if return_first else [
        (Status.RECORDED, 10), (Status.RECORDED, -4),
    ]  # fmt: skip
    assert [(outcome.status, outcome.points) for outcome in outcomes] == expected
    assert balance(member) == 6
    assert ReturnLink.objects.get().original_id == Activity.objects.get(reverses_external_id="").pk
    assert broken_laws() == set()


@RETURN_FIRST
def test_return_and_original_where_no_membership_is_locked_meet_in_their_lane(return_first: bool) -> None:
    a_purchase_type()
    source = a_source()
    items = a_return_and_its_original(a_company())
    key = lanes.lane_of(source.pk, items[1].external_id)

    outcomes = race_in_order(
        runners_of(items, return_first=return_first),
        held=lambda: arrays.fetch("SELECT pg_advisory_xact_lock(%s, %s)", lanes.LOCK_SPACE, key),
    )

    assert outcomes[0 if return_first else 1].status is (Status.WAITING if return_first else Status.RECORDED)
    assert ActivityReturn.objects.get().amount == 4
    assert ReturnLink.objects.get().original_id == Activity.objects.get(reverses_external_id="").pk
    assert broken_laws() == set()


def test_without_lanes_a_return_and_its_original_miss_each_other_and_the_laws_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_purchase_type()
    a_source()
    items = a_return_and_its_original(a_company())
    monkeypatch.setattr(record, "keep_to_lanes", lambda batch: None)
    meet_before(monkeypatch, Judging, "write", 2)

    outcomes = race(runners_of(items, return_first=True))

    assert [outcome.status for outcome in outcomes] == [Status.WAITING, Status.RECORDED]
    assert broken_laws() == {"L7"}


@pytest.mark.parametrize("count", [2, 8])
def test_returns_that_wait_for_one_original_are_all_settled_when_it_comes_among_them(count: int) -> None:
    program = a_program()
    a_rule_set(program)
    a_source()
    member = a_member(program)
    purchase = a_purchase(member.company, 10 * count)
    returns = [a_purchase(member.company, 9, reverses=purchase.external_id) for _ in range(count)]
    items = random.Random(count).sample([*returns, purchase], count + 1)

    results = race(
        [partial(record_one, item) for item in items],
        held=lambda: Membership.objects.select_for_update().get(pk=member.pk),
    )

    assert [result for result in results if isinstance(result, Exception)] == []
    assert balance(member) == count
    assert ReturnLink.objects.filter(original__external_id=purchase.external_id).count() == count
    assert broken_laws() == set()


def test_racing_calls_with_returns_in_any_order_and_ids_used_twice_meet_no_deadlock() -> None:
    program = a_program(tiers={"bronze": 0, "gold": 500})
    a_rule_set(program, [{"caps": [("PROGRAM", "DAY", 10_000)]}])
    a_source()
    members = [a_member(program) for _ in range(6)]
    items: list[ActivityItem] = []
    for member in members:
        bought = [a_purchase(member.company, 40) for _ in range(4)]
        items += bought
        items += [a_purchase(member.company, 10, reverses=purchase.external_id) for purchase in bought[:3]]
    twice = [
        a_purchase(members[0].company, amount, external_id=f"X{number}") for number in range(6) for amount in (1, 2)
    ]
    twice += [
        a_purchase(members[1].company, 1, external_id=f"X{number}", reverses=f"X{number + 1}") for number in range(6)
    ]
    calls = [random.Random(number).sample(items + twice, len(items + twice)) for number in range(8)]

    results = race([partial(record_items, *call) for call in calls])

    assert [result for result in results if isinstance(result, Exception)] == []
    told = Counter(outcome.activity_id for outcomes in results for outcome in outcomes if outcome.activity_id)
    assert len(told) == Activity.objects.count() == len(items) + 6
    assert [balance(member) for member in members[2:]] == [130] * 4
    assert ReturnLink.objects.filter(original__isnull=False).count() == 18
    assert broken_laws() == set()


def two_companies_that_use_one_id() -> list[partial[Any]]:
    program = a_program()
    a_rule_set(program)
    a_source()
    calls = []
    for _ in range(2):
        member = a_member(program)
        purchase = a_purchase(member.company, 100)
        record_items(purchase)
        same = a_purchase(member.company, 30, external_id="same", reverses=purchase.external_id)
        calls.append(partial(record_items, same, a_purchase(member.company, 80, reverses=purchase.external_id)))
    return calls


def test_call_that_another_one_overtook_decides_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = two_companies_that_use_one_id()
    meet_before(monkeypatch, turns, "insert_activities", 2, once=True)

    results = race(calls)

    codes = sorted([outcome.error.code if outcome.error else "" for outcome in outcomes] for outcomes in results)
    assert codes == [["", "return_exceeds_original"], ["id_used_for_another", ""]]
    assert sorted(ActivityReturn.objects.values_list("amount", flat=True)) == [30, 80]
    assert broken_laws() == set()


def test_call_that_does_not_notice_leaves_a_return_without_its_activity(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = two_companies_that_use_one_id()
    insert = arrivals.insert_activities
    monkeypatch.setattr(turns, "insert_activities", lambda batch, taken: (insert(batch, taken), 99)[1])
    meet_before(monkeypatch, turns, "insert_activities", 2)

    race(calls)

    assert "L7" in broken_laws()
