"""Logs: one event a line under the request's id, and no secret in any of them."""

import io
import json
import logging
import logging.config
import re
from collections.abc import Callable, Iterator

import pytest
import structlog
from django.test import Client

from accounts.models import User
from loyalty.models import Source
from loyalty.site.logs import HIDDEN, hide_secrets, logging_settings
from tests.factories.callers import a_caller
from tests.factories.canaries import CanaryWorld, user_of
from tests.site.test_walk import EVERYTHING, SIGNS_OUT_ROUTES, a_browser, is_admin, paths_of, routes

SECRET = "kX3vb7Qma9Zt2LwR5yNc8HdJ4fGpS6eU"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What production would write to standard output."""
    lines = io.StringIO()
    wanted = logging_settings(as_json=True)
    formatter = wanted["formatters"]["event"]
    handler = logging.StreamHandler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=formatter["processors"], foreign_pre_chain=formatter["foreign_pre_chain"]
        )
    )
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", *wanted["loggers"])}
    root.addHandler(handler)
    for name, settings in wanted["loggers"].items():
        logging.getLogger(name).setLevel(settings["level"])
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", SECRET),
        ("HTTP_AUTHORIZATION", f"Bearer {SECRET}"),
        ("event", f"sent Authorization: Bearer {SECRET}"),
        ("event", f"GET /join/{SECRET}/"),
        ("event", f"GET https://twofold.example/x?token={SECRET}&page=2"),
        ("event", f"connection to postgres://twofold:{SECRET}@db/twofold failed"),
        ("event", f'{{"client_secret": "{SECRET}"}}'),
        ("headers", {"Cookie": f"sessionid={SECRET}"}),
        ("lines", [f"password={SECRET}"]),
    ],
)
def test_a_secret_is_blanked_by_its_name_or_by_how_it_looks(name: str, value: object) -> None:
    event = hide_secrets(None, "info", {name: value})

    assert SECRET not in json.dumps(event)
    assert HIDDEN in json.dumps(event)


def test_what_is_no_secret_stays() -> None:
    event = {"event": "request_finished", "request": "GET /company/people/12/switch/", "code": 200, "user_id": 7}

    assert hide_secrets(None, "info", dict(event)) == event


@pytest.mark.django_db
def test_a_request_is_one_line_of_json_under_its_id(client: Client, written: io.StringIO) -> None:
    response = client.get(
        f"/accounts/login/?next=/points/&token={SECRET}", headers={"X-Request-ID": "given from outside"}
    )

    events = [json.loads(line) for line in written.getvalue().splitlines()]
    finished = [event for event in events if event["event"] == "request_finished"]
    assert len(finished) == 1
    assert response["X-Request-ID"] == finished[0]["request_id"] != "given from outside"
    assert finished[0]["request"] == "GET /accounts/login/"
    assert (finished[0]["code"], finished[0]["level"]) == (200, "info")
    assert finished[0]["milliseconds"] >= 0
    assert SECRET not in written.getvalue()


@pytest.mark.django_db
def test_what_is_logged_meanwhile_carries_the_id_and_no_password(client: Client, written: io.StringIO) -> None:
    client.post("/accounts/login/", {"login": "nobody@demo.example", "password": SECRET})
    logging.getLogger("accounts").warning("outside of any request")

    events = [json.loads(line) for line in written.getvalue().splitlines()]
    assert "request_id" in events[0]
    assert "request_id" not in events[-1]
    assert SECRET not in written.getvalue()


def test_the_query_string_of_a_refused_request_is_blanked(client: Client, written: io.StringIO) -> None:
    client.get(f"/api/v1/companies/?search={SECRET}")

    assert "/api/v1/companies/" in written.getvalue()
    assert SECRET not in written.getvalue()


@pytest.mark.parametrize(
    "login",
    [
        pytest.param(lambda world: world.manager, id="manager", marks=pytest.mark.long),
        pytest.param(lambda world: world.a.account_manager, id="account manager", marks=pytest.mark.long),
        pytest.param(lambda world: user_of(world.a.admin), id="admin"),
    ],
)
def test_no_line_holds_a_word_of_a_company(
    canary_world: CanaryWorld, written: io.StringIO, login: Callable[[CanaryWorld], User]
) -> None:
    user = login(canary_world)
    browser = a_browser(user)
    words = {name: f"{value} {canary_world.a.canary}" for name, value in EVERYTHING.items()}

    for route in routes():
        if is_admin(route) == user.is_staff:
            for path in paths_of(route, canary_world.a):
                browser.get(path, {"q": canary_world.a.canary})
                if route not in SIGNS_OUT_ROUTES:
                    browser.post(path, words)

    assert written.getvalue().count('"event": "request_finished"') > 30
    assert lines_with(written, canary_world) == []


def test_no_line_holds_what_another_system_sent_or_its_token(canary_world: CanaryWorld, written: io.StringIO) -> None:
    source = Source.objects.latest("pk")
    caller = a_caller(sources=[source])
    canary = canary_world.a.canary
    sent = {
        "source": source.code, "id": canary, "type": canary, "company": canary, "employee": canary,
        "occurred_at": canary, "object": canary, "amount": canary, "attributes": {canary: canary}, canary: canary,
    }  # fmt: skip

    answers = [
        caller.post("/activities/", {"items": [sent, {**sent, "attributes": canary}]}),
        caller.post("/activities/", {canary: canary}),
        caller.get("/companies/", **{"X-Request-ID": canary}),
        caller.get(f"/companies/?name={canary}"),
        caller.send("PUT", "/companies/new-one/", {"name": canary}),
    ]

    assert {answer.status_code for answer in answers} >= {200, 400}
    assert caller.token not in written.getvalue()
    assert lines_with(written, canary_world) == []


def lines_with(written: io.StringIO, world: CanaryWorld) -> list[str]:
    """The lines in which a word of one of the companies stands, but for codes in addresses of the API."""
    lines = re.sub(r"/api/v1/[^\s\"'?]*", "", written.getvalue().lower()).splitlines()
    return [line for line in lines if world.a.canary in line or world.b.canary in line]
