"""The company's people: who takes part, in which roles, with which rights, and who may change that."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.actors import Actor, actor_of_employee
from accounts.models import AuditEntry, Employee, Invitation, RoleAssignment, User
from accounts.people import (
    LastAdminError,
    NoSuchPersonError,
    NoSuchRoleError,
    NotYoursToManageError,
    OwnAccessError,
    Person,
    add_person,
    change_person,
    deactivate,
    reactivate,
)
from tests.client.conftest import Firm, SignIn
from tests.client.pages import hidden_of, links_of, source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.world import NOW, a_company, a_member, a_role, an_admin, an_employee, balance

pytestmark = pytest.mark.django_db

Buy = Callable[..., int]

BUYER = Person("Ben Buyer", frozenset({"buyer"}), Employee.BuyingRole.PAYS, Employee.Access.MEMBER)


def acting(employee: Employee, **changes: int) -> Actor:
    """The employee at NOW."""
    found = Employee.objects.select_related("company").get(pk=employee.pk)
    return actor_of_employee(found, now=NOW, **changes)


def said_of(employee: Employee) -> tuple[str, str, str]:
    """Name, part in buying and access as they stand in the database."""
    row = Employee.objects.get(pk=employee.pk)
    return row.name, row.buying_role, row.access


def roles_of(employee: Employee) -> set[str]:
    """The codes of the roles that hold at NOW."""
    return set(RoleAssignment.objects.filter(employee=employee).in_force(NOW).values_list("role__code", flat=True))


def trail() -> list[tuple[str, dict[str, object]]]:
    """What is on record of the people, in order."""
    rows = AuditEntry.objects.filter(subject_type="accounts.employee").order_by("pk")
    return list(rows.values_list("action", "numbers"))


@pytest.fixture
def buyer(firm: Firm) -> Employee:
    """A colleague who has been a buyer from the start."""
    colleague = an_employee(firm.membership.company, name="Ben", login=False)
    a_role(colleague, "buyer")
    a_role(firm.member, "owner")
    return colleague


def test_person_is_added_with_roles_and_rights_and_put_on_record(firm: Firm, buyer: Employee) -> None:
    added = add_person(actor=acting(firm.admin), person=BUYER, key="k", now=NOW)

    assert added.is_new
    assert said_of(added.employee) == ("Ben Buyer", "PAYS", "MEMBER")
    assert added.employee.company == firm.membership.company
    assert added.employee.user is None
    assert roles_of(added.employee) == {"buyer"}
    role_id = RoleAssignment.objects.get(employee=added.employee).role_id
    assert trail() == [("person-added", {"access": "MEMBER"}), ("role-changed", {"role": role_id, "holds": 1})]


def test_adding_twice_under_one_key_adds_one_person(firm: Firm, buyer: Employee) -> None:
    first = add_person(actor=acting(firm.admin), person=BUYER, key="k", now=NOW)
    before = fingerprint()

    second = add_person(actor=acting(firm.admin), person=BUYER, key="k", now=NOW)

    assert (second.employee, second.is_new) == (first.employee, False)
    assert fingerprint() == before


def test_roles_end_and_begin_now_and_the_past_stays(firm: Firm, buyer: Employee) -> None:
    wanted = Person("Ben", frozenset({"owner"}), Employee.BuyingRole.USES, Employee.Access.MEMBER)

    change_person(actor=acting(firm.admin), employee_id=buyer.pk, person=wanted, now=NOW)

    rows = RoleAssignment.objects.filter(employee=buyer).order_by("starts_at")
    assert [(row.role.code, row.ends_at) for row in rows] == [("buyer", NOW), ("owner", None)]
    assert rows[1].starts_at == NOW
    assert [(action, numbers["holds"]) for action, numbers in trail()] == [("role-changed", 0), ("role-changed", 1)]


def test_role_that_is_agreed_for_later_may_begin_now_and_goes_on_then(firm: Firm, buyer: Employee) -> None:
    later = a_role(buyer, "owner", starts_at=NOW + timedelta(days=30))
    wanted = Person("Ben", frozenset({"buyer", "owner"}), Employee.BuyingRole.USES, Employee.Access.MEMBER)

    change_person(actor=acting(firm.admin), employee_id=buyer.pk, person=wanted, now=NOW)

    rows = RoleAssignment.objects.filter(employee=buyer, role__code="owner").order_by("starts_at")
    assert [(row.starts_at, row.ends_at) for row in rows] == [(NOW, later.starts_at), (later.starts_at, None)]


def test_access_and_part_in_buying_are_changed_and_put_on_record(firm: Firm, buyer: Employee) -> None:
    wanted = Person("Ben Long", frozenset({"buyer"}), Employee.BuyingRole.DECIDES, Employee.Access.ADMIN)

    change_person(actor=acting(firm.admin), employee_id=buyer.pk, person=wanted, now=NOW)

    assert said_of(buyer) == ("Ben Long", "DECIDES", "ADMIN")
    assert trail() == [("access-changed", {"access": "ADMIN"}), ("buying-role-changed", {"buying_role": "DECIDES"})]
    assert AuditEntry.objects.filter(actor=firm.admin.user_id, company=firm.membership.company).count() == 2


def test_name_is_changed_at_the_login_as_well(firm: Firm) -> None:
    wanted = Person("Mia Married", frozenset(), Employee.BuyingRole.USES, Employee.Access.MEMBER)

    change_person(actor=acting(firm.admin), employee_id=firm.member.pk, person=wanted, now=NOW)

    assert User.objects.get(pk=firm.member.user_id).name == "Mia Married"


def test_last_admin_stays_admin_and_active(firm: Firm) -> None:
    admin = acting(firm.admin)
    wanted = Person("Ada", frozenset(), Employee.BuyingRole.USES, Employee.Access.MEMBER)
    before = fingerprint()

    with pytest.raises(LastAdminError):
        change_person(actor=admin, employee_id=firm.admin.pk, person=wanted, now=NOW)
    with pytest.raises(LastAdminError):
        deactivate(actor=admin, employee_id=firm.admin.pk, now=NOW)

    assert fingerprint() == before


def test_nobody_changes_the_own_access(firm: Firm) -> None:
    an_admin(firm.membership.company)
    wanted = Person("Ada", frozenset(), Employee.BuyingRole.USES, Employee.Access.MEMBER)
    before = fingerprint()

    with pytest.raises(OwnAccessError):
        change_person(actor=acting(firm.admin), employee_id=firm.admin.pk, person=wanted, now=NOW)
    with pytest.raises(OwnAccessError):
        deactivate(actor=acting(firm.admin), employee_id=firm.admin.pk, now=NOW)

    assert fingerprint() == before


def test_whoever_was_an_admin_a_moment_ago_changes_nothing_any_more(firm: Firm) -> None:
    actor = acting(firm.admin)
    an_admin(firm.membership.company)
    Employee.objects.filter(pk=firm.admin.pk).update(access=Employee.Access.MEMBER)
    before = fingerprint()

    with pytest.raises(NotYoursToManageError):
        deactivate(actor=actor, employee_id=firm.member.pk, now=NOW)

    assert fingerprint() == before


def test_only_admins_of_the_company_change_its_people(firm: Firm, buyer: Employee) -> None:
    decider = an_employee(firm.membership.company, buying_role="DECIDES")
    seen = acting(firm.admin, seen_by_user_id=an_employee(a_company()).user_id or 0)
    foreign = an_admin(a_company())
    before = fingerprint()

    for actor in (acting(decider), acting(firm.member), seen):
        with pytest.raises(NotYoursToManageError):
            add_person(actor=actor, person=BUYER, key="k", now=NOW)
        with pytest.raises(NotYoursToManageError):
            change_person(actor=actor, employee_id=buyer.pk, person=BUYER, now=NOW)
        with pytest.raises(NotYoursToManageError):
            deactivate(actor=actor, employee_id=buyer.pk, now=NOW)
    with pytest.raises(NoSuchPersonError):
        change_person(actor=acting(foreign), employee_id=buyer.pk, person=BUYER, now=NOW)
    with pytest.raises(NoSuchPersonError):
        reactivate(actor=acting(foreign), employee_id=buyer.pk, now=NOW)

    assert fingerprint() == before


def test_role_that_there_is_none_of_changes_nothing(firm: Firm, buyer: Employee) -> None:
    wanted = Person("New", frozenset({"buyer", "wizard"}), Employee.BuyingRole.PAYS, Employee.Access.ADMIN)
    before = fingerprint()

    with pytest.raises(NoSuchRoleError):
        add_person(actor=acting(firm.admin), person=wanted, key="k", now=NOW)
    with pytest.raises(NoSuchRoleError):
        change_person(actor=acting(firm.admin), employee_id=buyer.pk, person=wanted, now=NOW)

    assert fingerprint() == before


def test_switching_off_twice_is_on_record_once(firm: Firm) -> None:
    admin = acting(firm.admin)

    for _time in range(2):
        deactivate(actor=admin, employee_id=firm.member.pk, now=NOW)
    off = Employee.objects.get(pk=firm.member.pk).is_active
    for _time in range(2):
        reactivate(actor=admin, employee_id=firm.member.pk, now=NOW)

    assert (off, Employee.objects.get(pk=firm.member.pk).is_active) == (False, True)
    assert [action for action, _numbers in trail()] == ["deactivated", "reactivated"]


def test_who_no_longer_takes_part_keeps_the_points_and_gets_in_no_more(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(150, firm.member)
    own, admin = sign_in(firm.member), sign_in(firm.admin)

    done = admin.post(f"/company/people/{firm.member.pk}/switch/", {"to": "former"}, follow=True)

    assert "Mia Member no longer gets in. The points stay where they are." in words_of(done)
    assert "Points in Workshop 150 points" in words_of(done)
    assert own.get("/").status_code == 403
    assert balance(firm.membership, firm.member) == 150
    assert words_of(admin.get("/company/people/?show=former")).count("Mia Member") == 1
    assert "Mia Member" not in words_of(admin.get("/company/people/"))

    again = admin.post(f"/company/people/{firm.member.pk}/switch/", {"to": "active"}, follow=True)

    assert "Mia Member takes part again." in words_of(again)
    assert own.get("/").status_code == 200


def test_admin_adds_a_person_through_the_page(firm: Firm, buyer: Employee, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)
    page = client.get("/company/people/add/")
    sent = {**hidden_of(page), "name": "Nia New", "roles": ["buyer"], "buying_role": "USES", "access": "MEMBER"}

    added = client.post("/company/people/add/", sent, follow=True)
    again = client.post("/company/people/add/", sent)

    person = Employee.objects.get(name="Nia New")
    assert "The person earns from now on." in words_of(page)
    assert not Invitation.objects.exists()
    assert added.redirect_chain == [(f"/company/people/{person.pk}/", 302)]
    assert "Nia New takes part from now on." in words_of(added)
    assert again.headers["Location"] == f"/company/people/{person.pk}/"
    assert "Nia New Roles" not in words_of(added)


def test_page_used_for_somebody_else_is_refused(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)
    sent = {"name": "Nia", "buying_role": "USES", "access": "MEMBER", "key": "k"}
    client.post("/company/people/add/", sent)
    before = fingerprint()

    refused = client.post("/company/people/add/", {**sent, "name": "Noa"})

    assert refused.status_code == 409
    assert "This page was used for somebody else already." in words_of(refused)
    assert 'value="Noa"' in source_of(refused)
    assert fingerprint() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a" * 151},
        {"name": "a\0b"},
        {"name": "\u202egpj"},
        {"roles": ["wizard"]},
        {"roles": ["\0"]},
        {"buying_role": "KING"},
        {"access": "OWNER"},
        {"access": ""},
    ],
)
def test_what_cannot_be_said_of_a_person_is_refused_and_kept_on_the_page(
    firm: Firm, buyer: Employee, sign_in: SignIn, wrong: dict[str, object]
) -> None:
    sent = {"name": "Typed", "roles": ["buyer"], "buying_role": "USES", "access": "MEMBER", "key": "k", **wrong}
    client = sign_in(firm.admin)
    before = fingerprint()

    answers = [client.post(path, sent) for path in ("/company/people/add/", f"/company/people/{buyer.pk}/")]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert ["Please correct this first" in words_of(answer) for answer in answers] == [True, True]
    if "name" not in wrong:
        assert ['value="Typed"' in source_of(answer) for answer in answers] == [True, True]
    assert fingerprint() == before


def test_own_access_is_shown_and_stays_whatever_is_sent(firm: Firm, sign_in: SignIn) -> None:
    an_admin(firm.membership.company)
    sent = {"name": "Ada", "buying_role": "PAYS", "access": "MEMBER"}

    client = sign_in(firm.admin)
    page = client.get(f"/company/people/{firm.admin.pk}/")
    client.post(f"/company/people/{firm.admin.pk}/", sent)

    assert "Nobody changes the own access; another admin can." in words_of(page)
    assert "Let in no longer" not in words_of(page)
    assert said_of(firm.admin) == ("Ada", "PAYS", "ADMIN")


def test_switching_oneself_off_is_refused_with_what_to_do(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)
    before = fingerprint()

    refused = client.post(f"/company/people/{firm.admin.pk}/switch/", {"to": "former"}, follow=True)

    assert "this is the last admin" in words_of(refused)
    assert "Make somebody else an admin first." in words_of(refused)
    assert fingerprint() == before


def test_decider_looks_and_changes_nothing(firm: Firm, buyer: Employee, sign_in: SignIn) -> None:
    client = sign_in(an_employee(firm.membership.company, buying_role="DECIDES"))
    before = fingerprint()

    listed, shown = client.get("/company/people/"), client.get(f"/company/people/{buyer.pk}/")
    sent = {"name": "X", "buying_role": "USES", "access": "ADMIN", "to": "former"}
    statuses = [client.get("/company/people/add/").status_code] + [
        client.post(path, sent).status_code
        for path in (
            "/company/people/add/",
            f"/company/people/{buyer.pk}/",
            f"/company/people/{buyer.pk}/switch/",
            "/company/people/987654321/",
        )
    ]

    assert "Ben" in words_of(listed)
    assert "Add a person" not in words_of(listed)
    assert "Buyer" in words_of(shown)
    assert "Points in" not in words_of(shown)
    assert 'name="buying_role"' not in source_of(shown)
    assert "Let in no longer" not in words_of(shown)
    assert statuses == [403] * 5
    assert fingerprint() == before


def test_member_is_shown_the_door_whatever_the_row(firm: Firm, buyer: Employee, sign_in: SignIn) -> None:
    client = sign_in(firm.member)
    stranger = an_employee(a_member(firm.program, a_company()).company)

    answers = [
        client.get(path).status_code
        for path in (
            "/company/",
            "/company/people/",
            "/company/people/add/",
            f"/company/people/{firm.member.pk}/",
            f"/company/people/{stranger.pk}/",
            "/company/people/987654321/",
            "/company/consent/",
            "/company/consent/withdraw/",
        )
    ]

    assert answers == [403] * 8


def test_person_of_another_company_answers_like_a_missing_one(firm: Firm, sign_in: SignIn) -> None:
    stranger = an_employee(a_member(firm.program, a_company()).company)
    client = sign_in(firm.admin)

    answers = [
        (response.status_code, source_of(response))
        for pk in (stranger.pk, 987654321, "99999999999999999999")
        for response in (client.get(f"/company/people/{pk}/"),)
    ]

    assert answers[0][0] == 404
    assert answers == [answers[0]] * 3
    assert client.post(f"/company/people/{stranger.pk}/switch/", {"to": "former"}).status_code == 404


def test_people_are_searched_and_paged(firm: Firm, sign_in: SignIn) -> None:
    for number in range(30):
        an_employee(firm.membership.company, name=f"Colleague {number:02d}", login=False)
    client = sign_in(firm.admin)

    first, second = client.get("/company/people/"), client.get("/company/people/?page=2")
    found = words_of(client.get("/company/people/", {"q": "league 07"}))
    nobody = words_of(client.get("/company/people/", {"q": "<b>\0"}))

    assert [len(links_of(page, r"/company/people/\d+/")) for page in (first, second)] == [25, 7]
    assert "Colleague 07" in found
    assert "Colleague 08" not in found
    assert "Nobody matches “ <b> ”" in nobody


@pytest.mark.parametrize("page", ["0", "-1", "x", "\0", "9" * 30])
def test_junk_for_a_page_shows_people(firm: Firm, sign_in: SignIn, page: str) -> None:
    assert sign_in(firm.admin).get("/company/people/", {"page": page, "show": page}).status_code == 200


def test_points_of_a_colleague_are_for_admins(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(150, firm.member)
    decider = an_employee(firm.membership.company, buying_role="DECIDES")
    stranger = an_employee(a_member(firm.program, a_company()).company)
    admin = sign_in(firm.admin)

    seen = words_of(admin.get(f"/points/?person={firm.member.pk}"))
    hidden = [
        sign_in(person).get(f"/points/?person={pk}").status_code
        for person, pk in (
            (decider, firm.member.pk),
            (firm.member, firm.admin.pk),
            (firm.admin, stranger.pk),
            (firm.admin, 987654321),
            (firm.admin, "x"),
            (firm.admin, "\0"),
            (firm.admin, "9" * 40),
        )
    ]

    assert "Workshop · Points of Mia Member" in seen
    assert "150 points" in seen
    assert hidden == [404] * 7
