"""Races of activities: one limit, one membership, the same activity twice; each beside a twin without its guard."""

import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError

from accounts import arrays, laws
from loyalty.activities import ActivityItem, Outcome, Status
from loyalty.ledger import CapBook, CapKey, expire_points
from loyalty.ledger import caps as caps_module
from loyalty.models import Activity, CapUsage, Evaluation, Membership, TierAssignment, Wallet
from tests.factories.world import (
    NOW,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    a_source,
    balance,
    record,
)
from tests.loyalty.racing import meet_before, race, without_constraints

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTIONS = pytest.mark.parametrize("count", [2, 16])
EXPIRED = Wallet.Kind.EXPIRED


def broken_laws() -> set[str]:
    return {finding.law.code for finding in laws.verify() if finding.count}


def constraint_of(error: Any) -> str | None:
    assert isinstance(error, IntegrityError)
    assert isinstance(error.__cause__, psycopg.Error)
    return error.__cause__.diag.constraint_name


def record_one(item: ActivityItem) -> Outcome:
    return record(item)[0]


def purchases_under_one_limit(count: int) -> list[ActivityItem]:
    """As many members as runners, who buy for 60 each under a limit of 100 a day for all of them together."""
    program = a_program()
    a_rule_set(program, [{"caps": [("PROGRAM", "DAY", 100)]}])
    a_source()
    members = [a_member(program) for _ in range(count + 1)]
    record(a_purchase(members[0].company, 1))
    return [a_purchase(member.company, 60) for member in members[1:]]


@CONNECTIONS
def test_racing_purchases_never_pass_the_limit_that_they_share(count: int) -> None:
    items = purchases_under_one_limit(count)

    outcomes = race(
        [partial(record_one, item) for item in items], held=lambda: CapUsage.objects.select_for_update().get()
    )

    assert Counter(outcome.points for outcome in outcomes) == Counter({60: 1, 39: 1, 0: count - 2})
    assert CapUsage.objects.get().used == 100
    assert broken_laws() == set()


@CONNECTIONS
def test_racing_purchases_never_overspend_the_budget_of_a_campaign(count: int) -> None:
    program = a_program()
    twice = {"kind": "per", "points": 1, "step": "1", "of": "activity.amount", "multipliers": {"campaigns": ["spring"]}}
    a_rule_set(program, [{"formula": twice}], campaigns=[{"code": "spring", "budget": 100}])
    a_source()
    members = [a_member(program) for _ in range(count + 1)]
    record(a_purchase(members[0].company, 1))
    items = [a_purchase(member.company, 60) for member in members[1:]]

    outcomes = race(
        [partial(record_one, item) for item in items], held=lambda: CapUsage.objects.select_for_update().get()
    )

    assert Counter(outcome.points for outcome in outcomes) == Counter({120: 1, 99: 1, 60: count - 2})
    assert CapUsage.objects.get().used == 100
    assert broken_laws() == set()


def open_without_a_lock(self: CapBook, limits: dict[CapKey, int]) -> None:
    for key in limits:
        used = CapUsage.objects.values_list("used", flat=True).get(**key._asdict())
        self._counters[key] = caps_module._Counter(used)


def test_limit_read_without_a_lock_is_kept_by_the_database_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    items = purchases_under_one_limit(2)
    monkeypatch.setattr(CapBook, "open", open_without_a_lock)
    meet_before(monkeypatch, CapBook, "write", 2)

    results = race([partial(record_one, item) for item in items])

    [refused] = [result for result in results if isinstance(result, Exception)]
    assert constraint_of(refused) == "cap_usage_within_limit"
    assert CapUsage.objects.get().used == 61
    assert Activity.objects.count() == 2
    assert broken_laws() == set()


def test_limit_without_lock_and_constraint_is_passed_and_the_laws_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    items = purchases_under_one_limit(2)
    monkeypatch.setattr(CapBook, "open", open_without_a_lock)
    meet_before(monkeypatch, CapBook, "write", 2)

    with without_constraints(cap_usage_within_limit="loyalty_capusage"):
        race([partial(record_one, item) for item in items])

        assert CapUsage.objects.get().used == 121
        assert broken_laws() == {"C1"}


def a_purchase_to_be_sent_twice() -> tuple[Membership, ActivityItem]:
    program = a_program(tiers={"bronze": 0, "gold": 50})
    a_rule_set(program)
    a_source()
    member = a_member(program)
    return member, a_purchase(member.company, 60)


@CONNECTIONS
def test_same_activity_sent_at_once_is_recorded_once_and_all_get_its_outcome(count: int) -> None:
    member, item = a_purchase_to_be_sent_twice()

    outcomes = race(
        [partial(record_one, item)] * count, held=lambda: Membership.objects.select_for_update().get(pk=member.pk)
    )

    assert Counter(outcome.status for outcome in outcomes) == {Status.RECORDED: 1, Status.DUPLICATE: count - 1}
    assert {(outcome.activity_id, outcome.points) for outcome in outcomes} == {(Activity.objects.get().pk, 60)}
    assert balance(member) == 60
    assert broken_laws() == set()


