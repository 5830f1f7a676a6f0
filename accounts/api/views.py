"""What every view of the API rests on. A resource is a Listing, a Single, or an ApiView with a use case behind it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.actors import Actor
from accounts.api import tags
from accounts.api.authentication import ClientToken, Credentials, HasScope
from accounts.api.paging import CURSOR, SIZE, Pages
from accounts.api.problems import FieldError, NotFoundProblem, Problem, field_errors, handle
from accounts.api.reading import StrictJSON
from accounts.api.throttling import PerClient
from accounts.models import Scope

M = TypeVar("M", bound=Model)


class Filters(DjangoFilterBackend):  # type: ignore[misc]
    """The filters of a list; what they cannot read is a problem, not an empty list."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        """Return the rows that the parameters ask for. Raises Problem."""
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise Problem(
                "bad_parameter",
                errors=[
                    FieldError(one.code or "invalid", name, sentence)
                    for name, found in filterset.form.errors.as_data().items()
                    for one in found
                    for sentence in one.messages
                ],
            )
        rows: QuerySet[Any] = filterset.qs
        return rows


class Negotiation(DefaultContentNegotiation):
    """We answer in JSON only, so there is little to find out for whoever takes it."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        """Return what writes the answer, and its media type."""
        if request.META.get("HTTP_ACCEPT", "*/*") in ("*/*", JSONRenderer.media_type):
            return renderers[0], JSONRenderer.media_type
        chosen: tuple[Any, str] = super().select_renderer(request, renderers, format_suffix)
        return chosen


class ApiView(GenericAPIView[Any]):
    """Signed in by token, cut to its scopes, counted, in JSON, and with problems of one shape.

    `scopes` names the scope that each method wants; reading wants `read` unless it says otherwise. A view says in
    `filterset_class` and `serializer_class` what it takes and shows; rows come from `visible_to(self.actor)`.
    """

    scopes: ClassVar[dict[str, Scope]] = {}
    filterset_class: ClassVar[type[FilterSet] | None] = None
    authentication_classes = (ClientToken,)
    permission_classes = (HasScope,)
    throttle_classes = (PerClient,)
    parser_classes = (StrictJSON,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = Negotiation
    filter_backends: Any = ()
    pagination_class: Any = None
    metadata_class = None

    @property
    def actor(self) -> Actor:
        """The client that asks; nobody while the schema is drawn up."""
        auth = getattr(self.request, "auth", None)
        return auth.actor if isinstance(auth, Credentials) else Actor(at=timezone.now())

    @property
    def now(self) -> datetime:
        """The moment of the request."""
        return self.actor.at

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in whoever may; refuse parameters that nobody reads: a misspelt filter would show everything."""
        super().initial(request, *args, **kwargs)
        if any("\0" in str(value) for value in kwargs.values()):
            raise NotFoundProblem
        known = self.parameters()
        errors = [
            error
            for name, values in request.query_params.lists()
            if (error := _parameter_error(name, values, known)) is not None
        ]
        if errors:
            raise Problem("bad_parameter", errors=errors)
        if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
            raise Problem("unsupported_media_type", _("Send the body without a content encoding."))

    def parameters(self) -> list[str]:
        """The query parameters that the view reads."""
        return [] if self.filterset_class is None else list(self.filterset_class.base_filters)

    def get_exception_handler(self) -> Any:
        """Problems of one shape."""
        return handle

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell what is left of the limit, and that the answer is for this client alone."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        for name, value in getattr(request, "rate_limit", {}).items():
            answer[name] = value
        answer["Cache-Control"] = "private, no-cache"
        patch_vary_headers(answer, ("Authorization",))
        return answer

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Say what the address takes, in `Allow`."""
        return Response(status=204)

    def one_of(self, rows: QuerySet[M], **wanted: Any) -> M:
        """The row of `rows` that has these values. Raises Problem, the same for a foreign row as for none."""
        row = rows.filter(**wanted).first()
        if row is None:
            raise NotFoundProblem
        return row

    def tagged(self, shown: dict[str, Any], status: int = 200) -> Response:
        """Answer with one thing and its ETag, or with 304 where the caller has it already."""
        tag = tags.tag_of(shown)
        is_reading = self.request.method in ("GET", "HEAD")
        if is_reading and tags.is_unchanged(self.request.headers.get("If-None-Match"), tag):
            return Response(status=304, headers={"ETag": tag})
        return Response(shown, status=status, headers={"ETag": tag})

    def said(self, form: type[Serializer[Any]]) -> dict[str, Any]:
        """What the body says, checked field by field. Raises Problem."""
        body = self.request.data
        if not isinstance(body, dict):
            raise Problem("invalid", errors=[FieldError("bad_body", "", _("Send an object."))])
        serializer = form(data=body, context=self.get_serializer_context())
        errors = [
            FieldError("unknown_field", name[:50], _("There is no such field."))
            for name in body
            if name not in serializer.fields
        ]
        if not serializer.is_valid():
            errors += field_errors(serializer.errors)
        if errors:
            raise Problem("invalid", errors=errors)
        return dict(serializer.validated_data)

    def shown(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """What rows look like in answers."""
        serializer = self.get_serializer_class()
        context = {**self.get_serializer_context(), **self.read_along(rows)}
        return [dict(shown) for shown in serializer(rows, many=True, context=context).data]

    def read_along(self, rows: Sequence[Any]) -> dict[str, Any]:
        """What the serializer needs beyond the rows, read for all of them at once; stands in its context."""
        return {}


class Listing(ApiView):
    """A list: say `filterset_class`, `serializer_class` and `get_queryset`."""

    filter_backends = (Filters,)
    pagination_class = Pages

    def parameters(self) -> list[str]:
        """Filters, and where in the list."""
        return [*super().parameters(), CURSOR, SIZE]

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return a page."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.shown(rows or []))


class Single(ApiView):
    """One thing: say `serializer_class`, `get_queryset` and `lookup`, the fields that the address gives."""

    lookup: ClassVar[dict[str, str]] = {"pk": "pk"}
    """Which part of the address is which field."""

    def found(self) -> Any:
        """The row that the address names. Raises Problem."""
        return self.one_of(self.get_queryset(), **{field: self.kwargs[part] for part, field in self.lookup.items()})

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return it."""
        [shown] = self.shown([self.found()])
        return self.tagged(shown)


class Nowhere(ApiView):
    """What every other address below the API answers."""

    schema: Any = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Whoever is signed in is told that nothing is here."""
        super(ApiView, self).initial(request, *args, **kwargs)
        raise NotFoundProblem


def _parameter_error(name: str, values: Sequence[object], known: Sequence[str]) -> FieldError | None:
    if name not in known:
        return FieldError("unknown_parameter", name[:50], _("There is no such parameter."))
    if len(values) > 1:
        return FieldError("doubled_parameter", name, _("The parameter stands here more than once."))
    if any("\0" in str(value) for value in values):
        return FieldError("null_characters_not_allowed", name, _("Null characters are not allowed."))
    return None
