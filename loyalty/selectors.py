"""What pages read of programs and standing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Coalesce, JSONObject, Least
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actors import Actor
from accounts.models import SegmentMembership
from accounts.scope import in_force
from loyalty.models import (
    ActivityAttribute,
    Agreement,
    Membership,
    Metric,
    MetricBucket,
    MetricPerson,
    PersonalPromotion,
    Program,
    Tier,
    TierAssignment,
    TierThreshold,
)
from loyalty.standing import TierPlan, month_of, month_start, tier_plan
from loyalty.standing.windows import People, TierStep

_STEP = ("id", "code", "name", "rank", "is_earned")


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

    `source` is how the tier held came about, `ends_at` where it ends by itself; `months` is what was counted a month;
    `beneath` is what is earned while a tier is held otherwise.
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
    beneath: TierStep | None = None


def memberships_of(actor: Actor) -> QuerySet[Membership]:
    """Return the memberships of the actor's company in programs that run, with their program, the oldest first."""
    return (
        Membership.objects.visible_to(actor)
        .filter(company_id=actor.company_id, program__is_active=True)
        .in_force(actor.at)
        .select_related("program")
        .order_by("starts_at", "pk")
    )


def with_own_terms(memberships: QuerySet[Membership], actor: Actor) -> QuerySet[Membership]:
    """Bring along whether terms of their own hold, in the same query: pages of those without any ask no further."""
    agreements = Agreement.objects.filter(in_force(actor.at), membership=OuterRef("pk"), status__in=Agreement.APPROVED)
    promotions = PersonalPromotion.objects.visible_to(actor).filter(membership=OuterRef("pk"), ends_at__gt=actor.at)
    return memberships.annotate(has_agreement=Exists(agreements), has_promotion=Exists(promotions))


def has_agreement(membership: Membership) -> bool:
    """Whether an agreement holds for a membership of `with_own_terms`."""
    return bool(vars(membership)["has_agreement"])


def has_promotion(membership: Membership) -> bool:
    """Whether a promotion that the reader sees holds, or will, for a membership of `with_own_terms`."""
    return bool(vars(membership)["has_promotion"])


def membership_of(actor: Actor, *, chosen: str = "", among: QuerySet[Membership] | None = None) -> Membership | None:
    """Return the membership whose pages the actor sees: in the program of code `chosen`, else in the oldest one.

    `among` are the actor's memberships where a page reads more of them at once.
    """
    memberships = list(memberships_of(actor) if among is None else among)
    return next((row for row in memberships if row.program.code == chosen), memberships[0] if memberships else None)


def has_one_wallet(actor: Actor, program: Program) -> bool:
    """Whether the actor's company has one wallet for itself and its people there."""
    return memberships_of(actor).filter(program=program, has_one_wallet=True).exists()


def standing_of(membership: Membership, *, at: datetime, with_progress: bool = True) -> Standing:
    """Return where a company stands in a program at `at`; one query, with the way to the next tier or without.

    The steps ask what they ask of this company, in the segments that it is in at `at`.
    """
    program = membership.program
    month = month_of(at, program.zone)
    plan = tier_plan(program, ()).of_member(membership.starts_at)
    first = month_start(plan.first_kept_month(month))
    stays = SegmentMembership.objects.in_force(at).filter(company=membership.company_id).values("segment")
    favours = TierThreshold.objects.filter(tier=OuterRef("pk"), segment__in=stays).order_by("threshold")
    steps = Tier.objects.filter(program=program.pk).order_by("rank")
    steps = steps.annotate(asked=Least("threshold", Subquery(favours.values("threshold")[:1])))
    holding = TierAssignment.objects.filter(membership=OuterRef("pk")).in_force(at)
    metric = Metric.objects.filter(program=program.pk, code=program.tier_metric)
    attribute = ActivityAttribute.objects.filter(activity_type=OuterRef("activity_type"), code=OuterRef("attribute"))
    counted = {"membership": membership.pk, "metric": program.tier_metric, "month__gte": first}
    row = (
        Membership.objects.filter(pk=membership.pk)
        .annotate(
            steps=ArraySubquery(
                steps.values(json=JSONObject(**{name: name for name in _STEP}, threshold=_text("asked")))
            ),
            held=Subquery(holding.values("tier")[:1]),
            source=Subquery(holding.values("source")[:1]),
            beneath=Subquery(holding.values("beneath")[:1]),
            held_until=Subquery(holding.annotate(end=Coalesce("ends_at", "title__ends_at")).values("end")[:1]),
            measure=Subquery(metric.values("measure")[:1]),
            attribute_unit=Subquery(metric.annotate(unit=Subquery(attribute.values("unit")[:1])).values("unit")[:1]),
            buckets=ArraySubquery(
                MetricBucket.objects.filter(**counted).values(json=JSONObject(month="month", value=_text("value")))
            ),
            people=ArraySubquery(
                MetricPerson.objects.filter(**counted).values(
                    json=JSONObject(month="month", employee="employee", count="count")
                )
            ),
        )
        .values()
        .get()
    )
    found = tuple(TierStep(**{**step, "threshold": Decimal(step["threshold"])}) for step in row["steps"])
    plan = replace(plan, steps=found)
    tier = plan.step(row["held"]) if row["held"] is not None else None
    next_tier = plan.step_above(tier.rank if tier else 0)
    unit = row["attribute_unit"] or unit_of(program, row["measure"])
    values = _counted(row)
    progress = None
    if with_progress and next_tier is not None:
        progress = TierProgress(plan.value(values, month), next_tier.threshold, unit, window_in_words(plan))
    beneath = plan.step(row["beneath"]) if row["beneath"] is not None else None
    return Standing(
        plan.steps, tier, next_tier, progress, unit, plan, row["source"] or "", row["held_until"], values, beneath
    )


def _counted(row: Mapping[str, Any]) -> Mapping[int, Decimal]:
    if row["measure"] != Metric.Measure.PEOPLE:
        return {_month(bucket["month"]): Decimal(bucket["value"]) for bucket in row["buckets"]}
    people = People()
    for one in row["people"]:
        people.add(_month(one["month"]), one["employee"], one["count"])
    return people


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
        case Metric.Measure.PEOPLE:
            return _("people")
        case _:
            return ""


def window_in_words(plan: TierPlan) -> str:
    """Return over which months a plan counts, and how tiers fall, in the language in force."""
    match plan.window:
        case Program.Window.CALENDAR_YEAR:
            words = _("Counted over the calendar year; a tier holds to the end of the next year.")
        case Program.Window.MEMBERSHIP_YEAR:
            months = {"month": date_format(month_start(plan.joined), "F")}
            words = _("Counted over your year, from %(month)s on; a tier holds to the end of the next one.") % months
        case Program.Window.FOR_EVER:
            words = _("Counted from the day you joined; a tier that is reached stays.")
        case _:
            words = _("Counted over this month and the %(months)s months before.") % {"months": plan.months - 1}
    if plan.window != Program.Window.FOR_EVER and plan.grace:
        grace = ngettext("It stays %(count)s month longer.", "It stays %(count)s months longer.", plan.grace)
        words = f"{words} {grace % {'count': plan.grace}}"
    if plan.window != Program.Window.FOR_EVER and plan.fall == Program.Fall.ONE_STEP:
        words = f"{words} {_('Then it falls by one tier at a time.')}"
    return words
