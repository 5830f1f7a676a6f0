"""Limits: at most so many points, or so many times, for one subject, in one period of the program's time zone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache


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


class Counts(StrEnum):
    """What a limit counts: the points it lets through, or the activities that bring any."""

    POINTS = "POINTS"
    TIMES = "TIMES"


TIMES_OF = "times:"
OBJECTS_OF = "object:"
SHARED = "shared:"
AGREED = "agreed:"
"""Before a code, they tell counters from each other: no code has a colon."""


EVERY_RULE = "*"
"""What an agreement's limit over all rules that give points is shared as."""


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` points, or times, for one `subject` in one `period`; with `is_per_object` for each object alone.

    Rules that name the same `shared_as` count together; `name` is what people call that limit, none where it counts
    every rule (EVERY_RULE). `is_agreed`: an agreement has it over several rules, beside those that the program shares.
    """

    subject: CapSubject
    period: Period
    limit: int
    counts: Counts = Counts.POINTS
    is_per_object: bool = False
    shared_as: str = ""
    name: str = ""
    is_agreed: bool = False

    def counter(self, rule_code: str) -> str:
        """Return the code under which what a rule gives is counted."""
        if self.shared_as and not self.is_agreed:
            return f"{SHARED}{self.shared_as}"
        rule_code = f"{AGREED}{self.shared_as}" if self.is_agreed else rule_code
        of = rule_code if self.counts is Counts.POINTS else f"{TIMES_OF}{rule_code}"
        return f"{OBJECTS_OF}{of}" if self.is_per_object else of


@lru_cache(maxsize=4096)
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
