"""A profile that cannot be used is refused with the line and the field."""

import copy
from pathlib import Path
from typing import Any

import pytest

from loyalty.importing import ProfileError, load_profile
from tests.importing.files import DOCUMENT, a_profile_file

PROFILES = Path(__file__).resolve().parents[2] / "loyalty" / "site" / "profiles"


def changed(**changes: Any) -> dict[str, Any]:
    """DOCUMENT with changes: `section__key=value`, `...` takes away."""
    document: dict[str, Any] = copy.deepcopy(DOCUMENT)
    for path, value in changes.items():
        section = document
        *names, last = path.split("__")
        for name in names:
            section = section.setdefault(name, {})
        if value is ...:
            del section[last]
        else:
            section[last] = value
    return document


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (changed(colour="red"), "profile.yaml, line 33: colour: there is no such field; the fields here are source,"),
        (changed(source__kind="API"), "profile.yaml, line 4: source.kind: there is no such field"),
        (changed(columns__prise="Price"), "columns.prise: there is no such field"),
        (changed(file__encodin="utf-8"), "file.encodin: there is no such field"),
        (changed(id__unique=True), "id.unique: there is no such field"),
        (changed(returns__then=True), "returns.then: there is no such field"),
        (changed(companies__city="x"), "companies.city: there is no such field"),
        (changed(defaults__price="1"), "defaults.price: there is no such field"),
        (changed(program=...), "the field “program” is missing"),
        (changed(source=...), "source: the field “code” is missing"),
        (changed(columns__company=...), "columns: the field “company” is missing"),
        (changed(defaults__type=...), "the activity type is missing"),
        (changed(id=...), "id: the field “columns” is missing"),
        (changed(program="no code!"), "program: a code has letters"),
        (changed(source__code="x" * 51), "at most 50 characters"),
        (changed(time_zone="London"), "“London” is not a time zone"),
        (changed(date_format="%Y-%m"), "does not say year, month and day"),
        (changed(date_format="%Q"), "does not say year, month and day"),
        (changed(date_format=[]), "date_format: a text is needed"),
        (changed(in_time_order="perhaps"), "in_time_order: true or false is needed"),
        (changed(file__encoding="utf-99"), "“utf-99” is not an encoding"),
        (changed(file__encoding="rot13"), "“rot13” is not an encoding"),
        (changed(file__delimiter=";;"), "file.delimiter: one sign is needed"),
        (changed(columns="Price"), "columns: names with values are needed"),
        (changed(columns__price=True), "columns.price: a text is needed here; put it in quotes"),
        (changed(columns__price=" "), "columns.price: a text is needed here, and this is blank"),
        (changed(columns__amount="Price"), "give “amount” or “price”"),
        (changed(columns__quantity=...), "a price needs a “quantity”"),
        (changed(defaults__currency=...), "an amount needs a “currency”"),
        (changed(defaults__currency="pounds"), "“pounds” is not a currency"),
        (changed(defaults__currency="XXQ"), "“XXQ” is not a currency"),
        (changed(defaults__quantity="some"), "defaults.quantity: a whole number is needed"),
        (changed(id__columns="Invoice"), "id.columns: a list of texts is needed"),
        (changed(in_time_order=False), "the file needs “in_time_order: true”"),
        (changed(returns__when={}), "returns.when: a condition is needed"),
        (changed(returns__when={"fact": "Invoice", "op": "is", "value": "C"}), "There is no operator 'is'"),
        (changed(returns__original="first"), "“first” is not one of latest_purchase"),
        (changed(returns__original_column="Undoes"), "not both"),
        (changed(returns__quantity="minus"), "“minus” is not one of negative, positive"),
        (changed(filter="all"), "A condition is an object"),
        (changed(companies__unknown="maybe"), "“maybe” is not one of create, refuse"),
        (changed(companies__kind="SHOP"), "“SHOP” is not one of CLIENT"),
        (changed(companies__name=...), "companies: the field “name” is missing"),
    ],
)
def test_profile_that_cannot_be_used_is_refused(tmp_path: Path, document: dict[str, Any], sentence: str) -> None:
    path = a_profile_file(tmp_path, document)

    with pytest.raises(ProfileError) as refusal:
        load_profile(path)

    assert sentence in str(refusal.value)
    assert str(refusal.value).startswith("profile.yaml")
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "names with values are needed"),
        (b"- a\n- b", "names with values are needed"),
        (b"program: [", "line 1: is not YAML"),
        (b"a: 1\nb: {c: 1, c: 2}", "line 2: “c” is written twice"),
        (b"1: x", "line 1: a field's name is a text"),
        (b"a: &x {}\nb: *x", "aliases"),
        (b"\xff\xfe", "is not in UTF-8"),
        (b"program: \0", "is not YAML"),
        (b"a: " + b"[" * 50_000, "nested more than 20 deep"),
        (b"#" * 70_000, "larger than 64 KB"),
        (b"a: !!python/object/apply:os.system [ls]", "is not YAML"),
    ],
)
def test_document_that_is_none_is_refused(tmp_path: Path, text: bytes, sentence: str) -> None:
    path = tmp_path / "profile.yaml"
    path.write_bytes(text)

    with pytest.raises(ProfileError) as refusal:
        load_profile(path)

    assert sentence in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_missing_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.yaml")), ids=lambda path: str(path.stem))
def test_shipped_profile_is_sound(path: Path) -> None:
    profile = load_profile(path)

    assert profile.program_code


def test_template_and_conditions_name_the_columns_that_the_file_must_have(tmp_path: Path) -> None:
    document = changed(
        companies__name="{First} {Last}", filter={"not": {"fact": "Status", "op": "in", "value": ["draft"]}}
    )

    profile = load_profile(a_profile_file(tmp_path, document))

    assert profile.needed_columns == {
        *("Invoice", "StockCode", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"),
        *("First", "Last", "Status"),
    }
