"""Reading a file's rows: streamed, plain or gzipped, each fault of its structure said with the line it is in."""

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

from loyalty.importing.profile import Profile

LONGEST_CELL = 100_000
LONGEST_LINE = 1_000_000
_GZIP = b"\x1f\x8b"
_SHOWN = 60

OnProgress = Callable[[int, int], None]
"""Told now and then how many lines are done, of how many; 0 where that is not known yet."""


class UnreadableFileError(Exception):
    """A file that is not what its profile says; `str()` names the file, the line where known, and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """An open file: in which place of a row each column stands, and the rows with the number of their first line."""

    places: Mapping[str, int]
    rows: Iterator[tuple[int, list[str]]]


@contextmanager
def open_table(path: Path, profile: Profile) -> Iterator[Table]:
    """Open a file and check its header; UnreadableFileError here and while its rows are read."""
    reader = _Reader(path, profile)
    rows = reader.rows()
    with closing(rows):
        header = next(rows, None)
        if header is None:
            raise UnreadableFileError(f"{path.name} is empty.")
        yield Table(_places(path, profile, header[1]), rows)


def check_structure(path: Path, profile: Profile, on_progress: OnProgress) -> int:
    """Read the whole file once and return how many lines it has under the header; UnreadableFileError if any is bad."""
    count = 0
    with open_table(path, profile) as table:
        for _row in table.rows:
            count += 1
            if count % 10_000 == 0:
                on_progress(count, 0)
    if not count:
        raise UnreadableFileError(f"{path.name} has a header and nothing under it.")
    return count


class _Reader:
    """Rows out of bytes, with the place in the file for whoever complains."""

    def __init__(self, path: Path, profile: Profile) -> None:
        self._path = path
        self._profile = profile
        self._line = 0
        self._first_line = 1
        self._characters = 0

    def rows(self) -> Generator[tuple[int, list[str]], None, None]:
        """Yield the header, then every row that is not blank."""
        width = 0
        try:
            with self._open() as binary, TextIOWrapper(binary, self._profile.encoding, newline="") as text:
                for row in csv.reader(self._lines(text), delimiter=self._profile.delimiter, strict=True):
                    if self._characters > LONGEST_CELL and max(map(len, row)) > LONGEST_CELL:
                        raise self._giant_cell()
                    if row:
                        width = width or len(row)
                        if len(row) != width:
                            raise self._wrong_width(len(row), width)
                        yield self._first_line, row
                    self._first_line = self._line + 1
                    self._characters = 0
        except UnicodeDecodeError as error:
            raise self._wrong_encoding() from error
        except csv.Error as error:
            raise self._csv_error(error) from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableFileError(f"{self._path.name} is damaged: its compressed content ends early.") from error
        except OSError as error:
            raise UnreadableFileError(f"{self._path} cannot be read ({error.strerror}).") from error

    def _open(self) -> IO[bytes]:
        if not self._path.is_file():
            raise UnreadableFileError(f"{self._path} is not a file.")
        with self._path.open("rb") as file:
            is_gzip = file.read(len(_GZIP)) == _GZIP
        return cast(IO[bytes], gzip.open(self._path)) if is_gzip else self._path.open("rb")

    def _lines(self, text: TextIOWrapper) -> Iterator[str]:
        while line := text.readline(LONGEST_LINE):
            self._line += 1
            self._characters += len(line)
            if len(line) == LONGEST_LINE:
                raise self._giant_cell()
            if "\0" in line:
                raise UnreadableFileError(
                    f"{self._path.name}, line {self._line}: has a character of value 0, which no text has. "
                    "Save the file as CSV in the encoding that the profile names."
                )
            yield line

    def _giant_cell(self) -> UnreadableFileError:
        return UnreadableFileError(
            f"{self._path.name}, line {self._first_line}: has a cell of more than {LONGEST_CELL:,} characters. "
            "Is a quote missing?"
        )

    def _wrong_width(self, found: int, width: int) -> UnreadableFileError:
        return UnreadableFileError(
            f"{self._path.name}, line {self._first_line}: has {found} cells, the header has {width}. "
            "Is a quote missing, or is the delimiter another one?"
        )

    def _wrong_encoding(self) -> UnreadableFileError:
        encoding = self._profile.encoding.removesuffix("-sig")
        line = self._line_not_in(encoding)
        where = f", line {line}" if line else ""
        return UnreadableFileError(
            f"{self._path.name}{where}: is not in the encoding {encoding} that the profile names. "
            "Save it in that encoding, or name the right one under “file”."
        )

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
            sentence = "a quote is opened in this line and never closed."
        else:
            sentence = f"a quote stands where none may ({error})."
        return UnreadableFileError(f"{self._path.name}, line {self._first_line}: {sentence}")


def _places(path: Path, profile: Profile, header: list[str]) -> dict[str, int]:
    names = [name.strip() for name in header]
    shown = ", ".join(name[:_SHOWN] for name in names[:50])
    if doubled := sorted(name for name, count in Counter(names).items() if name and count > 1):
        raise UnreadableFileError(
            f"{path.name}: the column “{doubled[0][:_SHOWN]}” stands in the header more than once."
        )
    if missing := sorted(profile.needed_columns - set(names)):
        columns = ", ".join(f"“{name}”" for name in missing)
        raise UnreadableFileError(
            f"{path.name}: the header lacks {columns}, which the profile needs; it has {shown}. "
            "Is the delimiter another one?"
        )
    return {name: place for place, name in enumerate(names) if name}
