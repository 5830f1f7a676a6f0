"""Terms: from when points can be spent, and up to which day, as a program says."""

import calendar
from datetime import date, timedelta
from typing import NamedTuple, Protocol

from loyalty.models import Program

Release = Program.Release


class PointTerms(Protocol):
    """A program, as far as it says when points count."""

    release: str
    release_days: int | None
    expiry_months: int | None


class LotDays(NamedTuple):
    """The day points become available (None: not before somebody confirms) and the last day they can be used."""

    available_on: date | None
    expires_on: date | None


def lot_days(terms: PointTerms, earned_on: date) -> LotDays:
    """Return the days of points that were earned on `earned_on`; they last from the day they become available."""
    match terms.release:
        case Release.CONFIRMED:
            return LotDays(None, None)
        case Release.AFTER_DAYS:
            available_on = earned_on + timedelta(days=terms.release_days or 0)
        case _:
            available_on = earned_on
    return LotDays(available_on, last_day(terms, available_on))


def waits(terms: PointTerms, days: LotDays, today: date) -> bool:
    """Whether points of these days are not to be spent yet."""
    if terms.release == Release.AT_ONCE:
        return False
    return days.available_on is None or days.available_on > today


def last_day(terms: PointTerms, available_on: date) -> date | None:
    """Return the last day of points that become available on `available_on`; None where they do not expire.

    From the 31st they last to the end of a shorter month.
    """
    if terms.expiry_months is None:
        return None
    year, month = divmod(available_on.year * 12 + available_on.month - 1 + terms.expiry_months, 12)
    return date(year, month + 1, min(available_on.day, calendar.monthrange(year, month + 1)[1]))
