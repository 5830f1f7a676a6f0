"""What is refused before anything is looked at: one shape, a stable code, and nothing is changed."""

from typing import Any

import pytest
from django.test import Client

from accounts.api.problems import KINDS
from accounts.api.reading import MOST_BYTES
from accounts.models import Company, Scope
from loyalty.api import activities
from loyalty.models import Activity
from tests.factories.callers import Caller, a_caller
from tests.factories.world import a_company, a_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Caller:
    """A client that may do everything as the source `shop`."""
    return a_caller(sources=[a_source("shop")])


def is_problem(answer: Any, code: str) -> bool:
    """Whether an answer is a whole problem of this code."""
    problem = answer.json()
    return (
        answer["Content-Type"] == "application/problem+json"
        and list(problem) == ["type", "title", "status", "detail", "code", "errors"]
        and problem["code"] == code
        and problem["type"] == f"/api/#{code}"
        and problem["status"] == answer.status_code == KINDS[code].status
        and bool(problem["title"] and problem["detail"])
    )


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nothing",
        b'{"items": [NaN]}',
        b'{"items": [Infinity]}',
        b'{"items": [-Infinity]}',
        b'{"items": [], "items": []}',
        b'{"items": ["\xff"]}',
        b'{"items": ["\\u0000"]}',
        b'{"items": ["\\ud800"]}',
        b'{"items": [{"\\udfff": 1}]}',
        b'{"items": [' + b"9" * 5000 + b"]}",
        b'{"items": [1e999999999]}',
        b'{"items": [1e-999999999]}',
        b"[" * 100_000,
        b'{"items": ["line\nbreak"]}',
    ],
    ids=lambda body: body[:30],
)
def test_what_is_no_json_is_refused(shop: Caller, body: bytes) -> None:
    answer = shop.post("/activities/", body)

    assert is_problem(answer, "bad_json")
    assert not Activity.objects.exists()


@pytest.mark.parametrize(
    "body", [None, [], 5, "text", {}, {"items": {}}, {"items": []}, {"items": None}, {"items": [{}], "more": 1}]
)
def test_whoever_sends_no_list_of_activities_is_told_what_to_send(shop: Caller, body: object) -> None:
    assert is_problem(shop.post("/activities/", body), "invalid")


def test_a_thousand_and_one_items_are_too_many(shop: Caller) -> None:
    answer = shop.post("/activities/", {"items": [activities.EXAMPLE["items"][0]] * 1001})

    assert is_problem(answer, "too_many_items")
    assert "1001" in answer.json()["detail"]


def test_body_beyond_the_limit_is_not_read(shop: Caller) -> None:
    assert is_problem(shop.post("/activities/", b'{"items": ["' + b"a" * MOST_BYTES + b'"]}'), "too_large")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_read(shop: Caller, content_type: str) -> None:
    answer = Client().generic(
        "POST", "/api/v1/activities/", b"items=1", content_type=content_type, HTTP_AUTHORIZATION=f"Bearer {shop.token}"
    )

    assert is_problem(answer, "unsupported_media_type")


def test_packed_bodies_are_not_read(shop: Caller) -> None:
    assert is_problem(shop.post("/activities/", b"\x1f\x8b", **{"Content-Encoding": "gzip"}), "unsupported_media_type")


def test_only_json_is_answered(shop: Caller) -> None:
    assert is_problem(shop.get("/activities/", Accept="text/html"), "not_acceptable")
    assert shop.get("/activities/", Accept="application/json, text/html").status_code == 200
    assert shop.get("/activities/", Accept="*/*")["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "SWALLOW"])
def test_other_methods_are_refused_and_allow_says_which_are_taken(shop: Caller, method: str) -> None:
    answer = shop.send(method, "/activities/", {})

    assert is_problem(answer, "method_not_allowed")
    assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_head_is_get_without_a_body_and_options_says_what_is_taken(shop: Caller) -> None:
    a_company(external_id="M-1")

    read, head = shop.get("/companies/M-1/"), shop.send("HEAD", "/companies/M-1/")
    options = shop.send("OPTIONS", "/companies/M-1/")

    assert (head.status_code, head.content, head["ETag"]) == (200, b"", read["ETag"])
    assert (options.status_code, options["Allow"]) == (204, "GET, PUT, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("compny=M-1", "unknown_parameter", "compny"),
        ("format=json", "unknown_parameter", "format"),
        ("company=M-1&company=M-2", "doubled_parameter", "company"),
        ("company=M%00", "null_characters_not_allowed", "company"),
        ("occurred_from=yesterday", "invalid", "occurred_from"),
        ("page_size=0", "bad_page_size", "page_size"),
        ("page_size=201", "bad_page_size", "page_size"),
        ("page_size=-1", "bad_page_size", "page_size"),
        ("page_size=%D9%A3", "bad_page_size", "page_size"),
        ("page_size=", "bad_page_size", "page_size"),
    ],
)
def test_parameter_that_nobody_understands_is_refused(shop: Caller, query: str, code: str, field: str) -> None:
    answer = shop.get(f"/activities/?{query}")

    assert is_problem(answer, "bad_parameter")
    assert [(error["code"], error["field"]) for error in answer.json()["errors"]] == [(code, field)]


@pytest.mark.parametrize("cursor", ["guessed", "-1", "FF", "1" * 16, "%C3%BC"])
def test_cursor_that_is_none_of_ours_is_refused(shop: Caller, cursor: str) -> None:
    assert is_problem(shop.get(f"/activities/?cursor={cursor}"), "bad_cursor")


@pytest.mark.parametrize(
    "path",
    [
        "/", "/nowhere/", "/activities", "/activities/x/", "/activities/99999999999999999999999/", "/companies/a/b/c/",
        "/companies/%00/", "/companies/%00/employees/", "/companies/%FF/", "/companies/M-1/employees/%00/",
        "/activities/1/?nothing",
    ],
)  # fmt: skip
def test_address_that_leads_nowhere(shop: Caller, path: str) -> None:
    answer = shop.get(path)

    assert is_problem(answer, "bad_parameter" if "?" in path else "not_found")
    assert is_problem(Client().get(f"/api/v1{path}"), "not_signed_in")


def test_an_error_of_ours_is_a_problem_too(shop: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(activities.Activities, "post", stumble)

    assert is_problem(shop.post("/activities/", {}), "server_error")


def test_nothing_was_made_on_the_way(shop: Caller) -> None:
    shop.put("/companies/M-1/", b'{"name": "A", "name": "B"}')
    a_caller(Scope.READ).put("/companies/M-1/", {"name": "A"})

    assert not Company.objects.exists()
