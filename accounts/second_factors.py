"""Who must show a second factor, and whether this session has: without it a manager is nobody's manager."""

from datetime import datetime
from enum import StrEnum

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from accounts import audit, sessions
from accounts.actors import Actor
from accounts.models import User

LOOPBACK = ("127.0.0.1", "::1")


class SecondFactor(StrEnum):
    """How it stands with the second factor of a session."""

    NOT_NEEDED = "not needed"
    SHOWN = "shown"
    EXEMPT = "exempt"
    """One of the demo's own logins, on the demo's own machine; the pages say so."""
    MISSING = "missing"


def state_of(request: HttpRequest, actor: Actor) -> SecondFactor:
    """Return how it stands with the second factor of the session, whose user is `actor`."""
    if not (actor.is_manager or (actor.is_account_manager and settings.ACCOUNT_MANAGERS_NEED_SECOND_FACTOR)):
        return SecondFactor.NOT_NEEDED
    if _has_shown_one(request):
        return SecondFactor.SHOWN
    return SecondFactor.EXEMPT if _is_exempt(request) else SecondFactor.MISSING


def record_as_shown(request: HttpRequest, authenticator: Authenticator) -> None:
    """Take a second factor that was set up a moment ago, with proof of having it, as shown in this session."""
    record_authentication(request, request.user, "mfa", id=authenticator.pk, type=authenticator.type)


def forget_second_factors(user: User, *, now: datetime) -> int:
    """Take away what `user` has lost and end every session; returns how many there were. For who runs the site."""
    with transaction.atomic():
        found = Authenticator.objects.filter(user=user)
        count = len(found)
        found.delete()
        sessions.end_sessions_of([user.pk])
        audit.record("second-factors-forgotten", user, actor_id=None, now=now, count=count)
    return count


def _has_shown_one(request: HttpRequest) -> bool:
    """Whether the session was shown a second factor that the user still has."""
    records = get_authentication_records(request, request.user)
    shown = {record.get("id") for record in records if record["method"] == "mfa"}
    rows = Authenticator.objects.filter(user_id=request.user.pk, pk__in=shown)
    return bool(shown) and bool(rows.exists())


def _is_exempt(request: HttpRequest) -> bool:
    exempt = settings.LOGINS_OF_THE_DEMO
    return bool(exempt) and request.user.email in exempt and request.META.get("REMOTE_ADDR") in LOOPBACK  # type: ignore[union-attr]
