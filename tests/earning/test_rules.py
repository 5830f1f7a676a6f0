"""Rules over facts: what each gives to whom, why or why not, and how both read."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.conditions import ALWAYS, Catalogue, Condition, Fact, FactType, Value, parse
from accounts.wording import PLAIN
from loyalty.earning import (
    MAX_POINTS,
    MAY_EARN,
    Beneficiary,
    Cap,
    CapSubject,
    EarningRule,
    Fixed,
    Formula,
    MayEarn,
    Per,
    Percent,
    Period,
    Verdict,
    evaluate,
    rule_sentence,
    verdict_sentence,
)

AMOUNT, TIER = "activity.amount", "standing.tier"
CATALOGUE: Catalogue = {
    AMOUNT: Fact(AMOUNT, FactType.NUMBER, "amount", "GBP"),
    TIER: Fact(TIER, FactType.CHOICE, "tier", choices=(("gold", "Gold"), ("silver", "Silver"))),
}
BIG_GOLD = parse(
    {"all": [{"fact": AMOUNT, "op": "gte", "value": 100}, {"fact": TIER, "op": "eq", "value": "gold"}]}, CATALOGUE
)
SEVEN = Fixed(7)
TO_COMPANY, TO_EMPLOYEE, TO_BOTH = Beneficiary.COMPANY, Beneficiary.EMPLOYEE, Beneficiary.BOTH


def a_rule(
    formula: Formula = SEVEN, to: Beneficiary = TO_COMPANY, condition: Condition = ALWAYS, *caps: Cap
) -> EarningRule:
    return EarningRule(1, "rule", "Rule", condition, formula, to, caps)


def judged(rule: EarningRule, **facts: Value) -> Verdict:
    values = {AMOUNT: facts.get("amount"), TIER: facts.get("tier"), MAY_EARN: facts.get("may_earn")}
    [verdict] = evaluate([rule], values)
    return verdict


def given_to(verdict: Verdict) -> list[tuple[CapSubject, int, MayEarn | None]]:
    return [(gift.to, gift.points, gift.refusal) for gift in verdict.gifts]


@pytest.mark.parametrize(
    ("to", "may_earn", "gifts"),
    [
        (TO_COMPANY, None, [(CapSubject.COMPANY, 7, None)]),
        (TO_COMPANY, MayEarn.NO_CONSENT, [(CapSubject.COMPANY, 7, None)]),
        (TO_EMPLOYEE, MayEarn.YES, [(CapSubject.EMPLOYEE, 7, None)]),
        (TO_EMPLOYEE, None, [(CapSubject.EMPLOYEE, 0, MayEarn.NO_EMPLOYEE)]),
        (TO_EMPLOYEE, MayEarn.NO_CONSENT, [(CapSubject.EMPLOYEE, 0, MayEarn.NO_CONSENT)]),
        (TO_EMPLOYEE, MayEarn.ROLE_NOT_NAMED, [(CapSubject.EMPLOYEE, 0, MayEarn.ROLE_NOT_NAMED)]),
        (TO_BOTH, MayEarn.YES, [(CapSubject.COMPANY, 7, None), (CapSubject.EMPLOYEE, 7, None)]),
        (TO_BOTH, MayEarn.NO_CONSENT, [(CapSubject.COMPANY, 7, None), (CapSubject.EMPLOYEE, 0, MayEarn.NO_CONSENT)]),
    ],
)
def test_met_rule_gives_to_its_beneficiaries_and_names_a_refusal(
    to: Beneficiary, may_earn: MayEarn | None, gifts: list[tuple[CapSubject, int, MayEarn | None]]
) -> None:
    verdict = judged(a_rule(to=to), may_earn=may_earn and may_earn.value)

    assert verdict.is_met
    assert given_to(verdict) == gifts
    assert [gift.to for gift in verdict.gifts] == list(verdict.rule.recipients)


@pytest.mark.parametrize(
    ("amount", "tier", "failed"),
    [
        (Decimal(99), "gold", ["all[0]"]),
        (Decimal(100), "silver", ["all[1]"]),
        (Decimal(99), "silver", ["all[0]", "all[1]"]),
        (None, None, ["all[0]", "all[1]"]),
    ],
)
def test_unmet_rule_gives_nothing_and_names_what_failed(
    amount: Decimal | None, tier: str | None, failed: list[str]
) -> None:
    verdict = judged(a_rule(condition=BIG_GOLD), amount=amount, tier=tier)

    assert not verdict.is_met
    assert verdict.gifts == ()
    assert [outcome.path for outcome in verdict.failures] == failed


def test_every_rule_gets_a_verdict_in_the_rules_order() -> None:
    rules = [
        a_rule(Fixed(points), condition=condition) for points, condition in [(1, ALWAYS), (2, BIG_GOLD), (3, ALWAYS)]
    ]

    verdicts = evaluate(rules, {AMOUNT: Decimal(5)})

    assert [verdict.rule for verdict in verdicts] == rules
    assert [verdict.is_met for verdict in verdicts] == [True, False, True]


amounts = st.decimals(0, 10**12, places=4)
values = st.fixed_dictionaries(
    {
        AMOUNT: st.none() | st.decimals(allow_nan=False, allow_infinity=False) | amounts,
        TIER: st.none() | st.sampled_from(["gold", "silver"]),
        MAY_EARN: st.none() | st.sampled_from([may.value for may in MayEarn]),
    }
)
steps = st.decimals("0.0001", 10**9, places=4)
rates = st.decimals("0.0001", 10_000, places=4)
growing = st.builds(Per, st.integers(1, 10**9), steps, st.just(AMOUNT)) | st.builds(Percent, rates, st.just(AMOUNT))
formulas = growing | st.builds(Fixed, st.integers(1, 10**9))
rules = st.builds(a_rule, formulas, st.sampled_from([*Beneficiary]), st.sampled_from([ALWAYS, BIG_GOLD]))


@given(rules=st.lists(rules, max_size=5), facts=values)
def test_gifts_are_whole_never_negative_and_never_above_the_most(
    rules: list[EarningRule], facts: dict[str, Value]
) -> None:
    for verdict in evaluate(rules, facts):
        for gift in verdict.gifts:
            assert type(gift.points) is int
            assert 0 <= gift.points <= MAX_POINTS
            assert gift.refusal is None or gift.points == 0 or gift.refusal.goes_to_company
            assert not gift.is_instead or gift.to is CapSubject.COMPANY
        assert verdict.is_met == bool(verdict.gifts)
        assert verdict.is_met != bool(verdict.failures)


@given(formula=growing, one=amounts, other=amounts)
def test_more_money_never_gives_fewer_points(formula: Formula, one: Decimal, other: Decimal) -> None:
    less, more = sorted((one, other))

    assert formula.give({AMOUNT: less}) <= formula.give({AMOUNT: more})


@given(formula=growing, parts=st.lists(amounts, max_size=5))
def test_buying_in_parts_never_gives_more_than_buying_at_once(formula: Formula, parts: list[Decimal]) -> None:
    in_parts = sum(formula.give({AMOUNT: part}) for part in parts)

    assert min(in_parts, MAX_POINTS) <= formula.give({AMOUNT: sum(parts, Decimal(0))})


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (a_rule(), "Purchase: 7 points to the company."),
        (
            a_rule(Per(2, Decimal(10), AMOUNT), TO_EMPLOYEE),
            "Purchase: 2 points for each full 10 GBP of amount to the employee.",
        ),
        (
            a_rule(Fixed(7), TO_BOTH, BIG_GOLD, Cap(CapSubject.COMPANY, Period.MONTH, 500)),
            "Purchase, only if amount is at least 100 GBP and tier is Gold: 7 points to the company and the same to "
            "the employee, at most 500 points a month per company.",
        ),
    ],
)
def test_rule_reads_as_a_sentence(rule: EarningRule, sentence: str) -> None:
    assert rule_sentence(rule, when="Purchase", catalogue=CATALOGUE, translate=PLAIN) == sentence


@pytest.mark.parametrize(
    ("verdict", "granted", "sentence"),
    [
        (judged(a_rule()), 7, "Applies: 7 points."),
        (judged(a_rule()), 3, "Applies: 7 points would be 7; a limit let 3 through."),
        (
            judged(a_rule(to=TO_EMPLOYEE), may_earn=MayEarn.NO_CONSENT.value),
            0,
            "No points: the company's management had not agreed that its people earn points.",
        ),
        (
            judged(a_rule(to=TO_BOTH)),
            7,
            "Applies: 7 points. For the employee: No points: the activity names no employee.",
        ),
        (
            judged(a_rule(condition=BIG_GOLD), amount=Decimal(5), tier="silver"),
            0,
            "Does not apply: amount is at least 100 GBP, but was 5 GBP; tier is Gold, but was Silver.",
        ),
    ],
)
def test_verdict_says_why_or_why_not(verdict: Verdict, granted: int, sentence: str) -> None:
    assert verdict_sentence(verdict, granted=granted, catalogue=CATALOGUE, translate=PLAIN) == sentence


def test_verdict_tells_what_the_formula_met() -> None:
    rule = a_rule(Per(2, Decimal(10), AMOUNT))
    known, unknown = judged(rule, amount=Decimal("105.50")), judged(rule)

    told = [verdict_sentence(each, granted=0, catalogue=CATALOGUE, translate=PLAIN) for each in (known, unknown)]

    assert told == [
        "Applies: 2 points for each full 10 GBP of amount would be 20; a limit let 0 through. "
        "Here: amount was 105.50 GBP.",
        "Applies: 2 points for each full 10 GBP of amount. Here: amount is not known.",
    ]
