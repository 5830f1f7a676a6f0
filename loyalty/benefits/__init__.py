"""Multi-level benefits: what tier, stakeholder role and segment open to a company and to each of its people."""

from loyalty.benefits.ahead import StandingAhead, standing_ahead
from loyalty.benefits.differences import PlainCell, difference
from loyalty.benefits.entitlements import (
    BenefitsNow,
    Entitlement,
    NextBenefit,
    benefits_by_tier,
    benefits_of,
    entitlements_as,
    entitlements_of,
    next_benefits,
)
from loyalty.benefits.grants import CannotGiveError, GrantEndedError, GrantError, NotYoursToGiveError, grant, withdraw
from loyalty.benefits.matrix import (
    DraftExistsError,
    NoBenefitsError,
    NotOfThisProgramError,
    activate,
    draft_from,
    plain_cells,
    remove_from_cell,
    retire,
    set_cell,
    version_before,
    version_held_last,
)
from loyalty.benefits.notice import announce_ends
from loyalty.benefits.using import (
    BenefitUseError,
    NotEntitledError,
    NotYoursToUseError,
    QuotaUsedUpError,
    Used,
    use,
)
from loyalty.versions import NotADraftError, NotInForceError, StartsTooEarlyError, VersionError

__all__ = [
    "BenefitUseError",
    "BenefitsNow",
    "CannotGiveError",
    "DraftExistsError",
    "Entitlement",
    "GrantEndedError",
    "GrantError",
    "NextBenefit",
    "NoBenefitsError",
    "NotADraftError",
    "NotEntitledError",
    "NotInForceError",
    "NotOfThisProgramError",
    "NotYoursToGiveError",
    "NotYoursToUseError",
    "PlainCell",
    "QuotaUsedUpError",
    "StandingAhead",
    "StartsTooEarlyError",
    "Used",
    "VersionError",
    "activate",
    "announce_ends",
    "benefits_by_tier",
    "benefits_of",
    "difference",
    "draft_from",
    "entitlements_as",
    "entitlements_of",
    "grant",
    "next_benefits",
    "plain_cells",
    "remove_from_cell",
    "retire",
    "set_cell",
    "standing_ahead",
    "use",
    "version_before",
    "version_held_last",
    "withdraw",
]
