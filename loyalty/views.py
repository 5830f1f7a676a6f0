"""Pages of this floor alone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import employees_only
from accounts.middleware import actor_behind
from loyalty.explaining import plain_rules, rule_set_in_force
from loyalty.selectors import membership_of, standing_of


@require_safe
@employees_only
def rules(request: HttpRequest) -> HttpResponse:
    """Every rule that applies to the reader, in plain words."""
    actor = actor_behind(request)
    membership = membership_of(actor, chosen=request.GET.get("program", ""))
    if membership is None:
        return render(request, "client/no_program.html")
    program = membership.program
    rule_set = rule_set_in_force(program, at=actor.at)
    standing = standing_of(membership, at=actor.at, with_progress=False)
    return render(
        request,
        "client/rules.html",
        {
            "program": program,
            "rule_set": rule_set,
            "rules": plain_rules(rule_set, program) if rule_set else [],
            "tiers": standing.tiers,
            "tier": standing.tier,
            "unit": standing.unit,
        },
    )
