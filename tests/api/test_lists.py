"""Lists, limits and speed: pages that do not move, counts that do not grow, and haste that is slowed down."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.api import throttling
from accounts.models import Company
from loyalty.models import Activity
from tests.api.test_activities import an_item
from tests.factories.callers import Caller, a_caller
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_role,
    a_rule_set,
    a_source,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Caller:
    """A client that may do everything as the source `shop`."""
    return a_caller(sources=[a_source("shop")])


def items_of(answer: Any) -> list[str]:
    """The ids on a page."""
    assert answer.status_code == 200
    return [item["id"] for item in answer.json()["items"]]


def test_pages_hold_every_row_once_whatever_comes_meanwhile(shop: Caller) -> None:
    for number in range(5):
        a_company(external_id=f"M-{number}")

    first = shop.get("/companies/?page_size=2")
    a_company(external_id="M-5")
    second = shop.get(first.json()["next"].removeprefix("http://testserver"))
    Company.objects.filter(external_id="M-2").delete()
    third = shop.get(second.json()["next"].removeprefix("http://testserver"))

    assert [items_of(page) for page in (first, second, third)] == [["M-4", "M-3"], ["M-2", "M-1"], ["M-0"]]
    assert third.json()["next"] is None


def test_filters_are_kept_from_page_to_page_and_cut_what_is_shown(shop: Caller) -> None:
    for number in range(4):
        a_company(external_id=f"M-{number}", kind="DEALER" if number % 2 else "CLIENT")

    page = shop.get("/companies/?kind=DEALER&page_size=1").json()

    assert "kind=DEALER" in page["next"]
    assert items_of(shop.get(page["next"].removeprefix("http://testserver"))) == ["M-1"]
    assert items_of(shop.get("/companies/?id=M-2")) == ["M-2"]
    assert items_of(shop.get("/companies/?country=nowhere")) == []


def test_activities_are_found_by_what_is_known_of_them(shop: Caller) -> None:
    program = a_program(code="club")
    a_rule_set(program)
    member, other = a_member(program, a_company(external_id="C-1")), a_member(program, a_company(external_id="C-2"))
    buyer = an_employee(member.company, external_id="E-1")
    now = timezone.now()
    day = now.date() - timedelta(days=3)
    early = now - timedelta(days=9)
    record(
        a_purchase(member.company, external_id="1", employee_id=buyer.pk, occurred_at=early),
        a_purchase(member.company, external_id="2", occurred_at=now, object="P-7"),
        a_purchase(other.company, external_id="3", occurred_at=now),
        now=now,
    )

    before = f"occurred_before={day}T00:00Z"
    queries = ("company=C-1", "employee=E-1", "id=3", "type=sale", "source=shop", before)
    found = {query: items_of(shop.get(f"/activities/?{query}")) for query in queries}

    assert found == {
        "company=C-1": ["2", "1"],
        "employee=E-1": ["1"],
        "id=3": ["3"],
        "type=sale": [],
        "source=shop": ["3", "2", "1"],
        before: ["1"],
    }


def test_one_activity_comes_with_what_every_rule_said(shop: Caller) -> None:
    program = a_program(code="club")
    a_rule_set(
        program,
        [
            {"code": "base", "name": "Every pound"},
            {
                "code": "big",
                "name": "Big orders",
                "condition": {"fact": "activity.amount", "op": "gte", "value": 1000},
                "formula": {"kind": "fixed", "points": 50},
            },
        ],
    )
    member = a_member(program, a_company(external_id="C-1"))
    [outcome] = record(a_purchase(member.company, "99.50", external_id="1"))

    shown = shop.get(f"/activities/{outcome.activity_id}/").json()

    assert [shown[name] for name in ("activity", "id", "source", "company", "employee")] == [
        outcome.activity_id, "1", "shop", "C-1", None,
    ]  # fmt: skip
    assert (shown["amount"], shown["currency"]) == ("99.5000", "GBP")
    assert shown["effects"]["points"] == [{"program": "club", "employee": None, "points": 99}]
    [why] = shown["why"]
    assert why["program"] == "club"
    assert [(rule["rule"], rule["is_met"], rule["points"]) for rule in why["rules"]] == [
        ("Every pound", True, 99),
        ("Big orders", False, 0),
    ]
    assert all(rule["sentence"] and rule["reason"] for rule in why["rules"])


def _queries(caller: Caller, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert caller.get(path).status_code == 200
    return len(queries)


def test_a_page_costs_the_same_however_long_it_is(shop: Caller) -> None:
    program = a_program()
    a_rule_set(program, [{"beneficiary": "BOTH"}])

    def more() -> None:
        for number in range(3):
            partner = a_company(kind="DEALER")
            member = a_member(program, a_company(served_by=partner))
            consent_to(member)
            buyer = an_employee(member.company, external_id=f"E{number}")
            a_role(buyer, f"role-{number}")
            record(a_purchase(member.company, employee_id=buyer.pk))
            an_employee(first, external_id=f"X{Company.objects.count()}")

    first = a_company(external_id="C-1")
    paths = ("/activities/", "/companies/", "/companies/C-1/employees/", "/companies/C-1/memberships/")
    more()
    counted = {path: _queries(shop, path) for path in paths}
    more()

    assert {path: _queries(shop, path) for path in paths} == counted
    assert max(counted.values()) <= 5


def test_one_activity_costs_few_queries_beyond_its_recording(shop: Caller) -> None:
    program = a_program()
    a_rule_set(program)
    buyer = an_employee(a_member(program, a_company(external_id="C-1")).company, external_id="E-1")

    def queries(*ids: str) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            answer = shop.post("/activities/", {"items": [an_item(id=id_, employee="E-1") for id_ in ids]})
        assert {item["status"] for item in answer.json()["items"]} == {"recorded"}
        return [query["sql"] for query in captured]

    queries("0")
    one, many = queries("1"), queries("2", "3", "4", "5")
    with CaptureQueriesContext(connection) as recording:
        record(a_purchase(buyer.company, external_id="6", employee_id=buyer.pk), now=timezone.now())

    assert len(one) == len(many)
    assert len(one) - len(recording) <= 5  # token, sources, companies with people, points, tiers
    assert Activity.objects.count() == 7


def test_haste_is_slowed_down_and_told_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    caller, other = a_caller(requests_a_minute=3), a_caller(requests_a_minute=3)
    minute = 60 * 30_000_000
    monkeypatch.setattr(throttling, "time", SimpleNamespace(time=lambda: minute + 15))

    answers = [caller.get("/companies/") for _time in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    assert {(answer["RateLimit-Limit"], answer["RateLimit-Reset"]) for answer in answers} == {("3", "45")}
    assert (answers[-1].json()["code"], answers[-1]["Retry-After"]) == ("too_many_requests", "45")
    assert other.get("/companies/").status_code == 200
    monkeypatch.setattr(throttling, "time", SimpleNamespace(time=lambda: minute + 60))
    assert caller.get("/companies/").status_code == 200


def test_cache_that_is_down_keeps_nobody_out(settings: Any) -> None:
    nowhere = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = {"default": nowhere}

    assert a_caller(requests_a_minute=1).get("/companies/").status_code == 200
