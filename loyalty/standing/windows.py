"""Tier plans: which metric counts, over which months, and which tier a value comes to. Months are whole numbers."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

from loyalty.models import Metric, Program, Tier, TierThreshold

FIRST_MONTH = 12
"""January of the year 1: no date lies before it."""


class InSegment(Protocol):
    """A segment that a company stands in, for a time."""

    @property
    def code(self) -> str:
        """The segment."""

    def holds_at(self, at: datetime) -> bool:
        """Whether the company stands in it at `at`."""


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
    """A tier as the plan needs it; one that is not earned is reached by other ways alone."""

    id: int
    code: str
    name: str
    rank: int
    threshold: Decimal
    is_earned: bool = True


class People(Mapping[int, Decimal]):
    """Who did something in which month: a month's value is a number of people, and a window counts each once."""

    def __init__(self) -> None:
        self._counts: dict[int, dict[int, int]] = {}

    def add(self, month: int, employee_id: int, count: int) -> None:
        """Count activities of a person (or off, where `count` is negative)."""
        people = self._counts.setdefault(month, {})
        people[employee_id] = people.get(employee_id, 0) + count

    def within(self, first: int, last: int) -> Decimal:
        """Return how many people there were in the months."""
        months = (people for month, people in self._counts.items() if first <= month <= last)
        return Decimal(len({person for people in months for person, count in people.items() if count > 0}))

    def rows(self) -> Iterator[tuple[int, int, int]]:
        """Yield month, person and number of activities."""
        for month, people in self._counts.items():
            for person, count in people.items():
                yield month, person, count

    def __getitem__(self, month: int) -> Decimal:
        return self.within(month, month)

    def __iter__(self) -> Iterator[int]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)


@dataclass(frozen=True, slots=True)
class TierPlan:
    """How a program raises and lowers tiers; `steps` from the lowest to the highest.

    As `of_member` returns it, it knows the membership's joining month and segments, too. `grace` are months; `people`
    and `signed` are codes of metrics that count people and of those that may be below 0; `favours` are thresholds by
    segment code and tier id.
    """

    program_id: int
    zone: ZoneInfo
    metric: str
    window: str
    months: int
    steps: tuple[TierStep, ...]
    fall: str = Program.Fall.TO_EARNED
    grace: int = 0
    people: frozenset[str] = frozenset()
    signed: frozenset[str] = frozenset()
    favours: Mapping[str, Mapping[int, Decimal]] = field(default_factory=dict)
    joined: int = FIRST_MONTH
    segments: Collection[InSegment] = ()

    def of_member(self, starts_at: datetime, segments: Collection[InSegment] = ()) -> "TierPlan":
        """Return the plan as it holds for a membership that began then, of a company in these segments."""
        needs_joined = self.window in (Program.Window.MEMBERSHIP_YEAR, Program.Window.FOR_EVER)
        if not needs_joined and not (self.favours and segments):
            return self
        joined = month_of(starts_at, self.zone) if needs_joined else self.joined
        return replace(self, joined=joined, segments=segments if self.favours else ())

    def spans(self, month: int) -> list[tuple[int, int]]:
        """Return the spans of months, first and last, of which the better one counts in `month`.

        Rolling: the month and the whole months before it. A year: this one and the last, as a tier once reached holds
        to the end of the next year; years of membership begin with the month of joining. For ever: all so far.
        """
        match self.window:
            case Program.Window.ROLLING:
                return [(month - self.months + 1, month)]
            case Program.Window.FOR_EVER:
                return [(min(self.joined, month), month)]
        start = self._year_start(month)
        return [(start, start + 11), (start - 12, start - 1)]

    def value(self, buckets: Mapping[int, Decimal], month: int) -> Decimal:
        """Return what counts in `month`, in the metric's unit: what a company rises by."""
        return max(_sum(buckets, first, last) for first, last in self.spans(month))

    def kept_value(self, buckets: Mapping[int, Decimal], month: int) -> Decimal:
        """Return what keeps a tier in `month`: the best that counted in it or in the months of grace before it."""
        return max(self.value(buckets, month - back) for back in range(self.grace + 1))

    @staticmethod
    def within(buckets: Mapping[int, Decimal], span: tuple[int, int]) -> Decimal:
        """Return what was counted in a span of months."""
        return _sum(buckets, *span)

    def first_month(self, month: int) -> int:
        """Return the earliest month that counts in `month`."""
        return min(first for first, _last in self.spans(month))

    def first_kept_month(self, month: int) -> int:
        """Return the earliest month that may keep a tier in `month`."""
        return max(FIRST_MONTH, min(self.first_month(month - back) for back in (0, self.grace)))

    def fall_month(self, month: int) -> int | None:
        """Return the latest month up to `month` with whose first day time alone may lower a tier; None: it never does.

        A window of years turns once a year, after the grace.
        """
        match self.window:
            case Program.Window.ROLLING:
                return month
            case Program.Window.FOR_EVER:
                return None
        turn = self._year_start(month) + self.grace
        return turn if turn <= month else turn - 12

    def next_fall_month(self, month: int) -> int | None:
        """Return the first such month after `month`."""
        turn = self.fall_month(month)
        if turn is None:
            return None
        return turn + (1 if self.window == Program.Window.ROLLING else 12)

    def moment(self, month: int) -> datetime:
        """Return the moment at which a month begins."""
        return datetime.combine(month_start(month), time(), self.zone)

    def steps_at(self, at: datetime | None) -> tuple[TierStep, ...]:
        """Return the steps with what they ask of the company at `at`: the lowest of its segments' and the general."""
        if not self.favours or at is None:
            return self.steps
        lower = [self.favours[row.code] for row in self.segments if row.code in self.favours and row.holds_at(at)]
        return tuple(
            replace(step, threshold=min([step.threshold, *(asked[step.id] for asked in lower if step.id in asked)]))
            for step in self.steps
        )

    def step_for(self, value: Decimal, at: datetime | None = None) -> TierStep | None:
        """Return the highest tier that `value` earns; `at` tells which segments' thresholds count.

        A tier that asks nothing is held by a loss, too.
        """
        counts = max(value, Decimal(0))
        return next((s for s in reversed(self.steps_at(at)) if s.is_earned and s.threshold <= counts), None)

    def fall_to(self, held: TierStep, due: TierStep | None) -> TierStep | None:
        """Return where a company falls from `held` that has earned no more than `due`."""
        if self.fall != Program.Fall.ONE_STEP:
            return due
        return next((step for step in reversed(self.steps) if step.is_earned and step.rank < held.rank), None)

    def step(self, tier_id: int) -> TierStep:
        """Return the tier of that id."""
        return next(step for step in self.steps if step.id == tier_id)

    def step_above(self, rank: int, at: datetime | None = None) -> TierStep | None:
        """Return the next tier above `rank` that is earned, None at the top."""
        return next((step for step in self.steps_at(at) if step.is_earned and step.rank > rank), None)

    def _year_start(self, month: int) -> int:
        anchor = self.joined if self.window == Program.Window.MEMBERSHIP_YEAR else 0
        return month - (month - anchor) % 12


