"""Lists, quotations, numbers and days in texts that people read: each language writes them with marks of its own.

Pure, as conditions and formulas say themselves with it: `translate` is the caller's gettext.
"""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from operator import itemgetter

Translate = Callable[[str], str]
"""Says a template in the language of whoever reads it."""


def N_(template: str) -> str:
    """Mark a template for translation; `translate` is applied when it is rendered."""
    return template


def listed(texts: Iterable[object], translate: Translate) -> str:
    """Return "one, another, a third"; empty where there are none."""
    return joined(translate(N_("{first}, {second}")), texts)


def in_turn(texts: Iterable[object], translate: Translate) -> str:
    """Return texts that may hold commas themselves: "amount was 5 GBP; tier was Gold"."""
    return joined(translate(N_("{first}; {second}")), texts)


def quoted(text: object, translate: Translate) -> str:
    """Return what people wrote, within quotation marks."""
    return translate(N_("“{text}”")).format(text=text)


def numeral(value: int | Decimal, translate: Translate) -> str:
    """Return a number with its thousands set apart and no zeros at its end, such as "1,234.5"."""
    # Translated into how its readers write this very number: "1.234,5".
    mark_of_thousands, mark_of_decimals = itemgetter(1, 5)(translate(N_("1,234.5")))
    written = f"{value:,}" if isinstance(value, int) else f"{value.normalize():,f}"
    return written.translate(str.maketrans({",": mark_of_thousands, ".": mark_of_decimals}))


def numbered(day: date, translate: Translate) -> str:
    """Return a day in numbers: "2026-03-31"."""
    parts = {"year": f"{day:%Y}", "month": f"{day:%m}", "day": f"{day:%d}"}
    return translate(N_("{year}-{month}-{day}")).format(**parts)


def joined(template: str, texts: Iterable[object]) -> str:
    """Return all of `texts` by a template that says how a `{second}` follows a `{first}`."""
    whole = ""
    for number, text in enumerate(texts):
        whole = template.format(first=whole, second=text) if number else str(text)
    return whole
