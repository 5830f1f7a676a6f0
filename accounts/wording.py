"""How a text speaks to its reader: the language, and how numbers, days, lists and quotations are written in it.

Pure, as conditions and formulas say themselves with it; `accounts.reader` has the translator for whoever reads a page.
"""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

from accounts.currencies import MINOR_DIGITS

Translate = Callable[[str], str]
"""Says a template in the language of whoever reads it: a gettext, or a Translator."""


def N_(template: str) -> str:
    """Mark a template for translation; `translate` is applied when it is rendered."""
    return template


class Translator:
    """A gettext that writes numbers and days, too. Called, it translates a template.

    This one speaks to nobody in particular, so its sentences are the same in every language: templates as they stand,
    "1,971.5", "2026-01-31".
    """

    def __call__(self, template: str, /) -> str:
        """Return a template in the reader's language."""
        return template

    def number(self, number: Decimal | int, digits: int = 0) -> str:
        """Return a number exactly: as many digits after the point as it has, and no fewer than `digits`."""
        return f"{trimmed(number, digits):,f}"

    def day(self, day: date) -> str:
        """Return a day."""
        return day.isoformat()


PLAIN = Translator()


def trimmed(number: Decimal | int, digits: int = 0) -> Decimal:
    """Return the same number without zeros at its end, but with no fewer than `digits` after the point."""
    text = f"{Decimal(number):f}"
    whole, _point, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(digits, "0")
    exact = Decimal(f"{whole}.{fraction}" if fraction else whole)
    return exact if exact else abs(exact)


def with_unit(number: Decimal, unit: str, translate: Translator) -> str:
    """Return a number with what it counts: "3 kg". Money that is not whole has all of its cents: "1,971.50 EUR"."""
    is_whole = number == number.to_integral_value()
    text = translate.number(number, 0 if is_whole else MINOR_DIGITS.get(unit, 0))
    return translate(N_("{number} {unit}")).format(number=text, unit=unit) if unit else text


def listed(texts: Iterable[object], translate: Translate) -> str:
    """Return "one, another, a third"; empty where there are none."""
    return joined(translate(N_("{first}, {second}")), texts)


def in_turn(texts: Iterable[object], translate: Translate) -> str:
    """Return texts that may hold commas themselves: "amount was 5 GBP; tier was Gold"."""
    return joined(translate(N_("{first}; {second}")), texts)


def quoted(text: object, translate: Translate) -> str:
    """Return what people wrote, within quotation marks."""
    return translate(N_("“{text}”")).format(text=text)


def joined(template: str, texts: Iterable[object]) -> str:
    """Return all of `texts` by a template that says how a `{second}` follows a `{first}`."""
    whole = ""
    for number, text in enumerate(texts):
        whole = template.format(first=whole, second=text) if number else str(text)
    return whole