def _sum(buckets: Mapping[int, Decimal], first: int, last: int) -> Decimal:
    if isinstance(buckets, People):
        return buckets.within(first, last)
    return sum((value for month, value in buckets.items() if first <= month <= last), Decimal(0))


def tier_plans_of(programs: Iterable[Program]) -> dict[int, TierPlan]:
    """Return the tier plan of each program, by program id."""
    by_id = {program.pk: program for program in programs}
    steps: dict[int, list[TierStep]] = {}
    for tier in Tier.objects.filter(program__in=by_id).order_by("rank"):
        step = TierStep(tier.pk, tier.code, tier.name, tier.rank, tier.threshold, tier.is_earned)
        steps.setdefault(tier.program_id, []).append(step)
    favours: dict[int, dict[str, dict[int, Decimal]]] = {}
    asked = TierThreshold.objects.filter(tier__program__in=by_id)
    for program_id, code, tier_id, threshold in asked.values_list(
        "tier__program", "segment__code", "tier", "threshold"
    ):
        favours.setdefault(program_id, {}).setdefault(code, {})[tier_id] = threshold
    kinds: dict[tuple[int, str], set[str]] = {}
    metrics = Metric.objects.filter(program__in=by_id, measure__in=(Metric.Measure.PEOPLE, Metric.Measure.SUM))
    for program_id, measure, code in metrics.values_list("program", "measure", "code"):
        kinds.setdefault((program_id, measure), set()).add(code)
    return {
        program.pk: replace(
            tier_plan(program, steps.get(program.pk, ())),
            favours=favours.get(program.pk, {}),
            people=frozenset(kinds.get((program.pk, Metric.Measure.PEOPLE), ())),
            signed=frozenset(kinds.get((program.pk, Metric.Measure.SUM), ())),
        )
        for program in by_id.values()
    }


def tier_plan(program: Program, steps: Iterable[TierStep]) -> TierPlan:
    """Return the plan of a program whose tiers, from the lowest, are `steps`."""
    return TierPlan(
        program_id=program.pk,
        zone=program.zone,
        metric=program.tier_metric,
        window=program.tier_window,
        months=program.tier_months,
        steps=tuple(steps),
        fall=program.tier_fall,
        grace=program.tier_grace_months,
    )
