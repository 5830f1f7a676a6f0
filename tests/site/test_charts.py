"""Charts: round ticks, geometry within the plot, numbers kept exact, and what comes out on a page in any language."""

import re
import textwrap
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template import engines
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from loyalty.site import charts
from loyalty.site.axes import (
    NARROWEST,
    WIDE,
    NoNumberError,
    Number,
    axis_of,
    nice_ticks,
    shortened,
    text_width,
    time_labels,
)

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
THREE_YEARS = [f"{month} {year}" for year in (2024, 2025, 2026) for month in MONTHS]

numbers = st.one_of(
    st.integers(-(10**15), 10**15),
    st.decimals(min_value=-(10**6), max_value=10**6, places=3),
    st.floats(-(10**6), 10**6, allow_nan=False).map(lambda value: round(value, 4)),
)
gappy = st.lists(st.one_of(st.none(), numbers), max_size=36)


def shown(tag: str, chart: Any, language: str = "en", options: str = "") -> str:
    """The tag's output in a language."""
    template = engines["django"].from_string(f"{{% load charts %}}{{% {tag} chart {options} %}}")
    with translation.override(language):
        return str(template.render({"chart": chart}))


def texts(html: str) -> list[str]:
    """The cells of every table, without their elements."""
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", html, re.DOTALL)
    return [" ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", cell, flags=re.DOTALL).split()) for cell in cells]


def one_of_each() -> dict[str, Any]:
    """A chart of each kind, with decimals, thousands, gaps and a hostile label."""
    hostile = "<script>alert(1)</script> & co"
    return {
        "sparkline": charts.sparkline(values=[1, 2.5, None, 1234.5], label=hostile),
        "line_chart": charts.line(
            title=hostile,
            labels=["Jan", hostile, "Mar", "Apr"],
            series=[("Issued", [1200, None, 2400, 1801]), (hostile, [1, 2, Decimal("3.5"), None])],
            unit=hostile,
        ),
        "stacked_columns": charts.columns(
            title=hostile,
            labels=["Jan", "Feb", hostile],
            series=[("Issued", [1234, 5, 6]), (hostile, [7, None, -8.25])],
        ),
        "bars": charts.bars(title=hostile, rows=[charts.Entry(hostile, 3333, "/a/?b=1&c=2"), charts.Entry("B", 1111)]),
        "threshold_bar": charts.thresholds(
            title=hostile, value=3333, marks=[charts.Threshold(hostile, 1000), charts.Threshold("Gold", 7000)]
        ),
        "ring": charts.ring(title=hostile, part=1234, whole=3000, unit=hostile),
        "dots_with_intervals": charts.intervals(
            title=hostile, rows=[charts.Interval(hostile, 33.3, -1.5, 46)], low=-70, high=70
        ),
    }


KINDS = list(one_of_each())


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([], []),
        (["0"], ["0", "1"]),
        (["0", "0", "0"], ["0", "1"]),
        (["1"], ["0", "1"]),
        (["7"], ["0", "2", "4", "6", "8"]),
        (["5", "5"], ["0", "2", "4", "6"]),
        (["1", "3"], ["0", "1", "2", "3"]),
        (["40", "100"], ["0", "50", "100"]),
        (["9350"], ["0", "5000", "10000"]),
        (["1.5"], ["0", "0.5", "1", "1.5"]),
        (["-30", "70"], ["-50", "0", "50", "100"]),
        (["-8", "-3"], ["-8", "-6", "-4", "-2", "0"]),
        (["0.0007", "0.0031"], ["0", "0.001", "0.002", "0.003", "0.004"]),
        (["123456789012345"], ["0", "50000000000000", "100000000000000", "150000000000000"]),
    ],
)
def test_ticks_from_zero_are_round(values: list[str], ticks: list[str]) -> None:
    assert nice_ticks([Decimal(value) for value in values]) == tuple(Decimal(tick) for tick in ticks)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        (["0"], ["-1", "0", "1"]),
        (["5", "5"], ["4", "5", "6"]),
        (["1000"], ["900", "950", "1000", "1050", "1100"]),
        (["97", "103"], ["96", "98", "100", "102", "104"]),
        (["0.251", "0.259"], ["0.25", "0.252", "0.254", "0.256", "0.258", "0.26"]),
        (["-100", "100"], ["-100", "-50", "0", "50", "100"]),
    ],
)
def test_ticks_may_leave_zero_out(values: list[str], ticks: list[str]) -> None:
    assert nice_ticks([Decimal(value) for value in values], from_zero=False) == tuple(Decimal(tick) for tick in ticks)


