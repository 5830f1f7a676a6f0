"""Who somebody is whom a company's identity provider vouches for: somebody of that very company, or nobody."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit, sessions
from accounts.invitations import is_asked_in, take_in
from accounts.models import Employee, SingleSignOn, User
from accounts.text import validate_plain_text
from accounts.webhooks.people import announce_employee


class SignOnRefusedError(Exception):
    """Somebody whom a provider vouches for does not get in."""


class AddressNotVerifiedError(SignOnRefusedError):
    """The provider names no e-mail address, or says that it is not verified."""


class ForeignDomainError(SignOnRefusedError):
    """The e-mail address is not of a domain that the provider answers for."""


class UnknownPersonError(SignOnRefusedError):
    """Nobody of the company has this e-mail address, and the provider adds nobody."""


class NotOfTheCompanyError(SignOnRefusedError):
    """The login belongs to somebody else: of another company, of the vendor's, or who has left."""


class BoundToAnotherError(SignOnRefusedError):
    """The login is bound to somebody else at the provider: the address was given to a new person there."""


def sign_on_by_provider_id(provider_id: str) -> SingleSignOn | None:
    """Return the provider in use that is called so in addresses."""
    pk = provider_id.partition("-")[0]
    rows = SingleSignOn.objects.select_related("company").filter(is_active=True)
    found = rows.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 18 else None
    return found if found is not None and found.provider_id == provider_id else None


def sign_on_for_address(email: str) -> SingleSignOn | None:
    """Return the provider in use that answers for the domain of `email`, whoever that may be."""
    domain = email.rpartition("@")[2].strip().lower()
    rows = SingleSignOn.objects.select_related("company").filter(is_active=True, domains__domain=domain)
    return rows.first() if "\0" not in domain else None


def sign_on_of(user: User) -> SingleSignOn | None:
    """Return the provider in use of the company that `user` works for."""
    rows = SingleSignOn.objects.select_related("company").filter(is_active=True)
    return rows.filter(company__employees__user_id=user.pk).first()


def person_behind(sign_on: SingleSignOn, claims: Mapping[str, Any], *, now: datetime) -> User:
    """Return the user whom `sign_on` vouches for by the claims of a checked id token (`sub`, `email`, …).

    At the first sign-in the user is found by the address, or added where the provider adds people, as the very employee
    that is known by it where there is one; from then on `sub` alone says who it is. An invitation that waits at the
    address is accepted by it, as by its link. Raises a SignOnRefusedError; then nothing has changed.
    """
    bound = _bound(sign_on, claims["sub"])
    if bound is not None:
        _check_company(bound, sign_on)
        return bound
    email = _verified_address(sign_on, claims)
    with transaction.atomic():
        SingleSignOn.objects.select_for_update(no_key=True).get(pk=sign_on.pk)  # two first sign-ins make one person
        bound = _bound(sign_on, claims["sub"])
        if bound is not None:
            return bound
        waiting = _waiting(sign_on, email)
        known: User | None = User.objects.filter(email__iexact=email).select_related("employee").first()
        user = known or _add(sign_on, email, str(claims.get("name") or ""), waiting, now)
        _check_company(user, sign_on)
        if SocialAccount.objects.filter(user=user, provider=sign_on.provider_id).exists():
            raise BoundToAnotherError
        SocialAccount.objects.create(user=user, provider=sign_on.provider_id, uid=claims["sub"])
        audit.record("sign-on-bound", user, actor_id=user.pk, now=now, company_id=sign_on.company_id)
    return user


def require(sign_on: SingleSignOn) -> int:
    """End the sessions of the company's people, who sign in with the provider alone from now on; returns how many."""
    people = Employee.objects.filter(company_id=sign_on.company_id, user__isnull=False)
    return sessions.end_sessions_of(_ids(people.values_list("user_id", flat=True)))


def _ids(found: Collection[int | None]) -> list[int]:
    return [pk for pk in found if pk is not None]


def _bound(sign_on: SingleSignOn, subject: str) -> User | None:
    accounts = SocialAccount.objects.filter(provider=sign_on.provider_id, uid=subject)
    found: User | None = User.objects.filter(pk__in=accounts.values("user_id")).select_related("employee").first()
    return found


def _check_company(user: User, sign_on: SingleSignOn) -> None:
    """Whoever is no active employee of the company does not get in by its provider, whatever it says."""
    employee: Employee | None = getattr(user, "employee", None)
    if employee is None or employee.company_id != sign_on.company_id or not employee.is_active or user.is_staff:
        raise NotOfTheCompanyError


def _verified_address(sign_on: SingleSignOn, claims: Mapping[str, Any]) -> str:
    """Return the address that the provider vouches for.

    It may be silent on `email_verified`, as Microsoft Entra ID is: the domains that the vendor wrote down for it are
    its company's own, and of these it is the one to know. What it does say counts.
    """
    email = claims.get("email")
    if not isinstance(email, str) or "\0" in email or claims.get("email_verified", True) is not True:
        raise AddressNotVerifiedError
    if not sign_on.domains.filter(domain=email.rpartition("@")[2].lower()).exists():
        raise ForeignDomainError
    return email


def _waiting(sign_on: SingleSignOn, email: str) -> Employee | None:
    """Return who of the company is known by the address, without a login; locked, so that one way in makes one."""
    rows = Employee.objects.select_for_update(no_key=True).filter(company_id=sign_on.company_id, user__isnull=True)
    return rows.filter(address__iexact=email).first()


def _add(sign_on: SingleSignOn, email: str, name: str, waiting: Employee | None, now: datetime) -> User:
    if not sign_on.makes_people and (waiting is None or not is_asked_in(waiting, now=now)):
        raise UnknownPersonError
    if waiting is not None and not waiting.is_active:
        raise NotOfTheCompanyError
    called = waiting.name if waiting is not None else _name_of(email, name)
    user: User = User.objects.create_user(email=email, name=called)
    employee = waiting or Employee.objects.create(company_id=sign_on.company_id, name=called)
    take_in(employee, user, now=now)
    if waiting is None:
        audit.record(
            "person-added", employee, actor_id=user.pk, now=now, company_id=sign_on.company_id, access=employee.access
        )
        announce_employee(employee, now=now)
    return user


def _name_of(email: str, name: str) -> str:
    try:
        validate_plain_text(name)
    except ValidationError:
        name = ""
    return name.strip()[:150] or email.partition("@")[0][:150]
