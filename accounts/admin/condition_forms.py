"""Conditions as people edit them: rows of fact, comparison and value, with groups one level deep.

What rows cannot show (written by another system, or nested deeper) is shown as the document that it is, and stays one.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.documents import DocumentField
from accounts.admin.reshaping import asked_of
from accounts.conditions import (
    LISTING,
    OPERATOR_NAMES,
    Catalogue,
    ConditionError,
    Fact,
    FactType,
    Group,
    Joins,
    Operator,
    Outline,
    Place,
    Row,
    document_of,
    number_of,
    outline_of,
)

_FIRST_OPERATOR: Mapping[FactType, Operator] = {FactType.NUMBER: Operator.GTE}
"""How a fact is compared until somebody says otherwise; else by the first of its operators."""

ROOT_JOINS = ((Joins.ALL, gettext_lazy("all of these")), (Joins.ANY, gettext_lazy("any of these")))
GROUP_JOINS = (*ROOT_JOINS, (Joins.NONE, gettext_lazy("none of these")))


@dataclass(frozen=True, slots=True)
class Option:
    """A choice as a template shows it."""

    value: str
    label: object
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class RowShown:
    """A row as a template shows it; `kind` names the partial of its value."""

    number: str
    name: str
    facts: list[Option]
    operators: list[Option]
    kind: str
    texts: list[str]
    choices: list[Option]
    unit: object
    row: Row
    is_first: bool
    is_last: bool
    is_known: bool


@dataclass(frozen=True, slots=True)
class GroupShown:
    """A group as a template shows it."""

    number: str
    index: int
    name: str
    joins: list[Option]
    is_bare: bool
    rows: list[RowShown]
    is_first: bool
    is_last: bool


class ConditionWidget(forms.Widget):
    """Rows and groups, whose buttons are plain submits; a document where rows cannot show it."""

    template_name = "admin/widgets/conditions/editor.html"
    needs_multipart_form = False

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.catalogue: Catalogue | None = None
        self.is_kept = False
        """Whether what is being typed stays in its place: only how a row compares was changed."""
        self.also_swapped = ""
        """Selectors of other parts of the page that an answer brings anew, such as a preview."""

    def id_for_label(self, id_: str) -> str:
        """There is no one control to name: the editor is a group of them."""
        return ""

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Whether the page had neither rows nor a document."""
        return name not in data and f"{name}-joins" not in data

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return the outline that was typed, with what a button asked done to it; or the text of a document."""
        if name in data:
            return self._text_or_rows(data.get(name), asked_of(data, name))
        asked = asked_of(data, name)
        self.is_kept = asked == ["how"]
        return self._compared(_reshaped(_posted(data, name), asked))

    def _compared(self, outline: Outline) -> Outline:
        """Compare a fact that was just chosen as such facts mostly are."""
        facts = self.catalogue or {}

        def compared(row: Row) -> Row:
            return row if row.op or row.fact not in facts else replace(row, op=_operator(row, facts[row.fact]).value)

        items = (
            compared(item) if isinstance(item, Row) else replace(item, rows=tuple(map(compared, item.rows)))
            for item in outline.items
        )
        return replace(outline, items=tuple(items))

    def _text_or_rows(self, text: Any, asked: list[str]) -> Any:
        if asked == ["rows"]:
            try:
                document = json.loads(text or "{}")
            except (ValueError, RecursionError):
                return text
            return outline_of(document, self.catalogue or {}) or text
        return text

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Lay out rows with what each can be compared with."""
        context = super().get_context(name, None, attrs)
        editor: dict[str, Any] = {"name": name, "box": f"id_{name}-editor", "also": self.also_swapped}
        if isinstance(value, Outline):
            editor |= {
                "is_kept": self.is_kept,
                "joins": _options(ROOT_JOINS, value.joins),
                "is_bare": value.is_bare,
                "lines": [*self._items(name, value)],
                "is_several": len(value.items) > 1,
                "is_open": self.catalogue is not None,
            }
        else:
            editor["text"] = "" if value is None else value
        return {**context, "editor": editor}

    def _items(self, name: str, outline: Outline) -> Iterator[RowShown | GroupShown]:
        last = len(outline.items) - 1
        for index, item in enumerate(outline.items):
            if isinstance(item, Row):
                yield self._row(f"{name}-{index}", (index,), item, last)
                continue
            rows = [
                self._row(f"{name}-{index}-{inner}", (index, inner), row, len(item.rows) - 1)
                for inner, row in enumerate(item.rows)
            ]
            joins = _options(GROUP_JOINS, item.joins)
            number = number_of((index,))
            yield GroupShown(number, index, f"{name}-{index}", joins, item.is_bare, rows, index == 0, index == last)

    def _row(self, name: str, place: Place, row: Row, last: int) -> RowShown:
        catalogue = self.catalogue or {}
        fact = catalogue.get(row.fact)
        facts = [Option(one.code, one.label, one is fact) for one in catalogue.values()]
        operator = None if fact is None else _operator(row, fact)
        kind, choices = ("none", []) if fact is None or operator is None else _value_of(row, fact, operator)
        if row.fact and fact is None:
            facts.append(Option(row.fact, _("%(code)s (cannot be asked here)") % {"code": row.fact}, True))
        return RowShown(
            number=number_of(place),
            name=name,
            facts=facts,
            operators=[
                Option(one, _(OPERATOR_NAMES[one]), one is operator) for one in (fact.operators if fact else ())
            ],
            kind=kind,
            texts=_texts(row, kind),
            choices=choices,
            unit=fact.unit if fact else "",
            row=row,
            is_first=place[-1] == 0,
            is_last=place[-1] == last,
            is_known=fact is not None,
        )


