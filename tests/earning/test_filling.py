"""Formulas and effects as a form has them: what is asked is what documents hold, and both ways mean the same."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from accounts.conditions import Catalogue, Fact, FactType
from loyalty.earning import KINDS, MODIFIER_ASKS, MODIFIERS, Ask, Kind, parse_formula
from loyalty.earning.formulas.asking import Asks
from loyalty.earning.formulas.filling import (
    answers_of,
    document_of,
    place_of,
    row_numbers,
    texts_of,
    with_rows,
)
from loyalty.effects import Effect, effects, parse_effect
from tests.earning.test_kinds import CATALOGUE

STEPS, LOOKUP = KINDS["steps"].asks, KINDS["lookup"].asks
BANDS = next(ask for ask in STEPS if ask.key == "bands")


def every_ask(asks: Iterable[Ask]) -> list[Ask]:
    return [one for ask in asks for one in (ask, *every_ask(ask.parts))]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_kind_asks_for_each_of_its_keys_and_says_which_may_be_left_out(kind: type[Kind]) -> None:
    assert kind.title
    assert {ask.key for ask in kind.asks} == kind.keys
    assert {ask.key for ask in kind.asks if ask.is_optional} == kind.optional
    assert all(ask.label for ask in every_ask(kind.asks))


@pytest.mark.parametrize("kind", effects().values(), ids=effects())
def test_effect_asks_for_each_of_its_keys_and_says_which_may_be_left_out(kind: type[Effect]) -> None:
    assert kind.title
    assert {ask.key for ask in kind.asks} == kind.keys
    assert {ask.key for ask in kind.asks if ask.is_optional} == kind.optional
    assert parse_effect({"kind": kind.kind, **filled_again(kind.asks, kind.example)}) == parse_effect(kind.example)


def test_modifiers_are_asked_for_and_may_all_be_left_out() -> None:
    assert {ask.key for ask in MODIFIER_ASKS} == MODIFIERS
    assert all(ask.is_optional for ask in MODIFIER_ASKS)


def filled_again(asks: Iterable[Ask], document: Mapping[str, object]) -> dict[str, object]:
    listed = [*asks]
    return document_of(listed, answers_of(listed, document), CATALOGUE)


MODIFIED = {
    "minimum_spend": 100,
    "multipliers": {"tier": {"gold": "1.5", "basic": 2}},
    "rounding": "half up",
    "at_least": 5,
    "at_most": 500,
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_example_that_is_filled_in_and_read_again_means_the_same(kind: type[Kind]) -> None:
    document = {**kind.example, **MODIFIED}

    written = {"kind": kind.kind, **filled_again((*kind.asks, *MODIFIER_ASKS), document)}

    assert parse_formula(written, CATALOGUE) == parse_formula(document, CATALOGUE)


def test_document_becomes_texts_under_names() -> None:
    document = {
        "of": "activity.amount",
        "applies": "to the part",
        "bands": [{"from": 0, "percent": 2.5}, {"from": "9", "points": 1, "step": "3"}, "no row"],
        "more": "of nobody",
    }

    assert answers_of(STEPS, document) == {
        "of": ("activity.amount",),
        "applies": ("to the part",),
        "by": ("",),
        "bands-0-from": ("0",), "bands-0-points": ("",), "bands-0-step": ("",), "bands-0-percent": ("2.5",),
        "bands-0-of": ("",),
        "bands-1-from": ("9",), "bands-1-points": ("1",), "bands-1-step": ("3",), "bands-1-percent": ("",),
        "bands-1-of": ("",),
        "bands-2-from": ("",), "bands-2-points": ("",), "bands-2-step": ("",), "bands-2-percent": ("",),
        "bands-2-of": ("",),
    }  # fmt: skip


def test_part_and_factors_become_texts_under_names() -> None:
    answers = answers_of(MODIFIER_ASKS, {"multipliers": {"tier": {"gold": "2"}, "campaigns": ["a", "b"]}, "at_most": 7})

    assert answers == {
        "minimum_spend": ("",),
        "multipliers-tier-gold": ("2",),
        "multipliers-campaigns": ("a", "b"),
        "rounding": ("",),
        "at_least": ("",),
        "at_most": ("7",),
    }


def test_whole_numbers_are_written_as_such_other_numbers_as_text_and_blanks_not_at_all() -> None:
    answers: dict[str, tuple[str, ...]] = {
        "applies": ("to the part",),
        "by": (" ",),
        "bands-4-from": (" 10 ",),
        "bands-4-points": ("7",),
        "bands-2-from": ("5",),
        "bands-2-points": ("many",),
        "bands-3-from": ("",),
        "bands-11-points": ("1" * 19,),
    }

    assert document_of(STEPS, answers, CATALOGUE) == {
        "applies": "to the part",
        "bands": [{"from": "5", "points": "many"}, {"from": "10", "points": 7}, {"points": "1" * 19}],
    }


@pytest.mark.parametrize(
    ("fact_type", "typed", "written"),
    [
        (FactType.TEXT, ("A",), "A"),
        (FactType.TEXT, ("A\r\n B \n\n", "C"), ["A", "B", "C"]),
        (FactType.TEXT, ("true",), "true"),
        (FactType.BOOLEAN, ("true",), True),
        (FactType.BOOLEAN, ("false", "true"), [False, True]),
        (FactType.BOOLEAN, ("perhaps",), "perhaps"),
    ],
)
def test_keys_are_written_as_the_fact_has_them(fact_type: FactType, typed: tuple[str, ...], written: object) -> None:
    catalogue: Catalogue = {"x": Fact("x", fact_type, "x")}
    answers = {"by": ("x",), "table-0-is": typed, "table-0-points": ("1",), "otherwise-percent": ("2",)}

    assert document_of(LOOKUP, answers, catalogue) == {
        "by": "x",
        "table": [{"is": written, "points": 1}],
        "otherwise": {"percent": "2"},
    }


def test_yes_and_no_become_texts_that_are_read_again() -> None:
    table = [{"is": True, "points": 1}, {"is": [False], "points": 2}]
    answers = answers_of(LOOKUP, {"by": "x", "table": table})

    assert (answers["table-0-is"], answers["table-1-is"]) == (("true",), ("false",))


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("", []),
        ("applies", [("each step's rate counts", None)]),
        ("bands", [("steps", None)]),
        ("bands[0].from", [("steps", 2), ("at least", None)]),
        ("bands[1].points", [("steps", 3), ("points", None)]),
        ("bands[2].points", [("steps", 3), ("points", None)]),
        ("bands[7].points", [("steps", 8), ("points", None)]),
        ("nothing[0].here", [("nothing", None)]),
    ],
)
def test_place_is_called_as_the_form_calls_it_and_blank_rows_count(
    path: str, places: list[tuple[str, int | None]]
) -> None:
    answers = {"bands-0-from": ("",), "bands-3-from": ("1",), "bands-5-from": ("2",)}

    assert place_of(STEPS, answers, CATALOGUE, path) == places


def test_place_in_a_part_is_called_by_each_label() -> None:
    assert place_of(MODIFIER_ASKS, {}, CATALOGUE, "multipliers.tier.gold") == [
        ("factors", None), ("factor for each tier", None), ("gold", None),
    ]  # fmt: skip
    keys = place_of(LOOKUP, {"by": ("activity.object",), "table-0-is": ("a\nb",)}, CATALOGUE, "table[0].is[1]")
    assert keys == [("rates", 1), ("where it is", None)]


def test_rows_in_a_part_of_rows_are_read_written_and_called_by_their_numbers() -> None:
    keys = Ask("is", "where it is", Asks.KEYS, of="by")
    rows = Ask("rows", "lines", Asks.ROWS, parts=(keys, Ask("points", "points", Asks.POINTS)))
    asks = [Ask("groups", "groups", Asks.ROWS, parts=(Ask("part", "part", Asks.PART, parts=(rows,)),))]
    answers = {
        "groups-0-part-rows-0-points": (" ",),
        "groups-3-part-rows-1-is": ("",),
        "groups-3-part-rows-4-is": ("true",),
        "groups-3-part-rows-4-points": ("7",),
    }
    yes_or_no: Catalogue = {"x": Fact("x", FactType.BOOLEAN, "x")}

    def written(value: object) -> dict[str, object]:
        return {"groups": [{"part": {"rows": [{"is": value, "points": 7}]}}]}

    assert document_of(asks, answers, yes_or_no) == written("true")
    assert document_of(asks, {**answers, "by": ("x",)}, yes_or_no) == written(True)
    assert answers_of(asks, written(True)) == {
        "groups-0-part-rows-0-is": ("true",),
        "groups-0-part-rows-0-points": ("7",),
    }
    assert place_of(asks, answers, yes_or_no, "groups[0].part.rows[0].points") == [
        ("groups", 2), ("part", None), ("lines", 2), ("points", None),
    ]  # fmt: skip


def test_campaigns_are_a_list_even_where_there_is_one() -> None:
    assert document_of(MODIFIER_ASKS, {"multipliers-campaigns": ("spring", " ")}, CATALOGUE) == {
        "multipliers": {"campaigns": ["spring"]}
    }


@pytest.mark.parametrize("odd", [None, "text", 7])
def test_what_is_no_table_and_no_factors_leaves_them_blank(odd: object) -> None:
    assert {name for name in answers_of(STEPS, {"bands": odd}) if name.startswith("bands")} == set()
    assert "multipliers-campaigns" in answers_of(MODIFIER_ASKS, {"multipliers": {"tier": odd}})


def test_rows_are_ordered_anew_and_blank_ones_added() -> None:
    answers: dict[str, Any] = {
        "of": ("x",),
        "bands-2-from": ("two",),
        "bands-10-from": ("ten",),
        "bands-10-of": ("y",),
        "bandsaw-1-from": ("other",),
    }
    blank = {f"bands-1-{part.key}": ("",) for part in BANDS.parts}

    assert row_numbers(answers, "bands") == [2, 10]
    assert with_rows(answers, BANDS, [10, None, 2]) == {
        "of": ("x",),
        "bandsaw-1-from": ("other",),
        "bands-0-from": ("ten",),
        "bands-0-of": ("y",),
        **blank,
        "bands-2-from": ("two",),
    }


def test_texts_are_what_was_typed_a_line_each() -> None:
    assert texts_of((" a \n\nb", "", "c")) == ("a", "b", "c")
