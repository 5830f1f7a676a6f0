"""What comes due of tiers that companies hold otherwise than by earning: fees, and titles that end."""

from dataclasses import dataclass
from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import account_managers_only
from accounts.middleware import actor_behind
from loyalty.models import TierTitle
from loyalty.site.views.account_manager.dues import due_in_words
from loyalty.titles import TitleNow, title_now

RENEWALS_A_PAGE = 50
SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Renewal:
    """A title of a company that ends unless something happens, and how soon."""

    now: TitleNow
    company_id: int
    company_name: str
    program_name: str
    in_words: str
    is_soon: bool


@require_safe
@account_managers_only
def renewals(request: HttpRequest) -> HttpResponse:
    """Titles in force that have an end, the next one first."""
    actor = actor_behind(request)
    rows = TierTitle.objects.visible_to(actor).in_force(actor.at).filter(ends_at__isnull=False)
    rows = rows.select_related("tier", "membership__company", "membership__program").order_by("ends_at", "pk")
    page = Paginator(rows, RENEWALS_A_PAGE).get_page(request.GET.get("page"))
    today = timezone.localdate(actor.at)
    shown = []
    for row in page:
        now = title_now(row, row.membership.program)
        if now.last_day is not None:
            shown.append(
                Renewal(
                    now,
                    row.membership.company_id,
                    row.membership.company.name,
                    row.membership.program.name,
                    due_in_words(now.last_day, today=today),
                    now.last_day - today <= SOON,
                )
            )
    return render(request, "am/renewals.html", {"renewals": shown, "page": page})
