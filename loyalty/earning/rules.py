"""Rules over facts: what each gives to whom, and for each why or why not."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from accounts.conditions import Condition, LeafOutcome, Values, failures, holds
from accounts.wording import Translator
from loyalty.earning.caps import Cap, CapSubject
from loyalty.earning.formulas import Formula, by_promotion
from loyalty.earning.promotions import Promotion, promotion_for

MAY_EARN = "employee.may_earn"
"""The fact that says whether the activity's person may earn points of the own; its value is a MayEarn."""


PEOPLE = "activity.people"
"""Under it an evaluation keeps who had a part in the activity, where a rule asks: see `people_to_json`."""


class Beneficiary(StrEnum):
    """Who gets what a rule gives.

    BOTH gives the whole to each, SPLIT parts it between them, ROLE gives to everybody of a stakeholder role that had a
    part in the activity.
    """

    COMPANY = "COMPANY"
    EMPLOYEE = "EMPLOYEE"
    BOTH = "BOTH"
    SPLIT = "SPLIT"
    ROLE = "ROLE"


_RECIPIENTS: Mapping[Beneficiary, tuple[CapSubject, ...]] = MappingProxyType(
    {
        Beneficiary.COMPANY: (CapSubject.COMPANY,),
        Beneficiary.EMPLOYEE: (CapSubject.EMPLOYEE,),
        Beneficiary.BOTH: (CapSubject.COMPANY, CapSubject.EMPLOYEE),
        Beneficiary.SPLIT: (CapSubject.COMPANY, CapSubject.EMPLOYEE),
        Beneficiary.ROLE: (CapSubject.EMPLOYEE,),
    }
)


class MayEarn(StrEnum):
    """Whether a person may earn, and if not, why; where the company gets it instead, `goes_to_company` says so."""

    YES = "YES"
    NO_EMPLOYEE = "NO_EMPLOYEE"
    NO_CONSENT = "NO_CONSENT"
    ROLE_NOT_NAMED = "ROLE_NOT_NAMED"
    FOR_COMPANY = "FOR_COMPANY"
    ONE_WALLET = "ONE_WALLET"
    NOBODY_OF_ROLE = "NOBODY_OF_ROLE"

    @property
    def goes_to_company(self) -> bool:
        """Whether the company gets what this person would."""
        return self in (MayEarn.FOR_COMPANY, MayEarn.ONE_WALLET)


def may_earn_by(consent_roles: Collection[str] | None, roles: frozenset[str], *, is_for_company: bool) -> MayEarn:
    """Return whether a person who holds `roles` may earn by a consent to `consent_roles` (none named: every role).

    None: there is no consent. `is_for_company`: what a person may not earn goes to the company.
    """
    if consent_roles is None:
        return MayEarn.NO_CONSENT
    if not consent_roles or not roles.isdisjoint(consent_roles):
        return MayEarn.YES
    return MayEarn.FOR_COMPANY if is_for_company else MayEarn.ROLE_NOT_NAMED


class Person(NamedTuple):
    """Somebody who had a part in an activity, with the codes of the roles held at its moment."""

    id: int
    may_earn: MayEarn
    roles: frozenset[str]


def people_to_json(people: Iterable[Person]) -> list[list[int | str | list[str]]]:
    """Return people as an evaluation keeps them: id, whether they may earn, roles."""
    return [[person.id, person.may_earn.value, sorted(person.roles)] for person in people]


def people_from_json(rows: Iterable[tuple[int, str, list[str]]]) -> tuple[Person, ...]:
    """Return the people that an evaluation kept."""
    return tuple(Person(person_id, MayEarn(may_earn), frozenset(roles)) for person_id, may_earn, roles in rows)


class Gives(Protocol):
    """What a rule gives that is no points; the kinds stand in `loyalty.effects`."""

    def sentence(self, translate: Translator) -> str:
        """Return it in plain words, such as "the badge “First order”"."""
        ...


@dataclass(frozen=True, slots=True)
class EarningRule:
    """A rule as the calculation needs it; `id` and `code` are carried through to the award.

    `person_share` is the person's part of a SPLIT, in percent; `role` is whom ROLE gives to, each of them the whole or,
    with `is_divided`, all of them together. A rule with an `effect` gives that, and its formula no points. `is_agreed`
    says that an agreement with the company made it another than the program's.
    """

    id: int
    code: str
    name: str
    condition: Condition
    formula: Formula
    beneficiary: Beneficiary
    caps: tuple[Cap, ...] = ()
    person_share: int = 0
    role: str = ""
    is_divided: bool = False
    effect: Gives | None = None
    is_agreed: bool = False

    @property
    def recipients(self) -> tuple[CapSubject, ...]:
        """To whom the rule gives: the company, the employee, or the company first and then the employee."""
        return _RECIPIENTS[self.beneficiary]


