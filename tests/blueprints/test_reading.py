"""What makes a YAML file unfit to be a blueprint, as tables without a database; what is written is read back."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.validators import MaxValueValidator
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from loyalty.models import Program
from loyalty.site.blueprints import SHIPPED, BlueprintError, Document, Shipped, check, read, schema, shipped, write
from loyalty.site.blueprints.sections.program import KEYS

TRICKS: dict[str, tuple[bytes | str, int, int, str]] = {
    "not UTF-8": (b"blueprint: 1\nname: \xff", 2, 1, "not in UTF-8"),
    "UTF-16": ("blueprint: 1".encode("utf-16"), 1, 1, "not in UTF-8"),
    "no YAML": ("program:\n  code: [a, b\n", 3, 1, "not YAML"),
    "a tab": ("program:\n\tcode: a", 2, 1, "not YAML"),
    "a sign that is none": ("blueprint: 1\nname: a\x07b", 2, 8, "cannot be printed"),
    "half a sign": ("name: \ud800", 1, 7, "cannot be printed"),
    "a NUL that is written out": ('name: "a\\0b"', 1, 7, "A NUL is not a character"),
    "empty": ("", 0, 0, "begins with keys"),
    "a list": ("- a", 0, 0, "begins with keys"),
    "a key twice": ("program: {}\nrules: 1\nprogram: {}", 3, 1, "“program” is written twice: it is in line 1"),
    "a key that is more": ("? [a]\n: b", 1, 3, "A key is a text"),
    "an anchor": ("a: &x 1", 1, 4, "Anchors"),
    "an alias": ("a: *x", 1, 4, "Anchors"),
    "a merge of an alias": ("a: {<<: *x}", 1, 9, "Anchors"),
    "a bomb": ("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", 1, 4, "Anchors"),
    "a tag": ("a: !!python/object:os.system x", 1, 4, "Tags"),
    "a tag of one's own": ("a: !x y", 1, 4, "Tags"),
    "the unnamed tag": ("a: ! y", 1, 4, "Tags"),
    "two documents": ("a: 1\n---\nb: 2", 2, 1, "second document"),
    "too deep": ("a: " + "[" * 30 + "]" * 30, 1, 23, "nests more than 20 deep"),
    "very deep": ("a: " + "[" * 100_000, 1, 23, "nests more than 20 deep"),
    "too large": ("#" * 1_000_001, 0, 0, "larger than 1 MB"),
    "too many": ("a: [" + "1," * 250_000 + "]", 1, 399_995, "more than 200,000 parts"),
}


@pytest.mark.parametrize(("text", "line", "column", "sentence"), TRICKS.values(), ids=TRICKS)
def test_a_file_that_is_no_blueprint_is_refused_at_its_place(
    text: bytes | str, line: int, column: int, sentence: str
) -> None:
    with pytest.raises(BlueprintError) as caught:
        read(text)

    [fault] = caught.value.faults
    assert sentence in fault.sentence
    assert (fault.mark.line, fault.mark.column) == (line, column)


def test_only_numbers_and_truths_are_something_else_than_text() -> None:
    text = "a: [NO, yes, on, 2026-01-31, 12:30, 0o7, 007, 1e9, .inf, '1', 1_0, ~, true, 0.10, -7, +2, 0]\n\"=\": <<"

    assert read(text).data == {
        "a": [
            *("NO", "yes", "on", "2026-01-31", "12:30", "0o7", "007", "1e9", ".inf", "1", "1_0"),
            *(None, True, Decimal("0.10"), -7, 2, 0),
        ],
        "=": "<<",
    }


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | TEXTS
    | st.decimals(-(10**9), 10**9, places=4).filter(lambda number: number != number.to_integral_value()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(TEXTS, PLAIN, min_size=1, max_size=4))
def test_what_is_written_is_read_back(data: dict[str, Any]) -> None:
    assert read(write(data, heading="Two\nlines")).data == data


MINIMAL = """\
blueprint: 1
program:
  code: club
  name: Club
  currency: EUR
  time_zone: Europe/Berlin
rule_set:
  rules:
    - code: orders
      name: Orders
      when: purchase
      give: {kind: fixed, points: 1}
