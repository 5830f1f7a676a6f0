"""The engine's tables: programs, activities, rules, ledger, standing."""

from loyalty.models.activities import (
    Activity,
    ActivityAttribute,
    ActivityReturn,
    ActivityType,
    ReturnLink,
    ReturnRefusal,
    Source,
)
from loyalty.models.adjustments import Adjustment
from loyalty.models.agreements import Agreement, AgreementLimit, AgreementRate
from loyalty.models.awards import Award, AwardReversal, CapUsage, Evaluation
from loyalty.models.benefits import (
    Benefit,
    BenefitCell,
    BenefitGrant,
    BenefitMatrix,
    BenefitQuota,
    BenefitUse,
)
from loyalty.models.confirmations import Confirmation
from loyalty.models.effects import Badge, BadgeHolding, EffectAward
from loyalty.models.ends import EndNotice, HandedOver
from loyalty.models.examples import Example, ExampleStep
from loyalty.models.extensions import ExtendedLot, Extension
from loyalty.models.figures import BookDay, CohortMonth, ProgramDay
from loyalty.models.goals import Goal, ProfitPeriod, ProgramPlan, ProgramReview, ReviewedGoal
from loyalty.models.ledger import LotUse, Posting, Transaction
from loyalty.models.programs import MOST_GRACE, Consent, Membership, Program, ProgramComment
from loyalty.models.promotions import PersonalPromotion, PromotedAward
from loyalty.models.rates import ExchangeRate
from loyalty.models.replays import Replay, ReplayedCompany
from loyalty.models.rules import MOST_PRODUCTS, Campaign, ProductList, Rule, RuleCap, RuleSet, SharedLimit
from loyalty.models.standing import Metric, MetricBucket, MetricPerson, Tier, TierAssignment, TierThreshold
from loyalty.models.titles import StandingEvent, TierInvitation, TierPayment, TierTitle
from loyalty.models.transfers import Transfer
from loyalty.models.wallets import Lot, Wallet

__all__ = [
    "MOST_GRACE",
    "MOST_PRODUCTS",
    "Activity",
    "ActivityAttribute",
    "ActivityReturn",
    "ActivityType",
    "Adjustment",
    "Agreement",
    "AgreementLimit",
    "AgreementRate",
    "Award",
    "AwardReversal",
    "Badge",
    "BadgeHolding",
    "Benefit",
    "BenefitCell",
    "BenefitGrant",
    "BenefitMatrix",
    "BenefitQuota",
    "BenefitUse",
    "BookDay",
    "Campaign",
    "CapUsage",
    "CohortMonth",
    "Confirmation",
    "Consent",
    "EffectAward",
    "EndNotice",
    "Evaluation",
    "Example",
    "ExampleStep",
    "ExchangeRate",
    "ExtendedLot",
    "Extension",
    "Goal",
    "HandedOver",
    "Lot",
    "LotUse",
    "Membership",
    "Metric",
    "MetricBucket",
    "MetricPerson",
    "PersonalPromotion",
    "Posting",
    "ProductList",
    "ProfitPeriod",
    "Program",
    "ProgramComment",
    "ProgramDay",
    "ProgramPlan",
    "ProgramReview",
    "PromotedAward",
    "Replay",
    "ReplayedCompany",
    "ReturnLink",
    "ReturnRefusal",
    "ReviewedGoal",
    "Rule",
    "RuleCap",
    "RuleSet",
    "SharedLimit",
    "Source",
    "StandingEvent",
    "Tier",
    "TierAssignment",
    "TierInvitation",
    "TierPayment",
    "TierThreshold",
    "TierTitle",
    "Transaction",
    "Transfer",
    "Wallet",
]
