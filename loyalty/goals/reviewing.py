"""Reviews of programs: keep, change or stop; written down for ever beside what came true."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from loyalty.goals.comparing import Compared, compare
from loyalty.goals.measuring import today_of
from loyalty.models import Goal, ProgramPlan, ProgramReview, ReviewedGoal


class ReviewError(Exception):
    """A review that cannot be written down; `str()` says why and what to do."""


class PlanClosedError(ReviewError):
    """Somebody closed the plan meanwhile."""


class NoReasonError(ReviewError):
    """Nobody could say later why it was decided."""


class NextReviewError(ReviewError):
    """The program goes on, and nobody would look at it again; or it stops, and somebody would."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review, and the plan that follows where the program is to change."""

    review: ProgramReview
    next_plan: ProgramPlan | None


def review(
    *,
    plan_id: int,
    outcome: ProgramReview.Outcome,
    reason: str,
    next_review_on: date | None,
    by: User,
    now: datetime,
) -> Reviewed:
    """Write down what was decided of a program, beside what came true of its plan, for ever.

    KEEP: the plan goes on to `next_review_on`. CHANGE: it is closed, and another follows from today on, whose goals
    begin where these ended. STOP: it is closed. Raises PlanClosedError, NoReasonError or NextReviewError.
    """
    reason = reason.strip()
    if not reason:
        raise NoReasonError(_("Say why: whoever looks at the program next reads it."))
    with transaction.atomic():
        plan = ProgramPlan.objects.select_for_update(of=("self",)).select_related("program").get(pk=plan_id)
        today = today_of(plan.program, now)
        _require_reviewable(plan, outcome, next_review_on, today)
        found = compare(plan, now=now)
        written = _write(found, outcome, reason, next_review_on, by, now)
        if outcome == ProgramReview.Outcome.KEEP and next_review_on is not None:
            plan.review_on = next_review_on
        else:
            plan.closed_at = now
        plan.save(update_fields=["review_on", "closed_at"])
        follows = None
        if outcome == ProgramReview.Outcome.CHANGE and next_review_on is not None:
            follows = _follow(found, today, next_review_on)
        audit.record("program-reviewed", written, actor_id=by.pk, now=now, outcome=str(outcome), plan=plan.pk)
    return Reviewed(written, follows)


def _require_reviewable(
    plan: ProgramPlan, outcome: ProgramReview.Outcome, next_review_on: date | None, today: date
) -> None:
    if plan.closed_at is not None:
        raise PlanClosedError(
            _("This plan was closed on %(day)s. Look at the reviews of the program.")
            % {"day": date_format(plan.closed_at.astimezone(plan.program.zone), "DATE_FORMAT")}
        )
    if plan.starts_on > today:
        raise ReviewError(_("The plan has not begun: nothing can have come true. Change it instead."))
    if outcome == ProgramReview.Outcome.STOP:
        if next_review_on is not None:
            raise NextReviewError(_("A program that stops is not reviewed again: leave the day empty."))
    elif next_review_on is None or next_review_on <= today:
        raise NextReviewError(_("Say when the program is looked at next: a day after today."))


def _write(
    found: Compared,
    outcome: ProgramReview.Outcome,
    reason: str,
    next_review_on: date | None,
    by: User,
    now: datetime,
) -> ProgramReview:
    account = found.account
    written = ProgramReview.objects.create(
        plan=found.plan,
        outcome=outcome,
        reason=reason,
        decided_by=by,
        decided_at=now,
        next_review_on=next_review_on,
        first_on=account.first,
        last_on=account.last,
        issued=account.issued,
        spent=account.spent,
        expired=account.expired,
        outstanding=account.outstanding,
        point_value=account.point_value,
        currency=account.currency,
        cost=account.cost,
        through_on=account.through,
        cost_through=account.cost_through,
        budget=account.budget,
        profit=account.profit,
        brought=account.brought,
        expected_profit=account.expected_profit,
        expected_return=account.expected_return,
    )
    ReviewedGoal.objects.bulk_create(
        ReviewedGoal(
            review=written, goal=row.goal, baseline=row.baseline, target=row.target, by_on=row.by_on, actual=row.actual
        )
        for row in found.goals
    )
    return written


def _follow(found: Compared, today: date, review_on: date) -> ProgramPlan:
    """The plan after a change: the same goals, from where they stand."""
    plan = found.plan
    follows = ProgramPlan.objects.create(
        program=plan.program,
        starts_on=today,
        review_on=review_on,
        currency=plan.currency,
        expected_profit=plan.expected_profit,
        budget_percent=plan.budget_percent,
        expected_return=plan.expected_return,
    )
    for row in found.goals:
        goal = row.goal
        begins = row.baseline if row.actual is None or row.is_reached else row.actual
        Goal.objects.create(
            plan=follows,
            aim=goal.aim,
            name=goal.name,
            figure=goal.figure,
            metric=goal.metric,
            unit=goal.unit,
            baseline=begins,
            target=goal.target,
            by_on=max(goal.by_on, review_on),
        )
    return follows
