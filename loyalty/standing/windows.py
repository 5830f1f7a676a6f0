"""Tier plans: which metric counts, over which months, and which tier a value comes to. Months are whole numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from loyalty.models import Program, Tier


def month_of(at: datetime, zone: ZoneInfo) -> int:
    """Return the month that `at` lies in where the program is, counted from year 0."""
    local = at.astimezone(zone)
    return local.year * 12 + local.month - 1


def month_start(month: int) -> date:
    """Return the first day of a month."""
    year, month_before = divmod(month, 12)
    return date(year, month_before + 1, 1)


@dataclass(frozen=True, slots=True)
class TierStep:
    """A tier as the plan needs it."""

    id: int
    code: str
    name: str
    rank: int
    threshold: Decimal


@dataclass(frozen=True, slots=True)
class TierPlan:
    """How a program raises and lowers tiers; `steps` from the lowest to the highest."""

    program_id: int
    zone: ZoneInfo
    metric: str
    window: str
    months: int
    steps: tuple[TierStep, ...]

    def value(self, buckets: Mapping[int, Decimal], month: int) -> Decimal:
        """Return what counts in `month`, in the metric's unit.

        Rolling: the month and the whole months before it. Calendar year: the better of this year and the last, as a
        tier once reached holds to the end of the next year.
        """
        if self.window == Program.Window.ROLLING:
            return _sum(buckets, month - self.months + 1, month)
        january = month - month % 12
        return max(_sum(buckets, january, january + 11), _sum(buckets, january - 12, january - 1))

    def first_month(self, month: int) -> int:
        """Return the earliest month that counts in `month`."""
        if self.window == Program.Window.ROLLING:
            return month - self.months + 1
        return month - month % 12 - 12

    def period_start(self, month: int) -> date:
        """Return the day on which time alone last moved the window that `month` lies in."""
        return month_start(month if self.window == Program.Window.ROLLING else month - month % 12)

    def step_for(self, value: Decimal) -> TierStep | None:
        """Return the highest tier that `value` comes to."""
        return next((step for step in reversed(self.steps) if step.threshold <= value), None)

    def step(self, tier_id: int) -> TierStep:
        """Return the tier of that id."""
        return next(step for step in self.steps if step.id == tier_id)

    def step_above(self, rank: int) -> TierStep | None:
        """Return the next tier above `rank`, None at the top."""
        return next((step for step in self.steps if step.rank > rank), None)


def _sum(buckets: Mapping[int, Decimal], first: int, last: int) -> Decimal:
    return sum((value for month, value in buckets.items() if first <= month <= last), Decimal(0))


def tier_plans_of(programs: Iterable[Program]) -> dict[int, TierPlan]:
    """Return the tier plan of each program, by program id."""
    by_id = {program.pk: program for program in programs}
    steps: dict[int, list[TierStep]] = {}
    for tier in Tier.objects.filter(program__in=by_id).order_by("rank"):
        steps.setdefault(tier.program_id, []).append(TierStep(tier.pk, tier.code, tier.name, tier.rank, tier.threshold))
    return {program.pk: tier_plan(program, steps.get(program.pk, ())) for program in by_id.values()}


def tier_plan(program: Program, steps: Iterable[TierStep]) -> TierPlan:
    """Return the plan of a program whose tiers, from the lowest, are `steps`."""
    return TierPlan(
        program_id=program.pk,
        zone=program.zone,
        metric=program.tier_metric,
        window=program.tier_window,
        months=program.tier_months,
        steps=tuple(steps),
    )
