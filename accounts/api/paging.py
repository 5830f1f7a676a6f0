"""Lists come newest first, a page at a time: each page names the next by the last row it shows, so none moves."""

import re
from collections.abc import Mapping
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from accounts.api.problems import FieldError, Problem

USUAL, MOST = 50, 200
CURSOR, SIZE = "cursor", "page_size"

_CURSOR = re.compile(r"\A[0-9a-f]{1,15}\Z")


class Pages(BasePagination):
    """`cursor` and `page_size`; the answer holds `items` and the address of the `next` page."""

    def paginate_queryset(  # type: ignore[override]  # rows of a table alone have keys to go by
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        """Return the rows of the page that is asked for. Raises Problem."""
        self.request = request
        self.next_cursor = ""
        size = _size(request.query_params)
        if cursor := request.query_params.get(CURSOR):
            if not _CURSOR.match(cursor):
                raise Problem("bad_cursor", _("Take the cursor from the `next` of the page before."))
            queryset = queryset.filter(pk__lt=int(cursor, 16))
        rows: list[Model] = list(queryset.order_by("-pk")[: size + 1])
        if len(rows) > size:
            del rows[size:]
            self.next_cursor = f"{rows[-1].pk:x}"
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page."""
        next_ = replace_query_param(self.request.build_absolute_uri(), CURSOR, self.next_cursor)
        return Response({"items": data, "next": next_ if self.next_cursor else None})

    def get_paginated_response_schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Say what a page looks like."""
        return {
            "type": "object",
            "required": ["items", "next"],
            "properties": {
                "items": {**schema, "maxItems": MOST},
                "next": {
                    "type": ["string", "null"],
                    "format": "uri",
                    "description": "The address of the next page; null on the last.",
                },
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Say what a page is asked for by."""
        return [
            {
                "name": CURSOR, "in": "query", "required": False,
                "description": "Where the page begins: taken from the `next` of the page before.",
                "schema": {"type": "string", "pattern": "^[0-9a-f]{1,15}$"},
            },
            {
                "name": SIZE, "in": "query", "required": False,
                "description": "How many items a page holds.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
            },
        ]  # fmt: skip


def _size(parameters: Mapping[str, str]) -> int:
    asked = parameters.get(SIZE, str(USUAL))
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 3 and 1 <= int(asked) <= MOST):
        sentence = _("A page holds from 1 to %(most)s items.") % {"most": MOST}
        raise Problem("bad_parameter", errors=[FieldError("bad_page_size", SIZE, sentence)])
    return int(asked)
