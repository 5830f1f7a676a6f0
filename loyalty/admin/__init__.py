"""The admin's screens of the engine: programs, who takes part, rules, and the ledger to read."""

from loyalty.admin import activities, ledger, memberships, programs, rules, rulesets

__all__ = ["activities", "ledger", "memberships", "programs", "rules", "rulesets"]
