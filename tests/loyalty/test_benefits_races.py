"""The last use of a quota, wanted by two people at once; beside it the twin without its guard."""

from collections import Counter
from functools import partial
from typing import Any, Self

import psycopg
import pytest
from django.db import IntegrityError

from accounts import laws
from accounts.actors import actor_of
from loyalty.benefits import QuotaUsedUpError, Used, use
from loyalty.models import Benefit, BenefitQuota, BenefitUse
from loyalty.models.benefits import BenefitQuotaQuerySet
from tests.factories.world import NOW, a_benefit, a_matrix, a_member, a_program, an_admin
from tests.loyalty.racing import meet_before, race, without_constraints

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTIONS = pytest.mark.parametrize("count", [2, 16])


def broken_laws() -> set[str]:
    return {finding.law.code for finding in laws.verify() if finding.count}


def kinds_of(results: list[Any]) -> Counter[type]:
    return Counter(type(result) for result in results)


def uses_of_the_last_hour(count: int, *, quota: int = 2, used: int = 1) -> list[partial[Used]]:
    """As many people of one company as runners, and one use left for all of them."""
    program = a_program(tiers={"basic": 0})
    hour: Benefit = a_benefit(program, Benefit.Kind.SERVICE)
    a_matrix(program, {"tier": "basic", "benefit": hour, "quota": quota})
    company = a_member(program).company
    people = [an_admin(company) for _number in range(count)]
    calls = [
        partial(use, actor=actor_of(person.user, now=NOW), benefit_id=hour.pk, is_for_company=True, key="hour", now=NOW)
        for person in people
    ]
    earlier = actor_of(an_admin(company).user, now=NOW)
    for number in range(used):
        use(actor=earlier, benefit_id=hour.pk, is_for_company=True, key=str(number), now=NOW)
    return calls


@CONNECTIONS
def test_last_use_goes_to_one_of_those_who_race_for_it(count: int) -> None:
    calls = uses_of_the_last_hour(count)

    results = race(calls, held=lambda: BenefitQuota.objects.select_for_update().get())

    assert kinds_of(results) == {Used: 1, QuotaUsedUpError: count - 1}
    assert BenefitQuota.objects.get().used == 2
    assert BenefitUse.objects.count() == 2
    assert broken_laws() == set()


def test_first_use_of_a_period_goes_to_one_where_there_was_no_counter_yet() -> None:
    calls = uses_of_the_last_hour(8, quota=1, used=0)

    results = race(calls)

    assert kinds_of(results) == {Used: 1, QuotaUsedUpError: 7}
    assert BenefitQuota.objects.get().used == 1
    assert broken_laws() == set()


def test_use_sent_many_times_under_one_key_is_made_once() -> None:
    [call] = uses_of_the_last_hour(1, quota=9)

    results = race([call] * 8)

    assert Counter(result.is_new for result in results) == {True: 1, False: 7}
    assert BenefitQuota.objects.get().used == 2
    assert broken_laws() == set()


def read_counters_without_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_it_is(self: BenefitQuotaQuerySet, **_options: object) -> Self:  # type: ignore[misc]
        return self

    monkeypatch.setattr(BenefitQuotaQuerySet, "select_for_update", as_it_is)
    meet_before(monkeypatch, BenefitQuotaQuerySet, "update", 2)


def test_counter_read_without_a_lock_is_kept_by_the_database_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = uses_of_the_last_hour(2)
    read_counters_without_a_lock(monkeypatch)

    results = race(calls)

    [refused] = [result for result in results if isinstance(result, Exception)]
    assert isinstance(refused, IntegrityError)
    assert isinstance(refused.__cause__, psycopg.Error)
    assert refused.__cause__.diag.constraint_name == "benefit_quota_used_within_limit"
    assert BenefitUse.objects.count() == 2
    assert broken_laws() == set()


def test_counter_without_lock_and_constraint_is_passed_and_the_laws_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = uses_of_the_last_hour(2)
    read_counters_without_a_lock(monkeypatch)

    with without_constraints(benefit_quota_used_within_limit="loyalty_benefitquota"):
        results = race(calls)

        assert kinds_of(results) == {Used: 2}
        assert broken_laws() == {"B1"}
