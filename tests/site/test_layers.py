"""What a request of the API goes past (sessions, and what rests on them), and what it goes through like all others."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.api.test_activities import an_item
from tests.factories.callers import Caller, a_caller
from tests.factories.world import a_company, a_manager, a_member, a_program, a_rule_set, a_source

pytestmark = pytest.mark.django_db

FOR_EVERY_ANSWER = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Language": "en",
}


@pytest.fixture
def shop() -> Caller:
    """A client with one activity behind it."""
    program = a_program()
    a_rule_set(program)
    a_member(program, a_company(external_id="C-1"))
    caller = a_caller(sources=[a_source("shop")])
    caller.post("/activities/", {"items": [an_item()]})
    return caller


@pytest.mark.parametrize("path", ["/activities/", "/activities/987654321/", "/nowhere/"])
def test_answers_of_the_api_carry_what_every_answer_carries(shop: Caller, path: str) -> None:
    page, answer = Client().get("/accounts/login/"), shop.get(path)

    assert {name: answer.headers[name] for name in FOR_EVERY_ANSWER} == FOR_EVERY_ANSWER
    assert answer.headers["Content-Security-Policy"] == page.headers["Content-Security-Policy"]
    assert len(answer.headers["X-Request-ID"]) == 36
    assert "Accept-Language" in answer.headers["Vary"]


def test_the_api_is_led_to_https_and_refuses_foreign_hosts_like_every_page(shop: Caller, settings: Any) -> None:
    assert shop.get("/activities/", Host="foreign.example").status_code == 400

    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 60
    encrypted = Client().get("/api/v1/activities/", secure=True)
    plain = Client().get("/api/v1/activities/")

    assert (encrypted.status_code, encrypted.headers["Strict-Transport-Security"][:10]) == (401, "max-age=60")
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://testserver/api/v1/activities/")


def test_a_session_that_comes_along_is_neither_read_nor_renewed(shop: Caller) -> None:
    alone = shop.get("/activities/").json()
    shop.browser.force_login(a_manager())

    with CaptureQueriesContext(connection) as asked:
        answer = shop.get("/activities/")

    assert (answer.status_code, answer.json()) == (200, alone)
    assert not any("session" in query["sql"] or "accounts_user" in query["sql"] for query in asked.captured_queries)
    assert "Cookie" not in answer.headers["Vary"]
    assert not answer.cookies


def test_the_time_zone_of_whoever_was_served_before_does_not_last(shop: Caller) -> None:
    before = shop.get("/activities/").json()

    with timezone.override("Asia/Tokyo"):
        assert shop.get("/activities/").json() == before
    assert before["items"][0]["occurred_at"].endswith("Z")
