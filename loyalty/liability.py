"""What a program owes its clients: outstanding points by age and by when they end, in money, and what may expire.

Read from open lots: the cost grows with what is outstanding, not with history.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from accounts import arrays
from loyalty.breakage import Forecast, Went, forecast
from loyalty.models import CohortMonth, Program, Wallet

MONTHS_SHOWN = 12
"""So many months stand one by one, what lies further by years."""


class Band(NamedTuple):
    """Points whose day lies between two, both counted in; without a day they have none."""

    first: date | None
    last: date | None
    points: int


@dataclass(frozen=True, slots=True)
class Liability:
    """What is outstanding in points at a moment; `debt` is 0 or below.

    `by_age` is by the day from which points can be spent, oldest first, `by_end` by their last day, soonest first;
    both are of available points. `over` are those whose last day is over, and that no job has expired yet.
    """

    program: Program
    today: date
    available: int
    waiting: int
    debt: int
    over: int
    by_age: tuple[Band, ...]
    by_end: tuple[Band, ...]
    forecast: Forecast

    @property
    def outstanding(self) -> int:
        """Available and waiting."""
        return self.available + self.waiting

    def money(self, points: int) -> Decimal:
        """What points cost when they are spent, in the program's currency."""
        return (points * self.program.point_value).quantize(Decimal("0.01"))


class _Open(NamedTuple):
    """Available points of open lots: from which month on, up to the end of which, and whether that is over."""

    since: date
    until: date | None
    is_over: bool
    points: int


def liability(program: Program, *, now: datetime) -> Liability:
    """Return what a program owes at `now`; three queries."""
    today = now.astimezone(program.zone).date()
    idle = program.expiry == Program.Expiry.INACTIVITY
    lots = [_Open(*row) for row in arrays.fetch(_LOTS, today, idle, program.last_spend_on, program.pk)]
    kinds = {kind: int(points) for kind, points in arrays.fetch(_BALANCES, program.pk)}
    went = _went(CohortMonth.objects.filter(program=program))
    held: dict[date, int] = {}
    for lot in lots:
        if lot.until is not None and not lot.is_over:
            held[lot.since] = held.get(lot.since, 0) + lot.points
    return Liability(
        program=program,
        today=today,
        available=kinds.get(Wallet.Kind.AVAILABLE, 0),
        waiting=kinds.get(Wallet.Kind.PENDING, 0),
        debt=kinds.get(Wallet.Kind.DEBT, 0),
        over=sum(lot.points for lot in lots if lot.is_over),
        by_age=tuple(_by_age(lots, today)),
        by_end=tuple(_by_end(lots, today)),
        forecast=forecast(held, went, month=today.replace(day=1)),
    )


def _went(rows: Iterable[CohortMonth]) -> list[Went]:
    """Return how points went, without those that returns took back after they had expired: nobody ever earned them."""
    net: dict[tuple[date, date], list[int]] = {}
    for row in rows:
        sums = net.setdefault((row.cohort, row.expired_in or row.month), [0, 0])
        sums[0] += row.used
        sums[1] += row.expired
    return [Went(cohort, month, used, expired) for (cohort, month), (used, expired) in net.items()]


def _by_age(lots: Iterable[_Open], today: date) -> Iterator[Band]:
    by_month: dict[date, int] = {}
    for lot in lots:
        by_month[lot.since] = by_month.get(lot.since, 0) + lot.points
    first_alone = _months_from(today, 1 - MONTHS_SHOWN)
    yield from _banded(by_month, lambda month: month >= first_alone)


def _by_end(lots: Iterable[_Open], today: date) -> Iterator[Band]:
    by_month: dict[date, int] = {}
    never = 0
    for lot in lots:
        if lot.until is None:
            never += lot.points
        elif not lot.is_over:
            by_month[lot.until] = by_month.get(lot.until, 0) + lot.points
    last_alone = _months_from(today, MONTHS_SHOWN - 1)
    yield from _banded(by_month, lambda month: month <= last_alone)
    if never:
        yield Band(None, None, never)


def _banded(by_month: dict[date, int], is_alone: Callable[[date], bool]) -> Iterator[Band]:
    """Yield a band a month where that `is_alone`, and else one for the months of a year."""
    bands: dict[tuple[date, date], int] = {}
    for month in sorted(by_month):
        months = [month] if is_alone(month) else [one for one in _year_of(month) if not is_alone(one)]
        band = months[0], _months_from(months[-1], 1)
        bands[band] = bands.get(band, 0) + by_month[month]
    for (first, after), points in bands.items():
        yield Band(first, date.fromordinal(after.toordinal() - 1), points)


def _year_of(month: date) -> list[date]:
    return [date(month.year, number, 1) for number in range(1, 13)]


def _months_from(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


_LOTS = """
    SELECT date_trunc('month', available_on)::date, date_trunc('month', ends_on)::date,
           (ends_on < %s) IS TRUE AS is_over, sum(remaining)::bigint
    FROM (SELECT l.available_on, l.remaining,
                 least(coalesce(l.extended_to, l.expires_on), CASE WHEN %s THEN w.expires_on END, %s::date) AS ends_on
          FROM loyalty_lot l JOIN loyalty_wallet w ON w.id = l.wallet_id AND w.kind = 'AVAILABLE'
          WHERE w.program_id = %s AND l.is_open) AS open
    GROUP BY 1, 2, 3"""

_BALANCES = "SELECT kind, sum(balance)::bigint FROM loyalty_wallet WHERE program_id = %s GROUP BY kind"
