"""One person is one employee: whoever is known by an address is found by it, whichever way they come in."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.actors import actor_of
from accounts.invitations import (
    LIFETIME,
    Arrival,
    NoSuchInvitationError,
    OnlyByCompanyError,
    accept,
    add_and_invite,
    invite,
    revoke,
)
from accounts.mail import queue_of_mail
from accounts.models import AuditEntry, Company, Employee, Invitation, SingleSignOn, User, WebhookEvent
from accounts.people import Person
from accounts.single_sign_on import NotOfTheCompanyError, UnknownPersonError, person_behind
from tests.client.conftest import Firm, SignIn
from tests.client.pages import hidden_of, source_of, words_of
from tests.database import empty_the_tables
from tests.factories.canaries import as_actor, fingerprint, user_of
from tests.factories.identity_provider import a_single_sign_on
from tests.factories.webhooks import a_subscription
from tests.factories.world import a_company, a_manager, a_user, an_admin, an_employee
from tests.loyalty.racing import meet_before, race

pytestmark = pytest.mark.django_db

NIA = "nia@firm.example"
WORD = "a long and lonely word"


@pytest.fixture
def company(firm: Firm) -> Company:
    """The firm itself."""
    found: Company = firm.membership.company
    return found


@pytest.fixture
def nia(company: Company) -> Employee:
    """Somebody of the firm whom one knows by an address, and who has no login."""
    return an_employee(company, login=False, name="Nia", address="Nia@firm.example")


def asked(firm: Firm, person: Employee, address: str = NIA) -> Invitation:
    """An invitation by the firm's admin."""
    actor = as_actor(user_of(firm.admin))
    return invite(actor=actor, employee_id=person.pk, address=address, language="en", now=timezone.now())


def adding(actor: Any, key: str, address: str = NIA) -> Any:
    """The admin of a company adds somebody at an address."""
    person = Person("Nina", frozenset(), "PAYS", "ADMIN")
    return add_and_invite(actor=actor, person=person, address=address, language="en", key=key, now=timezone.now())


def added(client: Client, address: str, name: str = "Nina") -> Any:
    """Add somebody through the page."""
    form = client.get("/company/people/add/")
    said = {"name": name, "address": address, "buying_role": "PAYS", "access": "ADMIN"}
    return client.post("/company/people/add/", {**hidden_of(form), **said}, follow=True)


def word_sent() -> str:
    """The word of the link in the last e-mail."""
    queue_of_mail().take(timezone.now() + timedelta(seconds=1))
    [word] = re.findall(r"/join/([\w-]+)/", str(outbox.outbox[-1].body))
    return str(word)


def said_of(person: Employee) -> tuple[str, str, str, str]:
    """What stands of somebody."""
    row = Employee.objects.get(pk=person.pk)
    return row.name, row.address, row.buying_role, row.access


def test_who_is_known_by_the_address_is_invited_instead_of_added_twice(
    firm: Firm, nia: Employee, sign_in: SignIn
) -> None:
    count = Employee.objects.count()

    answer = added(sign_in(firm.admin), NIA)

    assert answer.redirect_chain == [(f"/company/people/{nia.pk}/", 302)]
    assert "Nia, who takes part already, is known by nia@firm.example: nobody was added" in words_of(answer)
    assert Employee.objects.count() == count
    assert said_of(nia) == ("Nia", NIA, "USES", "MEMBER")
    assert [(row.employee, row.address) for row in Invitation.objects.open()] == [(nia, NIA)]
    assert not AuditEntry.objects.filter(action__in=["person-added", "access-changed"]).exists()


