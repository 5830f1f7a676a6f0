"""How numbers, days, people and form fields are shown; load it as `twofold`."""

import json
from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.forms import BaseForm, BoundField
from django.utils import numberformat
from django.utils.formats import date_format, get_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext

from accounts import wording

register = template.Library()

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
CENT = Decimal("0.01")


@register.filter
def as_json(value: object) -> str:
    """Return `value` as JSON, for a `data-` attribute that a script reads: pages hold no script of their own."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.filter
def number(value: int | Decimal | None) -> str:
    """Return `value` in the reader's notation: thousands separated, two decimals only where it is not whole."""
    if value is None:
        return ""
    exact = Decimal(value)
    whole = exact == exact.to_integral_value()
    shown = int(exact) if whole else exact.quantize(CENT, rounding=ROUND_HALF_UP)
    return numberformat.format(
        shown,
        decimal_sep=get_format("DECIMAL_SEPARATOR"),
        grouping=3,
        thousand_sep=get_format("THOUSAND_SEPARATOR"),
        force_grouping=True,
    )


@register.filter
def points(value: int | None) -> str:
    """Return points with their unit on one line: "1,250 points"."""
    count = value or 0
    sentence = ngettext("%(count)s point", "%(count)s points", abs(count))
    return (sentence % {"count": number(count)}).replace(" ", NO_BREAK_SPACE)


@register.filter
def points_unit(value: int | None) -> str:
    """Return the unit alone, for a number that is set in a larger size than its unit."""
    return ngettext("point", "points", abs(value or 0))


@register.filter
def signed(value: int | Decimal | None) -> SafeString:
    """Return points or money with their sign, which stays in front of the number in Arabic as well."""
    count = value or 0
    sign, kind = ("+", "in") if count > 0 else (MINUS, "out") if count < 0 else ("", "none")
    return format_html(
        '<bdi class="amount amount-{}" dir="ltr">{}{}</bdi>', kind, sign, number(-count if count < 0 else count)
    )


@register.filter
def listed(names: Iterable[object]) -> SafeString:
    """Return names one after the other, each in a direction of its own: "Buyer, Sales"."""
    return SafeString(wording.listed((format_html("<bdi>{}</bdi>", name) for name in names), gettext))


@register.filter
def day(value: date | datetime | None) -> SafeString:
    """Return the day as `<time>`; a datetime is shown in the reader's time zone."""
    if value is None:
        return SafeString()
    local = localtime(value).date() if isinstance(value, datetime) else value
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), date_format(local, "DATE_FORMAT"))


@register.filter
def moment(value: datetime | None) -> SafeString:
    """Return the day and the minute as `<time>`, in the reader's time zone."""
    if value is None:
        return SafeString()
    local = localtime(value)
    shown = date_format(local, "DATETIME_FORMAT")
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), shown)


@register.filter
def initials(name: str) -> str:
    """Return one or two letters for an avatar: the first and the last word's."""
    words = str(name).split()
    letters = words[:1] + words[1:][-1:]
    return "".join(word[0] for word in letters).upper()


@register.inclusion_tag("includes/form_field.html")
def form_field(field: BoundField) -> dict[str, Any]:
    """Show one field with its label, hint and errors, each tied to the control."""
    is_choice = getattr(field.field.widget, "input_type", "") == "checkbox" and not field.use_fieldset
    return {"field": field, "is_choice": is_choice}


@register.inclusion_tag("includes/form_fields.html")
def form_fields(form: BaseForm) -> dict[str, Any]:
    """Show every field of a form, the hidden ones included."""
    return {"form": form}


@register.inclusion_tag("includes/error_summary.html")
def error_summary(form: BaseForm) -> dict[str, Any]:
    """Show what is wrong with a form, each line linked to its field; nothing when all is well."""
    fields = [(field, error) for field in form.visible_fields() for error in field.errors]
    hidden = [
        gettext("%(field)s: %(error)s") % {"field": field.label, "error": error}
        for field in form.hidden_fields()
        for error in field.errors
    ]
    return {"form": form, "field_errors": fields, "form_errors": [*form.non_field_errors(), *hidden]}
