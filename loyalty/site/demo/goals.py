"""What the demo's program is to bring and may cost: a plan from its first day, reviewed once, and kept."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from accounts.models import User
from loyalty.goals import review
from loyalty.models import Goal, ProfitPeriod, Program, ProgramPlan, ProgramReview
from loyalty.site.demo.calendar import Calendar

_FIRST_REVIEW, _NEXT_REVIEW = timedelta(weeks=17), timedelta(weeks=30)
_PROFITS = ((28, "19500", "1400"), (28, "21800", "2100"), (28, "20900", "2600"), (28, "23400", "3150"))
"""Four weeks each: days, the profit, and what of it the program brought."""

_Aim, _Figure, _Unit = Goal.Aim, Goal.Figure, Goal.Unit


def look_at_goals(calendar: Calendar, program: Program, by: User, begin: datetime) -> None:
    """Write down when the plan is made, when profits are typed in, and when the program is looked at."""
    calendar.on(begin, lambda at: _plan(program, at))
    first = begin.date()
    for days, profit, brought in _PROFITS:
        last = first + timedelta(days=days - 1)
        typed_at = datetime.combine(last + timedelta(days=3), time(9), tzinfo=begin.tzinfo)
        period = {"starts_on": first, "ends_on": last, "profit": Decimal(profit), "brought": Decimal(brought)}
        calendar.on(typed_at, partial(_type_in, program, period))
        first = last + timedelta(days=1)
    calendar.on(begin + _FIRST_REVIEW, lambda at: _ask_around(program, at))
    calendar.on(begin + _FIRST_REVIEW, lambda at: _review(program, by, at, begin))


def _plan(program: Program, at: datetime) -> None:
    today = at.date()
    plan = ProgramPlan.objects.create(
        program=program,
        starts_on=today,
        review_on=(at + _FIRST_REVIEW).date(),
        currency=program.currency,
        expected_profit=Decimal(120_000),
        budget_percent=Decimal(7),
        expected_return=Decimal(12_000),
    )
    spend = program.metrics.get(code="spend")
    autumn, winter = today + timedelta(weeks=20), today + timedelta(weeks=30)
    for aim, name, figure, baseline, target, by_on in (
        (_Aim.RETENTION, "Clients stay active", _Figure.ACTIVE_SHARE, 60, 90, winter),
        (_Aim.GROWTH, "Clients buy more than in the half year before", _Figure.METRIC, 900_000, 2_500_000, winter),
        (_Aim.GROWTH, "More workshops take part", _Figure.MEMBERS, 4, 8, autumn),
        (_Aim.OTHER, "Points are spent, not hoarded", _Figure.REDEMPTION_RATE, 0, 40, winter),
        (_Aim.AWARENESS, "People read what we write", _Figure.REACH, 0, 50, winter),
    ):
        metric = spend if figure == _Figure.METRIC else None
        Goal.objects.create(
            plan=plan, aim=aim, name=name, figure=figure, metric=metric, baseline=baseline, target=target, by_on=by_on
        )
    Goal.objects.create(
        plan=plan, aim=_Aim.SHARE, name="Our share of what they buy in tools", figure=_Figure.TYPED,
        unit=_Unit.PERCENT, baseline=31, target=36, by_on=winter,
    )  # fmt: skip


def _type_in(program: Program, period: Mapping[str, Any], _at: datetime) -> None:
    ProfitPeriod.objects.create(plan=program.plans.get(), **period)


def _ask_around(program: Program, at: datetime) -> None:
    """The account managers asked their clients, and somebody typed in what came of it."""
    goal = Goal.objects.get(plan__program=program, figure=_Figure.TYPED)
    goal.typed, goal.typed_on = Decimal("33.5"), at.date()
    goal.save()


def _review(program: Program, by: User, at: datetime, begin: datetime) -> None:
    review(
        plan_id=program.plans.get().pk,
        outcome=ProgramReview.Outcome.KEEP,
        reason="Clients stay and buy more than before; too few points are spent. We announce the rewards better first.",
        next_review_on=(begin + _NEXT_REVIEW).date(),
        by=by,
        now=at,
    )
