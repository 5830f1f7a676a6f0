"""The page of a company's tier: where it stands, until when, what each tier gives, and how it came there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import employees_only
from accounts.actors import Actor
from accounts.middleware import actor_behind
from loyalty.benefits import NextBenefit, benefits_by_tier, standing_ahead
from loyalty.models import Membership, Program, TierAssignment, Transaction
from loyalty.selectors import Standing, membership_of, standing_of, window_in_words
from loyalty.site import charts
from loyalty.site.templatetags.twofold import number
from loyalty.standing import month_of, month_start
from loyalty.standing.windows import TierStep
from loyalty.titles import invitation_to, offers_of, titles_now

MOVES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Rung:
    """A tier of the ladder, and what it gives the reader."""

    tier: TierStep
    is_held: bool
    is_reached: bool
    gives: list[NextBenefit]


@dataclass(frozen=True, slots=True)
class CountedMonth:
    """What was counted in a month."""

    day: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class CountedPeriod:
    """Months that are counted together: the rolling window, or a year; `title` says which.

    Where people are counted, `total` is less than the sum: who was active in several months is one of them.
    """

    title: str
    months: list[CountedMonth]
    total: Decimal


@dataclass(frozen=True, slots=True)
class Move:
    """A tier that was held from a day on, and why; `url` leads to the activity that brought it, where in sight."""

    tier: str
    starts_at: datetime
    ends_at: datetime | None
    why: str
    url_pk: int | None


@require_safe
@employees_only
def tier(request: HttpRequest) -> HttpResponse:
    """Where the reader's company stands, what keeps it there, and how it came there."""
    actor = actor_behind(request)
    membership = membership_of(actor, chosen=request.GET.get("program", ""))
    if membership is None:
        return render(request, "client/no_program.html")
    standing = standing_of(membership, at=actor.at)
    value = standing.plan.value(standing.months, month_of(actor.at, standing.plan.zone))
    held = titles_now(membership, at=actor.at)
    context: dict[str, Any] = {
        "titles": held,
        "offers": offers_of(membership, standing, held, at=actor.at),
        "invitation": invitation_to(actor, membership, at=actor.at) if actor.sees_company else None,
        "may_decide": actor.is_company_admin and not actor.seen_by_user_id,
        "may_see_fees": actor.sees_company,
        "program": membership.program,
        "tiers": standing.tiers,
        "tier": standing.tier,
        "next_tier": standing.next_tier,
        "progress": standing.progress,
        "unit": standing.unit,
        "ahead": standing_ahead(membership, at=actor.at, standing=standing),
        "chart": charts.thresholds(
            title=_("Counted for your tier"),
            value=value,
            marks=[
                charts.Threshold(step.name, step.threshold)
                for step in standing.tiers
                if step.is_earned and step.threshold > 0
            ],
            unit=standing.unit,
        ),
        "ladder": _ladder(actor, membership, standing),
        "periods": _periods(standing, actor.at),
        "moves": _moves(actor, membership, standing),
        "window": window_in_words(standing.plan),
        "as_of": actor.at,
    }
    return render(request, "client/tier.html", context)


def _ladder(actor: Actor, membership: Membership, standing: Standing) -> list[Rung]:
    """The tiers, the highest first."""
    gives = benefits_by_tier(actor, membership, at=actor.at)
    held = standing.tier.rank if standing.tier else 0
    return [
        Rung(step, step.rank == held, step.rank <= held, gives.get(step.id, [])) for step in reversed(standing.tiers)
    ]


def _periods(standing: Standing, at: datetime) -> list[CountedPeriod]:
    """The months that count now, the latest first; a window of years has two periods, this year and the last."""
    plan = standing.plan
    now = month_of(at, plan.zone)
    periods = []
    for first, last in plan.spans(now):
        months: Iterable[int] = range(min(last, now), first - 1, -1)
        title = _("In the window")
        if plan.window == Program.Window.FOR_EVER:
            title = _("Since you joined")
            months = [month for month in sorted(standing.months, reverse=True) if month <= now]
        elif plan.window != Program.Window.ROLLING:
            title = _years(first, last)
        periods.append(
            CountedPeriod(title, _counted(standing, months), plan.within(standing.months, (first, min(last, now))))
        )
    return periods


def _years(first: int, last: int) -> str:
    """What a year is called: by its number, or by its months where it does not begin in January."""
    if first % 12 == 0:
        return str(first // 12)
    months = (date_format(month_start(month), "YEAR_MONTH_FORMAT") for month in (first, last))
    return _("%(first)s to %(last)s") % dict(zip(("first", "last"), months, strict=True))


def _counted(standing: Standing, months: Iterable[int]) -> list[CountedMonth]:
    return [CountedMonth(month_start(month), standing.months.get(month, Decimal(0))) for month in months]


def _moves(actor: Actor, membership: Membership, standing: Standing) -> list[Move]:
    """The tiers held, the latest first; two queries."""
    held = list(
        TierAssignment.objects.visible_to(actor)
        .filter(membership=membership)
        .select_related("tier")
        .order_by("-starts_at", "-pk")[:MOVES_SHOWN]
    )
    activities = [row.evidence["activity"] for row in held if "activity" in row.evidence]
    seen = Transaction.objects.visible_to(actor).filter(activity__in=activities, program=membership.program_id)
    transactions = dict(seen.order_by("-pk").values_list("activity", "pk"))
    return [
        Move(
            row.tier.name,
            row.starts_at,
            row.ends_at,
            _why(row, standing),
            transactions.get(row.evidence.get("activity")),
        )
        for row in held
    ]


def _why(row: TierAssignment, standing: Standing) -> str:
    """Why a tier was held, from its evidence."""
    if row.source != TierAssignment.Source.EARNED:
        return {
            TierAssignment.Source.CHOSEN: _("Your company chose it."),
            TierAssignment.Source.INVITED: _("Your company was invited to it."),
            TierAssignment.Source.PAID: _("Your company pays for it."),
            TierAssignment.Source.NEGOTIATED: _("It was agreed with your company."),
            TierAssignment.Source.FLOOR: _("It is kept for your company for a time."),
        }[TierAssignment.Source(row.source)]
    first, last = (parse_date(str(row.evidence.get(name, ""))) for name in ("from", "to"))
    if "ended" in row.evidence:
        return _("What gave a higher tier has ended; this one is earned.")
    if first is None or last is None:
        return _("Every company begins here.")
    return _("%(value)s %(unit)s counted from %(first)s to %(last)s.") % {
        "value": number(Decimal(str(row.evidence["value"]))),
        "unit": standing.unit,
        "first": date_format(first, "YEAR_MONTH_FORMAT"),
        "last": date_format(last, "YEAR_MONTH_FORMAT"),
    }
