"""Who asks: the client that an access token was given to, and the user in whose name it acts. One query."""

from dataclasses import dataclass
from datetime import datetime

from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.models import Token
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import arrays
from accounts.actors import Actor, actor_of_client
from accounts.api.problems import Problem
from accounts.models import Scope, ServiceClient

REALM = 'Bearer realm="Twofold"'


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a token says: which client asks, as whom, and what it may do."""

    client: ServiceClient
    actor: Actor
    scopes: frozenset[str]


class ClientToken(BaseAuthentication):
    """`Authorization: Bearer …`, and nothing else: a session opens no door here."""

    def authenticate(self, request: Request) -> tuple[ServiceClient, Credentials] | None:
        """Return the client and what its token says; None where no token came. Raises Problem."""
        scheme, _space, word = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        now = timezone.now()
        found = _behind(word.strip().decode("latin-1"))
        if found is None or not found[0].is_active:
            raise _refused("token_invalid")
        client, scopes, expires_at = found
        if expires_at is None or expires_at <= now:
            raise _refused("token_expired")
        return client, Credentials(client, actor_of_client(client, now=now), scopes)

    def authenticate_header(self, request: Request) -> str:
        """Say how to sign in, with every 401."""
        return REALM


class HasScope(BasePermission):
    """A view names a scope a method; a token must hold it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the token may; raises Problem, which says what is missing."""
        if not isinstance(request.auth, Credentials):
            raise _refused("not_signed_in")
        scope = scope_of(view, request.method or "")
        if scope is not None and scope not in request.auth.scopes:
            raise Problem(
                "scope_missing",
                _("This needs the scope “%(scope)s”.") % {"scope": scope},
                headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'},
            )
        return True


def scope_of(view: APIView, method: str) -> Scope | None:
    """Return the scope that `view` wants for `method`; reading is `read` unless the view says otherwise."""
    scopes: dict[str, Scope] = getattr(view, "scopes", {})
    if method in ("GET", "HEAD"):
        return scopes.get("GET", Scope.READ)
    return scopes.get(method)


def _behind(word: str) -> tuple[ServiceClient, frozenset[str], datetime | None] | None:
    """The client that a token was given to, what it may do, and when it ends.

    A scope that was taken from the client is gone at once, not when its tokens end. The query is written, and planned
    once a connection: to build its text anew, and to plan it, took as long as all else that signing in does.
    """
    rows = arrays.fetch(_BEHIND, get_adapter().hash_token(word), str(Token.Type.ACCESS_TOKEN))
    if not rows:
        return None
    [[*values, allowed, granted, expires_at]] = rows
    client = ServiceClient(**dict(zip(_OF_CLIENT, values, strict=True)))
    return client, frozenset(allowed.split()) & frozenset(granted.split()), expires_at


_OF_CLIENT = ("id", "user_id", "oauth_client_id", "has_all_companies", "requests_a_minute", "is_active")
_BEHIND = f"""
    SELECT {", ".join(f"s.{name}" for name in _OF_CLIENT)}, c.scopes, t.scopes, t.expires_at
    FROM allauth_idp_oidc_token t
    JOIN allauth_idp_oidc_client c ON c.id = t.client_id
    JOIN accounts_serviceclient s ON s.oauth_client_id = c.id
    WHERE t.hash = %s AND t.type = %s"""  # noqa: S608 (names are code)


def _refused(code: str) -> Problem:
    error = "" if code == "not_signed_in" else ', error="invalid_token"'
    return Problem(code, headers={"WWW-Authenticate": REALM + error})