class ConditionField(DocumentField):
    """A condition over a `catalogue` of facts; while it is None, nothing can be asked yet."""

    widget = ConditionWidget
    default_error_messages: ClassVar[dict[str, Any]] = {
        "row": gettext_lazy("Row %(row)s of “%(label)s”: %(reason)s"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "show_hidden_initial": False})
        self.catalogue: Catalogue | None = None
        self.blank_rows = 1

    def ask(self, catalogue: Catalogue | None, *, blank_rows: int = 1, also_swapped: str = "") -> None:
        """Say what can be asked, how many blank rows nothing begins with, and what else an answer brings anew."""
        self.catalogue = self.widget.catalogue = catalogue
        self.widget.also_swapped = also_swapped
        self.blank_rows = blank_rows

    def clean(self, value: Any) -> Any:
        """Return the document; refuse a row that is wrong by its number."""
        if not isinstance(value, Outline):
            document = super().clean(value)
            return {} if document is None else document
        if self.catalogue is None:
            return {}
        try:
            return document_of(value, self.catalogue)
        except ConditionError as error:
            raise forms.ValidationError(self.said(error), code="invalid") from error

    def said(self, error: ConditionError) -> str:
        """Return what is wrong, with the row that it is wrong in."""
        reason = error.translated(_)
        if not error.path:
            return reason
        return self.error_messages["row"] % {"row": error.path, "label": _plain(self.label), "reason": reason}

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Keep what was typed."""
        if self.disabled or not isinstance(data, Outline):
            return super().bound_data(data, initial)
        return data

    def prepare_value(self, value: Any) -> Any:
        """Show rows where they can show the document."""
        if isinstance(value, InvalidJSONInput):
            return value
        outline = value if isinstance(value, Outline) else outline_of(value, self.catalogue or {})
        if outline is None:
            return super().prepare_value(value)
        return outline if outline.items else replace(outline, items=(Row(),) * self.blank_rows)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare documents."""
        if not isinstance(data, Outline):
            return super().has_changed(initial, data)
        try:
            document = document_of(data, self.catalogue or {})
        except ConditionError:
            return True
        return json.dumps(initial or {}, sort_keys=True) != json.dumps(document, sort_keys=True)


def condition_field(form: forms.BaseForm, name: str) -> ConditionField | None:
    """Return a form's condition of that name; None where the page only shows it."""
    field = form.fields.get(name)
    return field if isinstance(field, ConditionField) else None


def _plain(label: object) -> str:
    text = str(label or "")
    return text[:1].upper() + text[1:]


def _options(choices: Any, chosen: str) -> list[Option]:
    return [Option(str(value), label, value == chosen) for value, label in choices]


def _operator(row: Row, fact: Fact) -> Operator:
    if row.op in list(fact.operators):
        return Operator(row.op)
    return _FIRST_OPERATOR.get(fact.type, fact.operators[0])


