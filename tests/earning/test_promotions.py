"""Promotions in the calculation: whose points they raise, beside campaigns and shares, and what they add."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

import pytest

from accounts.conditions import ALWAYS, Values, parse
from accounts.wording import PLAIN
from loyalty.earning import (
    AMOUNT,
    DAY,
    MAY_EARN,
    Beneficiary,
    Campaign,
    CapSubject,
    Combining,
    EarningRule,
    Gift,
    MayEarn,
    Person,
    Promotion,
    Scheme,
    campaign_beside,
    evaluate,
    evaluate_met,
    parse_formula,
    parted,
    verdict_sentence,
)
from loyalty.facts import catalogue_of

ANNA, BEN = 7, 8
COMPANY, EMPLOYEE = CapSubject.COMPANY, CapSubject.EMPLOYEE
BUYERS = frozenset({"buyer"})
VALUES: Values = {AMOUNT: Decimal(101), DAY: date(2026, 3, 5), MAY_EARN: MayEarn.YES.value}
TWICE = Promotion(1, Decimal(2))
FOR_ANNA = Promotion(2, Decimal(3), employee_id=ANNA)


class _Badge:
    def sentence(self, translate: object) -> str:
        return "the badge “First”"


def a_rule(
    beneficiary: Beneficiary = Beneficiary.COMPANY,
    *,
    campaign: str | None = None,
    combining: Combining = Combining.MULTIPLY,
    share: int = 0,
    role: str = "",
    is_divided: bool = False,
) -> EarningRule:
    """1 point for each full 1 of amount."""
    document: dict[str, object] = {"kind": "per", "points": 1, "step": "1", "of": AMOUNT}
    campaigns = {}
    if campaign is not None:
        document["multipliers"] = {"campaigns": ["spring"]}
        campaigns["spring"] = Campaign(
            "spring", "Spring", date(2026, 3, 1), date(2026, 3, 31), Decimal(campaign), budget=500
        )
    formula = parse_formula(document, catalogue_of(()), Scheme(campaigns, combining))
    return EarningRule(
        1, "rule", "Rule", ALWAYS, formula, beneficiary, person_share=share, role=role, is_divided=is_divided
    )


def given(rule: EarningRule, *promotions: Promotion, may_earn: MayEarn = MayEarn.YES) -> list[tuple[object, ...]]:
    """To whom how many points, and how many of them a promotion and a campaign added."""
    people = [Person(ANNA, may_earn, BUYERS), Person(BEN, may_earn, BUYERS)]
    values = {**VALUES, MAY_EARN: may_earn.value}
    [verdict] = evaluate([rule], values, people, promotions=promotions, person_id=ANNA)
    return [(gift.to, gift.points, gift.from_promotion, gift.from_campaign) for gift in verdict.gifts]


@pytest.mark.parametrize(
    ("rule", "of_company", "of_anna"),
    [
        (a_rule(), [(COMPANY, 202, 101, 0)], [(COMPANY, 101, 0, 0)]),
        (a_rule(Beneficiary.EMPLOYEE), [(EMPLOYEE, 202, 101, 0)], [(EMPLOYEE, 303, 202, 0)]),
        (
            a_rule(Beneficiary.BOTH),
            [(COMPANY, 202, 101, 0), (EMPLOYEE, 202, 101, 0)],
            [(COMPANY, 101, 0, 0), (EMPLOYEE, 303, 202, 0)],
        ),
        # 40 of 101 and 80 of 202: the company has 61 and 122; of 303 the person has 121.
        (
            a_rule(Beneficiary.SPLIT, share=40),
            [(COMPANY, 122, 61, 0), (EMPLOYEE, 80, 40, 0)],
            [(COMPANY, 61, 0, 0), (EMPLOYEE, 121, 81, 0)],
        ),
        (
            a_rule(Beneficiary.ROLE, role="buyer"),
            [(EMPLOYEE, 202, 101, 0), (EMPLOYEE, 202, 101, 0)],
            [(EMPLOYEE, 303, 202, 0), (EMPLOYEE, 101, 0, 0)],
        ),
        (
            a_rule(Beneficiary.ROLE, role="buyer", is_divided=True),
            [(EMPLOYEE, 101, 50, 0), (EMPLOYEE, 101, 51, 0)],
            [(EMPLOYEE, 152, 101, 0), (EMPLOYEE, 50, 0, 0)],
        ),
    ],
    ids=["company", "employee", "both", "split", "role", "role divided"],
)
def test_promotion_of_a_company_raises_all_and_one_of_a_person_that_persons(
    rule: EarningRule, of_company: list[object], of_anna: list[object]
) -> None:
    assert given(rule, TWICE) == of_company
    assert given(rule, FOR_ANNA) == of_anna


@pytest.mark.parametrize("may_earn", [MayEarn.FOR_COMPANY, MayEarn.ONE_WALLET])
def test_where_the_company_gets_a_persons_points_a_promotion_of_the_person_adds_nothing(may_earn: MayEarn) -> None:
    rule = a_rule(Beneficiary.EMPLOYEE)

    assert given(rule, FOR_ANNA, may_earn=may_earn) == [(COMPANY, 101, 0, 0)]
    assert given(rule, TWICE, may_earn=may_earn) == [(COMPANY, 202, 101, 0)]


def test_without_consent_no_promotion_adds_anything_to_a_person() -> None:
    rule = a_rule(Beneficiary.EMPLOYEE)

    for promotion in (FOR_ANNA, TWICE):
        assert given(rule, promotion, may_earn=MayEarn.NO_CONSENT) == [(EMPLOYEE, 0, 0, 0)]


@pytest.mark.parametrize(
    ("codes", "points"), [((), 202), (("rule",), 202), (("other",), 101), (("other", "rule"), 202)]
)
def test_promotion_speaks_of_the_rules_that_it_names(codes: tuple[str, ...], points: int) -> None:
    assert given(a_rule(), Promotion(1, Decimal(2), frozenset(codes)))[0][1] == points


@pytest.mark.parametrize(
    ("combining", "campaign", "expected", "alone"),
    [
        # times 2 by the promotion, then times 1.5 by the campaign; or the higher of the two.
        (Combining.MULTIPLY, "1.5", (COMPANY, 303, 101, 101), 50),
        (Combining.HIGHEST, "1.5", (COMPANY, 202, 101, 0), 50),
        (Combining.HIGHEST, "3", (COMPANY, 303, 101, 101), 202),
    ],
)
def test_promotion_meets_a_campaign_as_the_version_says(
    combining: Combining, campaign: str, expected: tuple[object, ...], alone: int
) -> None:
    rule = a_rule(campaign=campaign, combining=combining)

    [verdict] = evaluate([rule], VALUES, promotions=[TWICE])

    assert given(rule, TWICE) == [expected]
    assert verdict.gifts[0].campaign_alone == alone
    # With nothing of the promotion the rule gives what the campaign makes of it; with all, what both do.
    [without] = evaluate([rule], VALUES)
    gift = verdict.gifts[0]
    assert 101 + campaign_beside(gift, 0) == without.gifts[0].points
    assert gift.promotion is TWICE
    assert 101 + 101 + campaign_beside(gift, 101) == gift.points
    assert all(0 <= campaign_beside(gift, part) <= gift.points - 101 - part for part in range(102))


def test_between_none_and_all_of_a_promotion_a_campaign_adds_in_proportion_and_parts_of_a_point_fall_away() -> None:
    gift = Gift(a_rule(), COMPANY, 171, from_campaign=31, promotion=TWICE, from_promotion=40, campaign_alone=20)

    # Beyond the 20 that it adds alone, of 11 more a quarter is 2.75 and three quarters are 8.25.
    assert [campaign_beside(gift, part) for part in (0, 10, 30, 40)] == [20, 22, 28, 31]


def test_campaign_never_adds_more_than_is_left_of_a_gift_that_was_parted() -> None:
    gift = Gift(a_rule(), EMPLOYEE, 100, from_campaign=30, promotion=TWICE, from_promotion=40, campaign_alone=60)

    own, _rest = parted(gift, at=50)

    # 30 of what it adds alone would be left, but of the gift only the promotion's 20 lie above what neither adds.
    assert (own.from_campaign, own.from_promotion, own.campaign_alone) == (0, 20, 30)
    assert [campaign_beside(own, part) for part in (0, 1, 19, 20)] == [20, 19, 1, 0]


def test_gift_is_parted_from_above_the_campaigns_points_first_and_a_persons_promotion_stays_with_the_person() -> None:
    rule = a_rule(Beneficiary.EMPLOYEE)
    gift = Gift(rule, EMPLOYEE, 100, None, 30, promotion=FOR_ANNA, from_promotion=40, campaign_alone=20)

    own, rest = parted(gift, at=50)
    _own, of_company = parted(gift._replace(promotion=TWICE), at=50)

    assert (own.points, own.from_promotion, own.from_campaign, own.campaign_alone) == (50, 20, 0, 0)
    assert (rest.to, rest.is_instead, rest.points, rest.from_promotion, rest.from_campaign) == (
        COMPANY,
        True,
        30,
        0,
        30,
    )
    assert rest.promotion is None
    assert (of_company.points, of_company.from_promotion, of_company.promotion) == (50, 20, TWICE)


def test_small_part_takes_of_the_campaigns_points_alone() -> None:
    rule = a_rule(Beneficiary.EMPLOYEE)
    gift = Gift(rule, EMPLOYEE, 100, None, 30, promotion=TWICE, from_promotion=40, campaign_alone=20)

    assert parted(gift, at=95) == (
        gift._replace(points=95, from_campaign=25, campaign_alone=15),
        gift._replace(to=COMPANY, is_instead=True, points=5, from_campaign=5, from_promotion=0, campaign_alone=5),
    )


def test_verdicts_on_met_rules_alone_are_those_of_all_rules() -> None:
    large, small = (
        parse({"fact": AMOUNT, "op": operator, "value": 100}, catalogue_of(())) for operator in ("gte", "lt")
    )
    kinds = [
        a_rule(Beneficiary.COMPANY, campaign="1.5"),
        a_rule(Beneficiary.SPLIT, share=40),
        a_rule(Beneficiary.BOTH, campaign="3"),
        a_rule(Beneficiary.ROLE, role="buyer", is_divided=True),
        replace(a_rule(Beneficiary.ROLE, role="owner"), effect=_Badge()),
        replace(a_rule(Beneficiary.EMPLOYEE), effect=_Badge()),
    ]
    rules = [replace(rule, condition=condition) for rule in kinds for condition in (large, small, ALWAYS)]
    people = [Person(ANNA, MayEarn.YES, BUYERS), Person(BEN, MayEarn.NO_CONSENT, BUYERS | {"owner"})]

    for amount, promotions, person_id in product(
        (99, 100), ([], [TWICE], [FOR_ANNA], [replace(FOR_ANNA, employee_id=BEN)]), (ANNA, BEN, None)
    ):
        values = {**VALUES, AMOUNT: Decimal(amount)}
        all_of_them = evaluate(rules, values, people, promotions=promotions, person_id=person_id)
        met = evaluate_met(rules, values, people, promotions=promotions, person_id=person_id)

        assert met == [verdict for verdict in all_of_them if verdict.is_met]
        assert len(met) == 12


def test_what_was_left_of_the_budget_of_a_promotion_is_said() -> None:
    rule = a_rule(campaign="1.5")
    [verdict] = evaluate([rule], VALUES, promotions=[replace(TWICE, factor=Decimal(20))])

    said = verdict_sentence(verdict, granted=1200, catalogue=catalogue_of(()), translate=PLAIN, is_budget_spent=True)

    assert " would be 3,030; what was left of the budget made it 1,200. Here: " in said
    assert said.startswith("Applies: 1 point for each full ")


def test_formula_and_its_sentence_stay_as_they_are() -> None:
    rule = a_rule()

    [verdict] = evaluate([rule], VALUES, promotions=[TWICE])

    assert verdict.rule is rule
    assert given(rule) == [(COMPANY, 101, 0, 0)]
