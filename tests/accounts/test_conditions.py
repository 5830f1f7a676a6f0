"""Conditions as tables: what a document means, what it is refused for, and what an answer is made of."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.conditions import (
    ALWAYS,
    All,
    Any,
    ConditionError,
    Fact,
    FactType,
    Leaf,
    Not,
    Operator,
    Value,
    explain,
    failures,
    holds,
    parse,
)

CATALOGUE = {
    fact.code: fact
    for fact in (
        Fact("amount", FactType.NUMBER, "amount", unit="GBP"),
        Fact("object", FactType.TEXT, "product"),
        Fact("tier", FactType.CHOICE, "tier", choices=(("GOLD", "Gold"), ("SILVER", "Silver"))),
        Fact("country", FactType.CHOICE, "country"),
        Fact("active", FactType.BOOLEAN, "active"),
        Fact("joined", FactType.DATE, "joined"),
        Fact("segments", FactType.SET, "segments"),
    )
}


def leaf(fact: str, op: str, value: object) -> dict[str, object]:
    return {"fact": fact, "op": op, "value": value}


BIG = leaf("amount", "gte", 100)
GOLD = leaf("tier", "eq", "GOLD")
ACTIVE = leaf("active", "eq", True)


@pytest.mark.parametrize("document", [None, {}])
def test_an_empty_document_always_holds(document: object) -> None:
    condition = parse(document, CATALOGUE)

    assert condition is ALWAYS
    assert holds(condition, {})
    assert explain(condition, {}) == ()
    assert failures(condition, {}) == ()


def test_a_document_becomes_a_tree_of_typed_comparisons() -> None:
    condition = parse({"all": [BIG, {"any": [GOLD, {"not": ACTIVE}]}]}, CATALOGUE)

    assert condition == All(
        (
            Leaf("amount", Operator.GTE, Decimal(100)),
            Any((Leaf("tier", Operator.EQ, "GOLD"), Not(Leaf("active", Operator.EQ, True)))),
        )
    )


@pytest.mark.parametrize(
    ("document", "operand"),
    [
        (leaf("amount", "eq", 0.1), Decimal("0.1")),
        (leaf("amount", "eq", -5), Decimal(-5)),
        (leaf("amount", "eq", 10**18 - 1), Decimal(10**18 - 1)),
        (leaf("amount", "eq", 0.000000000001), Decimal("1E-12")),
        (leaf("amount", "between", [1, 1]), (Decimal(1), Decimal(1))),
        (leaf("joined", "before", "2026-01-31"), date(2026, 1, 31)),
        (leaf("joined", "between", ["2026-01-01", "2026-01-31"]), (date(2026, 1, 1), date(2026, 1, 31))),
        (leaf("object", "in", ["B", "A", "B"]), ("B", "A")),
        (leaf("country", "eq", "GB"), "GB"),
        (leaf("segments", "has_any", ["vip"]), ("vip",)),
        (leaf("segments", "known", False), False),
    ],
)
def test_a_value_is_read_as_the_type_of_its_fact(document: object, operand: object) -> None:
    condition = parse(document, CATALOGUE)

    assert isinstance(condition, Leaf)
    assert condition.value == operand
    assert type(condition.value) is type(operand)


def test_twenty_comparisons_three_groups_deep_are_accepted() -> None:
    condition = parse({"all": [{"any": [{"not": BIG}] * 10}, {"any": [BIG] * 10}]}, CATALOGUE)

    assert len(explain(condition, {})) == 20


@pytest.mark.parametrize(
    ("fact", "op", "operand", "met", "unmet"),
    [
        ("amount", "eq", 100, Decimal("100.00"), Decimal("100.01")),
        ("amount", "ne", 100, Decimal("100.01"), Decimal("100.00")),
        ("amount", "gt", 100, Decimal("100.01"), Decimal(100)),
        ("amount", "gte", 100, Decimal(100), Decimal("99.99")),
        ("amount", "lt", 100, Decimal("99.99"), Decimal(100)),
        ("amount", "lte", 100, Decimal(100), Decimal("100.01")),
        ("amount", "between", [10, 20], Decimal(10), Decimal("9.99")),
        ("amount", "between", [10, 20], Decimal(20), Decimal("20.01")),
        ("object", "eq", "A-1", "A-1", "a-1"),
        ("object", "ne", "A-1", "a-1", "A-1"),
        ("object", "in", ["A-1", "A-2"], "A-2", "a-2"),
        ("object", "not_in", ["A-1", "A-2"], "a-2", "A-2"),
        ("object", "contains", "STRASSE", "Lange Straße 1", "Lange Gasse 1"),
        ("object", "starts_with", "straße", "STRASSE 1", "Die Straße"),
        ("tier", "eq", "GOLD", "GOLD", "SILVER"),
        ("tier", "ne", "GOLD", "SILVER", "GOLD"),
        ("tier", "in", ["GOLD"], "GOLD", "SILVER"),
        ("tier", "not_in", ["GOLD"], "SILVER", "GOLD"),
        ("active", "eq", True, True, False),
        ("active", "eq", False, False, True),
        ("joined", "on_or_after", "2026-01-31", date(2026, 1, 31), date(2026, 1, 30)),
        ("joined", "before", "2026-01-31", date(2026, 1, 30), date(2026, 1, 31)),
        ("joined", "between", ["2026-01-01", "2026-01-31"], date(2026, 1, 1), date(2025, 12, 31)),
        ("joined", "between", ["2026-01-01", "2026-01-31"], date(2026, 1, 31), date(2026, 2, 1)),
        ("segments", "has", "vip", frozenset({"vip", "new"}), frozenset({"new"})),
        ("segments", "has_any", ["vip", "new"], frozenset({"new", "old"}), frozenset({"old"})),
        ("segments", "has_none", ["vip", "new"], frozenset({"old"}), frozenset({"new", "old"})),
        ("segments", "has_none", ["vip"], frozenset(), frozenset({"vip"})),
        ("object", "known", True, "", None),
        ("segments", "known", True, frozenset(), None),
        ("amount", "known", False, None, Decimal(0)),
    ],
)
def test_operator_compares(fact: str, op: str, operand: object, met: Value, unmet: Value) -> None:
    condition = parse(leaf(fact, op, operand), CATALOGUE)

    assert holds(condition, {fact: met}) is True
    assert holds(condition, {fact: unmet}) is False


EVERY_OPERATOR: dict[FactType, dict[str, object]] = {
    FactType.NUMBER: {"eq": 1, "ne": 1, "gt": 1, "gte": 1, "lt": 1, "lte": 1, "between": [1, 2]},
    FactType.TEXT: {"eq": "a", "ne": "a", "in": ["a"], "not_in": ["a"], "contains": "a", "starts_with": "a"},
    FactType.CHOICE: {"eq": "GOLD", "ne": "GOLD", "in": ["GOLD"], "not_in": ["GOLD"]},
    FactType.BOOLEAN: {"eq": False},
    FactType.DATE: {
        "on_or_after": "2026-01-01",
        "before": "2026-01-01",
        "between": ["2026-01-01", "2026-01-01"],
    },
    FactType.SET: {"has": "a", "has_any": ["a"], "has_none": ["a"]},
}


@pytest.mark.parametrize(
    ("fact", "op", "operand"),
    [
        (fact.code, op, operand)
        for fact in CATALOGUE.values()
        if fact.code != "country"
        for op, operand in [*EVERY_OPERATOR[fact.type].items(), ("known", True)]
    ],
)
@pytest.mark.parametrize("how", ["absent", "none"])
def test_what_is_not_known_meets_no_comparison(fact: str, op: str, operand: object, how: str) -> None:
    values: dict[str, Value] = {} if how == "absent" else {fact: None}

    assert holds(parse(leaf(fact, op, operand), CATALOGUE), values) is False
    assert holds(parse({"not": leaf(fact, op, operand)}, CATALOGUE), values) is True


@pytest.mark.parametrize("fact_type", FactType)
def test_every_type_allows_the_operators_in_this_table_and_known(fact_type: FactType) -> None:
    fact = Fact("x", fact_type, "x")

    assert [op.value for op in fact.operators] == [*EVERY_OPERATOR[fact_type], "known"]


@pytest.mark.parametrize(
    ("document", "amount", "tier", "expected"),
    [
        ({"all": [BIG, GOLD]}, 100, "GOLD", True),
        ({"all": [BIG, GOLD]}, 99, "GOLD", False),
        ({"all": [BIG, GOLD]}, 100, "SILVER", False),
        ({"any": [BIG, GOLD]}, 99, "GOLD", True),
        ({"any": [BIG, GOLD]}, 100, "SILVER", True),
        ({"any": [BIG, GOLD]}, 99, "SILVER", False),
        ({"not": BIG}, 99, "GOLD", True),
        ({"not": BIG}, 100, "GOLD", False),
        ({"not": {"all": [BIG, GOLD]}}, 100, "SILVER", True),
        ({"not": {"any": [BIG, GOLD]}}, 100, "SILVER", False),
        ({"all": [{"any": [BIG]}]}, 100, "SILVER", True),
    ],
)
def test_groups_combine(document: object, amount: int, tier: str, expected: bool) -> None:
    condition = parse(document, CATALOGUE)

    assert holds(condition, {"amount": Decimal(amount), "tier": tier}) is expected


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (BIG, [("", False)]),
        ({"all": [BIG, GOLD, ACTIVE]}, [("all[0]", False), ("all[1]", False)]),
        ({"any": [BIG, GOLD]}, [("any[0]", False), ("any[1]", False)]),
        ({"not": ACTIVE}, [("not", True)]),
        ({"not": {"any": [GOLD, ACTIVE]}}, [("not.any[1]", True)]),
        ({"not": {"all": [ACTIVE, {"not": BIG}]}}, [("not.all[0]", True), ("not.all[1].not", False)]),
        (
            {"all": [{"any": [BIG, GOLD]}, {"not": ACTIVE}, ACTIVE]},
            [("all[0].any[0]", False), ("all[0].any[1]", False), ("all[1].not", True)],
        ),
        ({"any": [BIG, ACTIVE]}, []),
        ({"not": {"all": [BIG, ACTIVE]}}, []),
    ],
)
def test_failures_name_the_fewest_leaves_that_decided(document: object, found: list[tuple[str, bool]]) -> None:
    values: dict[str, Value] = {"amount": Decimal(40), "tier": "SILVER", "active": True}

    outcomes = failures(parse(document, CATALOGUE), values)

    assert [(outcome.path, outcome.met) for outcome in outcomes] == found


def test_explaining_lists_every_leaf_with_what_it_found() -> None:
    condition = parse({"all": [BIG, {"any": [GOLD, {"not": ACTIVE}]}]}, CATALOGUE)

    outcomes = explain(condition, {"amount": Decimal(40), "active": True})

    assert [(outcome.path, outcome.leaf.fact, outcome.actual, outcome.met) for outcome in outcomes] == [
        ("all[0]", "amount", Decimal(40), False),
        ("all[1].any[0]", "tier", None, False),
        ("all[1].any[1].not", "active", True, True),
    ]


@pytest.mark.parametrize(
    ("document", "path", "sentence"),
    [
        ([], "", "A condition is an object, not a list."),
        (True, "", "A condition is an object, not true."),
        ("all", "", "A condition is an object, not the text 'all'."),
        ({1, 2}, "", "A condition is an object, not something that JSON has no word for."),
        ({"all": [BIG, {}]}, "all[1]", "This part is empty; fill it in or leave it out."),
        ({"not": {}}, "not", "This part is empty; fill it in or leave it out."),
        ({"not": None}, "not", "A condition is an object, not nothing."),
        ({"all": []}, "", "'all' is empty; add a condition or leave the group out."),
        ({"all": [{"any": []}]}, "all[0]", "'any' is empty; add a condition or leave the group out."),
        ({"all": BIG}, "", "'all' needs a list of conditions, not an object."),
        (
            {"all": [BIG], "any": [GOLD]},
            "",
            "'all' stands alone in its object; move 'any' into a part of its own.",
        ),
        (
            {"not": {"not": {"not": {"not": BIG}}}},
            "not.not.not",
            "Groups nest at most 3 deep; move this one up.",
        ),
        (
            {"all": [BIG] * 21},
            "all[20]",
            "A condition has at most 20 comparisons; this is one more.",
        ),
        (
            {"all": [{"fact": "amount", "op": "gte", "vlaue": 1}]},
            "all[0]",
            "'vlaue': no such key; a comparison has 'fact', 'op' and 'value', a group 'all', 'any' or 'not'.",
        ),
        (
            {"any": [{"fact": "amount"}]},
            "any[0]",
            "'op', 'value' is missing; a comparison has 'fact', 'op' and 'value'.",
        ),
        (leaf("amout", "gte", 1), "", "There is no fact 'amout'; did you mean 'amount'?"),
        (leaf("zzz", "gte", 1), "", "There is no fact 'zzz' here."),
        (leaf("z" * 41, "gte", 1), "", f"There is no fact '{'z' * 40}…' here."),
        (
            {"fact": ["amount"], "op": "gte", "value": 1},
            "",
            "'fact' is the code of a fact, not a list.",
        ),
        ({"fact": "amount", "op": None, "value": 1}, "", "'op' is the code of an operator, not nothing."),
        (
            leaf("active", "is", True),
            "",
            "There is no operator 'is'; for 'active' choose one of eq (is), known (is known).",
        ),
        (
            {"all": [leaf("object", "gte", 5)]},
            "all[0]",
            "'gte' cannot compare the text fact 'object'; choose one of eq (is), ne (is not), in (is one of), "
            "not_in (is none of), contains (contains), starts_with (starts with), known (is known).",
        ),
        (leaf("amount", "gte", True), "", "'amount' is compared with a number, not true."),
        (leaf("amount", "gte", "100"), "", "'amount' is compared with a number, not the text '100'."),
        (leaf("amount", "gte", None), "", "'amount' is compared with a number, not nothing."),
        (
            leaf("amount", "gte", Decimal(1)),
            "",
            "'amount' is compared with a number, not something that JSON has no word for.",
        ),
        (leaf("amount", "gte", float("nan")), "", "'amount' is compared with a number; NaN and Infinity are none."),
        (leaf("amount", "gte", float("-inf")), "", "'amount' is compared with a number; NaN and Infinity are none."),
        (
            leaf("amount", "gte", 10**18),
            "",
            "The number for 'amount' is too large; it has at most 18 digits before the point.",
        ),
        (
            leaf("amount", "gte", -(10**18)),
            "",
            "The number for 'amount' is too large; it has at most 18 digits before the point.",
        ),
        (
            leaf("amount", "gte", 10**5000),
            "",
            "The number for 'amount' is too large; it has at most 18 digits before the point.",
        ),
        (
            leaf("amount", "gte", 1e-13),
            "",
            "The number for 'amount' is too fine; it has at most 12 digits after the point.",
        ),
        (leaf("amount", "between", 5), "", "'between' of 'amount' needs a list of two values, not a number."),
        (leaf("amount", "between", [5]), "", "'between' of 'amount' needs a list of two values, but it has 1."),
        (
            leaf("amount", "between", [6, 5]),
            "",
            "'between' of 'amount' never holds: its first value is past its last; swap them.",
        ),
        (leaf("active", "eq", 1), "", "'eq' of 'active' takes true or false, not a number."),
        (leaf("amount", "known", "yes"), "", "'known' of 'amount' takes true or false, not the text 'yes'."),
        (
            leaf("joined", "before", "31.01.2026"),
            "",
            "'joined' is compared with a date in quotes such as '2026-01-31', not the text '31.01.2026'.",
        ),
        (
            leaf("joined", "before", "20260131"),
            "",
            "'joined' is compared with a date in quotes such as '2026-01-31', not the text '20260131'.",
        ),
        (leaf("object", "eq", 5), "", "'object' is compared with a text, not a number."),
        (leaf("object", "starts_with", " "), "", "'starts_with' of 'object' needs a text that is not blank."),
        (
            leaf("object", "eq", "a\0"),
            "",
            "The text for 'object' has a character that cannot be stored; type it again.",
        ),
        (leaf("object", "in", "A"), "", "'in' of 'object' needs a list of texts, not the text 'A'."),
        (leaf("object", "in", []), "", "'in' of 'object' needs at least one value; the list is empty."),
        (leaf("object", "in", ["A", 5]), "", "'object' is compared with a text, not a number."),
        (leaf("tier", "eq", "Gold"), "", "'Gold' is not a choice of 'tier'; choose one of 'GOLD', 'SILVER'."),
        (leaf("segments", "has_any", [True]), "", "'segments' is compared with a text, not true."),
    ],
)
def test_a_wrong_document_is_refused_with_its_place_and_a_sentence(document: object, path: str, sentence: str) -> None:
    with pytest.raises(ConditionError) as refusal:
        parse(document, CATALOGUE)

    assert (refusal.value.path, refusal.value.sentence) == (path, sentence)
    assert str(refusal.value) == (f"{path}: {sentence}" if path else sentence)


def test_a_refusal_can_be_read_in_another_language() -> None:
    german = {
        "'{op}' cannot compare the {type} fact '{fact}'; choose one of {choices}.": (
            "„{op}“ vergleicht keinen Wert der Art {type} („{fact}“); zur Wahl stehen {choices}."
        ),
        "yes/no": "Ja/Nein",
        "is": "ist",
        "is known": "ist bekannt",
        "{first}, {second}": "{first} und {second}",
    }

    with pytest.raises(ConditionError) as refusal:
        parse(leaf("active", "gt", 1), CATALOGUE)

    assert refusal.value.translated(german.__getitem__) == (
        "„gt“ vergleicht keinen Wert der Art Ja/Nein („active“); zur Wahl stehen eq (ist) und known (ist bekannt)."
    )


def test_a_long_list_of_choices_is_cut_in_the_sentence() -> None:
    many = tuple((f"c{number}", "") for number in range(13))

    with pytest.raises(ConditionError) as refusal:
        parse(leaf("x", "eq", "y"), {"x": Fact("x", FactType.CHOICE, "x", choices=many)})

    assert refusal.value.sentence == (
        "'y' is not a choice of 'x'; choose one of 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9', "
        "'c10', 'c11', …."
    )