@CONNECTIONS
def test_same_return_sent_at_once_is_applied_once(count: int) -> None:
    member, item = a_purchase_to_be_sent_twice()
    record(item)
    back = a_purchase(member.company, 20, reverses=item.external_id)

    outcomes = race(
        [partial(record_one, back)] * count, held=lambda: Membership.objects.select_for_update().get(pk=member.pk)
    )

    assert Counter(outcome.status for outcome in outcomes) == {Status.RECORDED: 1, Status.DUPLICATE: count - 1}
    assert {outcome.points for outcome in outcomes} == {-20}
    assert balance(member) == 40
    assert broken_laws() == set()


def test_racing_returns_never_take_back_more_than_was_bought() -> None:
    member, item = a_purchase_to_be_sent_twice()
    record(item)
    returns = [a_purchase(member.company, 40, reverses=item.external_id) for _ in range(2)]

    outcomes = race(
        [partial(record_one, back) for back in returns],
        held=lambda: Membership.objects.select_for_update().get(pk=member.pk),
    )

    [refused] = [outcome.error.code for outcome in outcomes if outcome.error]
    assert refused == "return_exceeds_original"
    assert balance(member) == 20
    assert broken_laws() == set()


def forget_conflicts(monkeypatch: pytest.MonkeyPatch) -> None:
    insert_sql = arrays._insert_sql

    def without_conflict(table: str, columns: Sequence[tuple[str, str]], then: str) -> str:
        return insert_sql(table, columns, then.replace("ON CONFLICT (source_id, external_id) DO NOTHING", ""))

    monkeypatch.setattr(arrays, "_insert_sql", without_conflict)


def test_activity_inserted_without_regard_to_conflicts_is_refused_by_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    member, item = a_purchase_to_be_sent_twice()
    forget_conflicts(monkeypatch)

    results = race(
        [partial(record_one, item)] * 2, held=lambda: Membership.objects.select_for_update().get(pk=member.pk)
    )

    [refused] = [result for result in results if isinstance(result, Exception)]
    assert constraint_of(refused) == "activity_external_id_unique"
    assert balance(member) == 60
    assert broken_laws() == set()


def test_activity_without_conflicts_and_constraint_is_paid_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    member, item = a_purchase_to_be_sent_twice()
    forget_conflicts(monkeypatch)

    with without_constraints(activity_external_id_unique="loyalty_activity"):
        race([partial(record_one, item)] * 2, held=lambda: Membership.objects.select_for_update().get(pk=member.pk))

        assert Activity.objects.filter(external_id=item.external_id).count() == 2
        assert balance(member) == 120


@CONNECTIONS
def test_racing_purchases_of_one_company_are_judged_one_after_the_other(count: int) -> None:
    program = a_program(tiers={"bronze": 0, "gold": 50})
    gold = {"fact": "standing.tier", "op": "eq", "value": "gold"}
    a_rule_set(program, [{}, {"condition": gold, "formula": {"kind": "fixed", "points": 100}}])
    a_source()
    member = a_member(program)

    race(
        [partial(record_one, a_purchase(member.company, 60)) for _ in range(count)],
        held=lambda: Membership.objects.select_for_update().get(pk=member.pk),
    )

    assert balance(member) == 60 * count + 100 * (count - 1)
    assert list(TierAssignment.objects.order_by("pk").values_list("tier__code", flat=True)) == ["bronze", "gold"]
    assert Evaluation.objects.count() == count
    assert broken_laws() == set()


def test_racing_calls_with_the_same_activities_in_any_order_meet_no_deadlock() -> None:
    program = a_program(tiers={"bronze": 0, "gold": 500})
    a_rule_set(program, [{"caps": [("PROGRAM", "DAY", 10_000), ("COMPANY", "DAY", 900)]}])
    a_source()
    members = [a_member(program) for _ in range(8)]
    items = [a_purchase(member.company, 40) for member in members for _ in range(5)]
    calls = [random.Random(number).sample(items, len(items)) for number in range(8)]

    results = race([partial(record, *call) for call in calls])

    assert [result for result in results if isinstance(result, Exception)] == []
    assert sum(outcome.status is Status.RECORDED for outcomes in results for outcome in outcomes) == len(items)
    assert [balance(member) for member in members] == [200] * len(members)
    assert broken_laws() == set()


def test_points_that_are_due_expire_once_however_many_runs_there_are() -> None:
    program = a_program(expiry_months=1)
    a_rule_set(program)
    member = a_member(program)
    record(a_purchase(member.company, 80), now=NOW)
    later = NOW.replace(month=9)

    results = race(
        [partial(expire_points, now=later)] * 4,
        held=lambda: list(Wallet.objects.select_for_update().filter(company=member.company_id)),
    )

    assert sum(result.points for result in results) == 80
    assert (balance(member), balance(member, kind=EXPIRED)) == (0, 80)
    assert broken_laws() == set()
