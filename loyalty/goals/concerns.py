"""What a manager should look at: reviews that are due, programs without goals, and those over their budget."""

from datetime import datetime
from decimal import Decimal

from django.db.models import (
    DecimalField,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce, Greatest

from loyalty.models import Goal, ProfitPeriod, Program, ProgramDay, ProgramPlan, ProgramReview


def due(plans: QuerySet[ProgramPlan], at: datetime) -> QuerySet[ProgramPlan]:
    """Return the open ones of `plans` whose day of review has come."""
    return plans.filter(closed_at__isnull=True, review_on__lte=at.date(), program__is_active=True)


def without_goals(programs: QuerySet[Program]) -> QuerySet[Program]:
    """Return those of `programs` that run and go on without a goal that anybody set."""
    goals = Goal.objects.filter(plan__program=OuterRef("pk"), plan__closed_at__isnull=True)
    running = programs.filter(~Exists(goals), is_active=True, last_earn_on__isnull=True)
    return running.exclude(pk__in=to_be_stopped(running).values("pk"))


def to_be_stopped(programs: QuerySet[Program]) -> QuerySet[Program]:
    """Return those of `programs` that it was decided to stop, and that go on: nobody has set their last days."""
    open_plans = ProgramPlan.objects.filter(program=OuterRef("pk"), closed_at__isnull=True)
    reviews = ProgramReview.objects.filter(plan__program=OuterRef("pk")).order_by("-pk")
    decided = programs.alias(decided=Subquery(reviews.values("outcome")[:1]))
    return decided.filter(
        ~Exists(open_plans), decided=ProgramReview.Outcome.STOP, is_active=True, last_earn_on__isnull=True
    )


def over_budget(plans: QuerySet[ProgramPlan], at: datetime) -> QuerySet[ProgramPlan]:
    """Return the open ones of `plans` that cost more than they may, by the figures that are kept a day."""
    typed = ProfitPeriod.objects.filter(plan=OuterRef("pk")).order_by().values("plan")
    days = ProgramDay.objects.filter(program=OuterRef("program")).order_by("-day")
    points = F("issued") - F("expired")
    before = days.filter(day__lt=OuterRef("starts_on")).values(points=points)[:1]
    until = days.filter(day__gte=OuterRef("starts_on"), day__lte=OuterRef("through")).values(points=points)[:1]
    running = plans.filter(closed_at__isnull=True, starts_on__lte=at.date(), program__is_active=True)
    return (
        running.alias(
            through=Coalesce(Subquery(typed.annotate(last=Max("ends_on")).values("last")), Value(at.date())),
            profit=Coalesce(Subquery(typed.annotate(sum=Sum("profit")).values("sum")), F("expected_profit")),
        )
        .alias(
            cost=ExpressionWrapper(
                (Coalesce(Subquery(until), 0) - Coalesce(Subquery(before), 0)) * F("program__point_value"), _MONEY
            ),
            budget=ExpressionWrapper(F("profit") * F("budget_percent") / 100, _MONEY),
        )
        .filter(cost__gt=Greatest(F("budget"), Value(Decimal(0), _MONEY)))
    )


_MONEY: DecimalField[Decimal, Decimal] = DecimalField(max_digits=30, decimal_places=5)
