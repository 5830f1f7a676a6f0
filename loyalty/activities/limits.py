"""Limits that points pass: those of the rule, and the consent's own, in the period of the activity."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple, Protocol

from loyalty.earning import CapSubject, EarningRule, Period, period_start
from loyalty.ledger import CapKey, Limit

CONSENT_LIMIT = ""
"""The rule code under which a consent's own limit a person and month is counted."""

CAMPAIGN = "campaign:"
"""With its code behind it, the rule code under which a campaign's budget is counted; no rule's code has a colon."""


PROMOTION = "promotion:"
"""With its id behind it, the rule code under which a promotion's budget is counted."""


class Agreed(Protocol):
    """A consent, as far as it limits."""

    @property
    def monthly_limit(self) -> int | None: ...


class Doer(NamedTuple):
    """Who did something in a program, to which `object`, when, and on which `day` that is where the program is.

    Limits that all companies of the program share are counted under `shared_id`.
    """

    program_id: int
    company_id: int
    employee_id: int | None
    membership_id: int
    occurred_at: datetime
    day: date
    shared_id: int
    object: str = ""

    def for_person(self, employee_id: int | None) -> "Doer":
        """The same, done by somebody else; None: by whom it was."""
        if employee_id is None or employee_id == self.employee_id:
            return self
        return self._replace(employee_id=employee_id)


def limits_of(
    rule: EarningRule, doer: Doer, *, to: CapSubject, consent: Agreed | None, is_instead: bool = False
) -> Iterator[Limit]:
    """Give the limits that what `rule` gives passes: its own, and for a person the one of the company's `consent`.

    Where a rule gives to the company and to the person, a limit a person counts what the person gets; where it gives to
    the company alone, what the company gets through that person. What the company gets instead of a person
    (`is_instead`) passes the rule's limits of the person.
    """
    if rule.caps:
        yield from _own_limits(rule, CapSubject.EMPLOYEE if is_instead else to, doer)
    if to is CapSubject.EMPLOYEE and (limit := consent_limit(doer, consent)):
        yield limit


def _own_limits(rule: EarningRule, to: CapSubject, doer: Doer) -> Iterator[Limit]:
    for cap in rule.caps:
        if cap.subject is CapSubject.EMPLOYEE and to is CapSubject.COMPANY and CapSubject.EMPLOYEE in rule.recipients:
            continue
        subject_id = _subject_id(cap.subject, doer)
        if subject_id is not None:
            start = period_start(cap.period, doer.day)
            of = doer.object if cap.is_per_object else ""
            key = CapKey(doer.program_id, cap.counter(rule.code), cap.subject, subject_id, cap.period, start, of)
            yield Limit(key, cap.limit, cap.counts)


def consent_limit(doer: Doer, consent: Agreed | None) -> Limit | None:
    """Return the limit a person and month that the company itself has set; None where there is none."""
    if consent is None or consent.monthly_limit is None or doer.employee_id is None:
        return None
    start = period_start(Period.MONTH, doer.day)
    key = CapKey(doer.program_id, CONSENT_LIMIT, CapSubject.EMPLOYEE, doer.employee_id, Period.MONTH, start)
    return Limit(key, consent.monthly_limit)


def budget_of(rule: EarningRule, doer: Doer) -> Limit | None:
    """Return the counter of the budget that a campaign of that day has, and the budget; None where there is none."""
    campaign = rule.formula.campaign_on(doer.day)
    if campaign is None or campaign.budget is None:
        return None
    start = period_start(Period.EVER, doer.day)
    code = f"{CAMPAIGN}{campaign.code}"
    return Limit(CapKey(doer.program_id, code, CapSubject.PROGRAM, doer.shared_id, Period.EVER, start), campaign.budget)


def budget_of_promotion(promotion_id: int, budget: int | None, doer: Doer) -> Limit | None:
    """Return the counter of a promotion's budget, and the budget; None where it has none."""
    if budget is None:
        return None
    start = period_start(Period.EVER, doer.day)
    code = f"{PROMOTION}{promotion_id}"
    return Limit(CapKey(doer.program_id, code, CapSubject.COMPANY, doer.company_id, Period.EVER, start), budget)


def _subject_id(subject: CapSubject, doer: Doer) -> int | None:
    if subject is CapSubject.EMPLOYEE:
        return doer.employee_id
    return doer.company_id if subject is CapSubject.COMPANY else doer.shared_id
