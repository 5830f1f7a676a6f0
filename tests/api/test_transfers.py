"""`/transfers/`: points passed on within a company in a person's name: once a key, within what the program allows."""

from typing import Any

import pytest
from django.utils import timezone

from accounts import laws
from accounts.models import AuditEntry, Employee, Message, Scope
from loyalty.models import Membership, Program, Transaction, Transfer
from tests.factories.callers import Caller, a_caller
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_admin,
    an_employee,
    balance,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> Membership:
    """A company of an admin (E-1) and a buyer (E-2) with 80 points, as many as the company; both ways are open."""
    program = a_program(code="club", transfers=Program.Transfers.BOTH)
    a_rule_set(program, [{"code": "spend", "beneficiary": "BOTH"}])
    membership = a_member(program, a_company(external_id="C-1"))
    consent_to(membership)
    an_admin(membership.company, external_id="E-1")
    buyer = an_employee(membership.company, external_id="E-2")
    record(a_purchase(membership.company, 80, employee_id=buyer.pk))
    return membership


@pytest.fixture
def erp() -> Caller:
    return a_caller()


def passed(caller: Caller, key: str = "K-1", **fields: Any) -> Any:
    body = {"program": "club", "company": "C-1", "employee": "E-2", "points": 30, "reason": "Together", **fields}
    return caller.post("/transfers/", body, **{"Idempotency-Key": key})


def buyer() -> Employee:
    return Employee.objects.get(external_id="E-2")


def held(member: Membership) -> tuple[int, int]:
    """What the company has, and what the buyer has."""
    return balance(member), balance(member, buyer())


def test_the_same_key_passes_on_once_and_is_answered_the_same_for_ever(member: Membership, erp: Caller) -> None:
    first = passed(erp)
    again = passed(erp)
    Program.objects.update(transfers="NONE")
    Membership.objects.update(ends_at=timezone.now())
    Employee.objects.filter(external_id="E-2").update(is_active=False)
    much_later = passed(erp)
    other = passed(erp, points=31)
    by_another = passed(a_caller())

    assert [answer.status_code for answer in (first, again, much_later)] == [201, 201, 201]
    assert first.json() == again.json() == much_later.json()
    assert first.json() == {
        "transfer": Transfer.objects.get().pk,
        "transaction": Transaction.objects.get(kind="TRANSFER").pk,
        "program": "club",
        "company": "C-1",
        "employee": "E-2",
        "is_to_company": True,
        "points": 30,
        "reason_code": "PASSED_ON",
        "made_at": first.json()["made_at"],
    }
    assert held(member) == (110, 50)
    assert (other.status_code, other.json()["code"]) == (409, "key_used_for_another")
    assert by_another.json()["errors"][0]["code"] in ("may_not_pass_on", "not_offered")
    assert Transfer.objects.count() == 1
    assert Transfer.objects.get().made_by == erp.client.user
    assert AuditEntry.objects.get(action="points-passed-on").actor == erp.client.user
    assert {finding.law.code: finding.count for finding in laws.verify() if finding.count} == {}


def test_an_admin_passes_the_company_s_on_to_a_colleague_who_is_told(member: Membership, erp: Caller) -> None:
    made = passed(erp, employee="E-1", to="E-2", points=80)

    assert (made.status_code, made.json()["is_to_company"], made.json()["employee"]) == (201, False, "E-2")
    assert held(member) == (0, 160)
    assert Message.objects.filter(kind="points-passed-on", employee=buyer()).count() == 1
    listed = erp.get("/transfers/?company=C-1&is_to_company=false").json()["items"]
    assert listed == [erp.get(f"/transfers/{made.json()['transfer']}/").json()] == [made.json()]
    assert erp.get("/transfers/?is_to_company=true").json()["items"] == []
    assert "Together" not in str(listed)


@pytest.mark.parametrize(
    ("fields", "transfers", "code", "field"),
    [
        ({"points": 81}, "BOTH", "insufficient_points", "points"),
        ({"employee": "E-1", "to": "E-2", "points": 81}, "BOTH", "insufficient_points", "points"),
        ({}, "TO_PEOPLE", "not_offered", "program"),
        ({"employee": "E-1", "to": "E-2"}, "TO_COMPANY", "not_offered", "program"),
        ({"to": "E-1"}, "BOTH", "may_not_pass_on", "employee"),
        ({"employee": "E-1", "to": "E-1"}, "BOTH", "not_to_them", "to"),
        ({"program": "other"}, "BOTH", "not_a_member", "program"),
    ],
)
def test_a_refusal_moves_nothing_and_leaves_the_key_free(
    member: Membership, erp: Caller, fields: dict[str, Any], transfers: str, code: str, field: str
) -> None:
    a_program(code="other", transfers="BOTH")
    Program.objects.filter(code="club").update(transfers=transfers)

    refused = passed(erp, **fields)

    assert refused.status_code == 409
    assert [(error["code"], error["field"]) for error in refused.json()["errors"]] == [(code, field)]
    assert held(member) == (80, 80)
    assert not Transfer.objects.exists()
    Program.objects.update(transfers="BOTH")
    assert passed(erp).status_code == 201


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"points": 0}, "points"),
        ({"points": 1_000_000_001}, "points"),
        ({"reason": ""}, "reason"),
        ({"reason": "Toge\u202ether"}, "reason"),
        ({"employee": "E-9"}, "employee"),
        ({"employee": "E-1", "to": "E-9"}, "to"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_unsound_names_the_field(member: Membership, erp: Caller, fields: dict[str, Any], field: str) -> None:
    refused = passed(erp, **fields)

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert held(member) == (80, 80)


def test_a_foreign_company_looks_like_none_and_a_scope_is_needed(member: Membership, erp: Caller) -> None:
    made = passed(erp).json()["transfer"]
    rival = a_member(member.program, a_company(external_id="C-2"))
    consent_to(rival)
    an_admin(rival.company, external_id="E-1")
    stranger, reader = a_caller(companies=[rival.company]), a_caller(Scope.READ)

    foreign, none = passed(stranger), passed(stranger, "K-2", company="C-3")
    across = passed(stranger, "K-3", company="C-2", employee="E-1", to="E-2")

    assert foreign.status_code == none.status_code == across.status_code == 422
    assert foreign.json()["errors"] == none.json()["errors"]
    assert across.json()["errors"][0]["field"] == "to"
    assert stranger.get(f"/transfers/{made}/").status_code == 404
    assert stranger.get("/transfers/").json()["items"] == []
    assert (passed(reader, "K-4").status_code, passed(reader, "K-4").json()["code"]) == (403, "scope_missing")
    assert passed(erp, key="").json()["errors"][0]["code"] == "bad_idempotency_key"
    assert held(member) == (110, 50)
