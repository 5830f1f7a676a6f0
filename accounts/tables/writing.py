"""Writing a table: row by row into a file, as CSV or as an Excel workbook with one sheet of texts and numbers."""

import csv
import re
import zipfile
from collections.abc import Sequence
from io import TextIOWrapper
from typing import IO, Protocol
from xml.sax.saxutils import escape

from accounts.tables.quoting import harmless

_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\r]|_x[0-9A-Fa-f]{4}_")
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})\Z")

_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_RELATIONSHIPS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        '<sheets><sheet name="Table" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_RELATIONSHIPS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


class TableWriter(Protocol):
    """What takes the rows of a table, the header first."""

    def write(self, row: Sequence[str]) -> None:
        """Add a row of texts; those that a spreadsheet would run are made harmless."""

    def close(self) -> None:
        """Finish the file, and leave it open."""


class CsvWriter:
    """A CSV file in UTF-8, with the mark by which spreadsheets know it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
        self._text.write(_BYTE_ORDER_MARK)
        self._rows = csv.writer(self._text)

    def write(self, row: Sequence[str]) -> None:
        """Add a row."""
        self._rows.writerow([harmless(cell) for cell in row])

    def close(self) -> None:
        """Finish the file."""
        self._text.flush()
        self._text.detach()


class WorkbookWriter:
    """An Excel workbook; whole numbers are numbers, everything else is text."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        for name, content in _PARTS.items():
            self._archive.writestr(name, _XML + content)
        self._sheet = self._archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=False)
        self._sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())

    def write(self, row: Sequence[str]) -> None:
        """Add a row."""
        cells = "".join([_cell(text) for text in row])
        self._sheet.write(f"<row>{cells}</row>".encode())

    def close(self) -> None:
        """Finish the file."""
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()
        self._archive.close()


def writer_of(file: IO[bytes], *, is_workbook: bool) -> TableWriter:
    """Return what writes a table into an open file."""
    return WorkbookWriter(file) if is_workbook else CsvWriter(file)


def _cell(text: str) -> str:
    if not text:
        return "<c/>"
    if _NUMBER.match(text):
        return f"<c><v>{text}</v></c>"
    written = escape(_NO_XML.sub(_escaped, harmless(text)))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{written}</t></is></c>'


def _escaped(match: re.Match[str]) -> str:
    found = match[0]
    return f"_x005F{found}" if len(found) > 1 else f"_x{ord(found):04X}_"
