"""Invitations: a company's admin or the vendor asks somebody in by e-mail, and the person chooses a password.

The word in the link is 32 random bytes, made when the e-mail is sent; only its hash is kept. It works once, for the
employee and the address it was sent to, for 14 days; inviting again makes a new one and ends the old.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from accounts import audit, mail
from accounts.actors import Actor
from accounts.mail import MailKind, NothingToSendError, Prepared
from accounts.models import Employee, Invitation, Mail, SingleSignOn, User
from accounts.people import Added, NotYoursToManageError, Person, add_person, may_manage_people, person_at

LIFETIME = timedelta(days=14)
MOST_AN_HOUR = 50
"""So many people of one company are invited within an hour."""

MOST_A_PERSON = 5
"""So many e-mails one person gets within a day, whoever asks for them."""


class InvitationError(Exception):
    """An invitation that cannot be."""


class NoSuchEmployeeError(InvitationError):
    """There is no such person, or nobody whom the actor may invite."""


class SignsInAlreadyError(InvitationError):
    """The person has a login, or is no longer let in."""


class TooManyInvitationsError(InvitationError):
    """The company, or this person, was invited as often as it may be within the hour or the day."""


class NothingOpenError(InvitationError):
    """The invitation was accepted or taken back."""


class NoSuchInvitationError(InvitationError):
    """A word that opens nothing: guessed, used, taken back or expired; which of these is nobody's business."""


class AddressTakenError(InvitationError):
    """Somebody signs in with this address already."""


class OnlyByCompanyError(InvitationError):
    """The company's people come in by the company's own sign-in alone, which accepts the invitation, too."""


class AddressOfAnotherError(InvitationError):
    """Somebody else of the company signs in with this address, or is known by it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What somebody says who accepts."""

    name: str
    password: str
    language: str
    time_zone: str


def invite(*, actor: Actor, employee_id: int, address: str, language: str, now: datetime) -> Invitation:
    """Ask an employee without a login in; an invitation that was open is taken back, its link ends.

    The person is known by the address from then on. For admins of the company and program managers. Raises
    NotYoursToManageError, NoSuchEmployeeError, SignsInAlreadyError, AddressOfAnotherError or TooManyInvitationsError;
    then nothing has changed.
    """
    with transaction.atomic():
        employee = _to_be_invited(actor, employee_id)
        _check_rate(employee, now)
        for earlier in Invitation.objects.open().filter(employee=employee):
            _revoke(earlier, actor, now)
        _make_known(employee, address, actor, now)
        invitation = Invitation.objects.create(
            employee=employee,
            address=address,
            language=language,
            invited_by_id=actor.user_id,
            invited_at=now,
            expires_at=now + LIFETIME,
        )
        _record("invited", invitation, actor.user_id, now)
        mail.send(INVITED, address=address, language=language, facts=_facts(invitation), now=now)
    return invitation


def add_and_invite(
    *, actor: Actor, person: Person, address: str, language: str, key: str, now: datetime
) -> tuple[Added, Invitation | None]:
    """Add somebody to the actor's company and, where there is an address, ask them in; the same `key` does it once.

    Where the address is a colleague's who has no login yet, nobody is added, and the colleague is asked in instead.
    Raises what `add_person` and `invite` raise; then nothing has changed.
    """
    with transaction.atomic():
        added = add_person(actor=actor, person=person, key=key, now=now, address=address)
        is_waiting = added.was_there and _can_sign_in_newly(added.employee)
        if not address or not (added.is_new or is_waiting):
            return added, None
        return added, invite(actor=actor, employee_id=added.employee.pk, address=address, language=language, now=now)


def revoke(*, actor: Actor, invitation_id: int, now: datetime) -> Invitation:
    """Take an invitation back: its link opens nothing any more, and the person is no longer known by its address.

    Raises NotYoursToManageError, NoSuchInvitationError or NothingOpenError.
    """
    _check_may_invite(actor)
    with transaction.atomic():
        rows = Invitation.objects.visible_to(actor).filter(pk=invitation_id)
        people = Employee.objects.select_for_update(no_key=True, of=("self",))
        employee = people.filter(pk__in=rows.values("employee")).first()  # before its invitation, as everywhere
        invitation = rows.select_for_update(of=("self",)).first()
        if employee is None or invitation is None:
            raise NoSuchInvitationError
        if invitation.state(now) not in (Invitation.State.WAITING, Invitation.State.EXPIRED):
            raise NothingOpenError
        _revoke(invitation, actor, now)
        if employee.address.lower() == invitation.address.lower():
            employee.address = ""
            employee.save(update_fields=["address"])
    return invitation


def find(token: str, *, now: datetime) -> Invitation:
    """Return the invitation that the word of a link opens. Raises NoSuchInvitationError, whyever it opens none."""
    rows = Invitation.objects.open().select_related("employee__company", "invited_by")
    invitation = rows.filter(token_hash=_hash(token), expires_at__gt=now).first()
    if invitation is None or not _can_sign_in_newly(invitation.employee):
        raise NoSuchInvitationError
    return invitation


def only_way_in(invitation: Invitation) -> SingleSignOn | None:
    """Return the company's own sign-in where whoever is invited has to come in by it, and not by the link."""
    rows = SingleSignOn.objects.filter(is_active=True, is_required=True)
    return rows.filter(company_id=invitation.employee.company_id).first()


