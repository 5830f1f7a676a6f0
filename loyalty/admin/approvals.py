"""Requests that the vendor's own people decide: rules, points by hand, more time, agreements, promotions, files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from accounts.admin import moving
from accounts.admin.approvals import ApprovalAdmin
from accounts.admin.scoped import manager_behind
from accounts.approvals import ApprovalError, OwnRequestError
from accounts.groups import may_approve
from accounts.middleware import actor_behind
from accounts.models import Approval, Import
from accounts.moving import steps
from accounts.moving.steps import MovingError
from accounts.text import validate_plain_text
from loyalty import activation, agreements, promotions
from loyalty.admin.by_hand import MINUS, refusal
from loyalty.admin.rule_cases import begins_in_words, review_of
from loyalty.agreements import AgreementError
from loyalty.by_hand import ByHandError, adjustments, extensions
from loyalty.ledger import InsufficientPointsError
from loyalty.models import Adjustment, Agreement, Extension, PersonalPromotion, Program, RuleSet
from loyalty.promotions import PromotionError
from loyalty.versions import VersionError

Facts = list[tuple[str, object]]


_NOTHING_MOVED = gettext_lazy("Rejected: nothing was moved.")


@dataclass(frozen=True, slots=True)
class Request:
    """A kind of request as its pages speak of it; `decide` takes the decision, `facts` are read before it."""

    subject: StrOrPromise
    page: str
    consequence: StrOrPromise
    approved: StrOrPromise
    decide: Callable[..., Any]
    facts: Callable[[HttpRequest, Approval], Facts]
    rejected: StrOrPromise = _NOTHING_MOVED
    review: Callable[[int], dict[str, Any]] | None = None
    """What is read before a decision about the subject's id, where it is taken on the request's own page."""


def _points_by_hand(request: HttpRequest, approval: Approval) -> Facts:
    rows = Adjustment.objects.visible_to(actor_behind(request)).select_related("membership__company", "employee")
    adjustment = rows.get(pk=approval.subject_id)
    return [
        (_("Company"), adjustment.membership.company),
        (_("Person"), adjustment.employee or _("the company itself")),
        (_("Points"), f"{'+' if adjustment.points > 0 else MINUS}{localize(abs(adjustment.points))}"),
        (_("Reason"), f"{adjustment.get_reason_code_display()}: {adjustment.reason}"),
        (_("Asked by"), approval.asked_by.name),
    ]


def _more_time(request: HttpRequest, approval: Approval) -> Facts:
    rows = Extension.objects.visible_to(actor_behind(request)).select_related("membership__company", "employee")
    extension = rows.get(pk=approval.subject_id)
    return [
        (_("Company"), extension.membership.company),
        (_("Person"), extension.employee or _("the company itself")),
        (_("Points"), localize(extension.points)),
        (_("Expire up to"), localize(extension.until)),
        (_("New last day"), localize(extension.to)),
        (_("Reason"), extension.reason),
        (_("Asked by"), approval.asked_by.name),
    ]


def _agreement(request: HttpRequest, approval: Approval) -> Facts:
    rows = Agreement.objects.visible_to(actor_behind(request)).select_related("membership__company")
    agreement = rows.get(pk=approval.subject_id)
    try:
        now = timezone.now()
        sentences = agreements.terms_of(agreement, at=now)
        used_up = agreements.used_up_by(agreement, at=now)
    except agreements.AgreementError as error:
        sentences, used_up = [str(error)], []
    return [
        (_("Company"), agreement.membership.company),
        (_("Version"), agreement.version),
        (_("From"), localize(localtime(agreement.starts_at)) if agreement.starts_at else "–"),
        (_("Until"), localize(localtime(agreement.until)) if agreement.until else _("further notice")),
        *((_("Rule"), sentence) for sentence in sentences),
        *((_("Limit"), sentence) for sentence in used_up),
        (_("Reason"), agreement.reason),
        (_("Asked by"), approval.asked_by.name),
    ]


def _promotion(request: HttpRequest, approval: Approval) -> Facts:
    rows = PersonalPromotion.objects.visible_to(actor_behind(request))
    promotion = rows.select_related("membership__company", "membership__program", "employee").get(
        pk=approval.subject_id
    )
    return [
        (_("Company"), promotion.membership.company),
        (_("Person"), promotion.employee or _("the company, and with it all of its people")),
        (_("Promotion"), promotions.told([promotion], at=timezone.now())[0].sentence),
        (_("Reason"), promotion.reason),
        (_("Asked by"), approval.asked_by.name),
    ]


def _file(request: HttpRequest, approval: Approval) -> Facts:
    import_ = Import.objects.visible_to(actor_behind(request)).get(pk=approval.subject_id)
    chosen: Mapping[str, str] = import_.terms.get("settings", {})
    program = Program.objects.visible_to(actor_behind(request)).filter(code=chosen.get("program", "")).first()
    return [
        (_("File"), import_.name),
        (_("Program"), program or "–"),
        (_("What is in it"), moving.what_is_in(import_)),
        (_("Wallets"), localize(import_.checked.get("new", 0))),
        (_("Points in all"), moving.points_told(import_.checked) or f"+{localize(approval.points)}"),
        (_("Reason"), chosen.get("reason", "")),
        (_("Asked by"), approval.asked_by.name),
    ]


def _rules(request: HttpRequest, approval: Approval) -> Facts:
    rule_set = RuleSet.objects.visible_to(actor_behind(request)).select_related("program").get(pk=approval.subject_id)
    return [
        (_("Program"), rule_set.program),
        (_("Version"), rule_set.version),
        (_("Begins"), begins_in_words(rule_set, now=timezone.now())),
        (_("Reason"), approval.note),
        (_("Asked by"), approval.asked_by.name),
    ]


REQUESTS: Mapping[str, Request] = {
    activation.KIND: Request(
        subject=gettext_lazy("The rules"),
        page="admin:loyalty_ruleset_change",
        consequence=gettext_lazy(
            "Approved, the version holds from the moment that was asked for, or from now on if that is over; the "
            "version in force then ends there. Rejected, it stays a draft, and whoever asked reads why."
        ),
        approved=gettext_lazy("Approved: the version is put in force."),
        rejected=gettext_lazy("Rejected: the version stays a draft."),
        decide=lambda pk, **decision: activation.decide(rule_set_id=pk, **decision),
        facts=_rules,
        review=lambda pk: review_of(RuleSet.objects.select_related("program").get(pk=pk)),
    ),
    adjustments.KIND: Request(
        subject=gettext_lazy("The points"),
        page="admin:loyalty_adjustment_change",
        consequence=gettext_lazy("The points are posted at once, and the client is told."),
        approved=gettext_lazy("Approved: the points are posted."),
        decide=lambda pk, **decision: adjustments.decide(adjustment_id=pk, **decision),
        facts=_points_by_hand,
    ),
    extensions.KIND: Request(
        subject=gettext_lazy("The points"),
        page="admin:loyalty_extension_change",
        consequence=gettext_lazy("The points last longer at once, and the client is told."),
        approved=gettext_lazy("Approved: the points last longer."),
        decide=lambda pk, **decision: extensions.decide(extension_id=pk, **decision),
        facts=_more_time,
    ),
    agreements.KIND: Request(
        subject=gettext_lazy("The agreement"),
        page="admin:loyalty_agreement_change",
        consequence=gettext_lazy(
            "The agreement holds from its start, or from now on if that is over; the one in force then ends there."
        ),
        approved=gettext_lazy("Approved: the agreement holds."),
        decide=lambda pk, **decision: agreements.decide(agreement_id=pk, **decision),
        facts=_agreement,
    ),
    promotions.KIND: Request(
        subject=gettext_lazy("The promotion"),
        page="admin:loyalty_personalpromotion_change",
        consequence=gettext_lazy(
            "The promotion holds from its first day, or from now on if that has begun; whoever it is for is told."
        ),
        approved=gettext_lazy("Approved: the promotion holds."),
        decide=lambda pk, **decision: promotions.decide(promotion_id=pk, **decision),
        facts=_promotion,
    ),
    steps.APPROVAL: Request(
        subject=gettext_lazy("The file"),
        page="admin:accounts_import_change",
        consequence=gettext_lazy("The file goes in at once; the clients see the points in their statements."),
        approved=gettext_lazy("Approved: the file goes in."),
        decide=lambda pk, **decision: steps.decide(import_id=pk, **decision),
        facts=_file,
    ),
}
"""What is decided at the vendor's; each kind leads to the page of what it is about."""


