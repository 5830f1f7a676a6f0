"""How long a tier holds if nothing more is counted, what comes after, and what would keep it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from loyalty.models import Membership, Program, TierAssignment
from loyalty.selectors import Standing, standing_of
from loyalty.standing import TierPlan, month_of, month_start
from loyalty.standing.windows import TierStep


@dataclass(frozen=True, slots=True)
class Fall:
    """The turn of a window at which a tier no longer holds if nothing more is counted; months as whole numbers."""

    month: int
    to: TierStep | None
    value: Decimal
    missing: Decimal

    @property
    def last_day(self) -> date:
        """The last day on which the tier holds, and on which something counted would still keep it."""
        return month_start(self.month) - timedelta(days=1)


def next_turn(plan: TierPlan, month: int) -> int | None:
    """Return the month in which time alone may lower a tier next; None where it never does."""
    return plan.next_fall_month(month)


def fall_at(
    plan: TierPlan, step: TierStep, buckets: Mapping[int, Decimal], *, turn: int, month: int | None = None
) -> Fall | None:
    """Return the fall from `step` in the month `turn` if nothing is counted beyond `buckets`; None where it holds.

    What is missing counts from `month` (None: from the one before the turn) into the spans that are still open.
    """
    value = plan.kept_value(buckets, turn)
    due = plan.step_for(value, plan.moment(turn))
    if due is not None and due.rank >= step.rank:
        return None
    from_ = turn - 1 if month is None else month
    spans = {span for back in range(plan.grace + 1) for span in plan.spans(turn - back)}
    still_open = [plan.within(buckets, span) for span in spans if span[0] < turn and span[1] >= from_]
    return Fall(turn, plan.fall_to(step, due), value, step.threshold - max(still_open, default=value))


def fall_of(plan: TierPlan, step: TierStep, buckets: Mapping[int, Decimal], *, month: int) -> Fall | None:
    """Return the first fall from `step` after `month`; None where the tier holds whatever happens.

    After as many turns as the window is long, and its grace, it is empty, so no fall comes later.
    """
    turn: int | None = month
    for _number in range((plan.months if plan.window == Program.Window.ROLLING else 2) + plan.grace):
        turn = next_turn(plan, turn) if turn is not None else None
        if turn is None:
            return None
        fall = fall_at(plan, step, buckets, turn=turn, month=month)
        if fall is not None:
            return fall
    return None


@dataclass(frozen=True, slots=True)
class StandingAhead:
    """What becomes of the tier held: `holds_until` is its last day as far as known, None where no end is in sight.

    `then` is the tier that comes after; `missing` (in `unit`) is what keeps the present one if it is counted by
    `holds_until`, None where counting does not decide. `is_grace`: what counts now would not bring the tier any more.
    """

    tier: TierStep | None
    holds_until: date | None
    then: TierStep | None
    missing: Decimal | None
    unit: str
    is_grace: bool = False


def standing_ahead(membership: Membership, *, at: datetime, standing: Standing | None = None) -> StandingAhead:
    """Return what becomes of a company's tier; no query where its `standing` at `at` is given, else one."""
    standing = standing or standing_of(membership, at=at)
    plan, tier = standing.plan, standing.tier
    if tier is None:
        return StandingAhead(None, None, None, None, standing.unit)
    month = month_of(at, plan.zone)
    if standing.ends_at is not None:
        last_moment = (standing.ends_at - timedelta(microseconds=1)).astimezone(plan.zone)
        after = standing.beneath or plan.step_for(plan.value(standing.months, month_of(standing.ends_at, plan.zone)))
        return StandingAhead(tier, last_moment.date(), after, None, standing.unit)
    fall = None
    if standing.source == TierAssignment.Source.EARNED:
        fall = fall_of(plan, tier, standing.months, month=month)
    if fall is None:
        return StandingAhead(tier, None, None, None, standing.unit)
    is_grace = plan.value(standing.months, month) < tier.threshold
    return StandingAhead(tier, fall.last_day, fall.to, fall.missing, standing.unit, is_grace)
