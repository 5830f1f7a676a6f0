"""API clients: made, given a new secret, switched off and on; each act on record (A1)."""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from allauth.idp.oidc.models import Client, Token
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Company, Scope, ServiceClient, User

GRANT = Client.GrantType.CLIENT_CREDENTIALS


class SwitchedOffError(Exception):
    """A client that is switched off gets no secret."""

    def __str__(self) -> str:
        return _("The client is switched off: switch it on first.")


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A client and its secret, which is kept as a hash only: this is the one time that it can be read."""

    client: ServiceClient
    secret: str


def create_client(
    *,
    name: str,
    scopes: Collection[Scope],
    by: User | None,
    now: datetime,
    companies: Iterable[Company] | None = None,
    requests_a_minute: int = 600,
    client_id: str = "",
    secret: str = "",
) -> NewSecret:
    """Make a client that may do what `scopes` name, for `companies` (None: all of them).

    Only the demo, where everybody may know them, gives `client_id` and `secret` itself.
    """
    secret = secret or secrets.token_urlsafe(32)
    with transaction.atomic():
        oauth_client = Client(
            id=client_id or uuid4().hex, name=name, type=Client.Type.CONFIDENTIAL, response_types="", redirect_uris=""
        )
        oauth_client.set_grant_types([GRANT])
        _set_scopes(oauth_client, scopes)
        oauth_client.set_secret(secret)
        oauth_client.save(force_insert=True)
        # Nobody signs in as this user: it is switched off, and `.invalid` receives no mail (RFC 2606).
        user = User.objects.create_user(f"api-{oauth_client.pk}@service.invalid", name=name, is_active=False)
        client = ServiceClient.objects.create(
            oauth_client=oauth_client,
            user=user,
            has_all_companies=companies is None,
            requests_a_minute=requests_a_minute,
            made_by=by,
            created_at=now,
        )
        client.companies.set(companies or ())
        _record("api-client-created", client, by, now, scopes=" ".join(sorted(scopes)))
    return NewSecret(client, secret)


def rotate_secret(*, client: ServiceClient, by: User, now: datetime) -> NewSecret:
    """Give a client a new secret; the old one and every token that it fetched end at once. Raises SwitchedOffError."""
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        client = ServiceClient.objects.select_for_update().get(pk=client.pk)
        if not client.is_active:
            raise SwitchedOffError
        oauth_client = Client.objects.select_for_update().get(pk=client.oauth_client_id)
        oauth_client.set_secret(secret)
        oauth_client.save(update_fields=["secret"])
        Token.objects.filter(client=oauth_client).delete()
        _record("api-secret-rotated", client, by, now)
    return NewSecret(client, secret)


def change_scopes(*, client: ServiceClient, scopes: Collection[Scope], by: User, now: datetime) -> None:
    """Let a client do what `scopes` name, and no more: what is taken is gone for tokens that it holds, too."""
    with transaction.atomic():
        oauth_client = Client.objects.select_for_update().get(pk=client.oauth_client_id)
        if set(oauth_client.get_scopes()) == set(scopes):
            return
        _set_scopes(oauth_client, scopes)
        oauth_client.save(update_fields=["scopes", "default_scopes"])
        _record("api-scopes-changed", client, by, now, scopes=" ".join(sorted(scopes)))


def switch(*, client: ServiceClient, is_active: bool, by: User, now: datetime) -> ServiceClient:
    """Switch a client off, with every token that it holds, or on again. Twice does nothing."""
    with transaction.atomic():
        client = ServiceClient.objects.select_for_update().get(pk=client.pk)
        if client.is_active == is_active:
            return client
        client.is_active = is_active
        client.save(update_fields=["is_active"])
        Token.objects.filter(client=client.oauth_client_id).delete()
        _record("api-client-switched", client, by, now, is_active=int(is_active))
    return client


def forget_tokens(*, now: datetime) -> int:
    """Forget access tokens that opened nothing since yesterday; returns how many."""
    counted: int = Token.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()[0]
    return counted


def _set_scopes(oauth_client: Client, scopes: Collection[Scope]) -> None:
    words = [str(scope) for scope in Scope if scope in scopes]
    oauth_client.set_scopes(words)
    oauth_client.set_default_scopes(words)


def _record(action: str, client: ServiceClient, by: User | None, now: datetime, **numbers: int | str) -> None:
    audit.record(action, client, actor_id=by.pk if by else None, now=now, company_id=None, reason="", **numbers)
