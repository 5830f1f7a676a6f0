"""The admin's screens of the engine: programs, who takes part, rules, benefits, and the ledger to read."""

from loyalty.admin import (
    activities,
    adjustments,
    approvals,
    benefit_matrices,
    benefits,
    campaigns,
    extensions,
    ledger,
    memberships,
    product_lists,
    programs,
    rates,
    rules,
    rulesets,
    service_clients,
    titles,
)

__all__ = [
    "activities",
    "adjustments",
    "approvals",
    "benefit_matrices",
    "benefits",
    "campaigns",
    "extensions",
    "ledger",
    "memberships",
    "product_lists",
    "programs",
    "rates",
    "rules",
    "rulesets",
    "service_clients",
    "titles",
]
