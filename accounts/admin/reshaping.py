"""Forms with buttons for a row more or less: the page comes back with what was typed, and nothing is checked or saved.

Such a button is a plain submit named RESHAPE, so it works without JavaScript; with it, htmx puts in the part alone.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import Model
from django.forms.utils import ErrorDict, ErrorList
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

M = TypeVar("M", bound=Model)
P = TypeVar("P", bound=Model)

RESHAPE = "_reshape"
"""The name of such buttons; a value is a field's name, a colon, and what is to be done to it."""


def asked_of(data: Any, name: str) -> list[str]:
    """Return what a button asks of the field `name`, its words apart; nothing where none was pressed."""
    asked, colon, words = str(data.get(RESHAPE, "")).partition(":")
    return words.split(":") if colon and asked == name else []


def bring_anew(field: forms.Field, part: str, *, asked: str, also: str = "") -> None:
    """Let a field on which parts of the page depend bring them anew once another choice is made.

    `part` and `also` are CSS selectors, `asked` is what such a button would ask. A choice among rows then shows no ways
    to other pages: what was typed here would be lost there.
    """
    wrapper: Any = field.widget
    if isinstance(wrapper, RelatedFieldWidgetWrapper):
        wrapper.can_add_related = wrapper.can_change_related = False
        wrapper.can_delete_related = wrapper.can_view_related = False
    attributes = {"hx-post": "", "hx-trigger": "change", "hx-vals": json.dumps({RESHAPE: asked})}
    attributes |= {"hx-target": part, "hx-select": part, "hx-swap": "outerHTML"}
    getattr(wrapper, "widget", wrapper).attrs |= attributes | ({"hx-select-oob": also} if also else {})


class ReshapedForm(forms.ModelForm[M]):
    """A form that is neither checked nor saved while a button only asks for another shape of it."""

    is_checked_anyway = False
    """Set for as long as somebody only looks at what is wrong so far."""

    @property
    def is_reshaped(self) -> bool:
        """Whether such a button was pressed."""
        return self.is_bound and RESHAPE in self.data and not self.is_checked_anyway

    def errors_so_far(self) -> ErrorDict:
        """Return what is wrong with what was typed, be it finished or not."""
        form: Any = self
        form.is_checked_anyway, form._errors = True, None
        found: ErrorDict = form.errors
        form.is_checked_anyway, form._errors = False, None
        return found

    def is_valid(self) -> bool:
        """Not while it is reshaped: then it is not saved."""
        return not self.is_reshaped and super().is_valid()

    def full_clean(self) -> None:
        """Find nothing wrong with what nobody has finished."""
        if not self.is_reshaped:
            super().full_clean()
            return
        self._errors = ErrorDict()
        self.cleaned_data = {}


class ReshapedFormSet(forms.BaseInlineFormSet[M, P, forms.ModelForm[M]]):
    """Rows beside such a form; `<prefix>:add` asks for one more."""

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        prefix = kwargs.get("prefix") or self.get_default_prefix()
        if data is not None and asked_of(data, prefix) == ["add"]:
            data = data.copy()
            total = f"{prefix}-TOTAL_FORMS"
            count = int(data[total]) if str(data.get(total, "")).isdecimal() else 0
            data[total] = str(count + 1)
            for name, value in self.blank.items():
                data[f"{prefix}-{count}-{name}"] = value
        super().__init__(data, *args, **kwargs)

    blank: ClassVar[Mapping[str, str]] = {}
    """What a new row shows."""

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        """Begin a new row with what most rows say."""
        kwargs = super().get_form_kwargs(index)
        is_new = index is None or index >= self.initial_form_count()
        return {**kwargs, "initial": self.blank} if is_new else kwargs

    def full_clean(self) -> None:
        """Find nothing wrong with what nobody has finished."""
        if not (self.is_bound and RESHAPE in self.data):
            super().full_clean()
            return
        self._errors = [ErrorDict() for _form in self.forms]
        self._non_form_errors = ErrorList()

    def is_valid(self) -> bool:
        """Not while it is reshaped."""
        return not (self.is_bound and RESHAPE in self.data) and super().is_valid()


class ReshapingAdmin(admin.ModelAdmin[M]):
    """A screen with such a form: an answer to its buttons is a page like any other, whatever changed meanwhile."""

    def _stale_sentence(self, request: HttpRequest, obj: M) -> SafeString:
        """Compare when it is saved; until then the form keeps its stamp."""
        if RESHAPE in request.POST:
            return SafeString()
        return super()._stale_sentence(request, obj)  # type: ignore[misc, no-any-return]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Load what puts in parts of the page, where there is something to fill in."""
        obj = context.get("original")
        is_open = self.has_change_permission(request, obj) if obj is not None else self.has_add_permission(request)
        return super().render_change_form(request, {**context, "is_reshaped_here": is_open}, *args, **kwargs)
