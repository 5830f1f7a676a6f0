"""`POST activities/`: what is recorded, what is refused, and what the answer says of each item."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from loyalty.models import Activity, ActivityAttribute, Badge, Membership
from tests.factories.callers import Caller, a_caller
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase_type,
    a_role,
    a_rule_set,
    a_source,
    an_employee,
    balance,
    consent_to,
)

pytestmark = pytest.mark.django_db

EARLIER = (timezone.now() - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
WHEN = (timezone.now() - timedelta(days=1)).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def member() -> Membership:
    """A company that earns a point a pound for itself and one for whoever buys."""
    program = a_program(code="club", tiers={"basic": 0, "gold": 1_000})
    a_rule_set(
        program,
        [
            {
                "code": "spend",
                "beneficiary": "BOTH",
                "formula": {"kind": "per", "points": 1, "step": "1", "of": "activity.amount"},
            }
        ],
    )
    return a_member(program, a_company(external_id="C-1"))


@pytest.fixture
def shop() -> Caller:
    """A client that may do everything, for all companies, as the source `shop`."""
    return a_caller(sources=[a_source("shop")])


def an_item(**fields: Any) -> dict[str, Any]:
    """A purchase for 100 pounds."""
    item = {
        "source": "shop",
        "id": "P-1",
        "type": "purchase",
        "company": "C-1",
        "occurred_at": WHEN,
        "amount": "100",
        "currency": "GBP",
        **fields,
    }
    return {name: value for name, value in item.items() if value is not ...}


def test_one_activity_is_recorded_and_the_answer_says_what_it_led_to(member: Membership, shop: Caller) -> None:
    buyer = an_employee(member.company, external_id="E-7")
    consent_to(member)

    answer = shop.post("/activities/", {"items": [an_item(employee="E-7", amount=1250.5)]})

    activity = Activity.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "items": [
            {
                "index": 0,
                "id": "P-1",
                "status": "recorded",
                "activity": activity.pk,
                "effects": {
                    "points": [
                        {"program": "club", "employee": None, "points": 1250},
                        {"program": "club", "employee": "E-7", "points": 1250},
                    ],
                    "tiers": [{"program": "club", "tier": "gold", "starts_at": WHEN}],
                    "given": [],
                },
                "error": None,
            }
        ]
    }
    assert (balance(member), balance(member, buyer)) == (1250, 1250)


def test_the_same_again_is_a_duplicate_with_the_same_effects(member: Membership, shop: Caller) -> None:
    first = shop.post("/activities/", {"items": [an_item()]}).json()["items"][0]

    again = shop.post("/activities/", {"items": [an_item(), an_item()]}).json()["items"]

    assert [item["status"] for item in again] == ["duplicate", "duplicate"]
    assert again[0] == {**first, "status": "duplicate"}
    assert (Activity.objects.count(), balance(member)) == (1, 100)


def test_return_waits_for_what_it_undoes_and_is_applied_when_it_comes(member: Membership, shop: Caller) -> None:
    back = an_item(id="R-1", amount="40", reverses="P-1")

    [early] = shop.post("/activities/", {"items": [back]}).json()["items"]
    assert (early["status"], early["error"], early["effects"]) == (
        "waiting",
        None,
        {"points": [], "tiers": [], "given": []},
    )
    shop.post("/activities/", {"items": [an_item(occurred_at=EARLIER)]})

    assert balance(member) == 60
    shown = shop.get(f"/activities/{early['activity']}/").json()
    assert (shown["reverses"], [part["points"] for part in shown["effects"]["points"]]) == ("P-1", [-40])


def test_sound_items_are_recorded_beside_those_that_are_refused(member: Membership, shop: Caller) -> None:
    items = [an_item(id="1"), an_item(id="2", company="C-9"), an_item(id="3", amount="7"), "nothing"]

    answer = shop.post("/activities/", {"items": items})

    assert [(item["index"], item["id"], item["status"]) for item in answer.json()["items"]] == [
        (0, "1", "recorded"),
        (1, "2", "rejected"),
        (2, "3", "recorded"),
        (3, None, "rejected"),
    ]
    assert balance(member) == 107


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"type": "sale"}, "unknown_type", "type"),
        ({"company": "C-404"}, "unknown_company", "company"),
        ({"employee": "E-404"}, "unknown_employee", "employee"),
        ({"employee": "E-OTHER"}, "unknown_employee", "employee"),
        ({"source": "till"}, "source_not_allowed", "source"),
        ({"source": "nowhere"}, "source_not_allowed", "source"),
        ({"attributes": {"colour": "red"}}, "unknown_attribute", "attributes.colour"),
        ({"attributes": {"size": "big"}}, "bad_attribute", "attributes.size"),
        ({"attributes": {"size": [1]}}, "bad_attribute", "attributes.size"),
        ({"attributes": {"size": "1e999999999"}}, "bad_attribute", "attributes.size"),
        ({"attributes": {"size": 10**300}}, "bad_attribute", "attributes.size"),
        ({"attributes": []}, "bad_attributes", "attributes"),
        ({"occurred_at": "2026-05-04T10:00:00"}, "naive_time", "occurred_at"),
        ({"occurred_at": "2026-05-04"}, "bad_time", "occurred_at"),
        ({"occurred_at": "2026-13-04T10:00:00Z"}, "bad_time", "occurred_at"),
        ({"occurred_at": "2026-05-04T10:00:00+99:99"}, "bad_time", "occurred_at"),
        ({"occurred_at": 1_777_000_000}, "bad_time", "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-23:59"}, "future_time", "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+23:59"}, "time_too_early", "occurred_at"),
        ({"amount": "-1"}, "bad_amount", "amount"),
        ({"amount": "NaN"}, "bad_amount", "amount"),
        ({"amount": "Infinity"}, "bad_amount", "amount"),
        ({"amount": "1_000"}, "bad_amount", "amount"),
        ({"amount": "1e309"}, "bad_amount", "amount"),
        ({"amount": True}, "bad_amount", "amount"),
        ({"amount": [1]}, "bad_amount", "amount"),
        ({"amount": "0.00001"}, "bad_amount", "amount"),
        ({"quantity": -1}, "bad_quantity", "quantity"),
        ({"currency": "gbp"}, "bad_currency", "currency"),
        ({"currency": "XXQ"}, "bad_currency", "currency"),
        ({"currency": "EUR"}, "no_rate", "currency"),
        ({"currency": 5}, "bad_text", "currency"),
        ({"id": 5}, "bad_text", "id"),
        ({"id": "x" * 201}, "bad_id", "id"),
        ({"id": ""}, "missing_field", "id"),
        ({"id": ...}, "missing_field", "id"),
        ({"occurred_at": None}, "missing_field", "occurred_at"),
        ({"object": "x" * 201}, "bad_object", "object"),
        ({"colour": "red"}, "unknown_field", "colour"),
    ],
)
def test_unsound_item_is_rejected_with_a_code_a_field_and_a_sentence(
    member: Membership, shop: Caller, fields: dict[str, Any], code: str, field: str
) -> None:
    an_employee(a_company(external_id="C-2"), external_id="E-OTHER")
    a_source("till")
    _with_size()

    [item] = shop.post("/activities/", {"items": [an_item(**fields)]}).json()["items"]

    assert (item["status"], item["error"]["code"], item["error"]["field"]) == ("rejected", code, field)
    assert item["error"]["sentence"]
    assert (item["activity"], item["effects"]) == (None, None)
    assert (Activity.objects.count(), balance(member)) == (0, 0)


def _with_size() -> None:
    ActivityAttribute.objects.create(activity_type=a_purchase_type(), code="size", name="Size", type="NUMBER")


def test_everybody_who_had_a_part_is_named_and_told(member: Membership, shop: Caller) -> None:
    numbers = [an_employee(member.company, external_id=number).external_id for number in ("E-7", "E-8")]
    Badge.objects.create(program=member.program, code="first", name="First order")
    role = {"beneficiary": "ROLE", "role": "buyer", "formula": {"kind": "badge", "badge": "first"}}
    member.program.rule_sets.update(ends_at=EARLIER)
    a_rule_set(member.program, [role], starts_at=datetime.fromisoformat(EARLIER))
    consent_to(member)
    for person in member.company.employees.all():
        a_role(person, "buyer")

    [told] = shop.post("/activities/", {"items": [an_item(participants=numbers)]}).json()["items"]
    read = shop.get(f"/activities/{told['activity']}/").json()

    assert told["effects"]["given"] == [
        {"program": "club", "employee": number, "kind": "badge", "code": "first"} for number in numbers
    ]
    assert (read["participants"], read["effects"]) == (numbers, told["effects"])


@pytest.mark.parametrize(
    ("participants", "code"),
    [("E-7", "bad_participants"), ([7], "bad_participants"), (["E-9"], "unknown_employee")],
)
def test_participants_that_are_none_are_refused(
    member: Membership, shop: Caller, participants: object, code: str
) -> None:
    an_employee(a_company(), external_id="E-9")

    [told] = shop.post("/activities/", {"items": [an_item(participants=participants)]}).json()["items"]

    assert (told["status"], told["error"]["code"], told["error"]["field"]) == ("rejected", code, "participants")
    assert not Activity.objects.exists()
