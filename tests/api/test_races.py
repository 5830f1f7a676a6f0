"""Two systems that say the same at once: it is done once, and both are told how it stands."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import directory
from accounts.actors import actor_of
from accounts.models import Company, Employee
from loyalty.api import transfers
from loyalty.models import Activity, Membership, Tier, TierPayment, Transfer
from loyalty.titles import subscribe
from tests.api.test_activities import an_item
from tests.factories.callers import Caller, a_caller
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    a_source,
    an_admin,
    an_employee,
    balance,
    consent_to,
    record,
)
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


def test_clients_whose_activities_come_at_once_are_each_held_to_their_own_sight() -> None:
    program = a_program()
    a_rule_set(program)
    members = [a_member(program, a_company(external_id=number)) for number in ("C-1", "C-2")]
    shop = a_source("shop")
    callers = [a_caller(companies=[member.company], sources=[shop]) for member in members]
    callers.append(a_caller(sources=[a_source("erp")]))

    def send(number: int) -> list[str]:
        caller = callers[number % 3]
        items = [an_item(id=f"{number}-{company}", company=company) for company in ("C-1", "C-2")]
        told = caller.post("/activities/", {"items": items}).json()["items"]
        return [item["status"] if item["error"] is None else item["error"]["code"] for item in told]

    answers = race([partial(send, number) for number in range(9)])

    assert answers[0::3] == [["recorded", "unknown_company"]] * 3
    assert answers[1::3] == [["unknown_company", "recorded"]] * 3
    assert answers[2::3] == [["source_not_allowed"] * 2] * 3
    assert [balance(member) for member in members] == [300, 300]


def test_activity_that_is_sent_eight_times_at_once_earns_once() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program, a_company(external_id="C-1"))
    shop = a_caller(sources=[a_source("shop")])

    answers = race([lambda: shop.post("/activities/", {"items": [an_item()]}).json()["items"][0]] * 8)

    assert sorted(answer["status"] for answer in answers) == ["duplicate"] * 7 + ["recorded"]
    assert len({str(answer["effects"]) for answer in answers}) == 1
    assert (Activity.objects.count(), balance(member)) == (1, 100)


def a_buyer_with(points: int) -> Membership:
    """A company E-1 of which has so many points of the own that can be passed on to it."""
    program = a_program(code="club", transfers="TO_COMPANY")
    a_rule_set(program, [{"beneficiary": "EMPLOYEE"}])
    member = a_member(program, a_company(external_id="C-1"))
    consent_to(member)
    buyer = an_employee(member.company, external_id="E-1")
    record(a_purchase(member.company, points, employee_id=buyer.pk))
    return member


def passes(erp: Caller, keys: Iterable[str]) -> list[Callable[[], int]]:
    """30 points passed on to the company, once a key."""
    body = {"program": "club", "company": "C-1", "employee": "E-1", "points": 30, "reason": "Together"}

    def passing(key: str) -> Callable[[], int]:
        return lambda: erp.post("/transfers/", body, **{"Idempotency-Key": key}).status_code

    return [passing(key) for key in keys]


def test_points_passed_on_eight_times_at_once_by_one_key_move_once() -> None:
    member = a_buyer_with(100)

    assert race(passes(a_caller(), ["K"] * 8)) == [201] * 8
    assert (Transfer.objects.count(), balance(member)) == (1, 30)


def test_without_the_key_they_would_move_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    member = a_buyer_with(100)
    monkeypatch.setattr(transfers, "once", lambda *, do, **_asked: do())

    race(passes(a_caller(), ["K"] * 3))

    assert (Transfer.objects.count(), balance(member)) == (3, 90)


def test_keys_that_come_at_once_pass_on_no_more_than_there_is() -> None:
    member = a_buyer_with(100)

    statuses = race(passes(a_caller(), "ABCDEFGH"))

    assert sorted(statuses) == [201] * 3 + [409] * 5
    assert (balance(member), balance(member, Employee.objects.get(external_id="E-1"))) == (90, 10)


def test_payment_that_two_systems_record_at_once_pays_for_one_period() -> None:
    program = a_program(code="club", tiers={"basic": 0, "vip": 100})
    fee = {"is_paid": True, "fee": 500, "fee_currency": "GBP", "fee_months": 12, "fee_grace_days": 30}
    Tier.objects.filter(code="vip").update(**fee)
    member = a_member(program, a_company(external_id="C-1"))
    now = timezone.now()
    actor = actor_of(an_admin(member.company).user, now=now)
    title = subscribe(actor=actor, membership=member, tier=Tier.objects.get(code="vip"), now=now)
    body = {"amount": "500.00", "currency": "GBP", "reference": "INV-1"}

    def paying(erp: Caller, key: str) -> Callable[[], Any]:
        return lambda: erp.post(f"/paid-tiers/{title.pk}/payments/", body, **{"Idempotency-Key": key}).json()

    one, other = a_caller(), a_caller()
    answers = race([paying(one, "A"), paying(one, "A"), paying(one, "B"), paying(other, "A")])

    assert len({answer["payment"] for answer in answers}) == 1
    assert TierPayment.objects.count() == 1
