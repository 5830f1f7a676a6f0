"""A program's figures: kept at the end of each day, so that no page adds up history, and as they stand now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from accounts import arrays
from loyalty.models import Program, ProgramDay

ACTIVE_WITHIN = timedelta(days=90)
"""A company is active when it, or one of its people, received points in so long."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Points since a program began, what is outstanding (available and pending), and how many companies take part."""

    issued: int
    spent: int
    expired: int
    outstanding: int
    members: int
    active_companies: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a span of days brought, in points, and where it ended."""

    first: date
    last: date
    issued: int
    spent: int
    expired: int
    outstanding: int
    active_companies: int

    @property
    def redemption_rate(self) -> float | None:
        """Points spent for each point issued in the span; None where none was issued."""
        return self.spent / self.issued if self.issued > 0 else None


def totals(program: Program, *, now: datetime) -> Totals:
    """Return how a program stands at `now`; one query, whose cost grows with companies and people, not with history."""
    [row] = arrays.fetch(_TOTALS, program.pk, now, now, now - ACTIVE_WITHIN, program.pk)
    return Totals(*(int(number) for number in row))


def take_figures(*, now: datetime) -> int:
    """Keep today's figures of every running program, in place of what was kept of today before; return how many.

    Meant for the end of the day, and safe to run again.
    """
    programs = list(Program.objects.filter(is_active=True).order_by("pk"))
    rows = []
    for program in programs:
        stand = totals(program, now=now)
        rows.append(
            ProgramDay(
                program=program,
                day=now.astimezone(program.zone).date(),
                issued=stand.issued,
                spent=stand.spent,
                expired=stand.expired,
                outstanding=stand.outstanding,
                members=stand.members,
                active_companies=stand.active_companies,
                taken_at=now,
            )
        )
    ProgramDay.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["program", "day"],
        update_fields=["issued", "spent", "expired", "outstanding", "members", "active_companies", "taken_at"],
    )
    return len(rows)


def days_of(program: Program, *, since: date, now: datetime) -> list[ProgramDay]:
    """Return the kept days from the last one before `since` on, oldest first, and today as it stands; three queries."""
    today = now.astimezone(program.zone).date()
    kept = ProgramDay.objects.filter(program=program, day__lt=today)
    before = kept.filter(day__lt=since).order_by("-day").first()
    stand = totals(program, now=now)
    return [
        *([before] if before else []),
        *kept.filter(day__gte=since).order_by("day"),
        ProgramDay(
            program=program,
            day=today,
            issued=stand.issued,
            spent=stand.spent,
            expired=stand.expired,
            outstanding=stand.outstanding,
            members=stand.members,
            active_companies=stand.active_companies,
            taken_at=now,
        ),
    ]


def change(days: Sequence[ProgramDay], *, first: date, last: date) -> Change | None:
    """Return what the days from `first` to `last`, both counted in, brought; None where nothing was kept by `last`.

    `days` are those of `days_of`, oldest first. A day that was not kept counts with the next one that was.
    """
    end = next((day for day in reversed(days) if day.day <= last), None)
    if end is None or end.day < first:
        return None
    start = next((day for day in reversed(days) if day.day < first), None)
    return Change(
        first=first,
        last=last,
        issued=end.issued - (start.issued if start else 0),
        spent=end.spent - (start.spent if start else 0),
        expired=end.expired - (start.expired if start else 0),
        outstanding=end.outstanding,
        active_companies=end.active_companies,
    )


_TOTALS = """
    SELECT coalesce(sum(-w.balance) FILTER (WHERE w.kind = 'ISSUED'), 0),
           coalesce(sum(w.balance) FILTER (WHERE w.kind = 'SPENT'), 0),
           coalesce(sum(w.balance) FILTER (WHERE w.kind = 'EXPIRED'), 0),
           coalesce(sum(w.balance) FILTER (WHERE w.kind IN ('AVAILABLE', 'PENDING')), 0),
           (SELECT count(*) FROM loyalty_membership m
            WHERE m.program_id = %s AND m.starts_at <= %s AND (m.ends_at IS NULL OR m.ends_at > %s)),
           count(DISTINCT w.company_id) FILTER (
               WHERE w.kind IN ('AVAILABLE', 'PENDING') AND w.received_at > %s)
    FROM loyalty_wallet w WHERE w.program_id = %s"""