REFUSALS = (
    ByHandError,
    ApprovalError,
    InsufficientPointsError,
    MovingError,
    AgreementError,
    PromotionError,
    VersionError,
)
"""What a decision may be refused with."""


def _said(error: Exception) -> str:
    if isinstance(error, AgreementError | PromotionError | VersionError):
        return str(error)
    return moving.refusal(error) if isinstance(error, MovingError) else refusal(error)


class ApproveForm(forms.Form):
    """A yes; a word with it is welcome."""

    reason = forms.CharField(
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[validate_plain_text],
        help_text=gettext_lazy("Kept with the request."),
    )


class RejectForm(ApproveForm):
    """A no says why."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = True
        self.fields["reason"].help_text = _("Whoever asked reads it.")


admin.site.unregister(Approval)


@admin.register(Approval)
class VendorApprovalAdmin(ApprovalAdmin):
    """The queue, and the pages on which the vendor's own people decide."""

    change_form_template = "admin/with_tools.html"

    def get_urls(self) -> list[URLPattern]:
        """The pages that confirm a decision."""
        steps = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(partial(self.decide_view, is_approved=name == "approve")),
                name=f"accounts_approval_{name}",
            )
            for name in ("approve", "reject")
        ]
        return [*steps, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the decision to whoever may take it."""
        approval = self.get_object(request, object_id)
        known = REQUESTS.get(approval.kind) if approval else None
        if approval and known and known.review and self._may_decide(request, approval):
            return self._decision_page(request, approval, known, ApproveForm())
        tools = self._tools(request, approval) if approval else []
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def _tools(self, request: HttpRequest, approval: Approval) -> list[dict[str, Any]]:
        known = REQUESTS.get(approval.kind)
        if known is None:
            return []
        tools = [{"label": str(known.subject), "url": reverse(known.page, args=[approval.subject_id])}]
        if self._may_decide(request, approval):
            for name, label in (("approve", _("Approve")), ("reject", _("Reject"))):
                tools.append({"label": label, "url": reverse(f"admin:accounts_approval_{name}", args=[approval.pk])})
        return tools

    def _may_decide(self, request: HttpRequest, approval: Approval) -> bool:
        me = manager_behind(request)
        return approval.state == Approval.State.WAITING and approval.asked_by_id != me.pk and may_approve(me)

    def _decision_page(
        self, request: HttpRequest, approval: Approval, known: Request, form: forms.Form, *, status: int = 200
    ) -> HttpResponse:
        """Everything that a decision rests on, and both ways to take it."""
        form.fields["reason"].help_text = _("Kept with the request. A rejection says why: whoever asked reads it.")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": approval,
            "title": f"{_('Decide')}: {self.request(approval)}",
            "facts": known.facts(request, approval),
            "consequence": known.consequence,
            "form": form,
            "submit": _("Decide"),
            "approve_url": reverse("admin:accounts_approval_approve", args=[approval.pk]),
            "reject_url": reverse("admin:accounts_approval_reject", args=[approval.pk]),
            "back_url": reverse("admin:accounts_approval_changelist"),
            **(known.review(approval.subject_id) if known.review else {}),
        }
        return TemplateResponse(request, "admin/loyalty/ruleset/review.html", context, status=status)

    def decide_view(self, request: HttpRequest, pk: int, *, is_approved: bool) -> HttpResponse:
        """Confirm a decision and take it, or say why it cannot be taken."""
        approval = self.get_object(request, str(pk))
        known = REQUESTS.get(approval.kind) if approval else None
        if approval is None or known is None:
            raise Http404
        me = manager_behind(request)
        if not may_approve(me):
            raise PermissionDenied
        form = (ApproveForm if is_approved else RejectForm)(request.POST if request.method == "POST" else None)
        status = 200
        if form.is_valid():
            reason, now = form.cleaned_data["reason"], timezone.now()
            try:
                known.decide(approval.subject_id, by=me, is_approved=is_approved, reason=reason, now=now)
            except REFUSALS as error:
                form.add_error(None, _said(error))
                status = 409
            else:
                text = known.approved if is_approved else known.rejected
                self.message_user(request, str(text), messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:accounts_approval_change", args=[pk]))
        elif form.is_bound:
            status = 422
        elif approval.asked_by_id == me.pk:
            self.message_user(request, refusal(OwnRequestError()), messages.WARNING)
        if known.review is not None and approval.state == Approval.State.WAITING:
            return self._decision_page(request, approval, known, form, status=status)
        label = _("Approve") if is_approved else _("Reject")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": approval,
            "title": f"{label}: {self.request(approval)}",
            "facts": known.facts(request, approval),
            "consequence": known.consequence if is_approved else _("Nothing is moved."),
            "form": form,
            "submit": label,
            "is_danger": not is_approved,
            "back_url": reverse("admin:accounts_approval_change", args=[pk]),
        }
        return TemplateResponse(request, "admin/step.html", context, status=status)
