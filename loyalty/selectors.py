"""What pages read of programs and standing."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from accounts.actors import Actor
from loyalty.models import Membership, Metric, MetricBucket, Program, TierAssignment
from loyalty.standing import TierPlan, month_of, month_start, tier_plans_of
from loyalty.standing.windows import TierStep


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
    """The tiers of a program, lowest first, the one held, the next, and the way there."""

    tiers: tuple[TierStep, ...]
    tier: TierStep | None
    next_tier: TierStep | None
    progress: TierProgress | None
    unit: str


def membership_of(actor: Actor, *, chosen: str = "") -> Membership | None:
    """Return the membership whose pages the actor sees: in the program of code `chosen`, else in the oldest one."""
    memberships = list(
        Membership.objects.visible_to(actor)
        .filter(company_id=actor.company_id, program__is_active=True)
        .in_force(actor.at)
        .select_related("program")
        .order_by("starts_at", "pk")
    )
    return next((row for row in memberships if row.program.code == chosen), memberships[0] if memberships else None)


def standing_of(membership: Membership, *, at: datetime, with_progress: bool = True) -> Standing:
    """Return where a company stands in a program at `at`; three queries, two without the way to the next tier."""
    program = membership.program
    plan = tier_plans_of([program])[program.pk]
    held, measure = (
        Membership.objects.filter(pk=membership.pk)
        .values_list(
            Subquery(TierAssignment.objects.filter(membership=OuterRef("pk")).in_force(at).values("tier")[:1]),
            Subquery(Metric.objects.filter(program=OuterRef("program"), code=plan.metric).values("measure")[:1]),
        )
        .get()
    )
    tier = plan.step(held) if held is not None else None
    next_tier = plan.step_above(tier.rank if tier else 0)
    unit = _unit(program, measure)
    progress = None
    if with_progress and next_tier is not None:
        month = month_of(at, plan.zone)
        first = month_start(plan.first_month(month))
        rows = MetricBucket.objects.filter(membership=membership, metric=plan.metric, month__gte=first)
        buckets = {row.month.year * 12 + row.month.month - 1: row.value for row in rows}
        progress = TierProgress(plan.value(buckets, month), next_tier.threshold, unit, _window(plan))
    return Standing(plan.steps, tier, next_tier, progress, unit)


def _unit(program: Program, measure: str | None) -> str:
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
