"""The geometry of charts, from plain numbers; `{% load charts %}` draws what is computed here.

Charts fill whatever width they get while their text keeps its size: every `x` and `width` is a percentage of the plot's
width, every `y` and `height` is in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil
from typing import NamedTuple
from zlib import crc32

from loyalty.site.axes import (
    NARROWEST,
    Anchor,
    Axis,
    Number,
    TimeLabel,
    along,
    axis_of,
    exact,
    figure_width,
    label_place,
    nice_ticks,
    places_of,
    rounded,
    shortened,
    text_width,
    time_labels,
)

LINE = 17  # pixels from one line of text to the next
TOP, FLOOR = 9, 159  # the highest and the lowest line of a plot
HEIGHT = 184  # with the labels of the time axis
MOST_SERIES = 3
LONGEST_NAME = 84  # pixels a line's name may take beside the plot
WIDEST_COLUMN = 12  # percent
RING_RADIUS = 48


class Entry(NamedTuple):
    """One bar of a ranking."""

    label: str
    value: Number
    url: str = ""


class Threshold(NamedTuple):
    """A value that has a name, such as the one a tier starts at."""

    label: str
    value: Number


class Interval(NamedTuple):
    """A value and how far it may be off."""

    label: str
    value: Number
    low: Number
    high: Number


class TooManySeriesError(ValueError):
    """More series than can be told apart without colour."""


@dataclass(frozen=True, slots=True)
class Point:
    """A value in its place."""

    label: str
    value: Decimal
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Series:
    """One line, broken where a value is missing; `name_y` is where its name stands beside its end."""

    name: str
    style: int
    runs: tuple[tuple[Point, ...], ...]
    name_y: float

    @property
    def first(self) -> Point | None:
        """Where it starts."""
        return self.runs[0][0] if self.runs else None

    @property
    def last(self) -> Point | None:
        """Where it ends."""
        return self.runs[-1][-1] if self.runs else None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a label and a value a series, None where there is none."""

    label: str
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A line the size of a word; its `x` counts in pixels, too."""

    label: str
    runs: tuple[tuple[Point, ...], ...]
    last: Point | None
    width: int = 96
    height: int = 28


@dataclass(frozen=True, slots=True)
class LineChart:
    """Up to three lines over the same time axis."""

    title: str
    unit: str
    axis: Axis
    time_labels: tuple[TimeLabel, ...]
    series: tuple[Series, ...]
    rows: tuple[Row, ...]
    margin: int
    has_names_beside: bool
    zero_y: float | None
    height: int = HEIGHT

    @property
    def last_shown(self) -> Decimal | None:
        """Where an only line ends, counted in the unit of the axis."""
        last = self.series[0].last
        return last.value / self.axis.unit if len(self.series) == 1 and last else None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a column."""

    style: int
    value: Decimal
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what is above zero is stacked upwards, what is below downwards."""

    label: str
    x: float
    width: float
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """Stacked columns over a time axis; `totals` has one sum a series."""

    title: str
    unit: str
    key: str
    axis: Axis
    time_labels: tuple[TimeLabel, ...]
    names: tuple[str, ...]
    totals: tuple[Decimal, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    zero_y: float
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a ranking."""

    label: str
    url: str
    value: Decimal
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars from the largest to the smallest."""

    title: str
    unit: str
    bars: tuple[Bar, ...]
    zero_x: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold on its bar; `missing` is what is left to reach it, 0 when it is reached."""

    label: str
    text: str
    value: Decimal
    missing: Decimal
    x: float
    text_x: float
    anchor: Anchor
    text_y: float


@dataclass(frozen=True, slots=True)
class ThresholdBar:
    """A value on its way past thresholds."""

    title: str
    unit: str
    value: Decimal
    x: float
    width: float
    marks: tuple[Mark, ...]
    height: int
    thickness: int = 12

    def mirrored(self) -> "ThresholdBar":
        """Return it for a layout that runs from right to left."""
        turned: dict[Anchor, Anchor] = {"start": "end", "end": "start", "middle": "middle"}
        marks = [
            replace(mark, x=rounded(100 - mark.x), text_x=rounded(100 - mark.text_x), anchor=turned[mark.anchor])
            for mark in self.marks
        ]
        return replace(self, x=rounded(100 - self.x - self.width), marks=tuple(marks))


@dataclass(frozen=True, slots=True)
class Ring:
    """A share of a whole; `drawn` is the percentage within 0 and 100 that the ring shows."""

    title: str
    unit: str
    part: Decimal
    whole: Decimal
    percent: int
    drawn: float
    radius: int = RING_RADIUS


@dataclass(frozen=True, slots=True)
class Dot:
    """A value with its interval."""

    label: str
    value: Decimal
    low: Decimal
    high: Decimal
    x: float
    low_x: float
    high_x: float


