"""More time for points that are about to expire: asked for here, given at once or after a second person's approval."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import idempotency
from accounts.admin.links import LinkedRowFilter, VocabularyFilter, row_link, rows_link
from accounts.admin.refusals import RefusingAdmin
from accounts.admin.scoped import NeverDeleted, ReadOnlyAdmin, manager_behind
from accounts.idempotency import KeyUsedForAnotherRequestError
from loyalty.adjustments import AdjustmentError, NotAMemberError
from loyalty.admin.adjustments import new_key, refusal
from loyalty.extensions import KIND, NoTimeGivenError, extend
from loyalty.models import ExtendedLot, Extension


class ExtensionForm(forms.ModelForm[Extension]):
    """Whose points, which of them, up to when, and why."""

    key = forms.CharField(widget=forms.HiddenInput, initial=new_key, max_length=60)

    def clean(self) -> dict[str, Any]:
        """Refuse beside the field what the use case would refuse."""
        cleaned = super().clean() or self.cleaned_data
        membership, employee = cleaned.get("membership"), cleaned.get("employee")
        if membership and employee and employee.company_id != membership.company_id:
            self.add_error("employee", refusal(NotAMemberError()))
        until, to = cleaned.get("until"), cleaned.get("to")
        if until and to and to <= until:
            self.add_error("to", refusal(NoTimeGivenError()))
        return cleaned


@admin.register(Extension)
class ExtensionAdmin(NeverDeleted[Extension], RefusingAdmin[Extension]):
    """More time for points: written once, never edited."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (AdjustmentError, KeyUsedForAnotherRequestError)
    form = ExtensionForm
    list_display = ("asked_at", "company", "employee", "points", "until", "to", "state", "asked_by", "which")
    list_filter = (
        "state",
        ("membership__program", VocabularyFilter),
        ("membership", LinkedRowFilter),
        ("employee", LinkedRowFilter),
    )
    list_select_related = ("membership__company", "membership__program", "employee", "asked_by", "approval")
    search_fields = ("membership__company__name", "employee__name", "reason", "asked_by__name")
    ordering = ("-asked_at", "-pk")
    autocomplete_fields = ("membership", "employee")
    actions = None

    def get_fields(self, request: HttpRequest, obj: Extension | None = None) -> Any:
        """Ask for little; show all of it."""
        asked = ("membership", "employee", "until", "to", "reason")
        return (*asked, "points", "state", ("asked_by", "asked_at"), "decision", "which") if obj else ("key", *asked)

    @admin.display(description=gettext_lazy("company"), ordering="membership__company__name")
    def company(self, extension: Extension) -> str:
        """Whose points."""
        return str(extension.membership.company)

    @admin.display(description=gettext_lazy("lots"))
    def which(self, extension: Extension) -> str:
        """The lots that got more time."""
        return rows_link(ExtendedLot, _("Lots"), extension__exact=extension.pk)

    @admin.display(description=gettext_lazy("second person"))
    def decision(self, extension: Extension) -> str:
        """The approval, where one was needed."""
        approval = extension.approval
        return row_link(approval, approval.get_state_display() if approval else None)

    def has_change_permission(self, request: HttpRequest, obj: Extension | None = None) -> bool:
        """What was asked stays as it was asked."""
        return False

    def save_model(self, request: HttpRequest, obj: Extension, form: Any, change: bool) -> None:
        """Give the time, or ask a second person; once, however often the form is sent."""
        me = manager_behind(request)
        asked = [obj.membership_id, obj.employee_id, obj.until.isoformat(), obj.to.isoformat(), obj.reason]
        claim = idempotency.claim(user_id=me.pk, key=form.cleaned_data["key"], content=[KIND, *asked])
        pk = claim.resource_id
        if pk is None:
            pk = extend(
                membership=obj.membership,
                employee=obj.employee,
                until=obj.until,
                to=obj.to,
                reason=obj.reason,
                by=me,
                now=timezone.now(),
            ).extension.pk
            idempotency.settle(claim, pk)
        made = Extension.objects.get(pk=pk)
        obj.pk, obj.state, obj.points, obj._state.adding = made.pk, made.state, made.points, False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Time is given once: there is nothing to save again."""
        only_saved = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **only_saved})

    def said(self, error: Exception) -> str:
        """Why no more time can be given."""
        return refusal(error)

    def response_add(self, request: HttpRequest, obj: Extension, post_url_continue: str | None = None) -> HttpResponse:
        """Say whether the time is given, or what happens next."""
        if obj.state == Extension.State.POSTED:
            self.message_user(request, _("The points last longer; the client has been told."), messages.SUCCESS)
        else:
            text = _(
                "Nothing has changed yet: this is above the program's limit and waits for a second person's approval."
            )
            self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:loyalty_extension_change", args=[obj.pk]))


@admin.register(ExtendedLot)
class ExtendedLotAdmin(ReadOnlyAdmin[ExtendedLot]):
    """Which lots got more time, and from which day."""

    list_display = ("extension", "lot", "points", "last_day_before", "last_day")
    list_filter = (("extension", LinkedRowFilter), ("lot", LinkedRowFilter))
    list_select_related = ("extension", "lot")
    search_fields = ("extension__membership__company__name",)
    ordering = ("-pk",)
