"""Refusals word for word: each names the place, says what stands there and what belongs there; edges are let pass."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from accounts.conditions import Catalogue, Fact, FactType
from accounts.wording import PLAIN
from loyalty.earning import Campaign, FormulaError, Part, Scheme, parse_formula
from tests.earning.test_campaigns import AUTUMN, SPRING

AMOUNT, PIECES, PRODUCT, TIER, IS_OWN = (
    "activity.amount",
    "activity.quantity",
    "activity.object",
    "standing.tier",
    "attribute.own",
)
CATALOGUE: Catalogue = {
    TIER: Fact(TIER, FactType.CHOICE, "tier", choices=(("silver", "Silver"), ("gold", "Gold"))),
    PRODUCT: Fact(PRODUCT, FactType.TEXT, "product code"),
    PIECES: Fact(PIECES, FactType.NUMBER, "quantity"),
    IS_OWN: Fact(IS_OWN, FactType.BOOLEAN, "own make"),
    "company.segments": Fact("company.segments", FactType.SET, "segments"),
    "activity.day": Fact("activity.day", FactType.DATE, "day"),
    AMOUNT: Fact(AMOUNT, FactType.NUMBER, "amount", "GBP"),
}
WITHOUT_AMOUNT = {PIECES: CATALOGUE[PIECES], AMOUNT: Fact(AMOUNT, FactType.TEXT, "amount")}
TWENTY = {
    f"day-{day}": Campaign(f"day-{day}", "One day", date(2028, 5, day), date(2028, 5, day), Decimal(2))
    for day in range(1, 21)
}
SCHEME = Scheme({"spring": SPRING, "autumn": AUTUMN})
FIXED: dict[str, Any] = {"kind": "fixed", "points": 1}
LIST_OF_60, LIST_OF_61 = ["x" * 56], ["x" * 57]
"""So many signs do they have as they are shown."""


def lookup(table: Any, **keys: Any) -> dict[str, Any]:
    return {"kind": "lookup", "by": PRODUCT, "table": table, **keys}


def steps(*bands: Any, **keys: Any) -> dict[str, Any]:
    return {"kind": "steps", "of": AMOUNT, "applies": "to the part", "bands": [*bands], **keys}


def row(key: Any) -> dict[str, Any]:
    return {"is": key, "points": 1}


def refusal(document: object, catalogue: Catalogue = CATALOGUE, scheme: Scheme = SCHEME) -> FormulaError:
    with pytest.raises(FormulaError) as caught:
        parse_formula(document, catalogue, scheme)
    return caught.value


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("fixed", "A formula is an object with the key 'kind'."),
        ({"kind": "power"}, "kind: 'power' is not one of fixed, per, percent, steps, lookup."),
        ({**FIXED, "zeal": 1, "step": 1}, "step: a formula of the kind 'fixed' has no such key."),
        ({"kind": "fixed"}, "points: missing."),
        ({"kind": "per"}, "of: missing."),
        ({**FIXED, "points": 0}, "points: 0 is not a whole number from 1 to 1,000,000,000."),
        ({**FIXED, "points": 10**9 + 1}, "points: 1000000001 is not a whole number from 1 to 1,000,000,000."),
        ({**FIXED, "points": LIST_OF_60}, f"points: ['{'x' * 56}'] is not a whole number from 1 to 1,000,000,000."),
        ({**FIXED, "points": LIST_OF_61}, f"points: ['{'x' * 57}'… is not a whole number from 1 to 1,000,000,000."),
        (
            {"kind": "per", "points": 1, "step": "0", "of": AMOUNT},
            "step: '0' is not a number from 0.0001 to 1,000,000,000.",
        ),
        (
            {"kind": "per", "points": 1, "step": Decimal(10), "of": AMOUNT},
            "step: Decimal('10') is not a number from 0.0001 to 1,000,000,000.",
        ),
        (
            {"kind": "per", "points": 1, "step": 10**9 + 1, "of": AMOUNT},
            "step: 1000000001 is not a number from 0.0001 to 1,000,000,000.",
        ),
        (
            {"kind": "percent", "percent": "10000.0001", "of": AMOUNT},
            "percent: '10000.0001' is not a number from 0.0001 to 10,000.",
        ),
        (
            {"kind": "percent", "percent": 1, "of": PRODUCT},
            "of: 'activity.object' is not a number of this activity; choose one of activity.amount, activity.quantity.",
        ),
        (
            lookup([row("A")], by=AMOUNT),
            "by: nothing can be looked up by 'activity.amount'; choose one of activity.object, attribute.own, "
            "company.segments, standing.tier.",
        ),
        (lookup([]), "table: [] is not a list with entries."),
        (lookup([row(str(n)) for n in range(101)]), "table: there are 101 entries; 100 is the most."),
        (lookup(["A"]), "table[0]: 'A' is not an object."),
        (lookup([{"points": 1}]), "table[0].is: missing."),
        (
            lookup([{**row("A"), "was": 2}]),
            "table[0].was: no such key here; there are is, of, percent, points, step.",
        ),
        (
            lookup([row([])]),
            "table[0].is: there are 0 entries; write from 1 to 1,000, or make a list of products.",
        ),
        (
            lookup([row([str(n) for n in range(1_001)])]),
            "table[0].is: there are 1,001 entries; write from 1 to 1,000, or make a list of products.",
        ),
        (lookup([row("A"), row("A")]), "table[1].is: 'A' stands in table[0].is already; one row counts for it."),
        (
            lookup([row(["A", "B"]), row(["C", "B"])]),
            "table[1].is[1]: 'B' stands in table[0].is[1] already; one row counts for it.",
        ),
        (lookup([row(7)]), "table[0].is: 7 is not a text."),
        (lookup([row("a\ud800")]), "table[0].is: 'a\\ud800' is not a text."),
        (lookup([row("\udfff")]), "table[0].is: '\\udfff' is not a text."),
        (lookup([row("true")], by=IS_OWN), "table[0].is: 'true' is neither true nor false."),
        (lookup([row("gld")], by=TIER), "table[0].is: 'gld' is not one of silver, gold."),
        (
            lookup([row("A")], otherwise={"is": "B", "points": 1}),
            "otherwise.is: no such key here; there are of, percent, points, step.",
        ),
        (lookup([row("A")], otherwise=None), "otherwise: None is not an object."),
        (lookup([{"is": "A"}]), "table[0].points: missing; a rate is points or percent."),
        (
            lookup([{"is": "A", "points": 1, "step": 1, "percent": 1}]),
            "table[0].points: a rate is either points or percent; leave one of them out.",
        ),
        (
            lookup([{"is": "A", "step": 1, "percent": 1}]),
            "table[0].step: a rate is either points or percent; leave one of them out.",
        ),
        (
            lookup([{"is": "A", "points": -1}]),
            "table[0].points: -1 is not a whole number from 0 to 1,000,000,000.",
        ),
        (
            lookup([{"is": "A", "points": 0, "step": 1}], of=AMOUNT),
            "table[0].points: 0 is not a whole number from 1 to 1,000,000,000.",
        ),
        (
            lookup([{"is": "A", "points": 1, "step": 10**9 + 1}], of=AMOUNT),
            "table[0].step: 1000000001 is not a number from 0.0001 to 1,000,000,000.",
        ),
        (
            lookup([{"is": "A", "percent": 10_001}], of=AMOUNT),
            "table[0].percent: 10001 is not a number from 0.0001 to 10,000.",
        ),
        (
            lookup([{"is": "A", "percent": 1}]),
            "table[0].percent: of which number? Say so under 'of' beside 'kind'.",
        ),
        (
            lookup([{"is": "A", "points": 1, "step": 1}]),
            "table[0].step: of which number? Say so under 'of' beside 'kind'.",
        ),
        (
            lookup([{"is": "A", "points": 1, "of": PIECES}]),
            "table[0].of: nothing is counted here; leave it out, or write a step or percent.",
        ),
        (steps({"from": "-1", "percent": 1}), "bands[0].from: '-1' is not a number from 0 to 1,000,000,000,000."),
        (
            steps({"from": 10**12 + 1, "percent": 1}),
            "bands[0].from: 1000000000001 is not a number from 0 to 1,000,000,000,000.",
        ),
        (
            steps({"from": 0, "to": 10**12 + 1, "percent": 1}),
            "bands[0].to: 1000000000001 is not a number from 0 to 1,000,000,000,000.",
        ),
        (
            steps({"from": 0, "to": "-1", "percent": 1}),
            "bands[0].to: '-1' is not a number from 0 to 1,000,000,000,000.",
        ),
        (
            steps({"from": 0, "percent": 1, "rate": 2}),
            "bands[0].rate: no such key here; there are from, percent, points, step, to.",
        ),
        (
            steps({"from": 0, "points": 1_234}),
            "bands[0].points: add 'step', or write percent: 1234 points are no rate for a part.",
        ),
        (
            steps({"from": 5_000, "to": 5_000, "percent": 1}, {"from": 5_000, "percent": 2}),
            "bands[0].to: 5,000 is not above 5,000, where the step begins.",
        ),
        (
            steps({"from": 0, "to": 9, "percent": 1}),
            "bands[0].to: leave it out; the last step has no end, or nothing would be given above it.",
        ),
        (
            steps({"from": 5, "percent": 1}, {"from": 4, "percent": 2}),
            "bands[1].from: 4 is not above 5, where the step before begins.",
        ),
        (
            steps({"from": 5, "percent": 1}, {"from": 5, "percent": 2}),
            "bands[1].from: 5 is not above 5, where the step before begins.",
        ),
        (
            steps({"from": 0, "to": 9, "percent": 1}, {"from": 8, "percent": 2}),
            "bands[1].from: 8 overlaps the step before, which ends at 9.",
        ),
        (
            steps({"from": 0, "to": 9, "percent": 1}, {"from": 10, "percent": 2}),
            "bands[1].from: from 9 to 10 there is a gap; begin where the step before ends.",
        ),
        (
            steps({"from": 0, "percent": 1}, by=PIECES),
            "by: another number can decide which step is reached only where 'applies' is 'to the whole'.",
        ),
        (steps({"from": 0, "percent": 1}, applies=1), "applies: 1 is not one of to the part, to the whole."),
        (
            steps({"from": 0, "percent": 1}, by=PRODUCT, applies="to the whole"),
            "by: 'activity.object' is not a number of this activity; choose one of activity.amount, activity.quantity.",
        ),
        ({**FIXED, "rounding": "off"}, "rounding: 'off' is not one of down, up, half up."),
        (
            {**FIXED, "minimum_spend": 10**12 + 1},
            "minimum_spend: 1000000000001 is not a number from 0.0001 to 1,000,000,000,000.",
        ),
        (
            {**FIXED, "at_least": 2_001, "at_most": 2_000},
            "at_least: 2,001 is more than the most of 2,000 points.",
        ),
        ({**FIXED, "at_least": 0}, "at_least: 0 is not a whole number from 1 to 1,000,000,000."),
        ({**FIXED, "at_most": 0}, "at_most: 0 is not a whole number from 1 to 1,000,000,000."),
        ({**FIXED, "multipliers": 2}, "multipliers: 2 is not an object."),
        ({**FIXED, "multipliers": {}}, "multipliers: name tiers with their factors, or campaigns."),
        (
            {**FIXED, "multipliers": {"moon": 2}},
            "multipliers.moon: no such key here; there are campaigns, tier.",
        ),
        ({**FIXED, "multipliers": {"tier": 2}}, "multipliers.tier: 2 is not an object."),
        ({**FIXED, "multipliers": {"tier": {}}}, "multipliers.tier: name a tier with its factor."),
        ({**FIXED, "multipliers": {"tier": {"gld": 2}}}, "multipliers.tier: 'gld' is not one of silver, gold."),
        (
            {**FIXED, "multipliers": {"tier": {"gold": "0.0099"}}},
            "multipliers.tier.gold: '0.0099' is not a number from 0.01 to 100.",
        ),
        (
            {**FIXED, "multipliers": {"tier": {"gold": "100.0001"}}},
            "multipliers.tier.gold: '100.0001' is not a number from 0.01 to 100.",
        ),
        (
            {**FIXED, "multipliers": {"campaigns": []}},
            "multipliers.campaigns: [] is not a list of 1 to 20 codes of campaigns.",
        ),
        (
            {**FIXED, "multipliers": {"campaigns": ["long"] * 21}},
            "multipliers.campaigns: ['long', 'long', 'long', 'long', 'long', 'long', 'long', 'lo… is not a list of 1 "
            "to 20 codes of campaigns.",
        ),
        (
            {**FIXED, "multipliers": {"campaigns": ["spring", "summer"]}},
            "multipliers.campaigns[1]: 'summer' is not a campaign of this version; there are: autumn, spring.",
        ),
        (
            {**FIXED, "multipliers": {"campaigns": ["autumn", "spring", "autumn"]}},
            "multipliers.campaigns[2]: 'autumn' overlaps 'autumn'; a rule has one campaign at a time.",
        ),
    ],
)
def test_refusal_names_the_place_and_says_what_belongs_there(document: object, sentence: str) -> None:
    refused = refusal(document)

    assert str(refused) == sentence
    assert refused.translated(PLAIN) == sentence
    assert refused.translated(PLAIN, "steps, 2") == (
        f"steps, 2{sentence.removeprefix(refused.key)}" if refused.key else sentence
    )


def test_refusal_of_what_a_program_has_not_says_so() -> None:
    campaigns = {**FIXED, "multipliers": {"campaigns": ["spring"]}}

    assert str(refusal({**FIXED, "minimum_spend": 1}, WITHOUT_AMOUNT)) == "minimum_spend: this activity has no amount."
    assert str(refusal({**FIXED, "minimum_spend": 1}, {})) == "minimum_spend: this activity has no amount."
    assert str(refusal({**FIXED, "multipliers": {"tier": {"gold": 2}}}, WITHOUT_AMOUNT)) == (
        "multipliers.tier: this program has no tiers."
    )
    assert str(refusal(campaigns, scheme=Scheme())) == (
        "multipliers.campaigns[0]: 'spring' is not a campaign of this version; there are: –."
    )


@pytest.mark.parametrize(
    "document",
    [
        {**FIXED, "points": 10**9},
        {"kind": "per", "points": 1, "step": 10**9, "of": AMOUNT},
        {"kind": "per", "points": 10**9, "step": "0.0001", "of": AMOUNT},
        {"kind": "percent", "percent": 10_000, "of": AMOUNT},
        {"kind": "percent", "percent": "0.0001", "of": AMOUNT},
        lookup([row(str(n)) for n in range(100)]),
        lookup([row([str(n) for n in range(1_000)])]),
        lookup([{"is": "A", "points": 0}, {"is": "B", "points": 1}], otherwise={"points": 0}),
        lookup([{"is": "A", "points": 1, "step": 10**9}, {"is": "B", "percent": 10_000}], of=AMOUNT),
        lookup([{"is": "A", "percent": 1, "of": PIECES}, {"is": "B", "points": 1, "step": 1, "of": AMOUNT}]),
        lookup([row("\ud7ff"), row("\ue000"), row("\x01")]),
        lookup([row("any")], by="company.segments"),
        steps({"from": 0, "to": 10**12, "percent": 1}, {"from": 10**12, "percent": 1}),
        steps({"from": 0, "points": 0}, {"from": 1, "points": 1, "step": 1}),
        steps({"from": 0, "percent": 1}, by=AMOUNT),
        steps({"from": 0, "points": 5}, by=PIECES, applies="to the whole"),
        {**FIXED, "minimum_spend": 10**12, "at_least": 2_000, "at_most": 2_000},
        {**FIXED, "at_least": 1, "at_most": 10**9},
        {**FIXED, "multipliers": {"tier": {"gold": "0.01", "silver": 100}}},
        {**FIXED, "multipliers": {"campaigns": ["autumn", "spring"]}},
        {**FIXED, "multipliers": {"campaigns": [*TWENTY]}},
    ],
)
def test_what_lies_on_the_edge_is_let_pass(document: object) -> None:
    assert parse_formula(document, CATALOGUE, Scheme({**SCHEME.campaigns, **TWENTY}))


@pytest.mark.parametrize(
    ("number", "is_refused"), [(1, False), (9, False), (0, True), (10, True), (True, True), ("5", True), (5.0, True)]
)
def test_whole_number_is_read_up_to_its_most(number: object, is_refused: bool) -> None:
    part = Part({"days": number}, CATALOGUE, "effect")

    if is_refused:
        with pytest.raises(FormulaError) as caught:
            part.whole("days", most=9)
        assert str(caught.value) == f"effect.days: {number!r} is not a whole number from 1 to 9."
        assert caught.value.translated(PLAIN) == str(caught.value)
    else:
        assert part.whole("days", most=9) == number


def test_most_of_a_whole_number_is_said_in_full() -> None:
    with pytest.raises(FormulaError, match=r"^days: 3651 is not a whole number from 1 to 3,650\.$"):
        Part({"days": 3_651}, CATALOGUE).whole("days", most=3_650)


@pytest.mark.parametrize(("code", "is_refused"), [("first-Order_1", False), ("", True), ("a b", True), (7, True)])
def test_code_is_read(code: object, is_refused: bool) -> None:
    part = Part({"badge": code}, CATALOGUE)

    if is_refused:
        with pytest.raises(FormulaError) as caught:
            part.code("badge")
        assert str(caught.value) == f"badge: {code!r} is not a code."
        assert caught.value.translated(PLAIN) == str(caught.value)
    else:
        assert part.code("badge") == code


def test_refusal_of_two_rows_names_both_and_calls_them_as_its_reader_does() -> None:
    twice = {"kind": "lookup", "by": "activity.object", "table": [{"is": "A", "points": 1}, {"is": "A", "points": 2}]}

    with pytest.raises(FormulaError) as two:
        parse_formula(twice, CATALOGUE)
    with pytest.raises(FormulaError) as one:
        parse_formula({"kind": "fixed"}, CATALOGUE)

    assert (two.value.key, two.value.other) == ("table[1].is", "table[0].is")
    assert two.value.translated(PLAIN) == str(two.value)
    assert two.value.translated(PLAIN, "Row 2", "Row 1") == "Row 2: 'A' stands in Row 1 already; one row counts for it."
    assert two.value.translated(PLAIN, "Row 2") == "Row 2: 'A' stands in table[0].is already; one row counts for it."
    assert (one.value.key, one.value.other) == ("points", "")
    assert one.value.translated(PLAIN, "Points", "Nothing") == "Points: missing."
