"""Every operation of the API, as clients of three kinds, with thousands of generated requests: none breaks it.

Nothing answers with an error of ours, nothing answers what the description does not say, no law is broken, and nobody
reads a word of a company that the client does not serve.
"""

import copy
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from drf_spectacular.generators import SchemaGenerator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts import laws
from accounts.models import Scope
from loyalty.models import Source
from tests.factories.callers import Caller, a_caller
from tests.factories.canaries import CanaryWorld, a_canary_world

CASES = 80
"""Generated requests an operation and role, at the most: some operations have fewer that differ."""

FEWEST = 667
"""Requests a role, at the least: with three roles 2,000 in all."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

ROLES = ("everything", "one company", "reader")


def description(known: dict[str, list[str]]) -> dict[str, Any]:
    """The description of the API, in which fields that name rows draw mostly from rows that there are."""
    described: Any = copy.deepcopy(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]
    _draw_from(known, described["paths"])
    for name, component in described["components"]["schemas"].items():
        if name.endswith(("In", "InRequest", "Request")):
            _draw_from(known, component)
    result: dict[str, Any] = described
    return result


def _draw_from(known: dict[str, list[str]], node: Any) -> None:
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _draw_from(known, child)
    if not isinstance(node, dict):
        return
    properties: Any = node.get("properties")
    for field in known.keys() & (properties.keys() if isinstance(properties, dict) else set()):
        if properties[field].get("type") in ("string", ["string", "null"]):
            properties[field]["enum"] = known[field]
    name, shape = node.get("name"), node.get("schema")
    if isinstance(name, str) and name in known and isinstance(shape, dict):
        shape["enum"] = known[name]


def a_role(name: str, world: CanaryWorld) -> Caller:
    """A client that may do everything, one for company A alone, one that only reads A."""
    sources = list(Source.objects.all())
    if name == "everything":
        return a_caller(sources=sources)
    if name == "one company":
        return a_caller(companies=[world.a.company], sources=sources[:1])
    return a_caller(Scope.READ, companies=[world.a.company])


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ROLES)
def test_no_generated_request_breaks_anything(role: str) -> None:
    world = a_canary_world()
    caller = a_role(role, world)
    known = {
        "company": [world.a.company.external_id, world.b.company.external_id, "nobody"],
        "employee": [world.a.member.external_id, world.b.member.external_id, "nobody"],
        "program": [world.shared.code, world.a.program.code, world.b.program.code, "none"],
        "reward": [world.a.reward.code, world.b.reward.code, "none"],
        "source": [*Source.objects.values_list("code", flat=True), "none"],
        "type": ["purchase", "none"],
        "currency": ["GBP", "EUR"],
    }
    schema = schemathesis.openapi.from_dict(description(known))
    schema.app = get_wsgi_application()
    sent = 0

    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # an operation that is wrong fails here

        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(
            max_examples=CASES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), database=None
        )
        def send(case: schemathesis.Case[Any]) -> None:
            nonlocal sent
            response = case.call(headers={"Authorization": f"Bearer {caller.token}", "Accept-Encoding": "identity"})
            case.validate_response(response, checks=CHECKS)
            if role != "everything":
                assert f"{world.b.canary} " not in response.text  # as names have it, which no request knows
            sent += 1

        send()

    assert sent >= FEWEST
    assert [finding.law.code for finding in laws.verify() if finding.count] == []
