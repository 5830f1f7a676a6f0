"""The page of a badge: what it is for, which rules give it, who of the own company holds it, and what brought it."""

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import employees_only
from accounts.actors import Actor
from accounts.middleware import actor_behind
from loyalty.explaining import agreement_in_force, plain_rules, rule_set_in_force
from loyalty.models import Activity, Badge, BadgeHolding, EffectAward, Membership
from loyalty.selectors import has_agreement, memberships_of, with_own_terms


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody, or (no `name`) the company, who holds a badge; `number` is what brought it, where that is in sight."""

    name: str
    is_reader: bool
    given_at: datetime
    rule: str
    activity: str
    number: str


@require_safe
@employees_only
def badge(request: HttpRequest, pk: int) -> HttpResponse:
    """One badge of a program in which the reader's company takes part."""
    actor = actor_behind(request)
    shown = Badge.objects.visible_to(actor).filter(pk=pk).select_related("program").first()
    rows = with_own_terms(memberships_of(actor), actor)
    membership = rows.filter(program=shown.program_id).first() if shown is not None else None
    if shown is None or membership is None:
        raise Http404
    rule_set = rule_set_in_force(shown.program, at=actor.at)
    agreement = agreement_in_force(membership, at=actor.at) if has_agreement(membership) else None
    giving = {"formula__kind": "badge", "formula__badge": shown.code}
    context = {
        "badge": shown,
        "program": shown.program,
        "rules": plain_rules(rule_set, shown.program, agreement, **giving) if rule_set else [],
        "holders": _holders(shown, membership, actor),
        "sees_colleagues": actor.sees_company,
    }
    return render(request, "client/badge.html", context)


@require_safe
@employees_only
def badge_given(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead from what a rule gave, which a message names, to the badge."""
    actor = actor_behind(request)
    award = EffectAward.objects.visible_to(actor).filter(pk=pk, effect="badge").first()
    there = Badge.objects.visible_to(actor)
    row = there.filter(program=award.program_id, code=award.subject).first() if award is not None else None
    if row is None:
        raise Http404
    return HttpResponseRedirect(reverse("badge", args=[row.pk]))


def _holders(shown: Badge, membership: Membership, actor: Actor) -> list[Holder]:
    """Return who of the company holds it, as far as the reader sees: the reader first, then the latest. Two queries."""
    held = BadgeHolding.objects.visible_to(actor).held().filter(membership=membership, badge=shown)
    rows = list(held.select_related("employee", "award__activity__type", "award__rule").order_by("-given_at", "-pk"))
    activities = Activity.objects.visible_to(actor).filter(pk__in=[row.award.activity_id for row in rows])
    in_sight = set(activities.values_list("pk", flat=True)) if rows else set()
    holders = [
        Holder(
            name=row.employee.name if row.employee else "",
            is_reader=row.employee_id is not None and row.employee_id == actor.employee_id,
            given_at=row.given_at,
            rule=row.award.rule.name,
            activity=row.award.activity.type.name,
            number=row.award.activity.external_id if row.award.activity_id in in_sight else "",
        )
        for row in rows
    ]
    return sorted(holders, key=lambda holder: not holder.is_reader)
