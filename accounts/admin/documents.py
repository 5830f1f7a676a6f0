"""Conditions as people edit them: JSON in a monospaced field, checked when saved."""

import json
from typing import Any

from django import forms
from django.db import models
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext

from accounts.conditions import Catalogue, ConditionError, parse


class DocumentField(forms.JSONField):
    """A JSON document, laid out over lines."""

    widget: Any = forms.Textarea

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.widget.attrs.update({"rows": 8, "cols": 80, "class": "vLargeTextField monospace", "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        """Read the document; say from where on it is none."""
        try:
            return super().to_python(value)
        except RecursionError as error:
            raise forms.ValidationError(gettext("The brackets nest too deep."), code="invalid") from error
        except forms.ValidationError as error:
            if isinstance(error.__context__, json.JSONDecodeError):
                raise forms.ValidationError(_not_json(error.__context__), code="invalid") from error
            raise

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show what was typed, whatever it was."""
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        """Show a document as it is read best; what was typed wrongly as it was typed."""
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


def _not_json(error: json.JSONDecodeError) -> str:
    text = gettext(
        "This is not JSON: it cannot be read from line %(line)s, character %(column)s on. Look there for a missing "
        "quotation mark, comma or bracket."
    )
    return text % {"line": error.lineno, "column": error.colno}


DOCUMENT_FIELDS: dict[type[models.Field[Any, Any]], dict[str, Any]] = {models.JSONField: {"form_class": DocumentField}}
"""For `formfield_overrides`."""


def check_condition(form: forms.BaseForm, document: object, catalogue: Catalogue) -> None:
    """Refuse a condition that is none, naming the leaf."""
    try:
        parse(document, catalogue)
    except ConditionError as error:
        sentence = error.translated(gettext)
        form.add_error("condition", f"{error.path}: {sentence}" if error.path else sentence)
