"""Charts on pages; load it as `charts`. What they show is made in the view by `loyalty.site.charts`."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.utils import numberformat
from django.utils.formats import get_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language_bidi, gettext

from loyalty.site.charts import (
    BarChart,
    ColumnChart,
    DotChart,
    LineChart,
    Ring,
    Series,
    Sparkline,
    ThresholdBar,
)
from loyalty.site.templatetags.twofold import CENT, MINUS, number

register = template.Library()


@register.filter
def figure(value: Decimal) -> str:
    """Return `value` in the reader's notation with a true minus; below 0.01 with all its decimals."""
    tiny = 0 < abs(value) < CENT
    shown = numberformat.format(f"{value:f}", decimal_sep=get_format("DECIMAL_SEPARATOR")) if tiny else number(value)
    return shown.replace("-", MINUS)


@register.filter
def amount(value: Decimal) -> SafeString:
    """Return `value` for a table or a sentence, where its sign stays in front of it in Arabic as well."""
    return format_html('<bdi dir="ltr">{}</bdi>', figure(value))


@register.simple_tag
def axis_unit(unit: str, counted_in: int) -> str:
    """Say what an axis counts in: "points", "in thousands", "points, in thousands", or nothing."""
    scales = {10**3: gettext("in thousands"), 10**6: gettext("in millions"), 10**9: gettext("in billions")}
    scale = scales.get(counted_in, "")
    if scale and unit:
        return gettext("%(unit)s, %(scale)s") % {"unit": unit, "scale": scale}
    return scale or unit


@register.inclusion_tag("includes/charts/sparkline.html")
def sparkline(chart: Sparkline) -> dict[str, Any]:
    """Show a line the size of a word; the number it is about stands next to it."""
    return {"chart": chart}


@register.inclusion_tag("includes/charts/line_chart.html")
def line_chart(chart: LineChart, *, heading: bool = True, empty: str = "") -> dict[str, Any]:
    """Show lines over time."""
    summary = _told(chart.title, [_course(series) for series in chart.series if series.runs])
    names = [series.name for series in chart.series]
    return {**_shown(chart, heading, empty), **_table(names, chart), "summary": summary}


@register.inclusion_tag("includes/charts/stacked_columns.html")
def stacked_columns(chart: ColumnChart, *, heading: bool = True, empty: str = "") -> dict[str, Any]:
    """Show stacked columns over time."""
    sums = [
        gettext("%(name)s: %(value)s in all") % {"name": name, "value": figure(total)}
        for name, total in zip(chart.names, chart.totals, strict=True)
    ]
    return {**_shown(chart, heading, empty), **_table(chart.names, chart), "summary": _told(chart.title, sums)}


@register.inclusion_tag("includes/charts/bars.html")
def bars(chart: BarChart, *, heading: bool = True, empty: str = "") -> dict[str, Any]:
    """Show a ranking; the chart is its own table."""
    return _shown(chart, heading, empty)


@register.inclusion_tag("includes/charts/threshold_bar.html")
def threshold_bar(chart: ThresholdBar, *, heading: bool = True) -> dict[str, Any]:
    """Show how far a value is from each threshold; like all progress, it runs with the language."""
    steps = [
        gettext("%(name)s from %(threshold)s: %(missing)s to go")
        % {"name": mark.label, "threshold": figure(mark.value), "missing": figure(mark.missing)}
        if mark.missing
        else gettext("%(name)s from %(threshold)s: reached") % {"name": mark.label, "threshold": figure(mark.value)}
        for mark in chart.marks
    ]
    summary = _told(chart.title, [f"{figure(chart.value)} {chart.unit}".strip(), *steps])
    drawn = chart.mirrored() if get_language_bidi() else chart
    return {"chart": drawn, "heading": heading, "summary": summary}


@register.inclusion_tag("includes/charts/ring.html")
def ring(chart: Ring, *, heading: bool = True) -> dict[str, Any]:
    """Show one share, its number in the middle."""
    share = gettext("%(number)s%%") % {"number": number(chart.percent)}
    return {"chart": chart, "heading": heading, "share": share, "summary": _told(chart.title, [share])}


@register.inclusion_tag("includes/charts/dots_with_intervals.html")
def dots_with_intervals(chart: DotChart, *, heading: bool = True, empty: str = "") -> dict[str, Any]:
    """Show values that may be off; the chart is its own table."""
    return _shown(chart, heading, empty)


def _shown(chart: LineChart | ColumnChart | BarChart | DotChart, heading: bool, empty: str) -> dict[str, Any]:
    return {"chart": chart, "heading": heading, "empty": empty}


def _table(names: Sequence[str], chart: LineChart | ColumnChart) -> dict[str, Any]:
    rows = [{"label": row.label, "cells": list(zip(names, row.values, strict=True))} for row in chart.rows]
    return {"names": names, "rows": rows, "is_empty": not chart.axis.ticks}


def _told(title: str, parts: list[str]) -> str:
    """Return what a chart shows in words."""
    return ". ".join([title, *parts]) + "."


def _course(series: Series) -> str:
    first, last = series.first, series.last
    if first is None or last is None:
        return ""
    if first is last:
        return gettext("%(name)s: %(value)s (%(label)s)") % {
            "name": series.name, "value": figure(last.value), "label": last.label,
        }  # fmt: skip
    return gettext("%(name)s: from %(first)s (%(start)s) to %(last)s (%(end)s)") % {
        "name": series.name,
        "first": figure(first.value),
        "start": first.label,
        "last": figure(last.value),
        "end": last.label,
    }
