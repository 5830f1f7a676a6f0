"""What managers type for surveys: options one a line, conditions as documents that are checked when saved."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.conditions import ConditionError
from accounts.text import validate_plain_text

MOST_OPTIONS = 30
_LONGEST_CODE, _LONGEST_LABEL = 50, 150
_SIGN = " = "


class OptionsField(forms.CharField):
    """The options of a choice, one a line: a label, or "code = label" to say what answers are kept under."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            label=gettext_lazy("Options"),
            help_text=gettext_lazy(
                "For a choice: one option a line, “Label” or “code = Label”. Answers are kept and conditions read "
                "under the code; without one it is made from the label."
            ),
            **kwargs,
        )
        self.widget.attrs.update({"rows": 6, "cols": 60, "class": "vLargeTextField"})

    def prepare_value(self, value: Any) -> Any:
        """Show the options a line each; what was typed as it was typed."""
        if isinstance(value, str):
            return value
        return "\n".join(f"{option['code']}{_SIGN}{option['label']}" for option in value or [])

    def clean(self, value: Any) -> Any:
        """Return a list of {"code", "label"}."""
        lines = [line.strip() for line in str(value or "").splitlines()]
        options = [_option(line, number) for number, line in enumerate(filter(None, lines), start=1)]
        if len(options) > MOST_OPTIONS:
            raise ValidationError(_("These are %(count)s options; %(most)s are the most that anybody reads.") % {
                "count": len(options), "most": MOST_OPTIONS,
            })  # fmt: skip
        codes = [option["code"] for option in options]
        for code in codes:
            if codes.count(code) > 1:
                raise ValidationError(
                    _("Two options have the code “%(code)s”. Give one of them another: “code = Label”.")
                    % {"code": code}
                )
        return options

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare what the lines mean."""
        try:
            return bool(self.clean(data) != (initial or []))
        except ValidationError:
            return True


def _option(line: str, number: int) -> dict[str, str]:
    code, sign, label = line.partition(_SIGN)
    if not sign:
        code, label = slugify(line)[:_LONGEST_CODE] or f"option-{number}", line
    code, label = code.strip(), label.strip()
    try:
        validate_slug(code)
    except ValidationError as error:
        text = _("“%(code)s” is no code: letters, digits, hyphens and underscores only.") % {"code": code}
        raise ValidationError(text) from error
    if len(code) > _LONGEST_CODE or not 0 < len(label) <= _LONGEST_LABEL:
        raise ValidationError(
            _("Line %(number)s: a code has at most %(code)s characters, a label from 1 to %(label)s.")
            % {"number": number, "code": _LONGEST_CODE, "label": _LONGEST_LABEL}
        )
    validate_plain_text(label)
    return {"code": code, "label": label}


def check_document(form: forms.BaseForm, field: str, parse: Callable[[], object]) -> None:
    """Refuse a condition that is none, naming the leaf; `parse` raises ConditionError for it."""
    try:
        parse()
    except ConditionError as error:
        sentence = error.translated(_)
        form.add_error(field, f"{error.path}: {sentence}" if error.path else sentence)


def sentences(parts: Sequence[str]) -> str:
    """Join what is said of one row."""
    return " · ".join(filter(None, parts))
