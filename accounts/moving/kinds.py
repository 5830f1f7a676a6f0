"""What can be moved in and out: each floor says for its tables which columns there are and what a row would change."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from accounts.tables import Cells


class NotPreparedError(Exception):
    """The installation lacks what the import needs; `str()` says what."""


class TooManyPointsError(Exception):
    """More points than one person alone may move, or than the second person agreed to."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its code is its header in our own files, `also` are headers that mean the same."""

    code: str
    label: StrOrPromise
    hint: StrOrPromise = ""
    is_required: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that holds for a whole file and is chosen once; without choices it is written."""

    code: str
    label: StrOrPromise
    choices: Callable[[], Sequence[tuple[str, StrOrPromise]]] | None = None
    hint: StrOrPromise = ""
    is_required: bool = True
    is_for_export: bool = True
    """Whether it is asked of who exports, too."""


class Row(NamedTuple):
    """A row of a file: its line, and its cells by the codes of the columns that the file has."""

    line: int
    cells: Mapping[str, str]


class Fate(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


FATES: Mapping[Fate, StrOrPromise] = {
    Fate.NEW: _("new"),
    Fate.CHANGED: _("changed"),
    Fate.UNCHANGED: _("unchanged"),
    Fate.REFUSED: _("refused"),
}


class RefusedError(Exception):
    """A row that cannot be; `column` is the code of the one that says so, `str()` why and what to do."""

    def __init__(self, column: str, sentence: str) -> None:
        super().__init__(sentence)
        self.column = column


@dataclass(slots=True)
class Verdict:
    """What a row would do, or why it is refused; `changes` are (column, before, after), `plan` is what is written.

    `points` are moved: given to a company or its people, or, where `is_taken`, taken.
    """

    fate: Fate
    column: str = ""
    sentence: str = ""
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    points: int = 0
    is_taken: bool = False
    company_id: int = 0
    plan: Any = None

    def refuse(self, column: str, sentence: str) -> None:
        """Turn it into a refusal."""
        self.fate, self.column, self.sentence = Fate.REFUSED, column, sentence
        self.changes, self.points, self.plan = [], 0, None
        self.is_taken, self.company_id = False, 0


def refused(error: RefusedError) -> Verdict:
    """Return the verdict over a row that cannot be."""
    return Verdict(Fate.REFUSED, error.column, str(error))


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a file is read: how its cells are written, what was chosen for all of it, who does it and when.

    `agreed_points` is what a second person agreed to, None where nobody was asked.
    """

    cells: Cells
    settings: Mapping[str, str]
    by_user_id: int
    now: datetime
    import_id: int
    agreed_points: int | None = None


class Sheet(Protocol):
    """A file on its way in; it remembers what the rows so far were about."""

    def judge(self, rows: Sequence[Row], *, is_final: bool) -> list[Verdict]:
        """Say for each row what it would do; `is_final` inside the transaction that writes: then under lock."""

    def write(self, judged: Sequence[tuple[Row, Verdict]]) -> None:
        """Write the rows that are new or changed; a verdict may still turn into a refusal."""


class TableKind(Protocol):
    """Something that is moved in and out."""

    @property
    def code(self) -> str:
        """What it is called in addresses, files and records."""

    @property
    def label(self) -> StrOrPromise:
        """What people call it."""

    @property
    def permissions(self) -> tuple[str, ...]:
        """What a manager needs to move it in."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What is chosen once for a file."""

    @property
    def leads_to(self) -> str:
        """The name of the list where the rows are to be seen."""

    @property
    def leads_by(self) -> str:
        """By what that list is cut down to the rows of one import; "" where it cannot be."""

    def columns(self) -> Sequence[Column]:
        """Return the columns, in the order of our own files."""

    def key_of(self, row: Row) -> tuple[str, ...]:
        """Return what tells a row from the others of its file; empty where it says nothing."""

    def begin(self, terms: Terms) -> Sheet:
        """Prepare to judge a file; raises NotPreparedError."""

    def needs_second_person(self, *, terms: Terms, points: int) -> bool:
        """Whether somebody else has to agree before so many points are moved."""

    def export(self, *, settings: Mapping[str, str], now: datetime) -> Iterator[Sequence[str]]:
        """Yield the rows that there are, in the form in which they are moved in."""


_kinds: dict[str, TableKind] = {}


def use_kinds(kinds: Iterable[TableKind]) -> None:
    """Say what this installation moves in and out. The shell does so, with its list."""
    _kinds.clear()
    _kinds.update({kind.code: kind for kind in kinds})


def known_kinds() -> Mapping[str, TableKind]:
    """Return what can be moved in and out, by code."""
    return _kinds