@given(st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=20), st.booleans())
def test_ticks_enclose_the_values_evenly_and_are_few(values: list[Decimal], from_zero: bool) -> None:
    ticks = nice_ticks(values, from_zero=from_zero)

    assert ticks[0] <= min(values)
    assert ticks[-1] >= max(values)
    assert len({after - before for before, after in pairwise(ticks)}) == 1
    assert 2 <= len(ticks) <= 6


@pytest.mark.parametrize(
    ("largest", "unit", "last"),
    [(40_000, 1, 40_000), (100_000, 1_000, 100), (10**8, 10**6, 100), (10**11, 10**9, 100), (10**15, 10**9, 10**6)],
)
def test_long_numbers_are_counted_in_larger_units(largest: int, unit: int, last: int) -> None:
    axis = axis_of(nice_ticks([Decimal(largest)]), 0, 100)

    assert (axis.unit, int(axis.ticks[-1].shown), int(axis.ticks[-1].value)) == (unit, last, largest)


@pytest.mark.parametrize(
    ("count", "on_phones", "on_wide_plots"),
    [
        (0, [], []),
        (1, ["Jan 2024"], ["Jan 2024"]),
        (2, ["Jan 2024", "Feb 2024"], ["Jan 2024", "Feb 2024"]),
        (12, ["Jan 2024", "Dec 2024"], ["Mar 2024", "Jun 2024", "Sep 2024", "Dec 2024"]),
        (36, ["Jan 2024", "Dec 2026"], ["Apr 2024", "Dec 2024", "Aug 2025", "Apr 2026", "Dec 2026"]),
    ],
)
def test_time_labels_are_thinned_and_the_newest_stays(
    count: int, on_phones: list[str], on_wide_plots: list[str]
) -> None:
    chart = charts.line(title="Trend", labels=THREE_YEARS[:count], series=[("Issued", range(count))])

    assert [label.text for label in chart.time_labels if not label.is_wide] == on_phones
    assert [label.text for label in chart.time_labels if label.is_wide] == on_wide_plots


@given(st.integers(1, 60), st.integers(1, 11), st.integers(10, 110), st.booleans(), st.booleans())
def test_time_labels_never_touch(count: int, letters: int, beside: int, has_edges: bool, is_wide: bool) -> None:
    labels = ["m" * letters] * count
    at_edges = [100 * index / (count - 1) for index in range(count)] if count > 1 else [100.0]
    places = at_edges if has_edges else [100 * (index + 0.5) / count for index in range(count)]

    kept = [label for label in time_labels(labels, places, beside) if label.is_wide == is_wide]

    room, width = (WIDE if is_wide else NARROWEST) - beside, text_width(labels[0])
    share = {"start": 0.0, "middle": 0.5, "end": 1.0}
    spans = [(at := label.x * room / 100 - share[label.anchor] * width, at + width) for label in kept]
    assert kept
    assert all(before[1] < after[0] for before, after in pairwise(spans))
    assert spans[-1][1] <= room + 9


def test_line_breaks_where_a_value_is_missing() -> None:
    chart = charts.line(title="Trend", labels=MONTHS[:6], series=[("Gold", [None, 4, None, 1, 3, None])])

    assert [[(point.label, point.x, point.y) for point in run] for run in chart.series[0].runs] == [
        [("Feb", 20.0, 9.0)],
        [("Apr", 60.0, 121.5), ("May", 80.0, 46.5)],
    ]
    assert chart.last_shown == 3


