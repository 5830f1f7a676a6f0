"""What the texts of cells mean: numbers, days, moments, yes and no, in the way of writing that a file has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

from django.utils.translation import gettext as _

FLAGS: Mapping[str, bool] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

POINT = re.compile(r"([+-]?)[0-9]{1,12}(\.[0-9]{1,12})?")
COMMA = re.compile(r"([+-]?)[0-9]{1,12}(,[0-9]{1,12})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_SHOWN = 40


class CellError(Exception):
    """A cell that does not say what its column is for; `str()` says what is needed."""


class SkippedTimeError(ValueError):
    """A time of day that does not exist: the clocks were put forward over it."""


def local_moment(local: datetime, zone: tzinfo) -> datetime:
    """Return a moment that was read in `zone`, unless it carries an offset, in UTC. Raises SkippedTimeError."""
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    at = local.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != local:
        raise SkippedTimeError
    return at


@dataclass(frozen=True, slots=True)
class Cells:
    """How a file writes: its decimal sign, its days (as in strptime), the zone of times without an offset.

    What ISO 8601 writes is understood beside `date_format`.
    """

    date_format: str = "%Y-%m-%d"
    decimal_comma: bool = False
    zone: tzinfo = UTC

    def number(self, text: str) -> Decimal:
        """Return a decimal number."""
        if not (COMMA if self.decimal_comma else POINT).fullmatch(text):
            example = "1234,5" if self.decimal_comma else "1234.5"
            raise CellError(
                _("“%(value)s” is not a number such as %(example)s.") % {"value": shown(text), "example": example}
            )
        return Decimal(text.replace(",", "."))

    def whole(self, text: str) -> int:
        """Return a whole number."""
        if not _WHOLE.fullmatch(text):
            raise CellError(_("“%(value)s” is not a whole number such as 1200.") % {"value": shown(text)})
        return int(text)

    def day(self, text: str) -> date:
        """Return a day; a time of day that follows it is dropped."""
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            return self._written(text).date()

    def moment(self, text: str) -> datetime:
        """Return a moment in UTC."""
        try:
            local = datetime.fromisoformat(text)
        except ValueError:
            local = self._written(text)
        try:
            return local_moment(local, self.zone)
        except SkippedTimeError as error:
            raise CellError(
                _("“%(value)s” does not exist: the clocks were put forward over it.") % {"value": shown(text)}
            ) from error
        except (OverflowError, ValueError) as error:
            raise self._no_day(text) from error

    def flag(self, text: str) -> bool:
        """Return yes or no."""
        flag = FLAGS.get(text.lower())
        if flag is None:
            raise CellError(_("“%(value)s” is neither yes nor no.") % {"value": shown(text)})
        return flag

    def _written(self, text: str) -> datetime:
        day, _space, time = text.partition(" ")
        try:
            at = datetime.strptime(day, self.date_format)  # noqa: DTZ007 (the zone comes next)
            if time:
                clock = datetime.strptime(time, "%H:%M:%S" if time.count(":") == 2 else "%H:%M")  # noqa: DTZ007
                at = at.replace(hour=clock.hour, minute=clock.minute, second=clock.second)
        except ValueError as error:
            raise self._no_day(text) from error
        return at

    def _no_day(self, text: str) -> CellError:
        example = date(2026, 12, 31).strftime(self.date_format)
        return CellError(
            _("“%(value)s” is not a day such as %(example)s.") % {"value": shown(text), "example": example}
        )


def shown(text: str) -> str:
    """Return the beginning of a cell, for a sentence about it."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
