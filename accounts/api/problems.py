"""What went wrong, in one shape everywhere: `application/problem+json` of RFC 9457 with a stable code."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

CONTENT_TYPE = "application/problem+json"
WHERE_EXPLAINED = "/api/#"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: `status` and `title` belong to its code and never change."""

    status: int
    title: str | Promise


KINDS: Mapping[str, Kind] = {
    "bad_json": Kind(400, gettext_lazy("The body is not JSON that we can read.")),
    "bad_parameter": Kind(400, gettext_lazy("A parameter in the address is unknown or wrong.")),
    "bad_cursor": Kind(400, gettext_lazy("The cursor is none of ours.")),
    "not_signed_in": Kind(401, gettext_lazy("An access token is needed.")),
    "token_invalid": Kind(401, gettext_lazy("The access token is unknown, or was taken back.")),
    "token_expired": Kind(401, gettext_lazy("The access token has expired.")),
    "scope_missing": Kind(403, gettext_lazy("The token lacks the scope that this needs.")),
    "not_allowed": Kind(403, gettext_lazy("The client may not do this.")),
    "not_found": Kind(404, gettext_lazy("There is no such thing.")),
    "method_not_allowed": Kind(405, gettext_lazy("The address does not take this method.")),
    "not_acceptable": Kind(406, gettext_lazy("We answer in JSON only.")),
    "conflict": Kind(409, gettext_lazy("What is asked for does not fit what is there.")),
    "key_used_for_another": Kind(409, gettext_lazy("The idempotency key was used for another request.")),
    "changed_meanwhile": Kind(412, gettext_lazy("It has changed since you read it.")),
    "too_large": Kind(413, gettext_lazy("The request is too large.")),
    "too_many_items": Kind(413, gettext_lazy("The request holds too many items.")),
    "unsupported_media_type": Kind(415, gettext_lazy("We read JSON only.")),
    "invalid": Kind(422, gettext_lazy("Something in the request is not right.")),
    "too_many_requests": Kind(429, gettext_lazy("Too many requests.")),
    "server_error": Kind(500, gettext_lazy("Something went wrong on our side.")),
}
"""Every code that `Problem` takes; the page at `/api/` explains them in this order."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: a stable code, the field (`a.b`, `items.3.a`), a sentence for a person."""

    code: str
    field: str
    sentence: str

    def as_json(self) -> dict[str, str]:
        """As it stands in answers."""
        return {"code": self.code, "field": self.field, "sentence": self.sentence}


class Problem(exceptions.APIException):
    """Raise it to answer with a problem; `code` is one of KINDS."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        kind = KINDS[code]
        super().__init__(detail or str(kind.title), code)
        self.status_code = kind.status
        self.code = code
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def as_json(self) -> dict[str, Any]:
        """As RFC 9457 has it, with `code` and `errors` of ours."""
        return {
            "type": WHERE_EXPLAINED + self.code,
            "title": str(KINDS[self.code].title),
            "status": self.status_code,
            "detail": str(self.detail),
            "code": self.code,
            "errors": [error.as_json() for error in self.errors],
        }


class NotFoundProblem(Problem):
    """No such thing, or none that this client may see: both look the same."""

    def __init__(self) -> None:
        super().__init__("not_found")


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn whatever a view raised into a problem; what is none of the caller's doing goes on to Django, and the log."""
    problem = _problem_of(error)
    if problem is None:
        return None
    set_rollback()
    response = Response(problem.as_json(), status=problem.status_code, content_type=CONTENT_TYPE)
    for name, value in {**_headers_of(error), **problem.headers}.items():
        response[name] = value
    return response


def plain_response(code: str) -> JsonResponse:
    """Return a problem where no view of the API came to answer."""
    problem = Problem(code)
    return JsonResponse(problem.as_json(), status=problem.status_code, content_type=CONTENT_TYPE)


def invalid(error: ValidationError, *, names: Mapping[str, str] | None = None) -> Problem:
    """Return the problem that a model's own validation found; `names` maps its fields to ours."""
    names = names or {}
    errors = [
        FieldError(one.code or "invalid", "" if field == "__all__" else names.get(field, field), sentence)
        for field, found in error.error_dict.items()
        for one in found
        for sentence in one.messages
    ]
    return Problem("invalid", errors=errors)


def field_errors(found: Any, field: str = "") -> list[FieldError]:
    """Return what a serializer found, which nests as its fields do, in one list."""
    if isinstance(found, dict):
        parts = [(f"{field}.{name}" if field else str(name), inner) for name, inner in found.items()]
        return [error for name, inner in parts for error in field_errors(inner, name)]
    if isinstance(found, list):
        is_listed = any(isinstance(inner, dict | list) for inner in found)
        return [
            error
            for place, inner in enumerate(found)
            for error in field_errors(inner, f"{field}.{place}" if is_listed else field)
        ]
    return [FieldError(getattr(found, "code", "invalid"), field.removesuffix(".non_field_errors"), str(found))]


def _problem_of(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.Throttled):
        wait = int(getattr(error, "wait", None) or 1)
        detail = _("Ask again in %(seconds)s seconds.") % {"seconds": wait}
        return Problem("too_many_requests", detail, headers={"Retry-After": str(wait)})
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "")
    return Problem(code) if code else None


_CODES: tuple[tuple[type[Exception], str], ...] = (
    (Http404, "not_found"),
    (exceptions.NotFound, "not_found"),
    (exceptions.NotAuthenticated, "not_signed_in"),
    (exceptions.AuthenticationFailed, "token_invalid"),
    (PermissionDenied, "not_allowed"),
    (exceptions.PermissionDenied, "not_allowed"),
    (exceptions.MethodNotAllowed, "method_not_allowed"),
    (exceptions.NotAcceptable, "not_acceptable"),
    (exceptions.UnsupportedMediaType, "unsupported_media_type"),
    (exceptions.ParseError, "bad_json"),
)


def _headers_of(error: Exception) -> dict[str, str]:
    challenge = getattr(error, "auth_header", None)
    return {"WWW-Authenticate": challenge} if challenge else {}
