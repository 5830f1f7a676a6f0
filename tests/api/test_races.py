"""Two systems that say the same at once: it is done once, and both are told how it stands."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts import directory
from accounts.models import Company, Employee
from loyalty.models import Activity, Membership
from tests.api.test_activities import an_item
from tests.factories.callers import Caller, a_caller
from tests.factories.world import a_company, a_member, a_program, a_rule_set, a_source, balance
from tests.loyalty.racing import meet_before, race

pytestmark = pytest.mark.django_db(transaction=True)


def puts(caller: Caller, path: str, body: object, count: int = 2) -> list[Callable[[], int]]:
    """The same PUT, `count` times."""
    return [lambda: caller.put(path, body).status_code] * count


@pytest.mark.parametrize("path", ["/companies/M-1/", "/companies/M-0/employees/E-1/"])
def test_new_row_that_two_systems_put_at_once_is_made_once(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    a_company(external_id="M-0")
    meet_before(monkeypatch, directory, "_save", 2)

    assert sorted(race(puts(a_caller(), path, {"name": "A"}))) == [200, 201]
    assert Company.objects.filter(external_id="M-1").count() + Employee.objects.count() == 1


def test_without_the_second_look_one_of_two_would_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(put: Callable[[], Any]) -> Any:
        with transaction.atomic():
            return put()

    monkeypatch.setattr(directory, "_twice", once)
    meet_before(monkeypatch, directory, "_save", 2)

    assert sorted(race(puts(a_caller(), "/companies/M-1/", {"name": "A"}))) == [201, 500]


def test_company_that_is_enrolled_twice_at_once_takes_part_once() -> None:
    program = a_program(code="club", tiers={"basic": 0})
    a_company(external_id="M-1")
    body = {"starts_at": "2026-01-01T00:00:00Z"}

    statuses = race(puts(a_caller(), "/companies/M-1/memberships/club/", body, 4))

    assert sorted(statuses) == [200, 200, 200, 201]
    assert Membership.objects.filter(program=program).count() == 1


def test_activity_that_is_sent_eight_times_at_once_earns_once() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program, a_company(external_id="C-1"))
    shop = a_caller(sources=[a_source("shop")])

    answers = race([lambda: shop.post("/activities/", {"items": [an_item()]}).json()["items"][0]] * 8)

    assert sorted(answer["status"] for answer in answers) == ["duplicate"] * 7 + ["recorded"]
    assert len({str(answer["effects"]) for answer in answers}) == 1
    assert (Activity.objects.count(), balance(member)) == (1, 100)
