"""Campaigns: on which days they multiply, how factors combine, what a campaign adds, refused and said."""

import math
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.conditions import ALWAYS, Catalogue, Fact, FactType, Value
from accounts.wording import PLAIN
from loyalty.earning import (
    MAY_EARN,
    NO_SCHEME,
    Beneficiary,
    Campaign,
    Combining,
    EarningRule,
    Formula,
    FormulaError,
    MayEarn,
    Scheme,
    evaluate,
    parse_formula,
    points_to_budget,
    points_to_reverse,
    rule_sentence,
    verdict_sentence,
)

AMOUNT, TIER, DAY = "activity.amount", "standing.tier", "activity.day"
CATALOGUE: Catalogue = {
    AMOUNT: Fact(AMOUNT, FactType.NUMBER, "amount", "GBP"),
    TIER: Fact(TIER, FactType.CHOICE, "tier", choices=(("silver", "Silver"), ("gold", "Gold"))),
    DAY: Fact(DAY, FactType.DATE, "day"),
}
SPRING = Campaign("spring", "Spring", date(2028, 2, 28), date(2028, 3, 1), Decimal(2), budget=1_000)
AUTUMN = Campaign("autumn", "Autumn", date(2028, 10, 1), date(2028, 10, 31), Decimal("1.2"))
IN_SPRING = date(2028, 2, 29)
MULTIPLYING, HIGHEST = (Scheme({"spring": SPRING, "autumn": AUTUMN}, combining) for combining in Combining)


def per_ten(scheme: Scheme = MULTIPLYING, campaigns: Any = ("spring", "autumn"), **modifiers: Any) -> Formula:
    tiers = modifiers.pop("tiers", {"gold": "1.5"})
    multipliers = {"campaigns": [*campaigns], **({"tier": tiers} if tiers else {})}
    document = {"kind": "per", "points": 1, "step": "10", "of": AMOUNT, "multipliers": multipliers, **modifiers}
    return parse_formula(document, CATALOGUE, scheme)


def facts(amount: int, day: date | None, tier: str | None = None) -> dict[str, Value]:
    return {AMOUNT: Decimal(amount), DAY: day, TIER: tier, MAY_EARN: MayEarn.YES.value}


@pytest.mark.parametrize(
    ("day", "points"),
    [
        (date(2028, 2, 27), 10),
        (date(2028, 2, 28), 20),
        (date(2028, 2, 29), 20),
        (date(2028, 3, 1), 20),
        (date(2028, 3, 2), 10),
        (date(2028, 9, 30), 10),
        (date(2028, 10, 1), 12),
        (date(2028, 10, 31), 12),
        (date(2028, 11, 1), 10),
        (None, 10),
    ],
)
def test_campaign_multiplies_from_its_first_day_through_its_last(day: date | None, points: int) -> None:
    formula = per_ten()

    assert formula.give(facts(100, day)) == points
    if day is not None:
        assert (formula.campaign_on(day) is not None) == (points != 10)
    assert formula.give_without_campaign(facts(100, day)) == 10


@pytest.mark.parametrize(
    ("scheme", "tier", "day", "points"),
    [
        (MULTIPLYING, "gold", IN_SPRING, 300),
        (HIGHEST, "gold", IN_SPRING, 200),
        (HIGHEST, "gold", date(2028, 10, 1), 150),
        (MULTIPLYING, "gold", date(2028, 10, 1), 180),
        (MULTIPLYING, "silver", IN_SPRING, 200),
        (HIGHEST, "silver", IN_SPRING, 200),
        (MULTIPLYING, "gold", date(2028, 1, 1), 150),
        (HIGHEST, "gold", date(2028, 1, 1), 150),
        (HIGHEST, None, None, 100),
    ],
)
def test_factors_are_multiplied_or_the_highest_counts_as_the_version_says(
    scheme: Scheme, tier: str | None, day: date | None, points: int
) -> None:
    assert per_ten(scheme).give(facts(1000, day, tier)) == points


def test_tier_that_lowers_points_is_not_the_highest_factor_in_a_campaign() -> None:
    formula = per_ten(HIGHEST, tiers={"gold": "0.5"})

    assert [formula.give(facts(1000, day, "gold")) for day in (IN_SPRING, date(2028, 1, 1))] == [200, 50]


@pytest.mark.parametrize("to", [Beneficiary.COMPANY, Beneficiary.EMPLOYEE, Beneficiary.BOTH])
def test_gift_tells_what_of_it_the_campaign_added(to: Beneficiary) -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, per_ten(at_most=250), to)

    verdicts = [evaluate([rule], facts(amount, IN_SPRING, "gold"))[0] for amount in (100, 1_000, 5_000)]
    outside = evaluate([rule], facts(1_000, date(2028, 1, 1), "gold"))[0]

    # 10 x 1.5, then x 2; 150, then 300 cut to 250; 750 cut to 250 without any campaign.
    for verdict, expected in zip(verdicts, [(30, 15), (250, 100), (250, 0)], strict=True):
        assert {(gift.points, gift.from_campaign) for gift in verdict.gifts} == {expected}
    assert {(gift.points, gift.from_campaign) for gift in outside.gifts} == {(150, 0)}


