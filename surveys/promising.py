"""What answering would bring: the rules in force, run over what is known of the person before anything is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from accounts.conditions import Value, Values
from accounts.facts import EMPLOYEE_ROLES
from loyalty.activities.dated import GivenConsent
from loyalty.activities.limits import Doer
from loyalty.earning import MAY_EARN, MayEarn, Person, Promotion, may_earn_by
from loyalty.facts import ATTRIBUTE_PREFIX, DAY, SOURCE, TIER, TIER_RANK
from loyalty.models import Program
from loyalty.own_activities import SOURCE_CODE
from loyalty.replaying import Case
from loyalty.rulebook import NO_RULES, rules_under
from surveys.activity import SURVEY_ATTRIBUTE


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a person's company stands in a program: its membership, consent, tier, agreement, promotions."""

    membership_id: int
    company_id: int
    consent: GivenConsent | None
    tier: str | None
    tier_rank: int | None
    agreement_id: int | None = None
    promotions: Sequence[Promotion] = ()
    has_one_wallet: bool = False


def answering(
    *,
    rule_set_id: int | None,
    type_id: int | None,
    program: Program,
    code: str,
    employee_id: int,
    person: Values,
    stand: Stand,
    at: datetime,
) -> Case | None:
    """Return a response to the survey `code` as it would be judged at `at`; None where no rules hold then.

    No query once the rules are kept in memory.
    """
    day = at.astimezone(program.zone).date()
    is_over = program.last_earn_on is not None and day > program.last_earn_on
    if rule_set_id is None or type_id is None or is_over:
        return None
    own = _self(employee_id, person, stand)
    values: dict[str, Value] = {
        **person,
        MAY_EARN: own.may_earn.value,
        SOURCE: SOURCE_CODE,
        DAY: day,
        TIER: stand.tier,
        TIER_RANK: None if stand.tier_rank is None else Decimal(stand.tier_rank),
        f"{ATTRIBUTE_PREFIX}{SURVEY_ATTRIBUTE}": code,
    }
    return Case(
        Doer(program.pk, stand.company_id, employee_id, stand.membership_id, at, day, shared_id=program.pk),
        rules_under(rule_set_id, stand.agreement_id).get(type_id, NO_RULES).rules,
        values,
        (own,),
        stand.consent,
        tuple(stand.promotions),
    )


def _self(employee_id: int, person: Values, stand: Stand) -> Person:
    """The one who answers, as the only one who has a part."""
    roles = person.get(EMPLOYEE_ROLES)
    own = roles if isinstance(roles, frozenset) else frozenset()
    if stand.has_one_wallet:
        return Person(employee_id, MayEarn.ONE_WALLET, own)
    consent = stand.consent
    may_earn = may_earn_by(
        None if consent is None else consent.roles, own, is_for_company=consent is not None and consent.is_for_company
    )
    return Person(employee_id, may_earn, own)