def accept(*, token: str, arrival: Arrival, now: datetime) -> User:
    """Make the login of whoever was invited, once. `arrival.password` has passed the validators.

    Raises NoSuchInvitationError, OnlyByCompanyError or AddressTakenError; then nothing has changed.
    """
    found = find(token, now=now)
    with transaction.atomic():
        employee = Employee.objects.select_for_update(no_key=True).get(pk=found.employee_id)
        invitation = find(token, now=now)  # again, under the lock: of two clicks one has been served by now
        if only_way_in(invitation) is not None:
            raise OnlyByCompanyError
        user = _new_user(invitation, arrival)
        employee.name = arrival.name
        employee.save(update_fields=["name"])
        take_in(employee, user, now=now)
    return user


def is_asked_in(employee: Employee, *, now: datetime) -> bool:
    """Whether an invitation to the address that the employee is known by waits for an answer."""
    waiting = Invitation.objects.open().filter(employee=employee, expires_at__gt=now)
    return bool(employee.address) and waiting.filter(address__iexact=employee.address).exists()


def take_in(employee: Employee, user: User, *, now: datetime) -> None:
    """Give the employee, whose row the caller has locked, the login; what invitation there is has been answered."""
    employee.user, employee.address = user, ""
    employee.save(update_fields=["user", "address"])
    for invitation in Invitation.objects.open().filter(employee=employee):
        invitation.accepted_at = now
        invitation.save(update_fields=["accepted_at"])
        _record("invitation-accepted", invitation, user.pk, now)


def _new_user(invitation: Invitation, arrival: Arrival) -> User:
    if User.objects.filter(email__iexact=invitation.address).exists():
        raise AddressTakenError
    try:
        with transaction.atomic():
            return User.objects.create_user(
                invitation.address,
                arrival.password,
                name=arrival.name,
                language=arrival.language,
                time_zone=arrival.time_zone,
            )
    except IntegrityError:  # somebody was quicker
        raise AddressTakenError from None


def _to_be_invited(actor: Actor, employee_id: int) -> Employee:
    _check_may_invite(actor)
    rows = Employee.objects.visible_to(actor).select_for_update(no_key=True, of=("self",)).select_related("company")
    employee = rows.filter(pk=employee_id).first()
    if employee is None or not (actor.is_manager or employee.company_id == actor.company_id):
        raise NoSuchEmployeeError
    if not _can_sign_in_newly(employee):
        raise SignsInAlreadyError
    return employee


def _make_known(employee: Employee, address: str, actor: Actor, now: datetime) -> None:
    """Let the address be the employee's; somebody who left before coming by it is no longer known by it."""
    other = person_at(employee.company_id, address)
    if other is not None and other.pk != employee.pk:
        if other.user_id is not None or other.is_active:
            raise AddressOfAnotherError
        for invitation in Invitation.objects.open().filter(employee=other):
            _revoke(invitation, actor, now)
        Employee.objects.filter(pk=other.pk).update(address="")
    employee.address = address
    try:
        with transaction.atomic():
            employee.save(update_fields=["address"])
    except IntegrityError:  # somebody was quicker
        raise AddressOfAnotherError from None


def _check_may_invite(actor: Actor) -> None:
    if not (actor.is_manager or may_manage_people(actor)):
        raise NotYoursToManageError


def _can_sign_in_newly(employee: Employee) -> bool:
    return employee.user_id is None and employee.is_active


def _check_rate(employee: Employee, now: datetime) -> None:
    sent = Invitation.objects.filter(employee__company_id=employee.company_id)
    in_an_hour = sent.filter(invited_at__gt=now - timedelta(hours=1)).count()
    of_the_person = sent.filter(employee=employee, invited_at__gt=now - timedelta(days=1)).count()
    if in_an_hour >= MOST_AN_HOUR or of_the_person >= MOST_A_PERSON:
        raise TooManyInvitationsError


def _revoke(invitation: Invitation, actor: Actor, now: datetime) -> None:
    invitation.revoked_at, invitation.token_hash = now, None
    invitation.save(update_fields=["revoked_at", "token_hash"])
    _record("invitation-revoked", invitation, actor.user_id, now)


def _record(action: str, invitation: Invitation, by_user_id: int, now: datetime) -> None:
    employee = invitation.employee
    audit.record(action, invitation, actor_id=by_user_id, now=now, company_id=employee.company_id, employee=employee.pk)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _facts(invitation: Invitation) -> dict[str, str | int]:
    employee = invitation.employee
    return {
        "invitation": invitation.pk,
        "name": employee.name,
        "company": employee.company.name,
        "person": User.objects.values_list("name", flat=True).get(pk=invitation.invited_by_id),
    }


def _make_link(letter: Mail, now: datetime) -> Prepared:
    """Make the word that opens the door; one that was sent before opens nothing any more."""
    invitation = (
        Invitation.objects.open().select_for_update().filter(pk=letter.facts["invitation"], expires_at__gt=now).first()
    )
    if invitation is None:
        raise NothingToSendError(str(_("The invitation was accepted, taken back, or has expired.")))
    token = secrets.token_urlsafe(32)
    invitation.token_hash = _hash(token)
    invitation.save(update_fields=["token_hash"])
    return {"link": reverse("join", args=[token]), "day": date_format(localtime(invitation.expires_at))}


INVITED = MailKind(
    "invited",
    _("{person} invites you to take part for {company}"),
    (
        _("{person} invites you to Twofold, where {company} and its people collect points and see what they bring."),
        _("Choose a password and you are in. The link works once, until {day}."),
    ),
    _(
        "You get this because {person} of {company} entered your address. If you do not know them, do nothing: "
        "without you no login is made."
    ),
    button=_("Accept the invitation"),
    prepare=_make_link,
)