def test_names_beside_the_lines_stand_apart() -> None:
    chart = charts.line(title="Trend", labels=["Jan", "Feb"], series=[("A", [1, 0]), ("B", [2, 0]), ("C", [100, 1])])

    assert sorted(each.name_y for each in chart.series) == [125.0, 142.0, 159.0]
    assert chart.has_names_beside


def test_long_names_go_into_a_key() -> None:
    chart = charts.line(
        title="Trend", labels=["Jan", "Feb"], series=[("Companies with an agreement", [1, 2]), ("Others", [3, 4])]
    )

    html = shown("line_chart", chart)

    assert not chart.has_names_beside
    assert 'class="chart-key"' in html


def test_columns_stack_upwards_and_downwards() -> None:
    chart = charts.columns(
        title="Points",
        labels=["Oct", "Nov"],
        series=[("Issued", [60, 100]), ("Spent", [-30, None]), ("Expired", [-20, 0])],
    )

    assert [tick.value for tick in chart.axis.ticks] == [-50, 0, 50, 100]
    assert chart.zero_y == 109.0
    assert [
        [(part.style, int(part.value), part.y, part.height) for part in column.parts] for column in chart.columns
    ] == [
        [(1, 60, 49.0, 60.0), (2, -30, 109.0, 30.0), (3, -20, 139.0, 20.0)],
        [(1, 100, 9.0, 100.0)],
    ]
    assert [int(total) for total in chart.totals] == [160, -30, -20]


@given(st.lists(st.tuples(numbers, st.one_of(st.none(), numbers), numbers), min_size=1, max_size=24))
def test_parts_of_a_column_lie_on_each_other_and_sum_up(rows: list[tuple[Any, Any, Any]]) -> None:
    chart = charts.columns(
        title="Points",
        labels=[str(index) for index in range(len(rows))],
        series=[(name, [row[index] for row in rows]) for index, name in enumerate("ABC")],
    )

    for row, column in zip(chart.rows, chart.columns, strict=True):
        assert sum(part.value for part in column.parts) == sum(value or 0 for value in row.values)
        assert 0 <= column.x <= column.x + column.width <= 100.1
        for sign in (-1, 1):
            side = [part for part in column.parts if part.value * sign > 0]
            ends = [chart.zero_y, *(part.y if sign > 0 else part.y + part.height for part in side)]
            starts = [part.y + part.height if sign > 0 else part.y for part in side]
            assert starts == pytest.approx(ends[:-1])
            assert all(charts.TOP <= part.y <= part.y + part.height <= charts.FLOOR + 0.01 for part in side)


@given(st.lists(gappy, min_size=1, max_size=3), st.booleans())
def test_every_point_of_a_line_lies_in_the_plot(values: list[Sequence[Number | None]], from_zero: bool) -> None:
    length = min(len(each) for each in values)
    chart = charts.line(
        title="Trend",
        labels=THREE_YEARS[:length],
        series=[(f"Line {index}", each[:length]) for index, each in enumerate(values)],
        from_zero=from_zero,
    )

    points = [point for each in chart.series for run in each.runs for point in run]
    assert len(points) == sum(value is not None for each in values for value in each[:length])
    assert all(0 <= point.x <= 100 and charts.TOP <= point.y <= charts.FLOOR for point in points)
    assert all(charts.TOP <= tick.at <= charts.FLOOR for tick in chart.axis.ticks)
    assert all(0 <= label.x <= 100 for label in chart.time_labels)
    assert all(0 <= each.name_y <= charts.FLOOR for each in chart.series)
    assert chart.axis.width + chart.margin < NARROWEST * 0.75


@given(gappy)
def test_every_point_of_a_sparkline_lies_in_it(values: list[Number | None]) -> None:
    chart = charts.sparkline(values=values)

    points = [point for run in chart.runs for point in run]
    assert all(4 <= point.x <= chart.width - 4 and 4 <= point.y <= chart.height - 4 for point in points)
    assert (chart.last is None) == (not points)


