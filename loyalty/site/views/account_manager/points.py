"""The points behind a company's number: every line of its statement, each with its why."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import account_managers_only
from accounts.middleware import actor_behind
from loyalty.ledger import Owner
from loyalty.site.views.account_manager.portfolio import company_at, taking_part
from loyalty.site.views.client.points import lines_of, place_of, written
from loyalty.statement import LINES_A_PAGE, balances_of, statement
from loyalty.terms import terms_in_words


@require_safe
@account_managers_only
def points(request: HttpRequest, pk: int) -> HttpResponse:
    """The statement of the company's own points, latest first."""
    actor = actor_behind(request)
    row = company_at(request, actor, pk)
    taking = taking_part(row, actor, chosen=request.GET.get("program", ""))
    if taking is None:
        return render(request, "am/points.html", {"company": row, "as_of": actor.at})
    program = taking.membership.program
    owner = Owner(program.pk, row.pk)
    [balance] = balances_of([owner], today=actor.at.astimezone(program.zone).date())
    lines = statement(owner, before=place_of(request.GET.get("before", "")))
    query = request.GET.copy()
    query["before"] = written(lines[-1].place) if lines else ""
    context = {
        "company": row,
        "program": program,
        "tabs": taking.tabs,
        "balance": balance,
        "terms": terms_in_words(program),
        "lines": lines_of(lines, "", actor),
        "is_first_page": "before" not in request.GET,
        "next_url": f"?{query.urlencode()}" if len(lines) == LINES_A_PAGE else "",
        "as_of": actor.at,
    }
    return render(request, "am/points.html", context)
