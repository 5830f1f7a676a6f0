"""What is odd about rules, alone and beside each other; and how hard a version is to explain."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from accounts.conditions import Catalogue, Fact, FactType, parse
from loyalty.earning import Beneficiary, Campaign, Cap, CapSubject, EarningRule, Period, Scheme, parse_formula
from loyalty.earning.complexity import Burden, Ease, complexity_of
from loyalty.earning.scrutiny import Odd, Times, pairs, scrutinise

AMOUNT, TIER, SEGMENTS, DAY = "activity.amount", "standing.tier", "company.segments", "activity.day"
CATALOGUE: Catalogue = {
    AMOUNT: Fact(AMOUNT, FactType.NUMBER, "amount", "GBP"),
    TIER: Fact(TIER, FactType.CHOICE, "tier", choices=(("gold", "Gold"), ("silver", "Silver"))),
    SEGMENTS: Fact(SEGMENTS, FactType.SET, "segments", choices=(("key", "Key"), ("small", "Small"))),
    DAY: Fact(DAY, FactType.DATE, "day"),
    "activity.object": Fact("activity.object", FactType.TEXT, "product"),
    "attribute.online": Fact("attribute.online", FactType.BOOLEAN, "online"),
}
SCHEME = Scheme(
    {
        "spring": Campaign("spring", "Spring", date(2026, 3, 1), date(2026, 3, 31), Decimal(2)),
        "winter": Campaign("winter", "Winter", date(2026, 11, 1), date(2026, 12, 1), Decimal(2)),  # on its last day
    }
)
FIRST = date(2026, 12, 1)
TIMES = Times(
    FIRST,
    date(2027, 12, 31),
    {SEGMENTS: frozenset({"small"}), TIER: frozenset({"silver"}), "employee.roles": frozenset({"owner"})},
)
A_MONTH = Cap(CapSubject.COMPANY, Period.MONTH, 500)
FIXED = {"kind": "fixed", "points": 5}


def leaf(fact: str, op: str, value: object) -> dict[str, object]:
    return {"fact": fact, "op": op, "value": value}


ABOVE, BELOW = leaf(AMOUNT, "gt", 100), leaf(AMOUNT, "lt", 50)
GOLD, KEY, SMALL = leaf(TIER, "eq", "gold"), leaf(SEGMENTS, "has", "key"), leaf(SEGMENTS, "has", "small")


def a_rule(
    condition: object = None, formula: object = FIXED, *caps: Cap, code: str = "rule", **more: Any
) -> EarningRule:
    read = parse(condition or None, CATALOGUE)
    formula = parse_formula(formula, CATALOGUE, SCHEME)
    return EarningRule(1, code, code, read, formula, more.pop("to", Beneficiary.COMPANY), caps or (A_MONTH,), **more)


def table(*keys: object, by: str = TIER) -> dict[str, object]:
    return {"kind": "lookup", "by": by, "table": [{"is": key, "points": 5} for key in keys]}


@dataclass(frozen=True)
class Badge:
    """Something that is no points."""

    code: str

    def sentence(self, translate: object) -> str:
        return self.code


class Benefit(Badge):
    """Something else."""


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (a_rule({"all": [ABOVE, GOLD]}), []),
        (a_rule({"all": [ABOVE, BELOW]}), [(Odd.CONTRADICTION, 2, "")]),
        # What follows from a contradiction is not said again.
        (a_rule({"all": [ABOVE, BELOW, SMALL, leaf(DAY, "before", "2026-01-01")]}), [(Odd.CONTRADICTION, 2, "")]),
        (a_rule({"all": [ABOVE, {"any": [BELOW, GOLD]}]}), [(Odd.DEAD_ROW, 2, "")]),
        (a_rule(leaf(DAY, "before", "2026-12-01")), [(Odd.OVER, 1, "")]),
        (a_rule(leaf(DAY, "before", "2026-12-02")), []),  # the first day itself is left
        (a_rule(leaf(DAY, "on_or_after", "2027-12-31")), []),
        (a_rule(leaf(DAY, "on_or_after", "2028-01-01")), [(Odd.OVER, 1, "")]),
        (a_rule({"any": [GOLD, leaf(DAY, "before", "2026-01-01")]}), [(Odd.DEAD_ROW, 1, "")]),
        (a_rule(SMALL), [(Odd.NOBODY, 1, "")]),
        (a_rule(leaf(TIER, "in", ["silver"])), [(Odd.NOBODY, 1, "")]),
        (a_rule({"any": [SMALL, KEY]}), []),
        (a_rule({"not": SMALL}), []),
        (a_rule(None, FIXED, to=Beneficiary.ROLE, role="owner"), [(Odd.NOBODY, 0, "")]),
        (a_rule(None, FIXED, to=Beneficiary.ROLE, role="buyer"), []),
        (a_rule(BELOW, {**FIXED, "minimum_spend": "49.99"}), []),
        (a_rule(BELOW, {**FIXED, "minimum_spend": "50"}), [(Odd.TOO_SMALL, 1, "")]),
        (a_rule(None, {**FIXED, "multipliers": {"campaigns": ["spring"]}}), [(Odd.CAMPAIGN_OVER, 0, "Spring")]),
        (a_rule(None, {**FIXED, "multipliers": {"campaigns": ["winter"]}}), []),
        (a_rule(GOLD, table("gold", "silver")), [(Odd.DEAD_RATE, 0, ("Silver",))]),
        (a_rule(GOLD, {**table("gold", "silver"), "minimum_spend": 1}), [(Odd.DEAD_RATE, 0, ("Silver",))]),
        (a_rule(leaf(SEGMENTS, "has_none", ["small"]), table("key", "small", by=SEGMENTS)),
         [(Odd.DEAD_RATE, 0, ("Small",))]),
        (a_rule(leaf("attribute.online", "eq", True), table(True, False, by="attribute.online")),
         [(Odd.DEAD_RATE, 0, ("False",))]),
        (a_rule(leaf("activity.object", "starts_with", "S"),
                table(["SAW", "D"], ["A", "B", "C", "E"], by="activity.object")),
         [(Odd.DEAD_RATE, 0, ("A", "B", "C"))]),
        (a_rule(None, table("gold", "silver")), []),
        (a_rule(None, FIXED, replace(A_MONTH, limit=0, name="Money")), [(Odd.LIMIT_OF_NOTHING, 0, "Money")]),
        (replace(a_rule(), caps=()), [(Odd.NO_LIMIT, 0, "")]),
    ],
)  # fmt: skip
def test_what_is_odd_about_one_rule(rule: EarningRule, found: list[tuple[Odd, int, str]]) -> None:
    findings = scrutinise(rule, catalogue=CATALOGUE, times=TIMES)

    assert [(each.odd, len(each.rows), each.keys or each.subject) for each in findings] == found
    assert not any(row.is_given for each in findings for row in each.rows)


def test_rules_beside_each_other() -> None:
    big, gold = a_rule(ABOVE, code="big"), a_rule(GOLD, code="gold")
    small = a_rule(BELOW, code="small", to=Beneficiary.BOTH)
    personal = a_rule(code="personal", to=Beneficiary.EMPLOYEE)

    found = pairs([big, gold, small, personal], catalogue=CATALOGUE)

    assert [(pair.first.code, pair.second.code, pair.is_apart) for pair in found] == [
        ("big", "gold", False),
        ("big", "small", True),
        ("gold", "small", False),
        ("small", "personal", False),  # both give to the person
    ]
    badge, same, other = (a_rule(code=code, effect=Badge(code)) for code in ("first", "first", "best"))
    assert [(pair.first, pair.second) for pair in pairs([gold, badge, same, other], catalogue=CATALOGUE)] == [
        (badge, same)
    ]
    # Where nothing is known of who there is, nobody is missed.
    to_owners = a_rule(None, FIXED, to=Beneficiary.ROLE, role="owner")
    assert scrutinise(to_owners, catalogue=CATALOGUE, times=Times(FIRST)) == []


def test_complexity_is_a_plain_sum_that_says_what_it_is_made_of() -> None:
    money = replace(A_MONTH, shared_as="money")
    assert complexity_of([a_rule()], naming=(SEGMENTS, TIER)).counts == {Burden.RULE: 1, Burden.LIMIT: 1}
    rules = [
        a_rule({"all": [ABOVE, {"any": [GOLD, KEY]}]}, {**table("gold", "silver"), "minimum_spend": "1"},
               A_MONTH, money, code="rich"),
        a_rule({"not": SMALL}, {**FIXED, "multipliers": {"tier": {"gold": 2}, "campaigns": ["spring"]}}, money,
               code="shared", to=Beneficiary.SPLIT, person_share=20),
    ]  # fmt: skip

    found = complexity_of(rules, naming=(SEGMENTS, TIER))

    assert found.counts == {
        Burden.RULE: 2,  # 6
        Burden.ROW: 4,  # 8
        Burden.GROUP: 2,  # 4: the "any", the "not"
        Burden.NAMED: 3,  # 3: gold, key, small
        Burden.FORMULA: 1,  # 3
        Burden.RATE: 2,  # 2
        Burden.EXTRA: 2,  # 2: the minimum spend, the factor of gold
        Burden.CAMPAIGN: 1,  # 2
        Burden.LIMIT: 1,  # 1
        Burden.SHARED_LIMIT: 1,  # 2
        Burden.SHARE: 1,  # 2
    }
    assert (found.score, found.ease) == (35, Ease.TAKES_EXPLAINING)
    kinds = [a_rule(leaf(SEGMENTS, "has_any", ["key", "small"]), effect=each) for each in (Badge("a"), Benefit("a"))]
    to_role = a_rule(None, FIXED, to=Beneficiary.ROLE, role="owner", is_divided=True)
    others = complexity_of([*kinds, to_role], naming=(SEGMENTS,)).counts
    assert (others[Burden.FORMULA], others[Burden.NAMED], others[Burden.SHARE]) == (2, 2, 2)
    nested: Any
    for nested in ({"not": {"any": [GOLD, KEY]}}, {"all": [ABOVE, {"any": [GOLD, {"all": [KEY, BELOW]}]}]}):
        assert complexity_of([a_rule(nested)], naming=()).counts[Burden.GROUP] == 2
    assert found.by_rule == {"rich": 3 + 6 + 2 + 2 + 1 + 1, "shared": 3 + 2 + 2 + 1 + 2}
    assert [complexity_of([a_rule()] * count, naming=()).ease for count in (5, 6, 12, 13)] == [
        Ease.EASY, Ease.TAKES_EXPLAINING, Ease.TAKES_EXPLAINING, Ease.HARD,
    ]  # fmt: skip
