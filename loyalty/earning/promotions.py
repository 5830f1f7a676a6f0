"""Promotions: more points for a time for one company, or for one of its people."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

PROMOTIONS = "company.promotions"
"""Under it an evaluation keeps the ids of the promotions that held for what was done."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """A factor above 1 on what rules of these codes (none named: every one) give.

    `employee_id` is the person whose own points it is for; None: all that the rules give the company and its people.
    A `budget` is the most points that it adds in all.
    """

    id: int
    factor: Decimal
    rule_codes: frozenset[str] = frozenset()
    employee_id: int | None = None
    budget: int | None = None

    def speaks_of(self, rule_code: str) -> bool:
        """Whether it is about a rule."""
        return not self.rule_codes or rule_code in self.rule_codes

    def is_for(self, employee_id: int | None) -> bool:
        """Whether it is about what somebody gets, or (None) the company."""
        return self.employee_id is None or self.employee_id == employee_id


def promotion_for(promotions: Iterable[Promotion], *, rule_code: str, employee_id: int | None) -> Promotion | None:
    """Return the promotion of what a rule gives somebody, or (None) the company; no two are for the same points."""
    return next((each for each in promotions if each.speaks_of(rule_code) and each.is_for(employee_id)), None)
