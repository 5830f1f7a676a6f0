"""What answering would bring: the rules in force, run over what is known of the person before anything is recorded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from accounts.conditions import Value, Values
from accounts.facts import EMPLOYEE_ROLES
from loyalty.earning import MAY_EARN, CapSubject, Counts, Gift, MayEarn, Person, evaluate, may_earn_by
from loyalty.facts import ATTRIBUTE_PREFIX, DAY, SOURCE, TIER, TIER_RANK
from loyalty.models import Program
from loyalty.own_activities import SOURCE_CODE
from loyalty.rulebook import NO_RULES, rules_under
from surveys.activity import SURVEY_ATTRIBUTE


@dataclass(frozen=True, slots=True)
class Promise:
    """Points for the person and for the company; `is_limited` where a limit may cut them ("up to")."""

    points: int = 0
    company_points: int = 0
    is_limited: bool = False


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a person's company stands in a program.

    `consent_roles` is None where nothing was agreed to; `is_for_company`: it gets what a person may not earn.
    """

    consent_roles: Iterable[str] | None
    monthly_limit: int | None
    tier: str | None
    tier_rank: int | None
    is_for_company: bool = False
    agreement_id: int | None = None
    has_one_wallet: bool = False


def promise(
    *, rule_set_id: int | None, type_id: int | None, program: Program, code: str, person: Values, stand: Stand,
    at: datetime,
) -> Promise:  # fmt: skip
    """Return what a response to the survey `code` would bring at `at`; no query once the rules are kept in memory.

    Limits that were partly used up are not read: what they may cut is said, not by how much.
    """
    if rule_set_id is None or type_id is None:
        return Promise()
    rules = rules_under(rule_set_id, stand.agreement_id).get(type_id, NO_RULES).rules
    answering = _self(person, stand)
    values: dict[str, Value] = {
        **person,
        MAY_EARN: answering.may_earn.value,
        SOURCE: SOURCE_CODE,
        DAY: at.astimezone(program.zone).date(),
        TIER: stand.tier,
        TIER_RANK: None if stand.tier_rank is None else Decimal(stand.tier_rank),
        f"{ATTRIBUTE_PREFIX}{SURVEY_ATTRIBUTE}": code,
    }
    points = {CapSubject.EMPLOYEE: 0, CapSubject.COMPANY: 0}
    is_limited = False
    for verdict in evaluate(rules, values, [answering]):
        for gift in verdict.gifts:
            limits = _limits(gift, stand)
            points[gift.to] += min([gift.points, *limits])
            is_limited |= (bool(limits) and gift.points > 0) or _has_budget(gift, values[DAY])
    return Promise(points[CapSubject.EMPLOYEE], points[CapSubject.COMPANY], is_limited)


def _limits(gift: Gift, stand: Stand) -> list[int]:
    limits = [
        cap.limit * (gift.points if cap.counts is Counts.TIMES else 1)
        for cap in gift.rule.caps
        if cap.subject in (gift.to, CapSubject.PROGRAM)
    ]
    if gift.to is CapSubject.EMPLOYEE and stand.monthly_limit is not None:
        limits.append(stand.monthly_limit)
    return limits


def _has_budget(gift: Gift, day: Value) -> bool:
    """Whether a part of the points comes from a budget, of which there may be too little left."""
    campaign = gift.rule.formula.campaign_on(day) if isinstance(day, date) else None
    return gift.from_campaign > 0 and campaign is not None and campaign.budget is not None


def _self(person: Values, stand: Stand) -> Person:
    """The one who answers, as the only one who has a part."""
    roles = person.get(EMPLOYEE_ROLES)
    own = roles if isinstance(roles, frozenset) else frozenset()
    consent_roles = None if stand.consent_roles is None else frozenset(stand.consent_roles)
    if stand.has_one_wallet:
        return Person(0, MayEarn.ONE_WALLET, own)
    return Person(0, may_earn_by(consent_roles, own, is_for_company=stand.is_for_company), own)