def test_bars_are_sorted_and_share_a_zero() -> None:
    chart = charts.bars(
        title="Change", rows=[charts.Entry("A", -50), charts.Entry("B", 150, "/b/"), charts.Entry("C", 0)]
    )

    assert [(bar.label, bar.url, int(bar.value), bar.x, bar.width) for bar in chart.bars] == [
        ("B", "/b/", 150, 25.0, 75.0),
        ("C", "", 0, 25.0, 0.0),
        ("A", "", -50, 0.0, 25.0),
    ]
    assert chart.zero_x == 25.0


@given(st.lists(numbers, max_size=20))
def test_every_bar_lies_in_the_plot(values: list[Number]) -> None:
    chart = charts.bars(title="Ranking", rows=[charts.Entry(str(value), value) for value in values])

    assert [bar.value for bar in chart.bars] == sorted((bar.value for bar in chart.bars), reverse=True)
    assert all(0 <= bar.x <= bar.x + bar.width <= 100.1 for bar in chart.bars)


def test_thresholds_name_what_is_reached_and_what_is_missing() -> None:
    chart = charts.thresholds(
        title="Tier",
        value=3200,
        marks=[charts.Threshold("Gold", 5000), charts.Threshold("Silver", 1000), charts.Threshold("Platinum", 10_000)],
    )

    assert chart.width == 32.0
    assert [(mark.label, mark.x, int(mark.missing), mark.anchor) for mark in chart.marks] == [
        ("Silver", 10.0, 0, "middle"),
        ("Gold", 50.0, 1800, "middle"),
        ("Platinum", 100.0, 6800, "end"),
    ]


def test_threshold_bar_runs_with_the_language() -> None:
    chart = charts.thresholds(title="Tier", value=3200, marks=[charts.Threshold("Gold", 10_000)])

    mirrored = chart.mirrored()

    assert (mirrored.x, mirrored.width) == (68.0, 32.0)
    assert [(mark.x, mark.anchor) for mark in mirrored.marks] == [(0.0, "start")]
    assert mirrored.mirrored() == chart
    assert 'x="68.0%" y="1" width="32.0%"' in shown("threshold_bar", chart, "ar")
    assert 'x="0.0%" y="1" width="32.0%"' in shown("threshold_bar", chart, "id")


@given(numbers, st.lists(st.tuples(st.text(max_size=60), numbers), max_size=8))
def test_names_of_thresholds_neither_leave_the_bar_nor_touch(value: Any, marks: list[tuple[str, Any]]) -> None:
    chart = charts.thresholds(title="Tier", value=value, marks=[charts.Threshold(*mark) for mark in marks])

    share = {"start": 0.0, "middle": 0.5, "end": 1.0}
    lines: dict[float, list[tuple[float, float]]] = {}
    for mark in chart.marks:
        width = text_width(mark.text)
        left = mark.text_x * NARROWEST / 100 - share[mark.anchor] * width
        assert left >= -0.2
        assert left + width <= NARROWEST + 0.2
        assert mark.text_y < chart.height
        lines.setdefault(mark.text_y, []).append((left, left + width))
    assert 0 <= chart.width <= 100
    assert all(before[1] <= after[0] for spans in lines.values() for before, after in pairwise(sorted(spans)))


@pytest.mark.parametrize(
    ("part", "whole", "percent", "drawn"),
    [
        (0, 0, 0, 0),
        (0, 5, 0, 0),
        (1, 1000, 1, 0.1),
        (71, 100, 71, 71),
        (999, 1000, 99, 99.9),
        (5, 5, 100, 100),
        (6, 5, 120, 100),
    ],
)
def test_ring_shows_nothing_and_the_whole_only_where_they_are_true(
    part: int, whole: int, percent: int, drawn: float
) -> None:
    chart = charts.ring(title="Share", part=part, whole=whole)

    assert (chart.percent, chart.drawn) == (percent, drawn)


