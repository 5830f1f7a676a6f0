"""Steps of redemptions as the admin takes them: first the page that counts and asks, then the use case."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin.scoped import manager_behind
from accounts.admin.steps import StepForm
from accounts.text import validate_plain_text
from rewards.models import Redemption
from rewards.progress import (
    Outcome,
    WaitsForCompanyError,
    approve_many,
    cancel_many,
    deliver_many,
    order_many,
    reject_many,
)
from rewards.steps import CAME_FROM, NotNowError, RedemptionError, State, waits_for_company

MOST_AT_ONCE = 500
"""So many orders take a step together; each is a transaction of its own, and one request carries all of them."""

_ROWS_SHOWN = 10


class ReasonForm(StepForm):
    """Why; a refusal that nobody explains leaves the client to guess."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[validate_plain_text],
        help_text=gettext_lazy("The client reads this."),
        error_messages={"required": gettext_lazy("Say why: the client reads it.")},
    )


Take = Callable[[Sequence[int], int, datetime, str], list[Outcome]]


@dataclass(frozen=True, slots=True)
class Step:
    """A step that orders can take, as its page speaks of it."""

    code: str
    label: str | Promise
    consequence: str | Promise
    to: State
    take: Take
    form: type[forms.Form] = StepForm
    is_decision: bool = False
    is_refusal: bool = False

    @property
    def comes_from(self) -> frozenset[State]:
        """The states from which the step leads on."""
        return CAME_FROM[self.to]

    def done(self, count: int) -> str:
        """Say how many orders took it."""
        match self.code:
            case "approve":
                text = ngettext("%(count)s order was approved.", "%(count)s orders were approved.", count)
            case "reject":
                text = ngettext("%(count)s order was rejected.", "%(count)s orders were rejected.", count)
            case "order":
                text = ngettext(
                    "%(count)s order is marked as ordered.", "%(count)s orders are marked as ordered.", count
                )
            case "deliver":
                text = ngettext(
                    "%(count)s order is marked as delivered.", "%(count)s orders are marked as delivered.", count
                )
            case _:
                text = ngettext("%(count)s order was cancelled.", "%(count)s orders were cancelled.", count)
        return text % {"count": localize(count)}


def _approve(ids: Sequence[int], by_user_id: int, now: datetime, reason: str) -> list[Outcome]:
    return approve_many(redemption_ids=ids, by_user_id=by_user_id, now=now)


def _reject(ids: Sequence[int], by_user_id: int, now: datetime, reason: str) -> list[Outcome]:
    return reject_many(redemption_ids=ids, by_user_id=by_user_id, reason=reason, now=now)


def _order(ids: Sequence[int], by_user_id: int, now: datetime, reason: str) -> list[Outcome]:
    return order_many(redemption_ids=ids, by_user_id=by_user_id, now=now)


def _deliver(ids: Sequence[int], by_user_id: int, now: datetime, reason: str) -> list[Outcome]:
    return deliver_many(redemption_ids=ids, by_user_id=by_user_id, now=now)


def _cancel(ids: Sequence[int], by_user_id: int, now: datetime, reason: str) -> list[Outcome]:
    return cancel_many(redemption_ids=ids, by_user_id=by_user_id, reason=reason, now=now)


STEPS: Mapping[str, Step] = {
    step.code: step
    for step in (
        Step(
            "approve",
            gettext_lazy("Approve"),
            gettext_lazy("The clients are told. The orders then wait to be ordered."),
            State.APPROVED,
            _approve,
            is_decision=True,
        ),
        Step(
            "reject",
            gettext_lazy("Reject"),
            gettext_lazy(
                "The points go back to the lots they came from, the pieces to the stock. The clients are told."
            ),
            State.REJECTED,
            _reject,
            ReasonForm,
            is_decision=True,
            is_refusal=True,
        ),
        Step(
            "order",
            gettext_lazy("Mark as ordered"),
            gettext_lazy("The clients are told, and can no longer cancel."),
            State.ORDERED,
            _order,
        ),
        Step(
            "deliver",
            gettext_lazy("Mark as delivered"),
            gettext_lazy("The clients are told. With this the orders are complete."),
            State.DELIVERED,
            _deliver,
        ),
        Step(
            "cancel",
            gettext_lazy("Cancel the order"),
            gettext_lazy("The points go back to the lots they came from, the piece to the stock. The client is told."),
            State.CANCELLED,
            _cancel,
            ReasonForm,
            is_refusal=True,
        ),
    )
}


