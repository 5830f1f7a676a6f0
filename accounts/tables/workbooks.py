"""Reading an Excel workbook: the first sheet that is not hidden, streamed, its cells as texts.

Formulas are not read: what they come to depends on who opened the file last. Such a cell, and one that shows an error,
comes as UNREADABLE, and whoever uses the row refuses it.
"""

import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext as _

from accounts.tables.archives import Archive, open_archive
from accounts.tables.structure import LONGEST_CELL, Table, UnreadableFileError, header_of

ZIP = b"PK\x03\x04"
UNREADABLE = "\0"
"""Stands at the beginning of a cell that cannot be read; no text holds it."""

FORMULA, ERROR = f"{UNREADABLE}formula", f"{UNREADABLE}error"

MOST_COLUMNS = 500
MOST_ROWS = 1_048_576
_MOST_SHEET = 1 << 30
_MOST_STRINGS = 96 << 20
_MOST_OTHER = 8 << 20
_INEXACT_FROM = 10**15  # from here on a workbook keeps fewer digits than a number has
_MOST_STRING_COUNT = 1_500_000

_RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships id"
_RELATIONSHIPS_STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships id"
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_NO_DATE_PARTS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.I)
_DATE_PARTS = re.compile(r"[dmyhs]", re.I)
_BUILT_IN_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))


@contextmanager
def open_workbook(path: Path, *, name: str = "") -> Iterator[Table]:
    """Open a workbook and check its header; UnreadableFileError here and while its rows are read."""
    file = name or path.name
    with open_archive(path, file) as archive:
        rows = _Sheet(archive, file).rows()
        with closing(rows):
            first = next(rows, None)
            header = header_of(None if first is None else first[1], file)
            yield Table(header, _fitted(rows, len(header), file))


