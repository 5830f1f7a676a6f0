"""What a version of rules is made of: open as long as the version is a draft, to read from then on."""

from typing import Any, Protocol, TypeVar

from django import forms
from django.contrib import messages
from django.db import models
from django.db.models import QuerySet
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.admin.scoped import ScopedModelAdmin
from loyalty.models import RuleSet

P = TypeVar("P", bound=models.Model)


class PartOfRules(Protocol):
    """A row that belongs to a rule set."""

    rule_set: Any


def is_open(part: PartOfRules | None) -> bool:
    """Whether a part may still change: it is new, or its version is a draft."""
    return part is None or bool(part.rule_set.status == RuleSet.Status.DRAFT)


class PartOfRulesForm(forms.ModelForm[P]):
    """A part stays in the version that it was made for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rule_set = self.fields.get("rule_set")
        if rule_set is not None and self.instance._state.adding is False:
            rule_set.disabled = True
            its_own: Any = self.instance
            rule_set.choices = [(its_own.rule_set_id, str(its_own.rule_set))]  # type: ignore[attr-defined]


class PartOfRulesAdmin(ScopedModelAdmin[P]):
    """Parts of drafts to edit, parts of versions in force to read."""

    def get_field_queryset(
        self, db: str | None, db_field: RelatedField[Any, Any], request: HttpRequest
    ) -> QuerySet[Any]:
        """New parts go into drafts."""
        rows = super().get_field_queryset(db, db_field, request)
        if db_field.name == "rule_set":
            rows = rows.filter(status=RuleSet.Status.DRAFT).select_related("program").order_by("-pk")
        return rows

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is in force never changes."""
        return is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is in force stays."""
        return is_open(obj) and super().has_delete_permission(request, obj)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say why the page of what is in force has nothing to save."""
        part = context.get("original")
        if not is_open(part):
            text = _(
                "Version %(version)s was put in force, so its rules stay. To change one, make a new draft from it."
            )
            self.message_user(request, text % {"version": part.rule_set.version}, messages.INFO)
        return super().render_change_form(request, context, *args, **kwargs)
