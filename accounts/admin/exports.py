"""A list as a file: what is searched and filtered, with the columns shown, for spreadsheets and other programs."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from html import unescape
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts import audit
from accounts.admin.asked_again import must_be_asked
from accounts.models import User
from accounts.reauthentication import ask_again
from accounts.tables import harmless

M = TypeVar("M", bound=models.Model)

MOST_EXPORTED = 100_000
"""More rows than this are for a report or the API, not for a spreadsheet."""

_ROWS_AT_A_TIME = 1_000
_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


class Shown(SafeString):
    """Markup that remembers the bare value it shows, such as a link around a number in the reader's notation."""

    value: object

    @classmethod
    def of(cls, markup: str, value: object) -> "Shown":
        """Return `markup` that stands for `value`."""
        shown = cls(markup)
        shown.value = value
        return shown


class ExportAdmin(admin.ModelAdmin[M]):
    """Lists can be exported by everybody who may look at them."""

    def get_urls(self) -> list[URLPattern]:
        """The address that an export is asked of; its query is the list's."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/", self.admin_site.admin_view(self.export_view), name=name), *super().get_urls()]

    def with_extras(self, rows: Sequence[M]) -> Sequence[M]:
        """Bring what columns need beyond their row, for many rows at once."""
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list whose pages bring their extras."""
        return ListWithExtras

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Send the list as CSV, and put on record that it went out (A1)."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        listed = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        back = f"{listed}?{request.GET.urlencode()}" if request.GET else listed
        if request.method != "POST":
            return HttpResponseRedirect(back)
        if must_be_asked(request):
            return ask_again(request, page=back)
        rows = self.rows_asked_for(request)
        if rows is None:
            return HttpResponseRedirect(back)
        count = rows.order_by()[: MOST_EXPORTED + 1].count()
        if count > MOST_EXPORTED:
            text = _("This list has more than %(most)s rows. Narrow it down by search or filter, then export it.")
            self.message_user(request, text % {"most": f"{MOST_EXPORTED:,}"}, messages.ERROR)
            return HttpResponseRedirect(back)
        now = timezone.now()
        user: User = request.user  # type: ignore[assignment]
        audit.record("exported", user, actor_id=user.pk, now=now, screen=self.opts.label, rows=count)
        return StreamingHttpResponse(
            self._csv_lines(request, rows),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{self.opts.model_name}-{timezone.localdate(now)}.csv"'
            },
        )

    def rows_asked_for(self, request: HttpRequest) -> models.QuerySet[M] | None:
        """Return the rows that the address asks for, all pages of them; None where it asks for what cannot be."""
        try:
            changelist = self.get_changelist_instance(request)
        except (IncorrectLookupParameters, DisallowedModelAdminLookup):
            return None
        rows: models.QuerySet[M] = changelist.queryset
        return rows

    def _csv_lines(self, request: HttpRequest, rows: models.QuerySet[M]) -> Iterator[str]:
        writer = csv.writer(_Echo())
        names = [str(name) for name in self.get_list_display(request)]
        labels = [capfirst(str(label_for_field(name, self.model, model_admin=self))) for name in names]
        yield _BYTE_ORDER_MARK + writer.writerow([harmless(label) for label in labels])
        for part in _parts(rows.iterator(chunk_size=_ROWS_AT_A_TIME)):
            rows_of_part = self.with_extras(part)
            yield "".join(writer.writerow([self._csv_cell(name, row) for name in names]) for row in rows_of_part)

    def _csv_cell(self, name: str, row: M) -> str:
        try:
            field, _attribute, value = lookup_field(name, row, self)
        except ObjectDoesNotExist:
            return ""
        if isinstance(field, models.Field) and field.flatchoices:
            value = dict(field.flatchoices).get(value, value)
        elif isinstance(field, models.Field) and field.is_relation:
            value = getattr(row, field.name)
        return harmless(machine_form(value))


class ListWithExtras(ChangeList):
    """A page of rows with what their columns need beyond them, read once a page."""

    def get_results(self, request: HttpRequest) -> None:
        """Bring the extras of the page."""
        super().get_results(request)
        if isinstance(self.model_admin, ExportAdmin):
            self.result_list = self.model_admin.with_extras(self.result_list)


def machine_form(value: object) -> str:
    """Return a value as other programs read it: ISO days, plain digits, true and false; markup without its tags."""
    match value:
        case Shown():
            return machine_form(value.value)
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return timezone.localtime(value).isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case list() | tuple():
            return ", ".join(machine_form(part) for part in value)
        case SafeString():
            text = unescape(strip_tags(value)).strip()
        case _:
            text = str(value)
    return "" if text == "–" else text


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _parts(rows: Iterable[M]) -> Iterator[list[M]]:
    part: list[M] = []
    for row in rows:
        part.append(row)
        if len(part) == _ROWS_AT_A_TIME:
            yield part
            part = []
    if part:
        yield part
