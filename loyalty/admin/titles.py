"""Tiers by other ways than earning: given by hand, offered, paid for; and what moved standing, to read."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter, VocabularyFilter, row_link, rows_link
from accounts.admin.refusals import RefusingAdmin
from accounts.admin.scoped import NeverDeleted, ReadOnlyAdmin, ScopedModelAdmin, manager_behind
from accounts.admin.steps import Step, StepForm, SteppedAdmin
from accounts.models import User
from accounts.text import validate_plain_text
from loyalty.models import (
    MetricPerson,
    StandingEvent,
    TierAssignment,
    TierInvitation,
    TierPayment,
    TierThreshold,
    TierTitle,
)
from loyalty.titles import TitleError, end_title, give_by_hand, invite, record_payment, withdraw_invitation
from loyalty.titles.acts import BY_HAND, Source

REFERENCE = TierPayment._meta.get_field("reference")


class ReasonForm(StepForm):
    """Why."""

    reason = forms.CharField(label=gettext_lazy("Why"), max_length=300, validators=[validate_plain_text])


class PaymentForm(StepForm):
    """What came, and what the books call it."""

    amount = forms.DecimalField(
        label=gettext_lazy("Amount"), max_digits=12, decimal_places=2, min_value=Decimal("0.01")
    )
    currency = forms.CharField(label=gettext_lazy("Currency"), max_length=3)
    reference = forms.CharField(
        label=gettext_lazy("Reference"),
        max_length=60,
        validators=list(REFERENCE.validators),
        help_text=gettext_lazy("Number of the invoice or of the transfer; the same number twice is one payment."),
    )


def _end(title: TierTitle, by: User, now: datetime, asked: Any) -> TierTitle:
    return end_title(title=title, reason=asked["reason"], by_id=by.pk, now=now)


def _pay(title: TierTitle, by: User, now: datetime, asked: Any) -> TierTitle:
    record_payment(
        title=title,
        amount=asked["amount"],
        currency=asked["currency"],
        reference=asked["reference"],
        by_id=by.pk,
        now=now,
    )
    return TierTitle.objects.get(pk=title.pk)


def _withdraw(invitation: TierInvitation, by: User, now: datetime, _asked: Any) -> TierInvitation:
    return withdraw_invitation(invitation=invitation, by_id=by.pk, now=now)


class TitleForm(forms.ModelForm[TierTitle]):
    """Who holds which tier by hand, up to which day, and why."""

    source = forms.ChoiceField(
        label=gettext_lazy("how"),
        choices=[(source.value, source.label) for source in BY_HAND],
        help_text=gettext_lazy("Kept by hand: the company stands no lower until then, whatever it earns."),
    )
    until = forms.DateField(
        label=gettext_lazy("last day"), widget=AdminDateWidget, help_text=gettext_lazy("Counted in.")
    )

    class Meta:
        model = TierTitle
        fields = ("membership", "tier", "source", "until", "reason")

    def clean(self) -> dict[str, Any]:
        """Refuse beside the field a tier of another program."""
        cleaned = super().clean() or self.cleaned_data
        membership, tier = cleaned.get("membership"), cleaned.get("tier")
        if membership and tier and membership.program_id != tier.program_id:
            self.add_error("tier", _("This tier belongs to another program. Choose one of the membership's own."))
        return cleaned


class NewRowsAdmin(NeverDeleted[Any], RefusingAdmin[Any], SteppedAdmin[Any]):
    """Rows that a use case writes once; steps change them from then on."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (TitleError,)
    refusal: ClassVar[type[Exception]] = TitleError
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Everything, once it is there."""
        return self.shown if obj is not None else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for little; show all of it."""
        return self.shown if obj is not None else self.asked

    asked: ClassVar[tuple[str, ...]] = ()
    shown: ClassVar[tuple[str, ...]] = ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Nothing is edited once it is there."""
        if obj is not None:
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change=change, **kwargs)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """There is nothing to save again, and nothing to save at all once it is there."""
        only_saved = {
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            "show_save": object_id is None,
        }
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **only_saved})


@admin.register(TierTitle)
class TierTitleAdmin(NewRowsAdmin):
    """What entitles companies to tiers, whatever they earn."""

    form = TitleForm
    asked = ("membership", "tier", "source", "until", "reason")
    shown = (
        "membership", "tier", "source", "starts_at", "ends_at", "reason", "given_by", "fee_in_words", "paid_through",
        "grace_days", "cancelled_at", "rows_behind",
    )  # fmt: skip
    list_display = ("company", "program", "tier", "source", "starts_at", "ends_at", "paid_through", "rows_behind")
    list_filter = (
        "source",
        ("membership__program", VocabularyFilter),
        ("tier", VocabularyFilter),
        ("cancelled_at", admin.EmptyFieldListFilter),
        ("membership", LinkedRowFilter),
    )
    list_select_related = ("membership__company", "membership__program", "tier", "given_by")
    search_fields = ("membership__company__name", "tier__name", "reason")
    ordering = ("-starts_at", "-pk")
    autocomplete_fields = ("membership", "tier")
    steps = {
        "pay": Step(
            gettext_lazy("Record a fee"),
            gettext_lazy("The tier is paid for one more period, and the company is told."),
            gettext_lazy("The fee is recorded."),
            _pay,
            PaymentForm,
        ),
        "end": Step(
            gettext_lazy("End now"),
            gettext_lazy("The company holds from now on what it earns. What was paid is not given back by this."),
            gettext_lazy("It has ended."),
            _end,
            ReasonForm,
            is_danger=True,
        ),
    }

    def offered(self, row: TierTitle) -> list[str]:
        """Fees of one that is for a fee and goes on; an end to whatever holds."""
        if not row.holds_at(timezone.now()):
            return []
        return ["pay", "end"] if row.source == Source.PAID and row.cancelled_at is None else ["end"]

    @admin.display(description=gettext_lazy("company"), ordering="membership__company__name")
    def company(self, title: TierTitle) -> str:
        """Who."""
        return str(title.membership.company)

    @admin.display(description=gettext_lazy("program"), ordering="membership__program__name")
    def program(self, title: TierTitle) -> str:
        """Where."""
        return str(title.membership.program)

    @admin.display(description=gettext_lazy("fee"))
    def fee_in_words(self, title: TierTitle) -> str:
        """What a period costs."""
        if title.fee is None:
            return ""
        words = _("%(fee)s %(currency)s for %(months)s months")
        return words % {"fee": localize(title.fee), "currency": title.currency, "months": title.fee_months}

    @admin.display(description=gettext_lazy("rows behind it"))
    def rows_behind(self, title: TierTitle) -> str:
        """What was paid for it."""
        return rows_link(TierPayment, _("Fees paid"), title__exact=title.pk) if title.source == Source.PAID else ""

    def save_model(self, request: HttpRequest, obj: TierTitle, form: Any, change: bool) -> None:
        """Give the tier."""
        until: date = form.cleaned_data["until"]
        made = give_by_hand(
            membership=obj.membership,
            tier=obj.tier,
            source=obj.source,
            until=until,
            reason=obj.reason,
            by_id=manager_behind(request).pk,
            now=timezone.now(),
        )
        obj.pk, obj.starts_at, obj.ends_at, obj._state.adding = made.pk, made.starts_at, made.ends_at, False

    def response_add(self, request: HttpRequest, obj: TierTitle, post_url_continue: str | None = None) -> HttpResponse:
        """Say what holds now."""
        held = TierAssignment.objects.filter(membership=obj.membership_id, ends_at=None).select_related("tier").first()
        text = _("The company now holds %(tier)s.") % {"tier": held.tier.name if held else _("no tier")}
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:loyalty_tiertitle_change", args=[obj.pk]))


class InvitationForm(forms.ModelForm[TierInvitation]):
    """Who is asked into which tier, up to when, and by when to answer."""

    class Meta:
        model = TierInvitation
        fields = ("membership", "tier", "until", "answer_by", "reason")


@admin.register(TierInvitation)
class TierInvitationAdmin(NewRowsAdmin):
    """Invitations to tiers, and what became of them."""

    form = InvitationForm
    asked = ("membership", "tier", "until", "answer_by", "reason")
    shown = (*asked, "inviter", "invited_at", "answer", "answered_by", "answered_at")
    list_display = ("company", "tier", "until", "answer_by", "answer", "inviter", "invited_at")
    list_filter = (
        "answer",
        ("award", admin.EmptyFieldListFilter),
        ("tier", VocabularyFilter),
        ("membership__program", VocabularyFilter),
    )
    list_select_related = ("membership__company", "tier", "invited_by", "answered_by", "award")
    search_fields = ("membership__company__name", "tier__name", "reason")
    ordering = ("-invited_at", "-pk")
    autocomplete_fields = ("membership", "tier")
    steps = {
        "withdraw": Step(
            gettext_lazy("Withdraw"),
            gettext_lazy("The company can no longer accept it."),
            gettext_lazy("The invitation is withdrawn."),
            _withdraw,
            is_danger=True,
        )
    }

    def offered(self, row: TierInvitation) -> list[str]:
        """Only what waits for an answer is withdrawn."""
        return ["withdraw"] if row.answer == TierInvitation.Answer.OPEN else []

    @admin.display(description=gettext_lazy("company"), ordering="membership__company__name")
    def company(self, invitation: TierInvitation) -> str:
        """Who."""
        return str(invitation.membership.company)

    @admin.display(description=gettext_lazy("by"))
    def inviter(self, invitation: TierInvitation) -> str:
        """Who asked: somebody, or a rule, with what it was for."""
        if invitation.award is not None:
            return row_link(invitation.award, _("a rule"))
        return invitation.invited_by.name if invitation.invited_by else ""

    def save_model(self, request: HttpRequest, obj: TierInvitation, form: Any, change: bool) -> None:
        """Invite the company."""
        made = invite(
            membership=obj.membership,
            tier=obj.tier,
            until=obj.until,
            answer_by=obj.answer_by,
            reason=obj.reason,
            by_id=manager_behind(request).pk,
            now=timezone.now(),
        )
        obj.pk, obj._state.adding = made.pk, False

    def response_add(
        self, request: HttpRequest, obj: TierInvitation, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Say that it went out."""
        self.message_user(
            request, _("The invitation is out; those who act for the company are told."), messages.SUCCESS
        )
        return HttpResponseRedirect(reverse("admin:loyalty_tierinvitation_change", args=[obj.pk]))


