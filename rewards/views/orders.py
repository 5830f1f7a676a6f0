"""The client's orders: where each stands, how it came there, what happens next."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import employees_only
from accounts.actors import Actor
from accounts.delegations import decides_for_company
from accounts.middleware import actor_behind
from rewards.models import Redemption, RedemptionStep
from rewards.redemption import CLIENT_CANCELS, CannotCancelError, cancel
from rewards.refusals import sentence_of
from rewards.steps import OPEN, State, waits_for_company

ORDERS_A_PAGE = 50


@require_safe
@employees_only
def orders(request: HttpRequest) -> HttpResponse:
    """What was redeemed, latest first: all of it, or what is still on its way."""
    actor = actor_behind(request)
    rows = Redemption.objects.visible_to(actor).select_related("reward", "employee").order_by("-placed_at", "-pk")
    only_open = request.GET.get("show") == "open"
    if only_open:
        rows = rows.filter(state__in=OPEN)
    page = Paginator(rows, ORDERS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "orders": [_shown(row) for row in page],
        "page": page,
        "only_open": only_open,
        "sees_company": actor.sees_company,
        "decides": decides_for_company(actor),
    }
    return render(request, "rewards/orders.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """One order with its steps, and the button that cancels it."""
    actor = actor_behind(request)
    rows = Redemption.objects.visible_to(actor).select_related("reward", "employee", "wallet")
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    may_cancel = row.employee_id == actor.employee_id or actor.is_company_admin
    if request.method == "POST" and not may_cancel:
        raise PermissionDenied
    if request.method == "POST":
        try:
            cancel(redemption_id=pk, by_user_id=actor.user_id, now=timezone.now())
        except CannotCancelError as error:
            messages.warning(request, sentence_of(error))
        else:
            messages.success(request, _("Cancelled. The points are back."))
        return HttpResponseRedirect(reverse("order", args=[pk]))
    steps = row.steps.select_related("by__employee").order_by("pk")
    shown_order = _shown(row) | {
        "steps": [_shown_step(step, row, actor) for step in steps],
        "next": _next(row),
        "paid_from": _paid_from(row),
        "can_cancel": may_cancel and row.state in CLIENT_CANCELS,
        "approval_url": _approval_url(row, actor),
    }
    return render(request, "rewards/order.html", {"order": shown_order, "sees_company": actor.sees_company})


def _shown(row: Redemption) -> dict[str, object]:
    return {
        "reference": row.reference,
        "reward": row.reward.name,
        "points": row.points,
        "by": row.employee.name,
        "state": row.state,
        "state_label": _("waits for your company") if waits_for_company(row) else row.get_state_display(),
        "placed_at": row.placed_at,
        "url": reverse("order", args=[row.pk]),
    }


def _shown_step(step: RedemptionStep, row: Redemption, actor: Actor) -> dict[str, object]:
    return {"label": step.get_state_display(), "at": step.at, "who": _who(step, row, actor), "reason": step.reason}


def _who(step: RedemptionStep, row: Redemption, actor: Actor) -> str:
    """Who took a step, as far as the reader may know: colleagues by name for those who see the company."""
    person = getattr(step.by, "employee", None)
    if step.by_id == actor.user_id:
        return _("you")
    if person is None or person.company_id != row.company_id:
        return _("us")
    return person.name if actor.sees_company else _("your company")


def _next(row: Redemption) -> str:
    """What happens next, in one sentence."""
    match row.state:
        case State.REQUESTED if waits_for_company(row):
            return _("Your company approves it first; those who decide have been told.")
        case State.REQUESTED | State.CLIENT_APPROVED:
            return _("We look at it next.")
        case State.APPROVED:
            return _("We order it next.")
        case State.ORDERED:
            return _("It is on its way to you.")
        case State.DELIVERED:
            return _("It has reached you. If something is wrong with it, tell your account manager its reference.")
        case _:
            return _("The points are back, with the days they had.")


def _paid_from(row: Redemption) -> str:
    if row.company_wallet_id is not None:
        return _("%(own)s own, %(company)s of the company") % {
            "own": number_format(row.points - row.company_points, force_grouping=True),
            "company": number_format(row.company_points, force_grouping=True),
        }
    return _("own points") if row.wallet.employee_id else _("the company's points")


def _approval_url(row: Redemption, actor: Actor) -> str:
    """Where the reader decides about the order, "" where that is not for them."""
    if not waits_for_company(row) or row.placed_by_id == actor.user_id or not decides_for_company(actor):
        return ""
    return reverse("company-approval", args=[row.approval_id])
