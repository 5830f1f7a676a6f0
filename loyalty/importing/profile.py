"""Import profiles: how the columns of a file become the fields of activities. A profile is a small YAML document.

    source: {code: shop, name: Our shop}      owns the ids of what it sends; made when it is missing
    program: wholesale                        companies that are in it earn; those without a membership join it
    time_zone: Europe/London                  of times that carry no offset
    date_format: "%Y-%m-%d %H:%M:%S"          as in Python's strptime
    in_time_order: true                       a line earlier than one before it is rejected
    file: {encoding: utf-8, delimiter: ",", decimal_comma: false}
    columns: {company: Customer ID, occurred_at: InvoiceDate, object: StockCode, quantity: Quantity, price: Price}
    defaults: {type: purchase, currency: GBP} what holds where a field has no column, or its cell is empty
    attributes: {warranty: Warranty months}   declared attributes of the activity type, by column
    id: {columns: [Invoice, StockCode], number_repeats: true}
    filter: {fact: Status, op: ne, value: draft}            a condition over columns; other lines are left out
    returns:
      when: {fact: Invoice, op: starts_with, value: C}      a condition over columns
      quantity: negative                                    how returns write quantity and amount: negative or positive
      original: latest_purchase                             or, where the file names it:  original_column: Undoes
    companies: {unknown: create, name: "Customer {Customer ID}", country: Country, kind: CLIENT}

Fields: company (the customer number), occurred_at, type, object, quantity, amount or price (of one piece), currency,
employee (the number of a person of the company).
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug

from accounts.conditions import Condition, ConditionError, Fact, FactType, explain, parse
from accounts.models import Company
from accounts.time_zones import time_zones
from loyalty.importing.documents import DocumentError, Section, read_document
from loyalty.models.programs import validate_currency

ProfileError = DocumentError

FIELDS = ("company", "occurred_at", "type", "object", "quantity", "amount", "price", "currency", "employee")
_ROOT_FIELDS = (
    *("source", "program", "time_zone", "date_format", "in_time_order", "file", "columns", "defaults", "attributes"),
    *("id", "filter", "returns", "companies"),
)
_WITH_DEFAULT = ("type", "object", "quantity", "currency")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Returns:
    """Which lines are returns, how they write numbers, and how the activity that each undoes is found.

    `original_column` names it; empty: it is the latest earlier purchase with enough left.
    """

    when: Condition
    is_negative: bool
    original_column: str = ""


@dataclass(frozen=True, slots=True)
class NewCompanies:
    """What an unknown customer becomes: `name` is a template with {columns}, `country` a column or empty."""

    name: str
    country: str
    kind: str

    @property
    def name_columns(self) -> tuple[str, ...]:
        """The columns that the name is made of."""
        return tuple(_PLACEHOLDER.findall(self.name))

    def name_from(self, cells: Mapping[str, str]) -> str:
        """Return the name, its placeholders filled from `cells`."""
        return _PLACEHOLDER.sub(lambda match: cells[match[1]], self.name)


@dataclass(frozen=True, slots=True)
class Profile:
    """A checked profile; `columns` and `attributes` map fields and attribute codes to columns of the file.

    `filter` is None where every line counts, `returns` where no line is a return, `new_companies` where unknown
    customers are refused.
    """

    source_code: str
    source_name: str
    program_code: str
    zone: ZoneInfo
    date_format: str
    in_time_order: bool
    encoding: str
    delimiter: str
    decimal_comma: bool
    columns: Mapping[str, str]
    defaults: Mapping[str, str]
    attributes: Mapping[str, str]
    id_columns: tuple[str, ...]
    numbers_repeats: bool
    filter: Condition | None
    returns: Returns | None
    new_companies: NewCompanies | None

    @property
    def condition_columns(self) -> frozenset[str]:
        """The columns that the filter and the mark of returns read."""
        conditions = [self.filter, self.returns.when if self.returns else None]
        return frozenset(outcome.leaf.fact for one in conditions if one is not None for outcome in explain(one, {}))

    @property
    def needed_columns(self) -> frozenset[str]:
        """Every column that the file must have."""
        needed = {*self.columns.values(), *self.attributes.values(), *self.id_columns, *self.condition_columns}
        if self.returns is not None:
            needed.add(self.returns.original_column)
        if self.new_companies is not None:
            needed.update(self.new_companies.name_columns, [self.new_companies.country])
        return frozenset(needed - {""})


def load_profile(path: Path) -> Profile:
    """Read and check a profile. ProfileError names the file, the line and the field of what is wrong."""
    root = read_document(path)
    root.refuse_unknown(*_ROOT_FIELDS)
    source, file, ids = root.section("source"), root.section("file"), root.section("id")
    source.refuse_unknown("code", "name")
    file.refuse_unknown("encoding", "delimiter", "decimal_comma")
    ids.refuse_unknown("columns", "number_repeats")
    profile = Profile(
        source_code=_slug(source, "code"),
        source_name=source.text("name"),
        program_code=_slug(root, "program"),
        zone=_zone(root),
        date_format=_date_format(root),
        in_time_order=root.flag("in_time_order", False),
        encoding=_encoding(file),
        delimiter=_delimiter(file),
        decimal_comma=file.flag("decimal_comma", False),
        columns=_columns(root.section("columns")),
        defaults=_defaults(root.section("defaults")),
        attributes=_texts(root.section("attributes")),
        id_columns=ids.texts("columns"),
        numbers_repeats=ids.flag("number_repeats", False),
        filter=_condition(root, "filter") if root.has("filter") else None,
        returns=_returns(root) if root.has("returns") else None,
        new_companies=_new_companies(root.section("companies")),
    )
    _refuse_gaps(profile, root)
    return profile


def _refuse_gaps(profile: Profile, root: Section) -> None:
    """Refuse what each field allows alone and all of them together do not."""
    columns, defaults = profile.columns, profile.defaults
    if "type" not in columns and "type" not in defaults:
        raise root.error("the activity type is missing: give it under “defaults” or “columns” as “type”.")
    if "price" in columns and "amount" in columns:
        raise root.error("give “amount” or “price” (of one piece), not both.", "columns")
    if "price" in columns and "quantity" not in columns and "quantity" not in defaults:
        raise root.error("a price needs a “quantity”.", "columns")
    if ("price" in columns or "amount" in columns) and "currency" not in columns and "currency" not in defaults:
        raise root.error("an amount needs a “currency”, here or under “columns”.", "defaults")
    returns = profile.returns
    if returns is None or returns.original_column:
        return
    if "quantity" not in columns:
        raise root.error("to find the original of a return, a column for “quantity” is needed.", "returns")
    if not profile.in_time_order:
        raise root.error("to find the original of a return, the file needs “in_time_order: true”.", "returns")


def _columns(section: Section) -> dict[str, str]:
    section.refuse_unknown(*FIELDS)
    columns = {field: section.text(field) for field in FIELDS if section.has(field)}
    for field in ("company", "occurred_at"):
        if field not in columns:
            raise section.error(f"the field “{field}” is missing.")
    return columns


def _defaults(section: Section) -> dict[str, str]:
    section.refuse_unknown(*_WITH_DEFAULT)
    defaults = {field: section.text(field) for field in _WITH_DEFAULT if section.has(field)}
    if "currency" in defaults:
        try:
            validate_currency(defaults["currency"])
        except ValidationError as error:
            raise section.error(error.messages[0], "currency") from error
    if "quantity" in defaults and not re.fullmatch(r"[0-9]{1,9}", defaults["quantity"]):
        raise section.error("a whole number is needed here.", "quantity")
    return defaults


def _texts(section: Section) -> dict[str, str]:
    return {key: section.text(key) for key in section.content}


def _slug(section: Section, key: str) -> str:
    code = section.text(key)
    try:
        validate_slug(code)
    except ValidationError as error:
        raise section.error("a code has letters, digits, hyphens and underscores only.", key) from error
    if len(code) > 50:
        raise section.error("a code has at most 50 characters.", key)
    return code


def _zone(root: Section) -> ZoneInfo:
    name = root.text("time_zone")
    if name not in time_zones():
        raise root.error(f"“{name[:40]}” is not a time zone, such as Europe/London.", "time_zone")
    return ZoneInfo(name)


def _date_format(root: Section) -> str:
    format_ = root.text("date_format")
    day = datetime(2011, 12, 30, tzinfo=UTC)
    try:
        is_whole = datetime.strptime(day.strftime(format_), format_).replace(tzinfo=UTC) == day
    except (ValueError, re.error):
        is_whole = False
    if not is_whole:
        sentence = 'this does not say year, month and day in the way of strptime, such as "%Y-%m-%d %H:%M:%S".'
        raise root.error(sentence, "date_format")
    return format_


def _encoding(file: Section) -> str:
    name = file.text("encoding", "utf-8")
    try:
        encoding = codecs.lookup(name)
        encoding.encode("a")[0].decode(name)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise file.error(f"“{name[:40]}” is not an encoding, such as utf-8 or cp1252.", "encoding") from error
    return "utf-8-sig" if encoding.name == "utf-8" else encoding.name


def _delimiter(file: Section) -> str:
    delimiter = file.text("delimiter", ",")
    if len(delimiter) != 1 or delimiter in '"\r\n' or delimiter.isalnum():
        raise file.error("one sign is needed here, such as , or ; or a tab.", "delimiter")
    return delimiter


def _condition(section: Section, key: str) -> Condition:
    document = section.document(key)
    if not document:
        raise section.error("a condition is needed here.", key)
    try:
        return parse(document, dict(_facts(document)))
    except ConditionError as error:
        raise section.error(str(error), key) from error


def _facts(document: Any) -> Iterator[tuple[str, Fact]]:
    """Every column that a condition names, as a fact: a file's columns are not known before it is read."""
    if isinstance(document, dict):
        name = document.get("fact")
        if isinstance(name, str) and name:
            yield name, Fact(name, FactType.TEXT, name)
    parts = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    for part in parts:
        yield from _facts(part)


def _returns(root: Section) -> Returns:
    section = root.section("returns")
    section.refuse_unknown("when", "quantity", "original", "original_column")
    when = _condition(section, "when")
    is_negative = section.choice("quantity", ("negative", "positive"), "negative") == "negative"
    column = section.text("original_column") if section.has("original_column") else ""
    if not column:
        section.choice("original", ("latest_purchase",))
    elif section.has("original"):
        raise section.error("give “original” or “original_column”, not both.", "original")
    return Returns(when, is_negative, column)


def _new_companies(section: Section) -> NewCompanies | None:
    section.refuse_unknown("unknown", "name", "country", "kind")
    if section.choice("unknown", ("create", "refuse"), "refuse") == "refuse":
        return None
    return NewCompanies(
        name=section.text("name"),
        country=section.text("country") if section.has("country") else "",
        kind=section.choice("kind", tuple(Company.Kind.values), Company.Kind.CLIENT.value),
    )
