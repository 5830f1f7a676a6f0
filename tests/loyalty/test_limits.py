"""Limits of every kind: of times, once per object, shared by rules; what returns free, and what races cannot pass."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts import laws
from loyalty.activities import Outcome
from loyalty.models import CapUsage, Membership, Rule, RuleCap
from loyalty.rulesets import UnsoundRuleError, activate, draft_from
from tests.factories.world import (
    NOW,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_employee,
    balance,
    consent_to,
    record,
)
from tests.loyalty.racing import race

pytestmark = pytest.mark.django_db

FIXED = {"kind": "fixed", "points": 10}
TWICE_A_MONTH = {"subject": "COMPANY", "period": "MONTH", "limit": 2, "counts": "TIMES"}
ONCE_PER_OBJECT = {"subject": "COMPANY", "period": "EVER", "limit": 1, "counts": "TIMES", "is_per_object": True}
MONEY = {"code": "money", "subject": "COMPANY", "period": "MONTH", "limit": 100}


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def a_world(*rules: dict[str, Any], **fields: Any) -> Membership:
    program = a_program()
    a_rule_set(program, rules, **fields)
    return a_member(program)


def points_of(outcomes: list[Outcome]) -> list[int]:
    return [outcome.points for outcome in outcomes]


def test_rule_gives_so_many_times_and_not_once_more() -> None:
    membership = a_world({"formula": FIXED, "caps": [TWICE_A_MONTH]})
    purchases = [a_purchase(membership.company, 5) for _ in range(3)]

    in_one_call = record(*purchases)
    later = record(a_purchase(membership.company, 5))

    assert points_of(in_one_call + later) == [10, 10, 0, 0]
    assert CapUsage.objects.get().used == 2


def test_time_comes_back_with_the_whole_of_an_activity_and_not_with_a_part() -> None:
    membership = a_world({"formula": FIXED, "caps": [TWICE_A_MONTH]})
    first, second = a_purchase(membership.company, 5), a_purchase(membership.company, 5)
    record(first, second)

    record(a_purchase(membership.company, 4, reverses=first.external_id))
    assert points_of(record(a_purchase(membership.company, 5))) == [0]

    record(a_purchase(membership.company, 1, reverses=first.external_id))
    assert points_of(record(a_purchase(membership.company, 5))) == [10]
    assert CapUsage.objects.get().used == 2


def test_rule_for_company_and_person_uses_up_one_time_of_the_companys() -> None:
    membership = a_world({"formula": FIXED, "beneficiary": Rule.To.BOTH, "caps": [TWICE_A_MONTH]})
    consent_to(membership)
    anna = an_employee(membership.company, login=False)
    purchases = [a_purchase(membership.company, 5, employee_id=anna.pk) for _ in range(3)]

    record(*purchases)
    record(a_purchase(membership.company, 5, reverses=purchases[0].external_id))

    assert (balance(membership), balance(membership, anna)) == (10, 10)
    assert CapUsage.objects.get().used == 1


def test_once_per_object_gives_for_each_object_once_and_again_after_a_return() -> None:
    membership = a_world({"formula": FIXED, "caps": [ONCE_PER_OBJECT]})
    one = a_purchase(membership.company, 5, object="COURSE-1")

    outcomes = record(
        one,
        a_purchase(membership.company, 5, object="COURSE-2"),
        a_purchase(membership.company, 5, object="COURSE-1"),
        a_purchase(membership.company, 5),
        a_purchase(membership.company, 5),
    )
    record(a_purchase(membership.company, 5, reverses=one.external_id))
    again = record(a_purchase(membership.company, 5, object="COURSE-1"))

    assert points_of(outcomes + again) == [10, 10, 0, 10, 0, 10]
    assert dict(CapUsage.objects.values_list("object", "used")) == {"COURSE-1": 1, "COURSE-2": 1, "": 1}


def test_limit_of_points_per_object_counts_each_object_alone() -> None:
    membership = a_world({"caps": [{"subject": "COMPANY", "period": "EVER", "limit": 30, "is_per_object": True}]})

    outcomes = record(*(a_purchase(membership.company, 20, object=code) for code in ("A", "B", "A", "A")))

    assert points_of(outcomes) == [20, 20, 10, 0]


def test_once_per_object_of_the_whole_program_holds_between_companies_that_race(transactional_db: None) -> None:
    cap = {**ONCE_PER_OBJECT, "subject": "PROGRAM"}
    membership = a_world({"formula": FIXED, "caps": [cap]})
    other = a_member(membership.program, a_company())
    items = [a_purchase(each.company, 5, object="SERIAL-1") for each in (membership, other)]
    record(a_purchase(membership.company, 5, object="SERIAL-0"))

    results = race([partial(record, item) for item in items])

    assert sorted(points for [outcome] in results for points in [outcome.points]) == [0, 10]
    assert CapUsage.objects.get(object="SERIAL-1").used == 1


def test_shared_limit_counts_all_rules_that_name_it() -> None:
    rules: list[dict[str, Any]] = [
        {"shared_limits": ["money"]},
        {"formula": FIXED, "shared_limits": ["money"]},
        {"formula": FIXED},
    ]
    membership = a_world(*rules, shared=[MONEY])
    large = a_purchase(membership.company, 95)

    outcomes = record(large, a_purchase(membership.company, 50))

    assert points_of(outcomes) == [95 + 5 + 10, 0 + 0 + 10]
    assert CapUsage.objects.get(rule_code="shared:money").used == 100

    record(a_purchase(membership.company, 95, reverses=large.external_id))

    assert CapUsage.objects.get(rule_code="shared:money").used == 0
    assert balance(membership) == 10


def test_shared_limit_goes_on_counting_in_a_new_version() -> None:
    membership = a_world({"shared_limits": ["money"]}, shared=[MONEY])
    record(a_purchase(membership.company, 80))
    manager = a_manager()
    draft = draft_from(rule_set=membership.program.rule_sets.get(), by=manager, now=NOW)
    draft.shared_limits.update(limit=90)
    activate(rule_set=draft, by=manager, starts_at=NOW, now=NOW)

    assert points_of(record(a_purchase(membership.company, 50))) == [10]


def test_limit_lowered_below_what_is_used_lets_nothing_more_through_and_takes_nothing_back() -> None:
    membership = a_world({"caps": [TWICE_A_MONTH, ("COMPANY", "YEAR", 500)]})
    record(a_purchase(membership.company, 80), a_purchase(membership.company, 80))
    manager = a_manager()
    draft = draft_from(rule_set=membership.program.rule_sets.get(), by=manager, now=NOW)
    RuleCap.objects.filter(rule__rule_set=draft, counts="TIMES").update(limit=1)
    RuleCap.objects.filter(rule__rule_set=draft, counts="POINTS").update(limit=100)
    activate(rule_set=draft, by=manager, starts_at=NOW, now=NOW)

    assert points_of(record(a_purchase(membership.company, 50))) == [0]
    assert balance(membership) == 160
    assert dict(CapUsage.objects.values_list("rule_code", "used")) == {"rule-0": 160, "times:rule-0": 2}


def test_rule_that_names_no_limit_of_its_version_cannot_be_put_in_force() -> None:
    program = a_program()
    draft = a_rule_set(program, [{"shared_limits": ["money"]}], status="DRAFT")

    with pytest.raises(UnsoundRuleError, match="There is no shared limit “money” in this version"):
        activate(rule_set=draft, by=a_manager(), starts_at=NOW, now=NOW)

    draft.refresh_from_db()
    assert draft.status == "DRAFT"


@pytest.mark.parametrize(
    "fields",
    [
        {"beneficiary": "SPLIT", "person_share": 0},
        {"beneficiary": "SPLIT", "person_share": 100},
        {"beneficiary": "BOTH", "person_share": 50},
        {"beneficiary": "ROLE"},
        {"beneficiary": "COMPANY", "role": "buyer"},
        {"beneficiary": "BOTH", "is_divided": True},
    ],
)
def test_database_refuses_shares_and_roles_that_mean_nothing(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        a_rule_set(a_program(), [fields], status="DRAFT")

    assert not Rule.objects.exists()
