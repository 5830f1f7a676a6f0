"""Attributes of an activity that is made up: a line each, code and value, checked against what its type declares."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from accounts.wording import listed
from loyalty.models import ActivityAttribute

_SIGN = "="


class AttributesField(forms.CharField):
    """Attributes as lines of code = value."""

    widget = forms.Textarea(attrs={"rows": 2, "cols": 20})

    def prepare_value(self, value: Any) -> Any:
        """Show what is kept as lines."""
        if isinstance(value, dict):
            return "\n".join(f"{code} {_SIGN} {_as_text(kept)}" for code, kept in value.items())
        return value

    def clean(self, value: Any) -> dict[str, Any]:
        """Return the lines as what is kept."""
        attributes: dict[str, Any] = {}
        for line in (super().clean(value) or "").splitlines():
            code, sign, text = (part.strip() for part in line.partition(_SIGN))
            if not sign and code:
                raise forms.ValidationError(
                    _("Each line is a code, “=” and a value: “%(line)s” is not.") % {"line": line}
                )
            if code:
                attributes[code] = text
        return attributes

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare as text."""
        return bool((self.prepare_value(initial) or "") != (data or ""))


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_YES_OR_NO = {"true": True, "yes": True, "false": False, "no": False}
_TYPED: Mapping[str, Callable[[str], Any]] = {
    ActivityAttribute.Type.BOOLEAN.value: lambda text: _YES_OR_NO.get(text.lower(), text)
}


def check_attributes(form: forms.BaseForm, cleaned: dict[str, Any]) -> None:
    """Refuse `attributes` that the `activity_type` of the form does not declare; read yes and no."""
    kind, attributes = cleaned.get("activity_type"), cleaned.get("attributes")
    if not kind or not attributes:
        return
    declared = dict(ActivityAttribute.objects.filter(activity_type=kind).values_list("code", "type"))
    for code in attributes:
        if code not in declared:
            text = _("“%(type)s” has no attribute “%(code)s”. It has: %(known)s.")
            known = listed(sorted(declared), _) or "–"
            form.add_error("attributes", text % {"type": kind, "code": code, "known": known})
        elif declared[code] in _TYPED:
            attributes[code] = _TYPED[declared[code]](attributes[code])
