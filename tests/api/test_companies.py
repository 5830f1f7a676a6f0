"""Companies, their people and memberships: created and changed by the numbers of other systems."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Company, Employee, RoleAssignment, Scope, StakeholderRole
from loyalty.models import Consent, Membership, Wallet
from tests.factories.callers import Caller, a_caller
from tests.factories.world import a_company, a_member, a_program, a_role, a_rule_set, a_user, an_employee, consent_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def crm() -> Caller:
    """A client that may do everything for all companies."""
    return a_caller()


def codes(answer: Any) -> list[tuple[str, str]]:
    """The errors of a problem."""
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]


def test_company_is_created_read_changed_and_left_alone(crm: Caller) -> None:
    said = {"name": "Müller & Sons", "kind": "DEALER", "country": "DE"}

    created = crm.put("/companies/M-1/", said)
    again = crm.put("/companies/M-1/", said)
    changed = crm.put("/companies/M-1/", {"name": "Müller GmbH"})

    assert (created.status_code, again.status_code, changed.status_code) == (201, 200, 200)
    assert created.json() == again.json() == {**changed.json(), "name": "Müller & Sons"}
    assert {name: changed.json()[name] for name in ("id", "name", "kind", "country", "served_by")} == {
        "id": "M-1", "name": "Müller GmbH", "kind": "DEALER", "country": "DE", "served_by": None,
    }  # fmt: skip
    assert crm.get("/companies/M-1/").json() == changed.json()
    acts = AuditEntry.objects.filter(subject_type="accounts.company").order_by("pk")
    assert [(act.action, act.actor_id, act.numbers) for act in acts] == [
        ("company-created", crm.client.user_id, {"fields": "name,kind,country"}),
        ("company-changed", crm.client.user_id, {"fields": "name"}),
    ]


@pytest.mark.parametrize(
    ("said", "errors"),
    [
        ({}, [("name", "blank")]),
        ({"name": ""}, [("name", "blank")]),
        ({"name": None}, [("name", "null")]),
        ({"name": ["a"]}, [("name", "invalid")]),
        ({"name": "a" * 201}, [("name", "max_length")]),
        ({"name": "in\u202evoice"}, [("name", "invisible_character")]),
        ({"name": "A", "country": "in\u202evoice"}, [("country", "invisible_character")]),
        ({"name": "A", "kind": "FRIEND"}, [("kind", "invalid_choice")]),
        ({"name": "A", "colour": "red"}, [("colour", "unknown_field")]),
        ({"name": "A", "served_by": "M-404"}, [("served_by", "does_not_exist")]),
        ([], [("", "bad_body")]),
        ("A", [("", "bad_body")]),
    ],
)
def test_unsound_company_is_refused(crm: Caller, said: object, errors: list[tuple[str, str]]) -> None:
    answer = crm.put("/companies/M-1/", said)

    assert (answer.status_code, codes(answer)) == (422, errors)
    assert not Company.objects.exists()


def test_number_that_is_too_long_is_refused(crm: Caller) -> None:
    answer = crm.put(f"/companies/{'M' * 101}/", {"name": "A"})

    assert (answer.status_code, codes(answer)) == (422, [("id", "max_length")])


def test_company_is_served_by_another_but_not_by_itself(crm: Caller) -> None:
    a_company(external_id="D-1", kind="DEALER")
    a_company(external_id="M-1")

    assert crm.put("/companies/M-1/", {"served_by": "D-1"}).json()["served_by"] == "D-1"
    refused = crm.put("/companies/M-1/", {"served_by": "M-1"})
    assert (refused.status_code, crm.get("/companies/M-1/").json()["served_by"]) == (422, "D-1")
    assert crm.put("/companies/M-1/", {"served_by": None}).json()["served_by"] is None


def test_only_what_was_read_is_changed(crm: Caller) -> None:
    company = a_company(external_id="M-1", name="Before")
    read = crm.get("/companies/M-1/")

    assert crm.get("/companies/M-1/", **{"If-None-Match": read["ETag"]}).status_code == 304
    Company.objects.filter(pk=company.pk).update(country="FR")
    late = crm.put("/companies/M-1/", {"name": "After"}, **{"If-Match": read["ETag"]})
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert crm.put("/companies/M-1/", {"name": "After"}, **{"If-None-Match": "*"}).status_code == 412
    assert crm.put("/companies/M-9/", {"name": "After"}, **{"If-Match": "*"}).status_code == 412
    assert [row.name for row in Company.objects.all()] == ["Before"]
    now = crm.get("/companies/M-1/")["ETag"]
    assert crm.put("/companies/M-1/", {"name": "After"}, **{"If-Match": now}).status_code == 200


def test_client_with_a_list_changes_its_companies_and_creates_none() -> None:
    mine, other = a_company(external_id="M-1"), a_company(external_id="M-2", name="Other")
    caller = a_caller(companies=[mine])

    assert caller.put("/companies/M-1/", {"name": "Mine"}).status_code == 200
    foreign, missing = (caller.put(f"/companies/{number}/", {"name": "Mine"}) for number in ("M-2", "M-3"))
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    other.refresh_from_db()
    assert (other.name, Company.objects.count()) == ("Other", 2)
    assert codes(caller.put("/companies/M-1/", {"served_by": "M-2"})) == [("served_by", "does_not_exist")]


def test_partner_out_of_sight_is_not_named() -> None:
    dealer = a_company(external_id="D-1")
    caller = a_caller(companies=[a_company(external_id="M-1", served_by=dealer)])

    assert caller.get("/companies/M-1/").json()["served_by"] is None


def test_person_is_created_changed_and_switched_off(crm: Caller) -> None:
    company = a_company(external_id="M-1")
    for code in ("buyer", "owner"):
        StakeholderRole.objects.create(code=code, name=code)
    address = "/companies/M-1/employees/E-1/"

    created = crm.put(address, {"name": "Ann", "access": "ADMIN", "roles": ["buyer"]})
    same = crm.put(address, {"name": "Ann", "access": "ADMIN", "roles": ["buyer"]})
    changed = crm.put(address, {"name": "Anna", "roles": ["owner"], "is_active": False, "buying_role": "PAYS"})

    assert (created.status_code, same.status_code, changed.status_code) == (201, 200, 200)
    assert created.json() == same.json()
    assert [role["role"] for role in created.json()["roles"]] == ["buyer"]
    assert {name: changed.json()[name] for name in ("name", "access", "is_active", "buying_role")} == {
        "name": "Anna", "access": "ADMIN", "is_active": False, "buying_role": "PAYS",
    }  # fmt: skip
    assert crm.get(address).json() == changed.json()
    person = Employee.objects.get(company=company)
    assert person.user is None
    held = RoleAssignment.objects.filter(employee=person).order_by("pk")
    assert [(row.role.code, row.ends_at is None) for row in held] == [("buyer", False), ("owner", True)]
    acts = AuditEntry.objects.filter(subject_type="accounts.employee").order_by("pk")
    assert [act.action for act in acts] == [
        "person-added", "role-changed", "buying-role-changed", "deactivated", "role-changed", "role-changed",
    ]  # fmt: skip


def test_roles_that_are_not_spoken_of_stay_and_the_login_keeps_up_with_the_name(crm: Caller) -> None:
    company = a_company(external_id="M-1")
    person = an_employee(company, external_id="E-1", user=a_user(name="Ann"), name="Ann")
    a_role(person, "buyer")

    answer = crm.put("/companies/M-1/employees/E-1/", {"name": "Anna"})

    assert [role["role"] for role in answer.json()["roles"]] == ["buyer"]
    person.refresh_from_db()
    assert person.user is not None
    assert (person.name, person.user.name) == ("Anna", "Anna")


@pytest.mark.parametrize(
    ("said", "errors"),
    [
        ({}, [("name", "blank")]),
        ({"name": "A", "roles": ["pilot"]}, [("roles", "does_not_exist")]),
        ({"name": "A", "roles": "buyer"}, [("roles", "not_a_list")]),
        ({"name": "A", "roles": ["a b"]}, [("roles.0", "invalid")]),
        ({"name": "A", "access": "OWNER"}, [("access", "invalid_choice")]),
        ({"name": "A", "is_active": "perhaps"}, [("is_active", "invalid")]),
        ({"name": "A", "phone": "in\u202evoice"}, [("phone", "invisible_character")]),
        ({"name": "A", "email": "a@example.com"}, [("email", "unknown_field")]),
    ],
)
def test_unsound_person_is_refused(crm: Caller, said: object, errors: list[tuple[str, str]]) -> None:
    a_company(external_id="M-1")

    answer = crm.put("/companies/M-1/employees/E-1/", said)

    assert (answer.status_code, codes(answer)) == (422, errors)
    assert not Employee.objects.exists()
    assert not AuditEntry.objects.filter(subject_type="accounts.employee").exists()


def test_company_is_enrolled_once_and_its_people_wait_for_consent(crm: Caller) -> None:
    program = a_program(code="club", tiers={"basic": 0})
    company = a_company(external_id="M-1")

    enrolled = crm.put("/companies/M-1/memberships/club/", {"starts_at": "2026-01-01T00:00:00Z"})
    again = crm.put("/companies/M-1/memberships/club/", {})

    assert (enrolled.status_code, again.status_code) == (201, 200)
    assert enrolled.json() == again.json() == crm.get("/companies/M-1/memberships/").json()["items"][0]
    assert enrolled.json() == {
        "company": "M-1", "program": "club", "origin": "ENROLLED_BY_VENDOR", "starts_at": "2026-01-01T00:00:00Z",
        "ends_at": None, "tier": "basic",
    }  # fmt: skip
    assert Membership.objects.get(program=program).company == company
    assert Wallet.objects.filter(company=company).exists()
    assert not Consent.objects.exists()


def test_nobody_is_enrolled_where_there_is_no_such_program_or_company(crm: Caller) -> None:
    a_program(code="club")
    a_company(external_id="M-1")

    answers = [crm.put(f"/companies/{path}/", {}) for path in ("M-1/memberships/pub", "M-9/memberships/club")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert not Membership.objects.exists()


@pytest.mark.parametrize("path", ["/companies/M-1/", "/companies/M-1/employees/E-1/", "/companies/M-1/memberships/c/"])
def test_writing_takes_its_scope(path: str) -> None:
    caller = a_caller(Scope.READ, Scope.ACTIVITIES_WRITE)

    answer = caller.put(path, {"name": "A"})

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert "people:write" in answer.json()["detail"]
    assert not Company.objects.exists()


def test_consent_and_points_are_untouched_by_changes(crm: Caller) -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program, a_company(external_id="M-1"))
    consent_to(member)
    before = list(Consent.objects.values_list("pk", "starts_at", "ends_at"))

    crm.put("/companies/M-1/", {"name": "Other"})
    crm.put("/companies/M-1/employees/E-1/", {"name": "Ann"})

    assert list(Consent.objects.values_list("pk", "starts_at", "ends_at")) == before
    assert member.starts_at < timezone.now()
