"""What came true of a program stands beside what was planned, figure by figure; reviews of it are kept as they were."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Message
from loyalty.figures import take_figures
from loyalty.goals import (
    Compared,
    NextReviewError,
    NoReasonError,
    PlanClosedError,
    ReviewError,
    as_reviewed,
    compare,
    due,
    over_budget,
    review,
    without_goals,
)
from loyalty.ledger import Owner
from loyalty.models import Goal, ProfitPeriod, Program, ProgramPlan, ProgramReview, ReviewedGoal
from rewards.redemption import redeem
from tests.factories.canaries import as_actor, user_of
from tests.factories.world import (
    NOW,
    a_goal,
    a_manager,
    a_member,
    a_plan,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    an_admin,
    an_employee,
    record,
)

pytestmark = pytest.mark.django_db

KEEP, CHANGE, STOP = ProgramReview.Outcome.KEEP, ProgramReview.Outcome.CHANGE, ProgramReview.Outcome.STOP
MAY_31 = date(2026, 5, 31)


def at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


@pytest.fixture
def plan(db: None) -> ProgramPlan:
    """One company that bought before and since, one that joined and bought since; a point costs 2 pence."""
    program = a_program(point_value=Decimal("0.02"), time_zone="UTC")
    a_rule_set(program)
    old = a_member(program)
    admin = an_admin(old.company)
    record(a_purchase(old.company, 400, occurred_at=at(3, 10)), now=at(3, 10))
    take_figures(now=at(3, 31))
    record(a_purchase(old.company, 300, occurred_at=at(4, 20)), now=at(4, 20))
    new = a_member(program, starts_at=at(5, 10))
    record(a_purchase(old.company, 500, occurred_at=at(5, 20)), now=at(5, 20))
    take_figures(now=at(5, 31))
    record(a_purchase(new.company, 100, occurred_at=at(6, 1)), now=at(6, 1))
    redeem(
        actor=as_actor(user_of(admin)), reward_id=a_reward(program, price=150).pk,
        payer=Owner(program.pk, old.company_id), shown_price=150, key="one", now=at(6, 2),
    )  # fmt: skip
    Message.objects.all().delete()
    for person, read_at in ((admin, at(6, 3)), (an_employee(new.company), None)):
        Message.objects.create(employee=person, kind="welcome", subject_id=1, created_at=at(6, 2), read_at=read_at)
    return a_plan(program)


def came_true(found: Compared) -> dict[str, Decimal | None]:
    return {row.goal.figure: row.actual for row in found.goals}


def test_every_figure_is_measured_from_what_is_kept(plan: ProgramPlan) -> None:
    figures = Goal.Figure
    for figure in (
        figures.MEMBERS, figures.ENROLLED, figures.ACTIVATED, figures.METRIC, figures.METRIC_GROWTH, figures.ISSUED,
        figures.SPENT, figures.REDEMPTION_RATE, figures.REACH,
    ):  # fmt: skip
        a_goal(plan, figure)
    for figure in (figures.ACTIVE, figures.ACTIVE_SHARE):
        a_goal(plan, figure, by_on=MAY_31)
    a_goal(plan, figures.TYPED, typed=31, typed_on=NOW.date(), unit="PERCENT")

    with CaptureQueriesContext(connection) as captured:
        found = compare(plan, now=NOW)

    assert came_true(found) == {
        figures.MEMBERS: 2,
        figures.ENROLLED: 1,
        figures.ACTIVATED: 100,
        figures.METRIC: 900,
        figures.METRIC_GROWTH: 100,  # 300 and 500 in April and May against 0 and 400 before; June is not over
        figures.ISSUED: 900,
        figures.SPENT: 150,
        figures.REDEMPTION_RATE: Decimal("16.67"),
        figures.REACH: 50,
        figures.ACTIVE: 1,  # the new one had bought nothing by the end of May
        figures.ACTIVE_SHARE: 50,
        figures.TYPED: 31,
    }
    assert {row.goal.figure for row in found.goals if row.is_reached} == {
        figures.ACTIVATED, figures.METRIC, figures.METRIC_GROWTH, figures.ISSUED, figures.SPENT,
    }  # fmt: skip
    assert len(captured) <= 7
    for figure in (figures.MEMBERS, figures.METRIC, figures.REACH, figures.ENROLLED):
        a_goal(plan, figure, by_on=date(2026, 5, 1))
    with CaptureQueriesContext(connection) as again:
        compare(plan, now=NOW)
    assert len(again) == len(captured)


def test_cost_is_held_against_the_budget_of_the_days_whose_profit_is_known(plan: ProgramPlan) -> None:
    plans = ProgramPlan.objects.all()
    account = compare(plan, now=NOW).account
    assert (account.issued, account.spent, account.expired, account.outstanding) == (900, 150, 0, 1_150)
    assert [account.cost, account.budget, account.profit, account.brought] == [18, 100, None, None]
    assert not account.is_over_budget
    take_figures(now=NOW)
    assert not over_budget(plans, NOW).exists()

    ProfitPeriod.objects.create(plan=plan, starts_on=plan.starts_on, ends_on=MAY_31, profit=150, brought=40)

    account = compare(plan, now=NOW).account
    assert [account.through, account.cost_through, account.cost] == [MAY_31, 16, 18]
    assert [account.budget, account.profit, account.brought] == [15, 150, 40]
    assert account.is_over_budget
    assert list(over_budget(plans, NOW)) == [plan]
    ProfitPeriod.objects.create(plan=plan, starts_on=date(2026, 6, 1), ends_on=NOW.date(), profit=-200)
    assert compare(plan, now=NOW).account.budget == 0  # a loss leaves nothing to spend, and never less than that
    assert list(over_budget(plans, NOW)) == [plan]


def test_plan_to_come_has_cost_nothing(plan: ProgramPlan) -> None:
    Program.objects.update(tier_metric="spend")
    later = a_plan(a_program(), starts_on=date(2026, 7, 1))
    a_goal(later, Goal.Figure.ISSUED)

    found = compare(later, now=NOW)

    assert [found.account.issued, found.account.cost] == [0, 0]
    assert [row.actual for row in found.goals] == [None]
    with pytest.raises(ReviewError, match="has not begun"):
        decide(later, KEEP)


def decide(plan: ProgramPlan, outcome: ProgramReview.Outcome, **fields: Any) -> Any:
    asked = {"reason": "It works", "by": a_manager(), "now": NOW, "next_review_on": date(2026, 9, 30), **fields}
    return review(plan_id=plan.pk, outcome=outcome, **asked)


def test_review_is_kept_as_it_was_and_leads_on(plan: ProgramPlan) -> None:
    a_goal(plan, Goal.Figure.METRIC, aim="GROWTH", target=1_000)
    a_goal(plan, Goal.Figure.SPENT, target=120)
    a_goal(plan, Goal.Figure.TYPED)
    maxine = a_manager()
    program = plan.program

    kept = decide(plan, KEEP, by=maxine, reason="  Too early to say  ")
    found = compare(plan, now=NOW)

    plan.refresh_from_db()
    assert (plan.review_on, plan.closed_at, kept.next_plan) == (date(2026, 9, 30), None, None)
    assert (kept.review.reason, kept.review.decided_by) == ("Too early to say", maxine)
    assert AuditEntry.objects.get(action="program-reviewed").numbers == {"outcome": "KEEP", "plan": plan.pk}
    record(a_purchase(program.memberships.earliest("pk").company, 5_000, occurred_at=NOW), now=NOW)
    Goal.objects.filter(plan=plan, figure="METRIC").update(target=2_000)
    again = as_reviewed(ProgramReview.objects.select_related("plan__program").get())
    assert again.account == found.account
    assert [(row.target, row.actual) for row in again.goals] == [(row.target, row.actual) for row in found.goals]
    assert [row.actual for row in again.goals] == [900, 150, None]

    changed = decide(plan, CHANGE)

    plan.refresh_from_db()
    follows = changed.next_plan
    assert plan.closed_at == NOW
    assert (follows.starts_on, follows.review_on, follows.budget_percent) == (NOW.date(), date(2026, 9, 30), 10)
    assert [(goal.figure, goal.baseline, goal.target) for goal in follows.goals.order_by("pk")] == [
        ("METRIC", 0, 2_000), ("SPENT", 0, 120), ("TYPED", 0, 100),
    ]  # fmt: skip  # what was reached begins where it began
    with pytest.raises(PlanClosedError, match="closed on June 15, 2026"):
        decide(plan, KEEP)

    stopped = decide(follows, STOP, next_review_on=None)

    assert stopped.next_plan is None
    assert not ProgramPlan.objects.filter(closed_at=None).exists()
    assert [row.outcome for row in ProgramReview.objects.order_by("pk")] == ["KEEP", "CHANGE", "STOP"]


def test_review_that_nobody_could_follow_is_refused(plan: ProgramPlan) -> None:
    for outcome, asked, error in (
        (KEEP, {"reason": "  "}, NoReasonError),
        (KEEP, {"next_review_on": None}, NextReviewError),
        (CHANGE, {"next_review_on": NOW.date()}, NextReviewError),
        (STOP, {}, NextReviewError),
    ):
        with pytest.raises(error):
            decide(plan, outcome, **asked)
    assert not ProgramReview.objects.exists()


def test_what_is_due_or_missing_is_found(plan: ProgramPlan) -> None:
    plans, programs = ProgramPlan.objects.all(), Program.objects.all()
    day = datetime(2026, 12, 31, 8, tzinfo=UTC)
    assert not due(plans, day - timedelta(days=1)).exists()
    assert list(due(plans, day)) == [plan]
    assert list(without_goals(programs)) == [plan.program]
    a_goal(plan, Goal.Figure.MEMBERS)
    assert not without_goals(programs).exists()
    Program.objects.update(is_active=False)
    assert not due(plans, day).exists()


def _close(plan: ProgramPlan) -> int:
    return ProgramPlan.objects.filter(pk=plan.pk).update(closed_at=NOW)


REFUSED: dict[str, Callable[[ProgramPlan], object]] = {
    "program_plan_one_open": lambda plan: a_plan(plan.program),
    "program_plan_review_after_start": lambda plan: a_plan(a_program(), review_on=date(2026, 4, 1)),
    "program_plan_budget_is_a_share": lambda plan: a_plan(a_program(), budget_percent=101),
    "program_plan_expects_no_loss": lambda plan: a_plan(a_program(), expected_return=-1),
    "program_plan_in_currency_of_program": lambda plan: a_plan(a_program(), currency="USD"),
    "goal_growth_grows": lambda plan: a_goal(plan, "MEMBERS", aim="GROWTH", baseline=5, target=5),
    "goal_metric": lambda plan: a_goal(plan, "MEMBERS", metric=plan.program.metrics.get()),
    "goal_share_of_a_whole": lambda plan: a_goal(plan, "REACH", target=101),
    "goal_typed": lambda plan: a_goal(plan, "MEMBERS", typed=3, typed_on=NOW.date()),
    "goal_metric_of_program": lambda plan: a_goal(plan, "METRIC", metric=a_program().metrics.get()),
    "profit_period_ends_after_start": lambda plan: ProfitPeriod.objects.create(
        plan=plan, starts_on=MAY_31, ends_on=date(2026, 5, 30), profit=1
    ),
    "profit_period_no_day_twice": lambda plan: [
        ProfitPeriod.objects.create(plan=plan, starts_on=first, ends_on=MAY_31, profit=1)
        for first in (date(2026, 4, 1), MAY_31)
    ],
    "program_plan_closed_is_immutable": lambda plan: [_close(plan), _close(plan)],
    "goal_of_open_plan": lambda plan: [_close(plan), a_goal(plan, "MEMBERS")],
    "profit_period_of_open_plan": lambda plan: [
        _close(plan), ProfitPeriod.objects.create(plan=plan, starts_on=MAY_31, ends_on=MAY_31, profit=1),
    ],
    "program_review_is_kept": lambda plan: [decide(plan, KEEP), ProgramReview.objects.update(cost=1)],
    "program_review_next": lambda plan: ProgramReview.objects.create(
        **{
            field.attname: getattr(decide(plan, KEEP).review, field.attname)
            for field in ProgramReview._meta.fields
            if field.name not in ("id", "outcome")
        },
        outcome=STOP,
    ),
    "loyalty_reviewedgoal_is_append_only": lambda plan: [decide(plan, KEEP), ReviewedGoal.objects.update(actual=1)],
}  # fmt: skip


@pytest.mark.parametrize("law", REFUSED)
def test_database_refuses_what_must_never_be(law: str) -> None:
    plan = a_plan(a_program())

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        REFUSED[law](plan)

    assert refusal.value.__cause__.diag.constraint_name == law  # type: ignore[union-attr]


def test_reason_of_a_review_is_blanked_and_never_reworded() -> None:
    plan = a_plan(a_program())
    decide(plan, KEEP)

    with pytest.raises(IntegrityError), transaction.atomic():
        ProgramReview.objects.update(reason="Something else")
    ProgramReview.objects.update(reason="")

    assert ProgramReview.objects.get().reason == ""
