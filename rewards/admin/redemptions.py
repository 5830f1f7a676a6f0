"""Redemptions: which reward, whose points, the postings behind them, and the steps that one or many can take."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.actors import Actor
from accounts.admin.links import AskedFilter, LinkedRowFilter, VocabularyFilter, row_link, rows_link
from accounts.admin.scoped import ReadOnlyAdmin, manager_behind
from accounts.groups import may_approve
from loyalty.models import Posting
from rewards.admin.steps import STEPS, StepPage
from rewards.models import Redemption, RedemptionStep, SpendingPolicy
from rewards.steps import in_our_queue


def queue_of(rows: QuerySet[Redemption], queue: str) -> QuerySet[Redemption]:
    """Return those of `rows` that wait for one thing: `us`, their `company`, being ordered, being delivered."""
    state = Redemption.State
    match queue:
        case "us":
            return in_our_queue(rows)
        case "company":
            return rows.filter(state=state.REQUESTED, approval__isnull=False)
        case "order":
            return rows.filter(state=state.APPROVED)
        case _:
            return rows.filter(state=state.ORDERED)


class QueueFilter(AskedFilter):
    """Orders by what they wait for."""

    title = _("waits")
    parameter_name = "waits"
    choices_of = {
        "us": _("for our approval"),
        "company": _("for the company’s approval"),
        "order": _("to be ordered"),
        "delivery": _("to be delivered"),
    }

    def cut(self, rows: QuerySet[Redemption], asked: str, actor: Actor) -> QuerySet[Redemption]:
        """Those in the queue."""
        return queue_of(rows, asked)


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin[Redemption]):
    """Orders; they are placed, and go on, through their use cases."""

    list_display = ("reference", "reward", "company", "employee", "price", "state", "placed_at")
    list_filter = (
        QueueFilter,
        "state",
        ("reward__program", VocabularyFilter),
        ("company", LinkedRowFilter),
        ("reward", LinkedRowFilter),
    )
    list_select_related = ("reward", "company", "employee")
    search_fields = ("company__name", "employee__name", "reward__name", "reward__code")
    ordering = ("-pk",)
    actions = ("approve", "reject", "order", "deliver")  # type: ignore[assignment]
    change_form_template = "admin/with_tools.html"
    fields = (
        "reference",
        "reward",
        "company",
        "employee",
        "wallet",
        ("company_wallet", "company_points"),
        "price",
        "state",
        "approval",
        ("placed_at", "placed_by"),
        "timeline",
        "refunded_at",
        "paid",
        "paid_back",
    )

    @admin.display(description=_("number"), ordering="pk")
    def reference(self, redemption: Redemption) -> str:
        """The number that people call about."""
        return redemption.reference

    @admin.display(description=_("points"), ordering="points")
    def price(self, redemption: Redemption) -> str:
        """The points, leading to the postings that took them."""
        return rows_link(Posting, redemption.points, transaction__exact=redemption.debit_id)

    @admin.display(description=_("paid by"))
    def paid(self, redemption: Redemption) -> str:
        """The act that took the points."""
        return row_link(redemption.debit)

    @admin.display(description=_("paid back by"))
    def paid_back(self, redemption: Redemption) -> str:
        """The act that gave them back."""
        return row_link(redemption.credit)

    @admin.display(description=pgettext_lazy("order", "steps"))
    def timeline(self, redemption: Redemption) -> str:
        """What happened to it, from the beginning: when, by whom, and why where somebody said so."""
        steps = redemption.steps.select_related("by").order_by("at", "pk")
        rows = [(step.get_state_display(), localtime(step.at), step.by.name, _reason_of(step)) for step in steps]
        items = format_html_join(
            "",
            '<li><strong>{}</strong> <time datetime="{}">{}</time> <bdi>{}</bdi>{}</li>',
            ((state, at.isoformat(), date_format(at, "DATETIME_FORMAT"), who, why) for state, at, who, why in rows),
        )
        return format_html('<ol class="steps">{}</ol>', items)

    def has_approve_permission(self, request: HttpRequest) -> bool:
        """Program managers and approvers."""
        return may_approve(manager_behind(request))

    def has_proceed_permission(self, request: HttpRequest) -> bool:
        """Program managers: ordering, delivering and cancelling is not deciding."""
        return request.user.has_perm("rewards.change_redemption")

    @admin.action(description=_("Approve"), permissions=["approve"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Redemption]) -> HttpResponse | None:
        """Approve the chosen orders, after a look at how many there are."""
        return self._many(request, queryset, "approve")

    @admin.action(description=_("Reject"), permissions=["approve"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Redemption]) -> HttpResponse | None:
        """Reject the chosen orders for one reason."""
        return self._many(request, queryset, "reject")

    @admin.action(description=_("Mark as ordered"), permissions=["proceed"])
    def order(self, request: HttpRequest, queryset: QuerySet[Redemption]) -> HttpResponse | None:
        """Say that the chosen orders were ordered from whoever delivers them."""
        return self._many(request, queryset, "order")

    @admin.action(description=_("Mark as delivered"), permissions=["proceed"])
    def deliver(self, request: HttpRequest, queryset: QuerySet[Redemption]) -> HttpResponse | None:
        """Say that the chosen orders have arrived."""
        return self._many(request, queryset, "deliver")

    def _many(self, request: HttpRequest, queryset: QuerySet[Redemption], name: str) -> HttpResponse | None:
        return StepPage(self, request, STEPS[name], back_url=request.get_full_path()).of_many(queryset)

    def get_urls(self) -> list[URLPattern]:
        """The pages that confirm a step of one order."""
        steps = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(partial(self.step_view, name=name)),
                name=f"rewards_redemption_{name}",
            )
            for name in STEPS
        ]
        return [*steps, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the steps that the order can take."""
        redemption = self.get_object(request, object_id)
        tools = self._tools(request, redemption) if redemption else []
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Confirm a step of one order and take it, or say why it cannot be taken."""
        redemption = self.get_object(request, str(pk))
        if redemption is None:
            raise Http404
        if not self._may(request, name):
            raise PermissionDenied
        back = reverse("admin:rewards_redemption_change", args=[pk])
        return StepPage(self, request, STEPS[name], back_url=back).of_one(redemption)

    def _may(self, request: HttpRequest, name: str) -> bool:
        return self.has_approve_permission(request) if STEPS[name].is_decision else self.has_proceed_permission(request)

    def _tools(self, request: HttpRequest, redemption: Redemption) -> list[dict[str, Any]]:
        return [
            {"label": step.label, "url": reverse(f"admin:rewards_redemption_{name}", args=[redemption.pk])}
            for name, step in STEPS.items()
            if redemption.state in step.comes_from and self._may(request, name)
        ]


def _reason_of(step: RedemptionStep) -> str:
    return format_html("<br><span>{}</span>", step.reason) if step.reason else SafeString()


@admin.register(RedemptionStep)
class RedemptionStepAdmin(ReadOnlyAdmin[RedemptionStep]):
    """The steps of all orders, to search in."""

    list_display = ("at", "redemption", "company", "state", "by", "reason")
    list_filter = ("state", ("redemption", LinkedRowFilter))
    list_select_related = ("redemption__company", "by")
    search_fields = ("redemption__company__name", "by__name", "reason")
    ordering = ("-pk",)

    @admin.display(description=_("company"))
    def company(self, step: RedemptionStep) -> str:
        """Whose order."""
        return str(step.redemption.company)


@admin.register(SpendingPolicy)
class SpendingPolicyAdmin(ReadOnlyAdmin[SpendingPolicy]):
    """Which orders companies approve themselves; they set it on their own pages."""

    list_display = ("company", "mode", "above")
    list_filter = ("mode",)
    list_select_related = ("company",)
    search_fields = ("company__name",)
    ordering = ("company__name",)
