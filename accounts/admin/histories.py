"""The history of configuration as people read it: who changed what, from which value to which, latest first."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from simple_history.utils import get_history_manager_for_model

from accounts.middleware import actor_behind

M = TypeVar("M", bound=models.Model)

STATES_A_PAGE = 50

_VERBS = {"+": gettext_lazy("added"), "~": gettext_lazy("changed"), "-": gettext_lazy("deleted")}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, before and after; "" where there was nothing."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One save or deletion of a row of configuration; `who` is "" where it came from no page."""

    row: str
    url: str
    verb: str
    who: str
    at: datetime
    fields: tuple[FieldChange, ...]
    is_deletion: bool


def keeps_history(model: type[models.Model]) -> bool:
    """Whether earlier states of the model's rows are kept."""
    return hasattr(model._meta, "simple_history_manager_attribute")


def changes_in(states: Sequence[Any], model: type[models.Model]) -> list[Change]:
    """Return what each of `states` brought, against the state before it; the cost does not grow with their number."""
    befores = _history_of(model).in_bulk([state.before_id for state in states if state.before_id is not None])
    deltas = [
        state.diff_against(befores[state.before_id]).changes if state.history_type == "~" and state.before_id else []
        for state in states
    ]
    names = _names_of([change for delta in deltas for change in delta], model)
    return [
        Change(
            row=str(state.instance),
            url=_address_of(model, state),
            verb=str(_VERBS[state.history_type]),
            who=state.history_user.name if state.history_user else "",
            at=state.history_date,
            fields=tuple(_in_words(change, model, names) for change in delta),
            is_deletion=state.history_type == "-",
        )
        for state, delta in zip(states, deltas, strict=True)
    ]


def states_of(model: type[models.Model], request: HttpRequest) -> QuerySet[Any]:
    """Return the earlier states of all rows, latest first, each with the id of the one before it."""
    past = _history_of(model)
    before = past.filter(**{model._meta.pk.attname: OuterRef(model._meta.pk.attname)})
    before = before.filter(history_id__lt=OuterRef("history_id")).order_by("-history_id").values("history_id")[:1]
    related = [field.name for field in model._meta.concrete_fields if field.is_relation]
    visible: QuerySet[Any] = past.visible_to(actor_behind(request)).select_related("history_user", *related)
    states: QuerySet[Any] = visible.annotate(before_id=Subquery(before)).order_by("-history_date", "-history_id")
    return states


def _history_of(model: type[models.Model]) -> Any:
    return get_history_manager_for_model(model).model.objects.all()


def _address_of(model: type[models.Model], state: Any) -> str:
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_history", args=[state.instance.pk])
    except NoReverseMatch:
        return ""


def _names_of(changes: Iterable[Any], model: type[models.Model]) -> Mapping[tuple[str, Any], str]:
    """Return what the rows that foreign keys name are called, one query a field."""
    wanted: defaultdict[str, set[Any]] = defaultdict(set)
    for change in changes:
        if model._meta.get_field(change.field).is_relation:
            wanted[change.field].update(key for key in (change.old, change.new) if key is not None)
    names = {}
    for field, keys in wanted.items():
        related = model._meta.get_field(field).related_model
        rows = related._default_manager.in_bulk(keys)  # type: ignore[union-attr]
        names.update({(field, key): str(rows.get(key, f"#{key}")) for key in keys})
    return names


def _in_words(change: Any, model: type[models.Model], names: Mapping[tuple[str, Any], str]) -> FieldChange:
    field = model._meta.get_field(change.field)
    before, after = (
        names[change.field, value] if field.is_relation and value is not None else _value_in_words(field, value)
        for value in (change.old, change.new)
    )
    return FieldChange(capfirst(str(getattr(field, "verbose_name", field.name))), before, after)


def _value_in_words(field: Any, value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if choices := getattr(field, "flatchoices", None):
        return str(dict(choices).get(value, value))
    match value:
        case bool():
            return _("yes") if value else _("no")
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, sort_keys=True)
        case datetime():
            return date_format(timezone.localtime(value), "DATETIME_FORMAT")
        case Decimal():
            return localize(value.normalize() if value % 1 else value.quantize(Decimal(1)))
        case _:
            return str(localize(value))


class HistoryAdmin(admin.ModelAdmin[M]):
    """Screens of configuration show its history; those of other tables keep Django's log."""

    def get_urls(self) -> list[URLPattern]:
        """The history of all rows of the table, those that were deleted included."""
        urls: list[URLPattern] = super().get_urls()
        if not keeps_history(self.model):
            return urls
        name = f"{self.opts.app_label}_{self.opts.model_name}_changes"
        return [path("history/", self.admin_site.admin_view(self.changes_view), name=name), *urls]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the changes of one row, also of one that was deleted."""
        if not keeps_history(self.model):
            return super().history_view(request, object_id, extra_context)
        obj = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        try:
            key = self.opts.pk.to_python(unquote(object_id))
        except ValidationError as error:
            raise Http404 from error
        states = states_of(self.model, request).filter(**{self.opts.pk.attname: key})
        return self._changes_page(request, states, obj, extra_context)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to the history of all rows."""
        context = dict(extra_context or {})
        if keeps_history(self.model):
            context["changes_url"] = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changes")
        return super().changelist_view(request, context)

    def changes_view(self, request: HttpRequest) -> HttpResponse:
        """Show the changes of all rows."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return self._changes_page(request, states_of(self.model, request), None, None)

    def _changes_page(
        self, request: HttpRequest, states: QuerySet[Any], obj: M | None, extra_context: dict[str, Any] | None
    ) -> HttpResponse:
        paginator = Paginator(states, STATES_A_PAGE)
        page = paginator.get_page(request.GET.get(PAGE_VAR))
        changes = changes_in(list(page.object_list), self.model)
        is_of_one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        if is_of_one and obj is None and not changes:
            raise Http404
        subject = (str(obj) if obj else changes[0].row) if is_of_one else capfirst(str(self.opts.verbose_name_plural))
        context = {
            **self.admin_site.each_context(request),
            "title": _("History: %(subject)s") % {"subject": subject},
            "opts": self.opts,
            "object": obj,
            "subject": subject,
            "is_of_one": is_of_one,
            "changes": changes,
            "page": page,
            "page_range": paginator.get_elided_page_range(page.number),
            "page_var": PAGE_VAR,
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/configuration_history.html", context)
