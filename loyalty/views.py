"""Pages of this floor alone."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import employees_only
from accounts.actors import Actor
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.middleware import actor_behind
from accounts.models import AccountManagerAssignment
from loyalty.benefits import (
    BenefitUseError,
    Entitlement,
    NotEntitledError,
    NotYoursToUseError,
    QuotaUsedUpError,
    benefits_of,
    entitlements_of,
    use,
)
from loyalty.benefits.entitlements import used_up
from loyalty.benefits.forms import UseForm
from loyalty.benefits.using import OWED
from loyalty.explaining import agreement_in_force, plain_lists, plain_rules, rule_set_in_force
from loyalty.models import BadgeHolding, Benefit, BenefitUse, Membership
from loyalty.promotions import promotions_told
from loyalty.selectors import (
    has_agreement,
    has_promotion,
    membership_of,
    memberships_of,
    standing_of,
    with_own_terms,
)
from loyalty.terms import terms_in_words

USES_SHOWN = 10


@require_safe
@employees_only
def rules(request: HttpRequest) -> HttpResponse:
    """Every rule that applies to the reader, in plain words."""
    actor = actor_behind(request)
    rows = with_own_terms(memberships_of(actor), actor)
    membership = membership_of(actor, chosen=request.GET.get("program", ""), among=rows)
    if membership is None:
        return render(request, "client/no_program.html")
    program = membership.program
    rule_set = rule_set_in_force(program, at=actor.at)
    agreement = agreement_in_force(membership, at=actor.at) if has_agreement(membership) else None
    standing = standing_of(membership, at=actor.at, with_progress=False)
    return render(
        request,
        "client/rules.html",
        {
            "program": program,
            "rule_set": rule_set,
            "agreement": agreement,
            "promotions": promotions_told(membership, actor) if has_promotion(membership) else [],
            "rules": plain_rules(rule_set, program, agreement) if rule_set else [],
            "lists": plain_lists(rule_set) if rule_set else [],
            "terms": terms_in_words(program),
            "tiers": standing.tiers,
            "tier": standing.tier,
            "unit": standing.unit,
        },
    )


@require_safe
@employees_only
def benefits(request: HttpRequest) -> HttpResponse:
    """What the reader may use now, what the next tier adds, and what was used lately."""
    actor = actor_behind(request)
    membership = membership_of(actor, chosen=request.GET.get("program", ""))
    if membership is None:
        return render(request, "client/no_program.html")
    standing = standing_of(membership, at=actor.at)
    now = benefits_of(actor, membership, at=actor.at, standing=standing)
    uses = BenefitUse.objects.visible_to(actor).filter(membership=membership).select_related("benefit", "follow_up")
    badges = BadgeHolding.objects.visible_to(actor).held().filter(membership=membership).select_related("badge")
    own = [right for right in now.entitlements if not right.is_for_company]
    of_company = [right for right in now.entitlements if right.is_for_company]
    context = {
        "program": membership.program,
        "tiers": standing.tiers,
        "tier": standing.tier,
        "next_tier": standing.next_tier,
        "progress": standing.progress,
        "has_benefits": bool(now.entitlements),
        "groups": [(_("Yours"), own), (_("Your company's"), of_company)],
        "next_benefits": now.next,
        "badges": badges.filter(Q(employee=actor.employee_id) | Q(employee=None)).order_by("-given_at", "-pk"),
        "uses": uses.order_by("-used_at", "-pk")[:USES_SHOWN],
        "employee_id": actor.employee_id,
    }
    return render(request, "client/benefits.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
def benefit(request: HttpRequest, pk: int) -> HttpResponse:
    """One benefit: what it is, and the button that uses it. It stays in sight for whoever has used it."""
    actor = actor_behind(request)
    shown = _shown_benefit(request, actor, pk)
    if shown is None:
        raise Http404
    asks = shown.benefit.kind in OWED
    if request.method != "POST":
        return _show_benefit(request, actor, shown, UseForm(asks_for_wish=asks))
    form = UseForm(request.POST, asks_for_wish=asks)
    if not form.is_valid():
        return _show_benefit(request, actor, shown, form, status=422)
    try:
        used = use(
            actor=actor,
            benefit_id=pk,
            grant_id=shown.grant_id,
            is_for_company=shown.is_for_company,
            wish=form.cleaned_data.get("wish", ""),
            key=form.cleaned_data["key"],
            now=timezone.now(),
        )
    except (BenefitUseError, KeyUsedForAnotherRequestError) as error:
        messages.error(request, _refusal(error))
        shown = _shown_benefit(request, actor, pk) or shown
        return _show_benefit(request, actor, shown, UseForm(asks_for_wish=asks), status=409)
    if used.is_new:
        messages.success(request, _("It is yours: what comes next stands below."))
    return HttpResponseRedirect(request.get_full_path())


@dataclass(frozen=True, slots=True)
class ShownBenefit:
    """A benefit as the reader reaches it: as a right, or because it was used before."""

    benefit: Benefit
    membership: Membership
    right: Entitlement | None
    grant_id: int | None
    is_for_company: bool
    last_use: BenefitUse | None


def _shown_benefit(request: HttpRequest, actor: Actor, pk: int) -> ShownBenefit | None:
    """The benefit that the address names, by `grant` or `for`; else whichever right the reader has, the own first."""
    membership = memberships_of(actor).filter(program__benefits=pk).first()
    if membership is None:
        return None
    rights = [right for right in entitlements_of(actor, membership, at=actor.at) if right.benefit.pk == pk]
    asked_grant, asked_for = request.GET.get("grant", ""), request.GET.get("for", "")
    if asked_grant:
        rights = [right for right in rights if str(right.grant_id) == asked_grant]
    elif asked_for:
        rights = [right for right in rights if right.grant_id is None and right.is_for_company]
    right = min(rights, key=lambda right: (not right.can_use, right.grant_id or 0), default=None)
    uses = BenefitUse.objects.visible_to(actor).filter(membership=membership, benefit=pk)
    if right is None:
        whose = uses.filter(Q(employee=actor.employee_id) | Q(is_for_company=True))
    elif right.is_for_company:
        whose = uses.filter(is_for_company=True, grant=right.grant_id)
    else:
        whose = uses.filter(is_for_company=False, grant=right.grant_id, employee=actor.employee_id)
    last_use = whose.select_related("benefit", "employee", "follow_up").order_by("-used_at", "-pk").first()
    if right is not None:
        return ShownBenefit(right.benefit, membership, right, right.grant_id, right.is_for_company, last_use)
    if last_use is None:
        return None
    return ShownBenefit(last_use.benefit, membership, None, last_use.grant_id, last_use.is_for_company, last_use)


def _show_benefit(
    request: HttpRequest, actor: Actor, shown: ShownBenefit, form: UseForm, *, status: int = 200
) -> HttpResponse:
    keeper = None
    if shown.benefit.kind in OWED:
        assigned = AccountManagerAssignment.objects.visible_to(actor).filter(company=actor.company_id)
        keeper = assigned.in_force(actor.at).select_related("user").first()
    today = actor.at.astimezone(shown.membership.program.zone).date()
    context = {
        "benefit": shown.benefit,
        "currency": shown.membership.program.currency,
        "right": shown.right,
        "last_use": shown.last_use,
        "is_own_use": shown.last_use is not None and shown.last_use.employee_id == actor.employee_id,
        "keeper": keeper.user.name if keeper else "",
        "due_on": today + timedelta(days=shown.benefit.lead_days or 0),
        "is_owed": shown.benefit.kind in OWED,
        "form": form,
    }
    return render(request, "client/benefit.html", context, status=status)


def _refusal(error: Exception) -> str:
    """What happened, why, and what to do next."""
    match error:
        case QuotaUsedUpError(starts_again_on=day):
            return used_up(day)
        case NotYoursToUseError():
            return _("Only people who act for your company can use this. Ask your company's admin.")
        case NotEntitledError():
            return _("This benefit is no longer open to you: your role, your tier or the program has changed.")
        case _:
            return _("This page was used for another request. Nothing is booked twice; start again from here.")