def count_rows(path: Path) -> int:
    """Return how many rows the largest part of a workbook has, about; 0 where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = [part for part in archive.infolist() if "/worksheets/" in part.filename]
            largest = max(sheets, key=lambda part: part.file_size, default=None)
            if largest is None or largest.file_size > _MOST_SHEET:
                return 0
            with archive.open(largest) as stream:
                return sum(
                    piece.count(b"<row ") + piece.count(b"<row>") for piece in iter(partial(stream.read, 1 << 18), b"")
                )
    except (zipfile.BadZipFile, OSError, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return 0


def _fitted(rows: Iterator[tuple[int, list[str]]], width: int, file: str) -> Iterator[tuple[int, list[str]]]:
    """Make every row as wide as the header."""
    for number, row in rows:
        if len(row) > width and any(row[width:]):
            raise UnreadableFileError(
                _("%(file)s, line %(line)s: a cell stands outside the columns that have a name.")
                % {"file": file, "line": str(number)}
            )
        if len(row) < width:
            row += [""] * (width - len(row))
        yield number, row[:width]


class _Sheet:
    """The cells of a sheet, gathered from the events of its XML."""

    def __init__(self, archive: Archive, file: str) -> None:
        self._archive = archive
        self._file = file
        main = _target(archive, "_rels/.rels", "/officeDocument") or "xl/workbook.xml"
        sheet_id, self._epoch = _first_sheet(archive, main)
        targets = _targets(archive, main)
        self._part = next((target for key, _kind, target in targets if key == sheet_id), "")
        kinds = {kind.rpartition("/")[2]: target for _key, kind, target in targets}
        self._date_styles = _date_styles(archive, kinds.get("styles", ""))
        self._strings = _strings(archive, kinds.get("sharedStrings", ""))
        self._columns: dict[str, int] = {}
        self._gathered: list[tuple[int, list[str]]] = []
        self._row: list[str] = []
        self._number = 0
        self._column = 0
        self._type = "n"
        self._style = ""
        self._text: list[str] = []
        self._is_text = self._is_formula = self._is_phonetic = False

    def rows(self) -> Generator[tuple[int, list[str]], None, None]:
        """Yield every row that is not blank, with its number in the sheet."""
        events = self._archive.read(
            self._part, start=self._on_start, end=self._on_end, text=self._on_text, most_bytes=_MOST_SHEET
        )
        for _piece in events:
            yield from self._gathered
            self._gathered.clear()

    def _on_start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self._type, self._style = attributes.get("t", "n"), attributes.get("s", "")
            reference = attributes.get("r")
            self._column = len(self._row) if reference is None else self._column_of(reference)
            self._is_formula = False
            self._text.clear()
        elif tag in ("v", "t"):
            self._is_text = not self._is_phonetic
        elif tag == "row":
            number = attributes.get("r")
            self._number = self._number + 1 if number is None else self._whole(number)
            if not 1 <= self._number <= MOST_ROWS:
                raise self._archive.suspicious()
            self._row = []
        elif tag == "f":
            self._is_formula = True
        elif tag == "rPh":
            self._is_phonetic = True

    def _on_text(self, text: str) -> None:
        if self._is_text:
            self._text.append(text)
            if len(self._text) > 2 and sum(map(len, self._text)) > LONGEST_CELL:
                raise self._giant_cell()

    def _on_end(self, tag: str) -> None:
        if tag in ("v", "t"):
            self._is_text = False
        elif tag == "c":
            text = "".join(self._text)
            if len(text) > LONGEST_CELL:
                raise self._giant_cell()
            self._keep(self._cell(text))
        elif tag == "row":
            if any(self._row):
                self._gathered.append((self._number, self._row))
        elif tag == "rPh":
            self._is_phonetic = False

    def _keep(self, cell: str) -> None:
        row, column = self._row, self._column
        if column == len(row):
            row.append(cell)
        elif cell:
            if column > len(row):
                row += [""] * (column + 1 - len(row))
            row[column] = cell

    def _cell(self, text: str) -> str:
        if self._is_formula:
            return FORMULA
        if not text:
            return ""
        match self._type:
            case "s":
                number = self._whole(text)
                if number >= len(self._strings):
                    raise self._archive.damaged()
                return self._strings[number]
            case "n":
                return self._number_or_date(text)
            case "b":
                return "true" if text.strip() == "1" else "false"
            case "e":
                return ERROR
            case "d":
                return text.replace("T", " ")
        return _unescaped(text)

    def _number_or_date(self, text: str) -> str:
        if self._style in self._date_styles:
            return _moment(text, self._epoch)
        if text.isascii() and text.isdigit():
            return text
        try:
            number = Decimal(repr(float(text)))
        except ValueError:
            return ERROR
        if not number.is_finite() or abs(number) >= _INEXACT_FROM:
            return ERROR
        plain = f"{number:f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain

    def _column_of(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            if not (letters.isascii() and letters.isalpha() and len(letters) <= 3):
                raise self._archive.damaged()
            column = 0
            for letter in letters.upper():
                column = column * 26 + ord(letter) - 64
            column -= 1
            if column >= MOST_COLUMNS:
                raise self._error(_("has more than %(most)s columns.") % {"most": str(MOST_COLUMNS)})
            self._columns[letters] = column
        return column

    def _whole(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise self._archive.damaged()
        return int(text)

    def _giant_cell(self) -> UnreadableFileError:
        return self._error(_("has a cell of more than %(most)s characters.") % {"most": f"{LONGEST_CELL:,}"})

    def _error(self, sentence: str) -> UnreadableFileError:
        return UnreadableFileError(
            _("%(file)s, line %(line)s: %(sentence)s")
            % {"file": self._file, "line": str(self._number), "sentence": sentence}
        )


def _targets(archive: Archive, part: str) -> list[tuple[str, str, str]]:
    """The parts that a part refers to: key, kind, name."""
    folder = PurePosixPath(part).parent
    found: list[tuple[str, str, str]] = []

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            name = target.lstrip("/") if target.startswith("/") else _joined(folder, target)
            found.append((attributes.get("Id", ""), attributes.get("Type", ""), name))

    relations = str(folder / "_rels" / f"{PurePosixPath(part).name}.rels")
    if archive.has(relations):
        archive.read_whole(relations, start=on_start, most_bytes=_MOST_OTHER)
    return found


def _target(archive: Archive, relations: str, kind: str) -> str:
    found: list[str] = []

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("Type", "").endswith(kind):
            found.append(attributes.get("Target", "").lstrip("/"))

    if archive.has(relations):
        archive.read_whole(relations, start=on_start, most_bytes=_MOST_OTHER)
    return found[0] if found else ""


def _joined(folder: PurePosixPath, target: str) -> str:
    parts = list(folder.parts)
    for part in PurePosixPath(target).parts:
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/".join(parts)


def _first_sheet(archive: Archive, main: str) -> tuple[str, datetime]:
    """The key of the first sheet that is not hidden, and the day that dates count from."""
    keys: list[str] = []
    epochs = [datetime(1899, 12, 30)]  # noqa: DTZ001 (a workbook's days have no zone)

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet" and attributes.get("state", "visible") == "visible":
            keys.append(attributes.get(_RELATIONSHIPS) or attributes.get(_RELATIONSHIPS_STRICT, ""))
        elif tag == "workbookPr" and attributes.get("date1904", "").lower() in ("1", "true"):
            epochs.append(datetime(1904, 1, 1))  # noqa: DTZ001 (see above)

    archive.read_whole(main, start=on_start, most_bytes=_MOST_OTHER)
    if not keys:
        raise archive.damaged()
    return keys[0], epochs[-1]


def _date_styles(archive: Archive, part: str) -> frozenset[str]:
    """The numbers of the cell styles that show a date."""
    formats: dict[str, str] = {}
    styles: list[str] = []
    inside: list[str] = []

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        if tag in ("cellXfs", "cellStyleXfs"):
            inside[:] = [tag]
        elif tag == "numFmt":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif tag == "xf" and inside == ["cellXfs"]:
            styles.append(attributes.get("numFmtId", "0"))

    if part:
        archive.read_whole(part, start=on_start, most_bytes=_MOST_OTHER)
    return frozenset(str(number) for number, format_ in enumerate(styles) if _is_date(format_, formats))


def _is_date(format_: str, formats: dict[str, str]) -> bool:
    if format_ in formats:
        code = formats[format_].partition(";")[0]
        return code.lower() != "general" and bool(_DATE_PARTS.search(_NO_DATE_PARTS.sub("", code)))
    return format_.isdigit() and int(format_) in _BUILT_IN_DATES


class _Strings:
    """The texts that cells share, gathered from the events of their part; readings of Japanese are left out."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._pieces: list[str] = []
        self._is_text = self._is_phonetic = False
        self.found: list[str] = []

    def on_start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "t":
            self._is_text = not self._is_phonetic
        elif tag == "rPh":
            self._is_phonetic = True
        elif tag == "si":
            self._pieces.clear()

    def on_end(self, tag: str) -> None:
        if tag == "t":
            self._is_text = False
        elif tag == "rPh":
            self._is_phonetic = False
        elif tag == "si":
            self.found.append(_unescaped("".join(self._pieces)))
            if len(self.found) > _MOST_STRING_COUNT:
                raise self._archive.too_large()

    def on_text(self, text: str) -> None:
        if self._is_text:
            self._pieces.append(text)


def _strings(archive: Archive, part: str) -> list[str]:
    strings = _Strings(archive)
    if part and archive.has(part):
        events = archive.read(
            part, start=strings.on_start, end=strings.on_end, text=strings.on_text, most_bytes=_MOST_STRINGS
        )
        for _piece in events:
            pass
    return strings.found


def _unescaped(text: str) -> str:
    """Text with the characters that XML cannot hold; what would be half a character stays as it is written."""
    return _ESCAPE.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code <= 0xDFFF else chr(code)


def _moment(text: str, epoch: datetime) -> str:
    """A date as it is written everywhere else; a time of day alone has no day."""
    try:
        serial = float(text)
        days, seconds = int(serial // 1), round(serial % 1 * 86_400)
        if serial < 0 or serial >= 2_958_466:
            return ERROR
    except (ValueError, OverflowError):
        return ERROR
    if epoch.year == 1899 and 0 < days < 60:
        days += 1  # the 29th of February 1900, which spreadsheets believe in, lies after these
    at = epoch + timedelta(days=days, seconds=seconds)
    if days == 0:
        return f"{at:%H:%M:%S}"
    return f"{at:%Y-%m-%d}" if not seconds else f"{at:%Y-%m-%d %H:%M:%S}"
