"""What every table file has: a header whose names are told apart, and rows under it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.wording import listed, quoted

LONGEST_CELL = 100_000
_SHOWN = 60


class UnreadableFileError(Exception):
    """A file that is not what it should be; `str()` names the file, the line where known, and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """An open file: the names of its columns ("" where one has none), and the rows with the number of their line."""

    header: tuple[str, ...]
    rows: Iterator[tuple[int, list[str]]]

    @property
    def places(self) -> dict[str, int]:
        """In which place of a row each column stands."""
        return {name: place for place, name in enumerate(self.header) if name}


def header_of(row: Sequence[str] | None, file: str) -> tuple[str, ...]:
    """Return the names of the columns; UnreadableFileError where there are none, or where one stands twice."""
    if row is None:
        raise UnreadableFileError(_("%(file)s is empty.") % {"file": file})
    names = tuple(name.strip() for name in row)
    if not any(names):
        raise UnreadableFileError(
            _("%(file)s: the first line is blank. Give every column a name there.") % {"file": file}
        )
    if doubled := sorted(name for name, count in Counter(names).items() if name and count > 1):
        columns = listed((quoted(name[:_SHOWN], _) for name in doubled[:10]), _)
        raise UnreadableFileError(
            _("%(file)s: the column %(columns)s stands in the header more than once.")
            % {"file": file, "columns": columns}
        )
    return names
