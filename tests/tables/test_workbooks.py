"""Excel workbooks: read as people see them, in little memory, and not at all where they were built to do harm."""

import struct
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from accounts.tables import UNREADABLE, UnreadableFileError, guess_form, rows_about
from tests.tables.files import a_raw_workbook, a_sheet, a_table, read


def saved(path: Path, *rows: list[object]) -> Path:
    """A workbook as another program writes it."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def test_cells_come_as_people_see_them(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, 14, 30)  # noqa: DTZ001 (a workbook's days have no zone)
    path = saved(
        tmp_path / "a.xlsx",
        ["text", "whole", "long", "decimal", "tiny", "day", "moment", "yes", "nothing", "last"],
        ["Müller & Söhne", 7, 123456789012345, 0.1, 1e-7, date(2026, 2, 28), at, True, None, "x"],
    )

    header, rows = read(path)

    assert header[-1] == "last"
    assert rows == [
        (2, ["Müller & Söhne", "7", "123456789012345", "0.1", "0.0000001", "2026-02-28", "2026-03-01 14:30:00",
             "true", "", "x"]),
    ]  # fmt: skip


def test_first_sheet_that_is_not_hidden_is_read_and_blank_rows_are_passed_over(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    hidden, shown = book.active, book.create_sheet("Shown")
    assert hidden is not None
    hidden.sheet_state = "hidden"
    hidden.append(["not this"])
    shown.append(["name"])
    shown.cell(4, 1, "In row four")
    book.save(tmp_path / "a.xlsx")

    assert read(tmp_path / "a.xlsx") == (("name",), [(4, ["In row four"])])


def test_formulas_and_errors_are_not_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["a", "b"], ["=1+1", "x"])
    raw = a_raw_workbook(tmp_path / "b.xlsx", a_sheet('<row r="2"><c r="A2" t="e"><v>#N/A</v></c></row>'))

    assert read(path)[1] == [(2, [f"{UNREADABLE}formula", "x"])]
    assert read(raw)[1] == [(2, [f"{UNREADABLE}error", ""])]


@pytest.mark.parametrize(
    ("number", "cell"),
    [
        ("123456789012345678901", "123456789012345678901"),
        ("0.10000000000000001", "0.1"),
        ("12.0", "12"),
        ("-3", "-3"),
        ("1.5E+3", "1500"),
        ("1.234567890123457E+17", f"{UNREADABLE}error"),
        ("NaN", f"{UNREADABLE}error"),
        ("1e999", f"{UNREADABLE}error"),
    ],
)
def test_numbers_are_exact_or_not_read(tmp_path: Path, number: str, cell: str) -> None:
    path = a_raw_workbook(tmp_path / "a.xlsx", a_sheet(f'<row r="2"><c r="A2"><v>{number}</v></c></row>'))

    assert read(path)[1] == [(2, [cell, ""])]


def test_readings_of_japanese_are_left_out_and_escapes_resolved(tmp_path: Path) -> None:
    strings = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        "<si><t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh></si>"
        "<si><r><t>two </t></r><r><t>runs_x0009_</t></r></si></sst>"
    )
    row = '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c></row>'

    assert read(a_raw_workbook(tmp_path / "a.xlsx", a_sheet(row), strings=strings))[1] == [(2, ["東京", "two runs\t"])]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_what_we_write_is_read_back(tmp_path: Path, name: str) -> None:
    rows = [
        ["code", "text"],
        ["007", " spaces "],
        ["7", "line\nbreak \"quoted\", and ; more"],
        ["-12.50", "_x0041_ <&> \t\x0b"],
        ["12345678901234567890", "日本語 العربية"],
    ]  # fmt: skip

    header, read_rows = read(a_table(tmp_path / name, rows))

    assert [list(header), *(cells for _line, cells in read_rows)] == rows


def test_other_programs_read_what_we_write(tmp_path: Path) -> None:
    path = a_table(tmp_path / "a.xlsx", [["name", "points", "="], ["Ünal", "42", "=1+1"]])

    sheet = openpyxl.load_workbook(path).active

    assert sheet is not None
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["name", "points", "'="],
        ["Ünal", 42, "'=1+1"],
    ]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s", "n"}


def test_rows_are_counted_for_a_progress_bar(tmp_path: Path) -> None:
    rows = [["a", "b"], *([str(number), "x"] for number in range(300))]

    counts = [
        rows_about(path, guess_form(path, "")) for path in (a_table(tmp_path / n, rows) for n in ("a.csv", "a.xlsx"))
    ]

    assert counts == [301, 301]


def a_bomb(path: Path) -> Path:
    """300 MB of blanks that pack to 300 KB."""
    path = a_raw_workbook(path, a_sheet())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/more.xml", "w") as part:
        for _block in range(300):
            part.write(bytes(1 << 20))
    return path


def many_parts(path: Path) -> Path:
    """More parts than anybody could name."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number:060}", b"")
    return path


