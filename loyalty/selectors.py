"""What pages read of programs and standing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, JSONObject
from django.utils.translation import gettext as _

from accounts.actors import Actor
from loyalty.models import Membership, Metric, MetricBucket, Program, Tier, TierAssignment
from loyalty.standing import TierPlan, month_of, month_start, tier_plan
from loyalty.standing.windows import TierStep

_STEP = ("id", "code", "name", "rank")


@dataclass(frozen=True, slots=True)
class TierProgress:
    """How far the next tier is: `value` of `threshold` in `unit`, over the months that `window` says in words."""

    value: Decimal
    threshold: Decimal
    unit: str
    window: str

    @property
    def missing(self) -> Decimal:
        """What is still to come."""
        return max(Decimal(0), self.threshold - self.value)

    @property
    def percent(self) -> int:
        """The part of the way that is done, rounded down, so that 100 means there."""
        return min(100, int(self.value * 100 / self.threshold)) if self.threshold else 100


@dataclass(frozen=True, slots=True)
class Standing:
    """The tiers of a program, lowest first, the one held, the next, and the way there.

    `source` is how the tier held came about, `ends_at` where it ends by itself; `months` is what was counted a month.
    """

    tiers: tuple[TierStep, ...]
    tier: TierStep | None
    next_tier: TierStep | None
    progress: TierProgress | None
    unit: str
    plan: TierPlan
    source: str = ""
    ends_at: datetime | None = None
    months: Mapping[int, Decimal] = field(default_factory=dict)


def memberships_of(actor: Actor) -> QuerySet[Membership]:
    """Return the memberships of the actor's company in programs that run, with their program, the oldest first."""
    return (
        Membership.objects.visible_to(actor)
        .filter(company_id=actor.company_id, program__is_active=True)
        .in_force(actor.at)
        .select_related("program")
        .order_by("starts_at", "pk")
    )


def membership_of(actor: Actor, *, chosen: str = "", among: QuerySet[Membership] | None = None) -> Membership | None:
    """Return the membership whose pages the actor sees: in the program of code `chosen`, else in the oldest one.

    `among` are the actor's memberships where a page reads more of them at once.
    """
    memberships = list(memberships_of(actor) if among is None else among)
    return next((row for row in memberships if row.program.code == chosen), memberships[0] if memberships else None)


def standing_of(membership: Membership, *, at: datetime, with_progress: bool = True) -> Standing:
    """Return where a company stands in a program at `at`; one query, with the way to the next tier or without."""
    program = membership.program
    month = month_of(at, program.zone)
    first = month_start(tier_plan(program, ()).first_month(month))
    steps = Tier.objects.filter(program=program.pk).order_by("rank")
    holding = TierAssignment.objects.filter(membership=OuterRef("pk")).in_force(at)
    buckets = MetricBucket.objects.filter(membership=membership.pk, metric=program.tier_metric, month__gte=first)
    row = (
        Membership.objects.filter(pk=membership.pk)
        .annotate(
            steps=ArraySubquery(
                steps.values(json=JSONObject(**{name: name for name in _STEP}, threshold=_text("threshold")))
            ),
            held=Subquery(holding.values("tier")[:1]),
            source=Subquery(holding.values("source")[:1]),
            held_until=Subquery(holding.values("ends_at")[:1]),
            measure=Subquery(Metric.objects.filter(program=program.pk, code=program.tier_metric).values("measure")[:1]),
            buckets=ArraySubquery(buckets.values(json=JSONObject(month="month", value=_text("value")))),
        )
        .values("steps", "held", "source", "held_until", "measure", "buckets")
        .get()
    )
    found = (TierStep(**{**step, "threshold": Decimal(step["threshold"])}) for step in row["steps"])
    plan = tier_plan(program, found)
    tier = plan.step(row["held"]) if row["held"] is not None else None
    next_tier = plan.step_above(tier.rank if tier else 0)
    unit = unit_of(program, row["measure"])
    values = {_month(bucket["month"]): Decimal(bucket["value"]) for bucket in row["buckets"]}
    progress = None
    if with_progress and next_tier is not None:
        progress = TierProgress(plan.value(values, month), next_tier.threshold, unit, _window(plan))
    return Standing(plan.steps, tier, next_tier, progress, unit, plan, row["source"] or "", row["held_until"], values)


def _month(first: str) -> int:
    day = date.fromisoformat(first)
    return day.year * 12 + day.month - 1


def _text(name: str) -> Cast:
    """An exact number as JSON would not keep it."""
    return Cast(name, TextField())


def unit_of(program: Program, measure: str | None) -> str:
    """Return what a metric of that measure counts in, in the language in force."""
    match measure:
        case Metric.Measure.AMOUNT:
            return program.currency
        case Metric.Measure.POINTS:
            return _("points")
        case Metric.Measure.QUANTITY:
            return _("pieces")
        case _:
            return ""


def _window(plan: TierPlan) -> str:
    if plan.window == Program.Window.CALENDAR_YEAR:
        return _("Counted over the calendar year; a tier holds to the end of the next year.")
    return _("Counted over this month and the %(months)s months before.") % {"months": plan.months - 1}
