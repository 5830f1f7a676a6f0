"""`/wallets/`, `/transactions/` and `/entitlements/`: what owners have, what made it so, what they may use."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Employee
from loyalty.models import Benefit, Membership, Transaction
from tests.factories.callers import Caller, a_caller
from tests.factories.world import (
    a_benefit,
    a_company,
    a_matrix,
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
def member() -> Membership:
    """A company that has 80 points, and somebody there who has as many."""
    program = a_program(code="club", tiers={"basic": 0})
    a_rule_set(program, [{"code": "spend", "beneficiary": "BOTH"}])
    membership = a_member(program, a_company(external_id="C-1"))
    consent_to(membership)
    buyer(membership)
    record(a_purchase(membership.company, 80, employee_id=buyer(membership).pk))
    return membership


def buyer(member: Membership) -> Employee:
    found = Employee.objects.filter(company=member.company, external_id="E-1").first()
    return found or an_employee(member.company, external_id="E-1")


@pytest.fixture
def shop() -> Caller:
    return a_caller(sources=[a_source("shop")])


def items(caller: Caller, path: str) -> list[dict[str, Any]]:
    answer = caller.get(path)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_wallets_tell_what_each_owner_has(member: Membership, shop: Caller) -> None:
    found = {row["employee"]: row for row in items(shop, "/wallets/")}

    assert found[None] == {
        "program": "club", "company": "C-1", "employee": None, "available": 80, "pending": 0, "debt": 0
    }  # fmt: skip
    assert found["E-1"]["available"] == 80
    assert [row["employee"] for row in items(shop, "/wallets/?company=C-1&employee=E-1")] == ["E-1"]
    assert [row["employee"] for row in items(shop, "/wallets/?is_company=true")] == [None]


def test_transactions_tell_what_moved_and_lead_to_the_activity(member: Membership, shop: Caller) -> None:
    [act] = items(shop, "/transactions/?kind=EARN")

    assert act["activity"] == Transaction.objects.get().activity_id
    assert sorted((row["employee"] or "", row["wallet"], row["points"]) for row in act["postings"]) == [
        ("", "AVAILABLE", 80), ("E-1", "AVAILABLE", 80)
    ]  # fmt: skip
    one = shop.get(f"/transactions/{act['transaction']}/")
    assert one.json() == act
    assert shop.get(f"/transactions/{act['transaction']}/", **{"If-None-Match": one["ETag"]}).status_code == 304


def test_entitlements_tell_what_a_person_may_use_and_why(member: Membership, shop: Caller) -> None:
    a_role(buyer(member), "buyer")
    benefit = a_benefit(member.program, Benefit.Kind.SERVICE, code="consulting", name="Consulting hour")
    a_matrix(member.program, {"tier": "basic", "benefit": benefit, "role": "buyer", "quota": 2})

    [right] = items(shop, "/entitlements/?company=C-1&employee=E-1&benefit=consulting")

    assert (right["benefit"], right["left"], right["used"], right["may_use"]) == ("consulting", 2, 0, True)
    assert right["why"]
    assert items(shop, "/entitlements/?company=C-1&employee=E-1&benefit=other") == []
    assert items(shop, "/entitlements/?company=C-1&employee=nobody") == []
    assert shop.get("/entitlements/?company=C-1").status_code == 400


def test_a_client_of_another_company_sees_none_of_it(member: Membership) -> None:
    other = a_company(external_id="C-2")
    a_member(member.program, other)
    stranger = a_caller(companies=[other])

    assert {row["company"] for row in items(stranger, "/wallets/")} == {"C-2"}
    assert items(stranger, "/transactions/") == []
    assert items(stranger, "/entitlements/?company=C-1&employee=E-1") == []
    foreign = stranger.get(f"/transactions/{Transaction.objects.get().pk}/")
    missing = stranger.get("/transactions/987654321/")
    assert (foreign.status_code, foreign.json()) == (404, missing.json())


def test_lists_cost_the_same_for_one_row_and_for_many(
    member: Membership, shop: Caller, django_assert_max_num_queries: Any
) -> None:
    def cost(path: str) -> int:
        with django_assert_max_num_queries(20) as counted:
            assert shop.get(path).status_code == 200
        return len(counted)

    shop.get("/wallets/")
    before = {path: cost(path) for path in ("/wallets/", "/transactions/")}
    for number in range(5):
        further = a_member(member.program, a_company(external_id=f"D-{number}"))
        record(a_purchase(further.company, 10), now=timezone.now())

    assert {path: cost(path) for path in before} == before
