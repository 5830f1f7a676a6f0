"""Persons who asked to be forgotten: what is due when, done at once or withdrawn; and asked for in their name."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import erasing
from accounts.admin.links import LinkedRowFilter
from accounts.admin.refusals import RefusingAdmin
from accounts.admin.scoped import manager_behind
from accounts.admin.steps import Step, SteppedAdmin
from accounts.models import Erasure, User


class ErasureError(Exception):
    """A step that the request cannot take; `str()` says why."""


class AskForm(forms.ModelForm[Erasure]):
    """Who is to be erased, and why it is asked here and not by the person."""

    reason = forms.CharField(label=_("reason"), max_length=300, help_text=_("For example: asked by letter."))

    class Meta:
        model = Erasure
        fields = ("employee",)


def _erase(erasure: Erasure, manager: User, now: datetime, asked: Mapping[str, Any]) -> Erasure:
    try:
        return erasing.erase_now(erasure_id=erasure.pk, by_user_id=manager.pk, now=now)
    except erasing.AlreadyEndedError as error:
        raise ErasureError(_("This request has ended already.")) from error


def _withdraw(erasure: Erasure, manager: User, now: datetime, asked: Mapping[str, Any]) -> Erasure:
    try:
        return erasing.withdraw_erasure(erasure_id=erasure.pk, by_user_id=manager.pk, now=now)
    except erasing.AlreadyEndedError as error:
        raise ErasureError(_("This request has ended already.")) from error


@admin.register(Erasure)
class ErasureAdmin(SteppedAdmin[Erasure], RefusingAdmin[Erasure]):
    """Requests to be forgotten."""

    list_display = ("employee", "company", "state", "asked_at", "due_at", "ended_at")
    list_filter = ("state", ("employee", LinkedRowFilter))
    list_select_related = ("employee__company",)
    search_fields = ("employee__name", "employee__company__name")
    ordering = ("-pk",)
    form = AskForm
    autocomplete_fields = ("employee",)
    refusal = ErasureError
    refusals = (erasing.ErasingError,)
    steps = {
        "erase": Step(
            _("Erase now"),
            _("All that leads back to this person is erased. Points stay under a number. It cannot be undone."),
            _("%(row)s: erased."),
            _erase,
            is_danger=True,
        ),
        "withdraw": Step(_("Withdraw"), _("The person stays; nothing is erased."), _("%(row)s."), _withdraw),
    }

    def said(self, error: Exception) -> str:
        """Why nobody can be asked for."""
        if isinstance(error, erasing.AlreadyErasedError):
            return gettext("This person has been erased already.")
        return gettext("This person has asked already: the request that waits is in the list.")

    @admin.display(description=_("company"))
    def company(self, erasure: Erasure) -> str:
        """Where the person works."""
        return str(erasure.employee.company)

    def offered(self, row: Erasure) -> list[str]:
        """Steps while it waits."""
        return list(self.steps) if row.state == Erasure.State.WAITING else []

    def get_fields(self, request: HttpRequest, obj: Erasure | None = None) -> tuple[str, ...]:
        """What is asked of a new request, and what is shown of one that is there."""
        shown = ("employee", "company", "state", "asked_by", "asked_at", "due_at", "ended_at")
        return ("employee", "reason") if obj is None else shown

    def get_readonly_fields(self, request: HttpRequest, obj: Erasure | None = None) -> tuple[str, ...]:
        """A request changes by its steps alone."""
        return () if obj is None else tuple(self.get_fields(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        """That somebody asked stays on record."""
        return False

    def save_model(self, request: HttpRequest, obj: Erasure, form: forms.ModelForm[Erasure], change: bool) -> None:
        """Ask in the person's name."""
        if not change:
            asked = erasing.ask_to_erase(
                employee_id=obj.employee_id,
                by_user_id=manager_behind(request).pk,
                now=timezone.now(),
                reason=form.cleaned_data["reason"],
            )
            obj.pk = asked.pk
            obj.refresh_from_db()
