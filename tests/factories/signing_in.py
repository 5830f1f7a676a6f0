"""Signing in, whole: what `force_login` of a test's browser stands for, and the codes of an authenticator app."""

import time

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from allauth.account.internal.userkit import user_id_to_str
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import encrypt
from django.test import Client
from django.utils import timezone

from accounts.actors import actor_of
from accounts.models import User

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

_bare_force_login = Client.force_login


def an_authenticator_app(user: User) -> Authenticator:
    """The second factor of `user`: an app that knows SECRET."""
    app, _is_new = Authenticator.objects.get_or_create(
        user=user, type=Authenticator.Type.TOTP, defaults={"data": {"secret": encrypt(SECRET)}}
    )
    return app


def code_of_the_app(secret: str = SECRET, *, steps_ahead: int = 0) -> str:
    """What the app shows now, or will show so many half minutes later."""
    now = list(yield_hotp_counters_from_time())[1]  # of the tolerated ones the middle
    return str(format_hotp_value(hotp_value(secret, now + steps_ahead)))


def signed_in_long_ago(client: Client, seconds: int = 3600) -> None:
    """Make a browser's sign-in older than it is."""
    session = client.session
    for record in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] -= seconds
    session.save()


def sign_in_whole(client: Client, user: User, backend: str | None = None) -> None:
    """Sign in as by the door, just now: with the password, and with an authenticator app whoever must have one."""
    _bare_force_login(client, user, backend)
    records = [{"method": "password", "at": time.time(), "email": user.email}]
    actor = actor_of(user, now=timezone.now())
    if actor.is_manager or actor.is_account_manager:
        app = an_authenticator_app(user)
        records.append({"method": "mfa", "at": time.time(), "id": app.pk, "type": app.type})
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = records
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = user_id_to_str(user)
    session.save()


def sign_in_by_password_alone(client: Client, user: User) -> None:
    """Sign in without a second factor, whoever it is."""
    _bare_force_login(client, user)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time(), "email": user.email}]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = user_id_to_str(user)
    session.save()
