"""One question as a form shows it; whether an answer can be taken is decided where it is saved."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from surveys.asking import MOST_TEXT, Given, ItemKind, Question
from surveys.models import Item


class _RawField(forms.Field):
    """Hands on what was sent as it is: a list of texts."""

    def __init__(self, *, choices: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(self.widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
            self.widget.choices = choices

    def clean(self, value: Any) -> list[str]:
        """Return the texts."""
        texts = value if isinstance(value, list) else [value]
        return [text for text in texts if isinstance(text, str)]


class AnswerForm(forms.Form):
    """The one question of a page. `data` are the texts that were sent, None where nothing was."""

    def __init__(self, data: Sequence[str] | None = None, *, item: Item, question: Question, given: Given) -> None:
        super().__init__(initial={"answer": _initial(question, given)}, use_required_attribute=False)
        widget = _widget(question)
        if data is not None:
            self.is_bound = True
            takes_list = isinstance(widget, forms.CheckboxSelectMultiple)
            self.data = {"answer": list(data) if takes_list else next(iter(data), "")}
        self.fields["answer"] = _RawField(
            label=question.text,
            required=question.is_required,
            help_text=_hint(item),
            widget=widget,
            choices=_choices(question),
        )


def _widget(question: Question) -> forms.Widget:
    match question.kind:
        case ItemKind.TEXT:
            return forms.Textarea(attrs={"rows": 4, "maxlength": MOST_TEXT})
        case ItemKind.SCALE:
            return forms.RadioSelect(attrs={"class": "scale"})
        case ItemKind.CHOICE:
            return forms.CheckboxSelectMultiple() if question.is_multiple else forms.RadioSelect()


def _choices(question: Question) -> Sequence[tuple[str, str]]:
    if question.kind is ItemKind.SCALE:
        return [(str(number), str(number)) for number in range(question.low, question.high + 1)]
    return question.options


def _initial(question: Question, given: Given) -> object:
    if question.kind is ItemKind.TEXT:
        return given.text
    if question.kind is ItemKind.SCALE:
        return "" if given.number is None else str(given.number)
    return list(given.choices) if question.is_multiple else next(iter(given.choices), "")


def _hint(item: Item) -> SafeString:
    """The hint, and what the ends of a scale mean; both are what a manager typed."""
    parts = [format_html("<bdi>{}</bdi>", item.hint)] if item.hint else []
    parts += [
        format_html(_("{} means: <bdi>{}</bdi>"), number, label)
        for number, label in ((item.low, item.low_label), (item.high, item.high_label))
        if number is not None and label
    ]
    if item.is_multiple:
        parts.append(format_html("{}", _("You can choose several.")))
    return SafeString("<br>".join(parts))
