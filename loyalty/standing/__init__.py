"""Standing: metrics in monthly buckets, and the tier that they raise and lower."""

from loyalty.standing.board import Holding, MemberStanding, StandingBoard, TierMove, Title
from loyalty.standing.metrics import MetricRule, contributions, metric_rules_of, part_taken_back
from loyalty.standing.rebuilding import Rebuilt, from_the_start, rebuild_standing
from loyalty.standing.review import review_members, review_tiers
from loyalty.standing.windows import TierPlan, month_of, month_start, tier_plan, tier_plans_of

__all__ = [
    "Holding",
    "MemberStanding",
    "MetricRule",
    "Rebuilt",
    "StandingBoard",
    "TierMove",
    "TierPlan",
    "Title",
    "contributions",
    "from_the_start",
    "metric_rules_of",
    "month_of",
    "month_start",
    "part_taken_back",
    "rebuild_standing",
    "review_members",
    "review_tiers",
    "tier_plan",
    "tier_plans_of",
]
