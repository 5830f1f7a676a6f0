"""Breakage: how many of the points that are outstanding will probably expire unused. A calculation; no tables.

Points are looked at by cohort: the month from which they can be spent. Of past cohorts it is known what became of the
points that they still held at the same age; the share of those that expired is what is expected of today's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

FEWEST_COHORTS = 3
"""Fewer past months than this are no history."""

FEWEST_POINTS = 1_000
"""Fewer points than this, held at the same age by past months in all, are no history."""


class Went(NamedTuple):
    """What became in `month` of the points of `cohort`, both the first day of a month; `used` below 0: given back."""

    cohort: date
    month: date
    used: int
    expired: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of one cohort's outstanding points; `share` and `points` are None with too little history."""

    cohort: date
    outstanding: int
    share: float | None
    points: int | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected to expire, by cohort, oldest first; `unknown` points have too little history behind them."""

    cohorts: tuple[Expected, ...]

    @property
    def points(self) -> int:
        """The points that are expected to expire, of those with enough history."""
        return sum(one.points or 0 for one in self.cohorts)

    @property
    def unknown(self) -> int:
        """Outstanding points of which nothing can be said."""
        return sum(one.outstanding for one in self.cohorts if one.points is None)

    @property
    def is_known(self) -> bool:
        """Whether anything can be said at all."""
        return any(one.points is not None for one in self.cohorts)


def forecast(outstanding: Mapping[date, int], went: Iterable[Went], *, month: date) -> Forecast:
    """Return what is expected of `outstanding` points by cohort in `month`.

    A past cohort is one with nothing outstanding that is as old as points here have ever become before they expired.
    The share of a cohort is what of past cohorts' points expired from the same age on, of all that they still held
    then; with fewer than FEWEST_COHORTS of them, or FEWEST_POINTS held, there is none.
    """
    rows = list(went)
    oldest = max((_months(row.cohort, row.month) for row in rows if row.expired > 0), default=None)
    past = [
        row
        for row in rows
        if oldest is not None and _months(row.cohort, month) > oldest and not outstanding.get(row.cohort)
    ]
    return Forecast(
        tuple(
            _expected(cohort, points, past, _months(cohort, month))
            for cohort, points in sorted(outstanding.items())
            if points > 0
        )
    )


def _expected(cohort: date, points: int, past: list[Went], age: int) -> Expected:
    held: dict[date, int] = {}
    lost: dict[date, int] = {}
    for row in past:
        if _months(row.cohort, row.month) >= age:
            held[row.cohort] = held.get(row.cohort, 0) + row.used + row.expired
            lost[row.cohort] = lost.get(row.cohort, 0) + row.expired
    known = [one for one, total in held.items() if total > 0]
    total = sum(held[one] for one in known)
    if len(known) < FEWEST_COHORTS or total < FEWEST_POINTS:
        return Expected(cohort, points, None, None)
    gone = min(total, max(0, sum(lost[one] for one in known)))
    return Expected(cohort, points, gone / total, points * gone // total)


def _months(since: date, to: date) -> int:
    return (to.year - since.year) * 12 + to.month - since.month
