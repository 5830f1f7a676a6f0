"""Limits that points pass: those of the rule, and the consent's own, in the period of the activity."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple, Protocol

from loyalty.earning import CapSubject, EarningRule, Period, period_start
from loyalty.ledger import CapKey

CONSENT_LIMIT = ""
"""The rule code under which a consent's own limit a person and month is counted."""

CAMPAIGN = "campaign:"
"""With its code behind it, the rule code under which a campaign's budget is counted; no rule's code has a colon."""


class Agreed(Protocol):
    """A consent, as far as it limits."""

    @property
    def monthly_limit(self) -> int | None: ...


class Doer(NamedTuple):
    """Who did something in a program, when, and on which `day` that is where the program is."""

    program_id: int
    company_id: int
    employee_id: int | None
    membership_id: int
    occurred_at: datetime
    day: date


def limits_of(rule: EarningRule, to: CapSubject, doer: Doer, consent: Agreed | None) -> Iterator[tuple[CapKey, int]]:
    """Give the limits that points of `rule` to `to` pass: each counter's key, and how many points it lets through.

    Where a rule gives to the company and to the person, a limit a person counts what the person gets; where it gives to
    the company alone, what the company gets through that person.
    """
    for cap in rule.caps:
        if cap.subject is CapSubject.EMPLOYEE and to is CapSubject.COMPANY and CapSubject.EMPLOYEE in rule.recipients:
            continue
        subject_id = _subject_id(cap.subject, doer)
        if subject_id is not None:
            start = period_start(cap.period, doer.day)
            yield CapKey(doer.program_id, rule.code, cap.subject, subject_id, cap.period, start), cap.limit
    own_limit = consent.monthly_limit if consent is not None else None
    if to is CapSubject.EMPLOYEE and doer.employee_id is not None and own_limit is not None:
        start = period_start(Period.MONTH, doer.day)
        yield CapKey(doer.program_id, CONSENT_LIMIT, to, doer.employee_id, Period.MONTH, start), own_limit


def budget_of(rule: EarningRule, doer: Doer) -> tuple[CapKey, int] | None:
    """Return the counter of the budget that a campaign of that day has, and the budget; None where there is none."""
    campaign = rule.formula.campaign_on(doer.day)
    if campaign is None or campaign.budget is None:
        return None
    start = period_start(Period.EVER, doer.day)
    code = f"{CAMPAIGN}{campaign.code}"
    return CapKey(doer.program_id, code, CapSubject.PROGRAM, doer.program_id, Period.EVER, start), campaign.budget


def _subject_id(subject: CapSubject, doer: Doer) -> int | None:
    match subject:
        case CapSubject.EMPLOYEE:
            return doer.employee_id
        case CapSubject.COMPANY:
            return doer.company_id
        case CapSubject.PROGRAM:
            return doer.program_id
