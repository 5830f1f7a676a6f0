"""What a client would get for something that has not happened: to tell it, and why, while it is on the telephone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import account_managers_only
from accounts.middleware import actor_behind
from loyalty.asking import ask
from loyalty.site.views.account_manager.portfolio import company_at, taking_part


@require_safe
@account_managers_only
def what_if(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask on behalf of the company or of one of its people; every rule answers. Nothing is written."""
    actor = actor_behind(request)
    row = company_at(request, actor, pk)
    taking = taking_part(row, actor, chosen=request.GET.get("program", ""))
    if taking is None:
        return render(request, "am/what_if.html", {"company": row})
    asked = ask(request.GET, taking.membership, actor)
    context = {
        "company": row,
        "program": taking.membership.program,
        "tabs": taking.tabs,
        "asked": asked,
        "shows_company": True,
        "shows_person": not taking.membership.has_one_wallet,
    }
    return render(request, "am/what_if.html", context, status=asked.status)