@dataclass(frozen=True, slots=True)
class DotChart:
    """Values with their intervals over one axis; `zero_x` is None when the axis does not reach 0."""

    title: str
    unit: str
    dots: tuple[Dot, ...]
    axis: Axis
    zero_x: float | None


def sparkline(*, values: Sequence[Number | None], label: str = "") -> Sparkline:
    """Return a tiny line from the oldest of `values` to the newest; without a label screen readers pass it over."""
    shape = Sparkline(label=label, runs=(), last=None)
    known = [exact(value) for value in values if value is not None]
    if not known:
        return shape
    low, high = min(known), max(known)
    if low == high:
        low, high = low - 1, high + 1
    margin = 4
    places = places_of(len(values), start=margin, end=shape.width - margin)
    points = [
        None
        if value is None
        else Point("", exact(value), x, along(exact(value), low, high, shape.height - margin, margin))
        for x, value in zip(places, values, strict=True)
    ]
    runs = _runs(points)
    return replace(shape, runs=runs, last=runs[-1][-1])


def line(
    *,
    title: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[Number | None]]],
    unit: str = "",
    from_zero: bool = True,
) -> LineChart:
    """Return lines over `labels`, one value a label and series, None where there is none.

    Raises TooManySeriesError for more than three series, NoNumberError for what is no finite number.
    """
    _check_series(series)
    rows = _rows(labels, series)
    known = [value for row in rows for value in row.values if value is not None]
    axis = axis_of(nice_ticks(known, from_zero=from_zero), FLOOR, TOP)
    places = places_of(len(labels))
    beside = len(series) > 1 and max(text_width(name) for name, _ in series) <= LONGEST_NAME
    drawn = []
    for index, (name, _) in enumerate(series):
        values = [row.values[index] for row in rows]
        points = [
            None if value is None else Point(row.label, value, x, axis.place(value))
            for x, row, value in zip(places, rows, values, strict=True)
        ]
        drawn.append(Series(name, index + 1, _runs(points), 0.0))
    margin = _margin(drawn, axis.unit, has_names_beside=beside)
    return LineChart(
        title=title,
        unit=unit,
        axis=axis,
        time_labels=time_labels(labels, places, axis.width + margin) if known else (),
        series=_names_apart(drawn),
        rows=rows,
        margin=margin,
        has_names_beside=beside,
        zero_y=axis.zero,
    )


def columns(
    *, title: str, labels: Sequence[str], series: Sequence[tuple[str, Sequence[Number | None]]], unit: str = ""
) -> ColumnChart:
    """Return stacked columns over `labels`, one value a label and series, None where there is none.

    Raises TooManySeriesError for more than three series, NoNumberError for what is no finite number.
    """
    _check_series(series)
    rows = _rows(labels, series)
    known = [value for row in rows for value in row.values if value is not None]
    stacks = [_stack(row.values) for row in rows]
    ends = [end for stack in stacks for _, start, stop in stack for end in (start, stop)]
    axis = axis_of(nice_ticks(ends if known else []), FLOOR, TOP)
    slot = 100 / max(len(rows), 1)
    width = min(slot * 0.64, WIDEST_COLUMN)
    middles = [slot * (index + 0.5) for index in range(len(rows))]
    return ColumnChart(
        title=title,
        unit=unit,
        key=f"{crc32(title.encode()):x}",
        axis=axis,
        time_labels=time_labels(labels, middles, axis.width) if known else (),
        names=tuple(name for name, _ in series),
        totals=tuple(sum((row.values[i] or Decimal() for row in rows), Decimal()) for i in range(len(series))),
        columns=tuple(
            Column(row.label, rounded(middle - width / 2), rounded(width), _parts(stack, axis))
            for row, middle, stack in zip(rows, middles, stacks, strict=True)
        )
        if known
        else (),
        rows=rows,
        zero_y=axis.zero or FLOOR,
    )


def bars(*, title: str, rows: Sequence[Entry], unit: str = "") -> BarChart:
    """Return bars from the largest value to the smallest; equal ones keep their order."""
    known = sorted(((row, exact(row.value)) for row in rows), key=lambda known: -known[1])
    low = min((Decimal(), *(value for _, value in known)))
    high = max((Decimal(), *(value for _, value in known)))
    if low == high:
        high = low + 1
    zero = along(Decimal(), low, high, 0, 100)
    drawn = []
    for row, value in known:
        end = along(value, low, high, 0, 100)
        drawn.append(Bar(row.label, row.url, value, min(zero, end), rounded(abs(end - zero))))
    return BarChart(title=title, unit=unit, bars=tuple(drawn), zero_x=zero)