def test_who_was_invited_is_invited_again_and_the_older_link_ends(firm: Firm, company: Company) -> None:
    actor = as_actor(user_of(firm.admin))
    first, invitation = adding(actor, "one")
    second, again = adding(actor, "two", "NIA@FIRM.example")
    repeated, nothing = adding(actor, "two", "NIA@FIRM.example")

    assert (first.is_new, second.is_new, second.was_there) == (True, False, True)
    assert first.employee == second.employee == repeated.employee
    assert nothing is None
    assert list(Invitation.objects.open()) == [again]
    assert again != invitation
    assert Employee.objects.filter(company=company, user=None).count() == 1


def test_who_signs_in_with_the_address_is_shown_and_nobody_is_added(firm: Firm, sign_in: SignIn) -> None:
    user = user_of(firm.member)
    count = Employee.objects.count()

    answer = added(sign_in(firm.admin), user.email.upper())

    assert answer.redirect_chain == [(f"/company/people/{firm.member.pk}/", 302)]
    assert "already: nobody was added" in words_of(answer)
    assert (Employee.objects.count(), Invitation.objects.count()) == (count, 0)


def test_who_took_part_before_is_let_in_again_rather_than_added(firm: Firm, nia: Employee, sign_in: SignIn) -> None:
    Employee.objects.filter(pk=nia.pk).update(is_active=False)
    count = Employee.objects.count()

    answer = added(sign_in(firm.admin), NIA)

    assert "Nia, who took part before, has nia@firm.example: nobody was added." in words_of(answer)
    assert "Let in again" in words_of(answer)
    assert (Employee.objects.count(), Invitation.objects.count()) == (count, 0)


def test_the_same_address_elsewhere_is_somebody_else(firm: Firm) -> None:
    elsewhere = an_employee(a_company(), login=False, address=NIA)
    an_employee(a_company(), user=a_user(email=NIA))

    result, invitation = adding(as_actor(user_of(firm.admin)), "k")

    assert result.is_new
    assert invitation.employee == result.employee != elsewhere


def test_address_of_a_colleague_is_not_invited_for_another(firm: Firm, nia: Employee, sign_in: SignIn) -> None:
    other = an_employee(nia.company, login=False, name="Other")
    before = fingerprint()
    sentence = "Nothing was sent: a colleague signs in with this address, or is known by it. Invite that colleague."

    by_admin = sign_in(firm.admin).post(f"/company/people/{other.pk}/invite/", {"address": NIA}, follow=True)
    taken = sign_in(firm.admin).post(
        f"/company/people/{other.pk}/invite/", {"address": user_of(firm.member).email}, follow=True
    )
    desk = Client()
    desk.force_login(a_manager())
    said = {"employee": other.pk, "address": NIA, "language": "en"}
    by_manager = desk.post("/admin/accounts/invitation/add/", said)

    assert sentence in words_of(by_admin)
    assert sentence in words_of(taken)
    assert (by_manager.status_code, sentence in words_of(by_manager)) == (409, True)
    after = fingerprint()
    assert {label for label in before if before[label] != after[label]} == {"accounts.User"}  # the manager


def test_who_left_makes_way_for_whoever_has_the_address_now(firm: Firm, nia: Employee) -> None:
    earlier = asked(firm, nia)
    Employee.objects.filter(pk=nia.pk).update(is_active=False)
    other = an_employee(nia.company, login=False)

    asked(firm, other)

    earlier.refresh_from_db()
    assert earlier.state(timezone.now()) == Invitation.State.REVOKED
    assert [said_of(person)[1] for person in (nia, other)] == ["", NIA]


def test_invitation_makes_an_address_known_until_it_is_taken_back_or_accepted(firm: Firm, company: Company) -> None:
    one, two = (an_employee(company, login=False) for _ in range(2))
    wrong = asked(firm, one, "two@firm.example")
    known = said_of(one)[1]
    revoke(actor=as_actor(user_of(firm.admin)), invitation_id=wrong.pk, now=timezone.now())
    asked(firm, two, "two@firm.example")
    still_known = said_of(two)[1]
    accept(token=word_sent(), arrival=Arrival("Two", WORD, "en", "UTC"), now=timezone.now())

    assert (known, still_known) == ("two@firm.example", "two@firm.example")
    assert [said_of(person)[1] for person in (one, two)] == ["", ""]
    assert Employee.objects.get(user__email="two@firm.example") == two


