"""What came true of a program's plan beside what was planned: goals, cost against budget, return."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from loyalty.goals.measuring import CENT, Days, actuals_of, months_of, today_of
from loyalty.models import Goal, ProfitPeriod, ProgramPlan, ProgramReview


@dataclass(frozen=True, slots=True)
class Progress:
    """A goal and what came true of it through `last`; `actual` is None where nobody knows."""

    goal: Goal
    baseline: Decimal
    target: Decimal
    by_on: date
    last: date
    actual: Decimal | None

    @property
    def is_reached(self) -> bool | None:
        """Whether the target is reached, upwards or downwards; None where nobody knows."""
        if self.actual is None:
            return None
        return self.actual >= self.target if self.target >= self.baseline else self.actual <= self.target

    @property
    def months(self) -> tuple[date, date] | None:
        """The months, by their first days, that a figure of a metric counts; None where there is none yet."""
        return months_of(self.goal, self.last)


@dataclass(frozen=True, slots=True)
class Account:
    """What a program has cost and brought from `first` through `last`, both counted in; points and the plan's money.

    The cost is what was issued less what expired: what clients spent, and what is owed anew. The budget goes with the
    profit that was typed in, and is held against the cost `through` the last day of it; as long as none was typed in it
    is a share of the expected profit.
    """

    first: date
    last: date
    issued: int
    spent: int
    expired: int
    outstanding: int
    point_value: Decimal
    currency: str
    cost: Decimal
    through: date
    cost_through: Decimal
    budget: Decimal
    profit: Decimal | None
    brought: Decimal | None
    expected_profit: Decimal
    expected_return: Decimal

    @property
    def is_over_budget(self) -> bool:
        """Whether it cost more than it may."""
        return self.cost_through > self.budget

    def money(self, points: int) -> Decimal:
        """What points cost, in the plan's currency."""
        return _money(points, self.point_value)


@dataclass(frozen=True, slots=True)
class Compared:
    """What came true beside what was planned."""

    plan: ProgramPlan
    account: Account
    goals: tuple[Progress, ...]


def compare(plan: ProgramPlan, *, now: datetime) -> Compared:
    """Return what came true of a plan by `now`, as `plan` comes with its program; at most seven queries."""
    today = today_of(plan.program, now)
    goals = list(plan.goals.select_related("metric").order_by("by_on", "pk"))
    profits = list(plan.profits.order_by("starts_on"))
    through = min(profits[-1].ends_on, today) if profits else today
    lasts = {goal.pk: min(goal.by_on, today) for goal in goals}
    days = Days(plan.program, {plan.starts_on - timedelta(days=1), today, through, *lasts.values()}, now=now)
    actuals = actuals_of(plan, goals, lasts, days)
    return Compared(
        plan,
        _account(plan, profits, days, last=today, through=through),
        tuple(
            Progress(goal, goal.baseline, goal.target, goal.by_on, lasts[goal.pk], actuals.get(goal.pk))
            for goal in goals
        ),
    )


def as_reviewed(review: ProgramReview) -> Compared:
    """Return what a review found, as it was kept; one query."""
    rows = review.goals.select_related("goal__metric").order_by("by_on", "goal")
    return Compared(
        review.plan,
        Account(
            first=review.first_on,
            last=review.last_on,
            issued=review.issued,
            spent=review.spent,
            expired=review.expired,
            outstanding=review.outstanding,
            point_value=review.point_value,
            currency=review.currency,
            cost=review.cost,
            through=review.through_on,
            cost_through=review.cost_through,
            budget=review.budget,
            profit=review.profit,
            brought=review.brought,
            expected_profit=review.expected_profit,
            expected_return=review.expected_return,
        ),
        tuple(
            Progress(row.goal, row.baseline, row.target, row.by_on, min(row.by_on, review.last_on), row.actual)
            for row in rows
        ),
    )


def _account(plan: ProgramPlan, profits: Iterable[ProfitPeriod], days: Days, *, last: date, through: date) -> Account:
    typed = [row.profit for row in profits]
    brought = [row.brought for row in profits if row.brought is not None]
    profit = sum(typed, Decimal(0)) if typed else None
    base = plan.expected_profit if profit is None else profit
    before, known, now = (days.at(day) for day in (plan.starts_on - timedelta(days=1), through, last))
    value = plan.program.point_value
    return Account(
        first=plan.starts_on,
        last=last,
        issued=now.issued - before.issued,
        spent=now.spent - before.spent,
        expired=now.expired - before.expired,
        outstanding=now.outstanding,
        point_value=value,
        currency=plan.currency,
        cost=_money(now.issued - before.issued - (now.expired - before.expired), value),
        through=through,
        cost_through=_money(known.issued - before.issued - (known.expired - before.expired), value),
        budget=max((base * plan.budget_percent / 100).quantize(CENT), Decimal(0)),
        profit=profit,
        brought=sum(brought, Decimal(0)) if brought else None,
        expected_profit=plan.expected_profit,
        expected_return=plan.expected_return,
    )


def _money(points: int, value: Decimal) -> Decimal:
    return (points * value).quantize(CENT)
