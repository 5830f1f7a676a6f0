"""Quotas, periods and places of the matrix in plain words, in the language in force."""

from datetime import date, timedelta
from fractions import Fraction

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loyalty.earning import Period, period_start

_TIMES_A_YEAR = {
    Period.DAY: Fraction(365),
    Period.WEEK: Fraction(365, 7),
    Period.MONTH: Fraction(12),
    Period.QUARTER: Fraction(4),
    Period.YEAR: Fraction(1),
}


def times(quota: int | None, period: Period) -> str:
    """Return how often something may be used, such as "2 a year"."""
    if quota is None:
        return _("as often as wanted")
    match period:
        case Period.DAY:
            text = ngettext("%(count)s a day", "%(count)s a day", quota)
        case Period.WEEK:
            text = ngettext("%(count)s a week", "%(count)s a week", quota)
        case Period.MONTH:
            text = ngettext("%(count)s a month", "%(count)s a month", quota)
        case Period.QUARTER:
            text = ngettext("%(count)s a quarter", "%(count)s a quarter", quota)
        case Period.YEAR:
            text = ngettext("%(count)s a year", "%(count)s a year", quota)
        case _:
            text = ngettext("%(count)s in all", "%(count)s in all", quota)
    return text % {"count": quota}


def left_in_words(left: int, quota: int, period: Period) -> str:
    """Return how much of a quota is left, such as "2 of 4 left this year"."""
    match period:
        case Period.DAY:
            text = ngettext("%(left)s of %(quota)s left today", "%(left)s of %(quota)s left today", left)
        case Period.WEEK:
            text = ngettext("%(left)s of %(quota)s left this week", "%(left)s of %(quota)s left this week", left)
        case Period.MONTH:
            text = ngettext("%(left)s of %(quota)s left this month", "%(left)s of %(quota)s left this month", left)
        case Period.QUARTER:
            text = ngettext("%(left)s of %(quota)s left this quarter", "%(left)s of %(quota)s left this quarter", left)
        case Period.YEAR:
            text = ngettext("%(left)s of %(quota)s left this year", "%(left)s of %(quota)s left this year", left)
        case _:
            text = ngettext("%(left)s of %(quota)s left", "%(left)s of %(quota)s left", left)
    return text % {"left": left, "quota": quota}


def place(tier: str, role: str, segment: str) -> str:
    """Return a cell in words; `role` "" is the company as a whole, `segment` "" all companies."""
    words = {"tier": tier, "role": role, "segment": segment}
    if segment:
        text = _("%(tier)s, %(role)s, %(segment)s") if role else _("%(tier)s, the company, %(segment)s")
    else:
        text = _("%(tier)s, %(role)s") if role else _("%(tier)s, the company")
    return text % words


def next_start(period: Period, day: date) -> date | None:
    """Return the first day of the period after that of `day`; None where there is none."""
    if period is Period.EVER:
        return None
    start = following = period_start(period, day)
    while following == start:
        day += timedelta(days=1)
        following = period_start(period, day)
    return following


def generosity(quota: int | None, period: Period) -> tuple[bool, bool, Fraction]:
    """Return what quotas are compared by: none beats any, one that starts again beats one that never does."""
    if quota is None:
        return True, True, Fraction(0)
    if period is Period.EVER:
        return False, False, Fraction(quota)
    return False, True, quota * _TIMES_A_YEAR[period]
