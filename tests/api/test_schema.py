"""The description of the API is whole, and what we answer is what it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator

from accounts.models import Scope
from loyalty.models import Source
from tests.factories.callers import a_caller
from tests.factories.canaries import a_canary_world
from tests.factories.world import a_company, a_member, a_program, a_rule_set, a_source
from tests.site.test_walk import paths_of, routes

pytestmark = pytest.mark.django_db

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The description, checked against OpenAPI's own; a warning fails."""
    file = tmp_path_factory.mktemp("schema") / "openapi.json"
    call_command("spectacular", format="openapi-json", file=str(file), validate=True, fail_on_warn=True)
    schema: dict[str, Any] = json.loads(Path(file).read_text())
    return schema


def as_described(route: str) -> str:
    """An address as the description writes it."""
    return "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route).replace("{pk}", "{id}")


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every path, method and operation."""
    for path, methods in described["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def test_every_address_of_the_api_is_described_and_nothing_else(described: dict[str, Any]) -> None:
    addresses = {as_described(route) for route in routes() if route.startswith("api/v1/") and not route.endswith("$")}

    assert set(described["paths"]) == addresses
    assert described["openapi"] == "3.1.0"


def test_every_operation_has_a_name_a_tag_a_scope_and_its_problems(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for _path, _method, operation in operations(described)]
    scopes = described["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"]

    assert len(names) == len(set(names))
    assert set(scopes) == set(Scope.values)
    for path, method, operation in operations(described):
        [[wanted]] = [requirement["oauth2"] for requirement in operation["security"]]
        assert wanted in scopes, (path, method)
        assert len(operation["tags"]) == 1
        assert f"Scope: `{wanted}`" in operation["description"]
        assert {"400", "401", "403", "405", "406", "429", "500"} <= set(operation["responses"])
        assert ("404" in operation["responses"]) or "{" not in path
        for response in operation["responses"].values():
            assert "$ref" in response or "content" in response or "description" in response


def test_what_is_sent_has_an_example(described: dict[str, Any]) -> None:
    without = [
        operation["operationId"]
        for _path, _method, operation in operations(described)
        if "requestBody" in operation and "examples" not in operation["requestBody"]["content"]["application/json"]
    ]

    assert without == []


def test_what_is_answered_is_what_is_described(described: dict[str, Any]) -> None:
    world = a_canary_world()
    caller = a_caller(sources=Source.objects.all())

    wrong, seen = [], set()
    for route in routes():
        pattern = as_described(route)
        for path in paths_of(route, world.a) if pattern in described["paths"] else ():
            for method, asked in answers(described["paths"][pattern], path, world.a.company.external_id):
                answer = caller.send(method.upper(), asked, {})
                seen.add((pattern, method, answer.status_code))
                shape = schema_of(described, described["paths"][pattern][method], answer.status_code)
                if shape is None:
                    wrong.append((method, asked, answer.status_code, "is not described"))
                    continue
                validator = Draft202012Validator({**shape, "components": described["components"]})
                wrong += [(method, asked, answer.status_code, e.message) for e in validator.iter_errors(answer.json())]

    assert wrong == []
    assert {status for _pattern, method, status in seen if method == "get"} >= {200}
    assert {(pattern, 200) for pattern in described["paths"] if "get" in described["paths"][pattern]} <= {
        (pattern, status) for pattern, method, status in seen if method == "get"
    }


def answers(methods: dict[str, Any], path: str, company: str) -> Iterator[tuple[str, str]]:
    """What to ask for at a path: every method, with what an operation cannot do without."""
    for method in METHODS:
        if method in methods:
            wanted = {
                parameter["name"]
                for parameter in methods[method].get("parameters", ())
                if parameter["in"] == "query" and parameter.get("required")
            }
            if wanted == {"company", "employee"}:
                yield method, f"{path}?company={company}&employee={company.replace('-number', '-member-number')}"
            else:
                yield method, path


def schema_of(described: dict[str, Any], operation: dict[str, Any], status: int) -> dict[str, Any] | None:
    """The shape of an answer; None where there is none. References lead into the description."""
    response = operation["responses"].get(str(status))
    if response is not None and "$ref" in response:
        response = described["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    if response is None:
        return None
    [content] = response["content"].values()
    shape: dict[str, Any] = content["schema"]
    return shape


def test_description_is_served_as_json_and_yaml_to_everybody() -> None:
    as_json, as_yaml = Client().get("/api/schema/"), Client().get("/api/schema.yaml")

    assert as_json.json()["info"]["title"] == "Twofold"
    assert as_yaml.content.decode().startswith("openapi: 3.1.0")


def test_example_of_an_activity_is_recorded(described: dict[str, Any]) -> None:
    caller = a_caller(sources=[a_source("erp")])
    program = a_program(currency="EUR")
    a_rule_set(program)
    a_member(program, a_company(external_id="C-1001"))

    answered = [
        caller.post("/activities/", example["value"]).json()["items"][0]["status"]
        for example in described["paths"]["/api/v1/activities/"]["post"]["requestBody"]["content"]["application/json"][
            "examples"
        ].values()
    ]

    assert answered == ["recorded"]
