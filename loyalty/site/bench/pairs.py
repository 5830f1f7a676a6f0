"""Measuring in pairs: a window of ours stands next to one of what it is compared with, so both meet the same day."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles

from django.db import connection

from loyalty.site.bench.clients import Window


@dataclass(frozen=True, slots=True)
class Rounds:
    """How long is measured: so many pairs of windows, each so many seconds."""

    count: int
    seconds: float


WHOLE = Rounds(8, 2)
QUICK = Rounds(4, 1)


@dataclass(frozen=True, slots=True)
class Pairs:
    """What both sides did in each pair: our windows, the others' units a second, and the WAL that ours wrote, in bytes.

    `ratio` is the median of the pairs' ratios, ours to theirs.
    """

    ours: tuple[Window, ...]
    theirs: tuple[float, ...]
    wal: int

    @property
    def ratios(self) -> list[float]:
        """Ours to theirs, a pair each."""
        return [window.rate / rate for window, rate in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return median(self.ratios)

    @property
    def times(self) -> float:
        """The median of how many times longer ours takes than theirs."""
        return median(1 / ratio for ratio in self.ratios)

    def told(self, unit: str, others: str, *, as_times: bool = False) -> str:
        """Say what was measured: `unit` is what is done, `others` by whom it was done in the other windows."""
        low, _middle, high = quantiles([1 / ratio for ratio in self.ratios] if as_times else self.ratios, n=4)
        units = sum(window.units for window in self.ours)
        client = sum(window.client_cpu for window in self.ours) / units * 1_000
        seen = [window.server_cpu for window in self.ours if window.server_cpu is not None]
        server = f"{sum(seen) / units * 1_000:.2f} ms PostgreSQL, " if len(seen) == len(self.ours) else ""
        return (
            f"quartiles {low:.3f} to {high:.3f} of {len(self.ours)} pairs; {units:,} {unit}s, "
            f"{median(window.rate for window in self.ours):,.0f} a second against {median(self.theirs):,.0f} {others}; "
            f"each {server}{client:.2f} ms client, {self.wal / units:,.0f} bytes of WAL; all laws hold"
        )


def in_pairs(count: int, ours: Callable[[], Window], theirs: Callable[[], float]) -> Pairs:
    """Measure so many pairs of windows, each time the other way round; `theirs` gives units a second."""
    windows: list[Window] = []
    rates: list[float] = []
    wal = 0
    for number in range(count):
        if number % 2 == 0:
            rates.append(theirs())
        before = _wal_position()
        windows.append(ours())
        wal += _wal_position() - before
        if number % 2:
            rates.append(theirs())
    return Pairs(tuple(windows), tuple(rates), wal)


def _wal_position() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])
