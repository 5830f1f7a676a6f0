"""Logins, roles, consents, memberships and notes in the admin: through their use cases, and on record."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Company, Employee, RoleAssignment, ServiceNote, StakeholderRole, User
from loyalty.models import Consent, Membership, TierAssignment, Wallet
from tests.factories.world import (
    PASSWORD,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_user,
    an_employee,
    consent_to,
)

MOMENT = {"0": "2026-01-02", "1": "09:00:00"}


def moment(name: str, day: str = "2026-01-02") -> dict[str, str]:
    return {f"{name}_0": day, f"{name}_1": "09:00:00"}


def access(user: User, **fields: Any) -> dict[str, Any]:
    """What the login form sends."""
    return {"email": user.email, "name": user.name, "language": "en", "time_zone": "UTC", "is_active": "on", **fields}


def change(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def test_login_is_created_with_a_password_or_without(desk: Client) -> None:
    add = reverse("admin:accounts_user_add")
    words = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}

    desk.post(add, {"email": "ann@example.com", "name": "Ann", **words})
    desk.post(add, {"email": "bob@example.com", "name": "Bob", "usable_password": "false"})

    assert User.objects.get(email="ann@example.com").check_password(PASSWORD)
    assert not User.objects.get(email="bob@example.com").has_usable_password()


def test_employee_is_not_known_by_the_address_of_a_colleague(desk: Client) -> None:
    colleague = an_employee(a_company(), user=a_user(email="ann@firm.example"))
    known = an_employee(colleague.company, login=False, address="bob@firm.example")
    add = reverse("admin:accounts_employee_add")
    said = {
        "company": colleague.company_id, "name": "Second", "buying_role": "USES", "preferred_channel": "INBOX",
        "access": "MEMBER", "is_active": "on", "roles-TOTAL_FORMS": "0", "roles-INITIAL_FORMS": "0",
    }  # fmt: skip

    answers = [desk.post(add, {**said, "address": address}) for address in ("Ann@firm.example", "BOB@firm.example")]
    desk.post(add, {**said, "address": "second@firm.example"})

    assert "Another employee of this company signs in with this e-mail address" in answers[0].content.decode()
    assert "Another employee of this company is known by this e-mail address" in answers[1].content.decode()
    assert [row.name for row in Employee.objects.exclude(pk__in=(colleague.pk, known.pk))] == ["Second"]


def test_second_login_of_one_address_is_refused_whatever_its_capitals(desk: Client) -> None:
    a_user(email="ann@example.com")

    response = desk.post(
        reverse("admin:accounts_user_add"),
        {"email": "Ann@Example.com", "name": "Ann", "usable_password": "false"},
    )

    assert "already signs in with this e-mail address" in response.content.decode()
    assert User.objects.filter(email__iexact="ann@example.com").count() == 1


def test_page_of_a_login_shows_no_hash(desk: Client) -> None:
    user = a_user()

    page = desk.get(change(user)).content.decode()

    assert user.password not in page
    assert user.password.split("$")[2] not in page


def test_change_of_access_is_put_on_record(desk: Client, manager: User) -> None:
    user = a_user()

    desk.post(change(user), access(user, is_staff="on"))

    user.refresh_from_db()
    entry = AuditEntry.objects.get(action="access-changed")
    assert user.is_staff
    assert (entry.actor, entry.subject_id, entry.numbers["is_staff"]) == (manager, user.pk, 1)


def test_change_of_a_name_is_no_change_of_access(desk: Client) -> None:
    user = a_user()

    desk.post(change(user), access(user, name="Renamed"))

    user.refresh_from_db()
    assert user.name == "Renamed"
    assert not AuditEntry.objects.exists()


@pytest.fixture
def clerk(client: Client, db: None) -> User:
    """Vendor staff who may change logins, but not do everything; signed in."""
    user = a_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    client.force_login(user)
    return user


def test_nobody_widens_the_own_access(client: Client, clerk: User) -> None:
    client.post(change(clerk), access(clerk, is_staff="on", is_superuser="on"))

    clerk.refresh_from_db()
    assert not clerk.is_superuser


def test_only_who_may_do_everything_lets_others_do_everything(client: Client, clerk: User) -> None:
    other = a_user()

    client.post(change(other), access(other, is_staff="on", is_superuser="on"))

    other.refresh_from_db()
    assert (other.is_staff, other.is_superuser) == (True, False)


def test_login_of_who_may_do_everything_cannot_be_taken(client: Client, clerk: User) -> None:
    boss = a_manager()
    password = reverse("admin:auth_user_password_change", args=[boss.pk])

    refusals = [
        client.post(change(boss), access(boss, email="mine@example.com")).status_code,
        client.post(password, {"password1": "new words here", "password2": "new words here"}).status_code,
    ]

    assert refusals == [403, 403]
    boss.refresh_from_db()
    assert boss.check_password(PASSWORD)


def test_roles_are_given_on_the_employees_page_and_on_record(desk: Client, manager: User) -> None:
    employee = an_employee(a_company(), login=False)
    role = StakeholderRole.objects.create(code="buyer", name="Buyer")
    fields = {
        "name": employee.name,
        "external_id": employee.external_id,
        "buying_role": "USES",
        "preferred_channel": "INBOX",
        "access": "MEMBER",
        "is_active": "on",
        "roles-TOTAL_FORMS": 1,
        "roles-INITIAL_FORMS": 0,
        "roles-0-role": role.pk,
        **moment("roles-0-starts_at"),
    }

    response = desk.post(change(employee), fields)

    assert response.status_code == 302
    assignment = RoleAssignment.objects.get()
    assert (assignment.employee, assignment.role) == (employee, role)
    entry = AuditEntry.objects.get(action="role-assigned")
    assert (entry.actor, entry.company, entry.numbers) == (
        manager,
        employee.company,
        {"employee": employee.pk, "role": role.pk, "holds": 1},
    )


def employee_fields(employee: Employee, **fields: Any) -> dict[str, Any]:
    """What the employee's page sends."""
    return {
        "name": employee.name,
        "external_id": employee.external_id,
        "buying_role": employee.buying_role,
        "preferred_channel": employee.preferred_channel,
        "access": employee.access,
        "is_active": "on",
        "roles-TOTAL_FORMS": 0,
        "roles-INITIAL_FORMS": 0,
        **fields,
    }


