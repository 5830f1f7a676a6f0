"""Small table files, and what is read of them."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from accounts.tables import guess_form, open_table, writer_of

Rows = Sequence[Sequence[str]]

CONTENT_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
WORKBOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/><Relationship Id="r2" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" '
    'Target="sharedStrings.xml"/></Relationships>'
)
HEADER_ROW = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
)


def a_table(path: Path, rows: Rows) -> Path:
    """A file with these rows, written by us, in the form that its name says."""
    with path.open("w+b") as file:
        writer = writer_of(file, is_workbook=path.suffix == ".xlsx")
        for row in rows:
            writer.write(row)
        writer.close()
    return path


def a_raw_workbook(path: Path, sheet: str, **parts: str) -> Path:
    """A workbook with this XML of its sheet; `parts` are other parts by name without folder and ending."""
    names: Mapping[str, str] = {
        "workbook": "xl/workbook.xml",
        "strings": "xl/sharedStrings.xml",
        "styles": "xl/styles.xml",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("xl/workbook.xml", parts.pop("workbook", WORKBOOK))
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in parts.items():
            archive.writestr(names[name], content)
    return path


def a_sheet(*rows: str) -> str:
    """The XML of a sheet with the columns a and b, and rows under them."""
    return (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f"{HEADER_ROW}{''.join(rows)}</sheetData></worksheet>"
    )


def read(path: Path) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    """The header and the rows of a file whose form is guessed."""
    with open_table(path, guess_form(path, path.name), name=path.name) as table:
        return table.header, list(table.rows)