@admin.register(TierPayment)
class TierPaymentAdmin(ReadOnlyAdmin[TierPayment]):
    """Fees that came; they are recorded on the page of the title."""

    list_display = ("recorded_at", "title_", "reference", "amount", "currency", "paid_from", "paid_to", "recorded_by")
    list_filter = ("currency", ("title", LinkedRowFilter), ("title__membership__program", VocabularyFilter))
    list_select_related = ("title__tier", "title__membership__company", "recorded_by")
    search_fields = ("reference", "title__membership__company__name")
    ordering = ("-recorded_at", "-pk")

    @admin.display(description=gettext_lazy("title"))
    def title_(self, payment: TierPayment) -> str:
        """For which tier of which company."""
        return row_link(payment.title, f"{payment.title.membership.company}, {payment.title.tier}")


@admin.register(TierThreshold)
class TierThresholdAdmin(ScopedModelAdmin[TierThreshold]):
    """What tiers ask of segments."""

    list_display = ("tier", "segment", "threshold")
    list_filter = (("tier__program", VocabularyFilter), ("segment", VocabularyFilter))
    list_select_related = ("tier", "segment")
    search_fields = ("tier__name", "segment__name")
    ordering = ("tier__rank", "segment__name")


@admin.register(MetricPerson)
class MetricPersonAdmin(ReadOnlyAdmin[MetricPerson]):
    """Who counted, where a metric counts people."""

    list_display = ("membership", "metric", "month", "employee", "count")
    list_filter = ("metric", ("membership", LinkedRowFilter), ("employee", LinkedRowFilter))
    list_select_related = ("membership__company", "membership__program", "employee")
    search_fields = ("membership__company__name", "employee__name")
    ordering = ("-month", "-pk")


@admin.register(StandingEvent)
class StandingEventAdmin(ReadOnlyAdmin[StandingEvent]):
    """What moved standing beside activities, in the order in which it came about."""

    list_display = ("at", "membership", "kind", "title", "ends_at")
    list_filter = ("kind", ("membership__program", VocabularyFilter), ("membership", LinkedRowFilter))
    list_select_related = ("membership__company", "membership__program", "title__tier")
    search_fields = ("membership__company__name",)
    ordering = ("-pk",)
