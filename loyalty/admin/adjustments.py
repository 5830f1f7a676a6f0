"""Points by hand: asked for here, posted at once or after a second person's approval; what managements say; figures."""

from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import idempotency
from accounts.admin.links import LinkedRowFilter, VocabularyFilter, row_link
from accounts.admin.refusals import RefusingAdmin
from accounts.admin.scoped import NeverDeleted, ReadOnlyAdmin, manager_behind
from accounts.approvals import AlreadyDecidedError, OwnRequestError, ReasonMissingError
from accounts.idempotency import KeyUsedForAnotherRequestError
from loyalty.adjustments import (
    KIND,
    MOST_POINTS,
    AdjustmentError,
    InsufficientPointsError,
    NoPointsError,
    NotAMemberError,
    ProgramClosedError,
    adjust,
)
from loyalty.extensions import ExtensionError, MorePointsError, NothingExpiresError
from loyalty.models import Adjustment, ProgramComment, ProgramDay, Transfer

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
            return _("The company does not take part in the program at present, or the program is not running.")
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


class AdjustmentForm(forms.ModelForm[Adjustment]):
    """Whose points, how many, and why."""

    points = forms.IntegerField(
        label=gettext_lazy("Points"),
        min_value=-MOST_POINTS,
        max_value=MOST_POINTS,
        help_text=gettext_lazy("Below 0 to take points."),
    )
    key = forms.CharField(widget=forms.HiddenInput, initial=new_key, max_length=60)

    def clean(self) -> dict[str, Any]:
        """Refuse beside the field what the use case would refuse."""
        cleaned = super().clean() or self.cleaned_data
        membership, employee = cleaned.get("membership"), cleaned.get("employee")
        if membership and employee and employee.company_id != membership.company_id:
            self.add_error("employee", refusal(NotAMemberError()))
        if cleaned.get("points") == 0:
            self.add_error("points", refusal(NoPointsError()))
        return cleaned


@admin.register(Adjustment)
class AdjustmentAdmin(NeverDeleted[Adjustment], RefusingAdmin[Adjustment]):
    """Points by hand: written once, never edited."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (
        AdjustmentError,
        InsufficientPointsError,
        KeyUsedForAnotherRequestError,
    )
    form = AdjustmentForm
    list_display = ("asked_at", "company", "employee", "points", "reason_code", "state", "asked_by", "act")
    list_filter = (
        "state",
        "reason_code",
        ("membership__program", VocabularyFilter),
        ("membership", LinkedRowFilter),
        ("employee", LinkedRowFilter),
    )
    list_select_related = ("membership__company", "membership__program", "employee", "asked_by", "approval")
    search_fields = ("membership__company__name", "employee__name", "reason", "asked_by__name")
    ordering = ("-asked_at", "-pk")
    autocomplete_fields = ("membership", "employee")
    actions = None
    add_form_template = "admin/loyalty/adjustment/add_form.html"

    def get_fields(self, request: HttpRequest, obj: Adjustment | None = None) -> Any:
        """Ask for little; show all of it."""
        asked = ("membership", "employee", "points", "reason_code", "reason")
        return (*asked, "state", ("asked_by", "asked_at"), "decision", "act") if obj else ("key", *asked)

    @admin.display(description=gettext_lazy("company"), ordering="membership__company__name")
    def company(self, adjustment: Adjustment) -> str:
        """Whose points."""
        return str(adjustment.membership.company)

    @admin.display(description=gettext_lazy("posted by"))
    def act(self, adjustment: Adjustment) -> str:
        """The act that moved the points."""
        if adjustment.transaction_id is None:
            return "–"
        return row_link(adjustment.transaction, f"T{adjustment.transaction_id}")

    @admin.display(description=gettext_lazy("second person"))
    def decision(self, adjustment: Adjustment) -> str:
        """The approval, where one was needed."""
        approval = adjustment.approval
        return row_link(approval, approval.get_state_display() if approval else None)

    def has_change_permission(self, request: HttpRequest, obj: Adjustment | None = None) -> bool:
        """What was asked stays as it was asked."""
        return False

    def save_model(self, request: HttpRequest, obj: Adjustment, form: Any, change: bool) -> None:
        """Move the points, or ask a second person; once, however often the form is sent."""
        me = manager_behind(request)
        asked = [obj.membership_id, obj.employee_id, obj.points, obj.reason_code, obj.reason]
        claim = idempotency.claim(user_id=me.pk, key=form.cleaned_data["key"], content=[KIND, *asked])
        pk = claim.resource_id
        if pk is None:
            pk = adjust(
                membership=obj.membership,
                employee=obj.employee,
                points=obj.points,
                reason_code=obj.reason_code,
                reason=obj.reason,
                by=me,
                now=timezone.now(),
            ).adjustment.pk
            idempotency.settle(claim, pk)
        made = Adjustment.objects.get(pk=pk)
        obj.pk, obj.state, obj._state.adding = made.pk, made.state, False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Points are moved once: there is nothing to save again."""
        only_saved = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **only_saved})

    def said(self, error: Exception) -> str:
        """Why the points cannot be moved."""
        return refusal(error)

    def response_add(self, request: HttpRequest, obj: Adjustment, post_url_continue: str | None = None) -> HttpResponse:
        """Say whether the points are posted, or what happens next."""
        if obj.state == Adjustment.State.POSTED:
            text = _("The points are posted; the client has been told.")
            self.message_user(request, text, messages.SUCCESS)
        else:
            text = _(
                "Nothing has moved yet: this is above the program's limit and waits for a second person's approval."
            )
            self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:loyalty_adjustment_change", args=[obj.pk]))


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin[Transfer]):
    """Points that clients passed on within their company."""

    list_display = ("made_at", "company", "employee", "is_to_company", "points", "reason", "made_by")
    list_filter = (
        "is_to_company",
        ("membership__program", VocabularyFilter),
        ("membership", LinkedRowFilter),
        ("employee", LinkedRowFilter),
    )
    list_select_related = ("membership__company", "membership__program", "employee", "made_by")
    search_fields = ("membership__company__name", "employee__name", "reason")
    ordering = ("-made_at", "-pk")

    @admin.display(description=gettext_lazy("company"))
    def company(self, transfer: Transfer) -> str:
        """Within which company."""
        return str(transfer.membership.company)


@admin.register(ProgramComment)
class ProgramCommentAdmin(ReadOnlyAdmin[ProgramComment]):
    """What managements say of a program."""

    list_display = ("created_at", "company", "author", "beginning")
    list_filter = (("membership__program", VocabularyFilter), ("membership", LinkedRowFilter))
    list_select_related = ("membership__company", "membership__program", "author")
    search_fields = ("membership__company__name", "author__name", "text")
    ordering = ("-created_at", "-pk")

    @admin.display(description=gettext_lazy("company"))
    def company(self, comment: ProgramComment) -> str:
        """Whose management."""
        return str(comment.membership.company)

    @admin.display(description=gettext_lazy("comment"))
    def beginning(self, comment: ProgramComment) -> str:
        """How it begins."""
        return comment.text[:80]


@admin.register(ProgramDay)
class ProgramDayAdmin(ReadOnlyAdmin[ProgramDay]):
    """A program's figures at the end of each day."""

    list_display = ("day", "program", "issued", "spent", "expired", "outstanding", "members", "active_companies")
    list_filter = (("program", VocabularyFilter),)
    list_select_related = ("program",)
    search_fields = ("program__name", "program__code")
    ordering = ("-day", "program__name")
