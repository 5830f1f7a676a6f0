"""The client's page of questions: what would I get for something that I have not done yet?"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import employees_only
from accounts.middleware import actor_behind
from loyalty.asking import ask
from loyalty.selectors import membership_of


@require_safe
@employees_only
def what_if(request: HttpRequest) -> HttpResponse:
    """Ask by the kind of activity; every rule answers, within the reader's own sight. Nothing is written."""
    actor = actor_behind(request)
    membership = membership_of(actor, chosen=request.GET.get("program", ""))
    if membership is None:
        return render(request, "client/no_program.html")
    asked = ask(request.GET, membership, actor)
    context = {
        "program": membership.program,
        "asked": asked,
        "shows_company": actor.sees_company or membership.has_one_wallet,
        "shows_person": not membership.has_one_wallet,
    }
    return render(request, "client/what_if.html", context, status=asked.status)
