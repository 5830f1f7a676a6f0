"""Invitations: a word that opens one door once, for one person, and tells nobody else anything."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts import invitations
from accounts.actors import Actor, actor_of
from accounts.invitations import (
    LIFETIME,
    MOST_A_PERSON,
    MOST_AN_HOUR,
    AddressTakenError,
    Arrival,
    NoSuchEmployeeError,
    NoSuchInvitationError,
    NothingOpenError,
    SignsInAlreadyError,
    TooManyInvitationsError,
    accept,
    invite,
    revoke,
)
from accounts.mail import queue_of_mail
from accounts.models import AuditEntry, Employee, Invitation, Mail, User
from accounts.people import NotYoursToManageError
from tests.client.conftest import Firm, SignIn
from tests.client.pages import hidden_of, words_of
from tests.factories.canaries import as_actor, fingerprint, user_of
from tests.factories.world import a_company, a_manager, a_user, an_account_manager, an_admin, an_employee
from tests.loyalty.racing import race

PASSWORD = "a long and lonely word"
ARRIVAL = Arrival("Nia New", PASSWORD, "ja", "Asia/Tokyo")


@pytest.fixture
def nia(firm: Firm) -> Employee:
    """Somebody of the firm who has no login."""
    return an_employee(firm.membership.company, login=False, name="Nia")


def admin_of(firm: Firm) -> Actor:
    return as_actor(user_of(firm.admin))


def asked(actor: Actor, person: Employee, address: str = "nia@example.com", **fields: Any) -> Invitation:
    fields = {"language": "en", "now": timezone.now(), **fields}
    return invite(actor=actor, employee_id=person.pk, address=address, **fields)


def sent_words() -> list[str]:
    """The words of the links in all e-mails that went out, in their order."""
    queue_of_mail().take(timezone.now() + timedelta(seconds=1))
    found = [re.findall(r"/join/([\w-]+)/", str(email.body)) for email in outbox.outbox]
    return [words[0] for words in found if words]


def sent_word() -> str:
    return sent_words()[-1]


@pytest.mark.django_db
def test_who_accepts_signs_in_as_the_employee_that_was_there(firm: Firm, nia: Employee) -> None:
    invitation = asked(admin_of(firm), nia, "Nia@example.com")
    path = f"/join/{sent_word()}/"
    browser = Client()

    page = words_of(browser.get(path))
    answer = browser.post(
        path, {"name": "Nia New", "password": PASSWORD, "language": "en", "time_zone": "Europe/Berlin"}, follow=True
    )

    nia.refresh_from_db()
    invitation.refresh_from_db()
    user = user_of(nia)
    inviting, company = user_of(firm.admin).name, firm.membership.company.name
    assert f"{inviting} invites you to take part for {company}" in page
    assert "You will sign in with Nia@example.com" in page
    assert answer.redirect_chain[0] == ("/", 302)
    assert browser.session["_auth_user_id"] == str(user.pk)
    assert (user.email, user.name, user.time_zone, nia.name) == (
        "Nia@example.com", "Nia New", "Europe/Berlin", "Nia New",
    )  # fmt: skip
    assert user.check_password(PASSWORD)
    assert invitation.accepted_at is not None
    trail = AuditEntry.objects.filter(subject_type="accounts.invitation").order_by("pk")
    assert list(trail.values_list("action", "actor", "company", "numbers")) == [
        ("invited", firm.admin.user_id, nia.company_id, {"employee": nia.pk}),
        ("invitation-accepted", user.pk, nia.company_id, {"employee": nia.pk}),
    ]


@pytest.mark.django_db
def test_no_table_holds_a_word_that_opens_a_door(firm: Firm, nia: Employee) -> None:
    asked(admin_of(firm), nia)
    waiting = Invitation.objects.get().token_hash
    word = sent_word()

    assert waiting is None
    assert len(word) >= 43
    assert word not in str(list(Mail.objects.values())) + str(list(Invitation.objects.values()))
    assert word not in str(list(AuditEntry.objects.values()))


def over(state: str, firm: Firm, nia: Employee) -> str:
    """A word that opens nothing any more."""
    invitation = asked(admin_of(firm), nia)
    word = sent_word()
    match state:
        case "used":
            accept(token=word, arrival=ARRIVAL, now=timezone.now())
        case "taken back":
            revoke(actor=admin_of(firm), invitation_id=invitation.pk, now=timezone.now())
        case "replaced":
            asked(admin_of(firm), nia)
        case "expired":
            long_ago = timezone.now() - LIFETIME - timedelta(seconds=1)
            Invitation.objects.update(invited_at=long_ago, expires_at=long_ago + LIFETIME)
        case "left":
            Employee.objects.filter(pk=nia.pk).update(is_active=False)
        case "guessed":
            word = "x" * len(word)
    return word


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["guessed", "used", "taken back", "replaced", "expired", "left"])
def test_a_word_that_opens_nothing_tells_nothing(firm: Firm, nia: Employee, state: str) -> None:
    word = over(state, firm, nia)
    before = fingerprint()
    sent = {"name": "Eve", "password": PASSWORD, "language": "en", "time_zone": "UTC"}

    seen, taken = Client().get(f"/join/{word}/"), Client().post(f"/join/{word}/", sent)

    assert (seen.status_code, taken.status_code) == (404, 404)
    assert words_of(seen) == words_of(taken) == words_of(Client().get("/join/never-there/"))
    assert firm.membership.company.name not in seen.content.decode()
    assert fingerprint() == before


@pytest.mark.django_db
def test_a_newer_e_mail_ends_the_link_of_the_older_one(firm: Firm, nia: Employee) -> None:
    asked(admin_of(firm), nia, "old@example.com")
    asked(admin_of(firm), nia, "new@example.com")
    Mail.objects.filter(address="new@example.com").update(state="WAITING")

    words = sent_words()

    assert [email.to for email in outbox.outbox] == [["new@example.com"]]
    assert Mail.objects.get(address="old@example.com").state == "UNWANTED"
    assert Client().get(f"/join/{words[0]}/").status_code == 200
    assert [row.state(timezone.now()) for row in Invitation.objects.order_by("pk")] == ["REVOKED", "WAITING"]


@pytest.mark.django_db
def test_an_e_mail_that_is_sent_again_has_another_word(firm: Firm, nia: Employee) -> None:
    asked(admin_of(firm), nia)
    first = sent_word()
    Mail.objects.update(state="WAITING", ended_at=None)
    second = sent_word()

    assert first != second
    assert [Client().get(f"/join/{word}/").status_code for word in (first, second)] == [404, 200]


@pytest.mark.django_db
def test_a_word_is_for_the_address_it_was_sent_to(firm: Firm, nia: Employee) -> None:
    asked(admin_of(firm), nia)
    sent = {"name": "Eve", "password": PASSWORD, "language": "en", "time_zone": "UTC", "email": "eve@example.com",
            "address": "eve@example.com", "employee": firm.admin.pk}  # fmt: skip

    Client().post(f"/join/{sent_word()}/", sent)

    nia.refresh_from_db()
    assert user_of(nia).email == "nia@example.com"
    assert not User.objects.filter(email="eve@example.com").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_signed_in_as_somebody_else_is_told_so(firm: Firm, nia: Employee, method: str, sign_in: SignIn) -> None:
    asked(admin_of(firm), nia)
    word = sent_word()
    before = fingerprint()

    answer = getattr(sign_in(firm.member), method)(f"/join/{word}/", {"name": "Eve", "password": PASSWORD})

    assert answer.status_code == (200 if method == "get" else 409)
    assert "You are signed in as" in words_of(answer)
    assert fingerprint() == before


@pytest.mark.django_db
def test_an_address_that_signs_in_already_is_said_to_and_nothing_changes(firm: Firm, nia: Employee) -> None:
    a_user(email="NIA@example.com")
    asked(admin_of(firm), nia)
    path = f"/join/{sent_word()}/"
    before = fingerprint()

    answer = Client().post(path, {"name": "N", "password": PASSWORD, "language": "en", "time_zone": "UTC"})

    assert answer.status_code == 409
    assert "already, so no second login was made" in words_of(answer)
    assert fingerprint() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"password": "short"}, "This password is too short"),
        ({"password": "nia@example.com"}, "too similar to the e-mail address"),
        ({"password": ""}, "This field is required"),
        ({"name": ""}, "This field is required"),
        ({"name": "a\u202eb"}, "invisible character"),
        ({"language": "xx"}, "Select a valid choice"),
        ({"time_zone": "Mars/Base"}, "Select a valid choice"),
    ],
)
def test_a_form_that_cannot_be_is_refused(firm: Firm, nia: Employee, wrong: dict[str, str], named: str) -> None:
    asked(admin_of(firm), nia)
    sent = {"name": "Nia", "password": PASSWORD, "language": "en", "time_zone": "UTC", **wrong}
    path = f"/join/{sent_word()}/"

    answer = Client().post(path, sent)

    assert answer.status_code == 422
    assert named in words_of(answer)
    assert not User.objects.filter(email="nia@example.com").exists()
    assert Client().get(path).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_one_is_served(firm: Firm, nia: Employee) -> None:
    asked(admin_of(firm), nia)
    word, now = sent_word(), timezone.now()

    results = race(
        [lambda: accept(token=word, arrival=ARRIVAL, now=now)] * 2,
        held=lambda: Employee.objects.select_for_update().get(pk=nia.pk),
    )

    assert sorted(type(result).__name__ for result in results) == ["NoSuchInvitationError", "User"]
    assert User.objects.filter(email="nia@example.com").count() == 1
    assert AuditEntry.objects.filter(action="invitation-accepted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_people_with_one_address_one_gets_it(firm: Firm, nia: Employee) -> None:
    elsewhere = an_admin(a_company())
    other = an_employee(elsewhere.company, login=False)
    words = []
    for person, admin in ((nia, firm.admin), (other, elsewhere)):
        asked(as_actor(user_of(admin)), person)
        words.append(sent_word())

    def accepting(word: str) -> Any:
        return lambda: accept(token=word, arrival=ARRIVAL, now=timezone.now())

    results = race([accepting(word) for word in words])

    assert sorted(type(result).__name__ for result in results) == ["AddressTakenError", "User"]
    assert Employee.objects.filter(pk__in=(nia.pk, other.pk), user__isnull=False).count() == 1
    assert Invitation.objects.filter(accepted_at__isnull=False).count() == 1


@pytest.mark.django_db
def test_who_may_not_invite_is_refused_and_nothing_changes(firm: Firm, nia: Employee) -> None:
    company = firm.membership.company
    stranger = an_admin(a_company())
    keeper = an_account_manager(company)
    looking = Actor(**{**{name: getattr(admin_of(firm), name) for name in Actor.__slots__}, "seen_by_user_id": 5})
    invitation = asked(admin_of(firm), nia)
    before = fingerprint()

    refusals = []
    for actor in (as_actor(user_of(firm.member)), as_actor(keeper), looking, Actor(at=timezone.now())):
        with pytest.raises(NotYoursToManageError):
            asked(actor, nia)
        with pytest.raises(NotYoursToManageError):
            revoke(actor=actor, invitation_id=invitation.pk, now=timezone.now())
        refusals.append(actor)
    with pytest.raises(NoSuchEmployeeError):
        asked(as_actor(user_of(stranger)), nia)
    with pytest.raises(NoSuchInvitationError):
        revoke(actor=as_actor(user_of(stranger)), invitation_id=invitation.pk, now=timezone.now())
    with pytest.raises(SignsInAlreadyError):
        asked(admin_of(firm), firm.member)

    assert len(refusals) == 4
    assert fingerprint() == before


@pytest.mark.django_db
def test_nobody_is_flooded(firm: Firm, nia: Employee) -> None:
    for _number in range(MOST_A_PERSON):
        asked(admin_of(firm), nia)

    with pytest.raises(TooManyInvitationsError):
        asked(admin_of(firm), nia)
    assert Invitation.objects.count() == MOST_A_PERSON
    assert asked(admin_of(firm), nia, now=timezone.now() + timedelta(days=1, seconds=1)).pk


@pytest.mark.django_db
def test_a_company_invites_so_many_an_hour(firm: Firm, nia: Employee) -> None:
    now = timezone.now()
    company = firm.membership.company
    people = [an_employee(company, login=False) for _ in range(MOST_AN_HOUR)]
    Invitation.objects.bulk_create(
        Invitation(employee=person, address="x@example.com", invited_by=user_of(firm.admin), invited_at=now,
                   expires_at=now + LIFETIME)
        for person in people
    )  # fmt: skip

    with pytest.raises(TooManyInvitationsError):
        asked(admin_of(firm), nia)
    assert asked(admin_of(firm), nia, now=now + timedelta(hours=1, seconds=1)).pk


@pytest.mark.django_db
def test_what_was_accepted_cannot_be_taken_back(firm: Firm, nia: Employee) -> None:
    invitation = asked(admin_of(firm), nia)
    accept(token=sent_word(), arrival=ARRIVAL, now=timezone.now())

    with pytest.raises(NothingOpenError):
        revoke(actor=admin_of(firm), invitation_id=invitation.pk, now=timezone.now())
    with pytest.raises(SignsInAlreadyError):
        asked(admin_of(firm), nia)


@pytest.mark.django_db
def test_admin_adds_and_invites_somebody_on_one_page(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)
    form = client.get("/company/people/add/")
    sent = {**hidden_of(form), "name": "Nia", "address": "nia@example.com", "buying_role": "USES", "access": "MEMBER"}

    page = words_of(client.post("/company/people/add/", sent, follow=True))
    client.post("/company/people/add/", sent)

    assert "Nia takes part from now on. The invitation goes to nia@example.com." in page
    assert "Invited at nia@example.com" in page
    assert Invitation.objects.count() == Employee.objects.filter(name="Nia").count() == 1
    assert "Nia none Uses Invited" in words_of(client.get("/company/people/"))


@pytest.mark.django_db
def test_admin_sends_again_and_takes_back(firm: Firm, nia: Employee, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)
    page = f"/company/people/{nia.pk}/"

    before = words_of(client.get(page))
    sent = words_of(client.post(f"{page}invite/", {"address": "nia@example.com"}, follow=True))
    Invitation.objects.update(expires_at=timezone.now(), invited_at=timezone.now() - LIFETIME)
    expired = words_of(client.get(page))
    listed = words_of(client.get("/company/people/"))
    client.post(f"{page}invite/", {"address": "nia@example.com"})
    back = words_of(client.post(f"{page}invite/revoke/", follow=True))
    wrong = client.post(f"{page}invite/", {"address": "nowhere"})

    assert "Without a login the person earns, but sees nothing." in before
    assert "The invitation goes to nia@example.com." in sent
    assert "expired on" in expired
    assert "Invitation expired" in listed
    assert "The invitation is taken back" in back
    assert "Send the invitation again" in back
    assert wrong.status_code == 422
    assert "Enter a valid email address" in words_of(wrong)
    assert [row.state(timezone.now()) for row in Invitation.objects.order_by("pk")] == ["REVOKED", "REVOKED"]


@pytest.mark.django_db
def test_members_and_strangers_find_no_way_to_invite(firm: Firm, nia: Employee, sign_in: SignIn) -> None:
    decider = an_employee(firm.membership.company, buying_role="DECIDES")
    stranger = an_admin(a_company())
    before = fingerprint()

    statuses = [
        sign_in(person).post(f"/company/people/{nia.pk}/{door}/", {"address": "x@example.com"}).status_code
        for person in (decider, firm.member, stranger)
        for door in ("invite", "invite/revoke")
    ]

    assert statuses == [403, 302, 403, 403, 404, 404]
    assert fingerprint() == before


@pytest.mark.django_db
def test_manager_invites_sends_again_and_takes_back_in_the_admin(nia: Employee, client: Client) -> None:
    manager = a_manager()
    client.force_login(manager)
    add = "/admin/accounts/invitation/add/"
    said = {"employee": nia.pk, "address": "nia@example.com", "language": "ar"}

    answer = client.post(add, said)
    first = Invitation.objects.get()
    client.post(f"/admin/accounts/invitation/{first.pk}/again/")
    second = Invitation.objects.latest("pk")
    client.post(f"/admin/accounts/invitation/{second.pk}/revoke/")
    refused = client.post(f"/admin/accounts/invitation/{second.pk}/revoke/")
    page = client.get(f"/admin/accounts/employee/{nia.pk}/change/").content.decode()

    assert answer.status_code == 302
    assert refused.status_code == 409
    assert (first.language, second.language) == ("ar", "ar")
    assert [row.state(timezone.now()) for row in Invitation.objects.order_by("pk")] == ["REVOKED", "REVOKED"]
    assert f"{add}?employee={nia.pk}" in page
    trail = AuditEntry.objects.filter(subject_type="accounts.invitation")
    assert set(trail.values_list("actor", flat=True)) == {manager.pk}
    for number in range(MOST_A_PERSON):
        status = client.post(add, said).status_code
        assert status == (302 if number < MOST_A_PERSON - 2 else 409)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"accepted_at": timezone.now(), "revoked_at": timezone.now()}, "invitation_ended_one_way"),
        ({"expires_at": timezone.now() - timedelta(days=99)}, "invitation_expires_after_it_was_sent"),
    ],
)
def test_the_database_refuses_an_invitation_that_makes_no_sense(
    firm: Firm, nia: Employee, wrong: dict[str, Any], constraint: str
) -> None:
    asked(admin_of(firm), nia)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Invitation.objects.update(**wrong)


@pytest.mark.django_db
def test_the_database_refuses_two_open_invitations_of_one_person(firm: Firm, nia: Employee) -> None:
    first = asked(admin_of(firm), nia)
    asked(admin_of(firm), nia)

    with pytest.raises(IntegrityError, match="invitation_one_open_a_person"), transaction.atomic():
        Invitation.objects.filter(pk=first.pk).update(revoked_at=None)


@pytest.mark.django_db
def test_managers_may_invite_for_every_company(nia: Employee) -> None:
    asked(actor_of(a_manager(), now=timezone.now()), nia)
    word = sent_word()
    a_user(email="nia@example.com")

    assert invitations.find(word, now=timezone.now()).employee == nia
    with pytest.raises(AddressTakenError):
        accept(token=word, arrival=ARRIVAL, now=timezone.now())
    nia.refresh_from_db()
    assert nia.user is None
