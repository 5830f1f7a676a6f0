"""Reading a CSV file: streamed, plain or gzipped, each fault of its structure said with the line it is in."""

import csv
import gzip
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

from django.utils.translation import gettext as _

from accounts.tables.structure import LONGEST_CELL, Table, UnreadableFileError, header_of

LONGEST_LINE = 1_000_000
GZIP = b"\x1f\x8b"


@contextmanager
def open_csv(
    path: Path, *, encoding: str, delimiter: str, name: str = "", most_characters: int | None = None
) -> Iterator[Table]:
    """Open a file and check its header; UnreadableFileError here and while its rows are read.

    `name` is what a person calls the file; more than `most_characters` in all is refused.
    """
    reader = _Reader(path, name or path.name, encoding, delimiter, most_characters)
    rows = reader.rows()
    with closing(rows):
        header = next(rows, None)
        yield Table(header_of(None if header is None else header[1], reader.name), rows)


class _Reader:
    """Rows out of bytes, with the place in the file for whoever complains."""

    def __init__(self, path: Path, name: str, encoding: str, delimiter: str, most_characters: int | None) -> None:
        self._path = path
        self.name = name
        self._encoding = encoding
        self._delimiter = delimiter
        self._characters_left = most_characters
        self._line = 0
        self._first_line = 1
        self._characters = 0

    def rows(self) -> Generator[tuple[int, list[str]], None, None]:
        """Yield the header, then every row that is not blank, each with the number of its first line."""
        width = 0
        try:
            with self._open() as binary, TextIOWrapper(binary, self._encoding, newline="") as text:
                for row in csv.reader(self._lines(text), delimiter=self._delimiter, strict=True):
                    if self._characters > LONGEST_CELL and max(map(len, row)) > LONGEST_CELL:
                        raise self._giant_cell()
                    if row:
                        width = width or len(row)
                        if len(row) != width:
                            raise self._wrong_width(len(row), width)
                        yield self._first_line, row
                    self._first_line = self._line + 1
                    self._characters = 0
        except UnicodeError as error:
            raise self._wrong_encoding() from error
        except csv.Error as error:
            raise self._csv_error(error) from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableFileError(
                _("%(file)s is damaged: its compressed content ends early.") % {"file": self.name}
            ) from error
        except OSError as error:
            raise UnreadableFileError(
                _("%(file)s cannot be read (%(reason)s).") % {"file": self._path, "reason": error.strerror}
            ) from error

    def _open(self) -> IO[bytes]:
        if not self._path.is_file():
            raise UnreadableFileError(_("%(file)s is not a file.") % {"file": self._path})
        with self._path.open("rb") as file:
            is_gzip = file.read(len(GZIP)) == GZIP
        return cast(IO[bytes], gzip.open(self._path)) if is_gzip else self._path.open("rb")

    def _lines(self, text: TextIOWrapper) -> Iterator[str]:
        while line := text.readline(LONGEST_LINE):
            self._line += 1
            self._characters += len(line)
            if len(line) == LONGEST_LINE:
                raise self._giant_cell()
            if "\0" in line:
                raise self._error(
                    self._line,
                    _("has a character of value 0, which no text has. Save the file as CSV in the encoding expected."),
                )
            if self._characters_left is not None:
                self._characters_left -= len(line)
                if self._characters_left < 0:
                    raise self._error(self._line, _("the file is too large from here on; part it into several."))
            yield line

    def _error(self, line: int, sentence: str) -> UnreadableFileError:
        return UnreadableFileError(
            _("%(file)s, line %(line)s: %(sentence)s") % {"file": self.name, "line": str(line), "sentence": sentence}
        )

    def _giant_cell(self) -> UnreadableFileError:
        sentence = _("has a cell of more than %(most)s characters. Is a quote missing?")
        return self._error(self._first_line, sentence % {"most": f"{LONGEST_CELL:,}"})

    def _wrong_width(self, found: int, width: int) -> UnreadableFileError:
        sentence = _(
            "has %(found)s cells, the header has %(width)s. Is a quote missing, or is the delimiter another one?"
        )
        return self._error(self._first_line, sentence % {"found": found, "width": width})

    def _wrong_encoding(self) -> UnreadableFileError:
        encoding = self._encoding.removesuffix("-sig")
        sentence = _(
            "is not in the encoding %(encoding)s that is expected. Save it in that encoding, or name the right one."
        ) % {"encoding": encoding}
        line = self._line_not_in(encoding)
        return self._error(line, sentence) if line else UnreadableFileError(f"{self.name}: {sentence}")

    def _line_not_in(self, encoding: str) -> int | None:
        """Decoding runs ahead of the lines: look for the first one that cannot be decoded, where lines are lines."""
        if "\n".encode(encoding) != b"\n":
            return None
        with self._open() as binary:
            number = 0
            while line := binary.readline(4 * LONGEST_LINE):
                number += 1
                try:
                    line.decode(encoding)
                except UnicodeDecodeError:
                    return number
        return None

    def _csv_error(self, error: csv.Error) -> UnreadableFileError:
        if "field limit" in str(error):
            return self._giant_cell()
        if "end of data" in str(error):
            return self._error(self._first_line, _("a quote is opened in this line and never closed."))
        return self._error(self._first_line, _("a quote stands where none may (%(error)s).") % {"error": error})
