"""Conditions as rows: what a form can show comes back as it was, and a wrong row is named."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.conditions import (
    MAX_LEAVES,
    ConditionError,
    Fact,
    FactType,
    Group,
    Joins,
    Outline,
    Place,
    Row,
    document_of,
    outline_of,
    parse,
)
from tests.accounts.test_conditions_laws import CATALOGUE, documents, leaves

MANY = Row("amount", "gt", ("100",))
GOLD = Row("tier", "eq", ("a",))


def same(document: object, other: object) -> bool:
    """As JSON, in which 1 is not 1.0 and not true."""
    return json.dumps(document, sort_keys=True) == json.dumps(other, sort_keys=True)


few = st.lists(leaves, min_size=1, max_size=3)
groups = st.one_of(
    few.map(lambda parts: {"any": parts}),
    few.map(lambda parts: {"all": parts}),
    few.map(lambda parts: {"not": {"any": parts}}),
    leaves.map(lambda leaf: {"not": leaf}),
)
items = st.lists(leaves | groups, min_size=1, max_size=4)
shown = st.one_of(
    st.just({}),
    leaves,
    groups,
    items.map(lambda parts: {"all": parts}),
    items.map(lambda parts: {"any": parts}),
)


@given(document=shown)
def test_what_rows_and_groups_can_show_comes_back_as_it_was(document: Mapping[str, object]) -> None:
    outline = outline_of(document, CATALOGUE)

    assert outline is not None
    assert same(document_of(outline, CATALOGUE), document)


@given(document=documents)
def test_any_condition_comes_back_as_it_was_or_is_not_shown_as_rows(document: object) -> None:
    outline = outline_of(document, CATALOGUE)

    assert outline is None or same(document_of(outline, CATALOGUE), document)


@pytest.mark.parametrize(
    "document",
    [
        {"all": [{"any": [{"all": [{"fact": "active", "op": "eq", "value": True}]}]}]},
        {"not": {"all": [{"fact": "active", "op": "eq", "value": True}]}},
        {"fact": "active", "op": "eq", "value": "true"},
        {"fact": "amount", "op": "eq", "value": "1"},
        {"fact": "object", "op": "eq", "value": " a"},
        {"fact": "object", "op": "in", "value": ["a\nb"]},
        {"fact": "object", "op": "in", "value": "a"},
        {"fact": "object", "op": "gt", "value": "a"},
        {"fact": "joined", "op": "before", "value": "2026-1-1"},
        {"fact": "nowhere", "op": "eq", "value": 1},
        {"fact": "amount", "op": "eq", "value": 1, "why": "x"},
        {"all": []},
        [],
        "always",
    ],
)
def test_what_rows_cannot_show_is_not_shown_as_rows(document: object) -> None:
    assert outline_of(document, CATALOGUE) is None


@pytest.mark.parametrize(
    ("outline", "place", "said"),
    [
        (Outline(items=(MANY, Row("amount", "has", ("1",)))), "2", "Choose how “amount” is compared."),
        (Outline(items=(MANY, Row("amount"))), "2", "Choose how “amount” is compared."),
        (
            Outline(items=(Row(), Row("amount", "gt", ("1,5",)))),
            "2",
            "“1,5” is not a number for “amount”; write digits, with a point before decimals: 2.5.",
        ),
        (
            Outline(items=(Row("amount", "gt", ("0.123456789012345678",)),)),
            "1",
            "“0.123456789012345678” has too many digits for “amount”; write it shorter.",
        ),
        (Outline(items=(Row("amount", "gt", (" ",)),)), "1", "Say with what “amount” is compared: one value."),
        (
            Outline(items=(Row("amount", "between", ("1",)),)),
            "1",
            "Write from where to where “amount” is meant: both ends.",
        ),
        (
            Outline(items=(Row("amount", "between", ("2", "1")),)),
            "1",
            "'between' of 'amount' never holds: its first value is past its last; swap them.",
        ),
        (Outline(items=(Row("active", "eq", ("",)),)), "1", "Choose yes or no for “active”."),
        (
            Outline(items=(MANY, Group(Joins.ANY, (Row(), GOLD, Row("joined", "before", ("soon",)))))),
            "2.3",
            "“soon” is not a date for “joined”; write it as 2026-01-31.",
        ),
        (
            Outline(items=(MANY, Group(Joins.NONE, (GOLD, Row("tier", "eq", ("z",)))))),
            "2.2",
            "'z' is not a choice of 'tier'; choose one of 'a', 'b', 'c'.",
        ),
        (
            Outline(items=(Group(Joins.NONE, (Row("tier", "eq", ("z",)),), is_bare=True),), is_bare=True),
            "1.1",
            "'z' is not a choice of 'tier'; choose one of 'a', 'b', 'c'.",
        ),
        (
            Outline(items=(Row("tier", "eq", ("z",)),), is_bare=True),
            "1",
            "'z' is not a choice of 'tier'; choose one of 'a', 'b', 'c'.",
        ),
        (Outline(items=(Row("segments", "has_any", ("", "\n")),)), "1", "Choose at least one for “segments”."),
        (Outline(items=(GOLD, Row("amout", "eq", ("1",)))), "2", "There is no fact 'amout'; did you mean 'amount'?"),
        (
            Outline(items=(MANY,) * (MAX_LEAVES + 1)),
            "21",
            "A condition has at most 20 comparisons; this is one more.",
        ),
    ],
)
def test_wrong_row_is_named_and_told_what_belongs_there(outline: Outline, place: str, said: str) -> None:
    with pytest.raises(ConditionError) as refusal:
        document_of(outline, CATALOGUE)

    assert (refusal.value.path, refusal.value.sentence) == (place, said)


def test_what_was_typed_becomes_what_the_type_of_the_fact_asks() -> None:
    outline = Outline(
        Joins.ANY,
        (
            Row("amount", "between", ("2", "2.50")),
            Row(),
            Row("object", "in", ("a \n\n b", "c")),
            Group(Joins.NONE, (Row("active", "known", ("false",)), Row("segments", "has", ("vip",)))),
            Group(Joins.ALL, (Row(),)),
        ),
    )

    document = document_of(outline, CATALOGUE)

    assert same(
        document,
        {
            "any": [
                {"fact": "amount", "op": "between", "value": [2, 2.5]},
                {"fact": "object", "op": "in", "value": ["a", "b", "c"]},
                {
                    "not": {
                        "any": [
                            {"fact": "active", "op": "known", "value": False},
                            {"fact": "segments", "op": "has", "value": "vip"},
                        ]
                    }
                },
            ]
        },
    )
    assert parse(document, CATALOGUE)


def test_blank_rows_alone_mean_always() -> None:
    assert document_of(Outline(items=(Row(), Group(rows=(Row(),)), Row(op="eq", values=("1",)))), CATALOGUE) == {}


def test_label_of_a_fact_is_said_in_the_language_of_the_reader() -> None:
    catalogue = {"x": Fact("x", FactType.NUMBER, "Betrag")}

    with pytest.raises(ConditionError) as refusal:
        document_of(Outline(items=(Row("x"),)), catalogue)

    assert refusal.value.translated({"Choose how “{fact}” is compared.": "Wie? {fact}"}.__getitem__) == "Wie? Betrag"


A, B, C = (Row(name) for name in "abc")


@pytest.mark.parametrize(
    ("place", "by", "items"),
    [
        ((0,), 1, (B, A, Group(rows=(A, B)))),
        ((0,), -1, (A, B, Group(rows=(A, B)))),
        ((2,), 1, (A, B, Group(rows=(A, B)))),
        ((2,), -1, (A, Group(rows=(A, B)), B)),
        ((2, 1), -1, (A, B, Group(rows=(B, A)))),
        ((1, 0), 1, (A, B, Group(rows=(A, B)))),
        ((9, 0), 1, (A, B, Group(rows=(A, B)))),
    ],
)
def test_row_moves_among_its_neighbours_and_no_further(place: Place, by: int, items: tuple[Any, ...]) -> None:
    assert Outline(items=(A, B, Group(rows=(A, B)))).moved(place, by).items == items


def test_rows_and_groups_are_added_at_the_end_and_taken_away_by_their_place() -> None:
    outline = Outline(items=(A,)).with_row().with_group().with_row(2)

    assert outline.items == (A, Row(), Group(rows=(Row(), Row())))
    assert outline.without((2, 0)).without((0,)).items == (Row(), Group(rows=(Row(),)))
    assert outline.without((7,)).without((0, 0)).with_row(0) == outline
