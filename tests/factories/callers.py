"""Other systems that call the API, with a token in their hands."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from allauth.idp.oidc.models import Token
from django.test import Client
from django.utils import timezone

from accounts.models import Company, Scope, ServiceClient
from accounts.service_clients import create_client
from loyalty.models import Source

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

V1 = "/api/v1"
ALL_SCOPES = tuple(Scope)

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of the API and a token of its own."""

    client: ServiceClient
    token: str
    browser: Client

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a request to `/api/v1` + path; `body` as JSON, bytes as they are."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer: Answer = self.browser.generic(
            method,
            path if path.startswith("/api/") else V1 + path,
            content,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        """Read."""
        return self.send("GET", path, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        """Send."""
        return self.send("POST", path, body, **headers)

    def put(self, path: str, body: object = None, **headers: str) -> Answer:
        """Put."""
        return self.send("PUT", path, body, **headers)


def a_caller(
    *scopes: Scope,
    companies: Iterable[Company] | None = None,
    sources: Iterable[Source] = (),
    requests_a_minute: int = 10_000,
    name: str = "",
    lasts: timedelta = timedelta(hours=1),
) -> Caller:
    """A client with a token for `scopes` (none: all of them); `companies` None: all of them."""
    number = next(_numbers)
    wanted = scopes or ALL_SCOPES
    made = create_client(
        name=name or f"System {number}",
        scopes=wanted,
        by=None,
        now=timezone.now(),
        companies=companies,
        requests_a_minute=requests_a_minute,
    )
    made.client.sources.set(sources)
    return Caller(made.client, a_token(made.client, *wanted, lasts=lasts), Client(raise_request_exception=False))


def a_token(client: ServiceClient, *scopes: Scope, lasts: timedelta = timedelta(hours=1)) -> str:
    """An access token, as the token endpoint would give it."""
    value = f"token-{next(_numbers)}"
    token = Token(type=Token.Type.ACCESS_TOKEN, client=client.oauth_client, expires_at=timezone.now() + lasts)
    token.set_value(value)
    token.set_scopes([str(scope) for scope in scopes])
    token.save()
    return value
