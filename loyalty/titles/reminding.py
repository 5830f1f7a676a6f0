"""Reminders of fees: before a period is over that was paid for, and while the first fee has not come."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import Count, Q
from django.utils import translation
from django.utils.formats import date_format, number_format

from accounts import messages
from accounts.messages import Telling
from accounts.models import Employee, Message
from loyalty.messages import TIER_FEE_DUE
from loyalty.models import Program, TierTitle
from loyalty.titles.acts import Source

NOTICE = timedelta(days=14)
"""How long before a fee is due those who act for the company are told at the earliest."""

BATCH = 1_000
PERIODS = 100_000
"""More periods than anybody pays for: a message speaks of one title and one period of it."""


def remind_of_fees(*, now: datetime) -> int:
    """Tell those who act for a company that a fee is due, once for each period; return how many people were told.

    Nobody is reminded of what was cancelled or has ended. The cost goes by the tiers for a fee that are near their
    day. Safe to run twice: what was told is not told again.
    """
    programs = Program.objects.filter(is_active=True).order_by("pk")
    return sum(_tell(chunk, program, now) for program in programs for chunk in _due(program, now))


def _due(program: Program, now: datetime) -> Iterator[list[TierTitle]]:
    """Yield titles whose next fee is near, BATCH at a time, each with how many fees of it came."""
    near = now.astimezone(program.zone).date() + NOTICE
    rows = TierTitle.objects.in_force(now).filter(
        Q(membership__ends_at__isnull=True) | Q(membership__ends_at__gt=now),
        membership__program=program,
        membership__starts_at__lte=now,
        source=Source.PAID,
        cancelled_at__isnull=True,
        paid_through__lte=near,
    )
    rows = rows.select_related("tier", "membership").annotate(paid=Count("payments")).order_by("pk")
    last = 0
    while chunk := list(rows.filter(pk__gt=last)[:BATCH]):
        yield chunk
        last = chunk[-1].pk


def _tell(titles: list[TierTitle], program: Program, now: datetime) -> int:
    by_company: dict[int, list[TierTitle]] = {}
    for title in titles:
        by_company.setdefault(title.membership.company_id, []).append(title)
    acts = Q(access=Employee.Access.ADMIN) | Q(buying_role=Employee.BuyingRole.DECIDES)
    people = Employee.objects.filter(acts, company__in=by_company, is_active=True, user__isnull=False)
    tellings = [
        Telling(person.pk, title.pk * PERIODS + title.paid, _facts(title, program, person))  # type: ignore[attr-defined]
        for person in people.select_related("user").order_by("pk")
        for title in by_company[person.company_id]
    ]
    told = Message.objects.filter(
        kind=TIER_FEE_DUE.code,
        employee__in=[telling.employee_id for telling in tellings],
        subject_id__in=[telling.subject_id for telling in tellings],
    )
    before = told.count()
    messages.tell(TIER_FEE_DUE, tellings, now=now)
    return told.count() - before


def _facts(title: TierTitle, program: Program, person: Employee) -> dict[str, str | int]:
    """What the message is made of, the sum and the days in the person's own notation."""
    last_day: date = (title.ends_at or title.starts_at).astimezone(program.zone).date() - timedelta(days=1)
    with translation.override(person.user.language if person.user else None):
        return {
            "program": program.name,
            "tier": title.tier.name,
            "fee": f"{number_format(title.fee or 0, 2, force_grouping=True)} {title.currency}",
            "day": date_format(last_day, "DATE_FORMAT"),
        }
