"""What the API looks like, for machines: every operation with its scope, and every problem that it may answer."""

from inspect import cleandoc
from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from accounts.api.authentication import scope_of
from accounts.api.problems import CONTENT_TYPE, KINDS
from accounts.models import Scope

TOKEN_ADDRESS = "/api/token/"  # noqa: S105 (an address)

EVERYWHERE = ("bad_parameter", "not_signed_in", "scope_missing", "method_not_allowed", "not_acceptable",
              "too_many_requests", "server_error")  # fmt: skip
"""What every operation may answer, whatever it does."""

WITH_BODY = ("bad_json", "too_large", "unsupported_media_type", "invalid")

WRITING = ("conflict", "invalid")
"""What an operation that writes may answer, with a body or without."""

LIMITS = {
    "RateLimit-Limit": "How many requests a minute the client may send.",
    "RateLimit-Remaining": "How many are left in this minute.",
    "RateLimit-Reset": "How many seconds until the next minute begins.",
}


class Schema(AutoSchema):
    """Operations as they are, with the scope they want beneath their description."""

    def get_description(self) -> str:  # type: ignore[override]  # as the library's own class has it
        """What the method's docstring says, and the scope."""
        method = getattr(self.view, self.method.lower(), None)
        said = cleandoc(getattr(method, "__doc__", "") or "")
        scope = scope_of(self.view, self.method)
        return f"{said}\n\nScope: `{scope}`." if scope else said

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Only what a Listing gives when read is a page."""
        return self.method == "GET" and getattr(self.view, "pagination_class", None) is not None


class ClientCredentials(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How one signs in."""

    target_class = "accounts.api.authentication.ClientToken"
    name = "oauth2"

    def get_security_requirement(self, auto_schema: AutoSchema) -> dict[str, list[Any]]:
        """The scope that the operation wants."""
        scope = scope_of(auto_schema.view, auto_schema.method)
        return {"oauth2": [str(scope)] if scope else []}

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Client credentials, for a token that lasts an hour."""
        scopes = {scope.value: str(scope.label) for scope in Scope}
        return {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": TOKEN_ADDRESS, "scopes": scopes}},
        }


class Described:
    """A hook of drf-spectacular: problems and limits, which are the same for all operations, are added here."""

    problem: ClassVar[dict[str, Any]] = {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "errors"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "Where the code is explained."},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What happened, and what to do, for a person."},
            "code": {"type": "string", "enum": list(KINDS), "description": "For a program; codes never change."},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["code", "field", "sentence"],
                    "properties": {name: {"type": "string"} for name in ("code", "field", "sentence")},
                    "additionalProperties": False,
                },
            },
        },
        "additionalProperties": False,
    }


def describe_problems(result: dict[str, Any], **_others: Any) -> dict[str, Any]:
    """Add the problems that operations may answer, and the headers of every answer."""
    result["components"].setdefault("schemas", {})["Problem"] = Described.problem
    result["components"]["headers"] = {
        name: {"description": said, "schema": {"type": "integer"}} for name, said in LIMITS.items()
    }
    result["components"]["responses"] = {
        str(status): _response(status) for status in sorted({kind.status for kind in KINDS.values()})
    }
    for name, shape in result["components"]["schemas"].items():
        if name.endswith("Out"):  # what we say is always whole
            shape["required"] = sorted(shape["properties"])
        elif name.endswith("In"):  # what nobody reads is refused
            shape["additionalProperties"] = False
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "responses" in operation:
                _describe(path, method, operation)
    return result


def _describe(path: str, method: str, operation: dict[str, Any]) -> None:
    codes = EVERYWHERE + (WITH_BODY if "requestBody" in operation else ()) + (WRITING if method != "get" else ())
    statuses = {KINDS[code].status for code in codes} | ({404} if "{" in path else set())
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            response.setdefault("headers", {}).update(
                {name: {"$ref": f"#/components/headers/{name}"} for name in LIMITS}
            )
    for status in sorted(statuses):
        operation["responses"].setdefault(str(status), {"$ref": f"#/components/responses/{status}"})


def _response(status: int) -> dict[str, Any]:
    codes = [code for code, kind in KINDS.items() if kind.status == status]
    described: dict[str, Any] = {
        "description": "; ".join(f"`{code}`: {KINDS[code].title}" for code in codes),
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status == 429:
        described["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return described
