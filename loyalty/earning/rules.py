"""Rules over facts: what each gives to whom, and for each why or why not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from accounts.conditions import Condition, LeafOutcome, Values, failures, holds
from loyalty.earning.caps import Cap, CapSubject
from loyalty.earning.formulas import Formula

MAY_EARN = "employee.may_earn"
"""The fact that says whether the activity's person may earn points of the own; its value is a MayEarn."""


class Beneficiary(StrEnum):
    """Who gets what a rule gives; BOTH gives the whole to each."""

    COMPANY = "COMPANY"
    EMPLOYEE = "EMPLOYEE"
    BOTH = "BOTH"


_RECIPIENTS: Mapping[Beneficiary, tuple[CapSubject, ...]] = MappingProxyType(
    {
        Beneficiary.COMPANY: (CapSubject.COMPANY,),
        Beneficiary.EMPLOYEE: (CapSubject.EMPLOYEE,),
        Beneficiary.BOTH: (CapSubject.COMPANY, CapSubject.EMPLOYEE),
    }
)


class MayEarn(StrEnum):
    """Whether a person may earn, and if not, why."""

    YES = "YES"
    NO_EMPLOYEE = "NO_EMPLOYEE"
    NO_CONSENT = "NO_CONSENT"
    ROLE_NOT_NAMED = "ROLE_NOT_NAMED"


@dataclass(frozen=True, slots=True)
class EarningRule:
    """A rule as the calculation needs it; `id` and `code` are carried through to the award."""

    id: int
    code: str
    name: str
    condition: Condition
    formula: Formula
    beneficiary: Beneficiary
    caps: tuple[Cap, ...] = ()

    @property
    def recipients(self) -> tuple[CapSubject, ...]:
        """To whom the rule gives: the company, the employee, or the company first and then the employee."""
        return _RECIPIENTS[self.beneficiary]


class Gift(NamedTuple):
    """Points that a rule gives one recipient, before limits; 0 with the reason where the person may not earn.

    `from_campaign` of them are there only because a campaign was on: its budget is asked for these alone.
    """

    rule: EarningRule
    to: CapSubject
    points: int
    refusal: MayEarn | None = None
    from_campaign: int = 0


class Verdict(NamedTuple):
    """What one rule said of one activity."""

    rule: EarningRule
    values: Values
    is_met: bool
    gifts: tuple[Gift, ...] = ()

    @property
    def failures(self) -> tuple[LeafOutcome, ...]:
        """The parts of the condition that kept the rule from being met, with what they met instead."""
        return failures(self.rule.condition, self.values)


def evaluate(rules: Iterable[EarningRule], values: Values) -> list[Verdict]:
    """Return a verdict a rule, in the rules' order.

    `values` holds the facts of one activity as of the moment it occurred; `values[MAY_EARN]` says whether its person
    may earn (absent: there is no person).
    """
    return [
        Verdict(rule, values, True, _gifts(rule, values))
        if holds(rule.condition, values)
        else Verdict(rule, values, False)
        for rule in rules
    ]


def _gifts(rule: EarningRule, values: Values) -> tuple[Gift, ...]:
    points = rule.formula.give(values)
    added = points - rule.formula.give_without_campaign(values) if rule.formula.campaigns else 0
    if rule.beneficiary is Beneficiary.COMPANY:
        return (Gift(rule, CapSubject.COMPANY, points, None, added),)
    may_earn = MayEarn(str(values.get(MAY_EARN) or MayEarn.NO_EMPLOYEE))
    if may_earn is MayEarn.YES:
        personal = Gift(rule, CapSubject.EMPLOYEE, points, None, added)
    else:
        personal = Gift(rule, CapSubject.EMPLOYEE, 0, may_earn)
    if rule.beneficiary is Beneficiary.EMPLOYEE:
        return (personal,)
    return (Gift(rule, CapSubject.COMPANY, points, None, added), personal)