class Gift(NamedTuple):
    """Points that a rule gives one recipient, before limits; 0 with the reason where the person may not earn.

    `from_campaign` of them are there only because a campaign was on: its budget is asked for these alone. `person_id`
    is whose they are by a rule for a role (None: the activity's own person). `is_instead` says of the company's that
    they are a person's who may not have them. `from_promotion` are there only because of a `promotion`, before any
    campaign; without those, the campaign would add `campaign_alone`.
    """

    rule: EarningRule
    to: CapSubject
    points: int
    refusal: MayEarn | None = None
    from_campaign: int = 0
    person_id: int | None = None
    is_instead: bool = False
    promotion: Promotion | None = None
    from_promotion: int = 0
    campaign_alone: int = 0


class Favour(NamedTuple):
    """The rule's effect for one recipient, before limits; `refusal` says why a person is left out.

    `person_id` is as in Gift.
    """

    rule: EarningRule
    to: CapSubject
    refusal: MayEarn | None = None
    person_id: int | None = None


class Verdict(NamedTuple):
    """What one rule said of one activity."""

    rule: EarningRule
    values: Values
    is_met: bool
    gifts: tuple[Gift, ...] = ()
    favours: tuple[Favour, ...] = ()

    @property
    def failures(self) -> tuple[LeafOutcome, ...]:
        """The parts of the condition that kept the rule from being met, with what they met instead."""
        return failures(self.rule.condition, self.values)


def evaluate(
    rules: Iterable[EarningRule],
    values: Values,
    people: Sequence[Person] = (),
    *,
    promotions: Sequence[Promotion] = (),
    person_id: int | None = None,
) -> list[Verdict]:
    """Return a verdict a rule, in the rules' order.

    `values` holds the facts of one activity as of the moment it occurred; `values[MAY_EARN]` says whether its person
    may earn (absent: there is no person). `people` are all who had a part in it, that person included. `promotions` are
    those that held; one for a person is asked by `person_id`, the activity's own.
    """
    return [
        _met(rule, values, people, promotions, person_id)
        if holds(rule.condition, values)
        else Verdict(rule, values, False)
        for rule in rules
    ]


def evaluate_met(
    rules: Iterable[EarningRule],
    values: Values,
    people: Sequence[Person] = (),
    *,
    promotions: Sequence[Promotion] = (),
    person_id: int | None = None,
) -> list[Verdict]:
    """Return the verdicts of `evaluate` on the rules that are met alone: those of the others give nothing."""
    return [_met(rule, values, people, promotions, person_id) for rule in rules if rule.condition.holds(values)]


def _met(
    rule: EarningRule,
    values: Values,
    people: Sequence[Person],
    promotions: Sequence[Promotion],
    person_id: int | None,
) -> Verdict:
    if rule.effect is None:
        return Verdict(rule, values, True, _gifts(_Giving(rule, values, promotions), people, person_id))
    return Verdict(rule, values, True, favours=tuple(_favours(rule, values, people)))


def _favours(rule: EarningRule, values: Values, people: Sequence[Person]) -> Iterator[Favour]:
    """The company's, and those of the people who may earn: as with points, a person takes part by consent alone."""
    if CapSubject.COMPANY in rule.recipients:
        yield Favour(rule, CapSubject.COMPANY)
    if rule.beneficiary is Beneficiary.ROLE:
        had_part = [(person.may_earn, person.id) for person in sorted(people) if rule.role in person.roles]
        persons: Sequence[tuple[MayEarn, int | None]] = had_part or [(MayEarn.NOBODY_OF_ROLE, None)]
    elif CapSubject.EMPLOYEE in rule.recipients:
        persons = [(MayEarn(str(values.get(MAY_EARN) or MayEarn.NO_EMPLOYEE)), None)]
    else:
        return
    for may_earn, person_id in persons:
        if may_earn.goes_to_company:
            may_earn = MayEarn.ROLE_NOT_NAMED if may_earn is MayEarn.FOR_COMPANY else MayEarn.YES
        yield Favour(rule, CapSubject.EMPLOYEE, None if may_earn is MayEarn.YES else may_earn, person_id)


class _Amounts(NamedTuple):
    """What a formula gives: with a campaign and a promotion, with either of them alone, with neither."""

    both: int
    campaign: int
    promotion: int
    neither: int

    def each(self, part: Callable[[int], int]) -> "_Amounts":
        """The same part of each."""
        return _Amounts(*map(part, self))