def test_the_database_refuses_a_double_and_an_address_beside_a_login(firm: Firm, nia: Employee) -> None:
    with pytest.raises(IntegrityError, match="employee_address_unique"), transaction.atomic():
        an_employee(nia.company, login=False, address="NIA@firm.EXAMPLE")
    with pytest.raises(IntegrityError, match="employee_address_until_login"), transaction.atomic():
        Employee.objects.filter(pk=firm.member.pk).update(address="mia@firm.example")
    assert an_employee(a_company(), login=False, address=NIA).pk


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_add_one_person_the_second_invites(firm: Firm, company: Company) -> None:
    actors = [as_actor(user_of(firm.admin)), as_actor(user_of(an_admin(company)))]

    results = race(
        [lambda actor=actor, key=key: adding(actor, key) for key, actor in enumerate(actors)],  # type: ignore[misc]
        held=lambda: list(Employee.objects.select_for_update().filter(access="ADMIN")),
    )

    assert sorted(result.is_new for result, _invitation in results) == [False, True]
    assert Employee.objects.filter(company=company, user=None).count() == 1
    assert Invitation.objects.open().count() == 1


@pytest.fixture
def unguarded() -> Iterator[None]:
    """The database without the index that keeps an address for one."""
    [guard] = [one for one in Employee._meta.constraints if one.name == "employee_address_unique"]
    with connection.schema_editor() as editor:
        editor.remove_constraint(Employee, guard)
    yield
    empty_the_tables()
    with connection.schema_editor() as editor:
        editor.add_constraint(Employee, guard)