@pytest.mark.parametrize(
    ("fields", "recorded"),
    [
        ({"access": "ADMIN"}, [("access-changed", {"access": "ADMIN"})]),
        ({"buying_role": "DECIDES"}, [("buying-role-changed", {"buying_role": "DECIDES"})]),
        ({"is_active": ""}, [("deactivated", {})]),
        ({"name": "Renamed"}, []),
    ],
)
def test_what_an_employee_may_do_is_changed_on_record(
    desk: Client, manager: User, fields: dict[str, Any], recorded: list[Any]
) -> None:
    employee = an_employee(a_company(), login=False)

    response = desk.post(change(employee), employee_fields(employee, **fields))

    assert response.status_code == 302
    entries = AuditEntry.objects.order_by("pk")
    assert [(entry.action, entry.numbers) for entry in entries] == recorded
    assert {(entry.actor, entry.subject_id, entry.company) for entry in entries} <= {
        (manager, employee.pk, employee.company)
    }


def test_login_that_is_switched_off_is_on_record(desk: Client, manager: User) -> None:
    user = a_user()

    desk.post(change(user), access(user, is_active=""))

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.subject_id, entry.numbers["is_active"]) == (
        "access-changed",
        manager,
        user.pk,
        0,
    )


def test_what_a_group_may_do_is_changed_on_record(desk: Client, manager: User) -> None:
    group = Group.objects.create(name="Desk")
    permission = Permission.objects.get(codename="view_company")

    desk.post(change(group), {"name": "Desk", "permissions": [permission.pk]})
    desk.post(change(group), {"name": "The desk", "permissions": [permission.pk]})

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.subject_id, entry.numbers) == (
        "group-changed",
        manager,
        group.pk,
        {"permissions": str(permission.pk)},
    )


def test_who_looks_after_a_company_is_on_record(desk: Client, manager: User) -> None:
    company, keeper = a_company(), a_user(is_staff=True)
    keeper.groups.add(Group.objects.get_or_create(name="account managers")[0])
    add = reverse("admin:accounts_accountmanagerassignment_add")

    given = desk.post(add, {"company": company.pk, "user": keeper.pk, **moment("starts_at")})
    assignment = company.account_managers.get()
    ends = {**moment("starts_at"), **moment("ends_at", "2026-01-03")}
    desk.post(change(assignment), {"company": company.pk, "user": keeper.pk, **ends})

    assert given.status_code == 302
    assert [
        (entry.action, entry.actor, entry.company, entry.numbers) for entry in AuditEntry.objects.order_by("pk")
    ] == [
        ("portfolio-changed", manager, company, {"user": keeper.pk, "holds": 1}),
        ("portfolio-changed", manager, company, {"user": keeper.pk, "holds": 0}),
    ]


