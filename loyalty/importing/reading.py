"""The file of a profile: its columns are those that the profile names, its structure is whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from accounts.tables import Table, UnreadableFileError, open_csv
from loyalty.importing.profile import Profile

_SHOWN = 60

OnProgress = Callable[[int, int], None]
"""Told now and then how many lines are done, of how many; 0 where that is not known yet."""


@contextmanager
def open_table(path: Path, profile: Profile) -> Iterator[Table]:
    """Open a file and check its header; UnreadableFileError here and while its rows are read."""
    with open_csv(path, encoding=profile.encoding, delimiter=profile.delimiter) as table:
        if missing := sorted(profile.needed_columns - set(table.header)):
            columns = ", ".join(f"“{name}”" for name in missing)
            shown = ", ".join(name[:_SHOWN] for name in table.header[:50])
            raise UnreadableFileError(
                f"{path.name}: the header lacks {columns}, which the profile needs; it has {shown}. "
                "Is the delimiter another one?"
            )
        yield table


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
