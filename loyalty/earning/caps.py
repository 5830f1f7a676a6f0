"""Limits: at most so many points by one rule, for one subject, in one period of the program's time zone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class CapSubject(StrEnum):
    """Whose points a limit counts."""

    EMPLOYEE = "EMPLOYEE"
    COMPANY = "COMPANY"
    PROGRAM = "PROGRAM"


class Period(StrEnum):
    """How long a limit counts before it starts again."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"
    EVER = "EVER"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` points for one `subject` in one `period`."""

    subject: CapSubject
    period: Period
    limit: int


def period_start(period: Period, day: date) -> date:
    """Return the first day of the period of `day`; weeks start on Monday, "ever" on the first day there is."""
    match period:
        case Period.DAY:
            return day
        case Period.WEEK:
            return day - timedelta(days=day.weekday())
        case Period.MONTH:
            return day.replace(day=1)
        case Period.QUARTER:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case Period.YEAR:
            return day.replace(month=1, day=1)
        case Period.EVER:
            return date.min


def cut(points: int, left: Iterable[int]) -> int:
    """Return how many of `points` pass limits that have `left` points to let through each; never below 0."""
    return max(0, min((points, *left)))
