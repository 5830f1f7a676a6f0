"""What programs are to bring and may cost, and what came true: goals, budget, return, reviews."""

from loyalty.goals.comparing import Account, Compared, Progress, as_reviewed, compare
from loyalty.goals.concerns import due, over_budget, to_be_stopped, without_goals
from loyalty.goals.reviewing import NextReviewError, NoReasonError, PlanClosedError, Reviewed, ReviewError, review

__all__ = [
    "Account",
    "Compared",
    "NextReviewError",
    "NoReasonError",
    "PlanClosedError",
    "Progress",
    "ReviewError",
    "Reviewed",
    "as_reviewed",
    "compare",
    "due",
    "over_budget",
    "review",
    "to_be_stopped",
    "without_goals",
]
