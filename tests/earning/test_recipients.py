"""Who gets what: shares of company and person, everybody of a role, and what becomes of what a person may not have."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.conditions import ALWAYS, Catalogue, Fact, FactType, Values
from accounts.wording import PLAIN
from loyalty.earning import (
    DAY,
    MAY_EARN,
    Beneficiary,
    Campaign,
    Cap,
    CapSubject,
    Combining,
    Counts,
    EarningRule,
    Fixed,
    Gift,
    MayEarn,
    Period,
    Person,
    Scheme,
    cap_sentence,
    evaluate,
    may_earn_by,
    parse_formula,
    people_from_json,
    people_to_json,
    rule_sentence,
    verdict_sentence,
)

COMPANY, EMPLOYEE = CapSubject.COMPANY, CapSubject.EMPLOYEE
CATALOGUE: Catalogue = {
    "employee.roles": Fact("employee.roles", FactType.SET, "roles", choices=(("buyer", "Buyer"),)),
    "activity.amount": Fact("activity.amount", FactType.NUMBER, "amount"),
}
BUYERS = [Person(number, MayEarn.YES, frozenset({"buyer"})) for number in (3, 1, 2)]
OWNER = Person(9, MayEarn.YES, frozenset({"owner"}))


def gifts(
    points: int,
    to: Beneficiary,
    *,
    may_earn: MayEarn = MayEarn.YES,
    people: Sequence[Person] = (),
    share: int = 0,
    is_divided: bool = False,
) -> tuple[Gift, ...]:
    role = "buyer" if to is Beneficiary.ROLE else ""
    rule = EarningRule(
        1, "rule", "Rule", ALWAYS, Fixed(points), to, person_share=share, role=role, is_divided=is_divided
    )
    [verdict] = evaluate([rule], {MAY_EARN: may_earn.value}, people)
    return verdict.gifts


def plain(given: Sequence[Gift]) -> list[tuple[CapSubject, int | None, int, MayEarn | None]]:
    return [(gift.to, gift.person_id, gift.points, gift.refusal) for gift in given]


@pytest.mark.parametrize(
    ("points", "share", "company", "person"),
    [(100, 40, 60, 40), (99, 50, 50, 49), (1, 99, 1, 0), (7, 1, 7, 0), (0, 50, 0, 0), (101, 99, 2, 99)],
)
def test_split_gives_parts_of_a_point_to_the_company(points: int, share: int, company: int, person: int) -> None:
    given = gifts(points, Beneficiary.SPLIT, share=share)

    assert plain(given) == [(COMPANY, None, company, None), (EMPLOYEE, None, person, None)]


def test_share_of_somebody_who_may_not_earn_lapses_or_goes_to_the_company() -> None:
    lapsed = gifts(100, Beneficiary.SPLIT, share=40, may_earn=MayEarn.ROLE_NOT_NAMED)
    gone_over = gifts(100, Beneficiary.SPLIT, share=40, may_earn=MayEarn.FOR_COMPANY)

    assert plain(lapsed) == [(COMPANY, None, 60, None), (EMPLOYEE, None, 0, MayEarn.ROLE_NOT_NAMED)]
    assert plain(gone_over) == [(COMPANY, None, 60, None), (COMPANY, None, 40, MayEarn.FOR_COMPANY)]
    assert [gift.is_instead for gift in gone_over] == [False, True]


def test_everybody_of_the_role_gets_the_whole_in_order_of_ids() -> None:
    given = gifts(10, Beneficiary.ROLE, people=[*BUYERS, OWNER])

    assert plain(given) == [(EMPLOYEE, number, 10, None) for number in (1, 2, 3)]


@pytest.mark.parametrize(("points", "parts"), [(10, [4, 3, 3]), (11, [4, 4, 3]), (12, [4, 4, 4]), (2, [1, 1, 0])])
def test_divided_among_a_role_adds_up_to_the_whole(points: int, parts: list[int]) -> None:
    given = gifts(points, Beneficiary.ROLE, people=BUYERS, is_divided=True)

    assert [gift.points for gift in given] == parts


def test_one_of_a_role_who_may_not_earn_does_not_make_the_others_parts_larger() -> None:
    people = [
        BUYERS[0],
        Person(1, MayEarn.FOR_COMPANY, frozenset({"buyer"})),
        BUYERS[2]._replace(may_earn=MayEarn.NO_CONSENT),
    ]

    given = gifts(10, Beneficiary.ROLE, people=people, is_divided=True)

    assert plain(given) == [
        (COMPANY, 1, 4, MayEarn.FOR_COMPANY),
        (EMPLOYEE, 2, 0, MayEarn.NO_CONSENT),
        (EMPLOYEE, 3, 3, None),
    ]


def test_nobody_of_the_role_is_said() -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, Fixed(10), Beneficiary.ROLE, role="buyer")

    [verdict] = evaluate([rule], {}, [OWNER])

    assert verdict.gifts == (Gift(rule, EMPLOYEE, 0, MayEarn.NOBODY_OF_ROLE),)
    assert verdict_sentence(verdict, granted=0, catalogue=CATALOGUE, translate=PLAIN) == (
        "No points: nobody in the role took part."
    )


SPRING = Scheme(
    {"spring": Campaign("spring", "Spring", date(2026, 3, 1), date(2026, 3, 31), Decimal("1.5"))}, Combining.MULTIPLY
)
CAMPAIGN_FORMULA = parse_formula(
    {"kind": "per", "points": 1, "step": "1", "of": "activity.amount", "multipliers": {"campaigns": ["spring"]}},
    {**CATALOGUE, DAY: Fact(DAY, FactType.DATE, "day")},
    SPRING,
)


@given(
    amount=st.integers(0, 10**6),
    share=st.integers(1, 99),
    people=st.integers(1, 7),
    to=st.sampled_from([Beneficiary.SPLIT, Beneficiary.ROLE]),
)
def test_parts_add_up_and_none_has_more_of_a_campaign_than_points(
    amount: int, share: int, people: int, to: Beneficiary
) -> None:
    rule = EarningRule(
        1, "rule", "Rule", ALWAYS, CAMPAIGN_FORMULA, to, person_share=share, role="buyer", is_divided=True
    )
    values: Values = {"activity.amount": Decimal(amount), DAY: date(2026, 3, 5), MAY_EARN: MayEarn.YES.value}
    buyers = [Person(number, MayEarn.YES, frozenset({"buyer"})) for number in range(people)]

    [verdict] = evaluate([rule], values, buyers)

    assert sum(gift.points for gift in verdict.gifts) == amount * 3 // 2
    assert sum(gift.from_campaign for gift in verdict.gifts) == amount * 3 // 2 - amount
    assert all(0 <= gift.from_campaign <= gift.points for gift in verdict.gifts)


@pytest.mark.parametrize(
    ("consent", "roles", "is_for_company", "expected"),
    [
        (None, {"buyer"}, True, MayEarn.NO_CONSENT),
        ((), set(), False, MayEarn.YES),
        (("buyer",), {"buyer", "owner"}, False, MayEarn.YES),
        (("buyer",), {"owner"}, False, MayEarn.ROLE_NOT_NAMED),
        (("buyer",), {"owner"}, True, MayEarn.FOR_COMPANY),
        (("buyer",), set(), True, MayEarn.FOR_COMPANY),
    ],
)
def test_consent_says_who_may_earn_and_where_the_rest_goes(
    consent: tuple[str, ...] | None, roles: set[str], is_for_company: bool, expected: MayEarn
) -> None:
    assert may_earn_by(consent, frozenset(roles), is_for_company=is_for_company) is expected


def test_people_are_kept_and_read_again() -> None:
    people = (*BUYERS, Person(4, MayEarn.NO_CONSENT, frozenset()))

    assert people_from_json(people_to_json(people)) == people  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("to", "share", "is_divided", "text"),
    [
        (
            Beneficiary.SPLIT,
            40,
            False,
            "Purchase: 10 points, of which 40 % to the employee and the rest to the company.",
        ),
        (Beneficiary.ROLE, 0, False, "Purchase: 10 points to everybody in the role Buyer who took part."),
        (
            Beneficiary.ROLE,
            0,
            True,
            "Purchase: 10 points, shared equally by everybody in the role Buyer who took part.",
        ),
    ],
)
def test_recipients_are_said(to: Beneficiary, share: int, is_divided: bool, text: str) -> None:
    role = "buyer" if to is Beneficiary.ROLE else ""
    rule = EarningRule(1, "rule", "Rule", ALWAYS, Fixed(10), to, (), share, role, is_divided)

    assert rule_sentence(rule, when="Purchase", catalogue=CATALOGUE, translate=PLAIN) == text


@pytest.mark.parametrize(
    ("cap", "counter", "text"),
    [
        (Cap(COMPANY, Period.MONTH, 3, Counts.TIMES), "times:rule", "at most 3 times a month per company"),
        (Cap(COMPANY, Period.DAY, 1, Counts.TIMES), "times:rule", "once a day per company"),
        (
            Cap(EMPLOYEE, Period.EVER, 1, Counts.TIMES, is_per_object=True),
            "object:times:rule",
            "only once per person for each product code",
        ),
        (
            Cap(COMPANY, Period.YEAR, 50, is_per_object=True),
            "object:rule",
            "at most 50 points a year per company for each product code",
        ),
        (
            Cap(COMPANY, Period.MONTH, 100, shared_as="money", name="Money back"),
            "shared:money",
            "at most 100 points a month per company from all rules for “Money back” together",
        ),
    ],
)
def test_limits_are_said_and_counted_apart(cap: Cap, counter: str, text: str) -> None:
    assert cap_sentence(cap, PLAIN) == text
    assert cap.counter("rule") == counter


def test_every_kind_of_limit_has_a_counter_of_its_own() -> None:
    kinds = [Cap(COMPANY, Period.DAY, 1, counts, each) for counts, each in product(Counts, (False, True))]

    assert len({cap.counter("rule") for cap in kinds}) == 4


def test_role_that_is_gone_is_said_by_its_code() -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, Fixed(10), Beneficiary.ROLE, role="driver")

    for catalogue in (CATALOGUE, {}):
        assert rule_sentence(rule, when="Purchase", catalogue=catalogue, translate=PLAIN) == (
            "Purchase: 10 points to everybody in the role driver who took part."
        )


def test_each_reason_is_said_once() -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, Fixed(10), Beneficiary.ROLE, role="buyer")
    reasons = [MayEarn.NO_CONSENT, MayEarn.ROLE_NOT_NAMED, MayEarn.NO_CONSENT]
    people = [Person(number, reason, frozenset({"buyer"})) for number, reason in enumerate(reasons)]

    [verdict] = evaluate([rule], {}, people)

    assert verdict_sentence(verdict, granted=0, catalogue=CATALOGUE, translate=PLAIN) == (
        "No points: the company's management had not agreed that its people earn points. No points: the company's "
        "management had not agreed to this role earning points."
    )


def test_both_parts_of_a_split_tell_what_of_them_the_campaign_added() -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, CAMPAIGN_FORMULA, Beneficiary.SPLIT, person_share=33)
    facts: Values = {"activity.amount": Decimal(101), DAY: date(2026, 3, 5), MAY_EARN: MayEarn.YES.value}

    [verdict] = evaluate([rule], facts)

    # 151, of which 101 without the campaign: 102 of 68, and 49 of 33.
    assert verdict.gifts == (Gift(rule, COMPANY, 102, None, 34), Gift(rule, EMPLOYEE, 49, None, 16))
    [gone_over] = evaluate([rule], {**facts, MAY_EARN: MayEarn.FOR_COMPANY.value})
    assert gone_over.gifts[1] == Gift(rule, COMPANY, 49, MayEarn.FOR_COMPANY, 16, is_instead=True)


@pytest.mark.parametrize("to", Beneficiary)
@pytest.mark.parametrize("may_earn", MayEarn)
def test_verdict_and_each_gift_name_their_rule_and_the_facts(to: Beneficiary, may_earn: MayEarn) -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, Fixed(10), to, person_share=50, role="buyer")
    facts: Values = {MAY_EARN: may_earn.value}

    [verdict] = evaluate([rule], facts, [Person(1, may_earn, frozenset({"buyer"}))])

    assert verdict.rule is rule
    assert verdict.values is facts
    assert {gift.to for gift in verdict.gifts} <= {COMPANY, EMPLOYEE}
    assert all(gift.rule is rule for gift in verdict.gifts)
