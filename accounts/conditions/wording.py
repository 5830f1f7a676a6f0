"""How a sentence speaks to its reader: the language, and how numbers and days are written in it."""

from datetime import date
from decimal import Decimal

from accounts.conditions.facts import N_
from accounts.currencies import MINOR_DIGITS


class Translator:
    """A gettext that writes numbers and days, too. Called, it translates a template.

    This one speaks to nobody in particular, so its sentences are the same in every language: templates as they stand,
    "1,971.5", "2026-01-31". `accounts.reader` has the one for whoever reads a page.
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
