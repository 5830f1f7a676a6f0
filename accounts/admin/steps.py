"""Steps that a row takes: a button on its page, a page that says what follows, and then the use case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise

from accounts.admin.scoped import ScopedModelAdmin, manager_behind
from accounts.models import User

M = TypeVar("M", bound=Model)


class StepForm(forms.Form):
    """Nothing to ask, only to confirm."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step as its page speaks of it; `done` is the message over the row that `take`, the use case, gives back.

    `take` is called with the row, the manager, the moment and what the form asked for, cleaned.
    """

    label: str | Promise
    consequence: str | Promise
    done: str | Promise
    take: Callable[[Any, User, datetime, Mapping[str, Any]], Any]
    form: type[forms.Form] = StepForm
    makes_new_row: bool = False
    is_danger: bool = False


class SteppedAdmin(ScopedModelAdmin[M]):
    """Screens of rows that change by steps with a page to confirm each."""

    change_form_template = "admin/with_tools.html"
    step_template = "admin/step.html"
    steps: ClassVar[Mapping[str, Step]] = {}
    refusal: ClassVar[type[Exception]]
    """What a use case raises when the row cannot take the step; `str()` of it is said on the page."""

    def offered(self, row: M) -> list[str]:
        """Return the names of the steps that the row can take now."""
        return list(self.steps)

    def further_tools(self, request: HttpRequest, row: M) -> list[dict[str, Any]]:
        """Return buttons that lead elsewhere."""
        return []

    def foretold(self, row: M, name: str) -> dict[str, Any]:
        """Return what the page of a step shows beyond its words."""
        return {}

    def get_urls(self) -> list[URLPattern]:
        """The pages that confirm a step."""
        steps = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(partial(self.step_view, name=name)),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{name}",
            )
            for name in self.steps
        ]
        return [*steps, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the steps that the row can take."""
        row = self.get_object(request, object_id)
        tools = self.tools(request, row) if row else []
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Confirm a step, take it, and go to the row that it led to; or say why it cannot be taken."""
        row = self.get_object(request, str(pk))
        if row is None:
            raise Http404
        step = self.steps[name]
        if not self.may_take(request, row, step):
            raise PermissionDenied
        form = step.form(request.POST if request.method == "POST" else None)
        status = 422 if form.is_bound else 200
        if form.is_valid():
            try:
                result = step.take(row, manager_behind(request), timezone.now(), form.cleaned_data)
            except self.refusal as error:
                form.add_error(None, str(error))
                status = 409
            else:
                return self.taken(request, step, result)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": f"{step.label}: {row}",
            "consequence": step.consequence,
            "submit": step.label,
            "is_danger": step.is_danger,
            "form": form,
            "back_url": self._url("change", row),
            **self.foretold(row, name),
        }
        return TemplateResponse(request, self.step_template, context, status=status)

    def taken(self, request: HttpRequest, step: Step, result: Any) -> HttpResponse:
        """Say that a step was taken, over the row that it led to."""
        text = str(step.done) % {"row": result}
        self.log_change(request, result, text)
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(self.next_url(result))

    def next_url(self, row: Model) -> str:
        """Return where one goes on once a step was taken: the row that it led to."""
        return self._url("change", row)

    def may_take(self, request: HttpRequest, row: M, step: Step) -> bool:
        """Whether whoever asks may take the step at all."""
        return self.has_add_permission(request) if step.makes_new_row else self.has_change_permission(request, row)

    def tools(self, request: HttpRequest, row: M) -> list[dict[str, Any]]:
        """Return the buttons of a row: those that lead elsewhere, then its steps."""
        return [*self.further_tools(request, row), *self.ways_on(request, row)]

    def ways_on(self, request: HttpRequest, row: M) -> list[dict[str, Any]]:
        """Return the buttons of the steps that the row can take now, by whoever asks."""
        return [
            {"label": self.steps[name].label, "url": self._url(name, row)}
            for name in self.offered(row)
            if self.may_take(request, row, self.steps[name])
        ]

    def _url(self, page: str, row: Model) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=[row.pk])
