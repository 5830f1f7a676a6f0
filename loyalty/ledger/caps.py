"""Counters of limits: how many points or times each limit has let through, locked in the order of their keys."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from accounts import arrays
from accounts.together import Answer
from loyalty.earning import Counts, cut

_KEY_COLUMNS: Mapping[str, str] = {
    "program_id": "bigint",
    "rule_code": "text",
    "subject": "text",
    "subject_id": "bigint",
    "period": "text",
    "period_start": "date",
    "object": "text",
}


class CapKey(NamedTuple):
    """One counter: a limit, for one subject, in one period, of one `object` where it counts each alone.

    `rule_code` is what `Cap.counter` says; an empty one is the consent's own limit.
    """

    program_id: int
    rule_code: str
    subject: str
    subject_id: int
    period: str
    period_start: date
    object: str = ""


class Limit(NamedTuple):
    """A counter, and how much of what it `counts` it lets through."""

    key: CapKey
    limit: int
    counts: Counts = Counts.POINTS


@dataclass(slots=True)
class _Counter:
    used: int
    change: int = 0

    def move(self, count: int) -> None:
        """Count so many more, or fewer."""
        self.used += count
        self.change += count


class CapBook:
    """The counters that one use case may move, under lock; open, cut and give back, then write once."""

    def __init__(self) -> None:
        self._opened: Answer | None = None
        self._known: dict[CapKey, _Counter] = {}

    @property
    def _counters(self) -> dict[CapKey, _Counter]:
        if self._opened is not None:
            self._known = {CapKey(*row[:-1]): _Counter(row[-1]) for row in self._opened.rows}
            self._opened = None
        return self._known

    def open(self, limits: Mapping[CapKey, int]) -> None:
        """Lock the counters of `limits` (key to limit in points), making missing ones; in the order of their keys.

        A limit below what was let through already is kept as what was let through: nothing more passes.
        """
        self._opened = arrays.insert_asking(
            "loyalty_capusage",
            {**_KEY_COLUMNS, "used": "bigint", "limit": "bigint"},
            [(*key, 0, limit) for key, limit in sorted(limits.items())],
            then=f"""ON CONFLICT ({", ".join(_KEY_COLUMNS)}) DO UPDATE
                     SET "limit" = greatest(excluded."limit", loyalty_capusage.used)
                     RETURNING {", ".join(_KEY_COLUMNS)}, used""",  # noqa: S608 (names are code)
        )

    def let_through(
        self, points: int, limits: Collection[Limit], *, counted: set[CapKey] | None = None
    ) -> tuple[int, int | None]:
        """Return how many of `points` pass all `limits`, and what the tightest had left before (None: no limit).

        What passes counts against every one of them. A limit of times lets all of them through or none; `counted` are
        those in which this time stands already, and grows by those in which it does now.
        """
        counters, counted = self._counters, set() if counted is None else counted
        counting: list[_Counter] = []
        left: list[int] = []
        times: list[tuple[CapKey, _Counter]] = []
        for key, limit, counts in limits:
            counter = counters[key]
            if counts is Counts.POINTS:
                counting.append(counter)
                left.append(max(0, limit - counter.used))
            elif key not in counted:
                times.append((key, counter))
                if counter.used >= limit:
                    left.append(0)
        granted = cut(points, left) if left else points
        for counter in counting:
            counter.move(granted)
        if granted:
            for key, counter in times:
                counter.move(1)
                counted.add(key)
        return granted, min(left, default=None)

    def left(self, limit: Limit) -> int:
        """Return how much a limit lets through yet."""
        return max(0, limit.limit - self._counters[limit.key].used)

    def give_back(self, points: int, limits: Iterable[Limit], *, freed: set[CapKey] | None = None) -> None:
        """Count `points` off again: a return frees them for what arrives later.

        With `freed`, the activity is undone as a whole, and its time comes back too: once, as `freed` remembers. A
        limit that was agreed to after those points were given (a consent dated back) never counted them.
        """
        for key, _limit, counts in limits:
            if counts is Counts.POINTS:
                self._move(key, -min(points, self._counters[key].used))
            elif freed is not None and key not in freed:
                freed.add(key)
                self._move(key, -min(1, self._counters[key].used))

    def write(self) -> None:
        """Write the counters that moved."""
        moved = [(*key, counter.change) for key, counter in sorted(self._counters.items()) if counter.change]
        if moved:
            names = ", ".join(_KEY_COLUMNS)
            types = ", ".join(f"%s::{type_}[]" for type_ in (*_KEY_COLUMNS.values(), "bigint"))
            arrays.run(
                f"""UPDATE loyalty_capusage u SET used = u.used + c.change
                    FROM unnest({types}) AS c({names}, change)
                    WHERE ({", ".join(f"u.{name}" for name in _KEY_COLUMNS)})
                        = ({", ".join(f"c.{name}" for name in _KEY_COLUMNS)})""",  # noqa: S608 (names are code)
                *arrays.literals({**_KEY_COLUMNS, "change": "bigint"}, moved),
            )

    def _move(self, key: CapKey, points: int) -> None:
        self._counters[key].move(points)


def read_used(keys: Collection[CapKey]) -> dict[CapKey, int]:
    """Return what those of the counters that there are have let through so far; nothing is locked. One query."""
    if not keys:
        return {}
    names = ", ".join(_KEY_COLUMNS)
    rows = arrays.fetch(
        f"""SELECT {names}, used FROM loyalty_capusage
            JOIN unnest({", ".join(f"%s::{type_}[]" for type_ in _KEY_COLUMNS.values())}) AS k({names})
            USING ({names})""",  # noqa: S608 (names are code)
        *arrays.literals(_KEY_COLUMNS, sorted(keys)),
    )
    return {CapKey(*row[:-1]): row[-1] for row in rows}


class BlankCaps(CapBook):
    """Counters that begin at nothing, for whoever only works out what would be: never locked, never written."""

    def __init__(self) -> None:
        super().__init__()
        self._known = _FromNothing()

    def begin_with(self, used: Mapping[CapKey, int]) -> None:
        """Let these counters begin at what was let through so far."""
        self._known.update({key: _Counter(count) for key, count in used.items()})


class _FromNothing(dict[CapKey, _Counter]):
    def __missing__(self, key: CapKey) -> _Counter:
        counter = self[key] = _Counter(0)
        return counter
