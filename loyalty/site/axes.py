"""Axes for charts: ticks at round numbers, places along them, and text that must fit; all of it from plain numbers.

A plot is as wide as its page lets it be: places along it are percentages, heights are in pixels, both rounded to one
decimal. What must fit is measured for the narrowest plot there is, a block on a phone of 320 pixels.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor
from typing import Literal

Number = int | float | Decimal
Anchor = Literal["start", "middle", "end"]

NARROWEST = 220  # pixels
WIDE = 480  # pixels from which the labels kept for wide plots show; the style sheet says the same
LETTER, WIDE_LETTER = 7.2, 13.5  # pixels of a figure or Latin letter, and of a Chinese, Japanese or Korean one


class NoNumberError(ValueError):
    """A value that cannot be drawn, such as NaN."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A marked value; `shown` is counted in the unit of its axis, `at` is its place along it."""

    value: Decimal
    shown: Decimal
    at: float


@dataclass(frozen=True, slots=True)
class Axis:
    """Ticks at round numbers; `unit` is what they are counted in: 1, a thousand, a million or a billion.

    `width` is what the longest of them takes, in pixels.
    """

    ticks: tuple[Tick, ...]
    unit: int
    width: int

    def place(self, value: Decimal) -> float:
        """Return where `value` stands along it."""
        first, last = self.ticks[0], self.ticks[-1]
        return along(value, first.value, last.value, first.at, last.at)

    @property
    def zero(self) -> float | None:
        """Where 0 is, None when it does not reach that far."""
        return next((tick.at for tick in self.ticks if tick.value == 0), None)


@dataclass(frozen=True, slots=True)
class TimeLabel:
    """A label under the plot; one set of them is for wide plots, one for narrow ones."""

    text: str
    x: float
    anchor: Anchor
    is_wide: bool


def nice_ticks(values: Sequence[Decimal], *, from_zero: bool = True, wanted: int = 4) -> tuple[Decimal, ...]:
    """Return ticks 1, 2 or 5 times a power of ten apart that enclose `values`; whole ones for whole values."""
    if not values:
        return ()
    low, high = min(values), max(values)
    if from_zero:
        low, high = min(low, Decimal()), max(high, Decimal())
    whole = all(value == value.to_integral_value() for value in values)
    if low == high:
        spread = _nice_step(abs(low) / 10 or Decimal(1), whole=whole)
        low, high = (low, low + spread) if from_zero else (low - spread, high + spread)
    step = _nice_step((high - low) / wanted, whole=whole)
    return tuple(step * count for count in range(floor(low / step), ceil(high / step) + 1))


def text_width(text: str) -> float:
    """Return about how many pixels `text` takes in the size that charts use."""
    return sum(WIDE_LETTER if unicodedata.east_asian_width(letter) in "WF" else LETTER for letter in text)


def figure_width(value: Decimal) -> float:
    """Return about how many pixels a number takes, with its separators."""
    whole = value == value.to_integral_value()
    return text_width(f"{int(value):,}" if whole else f"{value:,f}")


def shortened(text: str, room: float) -> str:
    """Return `text`, cut with an ellipsis where it takes more than `room` pixels."""
    if text_width(text) <= room:
        return text
    kept = text
    while kept and text_width(kept + "…") > room:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def exact(value: Number) -> Decimal:
    """Return `value` as it is written; raises NoNumberError for what is no finite number."""
    written = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if not written.is_finite():
        raise NoNumberError(f"{value} cannot be drawn.")
    return written


def rounded(value: float) -> float:
    """Return `value` with the one decimal that coordinates have."""
    return round(value, 1) + 0.0  # no minus before a zero


def along(value: Decimal, low: Decimal, high: Decimal, start: float, end: float) -> float:
    """Where `value` lies between `start` and `end`."""
    return rounded(start + float((value - low) / (high - low)) * (end - start))


def _nice_step(rough: Decimal, *, whole: bool) -> Decimal:
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return max(step, Decimal(1)) if whole else step


def axis_of(ticks: Sequence[Decimal], start: float, end: float) -> Axis:
    """Lay ticks from `start` to `end`; long numbers are counted in thousands, millions or billions."""
    largest = max((abs(tick) for tick in ticks), default=Decimal())
    unit = next((unit for unit, least in ((10**9, 10**11), (10**6, 10**8), (10**3, 10**5)) if largest >= least), 1)
    drawn = tuple(Tick(tick, tick / unit, along(tick, ticks[0], ticks[-1], start, end)) for tick in ticks)
    width = max((figure_width(tick.shown) for tick in drawn), default=0)
    return Axis(drawn, unit, ceil(width) + 8 if drawn else 0)


def places_of(count: int, start: float = 0, end: float = 100) -> list[float]:
    """Spread points evenly; a single one stands at the end, where the newest stands."""
    if count < 2:
        return [rounded(end)] * count
    return [rounded(start + index * (end - start) / (count - 1)) for index in range(count)]


def time_labels(labels: Sequence[str], places: Sequence[float], beside: float) -> tuple[TimeLabel, ...]:
    """Keep the newest label, and of the others as many as do not touch; `beside` is what stands next to the plot."""
    if not labels:
        return ()
    return tuple(
        label
        for is_wide in (False, True)
        for label in _kept_labels(labels, places, (WIDE if is_wide else NARROWEST) - beside, is_wide=is_wide)
    )


def _kept_labels(labels: Sequence[str], places: Sequence[float], room: float, *, is_wide: bool) -> list[TimeLabel]:
    widest, last = max(text_width(label) for label in labels), len(labels) - 1
    standing = [_label_stand(x, widest, room) for x in places]
    is_moved = standing[0][1] != "middle" or standing[-1][1] != "middle"
    needed = widest * (1.5 if is_moved else 1) + 8
    step = ceil(needed / ((places[1] - places[0]) * room / 100)) if last else 1
    if is_moved and step * 2 > last > 0:
        step = last if 2 * widest + 8 <= room else len(labels)
    return [
        TimeLabel(text, x, anchor, is_wide=is_wide)
        for index, (text, (x, anchor)) in enumerate(zip(labels, standing, strict=True))
        if (last - index) % step == 0
    ]


def _label_stand(x: float, widest: float, room: float) -> tuple[float, Anchor]:
    """Put a label in the middle below its place, at the edges of the plot within it; a little may stand out."""
    at = x * room / 100
    if at + widest / 2 > room + 8:
        return 100.0, "end"
    return rounded(x), "middle" if at >= min(widest / 2, 8) else "start"


def label_place(x: float, width: float) -> tuple[float, Anchor, float]:
    """Return where the text of a mark at `x` stands, by which end, and its left edge in pixels on a narrow plot."""
    at = x * NARROWEST / 100
    if at - width / 2 >= 0 and at + width / 2 <= NARROWEST:
        return x, "middle", at - width / 2
    if x < 50:
        return (x, "start", at) if at + width <= NARROWEST else (0.0, "start", 0.0)
    return (x, "end", at - width) if at >= width else (100.0, "end", NARROWEST - width)
