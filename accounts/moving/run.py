"""A file goes through: a dry run that says what would change, or the import itself, a thousand rows a transaction."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.moving.kinds import Fate, Row, Sheet, TableKind, Verdict
from accounts.moving.mapping import LINE, WHY, fault_of
from accounts.tables import TableWriter

BATCH = 1_000
MOST_SHOWN = 50
"""So many refusals and differences are kept to be looked at; the refused rows are all in their file."""

MOST_ROWS = 500_000
_LONGEST_SHOWN = 200


@dataclass(slots=True)
class Findings:
    """What became of the rows so far, or would; `batches` are those that are behind us.

    Of `points` some are `taken`. `companies` are those whose points move; one that an import met before it was stopped
    counts again.
    """

    rows: int = 0
    points: int = 0
    taken: int = 0
    companies: int = 0
    batches: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    differences: list[dict[str, Any]] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Findings":
        """Return findings as they were kept."""
        return cls(
            kept.get("rows", 0),
            kept.get("points", 0),
            kept.get("taken", 0),
            kept.get("companies", 0),
            kept.get("batches", 0),
            Counter({fate.value: kept.get(fate.value, 0) for fate in Fate}),
            list(kept.get("refusals", [])),
            list(kept.get("differences", [])),
        )

    def kept(self) -> dict[str, Any]:
        """Return them as JSON."""
        return {
            "rows": self.rows,
            "points": self.points,
            "taken": self.taken,
            "companies": self.companies,
            "batches": self.batches,
            **{fate.value: self.counts[fate.value] for fate in Fate},
            "refusals": self.refusals,
            "differences": self.differences,
        }

    def add(self, judged: Sequence[tuple[Row, Verdict]]) -> None:
        """Count the rows of a batch."""
        self.batches += 1
        self.rows += len(judged)
        for row, verdict in judged:
            self.counts[verdict.fate.value] += 1
            self.points += verdict.points
            self.taken += verdict.points if verdict.is_taken else 0
            if verdict.company_id and verdict.company_id not in self._seen:
                self._seen.add(verdict.company_id)
                self.companies += 1
            if verdict.fate is Fate.REFUSED and len(self.refusals) < MOST_SHOWN:
                self.refusals.append({"line": row.line, "column": verdict.column, "sentence": verdict.sentence})
            elif verdict.fate is Fate.CHANGED and len(self.differences) < MOST_SHOWN:
                changes = [[name, old[:_LONGEST_SHOWN], new[:_LONGEST_SHOWN]] for name, old, new in verdict.changes]
                self.differences.append({"line": row.line, "changes": changes})


class TooManyRowsError(Exception):
    """The file has more than MOST_ROWS."""


class RefusedRows:
    """The file of refused rows: as they came, with their line and the reason; opened when the first one comes."""

    def __init__(self, header: Sequence[str], open_writer: Callable[[], TableWriter]) -> None:
        self._open = open_writer
        self._writer: TableWriter | None = None
        self._kept = [place for place, name in enumerate(header) if name not in (LINE, WHY)]
        self._header = [header[place] for place in self._kept]

    def write(self, row: Row, cells: Sequence[str], verdict: Verdict) -> None:
        """Add a row."""
        if self._writer is None:
            self._writer = self._open()
            self._writer.write([*self._header, LINE, WHY])
        shown = [cells[place] if "\0" not in cells[place] else "" for place in self._kept]
        self._writer.write([*shown, str(row.line), verdict.sentence])

    def close(self) -> bool:
        """Finish the file; says whether there is one."""
        if self._writer is not None:
            self._writer.close()
        return self._writer is not None


class Passage:
    """One way of a file's rows through a sheet."""

    def __init__(self, kind: TableKind, sheet: Sheet, refused_rows: RefusedRows, findings: Findings) -> None:
        self._kind = kind
        self._sheet = sheet
        self._refused_rows = refused_rows
        self._behind_us = findings.batches
        self.findings = findings
        self._lines: dict[tuple[str, ...], int] = {}

    def go(
        self,
        rows: Iterator[tuple[Row, list[str]]],
        *,
        is_final: bool,
        on_batch: Callable[[Findings], None],
        report: Callable[[int], None],
    ) -> None:
        """Judge the rows and, where it is `is_final`, write them.

        `on_batch` keeps the findings in the transaction of each batch. A final passage that was begun before skips the
        batches that are behind it, but for the file of refused rows. Raises TooManyRowsError.
        """
        passed = batches = 0
        while batch := list(islice(rows, BATCH)):
            passed += len(batch)
            if passed > MOST_ROWS:
                raise TooManyRowsError
            batches += 1
            if is_final and batches > self._behind_us:
                judged = self._write(batch, on_batch)
            else:
                judged = self._judge(batch, is_final=False)
                if not is_final:
                    self.findings.add([(row, verdict) for row, _cells, verdict in judged])
            for row, cells, verdict in judged:
                if verdict.fate is Fate.REFUSED:
                    self._refused_rows.write(row, cells, verdict)
            report(passed)

    def _write(
        self, batch: Sequence[tuple[Row, list[str]]], on_batch: Callable[[Findings], None]
    ) -> list[tuple[Row, list[str], Verdict]]:
        try:
            return self._written(batch, on_batch)
        except IntegrityError:  # somebody wrote the same row between our look and our writing: look again
            return self._written(batch, on_batch)

    def _written(
        self, batch: Sequence[tuple[Row, list[str]]], on_batch: Callable[[Findings], None]
    ) -> list[tuple[Row, list[str], Verdict]]:
        with transaction.atomic():
            judged = self._judge(batch, is_final=True)
            self._sheet.write(
                [(row, verdict) for row, _cells, verdict in judged if verdict.fate in (Fate.NEW, Fate.CHANGED)]
            )
            self.findings.add([(row, verdict) for row, _cells, verdict in judged])
            on_batch(self.findings)
        return judged

    def _judge(self, batch: Sequence[tuple[Row, list[str]]], *, is_final: bool) -> list[tuple[Row, list[str], Verdict]]:
        early = [self._fault(row) for row, _cells in batch]
        sound = [row for (row, _cells), fault in zip(batch, early, strict=True) if fault is None]
        verdicts = iter(self._sheet.judge(sound, is_final=is_final) if sound else ())
        return [
            (row, cells, next(verdicts) if fault is None else fault)
            for (row, cells), fault in zip(batch, early, strict=True)
        ]

    def _fault(self, row: Row) -> Verdict | None:
        """What is wrong with a row whatever its table: a cell that cannot be read, or a row that came before."""
        if fault := fault_of(row):
            return Verdict(Fate.REFUSED, *fault)
        key = self._kind.key_of(row)
        first = self._lines.setdefault(key, row.line) if any(key) else row.line
        if first != row.line:
            sentence = _("Line %(line)s is about the same already; keep one of them.") % {"line": first}
            return Verdict(Fate.REFUSED, "", sentence)
        return None
