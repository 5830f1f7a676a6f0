"""The engine's tables: programs, activities, rules, ledger, standing."""

from loyalty.models.activities import (
    Activity,
    ActivityAttribute,
    ActivityReturn,
    ActivityType,
    ReturnLink,
    Source,
)
from loyalty.models.ledger import (
    Award,
    AwardReversal,
    CapUsage,
    Evaluation,
    Lot,
    LotUse,
    Posting,
    Transaction,
    Wallet,
)
from loyalty.models.programs import Consent, Membership, Program
from loyalty.models.rules import Rule, RuleCap, RuleSet
from loyalty.models.standing import Metric, MetricBucket, Tier, TierAssignment

__all__ = [
    "Activity",
    "ActivityAttribute",
    "ActivityReturn",
    "ActivityType",
    "Award",
    "AwardReversal",
    "CapUsage",
    "Consent",
    "Evaluation",
    "Lot",
    "LotUse",
    "Membership",
    "Metric",
    "MetricBucket",
    "Posting",
    "Program",
    "ReturnLink",
    "Rule",
    "RuleCap",
    "RuleSet",
    "Source",
    "Tier",
    "TierAssignment",
    "Transaction",
    "Wallet",
]
