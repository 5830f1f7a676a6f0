"""What the screens of points by hand and of more time share: asked once, then done, or left to a second person."""

from datetime import date
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from accounts import idempotency
from accounts.admin.links import LinkedRowFilter, VocabularyFilter, row_link
from accounts.admin.refusals import RefusingAdmin
from accounts.admin.scoped import NeverDeleted, manager_behind
from accounts.approvals import AlreadyDecidedError, OwnRequestError, ReasonMissingError
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.models import User
from loyalty.by_hand import (
    MOST_POINTS,
    ByHandError,
    ExtensionError,
    MorePointsError,
    NoPointsError,
    NotAMemberError,
    NothingExpiresError,
    ProgramClosedError,
)
from loyalty.ledger import InsufficientPointsError
from loyalty.models import Adjustment, Extension

MINUS = "\N{MINUS SIGN}"


def refusal(error: Exception) -> str:
    """Return why points cannot be moved, and what to do instead."""
    match error:
        case InsufficientPointsError():
            return _("Only %(available)s points are available there. Take %(available)s at most.") % {
                "available": localize(error.available)
            }
        case NotAMemberError():
            return _("This person does not work for the company, or no longer does. Choose somebody who does.")
        case ProgramClosedError():
            return _("The company does not take part in the program at present, or the program is not running or over.")
        case NoPointsError():
            return _("Give or take between 1 and %(most)s points.") % {"most": localize(MOST_POINTS)}
        case OwnRequestError():
            return _("You asked for this yourself. Somebody else has to decide; a colleague finds it in this queue.")
        case AlreadyDecidedError():
            return _("Somebody has decided this meanwhile; there is nothing left to do.")
        case ExtensionError():
            return _refusal_of_time(error)
        case KeyUsedForAnotherRequestError():
            return _(
                "This form was sent before, with other content. Look at the list; for more points, begin a new form."
            )
        case ReasonMissingError():
            return _("Say why you reject it: the one who asked reads it.")
    return _("This is not possible at present.")


def _refusal_of_time(error: ExtensionError) -> str:
    match error:
        case NothingExpiresError():
            return _("No points of this wallet expire by that day: there is nothing to give more time to.")
        case MorePointsError():
            return _(
                "By now %(points)s points expire by that day, %(agreed)s were agreed to. Reject this and ask again."
            ) % {"points": localize(error.points), "agreed": localize(error.agreed)}
        case _other:
            return _("Choose a day from today on, and a later one, within ten years, up to which the points last then.")


def new_key() -> str:
    """What tells a second click from a second wish."""
    return uuid4().hex


A = TypeVar("A", Adjustment, Extension)


class ByHandForm(forms.ModelForm[A]):
    """Whose points, and why; sent twice, it asks once."""

    key = forms.CharField(widget=forms.HiddenInput, initial=new_key, max_length=60)

    def clean(self) -> dict[str, Any]:
        """Refuse beside the field what the use case would refuse."""
        cleaned = super().clean() or self.cleaned_data
        membership, employee = cleaned.get("membership"), cleaned.get("employee")
        if membership and employee and employee.company_id != membership.company_id:
            self.add_error("employee", refusal(NotAMemberError()))
        return cleaned


class ByHandAdmin(NeverDeleted[A], RefusingAdmin[A]):
    """Screens of what is done to points by hand: written once, never edited."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (
        ByHandError,
        InsufficientPointsError,
        KeyUsedForAnotherRequestError,
    )
    list_filter: ClassVar[Any] = (
        "state",
        ("membership__program", VocabularyFilter),
        ("membership", LinkedRowFilter),
        ("employee", LinkedRowFilter),
    )
    list_select_related: ClassVar[Any] = (
        "membership__company",
        "membership__program",
        "employee",
        "asked_by",
        "approval",
    )
    search_fields = ("membership__company__name", "employee__name", "reason", "asked_by__name")
    ordering = ("-asked_at", "-pk")
    autocomplete_fields = ("membership", "employee")
    actions = None

    request_kind: ClassVar[str]
    asked_fields: ClassVar[tuple[str, ...]]
    """What is asked for, and what makes one request another."""

    shown_fields: ClassVar[tuple[Any, ...]]
    """What a row shows beyond that."""

    done: ClassVar[StrOrPromise]
    left_to_another: ClassVar[StrOrPromise]

    def ask(self, row: A, *, by: User) -> A:
        """Call the use case, and return the row that it made."""
        raise NotImplementedError

    def get_fields(self, request: HttpRequest, obj: A | None = None) -> Any:
        """Ask for little; show all of it."""
        return (*self.asked_fields, *self.shown_fields) if obj else ("key", *self.asked_fields)

    @admin.display(description=gettext_lazy("company"), ordering="membership__company__name")
    def company(self, row: A) -> str:
        """Whose points."""
        return str(row.membership.company)

    @admin.display(description=gettext_lazy("second person"))
    def decision(self, row: A) -> str:
        """The approval, where one was needed."""
        approval = row.approval
        return row_link(approval, approval.get_state_display() if approval else None)

    def has_change_permission(self, request: HttpRequest, obj: A | None = None) -> bool:
        """What was asked stays as it was asked."""
        return False

    def save_model(self, request: HttpRequest, obj: A, form: Any, change: bool) -> None:
        """Ask once, however often the form is sent."""
        me = manager_behind(request)
        asked: list[object] = [_written(obj.serializable_value(name)) for name in self.asked_fields]
        claim = idempotency.claim(user_id=me.pk, key=form.cleaned_data["key"], content=[self.request_kind, *asked])
        pk = claim.resource_id
        if pk is None:
            pk = self.ask(obj, by=me).pk
            idempotency.settle(claim, pk)
        made = type(obj)._default_manager.get(pk=pk)
        obj.pk, obj.state, obj.points, obj._state.adding = made.pk, made.state, made.points, False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """It is asked once: there is nothing to save again."""
        only_saved = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **only_saved})

    def said(self, error: Exception) -> str:
        """Why it is refused."""
        return refusal(error)

    def response_add(self, request: HttpRequest, obj: A, post_url_continue: str | None = None) -> HttpResponse:
        """Say whether it is done, or what happens next."""
        if obj.state == obj.State.POSTED:
            self.message_user(request, str(self.done), messages.SUCCESS)
        else:
            self.message_user(request, str(self.left_to_another), messages.WARNING)
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[obj.pk]))


def _written(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