def huge_directory(path: Path) -> Path:
    """An archive whose end says that its directory takes 3 GB."""
    content = bytearray(a_raw_workbook(path, a_sheet()).read_bytes())
    place = content.rfind(b"PK\x05\x06")
    content[place + 12 : place + 16] = struct.pack("<I", 3_000_000_000)
    path.write_bytes(content)
    return path


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (a_bomb, "holds what no spreadsheet writes"),
        (many_parts, "holds what no spreadsheet writes"),
        (huge_directory, "holds what no spreadsheet writes"),
        (lambda path: a_raw_workbook(path, ENTITIES + a_sheet()), "holds what no spreadsheet writes"),
        (lambda path: a_raw_workbook(path, (ENTITIES + a_sheet()).encode("utf-16").decode("latin-1")), "is damaged"),
        (lambda path: a_raw_workbook(path, a_sheet(), strings=ENTITIES + "<sst/>"), "holds what no spreadsheet writes"),
        (lambda path: a_raw_workbook(path, "<a>" * 100_000), "holds what no spreadsheet writes"),
        (lambda path: a_raw_workbook(path, f'<worksheet x="{"x" * 9_000_000}"/>'), "holds what no spreadsheet writes"),
        (lambda path: a_raw_workbook(path, a_sheet('<row r="99999999"/>')), "holds what no spreadsheet writes"),
        (lambda path: a_raw_workbook(path, a_sheet('<row r="2"><c r="XFD2"><v>1</v></c></row>')), "has more than 500"),
        (lambda path: a_raw_workbook(path, a_sheet('<row r="2"><c r="C2"><v>1</v></c></row>')), "line 2: a cell "),
        (lambda path: a_raw_workbook(path, a_sheet('<row r="2"><c t="s"><v>7</v></c></row>')), "is damaged"),
        (lambda path: a_raw_workbook(path, a_sheet()[:-20]), "is damaged"),
        (lambda path: a_raw_workbook(path, a_sheet(), workbook="<workbook/>"), "is damaged"),
        (
            lambda path: a_raw_workbook(
                path, a_sheet(f'<row r="2"><c t="inlineStr"><is><t>{"x" * 100_001}</t></is></c></row>')
            ),
            "line 2: has a cell of more than 100,000 characters.",
        ),
        (lambda path: a_raw_workbook(path, "<worksheet><sheetData/></worksheet>"), "is empty"),
        (lambda path: a_table(path, [["a", "b", "a", "b"], ["1", "2", "3", "4"]]), "the column “a”, “b” stands"),
    ],
)  # fmt: skip
def test_workbook_that_would_do_harm_is_refused(tmp_path: Path, build: Callable[[Path], Path], sentence: str) -> None:
    path = build(tmp_path / "book.xlsx")

    with pytest.raises(UnreadableFileError) as refused:
        read(path)

    assert str(refused.value).startswith("book.xlsx")
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is an old Excel file, or is protected by a password."),
        (b"PK\x03\x04 and no more", "is damaged, or is no Excel workbook."),
    ],
)
def test_what_is_no_workbook_says_so(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)

    with pytest.raises(UnreadableFileError, match=sentence):
        read(path)


def test_packed_text_with_a_wrong_sum_is_damaged(tmp_path: Path) -> None:
    path = a_raw_workbook(tmp_path / "book.xlsx", a_sheet('<row r="2"><c><v>1</v></c></row>'))
    content = bytearray(path.read_bytes())
    place = content.find(b"xl/worksheets/sheet1.xml") - 16
    content[place] ^= 0xFF
    path.write_bytes(content)
    with zipfile.ZipFile(path, "r") as archive:
        assert archive.infolist()
    central = content.rfind(b"PK\x01\x02", 0, content.rfind(b"xl/worksheets/sheet1.xml"))
    content[central + 16] ^= 0xFF
    path.write_bytes(content)

    with pytest.raises(UnreadableFileError, match="is damaged"):
        read(path)
