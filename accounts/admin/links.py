"""Links between the admin's screens: every number leads to the rows behind it."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Field, Model, QuerySet
from django.db.models.fields.related import ForeignKey
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.admin.exports import Shown
from accounts.admin.scoped import visible_rows
from accounts.middleware import actor_behind


def row_link(row: Model | None, text: object = None) -> str:
    """Return a link to a row's page, shown as `text` or as the row itself; a dash where there is none."""
    if row is None:
        return "–"
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    says = str(row) if text is None else text
    return Shown.of(format_html('<a href="{}">{}</a>', url, localize(says)), says)


def rows_link(model: type[Model], text: object, **filters: str | int) -> str:
    """Return a link to the list of `model` cut down by `filters`, shown as `text`; numbers in the reader's notation."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return Shown.of(format_html('<a href="{}?{}">{}</a>', url, urlencode(filters), localize(text)), text)


class AskedFilter(admin.SimpleListFilter):
    """Cuts a list down to the rows that something is true of; `choices_of` names what can be asked."""

    choices_of: ClassVar[Mapping[str, Any]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """What can be asked."""
        return list(self.choices_of.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows asked for; all of them where nothing, or nothing known, is asked."""
        asked = self.value()
        if asked is None or asked not in self.choices_of:
            return queryset
        return self.cut(queryset, asked, actor_behind(request))

    def cut(self, rows: QuerySet[Any], asked: str, actor: Actor) -> QuerySet[Any]:
        """Return those of `rows` that `asked` is true of at the actor's moment."""
        raise NotImplementedError


class LinkedRowFilter(admin.FieldListFilter):
    """Cuts a list down to one related row. Shown only where a link asked for it: there is no list to choose from."""

    field: ForeignKey[Any, Any]

    def __init__(
        self,
        field: Field[Any, Any],
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[Model],
        model_admin: admin.ModelAdmin[Any],
        field_path: str,
    ) -> None:
        self._key = f"{field_path}__exact"
        super().__init__(field, request, params, model, model_admin, field_path)
        self.title = getattr(field, "verbose_name", field_path)
        self._request = request

    def expected_parameters(self) -> list[str | None]:
        """The one parameter."""
        return [self._key]

    def has_output(self) -> bool:
        """Whether a link asked for one row."""
        return self._key in self.used_parameters

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """All rows, or the one asked for by its name."""
        yield self._choice(changelist.get_query_string(remove=[self._key]), _("All"), is_selected=False)
        asked = self.used_parameters[self._key]
        numbers = [number for number in asked if str(number).isdecimal()] if isinstance(asked, list) else []
        rows = visible_rows(self.field.remote_field.model._default_manager.all(), actor_behind(self._request))
        for row in rows.filter(pk__in=numbers):
            yield self._choice(changelist.get_query_string(), str(row), is_selected=True)

    @staticmethod
    def _choice(query_string: str, display: str, *, is_selected: bool) -> Mapping[str, object]:
        return {"selected": is_selected, "query_string": query_string, "display": display}


class VocabularyFilter(admin.RelatedFieldListFilter):
    """Cuts a list down by one of a few rows that the actor may see, such as programs."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[Any]:
        """The choices, in the order of their own list."""
        rows = visible_rows(field.remote_field.model._default_manager.all(), actor_behind(request))
        ordering = self.field_admin_ordering(field, request, model_admin)
        choices: list[Any] = field.get_choices(
            include_blank=False, ordering=ordering, limit_choices_to={"pk__in": rows.values("pk")}
        )
        return choices