def test_least_counts_without_the_campaign_too() -> None:
    formula = per_ten(at_least=7)

    assert [formula.give_without_campaign(facts(amount, IN_SPRING)) for amount in (9, 10, 80)] == [0, 7, 8]


def test_person_who_may_not_earn_is_given_nothing_of_a_campaign_either() -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, per_ten(), Beneficiary.BOTH)

    [verdict] = evaluate([rule], {**facts(100, IN_SPRING), MAY_EARN: MayEarn.NO_CONSENT.value})

    assert [(gift.points, gift.from_campaign) for gift in verdict.gifts] == [(20, 10), (0, 0)]


factors = st.decimals("1.0001", 100, places=4)


@given(
    tier=st.none() | st.decimals("0.01", 100, places=4),
    campaign=st.none() | factors,
    combining=st.sampled_from([*Combining]),
    amount=st.decimals(0, 10**9, places=4),
    rounding=st.sampled_from(["down", "up", "half up"]),
    at_most=st.none() | st.integers(1, 10**6),
)
def test_points_and_what_a_campaign_adds_are_those_of_a_plain_calculation(
    tier: Decimal | None,
    campaign: Decimal | None,
    combining: Combining,
    amount: Decimal,
    rounding: str,
    at_most: int | None,
) -> None:
    on = date(2028, 1, 1)
    scheme = Scheme({"c": Campaign("c", "C", on, on, campaign or Decimal(2))}, combining)
    formula = per_ten(
        scheme,
        ["c"],
        tiers=None if tier is None else {"gold": str(tier)},
        rounding=rounding,
        **({} if at_most is None else {"at_most": at_most}),
    )
    values = {**facts(0, on if campaign else on + timedelta(days=1), "gold"), AMOUNT: amount}

    def plainly(*present: Decimal | None) -> int:
        known = [Fraction(each) for each in present if each is not None]
        factor = (math.prod(known) if combining is Combining.MULTIPLY else max(known)) if known else Fraction(1)
        exact = (Fraction(amount) // 10) * factor
        whole = {"down": math.floor(exact), "up": math.ceil(exact), "half up": math.floor(exact + Fraction(1, 2))}
        return min(whole[rounding], at_most or 10**15)

    assert formula.give(values) == plainly(tier, campaign)
    assert formula.give_without_campaign(values) == plainly(tier)
    assert formula.give_without_campaign(values) <= formula.give(values)


@given(
    granted=st.integers(1, 10**9),
    share=st.fractions(0, 1),
    parts=st.lists(st.integers(1, 10**6), min_size=1, max_size=8),
    kept=st.integers(0, 10**6),
)
def test_any_split_of_a_return_gives_the_budget_the_same_back_and_a_whole_one_all(
    granted: int, share: Fraction, parts: list[int], kept: int
) -> None:
    from_campaign = int(granted * share)
    original = Decimal(sum(parts) + kept)
    back = reversed_ = returned = 0
    for part in parts:
        returned += part
        taken = points_to_reverse(
            granted=granted, already_reversed=reversed_, remaining=original - returned, original=original
        )
        freed = points_to_budget(
            from_campaign=from_campaign, granted=granted, reversed_before=reversed_, reversed_after=reversed_ + taken
        )
        assert 0 <= freed <= taken
        back, reversed_ = back + freed, reversed_ + taken

    assert back == points_to_budget(
        from_campaign=from_campaign, granted=granted, reversed_before=0, reversed_after=reversed_
    )
    assert 0 <= back <= from_campaign
    assert kept or back == from_campaign


def test_award_of_nothing_gives_a_budget_nothing_back() -> None:
    assert points_to_budget(from_campaign=0, granted=0, reversed_before=0, reversed_after=0) == 0


@pytest.mark.parametrize(
    ("campaigns", "says"),
    [
        ("spring", "multipliers.campaigns: 'spring' is not a list of 1 to 20 codes"),
        ([], "multipliers.campaigns: [] is not a list of 1 to 20 codes"),
        ([f"c{n}" for n in range(21)], "multipliers.campaigns: ['c0'"),
        (["sprng"], "multipliers.campaigns[0]: 'sprng' is not a campaign of this version; there are: autumn, spring."),
        ([7], "multipliers.campaigns[0]: 7 is not a campaign"),
        ([["spring"]], "multipliers.campaigns[0]: ['spring'] is not a campaign"),
        (["spring", "spring"], "multipliers.campaigns[1]: 'spring' overlaps 'spring'; a rule has one campaign"),
    ],
)
def test_campaigns_that_are_none_are_refused_by_their_place(campaigns: Any, says: str) -> None:
    document = {"kind": "fixed", "points": 1, "multipliers": {"campaigns": campaigns}}

    with pytest.raises(FormulaError) as refusal:
        parse_formula(document, CATALOGUE, MULTIPLYING)

    assert str(refusal.value).startswith(says)


@pytest.mark.parametrize(
    ("first", "last", "overlaps"),
    [((2, 1), (2, 27), False), ((2, 1), (2, 28), True), ((3, 1), (4, 1), True), ((3, 2), (4, 1), False)],
)
def test_campaigns_of_one_rule_never_overlap(first: tuple[int, int], last: tuple[int, int], overlaps: bool) -> None:
    other = Campaign("other", "Other", date(2028, *first), date(2028, *last), Decimal(3))
    scheme = Scheme({"spring": SPRING, "other": other})

    if overlaps:
        with pytest.raises(FormulaError, match="'other' overlaps 'spring'"):
            per_ten(scheme, ["spring", "other"])
    else:
        assert len(per_ten(scheme, ["spring", "other"]).campaigns) == 2


def test_version_without_campaigns_knows_none() -> None:
    with pytest.raises(FormulaError, match="'spring' is not a campaign of this version; there are: –"):
        per_ten(NO_SCHEME, ["spring"])


@pytest.mark.parametrize(
    ("scheme", "combine"),
    [
        (MULTIPLYING, "several factors are multiplied with each other"),
        (HIGHEST, "of several factors the highest counts alone"),
    ],
)
def test_rule_says_its_campaigns_and_how_factors_combine(scheme: Scheme, combine: str) -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, per_ten(scheme), Beneficiary.COMPANY)

    assert rule_sentence(rule, when="Purchase", catalogue=CATALOGUE, translate=PLAIN) == (
        "Purchase: 1 point for each full 10 GBP of amount to the company, times 1.5 where tier is Gold, times 2 from "
        "2028-02-28 through 2028-03-01 (“Spring”, which adds at most 1,000 points for all companies together), times "
        f"1.2 from 2028-10-01 through 2028-10-31 (“Autumn”), {combine}."
    )


