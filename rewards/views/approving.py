"""The company's own approvals: what waits, yes or no, which orders are asked about, and who stands in."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import employees_only, for_actors
from accounts.actors import Actor
from accounts.approvals import ApprovalError, ReasonMissingError
from accounts.delegations import (
    DelegationError,
    DelegationOverError,
    NoTimeError,
    colleagues_of,
    decides_for_company,
    delegate,
    end_delegation,
)
from accounts.middleware import actor_behind
from accounts.models import Approval, Delegation
from accounts.models.approvals import DelegationQuerySet
from loyalty.ledger import Owner
from loyalty.models import Wallet
from loyalty.statement import balances_of
from rewards.forms import DecisionForm, DelegateForm, EndForm, PolicyForm
from rewards.policies import ValueMissingError, policy_of, set_policy
from rewards.progress import approve_for_company, reject_for_company
from rewards.redemption import RedemptionError
from rewards.refusals import sentence_of
from rewards.selectors import orders_to_decide

DECIDED_A_PAGE = 25

deciders_only = for_actors(decides_for_company)
company_only = for_actors(lambda actor: actor.sees_company)


@require_safe
@deciders_only
def approvals(request: HttpRequest) -> HttpResponse:
    """What waits for the company's approval, the oldest first; then what was decided, the latest first."""
    actor = actor_behind(request)
    rows = orders_to_decide(actor)
    decided = rows.exclude(state=Approval.State.WAITING).order_by("-decided_at", "-pk")
    page = Paginator(decided, DECIDED_A_PAGE).get_page(request.GET.get("page"))
    waiting = rows.filter(state=Approval.State.WAITING).order_by("asked_at", "pk")
    context = {
        "waiting": [_shown(row, actor) for row in waiting],
        "decided": [_shown(row, actor) for row in page],
        "page": page,
        "policy": policy_of(actor.company_id),
        "sees_company": actor.sees_company,
    }
    return render(request, "company/approvals.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
def approval(request: HttpRequest, pk: int) -> HttpResponse:
    """One request: approve it, or reject it with a reason."""
    actor = actor_behind(request)
    row = orders_to_decide(actor).filter(pk=pk).first()
    if row is None:
        raise Http404
    form = DecisionForm(request.POST or None)
    if request.method != "POST":
        return _page(request, row, form)
    if not form.is_valid() or request.POST.get("decision") not in ("approve", "reject"):
        return _page(request, row, form, status=422)
    try:
        if request.POST["decision"] == "approve":
            approve_for_company(actor=actor, redemption_id=row.subject_id, now=timezone.now())
            messages.success(request, _("Approved. It comes to us now, and whoever ordered it has been told."))
        else:
            reason = form.cleaned_data["reason"]
            reject_for_company(actor=actor, redemption_id=row.subject_id, reason=reason, now=timezone.now())
            messages.success(request, _("Rejected. The points are back, and whoever ordered it reads the reason."))
    except ReasonMissingError as error:
        form.add_error("reason", sentence_of(error))
        return _page(request, row, form, status=422)
    except (ApprovalError, RedemptionError) as error:
        messages.warning(request, sentence_of(error))
        return _page(request, orders_to_decide(actor).get(pk=pk), form, status=409)
    return HttpResponseRedirect(reverse("company-approvals"))


@require_http_methods(["GET", "HEAD", "POST"])
@deciders_only
def policy(request: HttpRequest) -> HttpResponse:
    """Which orders the company approves first; its admins choose."""
    actor = actor_behind(request)
    current = policy_of(actor.company_id)
    form = PolicyForm(request.POST or None, initial={"mode": current.mode, "above": current.above})
    context = {"policy": current, "form": form, "may_change": actor.is_company_admin}
    if not form.is_valid() or not actor.is_company_admin:
        status = 422 if form.errors else 200 if request.method != "POST" else 403
        return render(request, "company/approvals_policy.html", context, status=status)
    try:
        set_policy(actor=actor, mode=form.cleaned_data["mode"], above=form.cleaned_data["above"], now=timezone.now())
    except ValueMissingError as error:
        form.add_error("above", sentence_of(error))
        return render(request, "company/approvals_policy.html", context, status=422)
    messages.success(request, _("Saved. It counts for orders from now on; those that wait already go on waiting."))
    return HttpResponseRedirect(reverse("spending-policy"))


@require_http_methods(["GET", "HEAD", "POST"])
@company_only
def stand_in(request: HttpRequest) -> HttpResponse:
    """Who decides in one's place for a while."""
    actor = actor_behind(request)
    if "end" in request.POST:
        return _end(request, actor)
    colleagues = colleagues_of(actor.company_id).exclude(pk=actor.employee_id).order_by("name", "pk")
    form = DelegateForm(request.POST or None, colleagues=colleagues)
    status = 422 if form.errors else 200
    if form.is_valid():
        starts_at, ends_at = form.span
        try:
            delegate(
                actor=actor,
                to_employee_id=form.cleaned_data["delegate"].pk,
                starts_at=starts_at,
                ends_at=ends_at,
                now=timezone.now(),
            )
        except NoTimeError as error:
            form.add_error("ends_on", sentence_of(error))
            status = 422
        except DelegationError as error:
            form.add_error(None, sentence_of(error))
            status = 409
        else:
            messages.success(request, _("Saved. Your colleague has been told."))
            return HttpResponseRedirect(reverse("stand-in"))
    rows = _delegations(actor).select_related("employee", "delegate").order_by("starts_at", "pk")
    context = {
        "form": form,
        "has_colleagues": colleagues.exists(),
        "delegations": [(row, _may_end(actor, row), row.holds_at(actor.at)) for row in rows],
    }
    return render(request, "company/approvals_stand_in.html", context, status=status)


def _end(request: HttpRequest, actor: Actor) -> HttpResponse:
    """End a delegation of one's own or, as an admin, of anybody in the company."""
    form = EndForm(request.POST, delegations=Delegation.objects.visible_to(actor))
    if not form.is_valid() or not _may_end(actor, form.cleaned_data["end"]):
        raise Http404
    try:
        end_delegation(actor=actor, delegation_id=form.cleaned_data["end"].pk, now=timezone.now())
    except DelegationOverError as error:
        messages.warning(request, sentence_of(error))
    else:
        said = _("Ended. %(person)s no longer stands in.") % {"person": form.cleaned_data["end"].delegate.name}
        messages.success(request, said)
    return HttpResponseRedirect(reverse("stand-in"))


def _delegations(actor: Actor) -> DelegationQuerySet:
    """Those that hold now or later."""
    return Delegation.objects.visible_to(actor).exclude(ends_at__lte=actor.at)


def _may_end(actor: Actor, row: Delegation) -> bool:
    return actor.is_company_admin or row.employee_id == actor.employee_id


def _shown(row: Approval, actor: Actor) -> dict[str, object]:
    return {
        "reward": row.redemption.reward.name,
        "who": row.redemption.employee.name,
        "points": row.points,
        "asked_at": row.asked_at,
        "note": row.note,
        "is_own": row.asked_by_id == actor.user_id,
        "is_waiting": row.state == Approval.State.WAITING,
        "state": row.state,
        "state_label": row.get_state_display(),
        "decided_at": row.decided_at,
        "decided_by": _decider(row),
        "reason": row.reason,
        "url": reverse("company-approval", args=[row.pk]),
    }


def _decider(row: Approval) -> str:
    """Who of the company decided; a request that was withdrawn had no decision."""
    return row.decided_by.name if row.decided_by and row.state != Approval.State.WITHDRAWN else ""


def _page(request: HttpRequest, row: Approval, form: DecisionForm, *, status: int = 200) -> HttpResponse:
    actor = actor_behind(request)
    shown = _shown(row, actor)
    decides = decides_for_company(actor)
    context = {
        "approval": shown,
        "form": form,
        "decides": decides,
        "may_decide": shown["is_waiting"] and not shown["is_own"] and decides,
        "reference": row.redemption.reference,
        "from_company": _from_company(row),
        "balances": _balances(row, actor),
    }
    return render(request, "company/approvals_one.html", context, status=status)


def _from_company(row: Approval) -> int:
    """The points of the order that the company itself gave."""
    order = row.redemption
    return order.company_points or (0 if order.wallet.employee_id else order.points)


def _balances(row: Approval, actor: Actor) -> list[tuple[str, int]]:
    """What is left in the wallets that paid, as far as the reader may see them: the order's points are gone already."""
    order = row.redemption
    wallets = Wallet.objects.visible_to(actor).filter(pk__in=[order.wallet_id, order.company_wallet_id])
    owners = [Owner(wallet.program_id, wallet.company_id, wallet.employee_id) for wallet in wallets]
    if not owners:
        return []
    today = actor.at.astimezone(order.reward.program.zone).date()
    return [
        (_("own points") if balance.owner.employee_id else _("the company's points"), balance.available)
        for balance in balances_of(owners, today=today)
    ]