"""

SHAPES: dict[str, tuple[str, str, list[str]]] = {
    "an unknown section": (
        "blueprint: 1",
        "blueprint: 1\nrule: []",
        ["Line 2, column 1, rule: There is no key “rule” here. Did you mean"],
    ),
    "an unknown key": (
        "code: club",
        "code: club\n  curency: EUR",
        ["Line 4, column 3, program › curency: There is no key “curency” here. Did you mean “currency”?"],
    ),
    "an unknown key of an entry": (
        "when: purchase",
        "when: purchase\n      limit: 3",
        ["Line 12, column 7, rule_set › rules › orders › limit: There is no key “limit” here. Did you mean “limits”?"],
    ),
    "a missing key": (
        "  currency: EUR\n",
        "",
        ["Line 3, column 3, program: “currency” is missing here."],
    ),
    "a missing section": (
        "rule_set:\n  rules:\n",
        "badges:\n",
        [
            "Line 1, column 1: “rule_set” is missing here.",
            "Line 10, column 7, badges › orders › when: There is no key “when” here.",
            "Line 11, column 7, badges › orders › give: There is no key “give” here.",
        ],
    ),
    "a wrong type": (
        "code: club",
        "code: club\n  expiry_months: twelve",
        ["Line 4, column 18, program › expiry_months: This should be a whole number, not “twelve”."],
    ),
    "a number for a text": (
        "name: Club",
        "name: 12",
        ["Line 4, column 9, program › name: This should be a text, not 12. Put it in quotation"],
    ),
    "half a point": (
        "code: club",
        "code: club\n  adjustment_limit: 1.5",
        ["Line 4, column 21, program › adjustment_limit: This should be"],
    ),
    "a wrong word": (
        "code: club",
        "code: club\n  expiry: month",
        ["Line 4, column 11, program › expiry: “month” is not one of the choices. Did you mean “months”?"],
    ),
    "too much": (
        "code: club",
        "code: club\n  expiry_months: 241",
        ["Line 4, column 18, program › expiry_months: 241 is too much: at most 240."],
    ),
    "a yes that is a text": (
        "code: club",
        "code: club\n  running: yes",
        ["Line 4, column 12, program › running: This should be true or false"],
    ),
    "no code": (
        "code: orders",
        "code: my orders",
        ["Line 9, column 13, rule_set › rules › my orders › code: “my orders”"],
    ),
    "no rules": (
        MINIMAL[MINIMAL.index("  rules:") :],
        "  rules: []\n",
        ["Line 8, column 10, rule_set › rules: This list is empty: it has at least one entry."],
    ),
    "too many entries": (
        "blueprint: 1",
        "blueprint: 1\nbadges: [" + "{code: a, name: A}, " * 1_001 + "]",
        ["Line 2, column 9, badges: This list has 1,001 entries, and 1,000 is the most."],
    ),
    "another format": ("blueprint: 1", "blueprint: 2", ["Line 1, column 12, blueprint: This should be 1, not 2."]),
    "a code twice": (
        "    - code: orders",
        "    - {code: orders, name: A, when: b, give: {kind: fixed}}\n    - code: orders",
        ["Line 10, column 13, rule_set › rules › orders › code: The code “orders” stands in line 9 already."],
    ),
}


@pytest.mark.parametrize(("old", "new", "sentences"), SHAPES.values(), ids=SHAPES)
def test_what_is_otherwise_than_the_schema_is_named_with_its_place(old: str, new: str, sentences: list[str]) -> None:
    assert old in MINIMAL

    with pytest.raises(BlueprintError) as caught:
        check(read(MINIMAL.replace(old, new, 1)))

    found = [str(fault) for fault in caught.value.faults]
    assert [text.startswith(sentence) for text, sentence in zip(found, sentences, strict=True)] == [True] * len(found)


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.code)
def test_shipped_blueprints_are_as_the_schema_says_it_to_editors(one: Shipped) -> None:
    document = read(one.read())
    Draft202012Validator.check_schema(json.loads(json.dumps(schema(), default=float)))

    check(document)
    Draft202012Validator(schema()).validate(document.data)
    assert document.data["program"]["name"] == one.name
    assert document.data["program"]["code"] == one.code


def test_a_program_can_be_adjusted_and_its_segments_ask_for_the_new_code() -> None:
    segment = {"code": "big", "name": "Big", "only_if": {"fact": "program.club.tier", "op": "eq", "value": "gold"}}
    document = Document({"program": {"code": "club", "name": "Club", "currency": "EUR"}, "segments": [segment]})

    adjusted = document.with_program(code="circle", name="", currency="USD", time_zone="")

    assert adjusted.data["program"] == {"code": "circle", "name": "Club", "currency": "USD"}
    assert adjusted.data["segments"][0]["only_if"]["fact"] == "program.circle.tier"
    assert document.data["program"]["code"] == "club"


def test_a_blueprint_says_all_that_a_program_has() -> None:
    said = {key.field.name for key in KEYS}
    has = {field.name for field in Program._meta.concrete_fields}

    assert has - said == {"id"}
    assert shipped("nothing") is None
    assert any(isinstance(each, MaxValueValidator) for each in Program._meta.get_field("expiry_months").validators)