class _Giving:
    """What one rule gives for one activity, to each with the promotion that is theirs."""

    def __init__(self, rule: EarningRule, values: Values, promotions: Sequence[Promotion]) -> None:
        self.rule = rule
        self.values = values
        self._promotions = promotions
        self._points, self._without = self._calculated(rule.formula)
        self._is_plain = self._points == self._without and not promotions

    def company(self, part: Callable[[int], int] = int, **fields: Any) -> Gift:
        """Give the company a part of it."""
        return self._gift(CapSubject.COMPANY, None, part, fields)

    def person(
        self, may_earn: MayEarn, employee_id: int | None, part: Callable[[int], int] = int, **fields: Any
    ) -> Gift:
        """Give a person a part of it; or the company instead, by no promotion of the person's."""
        if may_earn is MayEarn.YES:
            return self._gift(CapSubject.EMPLOYEE, employee_id, part, fields)
        if may_earn.goes_to_company:
            return self.company(part, refusal=may_earn, is_instead=True, **fields)
        return Gift(self.rule, CapSubject.EMPLOYEE, 0, may_earn, **fields)

    def _gift(
        self, to: CapSubject, employee_id: int | None, part: Callable[[int], int], fields: Mapping[str, Any]
    ) -> Gift:
        if self._is_plain:
            return Gift(self.rule, to, part(self._points), **fields)
        promotion = promotion_for(self._promotions, rule_code=self.rule.code, employee_id=employee_id)
        amounts = self._amounts(promotion).each(part)
        return Gift(
            self.rule,
            to,
            amounts.both,
            from_campaign=amounts.both - amounts.promotion,
            promotion=promotion,
            from_promotion=amounts.promotion - amounts.neither,
            campaign_alone=0 if promotion is None else amounts.campaign - amounts.neither,
            **fields,
        )

    def _amounts(self, promotion: Promotion | None) -> _Amounts:
        both, alone = self._points, self._without
        if promotion is not None:
            both, alone = self._calculated(by_promotion(self.rule.formula, promotion.factor))
        return _Amounts(both, self._points, alone, self._without)

    def _calculated(self, formula: Formula) -> tuple[int, int]:
        """With and without a campaign."""
        points = formula.give(self.values)
        return points, formula.give_without_campaign(self.values) if formula.campaigns else points


def _gifts(giving: _Giving, people: Sequence[Person], person_id: int | None) -> tuple[Gift, ...]:
    rule = giving.rule
    if rule.beneficiary is Beneficiary.COMPANY:
        return (giving.company(),)
    if rule.beneficiary is Beneficiary.ROLE:
        return _gifts_to_role(giving, people)
    may_earn = MayEarn(str(giving.values.get(MAY_EARN) or MayEarn.NO_EMPLOYEE))
    if rule.beneficiary is Beneficiary.SPLIT:

        def part(points: int) -> int:
            return points * rule.person_share // 100

        return giving.company(lambda points: points - part(points)), giving.person(may_earn, person_id, part)
    personal = giving.person(may_earn, person_id)
    return (personal,) if rule.beneficiary is Beneficiary.EMPLOYEE else (giving.company(), personal)


def _gifts_to_role(giving: _Giving, people: Sequence[Person]) -> tuple[Gift, ...]:
    """The whole to each of the role, or equal parts; the first of them, in order of their ids, get what is over."""
    rule = giving.rule
    had_part = sorted(person for person in people if rule.role in person.roles)
    if not had_part:
        return (Gift(rule, CapSubject.EMPLOYEE, 0, MayEarn.NOBODY_OF_ROLE),)
    return tuple(
        giving.person(
            person.may_earn,
            person.id,
            partial(_equal_part, among=len(had_part), number=number) if rule.is_divided else int,
            person_id=person.id,
        )
        for number, person in enumerate(had_part)
    )


def _equal_part(points: int, *, among: int, number: int) -> int:
    each, over = divmod(points, among)
    return each + (number < over)


def campaign_beside(gift: Gift, promoted: int) -> int:
    """Return what a campaign adds where `promoted` of what the promotion would add are left of its budget.

    Without any of them it is what the campaign adds alone, with all of them what it adds on top; in between, in
    proportion.
    """
    if promoted == gift.from_promotion:
        return gift.from_campaign
    added = gift.campaign_alone + (gift.from_campaign - gift.campaign_alone) * promoted // gift.from_promotion
    return min(added, gift.from_campaign + gift.from_promotion - promoted)


def parted(gift: Gift, *, at: int) -> tuple[Gift, Gift]:
    """Return the first `at` points of a person's gift, and the rest, which goes to the company by no promotion of the
    person's. What a campaign added lies on top, what a promotion added beneath it.
    """
    above = gift.points - at
    campaign = min(above, gift.from_campaign)
    promoted = min(above - campaign, gift.from_promotion)
    alone = min(campaign, gift.campaign_alone)
    first = gift._replace(
        points=at,
        from_campaign=gift.from_campaign - campaign,
        from_promotion=gift.from_promotion - promoted,
        campaign_alone=gift.campaign_alone - alone,
    )
    rest = gift._replace(
        to=CapSubject.COMPANY,
        is_instead=True,
        points=above,
        from_campaign=campaign,
        from_promotion=promoted,
        campaign_alone=alone,
    )
    if gift.promotion is not None and gift.promotion.employee_id is not None:
        rest = rest._replace(points=above - promoted, from_promotion=0, promotion=None)
    return first, rest
