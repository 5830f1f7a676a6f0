"""Tokens: who gets one, what it opens, and when it ends."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Scope, ServiceClient
from accounts.service_clients import change_scopes, create_client, rotate_secret, switch
from tests.factories.callers import Caller, a_caller
from tests.factories.world import PASSWORD, a_manager, a_user

pytestmark = pytest.mark.django_db

READ, WRITE = Scope.READ, Scope.ACTIVITIES_WRITE


def ask(client_id: str, secret: str, **fields: str) -> Any:
    """Ask for a token."""
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return Client().post(
        "/api/token/", {"grant_type": "client_credentials", **fields}, headers={"Authorization": f"Basic {basic}"}
    )


def status_with(token: str) -> int:
    """What reading activities answers to a token."""
    return Client().get("/api/v1/activities/", headers={"Authorization": f"Bearer {token}"}).status_code


def test_id_and_secret_give_a_token_for_an_hour_that_opens_the_api() -> None:
    made = create_client(name="ERP", scopes=[READ, WRITE], by=None, now=timezone.now())

    answer = ask(made.client.oauth_client_id, made.secret)

    assert answer.status_code == 200
    token = answer.json()
    assert {name: token[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "read activities:write",
    }
    assert "no-store" in answer["Cache-Control"]
    assert status_with(token["access_token"]) == 200
    assert ServiceClient.objects.get().last_token_at is not None


def test_fields_of_the_body_serve_where_basic_authentication_does_not() -> None:
    made = create_client(name="ERP", scopes=[READ], by=None, now=timezone.now())
    fields = {"client_id": made.client.oauth_client_id, "client_secret": made.secret}

    answer = Client().post("/api/token/", {"grant_type": "client_credentials", **fields})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"scope": "people:write"}, 400, "invalid_scope"),
        ({"grant_type": "password", "username": "a@example.com", "password": PASSWORD}, 400, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "guessed"}, 400, "unauthorized_client"),
        ({"grant_type": "refresh_token", "refresh_token": "guessed"}, 400, "unauthorized_client"),
        ({"grant_type": ""}, 400, "unsupported_grant_type"),
    ],
)
def test_nothing_but_its_own_scopes_by_its_own_credentials(fields: dict[str, str], status: int, error: str) -> None:
    made = create_client(name="ERP", scopes=[READ], by=None, now=timezone.now())

    answer = ask(made.client.oauth_client_id, made.secret, **fields)

    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize("client_id", ["", "nobody", "\0", "ü", "a:b"])
def test_unknown_client_gets_nothing(client_id: str) -> None:
    answer = ask(client_id, "guessed")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_guessed_secret_gets_nothing_and_guessing_is_slowed_down() -> None:
    made = create_client(name="ERP", scopes=[READ], by=None, now=timezone.now())

    answers = {ask(made.client.oauth_client_id, f"guess {number}").status_code for number in range(70)}

    assert answers == {401, 429}


def test_switched_off_client_is_shut_out_at_once() -> None:
    by = a_manager()
    made = create_client(name="ERP", scopes=[READ], by=by, now=timezone.now())
    token = ask(made.client.oauth_client_id, made.secret).json()["access_token"]

    switch(client=made.client, is_active=False, by=by, now=timezone.now())

    assert status_with(token) == 401
    assert ask(made.client.oauth_client_id, made.secret).json()["error"] == "unauthorized_client"
    switch(client=made.client, is_active=True, by=by, now=timezone.now())
    assert ask(made.client.oauth_client_id, made.secret).status_code == 200


def test_new_secret_ends_the_old_one_and_its_tokens() -> None:
    by = a_manager()
    made = create_client(name="ERP", scopes=[READ], by=by, now=timezone.now())
    token = ask(made.client.oauth_client_id, made.secret).json()["access_token"]

    fresh = rotate_secret(client=made.client, by=by, now=timezone.now())

    assert status_with(token) == 401
    assert ask(made.client.oauth_client_id, made.secret).status_code == 401
    assert ask(made.client.oauth_client_id, fresh.secret).status_code == 200


def test_scope_that_was_taken_away_is_gone_for_tokens_too() -> None:
    caller = a_caller(READ, WRITE)

    change_scopes(client=caller.client, scopes=[WRITE], by=a_manager(), now=timezone.now())

    assert caller.get("/activities/").json()["code"] == "scope_missing"


@pytest.mark.parametrize(
    ("scopes", "method", "missing"),
    [((WRITE,), "GET", "read"), ((READ, Scope.PEOPLE_WRITE), "POST", "activities:write")],
)
def test_wrong_scope_is_told_which_one_is_needed(scopes: tuple[Scope, ...], method: str, missing: str) -> None:
    answer = a_caller(*scopes).send(method, "/activities/")

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert missing in answer.json()["detail"]
    assert f'error="insufficient_scope", scope="{missing}"' in answer["WWW-Authenticate"]


def test_expired_token_is_told_so() -> None:
    answer = a_caller(lasts=timedelta(seconds=-1)).get("/activities/")

    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert answer["WWW-Authenticate"] == 'Bearer realm="Twofold", error="invalid_token"'


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "not_signed_in"),
        ("Basic YTpi", "not_signed_in"),
        ("Bearer", "token_invalid"),
        ("Bearer ", "token_invalid"),
        ("Bearer guessed", "token_invalid"),
        ("Bearer gu\u00e9ssed twice", "token_invalid"),
    ],
)
def test_no_token_and_wrong_tokens(header: str | None, code: str) -> None:
    headers = {} if header is None else {"Authorization": header}

    answer = Client().get("/api/v1/activities/", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer["WWW-Authenticate"].startswith('Bearer realm="Twofold"')
    assert answer["Content-Type"] == "application/problem+json"


def test_token_in_the_address_opens_nothing() -> None:
    caller = a_caller()

    assert Client().get("/api/v1/activities/", {"access_token": caller.token}).status_code == 401


def test_a_session_opens_nothing_not_even_a_program_manager_s() -> None:
    browser = Client()
    browser.force_login(a_manager())

    assert browser.get("/api/v1/activities/").status_code == 401
    assert browser.post("/api/v1/activities/", {}, content_type="application/json").status_code == 401


def test_nobody_signs_in_as_the_user_of_a_client() -> None:
    caller: Caller = a_caller()
    user = caller.client.user
    browser = Client()

    answer = browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert "_auth_user_id" not in browser.session
    assert (answer.status_code, user.has_usable_password(), user.is_active) == (200, False, False)
    user.set_password(PASSWORD)
    user.save()
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    browser.force_login(user)
    assert browser.get("/").status_code == 302  # to the door
    assert a_user().is_active
