"""What every screen of the admin rests on: rows through the scope, bounded lists, and tables that are read only."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import BaseModelAdmin
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.db.models import PROTECT, QuerySet
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.admin.exports import ExportAdmin
from accounts.admin.histories import HistoryAdmin
from accounts.admin.saved_filters import FilterAdmin
from accounts.admin.stamps import StampedAdmin
from accounts.middleware import actor_behind
from accounts.models import User
from accounts.scope import ScopedQuerySet

M = TypeVar("M", bound=models.Model)
P = TypeVar("P", bound=models.Model)

MOST_COUNTED = 10_000
"""Lists are counted and paged this far; whoever needs more narrows the list down."""

_PROTECTED_SHOWN = 5


def visible_rows(rows: QuerySet[M], actor: Actor) -> QuerySet[M]:
    """Return the rows that `actor` may see; Django's own tables (groups, permissions) hold nobody's rows."""
    return rows.visible_to(actor) if isinstance(rows, ScopedQuerySet) else rows


def manager_behind(request: HttpRequest) -> User:
    """Return the user who steers; the admin lets nobody else in."""
    if not isinstance(request.user, User):
        raise TypeError("The admin is for people who have signed in.")
    return request.user


class BoundedPaginator(Paginator[Any]):
    """A paginator whose count costs the same however long the table grows: it stops at MOST_COUNTED."""

    @cached_property
    def _counted(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[: MOST_COUNTED + 1].count()
        return min(len(rows), MOST_COUNTED + 1)

    @cached_property
    def count(self) -> int:
        """Rows that can be paged to."""
        return min(self._counted, MOST_COUNTED)

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than can be paged to."""
        return self._counted > MOST_COUNTED


class ScopedAdmin(BaseModelAdmin[M]):
    """Rows, and the rows to choose from, are those that the actor may see."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """Return the rows of this screen: lists, forms, history, autocomplete and actions all start here."""
        return visible_rows(super().get_queryset(request), actor_behind(request))

    def get_field_queryset(
        self, db: str | None, db_field: RelatedField[Any, Any], request: HttpRequest
    ) -> QuerySet[Any]:
        """Return what a foreign key or a many-to-many field may be set to."""
        rows = super().get_field_queryset(db, db_field, request)
        if rows is None:
            rows = db_field.remote_field.model._default_manager.all()
        return visible_rows(rows, actor_behind(request))


class NeverDeleted(BaseModelAdmin[M]):
    """Rows with a past: they are ended or switched off, so that what referred to them still says something."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


class ReadOnly(NeverDeleted[M]):
    """Rows that use cases write and nobody edits."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody; seeing is another permission."""
        return False


class ScopedModelAdmin(
    ScopedAdmin[M], StampedAdmin[M], HistoryAdmin[M], ExportAdmin[M], FilterAdmin[M], admin.ModelAdmin[M]
):
    """A model's screens in this house."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # counting every choice of a filter reads the whole table
    paginator = BoundedPaginator

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """Bring what a row is called by: autocomplete and history name rows too, not only lists."""
        rows = super().get_queryset(request)
        related = self.list_select_related
        return rows if isinstance(related, bool) else rows.select_related(*related)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Call a list by its name, and say where it goes on past what can be paged to."""
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            changelist = response.context_data.get("cl")
            if changelist is not None and not changelist.is_popup:
                response.context_data["title"] = capfirst(str(self.opts.verbose_name_plural))
            if changelist is not None and changelist.paginator.is_cut:
                response.context_data["subtitle"] = _(
                    "The first %(most)s rows. There are more: narrow the list down by search or filter."
                ) % {"most": f"{MOST_COUNTED:,}"}
        return response

    @admin.display(description="")
    def action_checkbox(self, obj: M) -> SafeString:
        """Let a row be chosen: as Django has it, without a template for each."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            format_html(_("Select this object for an action - {}"), str(obj)),
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin a form with what the address says, without what can be no row's key."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return {name: value for name, value in initial.items() if self._can_be(name, value)}

    def _can_be(self, name: str, value: Any) -> bool:
        if name not in {field.name for field in self.opts.get_fields()}:
            return True
        field = self.opts.get_field(name)
        if not isinstance(field, models.ForeignKey | models.ManyToManyField):
            return True
        try:
            for key in value if isinstance(value, list) else [value]:
                field.remote_field.model._meta.pk.to_python(key)
        except ValidationError:
            return False
        return True

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Refuse what PostgreSQL cannot compare with: text never holds a NUL."""
        return "\0" not in "".join(map(str, value)) and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """Search without NULs, which no text holds."""
        return super().get_search_results(request, queryset, search_term.replace("\0", ""))

    def get_deleted_objects(
        self, objs: QuerySet[Any] | Sequence[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Look first for a few rows that keep `objs` from being deleted: Django would read every one of them."""
        protected = [str(row) for row in rows_that_protect(objs)]
        if protected:
            return [], {}, set(), protected
        return super().get_deleted_objects(objs, request)


class ReadOnlyAdmin(ReadOnly[M], ScopedModelAdmin[M]):
    """The ledger and every other table that only use cases write.

    Newest first and no other way, unless a small table says otherwise: sorting a large one reads all of it.
    """

    actions = None
    sortable_by: ClassVar[tuple[str, ...] | None] = ()


class ScopedInline(ScopedAdmin[M], admin.TabularInline[M, P]):
    """Rows edited with their parent. Deleting is not offered: dated rows are ended."""

    extra = 0
    can_delete = False


class ReadOnlyInline(ReadOnly[M], ScopedInline[M, P]):
    """Rows shown with their parent."""

    show_change_link = True


class FixedFieldsForm(forms.ModelForm[M]):
    """A form whose `fixed` fields are chosen once.

    Disabled rather than read-only: the form still checks the constraints that they are part of.
    """

    fixed: ClassVar[tuple[str, ...]] = ("code",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            return
        for name in self.fixed:
            if name in self.fields:
                self.fields[name].disabled = True
                self.fields[name].help_text = _("Stays as it is: rules and records refer to it.")


def rows_that_protect(objs: Iterable[Any]) -> list[Any]:
    """Return a few of the rows that refer to `objs` and keep them from being deleted."""
    rows = list(objs)
    if not rows:
        return []
    for relation in rows[0]._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete and getattr(relation, "on_delete", None) is PROTECT:
            lookup = {f"{relation.field.name}__in": rows}
            found = list(relation.related_model._base_manager.filter(**lookup)[:_PROTECTED_SHOWN])
            if found:
                return found
    return []
