"""`/rewards/` and `/redemptions/`: the catalogue, and orders in a person's name, once a key."""

from typing import Any

import pytest

from accounts.models import Approval, AuditEntry, Company, Employee, Scope
from loyalty.models import Membership
from rewards.models import Redemption, Reward
from rewards.policies import set_policy
from tests.factories.callers import Caller, a_caller
from tests.factories.canaries import as_actor, user_of
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    a_user,
    an_admin,
    an_employee,
    balance,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> Membership:
    """A company whose buyer has 80 points, and that has 80 itself."""
    program = a_program(code="club")
    a_rule_set(program, [{"code": "spend", "beneficiary": "BOTH"}])
    membership = a_member(program, a_company(external_id="C-1"))
    consent_to(membership)
    person = an_employee(membership.company, external_id="E-1", user=a_user())
    record(a_purchase(membership.company, 80, employee_id=person.pk))
    a_reward(program, code="mug", name="Mug", price=30, pieces=3)
    return membership


@pytest.fixture
def shop() -> Caller:
    return a_caller()


def order(caller: Caller, key: str = "K-1", **fields: Any) -> Any:
    body = {"program": "club", "reward": "mug", "company": "C-1", "employee": "E-1", "points": 30, **fields}
    return caller.post("/redemptions/", body, **{"Idempotency-Key": key})


def buyer() -> Employee:
    return Employee.objects.get(external_id="E-1")


def test_rewards_are_those_that_are_offered(member: Membership, shop: Caller) -> None:
    a_reward(member.program, code="hidden", is_published=False)

    [mug] = shop.get("/rewards/").json()["items"]

    assert (mug["reward"], mug["points"], mug["left"]) == ("mug", 30, 3)
    assert shop.get("/rewards/?points_at_most=29").json()["items"] == []


def test_an_order_is_placed_once_a_key_and_answered_the_same(member: Membership, shop: Caller) -> None:
    first = order(shop)
    again = order(shop)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.json()["state"] == "REQUESTED"
    assert balance(member, buyer()) == 50
    placed = Redemption.objects.get()
    assert placed.placed_by == shop.client.user
    assert AuditEntry.objects.get(action="redeemed").actor == shop.client.user
    other = order(shop, points=31)
    assert (other.status_code, other.json()["code"]) == (409, "key_used_for_another")
    assert Redemption.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"points": 31}, "price_changed"),
        ({"reward": "nothing"}, "unknown_reward"),
        ({"payer": "company"}, "may_not_spend"),
    ],
)
def test_a_refused_order_books_nothing(member: Membership, shop: Caller, fields: dict[str, Any], code: str) -> None:
    refused = order(shop, **fields)

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, code)
    assert balance(member, buyer()) == 80
    assert not Redemption.objects.exists()


def test_too_few_points_and_an_empty_stock_are_told_apart(member: Membership, shop: Caller) -> None:
    Reward.objects.filter(code="mug").update(price=81)
    assert order(shop, points=81).json()["errors"][0]["code"] == "insufficient_points"
    a_reward(member.program, code="rare", price=1, pieces=0)
    assert order(shop, reward="rare", points=1).json()["errors"][0]["code"] == "out_of_stock"
    assert balance(member, buyer()) == 80


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"points": "30"}, "points"),
        ({"points": True}, "points"),
        ({"points": -1}, "points"),
        ({"employee": 7}, "employee"),
        ({"payer": "somebody"}, "payer"),
        ({"colour": "red"}, "colour"),
        ({"company": "C" * 201}, "company"),
    ],
)
def test_an_unsound_order_names_the_field(member: Membership, shop: Caller, fields: dict[str, Any], field: str) -> None:
    refused = order(shop, **fields)

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert not Redemption.objects.exists()


@pytest.mark.parametrize("key", ["", "two words", "x" * 91])
def test_an_order_needs_a_key(member: Membership, shop: Caller, key: str) -> None:
    assert order(shop, key).json()["errors"][0]["code"] == "bad_idempotency_key"
    assert not Redemption.objects.exists()


def test_a_cancelled_order_gives_the_points_back_and_says_so_again(member: Membership, shop: Caller) -> None:
    placed = order(shop).json()["redemption"]

    first, again = (shop.post(f"/redemptions/{placed}/cancel/") for _ in range(2))

    assert (first.status_code, first.json()["state"], again.json()) == (200, "CANCELLED", first.json())
    assert balance(member, buyer()) == 80
    assert shop.get("/redemptions/?state=CANCELLED").json()["items"] == [shop.get(f"/redemptions/{placed}/").json()]


def test_who_an_order_is_for_never_approves_it_for_the_company(member: Membership, shop: Caller) -> None:
    Employee.objects.filter(pk=buyer().pk).update(access=Employee.Access.ADMIN)
    second = an_admin(member.company)
    set_policy(actor=as_actor(user_of(second)), mode="ALWAYS", above=None, now=as_actor(user_of(second)).at)

    placed = order(shop)

    assert placed.json()["waits_for_company"] is True
    assert Approval.objects.get().asked_by == buyer().user


def test_a_client_orders_for_its_own_companies_and_with_the_scope_alone(member: Membership, shop: Caller) -> None:
    other: Company = a_company(external_id="C-2")
    a_member(member.program, other)
    stranger, reader = a_caller(companies=[other]), a_caller(Scope.READ)
    placed = order(shop).json()["redemption"]

    assert order(stranger, "K-2").json()["errors"][0]["code"] == "unknown_employee"
    assert order(reader, "K-3").status_code == 403
    assert stranger.get(f"/redemptions/{placed}/").status_code == 404
    assert stranger.post(f"/redemptions/{placed}/cancel/").status_code == 404
    assert stranger.get("/redemptions/").json()["items"] == []
    assert Redemption.objects.count() == 1


def test_a_person_who_left_orders_nothing(member: Membership, shop: Caller) -> None:
    Employee.objects.filter(pk=buyer().pk).update(is_active=False)

    assert order(shop).json()["errors"][0]["code"] == "unknown_employee"
    assert balance(member, buyer()) == 80


def test_an_order_is_answered_the_same_after_its_person_left(member: Membership, shop: Caller) -> None:
    first = order(shop).json()
    Employee.objects.filter(pk=buyer().pk).update(is_active=False)

    assert order(shop).json()["redemption"] == first["redemption"]
    assert order(shop, "K-2").json()["errors"][0]["code"] == "unknown_employee"
    assert Redemption.objects.count() == 1