def test_intervals_lie_on_an_axis_with_zero_marked() -> None:
    chart = charts.intervals(title="NPS", rows=[charts.Interval("Dealers", -12, -31, 7)], low=-100, high=100)

    assert [tick.value for tick in chart.axis.ticks] == [-100, -50, 0, 50, 100]
    assert [(dot.x, dot.low_x, dot.high_x) for dot in chart.dots] == [(44.0, 34.5, 53.5)]
    assert chart.zero_x == 50.0


def test_axis_of_intervals_reaches_beyond_its_ends_rather_than_hide_a_value() -> None:
    chart = charts.intervals(title="Effect", rows=[charts.Interval("Pilot", 140, 90, 190)], low=50, high=100)

    assert [tick.value for tick in chart.axis.ticks] == [50, 100, 150, 200]
    assert chart.zero_x is None


@given(st.lists(st.tuples(numbers, numbers, numbers), max_size=12))
def test_every_dot_lies_on_the_axis(rows: list[tuple[Any, Any, Any]]) -> None:
    chart = charts.intervals(title="NPS", rows=[charts.Interval("Row", *row) for row in rows])

    assert all(0 <= x <= 100 for dot in chart.dots for x in (dot.x, dot.low_x, dot.high_x))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN")])
def test_what_is_no_number_is_refused(value: Number) -> None:
    with pytest.raises(NoNumberError):
        charts.line(title="Trend", labels=["Jan"], series=[("Issued", [value])])


def test_series_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(charts.TooManySeriesError, match="one to 3 series, not 4"):
        charts.columns(title="Points", labels=[], series=[("A", []), ("B", []), ("C", []), ("D", [])])


def test_values_and_labels_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="zip"):
        charts.line(title="Trend", labels=["Jan", "Feb"], series=[("Issued", [1])])


@pytest.mark.parametrize(
    ("text", "kept"), [("Gold", "Gold"), ("Platinum partner", "Platin…"), ("金メダル会員", "金メダ…")]
)
def test_text_is_cut_to_its_room(text: str, kept: str) -> None:
    assert shortened(text, 52) == kept


