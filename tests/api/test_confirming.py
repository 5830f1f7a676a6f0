"""`POST activities/confirm/`: what can be spent from then on, what changes nothing, and what is not there."""

from typing import Any

import pytest

from accounts.models import Scope
from loyalty.models import Confirmation, Membership
from tests.factories.callers import Caller, a_caller
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    a_source,
    balance,
    record,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> Membership:
    """A company whose points wait to be confirmed; it bought for 40."""
    program = a_program(release="CONFIRMED")
    a_rule_set(program)
    member = a_member(program, a_company(external_id="C-1"))
    record(a_purchase(member.company, 40, external_id="INV-1"))
    return member


@pytest.fixture
def shop() -> Caller:
    """A client that may do everything, for all companies, as the source `shop`."""
    return a_caller(sources=[a_source("shop")])


def told(caller: Caller, *ids: str, source: str = "shop") -> list[tuple[str, str, int]]:
    answer = caller.post("/activities/confirm/", {"source": source, "ids": list(ids)})
    assert answer.status_code == 200
    return [(item["id"], item["status"], item["points"]) for item in answer.json()["items"]]


def test_confirmed_points_can_be_spent_and_a_second_time_changes_nothing(member: Membership, shop: Caller) -> None:
    plain = a_program()
    a_rule_set(plain)
    record(a_purchase(a_member(plain).company, 5, external_id="INV-2"))

    first = told(shop, "INV-1", "INV-2", "INV-9", "INV-1")

    assert first == [
        ("INV-1", "confirmed", 40),
        ("INV-2", "nothing_waits", 0),
        ("INV-9", "unknown", 0),
        ("INV-1", "confirmed", 40),
    ]
    before = fingerprint()
    assert told(shop, "INV-1") == [("INV-1", "confirmed_before", 0)]
    assert fingerprint() == before
    assert (balance(member), Confirmation.objects.count()) == (40, 1)


def test_activity_of_another_source_or_company_is_as_good_as_none(member: Membership) -> None:
    other, stranger = a_source("other"), a_company()
    foreign_source = a_caller(sources=[other])
    foreign_company = a_caller(companies=[stranger], sources=[a_source("shop")])
    before = fingerprint()

    assert told(foreign_source, "INV-1", source="other") == [("INV-1", "unknown", 0)]
    assert told(foreign_source, "INV-1", source="shop") == [("INV-1", "unknown", 0)]
    assert told(foreign_company, "INV-1") == [("INV-1", "unknown", 0)]
    assert fingerprint() == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source": "shop"},
        {"source": "shop", "ids": []},
        {"source": "shop", "ids": "INV-1"},
        {"source": "shop", "ids": ["x" * 201]},
        {"source": "shop", "ids": [None]},
        {"source": "shop", "ids": ["INV-1"], "points": 4},
        {"source": "shop", "ids": ["INV-1"] * 1_001},
        ["INV-1"],
    ],
)
def test_what_makes_no_sense_is_refused_as_a_whole(member: Membership, shop: Caller, body: Any) -> None:
    before = fingerprint()

    answer = shop.post("/activities/confirm/", body)

    assert (answer.status_code, fingerprint()) == (422, before)


def test_client_that_only_reads_confirms_nothing(member: Membership) -> None:
    reader = a_caller(Scope.READ, sources=[a_source("shop")])

    assert reader.post("/activities/confirm/", {"source": "shop", "ids": ["INV-1"]}).status_code == 403
    assert balance(member) == 0
