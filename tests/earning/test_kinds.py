"""What every kind of formula on the menu keeps to, whatever it calculates."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.conditions import Catalogue, Fact, FactType, Value
from accounts.wording import Translator
from loyalty.earning import KINDS, MAX_POINTS, Formula, FormulaError, Kind, formula_sentence, parse_formula

CATALOGUE: Catalogue = {
    "activity.amount": Fact("activity.amount", FactType.NUMBER, "amount", "GBP"),
    "activity.quantity": Fact("activity.quantity", FactType.NUMBER, "quantity"),
    "activity.object": Fact("activity.object", FactType.TEXT, "product code"),
    "activity.day": Fact("activity.day", FactType.DATE, "day"),
    "standing.tier": Fact("standing.tier", FactType.CHOICE, "tier", choices=(("basic", "Basic"), ("gold", "Gold"))),
}
numbers = st.decimals(allow_nan=False, allow_infinity=False)
facts = st.fixed_dictionaries(
    {
        "activity.amount": st.none() | numbers,
        "activity.quantity": st.none() | numbers,
        "activity.object": st.none() | st.text(max_size=5),
    }
)
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def example_of(kind: type[Kind]) -> Formula:
    return parse_formula(kind.example, CATALOGUE)


@every_kind
def test_example_of_a_kind_is_read_as_that_kind(kind: type[Kind]) -> None:
    assert type(example_of(kind)) is kind
    assert kind.example["kind"] == kind.kind == next(code for code, one in KINDS.items() if one is kind)
    assert kind.optional <= kind.keys


@every_kind
def test_document_of_a_kind_needs_each_of_its_keys(kind: type[Kind]) -> None:
    for key in kind.keys - kind.optional:
        document = {name: value for name, value in kind.example.items() if name != key}

        with pytest.raises(FormulaError) as refusal:
            parse_formula(document, CATALOGUE)

        assert str(refusal.value) == f"{key}: missing."


@every_kind
def test_kind_reads_facts_that_exist_and_grows_with_numbers_of_them(kind: type[Kind]) -> None:
    formula = example_of(kind)

    assert set(formula.facts) <= set(CATALOGUE)
    assert set(formula.counted) <= set(formula.facts)
    assert {CATALOGUE[code].type for code in formula.counted} <= {FactType.NUMBER}


@every_kind
def test_kind_says_itself_and_what_it_met_in_the_language_of_the_reader(kind: type[Kind]) -> None:
    formula = example_of(kind)
    asked: list[str] = []

    class Listener(Translator):
        def __call__(self, template: str, /) -> str:
            asked.append(template)
            return template

    assert formula_sentence(formula, CATALOGUE, Listener())
    assert asked
    assert all(formula.findings({}, CATALOGUE, Listener()))


@every_kind
@given(values=facts)
def test_kind_gives_whole_points_never_negative_never_above_the_most_and_reads_nothing_else(
    kind: type[Kind], values: dict[str, Value]
) -> None:
    formula = example_of(kind)

    points = formula.give(values)

    assert type(points) is int
    assert 0 <= points <= MAX_POINTS
    assert points == int(formula.exact(values))
    assert isinstance(formula.exact(values), Decimal)
    assert formula.give({code: values[code] for code in formula.facts}) == points
