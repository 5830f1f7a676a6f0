"""Rules that give something else than points: to whom, why somebody is left out, and how that reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from accounts.conditions import ALWAYS, Catalogue, Fact, FactType
from accounts.wording import PLAIN
from loyalty.earning import (
    MAY_EARN,
    NOTHING,
    Beneficiary,
    CapSubject,
    EarningRule,
    Fixed,
    MayEarn,
    Per,
    Person,
    Verdict,
    evaluate,
    rule_sentence,
    verdict_sentence,
)

COMPANY, EMPLOYEE = CapSubject.COMPANY, CapSubject.EMPLOYEE
CATALOGUE: Catalogue = {
    "employee.roles": Fact("employee.roles", FactType.SET, "roles", choices=(("owner", "Owner"), ("buyer", "Buyer"))),
}
NO_EMPLOYEE = "Nothing is given: the activity names no employee."
NO_CONSENT = "Nothing is given: the company's management had not agreed that its people take part."
NO_ROLE = "Nothing is given: the company's management had not agreed to this role."


@dataclass(frozen=True)
class Badge:
    """Something to give."""

    name: str = "First order"

    def sentence(self, translate: Callable[[str], str]) -> str:
        return translate("the badge “{name}”").format(name=self.name)


def a_rule(to: Beneficiary) -> EarningRule:
    return EarningRule(1, "rule", "Rule", ALWAYS, NOTHING, to, role="buyer", effect=Badge())


def judged(to: Beneficiary, may_earn: MayEarn | None = None, people: Sequence[Person] = ()) -> Verdict:
    [verdict] = evaluate([a_rule(to)], {MAY_EARN: may_earn and may_earn.value}, people)
    return verdict


def a_person(number: int, may_earn: MayEarn, role: str = "buyer") -> Person:
    return Person(number, may_earn, frozenset({role}))


def said(verdict: Verdict, times: int) -> str:
    return verdict_sentence(verdict, granted=times, catalogue=CATALOGUE, translate=PLAIN)


@pytest.mark.parametrize(
    ("may_earn", "refusal"),
    [
        (MayEarn.YES, None),
        (None, MayEarn.NO_EMPLOYEE),
        (MayEarn.NO_CONSENT, MayEarn.NO_CONSENT),
        (MayEarn.ROLE_NOT_NAMED, MayEarn.ROLE_NOT_NAMED),
        (MayEarn.FOR_COMPANY, MayEarn.ROLE_NOT_NAMED),
        (MayEarn.ONE_WALLET, None),
    ],
)
def test_person_takes_part_by_consent_alone(may_earn: MayEarn | None, refusal: MayEarn | None) -> None:
    alone, both, split, company = (
        judged(to, may_earn) for to in (Beneficiary.EMPLOYEE, Beneficiary.BOTH, Beneficiary.SPLIT, Beneficiary.COMPANY)
    )

    assert alone.favours == ((alone.rule, EMPLOYEE, refusal, None),)
    for each in (both, split):
        assert each.favours == ((each.rule, COMPANY, None, None), (each.rule, EMPLOYEE, refusal, None))
    assert company.favours == ((company.rule, COMPANY, None, None),)
    for each in (alone, both, split, company):
        assert each.is_met
        assert each.gifts == ()
        assert each.values == {MAY_EARN: may_earn}


def test_everybody_of_the_role_is_given_it_in_order_of_ids() -> None:
    people = [
        a_person(3, MayEarn.YES),
        a_person(1, MayEarn.NO_CONSENT),
        a_person(4, MayEarn.YES, "owner"),
        a_person(2, MayEarn.FOR_COMPANY),
    ]

    verdict = judged(Beneficiary.ROLE, MayEarn.YES, people)

    assert verdict.favours == (
        (verdict.rule, EMPLOYEE, MayEarn.NO_CONSENT, 1),
        (verdict.rule, EMPLOYEE, MayEarn.ROLE_NOT_NAMED, 2),
        (verdict.rule, EMPLOYEE, None, 3),
    )


def test_nobody_of_the_role_is_given_nothing() -> None:
    verdict = judged(Beneficiary.ROLE, MayEarn.YES, [a_person(4, MayEarn.YES, "owner")])

    assert verdict.favours == ((verdict.rule, EMPLOYEE, MayEarn.NOBODY_OF_ROLE, None),)
    assert said(verdict, 0) == "Nothing is given: nobody in the role took part."


def test_unmet_rule_has_no_favours() -> None:
    [verdict] = evaluate([EarningRule(1, "rule", "Rule", ALWAYS, Fixed(7), Beneficiary.COMPANY)], {})

    assert verdict.favours == ()


@pytest.mark.parametrize(
    ("verdict", "times", "sentence"),
    [
        (judged(Beneficiary.COMPANY), 1, "Applies: the badge “First order”."),
        (judged(Beneficiary.COMPANY), 2, "Applies: the badge “First order”."),
        (
            judged(Beneficiary.COMPANY),
            0,
            "Applies, but the badge “First order” was given before, or a limit let nothing through.",
        ),
        (judged(Beneficiary.EMPLOYEE), 0, NO_EMPLOYEE),
        (judged(Beneficiary.EMPLOYEE, MayEarn.FOR_COMPANY), 0, NO_ROLE),
        (judged(Beneficiary.EMPLOYEE, MayEarn.ONE_WALLET), 1, "Applies: the badge “First order”."),
        (
            judged(Beneficiary.BOTH, MayEarn.NO_CONSENT),
            1,
            f"Applies: the badge “First order”. For the employee: {NO_CONSENT}",
        ),
        (
            judged(Beneficiary.BOTH),
            0,
            "Applies, but the badge “First order” was given before, or a limit let nothing through. For the employee: "
            f"{NO_EMPLOYEE}",
        ),
        (
            judged(Beneficiary.ROLE, None, [a_person(1, MayEarn.NO_CONSENT), a_person(2, MayEarn.ROLE_NOT_NAMED)]),
            0,
            f"{NO_CONSENT} {NO_ROLE}",
        ),
        (
            judged(Beneficiary.ROLE, None, [a_person(1, MayEarn.NO_CONSENT), a_person(2, MayEarn.NO_CONSENT)]),
            0,
            NO_CONSENT,
        ),
    ],
)
def test_verdict_says_why_it_was_given_or_not(verdict: Verdict, times: int, sentence: str) -> None:
    assert said(verdict, times) == sentence


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        (Beneficiary.COMPANY, "Purchase: the badge “First order” to the company."),
        (Beneficiary.ROLE, "Purchase: the badge “First order” to everybody in the role Buyer who took part."),
    ],
)
def test_rule_says_what_it_gives(to: Beneficiary, sentence: str) -> None:
    assert rule_sentence(a_rule(to), when="Purchase", catalogue=CATALOGUE, translate=PLAIN) == sentence


def test_formula_of_such_a_rule_gives_no_points() -> None:
    assert NOTHING.exact({}) == 0
    assert NOTHING.give({}) == NOTHING.give_without_campaign({}) == 0
    assert NOTHING.sentence({}, PLAIN) == ""
    assert not NOTHING.facts
    assert NOTHING.campaign_on(date(2028, 1, 1)) is None


def test_formula_without_multipliers_knows_no_campaign() -> None:
    per = Per(2, Decimal(10), "activity.amount")

    assert per.campaign_on(date(2028, 1, 1)) is None
    assert per.give_without_campaign({"activity.amount": Decimal(35)}) == 6