def _value_of(row: Row, fact: Fact, operator: Operator) -> tuple[str, list[Option]]:
    """Return which partial a value is typed in, and what it offers."""
    if operator is Operator.KNOWN or fact.type is FactType.BOOLEAN:
        return "choice", _options((("true", _("yes")), ("false", _("no"))), next(iter(row.texts), "true"))
    if operator in LISTING:
        return ("choices", _checked(row, fact)) if fact.choices else ("lines", [])
    if fact.choices:
        chosen = next(iter(row.texts), "")
        offered = [("", "---------"), *fact.choices, *_gone(row.texts[:1], fact)]
        return "choice", _options(offered, chosen)
    kind = {FactType.NUMBER: "number", FactType.DATE: "date"}.get(fact.type, "text")
    return (f"{kind}_ends" if operator is Operator.BETWEEN else kind), []


def _checked(row: Row, fact: Fact) -> list[Option]:
    """What is chosen stands first, in its order: so it comes back in the very same one."""
    labels = dict(fact.choices) | dict(_gone(row.texts, fact))
    chosen = [Option(code, labels[code], True) for code in row.texts]
    return chosen + [Option(code, label, False) for code, label in fact.choices if code not in row.texts]


def _gone(codes: tuple[str, ...], fact: Fact) -> list[tuple[str, object]]:
    known = dict(fact.choices)
    return [(code, _("%(code)s (there is none)") % {"code": code}) for code in codes if code not in known]


def _texts(row: Row, kind: str) -> list[str]:
    if kind.endswith("_ends"):
        first, last, *_more = (*row.values, "", "")
        return [first, last]
    if kind == "lines":
        return ["\n".join(row.texts)]
    return [next(iter(row.values), "")] if kind in ("number", "date", "text") else list(row.values)


def _posted(data: Any, name: str) -> Outline:
    """Return what was typed: a row's fact stands under `<name>-<row>-fact`, in a group `<name>-<group>-<row>-fact`."""
    items: dict[int, Row | dict[int, Row]] = {}
    place = re.compile(rf"{re.escape(name)}-(\d{{1,4}})(?:-(\d{{1,4}}))?-(fact|joins)")
    for key in data:
        match = place.fullmatch(key)
        if match is None:
            continue
        index, inner, what = int(match[1]), match[2], match[3]
        if what == "joins":
            items.setdefault(index, {})
        elif inner is None:
            items[index] = _posted_row(data, f"{name}-{index}")
        else:
            rows = items.setdefault(index, {})
            if isinstance(rows, dict):
                rows[int(inner)] = _posted_row(data, f"{name}-{index}-{inner}")
    return Outline(
        _joins(data.get(f"{name}-joins"), ROOT_JOINS),
        tuple(
            item if isinstance(item, Row) else _posted_group(data, f"{name}-{index}", item)
            for index, item in sorted(items.items())
        ),
        data.get(f"{name}-bare") == "1",
    )


def _posted_row(data: Any, name: str) -> Row:
    """Return a row; what was typed for another fact than the one chosen now says nothing of this one."""
    fact, before = data.get(f"{name}-fact", ""), data.get(f"{name}-of", "")
    if before not in ("", fact):
        return Row(fact, data.get(f"{name}-op", ""))
    values = data.getlist(f"{name}-value") if hasattr(data, "getlist") else [data.get(f"{name}-value", "")]
    return Row(fact, data.get(f"{name}-op", ""), tuple(values))


def _posted_group(data: Any, name: str, rows: dict[int, Row]) -> Group:
    joins = _joins(data.get(f"{name}-joins"), GROUP_JOINS)
    return Group(joins, tuple(row for _index, row in sorted(rows.items())), data.get(f"{name}-bare") == "1")


def _joins(asked: Any, offered: Iterable[tuple[Joins, object]]) -> Joins:
    return next((joins for joins, _label in offered if joins == asked), Joins.ALL)


_BUTTONS: Mapping[str, Callable[[Outline, Place], Outline]] = {
    "add": lambda outline, place: outline.with_row(*place[:1]),
    "group": lambda outline, _place: outline.with_group(),
    "drop": lambda outline, place: outline.without(place),
    "up": lambda outline, place: outline.moved(place, -1),
    "down": lambda outline, place: outline.moved(place, 1),
}


def _reshaped(outline: Outline, asked: list[str]) -> Outline:
    """Do what a button asked: a word, and where it concerns a row or group its number."""
    word, number = (*asked, "", "")[:2]
    if word not in _BUTTONS or not re.fullmatch(r"(\d{1,4}(\.\d{1,4})?)?", number, re.ASCII):
        return outline
    place = tuple(int(part) - 1 for part in number.split(".")) if number else ()
    if word in ("drop", "up", "down") and not place:
        return outline
    return _BUTTONS[word](outline, place)
