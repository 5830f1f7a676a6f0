"""What a program is to bring and may cost, what it brought, and what was decided when that was looked at."""

from __future__ import annotations

from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.append_only import append_only
from accounts.history import history
from accounts.scope import ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models.programs import Program, validate_currency
from loyalty.models.standing import Metric


def _of_open_plan(name: str) -> pgtrigger.Trigger:
    """What a closed plan says was measured against: goals that move afterwards would all have come true."""
    return pgtrigger.Trigger(
        name="of_open_plan",
        level=pgtrigger.Row,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            IF EXISTS (SELECT 1 FROM loyalty_programplan WHERE closed_at IS NOT NULL AND id IN (
                CASE WHEN TG_OP <> 'INSERT' THEN OLD.plan_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.plan_id END))
            THEN
                RAISE EXCEPTION 'the plan is closed: what it says stays'
                USING ERRCODE = 'restrict_violation', CONSTRAINT = '{name}';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        """,  # noqa: S608 (the name is code)
    )


class ProgramPlanQuerySet(ScopedQuerySet["ProgramPlan"]):
    """Plans: the program managers' own."""

    company_lookup = ""


class ProgramPlan(models.Model):
    """What a program is to bring from a day on and may cost, and when somebody looks at it again.

    It is open until a review closes it; a program has one open plan. Money is in the program's currency.
    """

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="plans", verbose_name=_("program"))
    starts_on = models.DateField(_("from"), help_text=_("What comes true is counted from this day on."))
    review_on = models.DateField(
        _("review"), help_text=_("On this day somebody decides: keep the program, change it or stop it.")
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        blank=True,
        validators=[validate_currency],
        help_text=_("The program's; empty is the same."),
    )
    expected_profit = models.DecimalField(
        _("expected profit"),
        max_digits=16,
        decimal_places=2,
        validators=[MinValueValidator(0)],
        help_text=_("Until the review, of the business that the program is for."),
    )
    budget_percent = models.DecimalField(
        _("budget as a share of the profit, in %"),
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(100)],
        help_text=_("What the program may cost: this share of the profit."),
    )
    expected_return = models.DecimalField(
        _("expected return"),
        max_digits=16,
        decimal_places=2,
        validators=[MinValueValidator(0)],
        help_text=_("What it is to bring until the review: profit that there would not be without it."),
    )
    closed_at = models.DateTimeField(pgettext_lazy("date", "closed"), null=True, blank=True, editable=False)

    objects = ProgramPlanQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("plan of a program")
        verbose_name_plural = _("plans of programs")
        constraints = [
            # Two budgets at once: the program would be within one of them whatever it costs.
            models.UniqueConstraint(
                fields=["program"],
                condition=Q(closed_at__isnull=True),
                name="program_plan_one_open",
                violation_error_message=_("The program has an open plan: change that one, or review it first."),
            ),
            # A review before anything could have come true.
            models.CheckConstraint(
                condition=Q(review_on__gt=F("starts_on")),
                name="program_plan_review_after_start",
                violation_error_message=_("The review comes after the first day: choose a later day."),
            ),
            # A program that may cost more than all it earns, or nothing at all.
            models.CheckConstraint(
                condition=Q(budget_percent__gt=0, budget_percent__lte=100),
                name="program_plan_budget_is_a_share",
                violation_error_message=_("The budget is a share of the profit: more than 0 and at most 100 percent."),
            ),
            # A program that is set up to lose: its budget would be below nothing.
            models.CheckConstraint(
                condition=Q(expected_profit__gte=0, expected_return__gte=0),
                name="program_plan_expects_no_loss",
                violation_error_message=_("Expected profit and return are 0 or more."),
            ),
        ]
        triggers = [
            # Money of another currency than what points cost: a budget of dollars for costs in pounds.
            pgtrigger.Trigger(
                name="in_currency_of_program",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF NEW.currency <> (SELECT currency FROM loyalty_program WHERE id = NEW.program_id) THEN
                        RAISE EXCEPTION 'the plan is in another currency than its program'
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'program_plan_in_currency_of_program';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # A plan that is rewritten once it is known what came true.
            pgtrigger.Trigger(
                name="closed_is_immutable",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF OLD.closed_at IS NOT NULL OR NEW.program_id IS DISTINCT FROM OLD.program_id AND TG_OP = 'UPDATE'
                    THEN
                        RAISE EXCEPTION 'the plan is closed: what it says stays'
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'program_plan_closed_is_immutable';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program}, {self.starts_on:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        """Whether it still holds."""
        return self.closed_at is None


class GoalQuerySet(ScopedQuerySet["Goal"]):
    """Goals: the program managers' own."""

    company_lookup = ""


class Goal(models.Model):
    """Something that a program is to reach: a figure that is measured, or one that a person types in."""

    class Aim(models.TextChoices):
        RETENTION = "RETENTION", _("retention")
        GROWTH = "GROWTH", _("growth")
        SHARE = "SHARE", _("share of what clients buy")
        AWARENESS = "AWARENESS", _("awareness")
        OTHER = "OTHER", _("something else")

    class Figure(models.TextChoices):
        MEMBERS = "MEMBERS", _("companies that take part")
        ENROLLED = "ENROLLED", _("companies that joined")
        ACTIVATED = "ACTIVATED", _("share of those who joined that received points, in %")
        ACTIVE = "ACTIVE", _("active companies")
        ACTIVE_SHARE = "ACTIVE_SHARE", _("share of the companies that is active, in %")
        METRIC = "METRIC", _("what a metric adds up to")
        METRIC_GROWTH = "METRIC_GROWTH", _("growth of a metric in %, against as many months before")
        ISSUED = "ISSUED", _("points earned")
        SPENT = "SPENT", _("points spent")
        REDEMPTION_RATE = "REDEMPTION_RATE", _("redemption rate in %")
        REACH = "REACH", _("share of people who read a message, in %")
        TYPED = "TYPED", _("typed in: no system tells us")

    class Unit(models.TextChoices):
        NUMBER = "NUMBER", _("a number")
        PERCENT = "PERCENT", _("percent")
        MONEY = "MONEY", _("money")

    SHARES = (Figure.ACTIVATED, Figure.ACTIVE_SHARE, Figure.REACH)
    """Parts of a whole: between 0 and 100 percent."""

    plan = models.ForeignKey(ProgramPlan, on_delete=models.PROTECT, related_name="goals", verbose_name=_("plan"))
    aim = models.CharField(_("aim"), max_length=10, choices=Aim)
    name = models.CharField(_("goal"), max_length=100, validators=[validate_plain_text])
    figure = models.CharField(_("figure"), max_length=20, choices=Figure)
    metric = models.ForeignKey(
        Metric, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("metric")
    )
    unit = models.CharField(
        _("unit"), max_length=10, choices=Unit, default=Unit.NUMBER, help_text=_("Of what is typed in.")
    )
    baseline = models.DecimalField(_("baseline"), max_digits=18, decimal_places=2, help_text=_("What it is at first."))
    target = models.DecimalField(_("target"), max_digits=18, decimal_places=2)
    by_on = models.DateField(pgettext_lazy("due", "by"))
    typed = models.DecimalField(
        _("typed in"), max_digits=18, decimal_places=2, null=True, blank=True, help_text=_("What it is now.")
    )
    typed_on = models.DateField(_("as of"), null=True, blank=True)

    objects = GoalQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("goal")
        verbose_name_plural = _("goals")
        constraints = [
            # Growth that would be reached by shrinking.
            models.CheckConstraint(
                condition=~Q(aim="GROWTH") | Q(target__gt=F("baseline")),
                name="goal_growth_grows",
                violation_error_message=_("A goal of growth has a target above its baseline."),
            ),
            # A metric's figure without a metric measures nothing; a metric elsewhere is never read.
            models.CheckConstraint(
                condition=Q(figure__in=["METRIC", "METRIC_GROWTH"], metric__isnull=False)
                | (~Q(figure__in=["METRIC", "METRIC_GROWTH"]) & Q(metric__isnull=True)),
                name="goal_metric",
                violation_error_message=_("Name the metric where the figure is one of a metric; nowhere else."),
            ),
            # More than all of them.
            models.CheckConstraint(
                condition=~Q(figure__in=["ACTIVATED", "ACTIVE_SHARE", "REACH"])
                | Q(target__range=(0, 100), baseline__range=(0, 100)),
                name="goal_share_of_a_whole",
                violation_error_message=_("A share lies between 0 and 100 percent."),
            ),
            # A figure typed over one that is measured, or one of no day.
            models.CheckConstraint(
                condition=Q(typed__isnull=True, typed_on__isnull=True)
                | Q(figure="TYPED", typed__isnull=False, typed_on__isnull=False),
                name="goal_typed",
                violation_error_message=_(
                    "What is typed in has its day, and stands only where no system tells us the figure."
                ),
            ),
        ]
        triggers = [
            _of_open_plan("goal_of_open_plan"),
            # What another program's clients buy would count for this one.
            pgtrigger.Trigger(
                name="metric_of_program",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Q(new__metric__isnull=False),
                func="""
                    IF NOT EXISTS (SELECT 1 FROM loyalty_metric m JOIN loyalty_programplan p USING (program_id)
                                   WHERE m.id = NEW.metric_id AND p.id = NEW.plan_id) THEN
                        RAISE EXCEPTION 'the metric is another program''s'
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'goal_metric_of_program';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ProfitPeriodQuerySet(ScopedQuerySet["ProfitPeriod"]):
    """Profit: the program managers' own."""

    company_lookup = ""


class ProfitPeriod(models.Model):
    """The profit of some days, typed in by a manager since no system tells us, and what of it the program brought."""

    plan = models.ForeignKey(ProgramPlan, on_delete=models.PROTECT, related_name="profits", verbose_name=_("plan"))
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    profit = models.DecimalField(_("profit"), max_digits=16, decimal_places=2, help_text=_("A loss is below 0."))
    brought = models.DecimalField(
        _("of it brought by the program"),
        max_digits=16,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Empty: nobody knows yet."),
    )

    objects = ProfitPeriodQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("profit of a period")
        verbose_name_plural = _("profits of periods")
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")),
                name="profit_period_ends_after_start",
                violation_error_message=_("The last day is before the first."),
            ),
            # A day whose profit counts twice: twice the budget.
            ExclusionConstraint(
                name="profit_period_no_day_twice",
                expressions=[
                    (
                        Func(
                            F("starts_on"),
                            F("ends_on"),
                            Value("[]"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    ("plan", RangeOperators.EQUAL),
                ],
                violation_error_message=_("The profit of some of these days is typed in already."),
            ),
        ]
        triggers = [_of_open_plan("profit_period_of_open_plan")]

    def __str__(self) -> str:
        return f"{self.starts_on:%Y-%m-%d} – {self.ends_on:%Y-%m-%d}: {self.profit}"


class ProgramReviewQuerySet(ScopedQuerySet["ProgramReview"]):
    """Reviews: the program managers' own."""

    company_lookup = ""


class ProgramReview(models.Model):
    """What was decided on a day of review, by whom and why, beside what the program had cost and brought by then.

    Numbers are those of `first_on` through `last_on`; None is what nobody knew. `reason` alone can be blanked.
    """

    class Outcome(models.TextChoices):
        KEEP = "KEEP", _("keep")
        CHANGE = "CHANGE", _("change")
        STOP = "STOP", _("stop")

    plan = models.ForeignKey(ProgramPlan, on_delete=models.PROTECT, related_name="reviews", verbose_name=_("plan"))
    outcome = models.CharField(_("decision"), max_length=10, choices=Outcome)
    reason = models.CharField(_("why"), max_length=500, blank=True, validators=[validate_plain_text])
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"))
    next_review_on = models.DateField(_("next review"), null=True)
    first_on = models.DateField(_("first day"))
    last_on = models.DateField(_("last day"))
    issued = models.BigIntegerField(_("points issued"))
    spent = models.BigIntegerField(_("points spent"))
    expired = models.BigIntegerField(_("points expired"))
    outstanding = models.BigIntegerField(_("points outstanding"))
    point_value = models.DecimalField(_("cost of a point"), max_digits=10, decimal_places=5)
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    cost = models.DecimalField(_("cost"), max_digits=20, decimal_places=2)
    through_on = models.DateField(_("last day of the known profit"))
    cost_through = models.DecimalField(_("cost up to that day"), max_digits=20, decimal_places=2)
    profit = models.DecimalField(_("profit"), max_digits=20, decimal_places=2, null=True)
    budget = models.DecimalField(_("budget"), max_digits=20, decimal_places=2)
    brought = models.DecimalField(pgettext_lazy("profit", "return"), max_digits=20, decimal_places=2, null=True)
    expected_profit = models.DecimalField(_("expected profit"), max_digits=16, decimal_places=2)
    expected_return = models.DecimalField(_("expected return"), max_digits=16, decimal_places=2)

    objects = ProgramReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("review of a program")
        verbose_name_plural = _("reviews of programs")
        constraints = [
            # A program that goes on and that nobody looks at again; one that is over and is to be looked at.
            models.CheckConstraint(
                condition=(Q(outcome="STOP") & Q(next_review_on__isnull=True))
                | (~Q(outcome="STOP") & Q(next_review_on__isnull=False, next_review_on__gt=F("last_on"))),
                name="program_review_next",
            ),
        ]
        triggers = [
            # What was decided is no longer what was decided (law A1); the reason can be blanked, never reworded.
            pgtrigger.Trigger(
                name="is_kept",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF TG_OP = 'DELETE' OR to_jsonb(NEW) - 'reason' <> to_jsonb(OLD) - 'reason' OR NEW.reason <> '' THEN
                        RAISE EXCEPTION 'a review is kept as it was'
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'program_review_is_kept';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan.program}, {self.last_on:%Y-%m-%d}: {self.get_outcome_display()}"


class ReviewedGoalQuerySet(ScopedQuerySet["ReviewedGoal"]):
    """Goals as reviews found them: the program managers' own."""

    company_lookup = ""


class ReviewedGoal(models.Model):
    """A goal as a review found it: what was planned, and what came true; None where nobody knew."""

    review = models.ForeignKey(ProgramReview, on_delete=models.PROTECT, related_name="goals", verbose_name=_("review"))
    goal = models.ForeignKey(Goal, on_delete=models.PROTECT, related_name="reviewed", verbose_name=_("goal"))
    baseline = models.DecimalField(_("baseline"), max_digits=18, decimal_places=2)
    target = models.DecimalField(_("target"), max_digits=18, decimal_places=2)
    by_on = models.DateField(pgettext_lazy("due", "by"))
    actual = models.DecimalField(_("came true"), max_digits=18, decimal_places=2, null=True)

    objects = ReviewedGoalQuerySet.as_manager()

    class Meta:
        verbose_name = _("goal in a review")
        verbose_name_plural = _("goals in reviews")
        constraints = [
            models.UniqueConstraint(fields=["review", "goal"], name="reviewed_goal_once"),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return str(self.goal)
