"""Laws of the condition language, for any document and any values."""

import json
from datetime import date
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.conditions import (
    All,
    Any,
    Condition,
    ConditionError,
    Fact,
    FactType,
    Leaf,
    Not,
    Value,
    asked_of,
    explain,
    failure_sentence,
    failures,
    from_json,
    holds,
    parse,
    sentence,
    to_json,
)
from accounts.wording import PLAIN

End = TypeVar("End", int, str)

CODES = ("a", "b", "c")
CATALOGUE = {
    fact.code: fact
    for fact in (
        Fact("amount", FactType.NUMBER, "amount", unit="GBP"),
        Fact("object", FactType.TEXT, "product"),
        Fact("tier", FactType.CHOICE, "tier", choices=tuple((code, code) for code in CODES)),
        Fact("active", FactType.BOOLEAN, "active"),
        Fact("joined", FactType.DATE, "joined"),
        Fact("segments", FactType.SET, "segments"),
    )
}

small_numbers = st.integers(-3, 3)
days = st.dates(date(2026, 1, 1), date(2026, 1, 5)).map(date.isoformat)
codes = st.sampled_from(CODES)
several = st.lists(codes, min_size=1, max_size=3)


def two_of(values: st.SearchStrategy[End]) -> st.SearchStrategy[object]:
    return st.tuples(values, values).map(lambda ends: [min(ends), max(ends)])


def leaf_of(fact: str, operands: dict[str, st.SearchStrategy[object]]) -> st.SearchStrategy[object]:
    known = {"known": st.booleans()}
    return st.one_of(
        [
            st.fixed_dictionaries({"fact": st.just(fact), "op": st.just(op), "value": value})
            for op, value in (operands | known).items()
        ]
    )


leaves = st.one_of(
    leaf_of(
        "amount",
        {**dict.fromkeys(("eq", "ne", "gt", "gte", "lt", "lte"), small_numbers), "between": two_of(small_numbers)},
    ),
    leaf_of(
        "object",
        {**dict.fromkeys(("eq", "ne", "contains", "starts_with"), codes), **dict.fromkeys(("in", "not_in"), several)},
    ),
    leaf_of("tier", {**dict.fromkeys(("eq", "ne"), codes), **dict.fromkeys(("in", "not_in"), several)}),
    leaf_of("active", {"eq": st.booleans()}),
    leaf_of("joined", {"on_or_after": days, "before": days, "between": two_of(days)}),
    leaf_of("segments", {"has": codes, "has_any": several, "has_none": several}),
)


def grouped(parts: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    lists = st.lists(parts, min_size=1, max_size=2)
    return st.one_of(
        parts,
        lists.map(lambda content: {"all": content}),
        lists.map(lambda content: {"any": content}),
        parts.map(lambda content: {"not": content}),
    )


documents = grouped(grouped(grouped(leaves)))
conditions = documents.map(lambda document: parse(document, CATALOGUE))


def maybe(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return st.none() | values


worlds: st.SearchStrategy[dict[str, Value]] = st.fixed_dictionaries(
    {},
    optional={
        "amount": maybe(st.decimals(-4, 4, places=2)),
        "object": maybe(st.text("abcABC", max_size=3)),
        "tier": maybe(codes),
        "active": maybe(st.booleans()),
        "joined": maybe(st.dates(date(2025, 12, 31), date(2026, 1, 6))),
        "segments": maybe(st.frozensets(codes)),
    },
)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
words = st.sampled_from(["all", "any", "not", "fact", "op", "value", *CATALOGUE, "eq", "in", "between", "has", "a"])
arbitrary_json = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=3), inner, max_size=4),
    max_leaves=30,
)
leaf_shaped = st.fixed_dictionaries(
    {"fact": st.sampled_from(list(CATALOGUE)) | arbitrary_json, "op": words | arbitrary_json, "value": arbitrary_json}
)


@given(arbitrary_json | leaf_shaped | st.lists(leaf_shaped).map(lambda parts: {"all": parts}))
def test_any_json_is_a_condition_or_a_condition_error(document: object) -> None:
    try:
        said = sentence(parse(document, CATALOGUE), CATALOGUE, PLAIN)
    except ConditionError as error:
        said = str(error)

    assert said


@given(documents)
def test_a_well_formed_document_survives_json(document: object) -> None:
    assert parse(json.loads(json.dumps(document)), CATALOGUE) == parse(document, CATALOGUE)


@given(documents, worlds)
def test_not_flips_the_answer(document: object, values: dict[str, Value]) -> None:
    condition = parse(document, CATALOGUE)
    assert isinstance(condition, All | Any | Not | Leaf)

    assert holds(Not(condition), values) is not holds(condition, values)


@given(conditions, worlds)
def test_there_are_failures_exactly_when_it_does_not_hold(condition: Condition, values: dict[str, Value]) -> None:
    assert bool(failures(condition, values)) is not holds(condition, values)


@given(conditions, worlds)
def test_only_texts_that_are_asked_of_a_condition_let_it_hold(condition: Condition, values: dict[str, Value]) -> None:
    asked = asked_of(condition, "object")

    assert asked is None or values.get("object") in asked or not holds(condition, values)


@pytest.mark.parametrize(
    ("document", "asked"),
    [
        ({"fact": "object", "op": "in", "value": ["a", "b"]}, {"a", "b"}),
        ({"all": [{"fact": "object", "op": "eq", "value": "a"}, {"fact": "tier", "op": "eq", "value": "b"}]}, {"a"}),
        ({"any": [{"fact": "object", "op": op, "value": a} for op, a in (("eq", "a"), ("in", ["c"]))]}, {"a", "c"}),
        ({"any": [{"fact": "object", "op": "eq", "value": "a"}, {"fact": "tier", "op": "eq", "value": "b"}]}, None),
        ({"not": {"fact": "object", "op": "eq", "value": "a"}}, None),
        (None, None),
    ],
)  # fmt: skip
def test_texts_that_are_asked_of_a_condition(document: object, asked: set[str] | None) -> None:
    assert asked_of(parse(document, CATALOGUE), "object") == asked


@given(conditions, worlds)
def test_failures_are_among_the_explained_leaves_and_can_be_said(
    condition: Condition, values: dict[str, Value]
) -> None:
    explained = explain(condition, values)

    for failure in failures(condition, values):
        assert failure in explained
        assert failure_sentence(failure, CATALOGUE, PLAIN)


@given(conditions, worlds)
def test_a_world_kept_as_json_gives_the_same_answer(condition: Condition, values: dict[str, Value]) -> None:
    kept = json.loads(json.dumps({code: to_json(value) for code, value in values.items()}))

    back = {code: from_json(raw, CATALOGUE[code]) for code, raw in kept.items()}

    assert back == values
    assert explain(condition, back) == explain(condition, values)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_every_digit(number: Decimal) -> None:
    back = from_json(json.loads(json.dumps(to_json(number))), CATALOGUE["amount"])

    assert isinstance(back, Decimal)
    assert back.as_tuple() == number.as_tuple()


@given(leaves, worlds)
def test_a_comparison_of_what_is_not_known_holds_only_for_known_false(
    document: dict[str, object], values: dict[str, Value]
) -> None:
    without = {code: value for code, value in values.items() if code != document["fact"]}

    expected = document["op"] == "known" and document["value"] is False

    assert holds(parse(document, CATALOGUE), without) is expected
