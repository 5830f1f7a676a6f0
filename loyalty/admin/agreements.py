"""Agreements with companies: drawn up, read in plain words, asked for, withdrawn, ended; approved in the queue."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter, VocabularyFilter
from accounts.admin.scoped import ScopedInline, manager_behind
from accounts.admin.steps import Step, SteppedAdmin
from accounts.approvals import ApprovalError
from loyalty.admin.agreement_limits import of_what, sentence_of
from loyalty.admin.agreement_parts import is_open
from loyalty.admin.by_hand import refusal as said
from loyalty.admin.versions import ActivateForm, StateFilter
from loyalty.agreements import AgreementError, ask, draft_from, end, next_version, terms_of, used_up_by, withdraw
from loyalty.models import Agreement, AgreementLimit, AgreementRate
from loyalty.versions import state_of


def _withdraw(agreement: Agreement, by: Any, now: Any, _asked: Mapping[str, Any]) -> Agreement:
    try:
        return withdraw(agreement=agreement, by=by, now=now)
    except ApprovalError as error:
        raise AgreementError(said(error)) from error


STEPS: Mapping[str, Step] = {
    "ask": Step(
        gettext_lazy("Ask for approval"),
        gettext_lazy(
            "Somebody else has to approve it; until then the program's rules, or the agreement in force, hold. Its "
            "terms can no longer be changed from here on. Once approved it holds from its start; the agreement in "
            "force then ends at that moment."
        ),
        gettext_lazy("%(row)s waits for approval."),
        lambda agreement, by, now, asked: ask(agreement=agreement, by=by, starts_at=asked["starts_at"] or now, now=now),
        ActivateForm,
    ),
    "withdraw": Step(
        gettext_lazy("Withdraw the request"),
        gettext_lazy("Nobody is asked any more; the agreement is a draft again, which you can change."),
        gettext_lazy("%(row)s is a draft again."),
        _withdraw,
    ),
    "end": Step(
        gettext_lazy("End"),
        gettext_lazy(
            "The agreement ends at this moment; from then on the program's rules hold for the company. Where it has "
            "not begun yet, it never will, and the one before it goes on."
        ),
        gettext_lazy("%(row)s is ended."),
        lambda agreement, by, now, _asked: end(agreement=agreement, by=by, now=now),
        is_danger=True,
    ),
    "draft": Step(
        gettext_lazy("Make a new draft from it"),
        gettext_lazy(
            "Its terms are copied into the company's next version, which you can change until you ask for it."
        ),
        gettext_lazy("%(row)s is drawn up; its terms can be changed now."),
        lambda agreement, by, now, _asked: draft_from(agreement=agreement, by=by, now=now),
        makes_new_row=True,
    ),
}


class _TermsInline:
    """Terms are open as long as their agreement is."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return is_open(obj) and super().has_add_permission(request, obj)  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return is_open(obj) and super().has_change_permission(request, obj)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return is_open(obj) and super().has_delete_permission(request, obj)  # type: ignore[misc]


class RateInline(_TermsInline, ScopedInline[AgreementRate, Agreement]):
    """The agreed rates; each has a page of its own."""

    model = AgreementRate
    fields = readonly_fields = ("rule_code",)
    show_change_link = True
    can_delete = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are made on their own page."""
        return False


class LimitInline(_TermsInline, ScopedInline[AgreementLimit, Agreement]):
    """The agreed limits; each has a page of its own."""

    model = AgreementLimit
    fields = readonly_fields = ("of_what", "sentence", "is_lower")
    show_change_link = True
    can_delete = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are made on their own page."""
        return False

    @admin.display(description=gettext_lazy("limits"))
    def of_what(self, limit: AgreementLimit) -> str:
        """What it counts."""
        return of_what(limit)

    @admin.display(description=gettext_lazy("in plain words"))
    def sentence(self, limit: AgreementLimit) -> str:
        """What it says."""
        return sentence_of(limit)


