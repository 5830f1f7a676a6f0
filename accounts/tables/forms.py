"""Which form a table file has: guessed from its bytes, and changed by whoever knows better."""

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.tables.csv_files import GZIP, open_csv
from accounts.tables.structure import Table, UnreadableFileError
from accounts.tables.workbooks import ZIP, count_rows, open_workbook

ENCODINGS = {
    "utf-8-sig": gettext_lazy("UTF-8"),
    "utf-16": gettext_lazy("UTF-16 with a mark"),
    "utf-16-le": gettext_lazy("UTF-16"),
    "cp1252": gettext_lazy("Western European (Windows-1252)"),
    "cp1250": gettext_lazy("Central European (Windows-1250)"),
    "cp932": gettext_lazy("Japanese (Shift-JIS)"),
    "cp949": gettext_lazy("Korean (CP949)"),
    "gb18030": gettext_lazy("Chinese (GB 18030)"),
    "cp1256": gettext_lazy("Arabic (Windows-1256)"),
}
DELIMITERS = {",": ",", ";": ";", "\t": gettext_lazy("tab"), "|": "|"}

_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_LOOKED_AT = 1 << 16
_MOST_CHARACTERS = 1 << 29


@dataclass(frozen=True, slots=True)
class Form:
    """How a table file is to be read; a workbook has neither encoding nor delimiter.

    `is_sure` says whether the encoding is known rather than guessed.
    """

    is_workbook: bool
    encoding: str = ""
    delimiter: str = ""
    is_sure: bool = True


def guess_form(path: Path, name: str) -> Form:
    """Look at a file; UnreadableFileError where it can be no table."""
    with path.open("rb") as file:
        beginning = file.read(4)
    if beginning.startswith(ZIP):
        return Form(is_workbook=True)
    if beginning.startswith(_OLD_EXCEL):
        raise UnreadableFileError(
            _("%(file)s is an old Excel file, or is protected by a password. Save it as .xlsx without one, or as CSV.")
            % {"file": name}
        )
    try:
        encoding, is_sure = _encoding_of(path)
        with _open(path) as file:
            lines = file.read(_LOOKED_AT).decode(encoding, "ignore").splitlines()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFileError(
            _("%(file)s is damaged: its compressed content ends early.") % {"file": name}
        ) from error
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(DELIMITERS, key=lambda sign: _width(first, sign))
    return Form(is_workbook=False, encoding=encoding, delimiter=delimiter, is_sure=is_sure)


def open_table(path: Path, form: Form, *, name: str) -> AbstractContextManager[Table]:
    """Open a file that has this form; as `open_csv` and `open_workbook`."""
    if form.is_workbook:
        return open_workbook(path, name=name)
    return open_csv(path, encoding=form.encoding, delimiter=form.delimiter, name=name, most_characters=_MOST_CHARACTERS)


def rows_about(path: Path, form: Form) -> int:
    """Return how many rows a file has, about, for a progress bar; 0 where that cannot be said cheaply."""
    if form.is_workbook:
        return count_rows(path)
    return sum(piece.count(b"\n") for piece in _pieces(path))


def _encoding_of(path: Path) -> tuple[str, bool]:
    """The encoding, and whether it is sure: what is whole UTF-8 is hardly ever anything else."""
    pieces = _pieces(path)
    first = next(pieces, b"")
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", True
    if first[1:2] == b"\0":
        return "utf-16-le", False
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(first)
        for piece in pieces:
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252", False
    return "utf-8-sig", True


def _pieces(path: Path) -> Iterator[bytes]:
    left = _MOST_CHARACTERS
    with _open(path) as file:
        while left > 0 and (piece := file.read(_LOOKED_AT)):
            left -= len(piece)
            yield piece


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        is_gzip = file.read(len(GZIP)) == GZIP
    return cast(IO[bytes], gzip.open(path)) if is_gzip else path.open("rb")


def _width(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0