def test_employee_does_not_move_firms(desk: Client) -> None:
    employee = an_employee(a_company(), login=False)
    other = a_company()
    fields = {
        "company": other.pk,
        "name": employee.name,
        "buying_role": "USES",
        "preferred_channel": "INBOX",
        "access": "MEMBER",
        "roles-TOTAL_FORMS": 0,
        "roles-INITIAL_FORMS": 0,
    }

    desk.post(change(employee), fields)

    assert Employee.objects.get().company != other


def test_company_enrolled_in_the_admin_has_wallets_and_a_first_tier(desk: Client) -> None:
    program, company = a_program(tiers={"basic": 0}), a_company()
    fields = {"company": company.pk, "program": program.pk, "origin": "JOINED", **moment("starts_at")}
    for prefix in ("consents", "tiers"):
        fields |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    add = reverse("admin:loyalty_membership_add")

    first = desk.post(add, fields)
    again = desk.post(add, fields)

    assert first.status_code == 302
    membership = Membership.objects.get()
    assert membership.origin == Membership.Origin.JOINED
    assert Wallet.objects.filter(company=company, program=program, kind="AVAILABLE").exists()
    assert TierAssignment.objects.get().tier.code == "basic"
    assert "already takes part in this program" in again.content.decode()


def test_consent_is_given_signed_and_withdrawn(desk: Client, manager: User) -> None:
    StakeholderRole.objects.create(code="buyer", name="Buyer")
    membership = a_member(a_program())
    fields = {"membership": membership.pk, "roles": ["buyer"], "monthly_limit": 100, "unearned": "COMPANY"}
    fields |= moment("starts_at")

    given = desk.post(reverse("admin:loyalty_consent_add"), fields)
    consent = Consent.objects.get()
    in_force = consent.ends_at is None
    desk.post(
        reverse("admin:loyalty_consent_changelist"),
        {"action": "withdraw", "_selected_action": [consent.pk]},
    )

    assert given.status_code == 302
    assert (consent.given_by, consent.roles, consent.monthly_limit) == (manager, ["buyer"], 100)
    assert consent.unearned == "COMPANY"
    assert in_force
    consent.refresh_from_db()
    assert consent.ends_at is not None
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"consent-given", "consent-withdrawn"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"roles": ["byuer"]}, "Select a valid choice"), (moment("starts_at", "2019-01-01"), "is on record already")],
)
def test_consent_that_cannot_be_is_refused(desk: Client, fields: dict[str, Any], named: str) -> None:
    membership = a_member(a_program())
    consent_to(membership)

    response = desk.post(
        reverse("admin:loyalty_consent_add"), {"membership": membership.pk, **moment("starts_at"), **fields}
    )

    assert named in response.content.decode()
    assert Consent.objects.get().ends_at is None


def test_note_is_signed_by_who_writes_it_and_its_words_stay(desk: Client, manager: User) -> None:
    company = a_company()
    fields = {"company": company.pk, "kind": "CALL", "text": "Asked for training", "visibility": "SHARED"}

    desk.post(reverse("admin:accounts_servicenote_add"), {**fields, **moment("happened_at")})
    note = ServiceNote.objects.get()
    desk.post(change(note), {"text": "Something else", "visibility": "INTERNAL"})

    note.refresh_from_db()
    assert (note.author, note.text, note.visibility) == (manager, "Asked for training", "INTERNAL")


def test_nobody_of_a_client_looks_after_clients(desk: Client) -> None:
    company = a_company()
    employee = an_employee(company)
    assert employee.user is not None

    response = desk.post(
        reverse("admin:accounts_accountmanagerassignment_add"),
        {"company": company.pk, "user": employee.user.pk, **moment("starts_at")},
    )

    assert "Select a valid choice" in response.content.decode()
    assert not company.account_managers.exists()


def test_code_that_rules_refer_to_stays(desk: Client) -> None:
    role = StakeholderRole.objects.create(code="buyer", name="Buyer")

    desk.post(change(role), {"code": "seller", "name": "Purchasing"})

    role.refresh_from_db()
    assert (role.code, role.name) == ("buyer", "Purchasing")


def test_company_without_a_past_can_be_deleted(desk: Client) -> None:
    company = a_company()

    desk.post(reverse("admin:accounts_company_delete", args=[company.pk]), {"post": "yes"})

    assert not Company.objects.exists()
