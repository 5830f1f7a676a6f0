"""Terms: from when points can be spent, and up to which day, as a program says."""

import calendar
from datetime import date, timedelta
from typing import NamedTuple, Protocol

from loyalty.models import Program

Release, Expiry = Program.Release, Program.Expiry


class PointTerms(Protocol):
    """A program, as far as it says when points count."""

    release: str
    release_days: int | None
    expiry: str
    expiry_months: int | None
    expiry_years: int
    expiry_month: int | None
    expiry_day: int | None


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
    """Return the last day of points that become available on `available_on`; None where no day is theirs to lose.

    From the 31st they last to the end of a shorter month; a program's 29 February is the 28th in most years.
    """
    match terms.expiry:
        case Expiry.MONTHS:
            return _months_later(available_on, terms.expiry_months or 0)
        case Expiry.FIXED_DAY:
            return _next_fixed_day(available_on, terms.expiry_month or 1, terms.expiry_day or 1, terms.expiry_years)
        case Expiry.YEAR_END:
            return date(available_on.year + terms.expiry_years, 12, 31)
        case _:
            return None


def idle_until(terms: PointTerms, active_on: date) -> date | None:
    """Return the last day of a wallet that was last active on `active_on`; None where wallets do not end so."""
    return _months_later(active_on, terms.expiry_months or 0) if terms.expiry == Expiry.INACTIVITY else None


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return _day_in(year, month + 1, day.day)


def _next_fixed_day(available_on: date, month: int, day: int, years: int) -> date:
    year = available_on.year
    if _day_in(year, month, day) < available_on:
        year += 1
    return _day_in(year + years, month, day)


def _day_in(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))
