"""The admin's screens of the engine: programs, who takes part, rules, benefits, and the ledger to read."""

from loyalty.admin import (
    activities,
    adjustments,
    approvals,
    benefit_matrices,
    benefits,
    extensions,
    ledger,
    memberships,
    programs,
    rules,
    rulesets,
    service_clients,
)

__all__ = [
    "activities",
    "adjustments",
    "approvals",
    "benefit_matrices",
    "benefits",
    "extensions",
    "ledger",
    "memberships",
    "programs",
    "rules",
    "rulesets",
    "service_clients",
]
