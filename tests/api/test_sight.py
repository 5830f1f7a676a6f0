"""Every address of the API, called by clients of two companies: none gets a word of the other (laws T1 and N1)."""

from collections.abc import Iterator

import pytest
from django.http import HttpResponseBase

from accounts.models import Scope
from loyalty.models import Source
from tests.factories.callers import Caller, a_caller
from tests.factories.canaries import INTERNAL, POINTS, CanaryCompany, CanaryWorld, fingerprint
from tests.site.test_walk import PLACEHOLDER, missing_path_of, paths_of, routes, text_of, without_token

pytestmark = pytest.mark.django_db

API = [route for route in routes() if route.startswith("api/v1/") and not route.endswith("$")]
TELLS_NOTHING = {
    "api/v1/surveys/": "results add up what all companies said: for clients that serve all of them",
    "api/v1/surveys/<slug:code>/results/": "see above",
    "api/v1/redemptions/<int:pk>/cancel/": "is not read",
    "api/v1/activities/confirm/": "is not read",
    "api/v1/paid-tiers/<int:pk>/payments/": "is not read",
    "api/v1/paid-tiers/<int:pk>/cancel/": "is not read",
}
"""Addresses that show a client of one company nothing."""

COUNTED = ("RateLimit-Remaining", "RateLimit-Reset")
READING = ("GET", "HEAD", "OPTIONS")
WRITING = ("POST", "PUT", "PATCH", "DELETE")


def a_client_of(side: CanaryCompany, *scopes: Scope) -> Caller:
    """A client that serves one company, as that company's source."""
    source = Source.objects.get(code=f"{side.canary}-source")
    return a_caller(*scopes, companies=[side.company], sources=[source])


def secrets_of(side: CanaryCompany) -> list[str]:
    """Words that nobody else may read, and what no other system reads at all."""
    number = POINTS[side.canary[-1]]
    return [side.canary, str(number), INTERNAL]


def bodies_of(side: CanaryCompany) -> list[dict[str, object]]:
    """What could be sent with a company's own words, all at once."""
    item = {
        "source": f"{side.canary}-source",
        "id": "slipped-in",
        "type": f"{side.canary}-type",
        "company": side.company.external_id,
        "employee": side.member.external_id,
        "occurred_at": "2026-01-02T10:00:00Z",
    }
    return [{"items": [item]}, {"name": "Slipped in"}, {"name": "Slipped in", "served_by": side.company.external_id}]


def paths(route: str, world: CanaryWorld) -> Iterator[str]:
    """Where a route leads for both companies, and with filters that name the other one."""
    yield from dict.fromkeys([*paths_of(route, world.a), *paths_of(route, world.b)])
    if route.endswith("activities/"):
        for side in (world.a, world.b):
            yield f"/{route}?company={side.company.external_id}"
            yield f"/{route}?employee={side.member.external_id}"
            yield f"/{route}?source={side.canary}-source"
    if route.endswith("entitlements/"):
        for side in (world.a, world.b):
            yield f"/{route}?company={side.company.external_id}&employee={side.member.external_id}"


@pytest.mark.parametrize("letter", ["a", "b"])
def test_no_answer_holds_a_word_of_the_other_company(world: CanaryWorld, letter: str) -> None:
    home, other = (world.a, world.b) if letter == "a" else (world.b, world.a)
    caller = a_client_of(home)
    asked = secrets_of(other)

    leaks, broken, shown = [], [], set()
    for route in API:
        for path in paths(route, world):
            for method in READING:
                text, status = answered(caller.send(method, path), path)
                leaks += [(method, path, secret) for secret in asked if secret in text]
                broken += [(method, path)] if status >= 500 else []
                shown |= {route} if home.canary in text else set()

    assert (leaks, broken) == ([], [])
    assert shown == set(API) - set(
        TELLS_NOTHING
    )  # each of them shows the client its own, so that there was something to leak


def answered(response: HttpResponseBase, path: str) -> tuple[str, int]:
    """What an answer says, but for the address that was asked for."""
    return text_of(response).replace(path.lower(), ""), response.status_code


def test_foreign_row_answers_exactly_like_a_missing_one(world: CanaryWorld) -> None:
    caller = a_client_of(world.a)
    named = [(route, path) for route in API if PLACEHOLDER.search(route) for path in paths_of(route, world.b)]
    before = fingerprint()

    different = []
    for route, path in named:
        missing = missing_path_of(route, path)
        for method in (*READING, *WRITING):
            foreign, none = (
                without_counts(caller.send(method, asked, {"name": "A"}), asked) for asked in (path, missing)
            )
            if foreign != none:
                different.append((method, path, foreign[0], none[0]))

    mine = f"/companies/{world.a.company.external_id}/employees"
    colleague, nobody = (caller.get(f"{mine}/{number}/") for number in (world.b.member.external_id, "nobody"))
    assert different == []
    assert (colleague.status_code, colleague.content) == (404, nobody.content)
    assert fingerprint() == before


def without_counts(response: HttpResponseBase, path: str) -> tuple[object, ...]:
    """What can be told from an answer, but for how many more may be asked for."""
    for name in COUNTED:
        del response.headers[name]
    return without_token(response, path)


def test_nothing_of_another_company_can_be_changed(world: CanaryWorld) -> None:
    caller = a_client_of(world.a)
    before = fingerprint()

    [own, *_others] = bodies_of(world.a)
    stolen = {**own["items"][0], "source": f"{world.b.canary}-source"}  # type: ignore[index]
    [outcome] = caller.post("/activities/", {"items": [stolen]}).json()["items"]
    assert outcome["error"]["code"] == "source_not_allowed"
    for route in API:
        for path in paths_of(route, world.b):
            for method in WRITING:
                for body in bodies_of(world.b):
                    answer = caller.send(method, path, body)
                    assert answer.status_code in (200, 400, 404, 405, 422), (method, path)
                    assert world.b.canary not in text_of(answer).replace(path, "")

    assert fingerprint() == before


def test_reading_changes_nothing_and_a_client_that_only_reads_changes_nothing(world: CanaryWorld) -> None:
    caller = a_client_of(world.a, Scope.READ)
    before = fingerprint()

    statuses = set()
    for route in API:
        for path in paths_of(route, world.a):
            if route not in TELLS_NOTHING and not route.endswith("entitlements/"):
                statuses |= {caller.send(method, path).status_code for method in READING}
            for method in WRITING:
                assert caller.send(method, path, bodies_of(world.a)[0]).status_code in (403, 405)

    assert statuses == {200, 204}
    assert fingerprint() == before


def test_client_of_all_companies_breaks_nothing_and_reads_nothing_internal(world: CanaryWorld) -> None:
    caller = a_caller(sources=Source.objects.all())

    for route in API:
        for path in paths(route, world):
            for method in (*READING, *WRITING):
                answer = caller.send(method, path, bodies_of(world.b)[0] if method in WRITING else None)
                assert answer.status_code < 500, (method, path)
                assert INTERNAL not in text_of(answer)