@pytest.mark.parametrize("language", ["en", "id", "ar", "ja"])
@pytest.mark.parametrize("kind", KINDS)
def test_coordinates_are_written_alike_in_every_language(kind: str, language: str) -> None:
    html = shown(kind, one_of_each()[kind], language)

    numeric = r'\s(?:x|y|x1|x2|y1|y2|cx|cy|r|dy|width|height|points|viewBox|stroke-dasharray|pathLength)="([^"]*)"'
    coordinates = re.findall(numeric, html)
    assert len(coordinates) > 3
    assert [value for value in coordinates if not re.fullmatch(r"(-?\d+(\.\d)?%?\s*)+", value)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_escaped_and_nothing_is_styled_inline(kind: str) -> None:
    html = shown(kind, one_of_each()[kind])

    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in html
    assert not re.search(r"\s(style|on\w+)=", html)


def test_numbers_stand_exact_in_a_table_in_the_reader_s_notation() -> None:
    chart = charts.line(
        title="Points issued",
        labels=["Jan", "Feb", "Mar"],
        series=[("Issued", [1_234_567, None, 0]), ("Share", [Decimal("0.5"), Decimal("0.0004"), -3])],
    )

    assert texts(shown("line_chart", chart)) == [
        "When", "Issued", "Share",
        "Jan", "1,234,567", "0.50",
        "Feb", "no value", "0.0004",
        "Mar", "0", "−3",
    ]  # fmt: skip
    assert "1.234.567" in texts(shown("line_chart", chart, "id"))
    assert "0,0004" in texts(shown("line_chart", chart, "id"))


def test_on_phones_each_number_of_several_says_what_it_is() -> None:
    one = charts.line(title="Trend", labels=["Jan"], series=[("Issued", [1])])
    two = charts.line(title="Trend", labels=["Jan"], series=[("Issued", [1]), ("Spent", [2])])

    assert re.findall(r'<td class="(cell[^"]*)"( data-label="\w+")?>', shown("line_chart", one)) == [
        ("cell-number cell-amount", "")
    ]
    assert re.findall(r'<td class="(cell[^"]*)"( data-label="\w+")?>', shown("line_chart", two)) == [
        ("cell-number", ' data-label="Issued"'),
        ("cell-number", ' data-label="Spent"'),
    ]


def test_each_kind_has_its_numbers_in_a_table() -> None:
    kinds = one_of_each()

    assert texts(shown("stacked_columns", kinds["stacked_columns"]))[3:6] == ["Jan", "1,234", "7"]
    assert texts(shown("bars", kinds["bars"]))[-3:] == ["B", "", "1,111"]
    assert texts(shown("threshold_bar", kinds["threshold_bar"]))[-3:] == ["Gold", "7,000", "3,667"]
    assert texts(shown("ring", kinds["ring"]))[:2] == ["Share", "1,234"]
    assert texts(shown("dots_with_intervals", kinds["dots_with_intervals"]))[2] == "33.30 −1.50 to 46"


def test_words_say_what_a_chart_shows() -> None:
    line = charts.line(title="Points", labels=["Jan", "Feb"], series=[("Issued", [1200, 3400])])
    columns = charts.columns(title="Points", labels=["Jan", "Feb"], series=[("Issued", [1200, 3400])])
    steps = charts.thresholds(
        title="Tier",
        value=3200,
        marks=[charts.Threshold("Silver", 1000), charts.Threshold("Gold", 5000)],
        unit="points",
    )
    share = charts.ring(title="Profiles", part=71, whole=100)

    assert 'aria-label="Points. Issued: from 1,200 (Jan) to 3,400 (Feb)."' in shown("line_chart", line)
    assert 'aria-label="Points. Issued: 4,600 in all."' in shown("stacked_columns", columns)
    assert 'aria-label="Tier. 3,200 points. Silver from 1,000: reached. Gold from 5,000: 1,800 to go."' in shown(
        "threshold_bar", steps
    )
    assert 'aria-label="Profiles. 71%."' in shown("ring", share)


def test_sparkline_without_words_is_hidden_from_screen_readers() -> None:
    assert 'aria-hidden="true"' in shown("sparkline", charts.sparkline(values=[1, 2]))
    assert 'role="img" aria-label="Ten weeks"' in shown("sparkline", charts.sparkline(values=[1], label="Ten weeks"))


@pytest.mark.parametrize(
    ("kind", "chart"),
    [
        ("line_chart", charts.line(title="Trend", labels=["Jan"], series=[("Issued", [None])])),
        ("stacked_columns", charts.columns(title="Points", labels=[], series=[("Issued", [])])),
        ("bars", charts.bars(title="Ranking", rows=[])),
        ("dots_with_intervals", charts.intervals(title="NPS", rows=[], low=-100, high=100)),
    ],
)
def test_no_numbers_make_a_sentence_instead_of_an_empty_axis(kind: str, chart: Any) -> None:
    html = shown(kind, chart)
    own = shown(kind, chart, options="empty='Nobody was asked yet.'")

    assert "There are no numbers to show yet." in html
    assert "<svg" not in html
    assert "Nobody was asked yet." in own


def test_heading_can_be_left_to_the_page() -> None:
    chart = charts.bars(title="Ranking", rows=[charts.Entry("A", 1)])

    assert '<figcaption class="chart-head">' in shown("bars", chart)
    assert '<figcaption class="chart-head visually-hidden">' in shown("bars", chart, options="heading=False")


def test_time_and_numbers_run_from_left_to_right_in_every_language() -> None:
    for kind in ("line_chart", "stacked_columns", "ring", "dots_with_intervals"):
        assert 'dir="ltr"' in shown(kind, one_of_each()[kind], "ar")


def test_both_style_sheets_draw_charts_alike() -> None:
    parts = [
        textwrap.dedent(re.search(r"^ */\* charts.*?/\* end of charts \*/$", sheet, re.DOTALL | re.MULTILINE)[0])  # type: ignore[index]
        for sheet in (
            Path(settings.BASE_DIR, "static", name).read_text() for name in ("twofold.css", "admin_theme.css")
        )
    ]

    assert parts[0] == parts[1]
