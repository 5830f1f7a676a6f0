"""Whoever reads a page: sentences for them are in the language of the moment, with its own numbers and days."""

from datetime import date
from decimal import Decimal

from django.utils import numberformat
from django.utils.formats import date_format, get_format
from django.utils.translation import gettext

from accounts.wording import Translator, trimmed


class _Reader(Translator):
    """The active language, asked for each time: one object serves all threads."""

    def __call__(self, template: str, /) -> str:
        """Return what the catalogue of the active language has for it."""
        return gettext(template)

    def number(self, number: Decimal | int, digits: int = 0) -> str:
        """Return a number as it is written there."""
        return numberformat.format(
            trimmed(number, digits),
            decimal_sep=get_format("DECIMAL_SEPARATOR"),
            grouping=3,
            thousand_sep=get_format("THOUSAND_SEPARATOR"),
            force_grouping=True,
        )

    def day(self, day: date) -> str:
        """Return a day as it is written there."""
        return date_format(day, "DATE_FORMAT")


READER = _Reader()