def refusal(error: RedemptionError, count: int = 1) -> str:
    """Return why `count` orders stayed as they were."""
    match error:
        case WaitsForCompanyError():
            return ngettext("its company is still to approve it", "their companies are still to approve them", count)
        case NotNowError():
            text = ngettext("it is %(state)s", "they are %(state)s", count)
            return text % {"state": State(error.state).label}
    return ngettext("it cannot take this step", "they cannot take this step", count)


class StepPage:
    """The page that confirms a step: it counts, shows the first orders, asks what there is to ask, and takes it."""

    def __init__(self, screen: ModelAdmin[Redemption], request: HttpRequest, step: Step, *, back_url: str) -> None:
        self.screen, self.request, self.step, self.back_url = screen, request, step, back_url

    def of_one(self, redemption: Redemption) -> HttpResponse:
        """Confirm the step of one order."""
        is_sent = self.request.method == "POST"
        return self._answer([redemption], is_sent, original=redemption)

    def of_many(self, queryset: QuerySet[Redemption]) -> HttpResponse:
        """Confirm the step of the chosen orders: those that were counted are those that take it."""
        rows = list(queryset.order_by("placed_at", "pk")[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            text = _("Choose at most %(most)s orders at once.") % {"most": MOST_AT_ONCE}
            self.screen.message_user(self.request, text, messages.WARNING)
            return HttpResponseRedirect(self.back_url)
        return self._answer(rows, "confirm" in self.request.POST)

    def _answer(self, rows: list[Redemption], is_sent: bool, original: Redemption | None = None) -> HttpResponse:
        form = self.step.form(self.request.POST if is_sent else None)
        able = [row for row in rows if row.state in self.step.comes_from]
        status = 200
        if is_sent and form.is_valid():
            outcomes = self.step.take(
                [row.pk for row in able],
                manager_behind(self.request).pk,
                timezone.now(),
                form.cleaned_data.get("reason", ""),
            )
            taken = sum(outcome.error is None for outcome in outcomes)
            if taken or original is None:
                self._tell(rows, outcomes, taken)
                return HttpResponseRedirect(self.back_url)
            error = outcomes[0].error if outcomes else NotNowError(original.state)
            if error is not None:
                form.add_error(None, _("The order stays as it is: %(why)s.") % {"why": refusal(error)})
            status = 409
        elif is_sent:
            status = 422
        return TemplateResponse(
            self.request, "admin/rewards/redemption/step.html", self._context(rows, able, form, original), status=status
        )

    def _tell(self, rows: list[Redemption], outcomes: list[Outcome], taken: int) -> None:
        """Say how many orders took the step, and which did not, for which reason."""
        if taken:
            self.screen.message_user(self.request, self.step.done(taken), messages.SUCCESS)
        tried = {outcome.redemption_id for outcome in outcomes}
        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        errors += [NotNowError(row.state) for row in rows if row.pk not in tried]
        reasons = {refusal(error): error for error in errors}
        for reason, count in Counter(map(refusal, errors)).items():
            why = refusal(reasons[reason], count)
            text = ngettext("%(count)s order stays: %(why)s.", "%(count)s orders stay: %(why)s.", count)
            self.screen.message_user(self.request, text % {"count": localize(count), "why": why}, messages.WARNING)

    def _context(
        self, rows: list[Redemption], able: list[Redemption], form: forms.Form, original: Redemption | None
    ) -> dict[str, Any]:
        count = len(able)
        title = ngettext("%(step)s: %(count)s order", "%(step)s: %(count)s orders", count)
        unable = Counter(row.get_state_display() for row in rows if row.state not in self.step.comes_from)
        waiting = sum(waits_for_company(row) for row in able) if self.step.code == "approve" else 0
        hidden = [(ACTION_CHECKBOX_NAME, row.pk) for row in rows]
        return {
            **self.screen.admin_site.each_context(self.request),
            "opts": self.screen.opts,
            "original": original,
            "title": title % {"step": self.step.label, "count": localize(count)},
            "count": count,
            "points": sum(row.points for row in able),
            "rows": able[:_ROWS_SHOWN],
            "more": max(0, count - _ROWS_SHOWN),
            "unable": list(unable.items()),
            "waiting": waiting,
            "consequence": self.step.consequence,
            "form": form,
            "hidden": [] if original else [*hidden, ("action", self.step.code), ("index", 0), ("confirm", "yes")],
            "submit": self.step.label,
            "is_danger": self.step.is_refusal,
            "is_impossible": not able,
            "back_url": self.back_url,
        }
