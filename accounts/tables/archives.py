"""The archive that a workbook is: looked at before anything in it is unpacked, its parts read as streams of XML.

What comes from outside may be made to exhaust us: too many parts, parts that unpack to gigabytes, documents that
define entities, elements nested without end, one tag of a hundred megabytes. Each is refused where it shows.
"""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.parsers import expat

from django.utils.translation import gettext as _

from accounts.tables.structure import UnreadableFileError

MOST_PARTS_BYTES = 1 << 20
"""The most bytes that the archive's own directory has: some 10,000 parts."""

MOST_UNPACKED = 1 << 30
MOST_RATIO = 250
"""How many times larger than its packed form a large part may be; tables come to 10 to 100."""

_RATIO_FROM = 8 << 20
_DEEPEST = 50
_LONGEST_TAG = 4 << 20
_CHUNK = 1 << 16
_END = b"PK\x05\x06"

Start = Callable[[str, dict[str, str]], None]


class Complaints:
    """What is said of an archive that is not read."""

    def __init__(self, file: str) -> None:
        self._file = file

    def damaged(self) -> UnreadableFileError:
        """The file is not what its name says."""
        return UnreadableFileError(
            _("%(file)s is damaged, or is no Excel workbook. Save it anew as .xlsx, or as CSV.") % {"file": self._file}
        )

    def suspicious(self) -> UnreadableFileError:
        """No spreadsheet writes such a file."""
        return UnreadableFileError(
            _("%(file)s holds what no spreadsheet writes, and is not read. Save it anew as .xlsx, or as CSV.")
            % {"file": self._file}
        )

    def too_large(self) -> UnreadableFileError:
        """The file would take more than we have."""
        return UnreadableFileError(
            _("%(file)s unpacks to more than can be read. Save it as CSV, or part it into several.")
            % {"file": self._file}
        )


class Archive(Complaints):
    """A workbook's parts."""

    def __init__(self, archive: zipfile.ZipFile, file: str) -> None:
        super().__init__(file)
        self._archive = archive

    def has(self, part: str) -> bool:
        """Whether the part is there."""
        return part in self._archive.NameToInfo

    def read(
        self,
        part: str,
        *,
        start: Start,
        end: Callable[[str], None],
        text: Callable[[str], None] | None = None,
        most_bytes: int,
    ) -> Iterator[None]:
        """Parse a part; yields after each piece, so that what the handlers gathered can be fetched.

        Names of elements come without their namespace, those of attributes with it.
        """
        if not self.has(part):
            raise self.damaged()
        if self._archive.getinfo(part).file_size > most_bytes:
            raise self.too_large()
        parser = _parser(start, end, text, self.suspicious)
        fed = 0
        try:
            with self._archive.open(part) as stream:
                while chunk := stream.read(_CHUNK):
                    parser.Parse(chunk, False)
                    fed += len(chunk)
                    if fed - parser.CurrentByteIndex > _LONGEST_TAG:
                        raise self.suspicious()
                    yield
                parser.Parse(b"", True)
                yield
        except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise self.damaged() from error

    def read_whole(self, part: str, *, start: Start, most_bytes: int) -> None:
        """Parse a small part whose elements alone matter."""
        for _piece in self.read(part, start=start, end=lambda tag: None, most_bytes=most_bytes):
            pass


@contextmanager
def open_archive(path: Path, file: str) -> Iterator[Archive]:
    """Open a workbook's archive; UnreadableFileError where it is none, is locked, or is built to exhaust."""
    complain = Complaints(file)
    _look_at_the_end(path, complain)
    try:
        with zipfile.ZipFile(path) as archive:
            _look_at_parts(archive, complain)
            yield Archive(archive, file)
    except (zipfile.BadZipFile, OSError) as error:
        raise complain.damaged() from error


def _look_at_the_end(path: Path, complain: Complaints) -> None:
    """Refuse a directory of so many parts that reading their names alone would take all memory."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - (1 << 16) - 22))
        tail = stream.read()
    place = tail.rfind(_END)
    if place < 0:
        raise complain.damaged()
    if int.from_bytes(tail[place + 12 : place + 16], "little") > MOST_PARTS_BYTES:
        raise complain.suspicious()


def _look_at_parts(archive: zipfile.ZipFile, complain: Complaints) -> None:
    unpacked = 0
    for part in archive.infolist():
        if part.flag_bits & 1:
            raise complain.suspicious()
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise complain.suspicious()
        if part.file_size > max(_RATIO_FROM, MOST_RATIO * part.compress_size):
            raise complain.suspicious()
        unpacked += part.file_size
    if unpacked > MOST_UNPACKED:
        raise complain.too_large()


def _parser(
    start: Start, end: Callable[[str], None], text: Callable[[str], None] | None, suspicious: Callable[[], Exception]
) -> Any:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    local: dict[str, str] = {}
    depth = 0

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise suspicious()
        name = local.get(tag)
        if name is None:
            if len(local) > 1_000:
                raise suspicious()
            name = local[tag] = tag.rpartition(" ")[2]
        start(name, attributes)

    def on_end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        end(local[tag])

    def on_doctype(*_declaration: object) -> None:
        raise suspicious()

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.StartDoctypeDeclHandler = on_doctype
    if text is not None:
        parser.CharacterDataHandler = text
    return parser
