"""What became of the plan that the demo's blueprint says: profits typed in, and a review after which it is kept."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from accounts.models import User
from loyalty.goals import review
from loyalty.models import Goal, ProfitPeriod, Program, ProgramReview
from loyalty.site.demo.calendar import Calendar

_FIRST_REVIEW, _NEXT_REVIEW = timedelta(weeks=17), timedelta(weeks=30)
_PROFITS = ((28, "19500", "1400"), (28, "21800", "2100"), (28, "20900", "2600"), (28, "23400", "3150"))
"""Four weeks each: days, the profit, and what of it the program brought."""


def look_at_goals(calendar: Calendar, program: Program, by: User, begin: datetime) -> None:
    """Write down when profits are typed in, and when the program is looked at."""
    first = begin.date()
    for days, profit, brought in _PROFITS:
        last = first + timedelta(days=days - 1)
        typed_at = datetime.combine(last + timedelta(days=3), time(9), tzinfo=begin.tzinfo)
        period = {"starts_on": first, "ends_on": last, "profit": Decimal(profit), "brought": Decimal(brought)}
        calendar.on(typed_at, partial(_type_in, program, period))
        first = last + timedelta(days=1)
    calendar.on(begin + _FIRST_REVIEW, lambda at: _ask_around(program, at))
    calendar.on(begin + _FIRST_REVIEW, lambda at: _review(program, by, at, begin))


def _type_in(program: Program, period: Mapping[str, Any], _at: datetime) -> None:
    ProfitPeriod.objects.create(plan=program.plans.get(), **period)


def _ask_around(program: Program, at: datetime) -> None:
    """The account managers asked their clients, and somebody typed in what came of it."""
    goal = Goal.objects.get(plan__program=program, figure=Goal.Figure.TYPED)
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