def _invited_at_once(company: Company, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    people = [an_employee(company, login=False) for _ in range(2)]
    actor = actor_of(a_manager(), now=timezone.now())
    meet_before(monkeypatch, Employee, "save", 2)

    def inviting(person: Employee) -> Any:
        return lambda: invite(actor=actor, employee_id=person.pk, address=NIA, language="en", now=timezone.now())

    return race([inviting(person) for person in people])


@pytest.mark.django_db(transaction=True)
def test_of_two_people_invited_at_one_address_at_once_one_is(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    results = _invited_at_once(firm.membership.company, monkeypatch)

    assert sorted(type(result).__name__ for result in results) == ["AddressOfAnotherError", "Invitation"]
    assert Employee.objects.filter(address=NIA).count() == Invitation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("unguarded")
def test_without_the_guard_both_would_be(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    results = _invited_at_once(firm.membership.company, monkeypatch)

    assert [type(result).__name__ for result in results] == ["Invitation", "Invitation"]
    assert Employee.objects.filter(address=NIA).count() == 2


def by_provider(sign_on: SingleSignOn, address: str = NIA, subject: str = "nia") -> User:
    """Come in by the company's provider."""
    claims = {"sub": subject, "email": address, "name": "Nia of the Provider"}
    return person_behind(sign_on, claims, now=timezone.now())


@pytest.fixture
def sign_on(company: Company) -> SingleSignOn:
    """The firm's provider, which adds people."""
    return a_single_sign_on(company, "https://login.firm.example", "firm.example", makes_people=True)


def test_provider_that_adds_people_takes_whoever_is_known_by_the_address(
    firm: Firm, nia: Employee, sign_on: SingleSignOn
) -> None:
    count = Employee.objects.count()

    user = by_provider(sign_on)

    nia.refresh_from_db()
    assert (nia.user, nia.address, nia.name, user.name, user.email) == (user, "", "Nia", "Nia", NIA)
    assert Employee.objects.count() == count
    assert by_provider(sign_on, "changed@firm.example") == user


def test_provider_s_word_accepts_an_invitation_where_it_adds_nobody(
    firm: Firm, nia: Employee, sign_on: SingleSignOn
) -> None:
    SingleSignOn.objects.update(makes_people=False)
    sign_on.refresh_from_db()
    with pytest.raises(UnknownPersonError):
        by_provider(sign_on)
    invitation = asked(firm, nia)
    Invitation.objects.update(invited_at=timezone.now() - LIFETIME, expires_at=timezone.now())
    with pytest.raises(UnknownPersonError):
        by_provider(sign_on)
    assert not User.objects.filter(email=NIA).exists()

    asked(firm, nia)
    user = by_provider(sign_on)

    nia.refresh_from_db()
    assert nia.user == user
    last = Invitation.objects.latest("pk")
    assert (last.state(timezone.now()), last != invitation) == (Invitation.State.ACCEPTED, True)
    trail = AuditEntry.objects.filter(actor=user).order_by("pk")
    assert list(trail.values_list("action", flat=True)) == ["invitation-accepted", "sign-on-bound"]


def test_provider_adds_nobody_anew_who_was_shut_out(nia: Employee, sign_on: SingleSignOn) -> None:
    Employee.objects.filter(pk=nia.pk).update(is_active=False)
    before = fingerprint()

    with pytest.raises(NotOfTheCompanyError):
        by_provider(sign_on)

    assert fingerprint() == before


def test_provider_takes_nobody_of_another_company_for_its_own(sign_on: SingleSignOn, company: Company) -> None:
    elsewhere = an_employee(a_company(), login=False, address=NIA)
    a_subscription()

    user = by_provider(sign_on)

    elsewhere.refresh_from_db()
    assert (elsewhere.user, elsewhere.address) == (None, NIA)
    person = Employee.objects.get(user=user)
    assert (person.company, person.name) == (company, "Nia of the Provider")
    assert WebhookEvent.objects.get(kind="employee.changed").facts["employee"]["id"] == person.pk


def test_link_opens_no_door_of_its_own_where_the_provider_is_the_only_way_in(
    firm: Firm, nia: Employee, sign_on: SingleSignOn, client: Client
) -> None:
    SingleSignOn.objects.update(is_required=True)
    asked(firm, nia)
    word = word_sent()
    before = fingerprint()
    said = {"name": "Nia", "password": WORD, "language": "en", "time_zone": "UTC"}

    shown, sent = client.get(f"/join/{word}/"), client.post(f"/join/{word}/", said)
    with pytest.raises(OnlyByCompanyError):
        accept(token=word, arrival=Arrival("Nia", WORD, "en", "UTC"), now=timezone.now())

    assert (shown.status_code, sent.status_code) == (200, 409)
    assert "signs in with its own sign-in. Go on there as nia@firm.example" in words_of(shown)
    assert f'href="/accounts/company/{sign_on.provider_id}/"' in source_of(shown)
    assert "_auth_user_id" not in client.session
    assert fingerprint() == before

    by_provider(sign_on)
    assert Invitation.objects.get().state(timezone.now()) == Invitation.State.ACCEPTED


@pytest.mark.django_db(transaction=True)
def test_link_and_provider_at_once_make_one_login(firm: Firm, nia: Employee, sign_on: SingleSignOn) -> None:
    asked(firm, nia)
    word = word_sent()
    arrival = Arrival("Nia", WORD, "en", "UTC")

    by_link, user = race(
        [lambda: accept(token=word, arrival=arrival, now=timezone.now()), lambda: by_provider(sign_on)],
        held=lambda: Employee.objects.select_for_update().get(pk=nia.pk),
    )

    nia.refresh_from_db()
    assert nia.user == user
    assert by_link == user or isinstance(by_link, NoSuchInvitationError)
    assert User.objects.filter(email__iexact=NIA).count() == 1
    assert Invitation.objects.get().state(timezone.now()) == Invitation.State.ACCEPTED