def test_rule_of_campaigns_alone_has_nothing_to_combine() -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, per_ten(tiers=None), Beneficiary.COMPANY)

    without_tiers = {code: fact for code, fact in CATALOGUE.items() if code != TIER}

    assert "several" not in rule_sentence(rule, when="Purchase", catalogue=without_tiers, translate=PLAIN)


@pytest.mark.parametrize(
    ("scheme", "tier", "day", "told"),
    [
        (
            MULTIPLYING,
            "gold",
            IN_SPRING,
            "amount was 100 GBP; tier was Gold: times 1.5; day was 2028-02-29: times 2 for “Spring”; several factors "
            "are multiplied with each other: times 3.",
        ),
        (
            HIGHEST,
            "gold",
            IN_SPRING,
            "amount was 100 GBP; tier was Gold: times 1.5; day was 2028-02-29: times 2 for “Spring”; of several "
            "factors the highest counts alone: times 2.",
        ),
        (
            HIGHEST,
            "silver",
            IN_SPRING,
            "amount was 100 GBP; tier was Silver: not multiplied; day was 2028-02-29: times 2 for “Spring”.",
        ),
        (
            HIGHEST,
            "gold",
            date(2028, 1, 1),
            "amount was 100 GBP; tier was Gold: times 1.5; day was 2028-01-01: no campaign was on.",
        ),
    ],
)
def test_explanation_tells_which_factors_counted_and_how(scheme: Scheme, tier: str, day: date, told: str) -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, per_ten(scheme), Beneficiary.COMPANY)
    [verdict] = evaluate([rule], facts(100, day, tier))

    said = verdict_sentence(verdict, granted=verdict.gifts[0].points, catalogue=CATALOGUE, translate=PLAIN)

    assert said.partition(" Here: ")[2] == told


def test_explanation_tells_that_the_budget_was_spent() -> None:
    rule = EarningRule(1, "rule", "Rule", ALWAYS, per_ten(tiers=None), Beneficiary.COMPANY)
    [verdict] = evaluate([rule], facts(100, IN_SPRING))

    said = verdict_sentence(verdict, granted=14, catalogue=CATALOGUE, translate=PLAIN, is_budget_spent=True)

    assert said == (
        "Applies: 1 point for each full 10 GBP of amount, times 2 from 2028-02-28 through 2028-03-01 (“Spring”, which "
        "adds at most 1,000 points for all companies together), times 1.2 from 2028-10-01 through 2028-10-31 "
        "(“Autumn”) would be 20; what was left of the campaign's budget made it 14. Here: amount was 100 GBP; day was "
        "2028-02-29: times 2 for “Spring”."
    )
