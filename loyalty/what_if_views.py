"""The client's questions: what would I get for something, and why did something bring what it brought, or nothing?"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import clients_and_account_managers, employees_only
from accounts.middleware import actor_behind
from loyalty.asking import ask
from loyalty.looking_up import act_called, look_up
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


@require_safe
@clients_and_account_managers
def why_number(request: HttpRequest) -> HttpResponse:
    """What became of an activity, found by its number: each rule, met or not, also where it brought nothing.

    The reference that stands with what was booked leads there.
    """
    actor = actor_behind(request)
    number = request.GET.get("number", "").strip()[:200].replace("\x00", "")
    found = look_up(number, actor) if number else []
    act_id = act_called(number, actor) if not found else None
    if act_id is not None:
        return HttpResponseRedirect(reverse("why", args=[act_id]))
    context = {"number": number, "found": found, "is_client": actor.is_employee}
    return render(request, "client/why_number.html", context)