def thresholds(*, title: str, value: Number, marks: Sequence[Threshold], unit: str = "") -> ThresholdBar:
    """Return a bar from 0 to the last threshold, or to `value` when that is higher; below 0 it is empty."""
    reached = exact(value)
    known = sorted(((mark, exact(mark.value)) for mark in marks), key=lambda known: known[1])
    high = max((reached, *(at for _, at in known)))
    if high <= 0:
        high = Decimal(1)
    taken: list[float] = []  # how far each line of names reaches already, in pixels
    drawn = []
    for mark, at in known:
        x = along(max(at, Decimal()), Decimal(), high, 0, 100)
        text = shortened(mark.label, NARROWEST)
        width = max(text_width(text), figure_width(at))
        text_x, anchor, left = label_place(x, width)
        level = next((level for level, end in enumerate(taken) if end + 8 <= left), len(taken))
        taken[level : level + 1] = [left + width]
        y = 36.0 + level * (2 * LINE + 6)
        drawn.append(Mark(mark.label, text, at, max(at - reached, Decimal()), x, text_x, anchor, y))
    width = along(min(max(reached, Decimal()), high), Decimal(), high, 0, 100)
    return ThresholdBar(
        title=title,
        unit=unit,
        value=reached,
        x=0.0,
        width=width,
        marks=tuple(drawn),
        height=20 + len(taken) * (2 * LINE + 6),
    )


def ring(*, title: str, part: Number, whole: Number, unit: str = "") -> Ring:
    """Return the share that `part` is of `whole`; only nothing is shown as 0 %, and only the whole as 100 %."""
    of_it, all_of_it = exact(part), exact(whole)
    share = 100 * of_it / all_of_it if all_of_it else Decimal()
    percent = round(share)
    if 0 < share < 100:
        percent = min(max(percent, 1), 99)
    return Ring(title, unit, of_it, all_of_it, percent, rounded(float(min(max(share, Decimal()), Decimal(100)))))


def intervals(
    *, title: str, rows: Sequence[Interval], unit: str = "", low: Number | None = None, high: Number | None = None
) -> DotChart:
    """Return values with their intervals, in the order given; the axis reaches at least from `low` to `high`."""
    known = [(row.label, exact(row.value), exact(row.low), exact(row.high)) for row in rows]
    ends = [end for _, *numbers in known for end in numbers]
    ends += [exact(end) for end in (low, high) if end is not None and known]
    axis = axis_of(nice_ticks(ends, from_zero=False), 0, 100)
    dots = tuple(
        Dot(label, value, least, most, axis.place(value), axis.place(least), axis.place(most))
        for label, value, least, most in known
    )
    return DotChart(title=title, unit=unit, dots=dots, axis=axis, zero_x=axis.zero)


def _check_series(series: Sequence[tuple[str, Sequence[Number | None]]]) -> None:
    if not 1 <= len(series) <= MOST_SERIES:
        raise TooManySeriesError(f"A chart shows one to {MOST_SERIES} series, not {len(series)}.")


def _rows(labels: Sequence[str], series: Sequence[tuple[str, Sequence[Number | None]]]) -> tuple[Row, ...]:
    given = [[None if value is None else exact(value) for value in values] for _, values in series]
    return tuple(Row(label, values) for label, values in zip(labels, zip(*given, strict=True), strict=True))


def _runs(points: Sequence[Point | None]) -> tuple[tuple[Point, ...], ...]:
    """Part points where one is missing."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return tuple(tuple(run) for run in runs if run)


def _margin(series: Sequence[Series], unit: int, *, has_names_beside: bool) -> int:
    """How many pixels the end of the lines needs: for their names, or for the last value of an only one."""
    if has_names_beside:
        return ceil(max(text_width(each.name) for each in series)) + 12
    if len(series) == 1 and (last := series[0].last):
        return ceil(figure_width(round(last.value / unit, 2))) + 16
    return 8


def _names_apart(series: Sequence[Series]) -> tuple[Series, ...]:
    """Put each name beside the end of its line, at least a line of text apart."""
    ending = sorted((each for each in series if each.last), key=lambda each: each.last.y if each.last else 0)
    lowest = FLOOR - LINE * (len(ending) - 1)
    at: dict[int, float] = {}
    y = 0.0
    for index, each in enumerate(ending):
        wanted = each.last.y if each.last else 0
        y = max(wanted, y + LINE) if index else wanted
        y = at[each.style] = min(y, float(lowest + LINE * index))
    return tuple(replace(each, name_y=rounded(at.get(each.style, 0.0))) for each in series)


def _stack(values: Sequence[Decimal | None]) -> list[tuple[int, Decimal, Decimal]]:
    """Return (style, from, to) for each value that takes room."""
    up, down, stack = Decimal(), Decimal(), []
    for style, value in enumerate(values, start=1):
        if not value:
            continue
        start = up if value > 0 else down
        stack.append((style, start, start + value))
        up, down = (start + value, down) if value > 0 else (up, start + value)
    return stack


def _parts(stack: Sequence[tuple[int, Decimal, Decimal]], axis: Axis) -> tuple[Part, ...]:
    parts = []
    for style, start, stop in stack:
        ends = sorted((axis.place(start), axis.place(stop)))
        parts.append(Part(style, stop - start, ends[0], rounded(ends[1] - ends[0])))
    return tuple(parts)
