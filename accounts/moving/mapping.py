"""From the columns of a file to our fields: guessed by their names, and from then on said by the terms of an import."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from accounts.moving.kinds import Column, Row
from accounts.tables import UNREADABLE, Cells, Form, Table, restored

DATE_FORMATS = {
    "%Y-%m-%d": "2026-12-31",
    "%d.%m.%Y": "31.12.2026",
    "%d/%m/%Y": "31/12/2026",
    "%m/%d/%Y": "12/31/2026",
    "%d-%m-%Y": "31-12-2026",
    "%Y/%m/%d": "2026/12/31",
    "%Y%m%d": "20261231",
}
DECIMAL_SIGNS = {".": gettext_lazy("point: 1234.5"), ",": gettext_lazy("comma: 1234,5")}

LINE, WHY = "line", "why_refused"
"""Columns that our file of refused rows has beside its own; whoever uploads it again is not asked about them."""


def guess_columns(header: Iterable[str], columns: Sequence[Column]) -> dict[str, str]:
    """Return for each field the column of the file that has its name, in any of our languages."""
    found: dict[str, str] = {}
    by_name = {_plain(name): name for name in header if name}
    for column in columns:
        for name in _names_of(column):
            if name in by_name:
                found[column.code] = by_name.pop(name)
                break
    return found


def form_of(terms: Mapping[str, Any]) -> Form:
    """Return how the file of an import is read."""
    return Form(**terms["form"])


def cells_of(terms: Mapping[str, Any]) -> Cells:
    """Return how the cells of the file of an import are written; a workbook's numbers have a point."""
    return Cells(
        date_format=terms.get("date_format", "%Y-%m-%d"),
        decimal_comma=terms.get("decimal_sign") == "," and not terms["form"]["is_workbook"],
        zone=ZoneInfo(terms.get("time_zone", "UTC")),
    )


def rows_of(table: Table, columns: Mapping[str, str]) -> Iterator[tuple[Row, list[str]]]:
    """Yield each row by our fields, and as it stands in the file; apostrophes of our own exports are gone."""
    places = table.places
    wanted = [(code, places[name]) for code, name in columns.items() if name in places]
    for number, cells in table.rows:
        yield Row(number, {code: restored(cells[place].strip()) for code, place in wanted}), cells


def fault_of(row: Row) -> tuple[str, str] | None:
    """Return the column of a cell that cannot be read, and why; None where all can."""
    for code, cell in row.cells.items():
        if "\0" in cell:
            if cell == f"{UNREADABLE}formula":
                return code, _("The cell holds a formula, and formulas are not read. Put its value there instead.")
            return code, _("The cell shows an error, or holds a character of value 0. Put a value there instead.")
    return None


def _names_of(column: Column) -> Iterator[str]:
    yield _plain(column.code)
    for language, _name in settings.LANGUAGES:
        with override(language):
            yield _plain(str(column.label))
    for name in column.also:
        yield _plain(name)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
