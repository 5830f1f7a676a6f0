"""What this floor tells people."""

from django.utils.translation import gettext_lazy as _

from accounts import messages
from accounts.messages import MessageKind
from accounts.models import NotificationPreference

_STANDING = NotificationPreference.Topic.STANDING

TIER_REACHED = MessageKind("tier-reached", _("Your company is now {tier}"), "tier", _STANDING, names_subject=False)
TIER_ENDED = MessageKind(
    "tier-ended", _("What gave your company {tier} has ended"), "tier", _STANDING, names_subject=False
)
TIER_INVITED = MessageKind(
    "tier-invited", _("Your company is invited to {tier}: answer by {day}"), "tier", _STANDING, names_subject=False
)
TIER_RENEWED = MessageKind(
    "tier-renewed", _("The fee for {tier} has come: it holds up to {day}"), "tier", _STANDING, names_subject=False
)
TIER_FEE_DUE = MessageKind(
    "tier-fee-due",
    _("“{program}”: the fee for {tier}, {fee}, is due by {day}. Without it, that is the last day of the tier."),
    "tier",
    names_subject=False,
)
POINTS_GIVEN = MessageKind("points-given", _("{points} points were given by hand: {reason}"), "why")
POINTS_TAKEN = MessageKind("points-taken", _("{points} points were taken by hand: {reason}"), "why")
POINTS_PASSED_ON = MessageKind("points-passed-on", _("Your company passed {points} points on to you: {reason}"), "why")
POINTS_EXTENDED = MessageKind(
    "points-extended", _("{points} points can be used up to {day}: {reason}"), "statement", names_subject=False
)
BENEFIT_USED = MessageKind("benefit-used", _("Used: {benefit}"), "benefits", _STANDING, names_subject=False)
BENEFIT_GIVEN = MessageKind(
    "benefit-given", _("{name} gave you “{benefit}”: {reason}"), "benefits", _STANDING, names_subject=False
)
BENEFIT_WITHDRAWN = MessageKind(
    "benefit-withdrawn", _("“{benefit}” is no longer given: {reason}"), "benefits", _STANDING, names_subject=False
)
BADGE_GIVEN = MessageKind("badge-given", _("A badge: {badge}"), "badge-given", _STANDING)
BENEFITS_END = MessageKind(
    "benefits-end",
    _("Unless your company comes to {threshold} by {day}, {tier} ends and with it: {benefits}"),
    "tier",
    _STANDING,
    names_subject=False,
)
PROGRAM_ENDS = MessageKind(
    "program-ends",
    _("“{program}” ends: points are earned up to {earn} and can be spent up to {spend}. {rest}"),
    "rules",
    names_subject=False,
)
EARNING_ENDS = MessageKind(
    "earning-ends",
    _("“{program}”: {earn} is the last day to earn points; they can be spent up to {spend}."),
    "earn",
    names_subject=False,
)
SPENDING_ENDS = MessageKind(
    "spending-ends",
    _("“{program}”: {spend} is the last day to spend your points. {rest}"),
    "rewards",
    names_subject=False,
)

AGREEMENT_HOLDS = MessageKind(
    "agreement-holds",
    _("“{program}”: the terms agreed with your company hold from {day}"),
    "rules",
    names_subject=False,
)
AGREEMENT_ENDED = MessageKind(
    "agreement-ended",
    _("“{program}”: the terms agreed with your company end on {day}; the program's rules hold from then on"),
    "rules",
    names_subject=False,
)
PROMOTION_HOLDS = MessageKind(
    "promotion-holds", _("“{program}”: more points from {start} through {end}"), "rules", names_subject=False
)
PROMOTION_ENDED = MessageKind(
    "promotion-ended", _("“{program}”: a promotion that brought more points has ended"), "rules", names_subject=False
)


def register() -> None:
    """Make the kinds known to the outbox."""
    messages.register(
        TIER_REACHED,
        TIER_ENDED,
        TIER_INVITED,
        TIER_RENEWED,
        TIER_FEE_DUE,
        POINTS_GIVEN,
        POINTS_TAKEN,
        POINTS_PASSED_ON,
        POINTS_EXTENDED,
        BENEFIT_USED,
        BENEFIT_GIVEN,
        BENEFIT_WITHDRAWN,
        BADGE_GIVEN,
        BENEFITS_END,
        PROGRAM_ENDS,
        EARNING_ENDS,
        SPENDING_ENDS,
        AGREEMENT_HOLDS,
        AGREEMENT_ENDED,
        PROMOTION_HOLDS,
        PROMOTION_ENDED,
    )