@admin.register(Agreement)
class AgreementAdmin(SteppedAdmin[Agreement]):
    """Agreements. Their terms are edited while they are drafts; all else is a step."""

    steps: ClassVar[Mapping[str, Step]] = STEPS
    refusal: ClassVar[type[Exception]] = AgreementError
    list_display = ("__str__", "state", "starts_at", "ends_at", "factor")
    list_filter = (("membership__program", VocabularyFilter), StateFilter, ("membership", LinkedRowFilter))
    list_select_related = ("membership__company", "membership__program")
    search_fields = ("membership__company__name", "membership__company__external_id", "membership__program__name")
    ordering = ("-pk",)
    autocomplete_fields = ("membership",)
    inlines = (RateInline, LimitInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agreement]:
        """Bring the company and the program, by which it is called."""
        return super().get_queryset(request).select_related("membership__company", "membership__program")

    def get_fields(self, request: HttpRequest, obj: Agreement | None = None) -> Any:
        """A new one asks for whom, how much and why; one that exists is read in plain words, too."""
        terms = ("factor", "until", "reason")
        if obj is None:
            return ("membership", *terms)
        return ("membership", "version", "state", "starts_at", "ends_at", *terms, "drafted_by", "approval", "in_words")

    def get_readonly_fields(self, request: HttpRequest, obj: Agreement | None = None) -> Any:
        """Of a draft its own terms change here."""
        if obj is None:
            return ()
        terms = ("factor", "until", "reason") if is_open(obj) else ()
        return [name for name in self.get_fields(request, obj) if name not in terms]

    def save_model(self, request: HttpRequest, obj: Agreement, form: Any, change: bool) -> None:
        """Give a new one its number and say who drew it up; change one that exists as long as it is a draft."""
        if not change:
            obj.version, obj.drafted_by = next_version(obj.membership), manager_behind(request)
            super().save_model(request, obj, form, change)
            return
        terms = {"factor": obj.factor, "until": obj.until, "reason": obj.reason}
        if not Agreement.objects.filter(pk=obj.pk, status=Agreement.Status.DRAFT).update(**terms):
            self.message_user(request, _("Nothing was changed: the agreement was asked for."), messages.ERROR)

    def has_delete_permission(self, request: HttpRequest, obj: Agreement | None = None) -> bool:
        """Drafts can be thrown away."""
        return is_open(obj) and super().has_delete_permission(request, obj)

    @admin.display(description=gettext_lazy("state"))
    def state(self, agreement: Agreement) -> str:
        """What the dates make of its status at this moment."""
        return str(state_of(agreement, now=timezone.now()).label)

    @admin.display(description=gettext_lazy("rules as they are for the company"))
    def in_words(self, agreement: Agreement) -> str:
        """Every rule of the program in force with the agreement laid over it, those first that it changes."""
        now = timezone.now()
        try:
            sentences = terms_of(agreement, at=now)
            used_up = used_up_by(agreement, at=now)
        except AgreementError as error:
            return str(error)
        if not sentences:
            return _("No rules in force.")
        items = format_html_join("", "<li>{}</li>", ((each,) for each in sentences))
        warnings = format_html_join("", "<p>{}</p>", ((each,) for each in used_up))
        return format_html("<ul>{}</ul>{}", items, warnings)

    def offered(self, row: Agreement) -> list[str]:
        """What its status lets it take."""
        return {
            Agreement.Status.DRAFT.value: ["ask", "draft"],
            Agreement.Status.WAITING.value: ["draft", "withdraw"],
            Agreement.Status.ACTIVE.value: ["draft", "end"],
            Agreement.Status.ENDED.value: ["draft"],
        }[row.status]

    def further_tools(self, request: HttpRequest, row: Agreement) -> list[dict[str, Any]]:
        """A draft takes rates and limits."""
        tools = (("agreementrate", _("Agree on a rate")), ("agreementlimit", _("Agree on a limit")))
        return [
            {"label": label, "url": reverse(f"admin:loyalty_{model}_add", query={"agreement": row.pk})}
            for model, label in tools
            if is_open(row) and request.user.has_perm(f"loyalty.add_{model}")
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One that was asked for is read here; there is nothing to save."""
        row = self.get_object(request, object_id)
        if row is not None and not is_open(row):
            buttons = {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
            extra_context = {**(extra_context or {}), **buttons}
        return super().change_view(request, object_id, form_url, extra_context)
