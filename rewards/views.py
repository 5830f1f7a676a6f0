"""The client's rewards: look, redeem after a look at the sum, follow and cancel orders."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import employees_only
from accounts.actors import Actor
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.middleware import actor_behind
from loyalty.ledger import Owner
from loyalty.models import Program
from loyalty.selectors import membership_of
from loyalty.statement import balances_of
from rewards.forms import RedeemForm, payer_code
from rewards.models import Redemption, Reward
from rewards.redemption import (
    CannotCancelError,
    InsufficientPointsError,
    NotYoursToSpendError,
    OutOfStockError,
    PriceChangedError,
    RedemptionError,
    RewardWithdrawnError,
    cancel,
    payers_of,
    redeem,
)
from rewards.selectors import catalogue, shown

ORDERS_A_PAGE = 50


@require_safe
@employees_only
def rewards(request: HttpRequest) -> HttpResponse:
    """The catalogue of the program."""
    actor = actor_behind(request)
    membership = membership_of(actor, chosen=request.GET.get("program", ""))
    if membership is None:
        return render(request, "client/no_program.html")
    balance = max((points for _owner, points in _payers(actor, membership.program)), default=0)
    rows = catalogue(actor, program_id=membership.program_id, points=balance)
    return render(request, "rewards/list.html", {"rewards": rows, "balance": balance, "program": membership.program})


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
def reward(request: HttpRequest, pk: int) -> HttpResponse:
    """One reward; redeeming takes a look at the sum, then a confirmation."""
    actor = actor_behind(request)
    row = Reward.objects.visible_to(actor).select_related("stock", "program").filter(pk=pk, is_published=True).first()
    if row is None:
        raise Http404
    payers = _payers(actor, row.program)
    form = RedeemForm(request.POST or None, payers=payers, price=row.price)
    if not form.is_valid():
        return _show(request, row, payers, form, status=422 if form.errors else 200)
    if request.POST.get("step") != "confirm":
        return _review(request, row, payers, form)
    payer = next(owner for owner, _points in payers if payer_code(owner) == form.cleaned_data["payer"])
    try:
        redeemed = redeem(
            actor=actor,
            reward_id=pk,
            payer=payer,
            shown_price=form.cleaned_data["price"],
            key=form.cleaned_data["key"],
            now=timezone.now(),
        )
    except PriceChangedError as error:
        form = RedeemForm(payers=payers, price=error.price)
        messages.warning(request, _refusal(error))
        return _review(request, row, payers, form, chosen=payer, status=409)
    except RewardWithdrawnError as error:
        messages.error(request, _refusal(error))
        return HttpResponseRedirect(reverse("rewards"))
    except (RedemptionError, InsufficientPointsError, KeyUsedForAnotherRequestError) as error:
        row = Reward.objects.visible_to(actor).select_related("stock", "program").filter(pk=pk).first() or row
        payers = _payers(actor, row.program)
        fresh = RedeemForm(payers=payers, price=row.price)
        messages.error(request, _refusal(error))
        return _show(request, row, payers, fresh, status=409)
    if redeemed.is_new:
        messages.success(request, _("Ordered. We have written to you, too."))
    return HttpResponseRedirect(reverse("order", args=[redeemed.redemption.pk]))


@require_safe
@employees_only
def orders(request: HttpRequest) -> HttpResponse:
    """What was redeemed, latest first."""
    rows = Redemption.objects.visible_to(actor_behind(request)).select_related("reward").order_by("-placed_at", "-pk")
    page = Paginator(rows, ORDERS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "rewards/orders.html", {"orders": [_shown_order(row) for row in page], "page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """One order, and the button that cancels it."""
    actor = actor_behind(request)
    row = Redemption.objects.visible_to(actor).select_related("reward").filter(pk=pk).first()
    if row is None:
        raise Http404
    may_cancel = row.employee_id == actor.employee_id or actor.is_company_admin
    if request.method == "POST" and may_cancel:
        try:
            cancel(redemption_id=pk, by_user_id=actor.user_id, now=timezone.now())
        except CannotCancelError:
            messages.warning(request, _("This order was cancelled before."))
        else:
            messages.success(request, _("Cancelled. The points are back."))
        return HttpResponseRedirect(reverse("order", args=[pk]))
    shown_order = _shown_order(row) | {"can_cancel": may_cancel and row.state == Redemption.State.REQUESTED}
    return render(request, "rewards/order.html", {"order": shown_order})


def _payers(actor: Actor, program: Program) -> list[tuple[Owner, int]]:
    owners = payers_of(actor, program_id=program.pk, now=actor.at)
    if not owners:
        return []
    today = actor.at.astimezone(program.zone).date()
    return [(balance.owner, balance.available) for balance in balances_of(owners, today=today)]


def _show(
    request: HttpRequest, row: Reward, payers: list[tuple[Owner, int]], form: RedeemForm, *, status: int = 200
) -> HttpResponse:
    balance = max((points for _owner, points in payers), default=0)
    context = {"reward": shown(row, points=balance), "form": form, "balance": balance, "can_pay": bool(payers)}
    return render(request, "rewards/detail.html", context, status=status)


def _review(
    request: HttpRequest,
    row: Reward,
    payers: list[tuple[Owner, int]],
    form: RedeemForm,
    *,
    chosen: Owner | None = None,
    status: int = 200,
) -> HttpResponse:
    code = payer_code(chosen) if chosen else form.cleaned_data["payer"]
    before = next((points for owner, points in payers if payer_code(owner) == code), 0)
    key = form.initial["key"] if chosen else form.cleaned_data["key"]
    context = {
        "reward": shown(row, points=before),
        "hidden": {"payer": code, "price": row.price, "key": key},
        "price": row.price,
        "balance_before": before,
        "balance_after": before - row.price,
    }
    return render(request, "rewards/confirm.html", context, status=status)


def _refusal(error: Exception) -> str:
    """What happened, why, and what to do next."""
    match error:
        case PriceChangedError(price=price):
            return _("The price has changed to %(price)s points. Nothing is booked; confirm it if you agree.") % {
                "price": f"{price:,}"
            }
        case InsufficientPointsError(available=available, wanted=wanted):
            missing = wanted - available
            text = ngettext(
                "%(missing)s point is missing. Nothing is booked.",
                "%(missing)s points are missing. Nothing is booked.",
                missing,
            )
            return text % {"missing": f"{missing:,}"}
        case OutOfStockError():
            return _("The last one is gone. Nothing is booked: your points stay with you.")
        case RewardWithdrawnError():
            return _("This reward is no longer offered. Nothing is booked.")
        case NotYoursToSpendError():
            return _("These points cannot be spent by you at the moment. Ask your company's admin.")
        case _:
            return _("This page was used for another order. Start again from the reward.")


def _shown_order(row: Redemption) -> dict[str, object]:
    return {
        "reference": row.reference,
        "reward": row.reward.name,
        "points": row.points,
        "state": row.state,
        "state_label": row.get_state_display(),
        "placed_at": row.placed_at,
        "cancelled_at": row.cancelled_at,
        "url": reverse("order", args=[row.pk]),
    }
