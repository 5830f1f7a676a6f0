"""Today: what is owed and late, what clients did, and who has not been heard of."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import account_managers_only
from accounts.actors import Actor
from accounts.middleware import actor_behind
from accounts.models import FollowUp
from loyalty.site.views.account_manager.dues import Due, due
from loyalty.site.views.account_manager.news import NEWS_DAYS, news
from loyalty.site.views.account_manager.quiet import QUIET_DAYS, quiet_companies

OWED_AHEAD = timedelta(days=7)
MOST_OWED = 20


@require_safe
@account_managers_only
def today(request: HttpRequest) -> HttpResponse:
    """The account manager's morning."""
    actor = actor_behind(request)
    owed = _owed(actor)
    context = {
        "owed": owed[:MOST_OWED],
        "has_more_owed": len(owed) > MOST_OWED,
        "late": sum(row.is_late for row in owed[:MOST_OWED]),
        "owed_days": OWED_AHEAD.days,
        "news": news(actor),
        "news_days": NEWS_DAYS,
        "quiet": quiet_companies(actor),
        "quiet_days": QUIET_DAYS,
        "as_of": actor.at,
    }
    return render(request, "am/today.html", context)


def _owed(actor: Actor) -> list[Due]:
    """What is late, latest first, and what is due soon; one more than is shown tells whether there are more."""
    day = timezone.localdate(actor.at)
    rows = (
        FollowUp.objects.visible_to(actor)
        .filter(state=FollowUp.State.OPEN, due_on__lte=day + OWED_AHEAD)
        .select_related("company")
        .order_by("due_on", "pk")[: MOST_OWED + 1]
    )
    return [due(row, today=day) for row in rows]
