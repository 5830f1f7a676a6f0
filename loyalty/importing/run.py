"""The use case: a file is checked as a whole, then imported batch by batch, each in one transaction.

A run that was killed is completed by running it again: what is there already is known by its id.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path

from django.db import transaction

from accounts.conditions import FactType
from accounts.moving.run import seldom_collecting_garbage
from loyalty import arrays
from loyalty.activities import ActivityItem, Outcome, Status, record_activities
from loyalty.importing.customers import Customers
from loyalty.importing.lines import Line, LineReader
from loyalty.importing.matching import Goods, Match, Matcher, Purchase
from loyalty.importing.profile import Profile
from loyalty.importing.reading import OnProgress, check_structure, open_table
from loyalty.importing.rejections import Rejection, rejection
from loyalty.models import ActivityAttribute, ActivityType, Program, Source

BATCH = 1_000
ANALYZE_AFTER = 20
"""After so many batches the planner is told how large the tables have become: autovacuum may come a minute later."""


class NotPreparedError(Exception):
    """The installation lacks what a profile names; `str()` says what."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of the lines of a file; `rejected` counts them by reason, `left_out` is what the filter skipped.

    `waiting` are returns that name an original which has not arrived; they are recorded, and applied when it comes.
    """

    lines: int
    recorded: int
    returned: int
    waiting: int
    already_there: int
    left_out: int
    rejected: Mapping[str, int]

    @property
    def adds_up(self) -> bool:
        """Whether every line of the file became something."""
        sound = self.recorded + self.returned + self.waiting + self.already_there
        return sound + self.left_out + sum(self.rejected.values()) == self.lines


@dataclass(slots=True)
class _Tally:
    """Counts as they grow."""

    on_rejection: Callable[[Rejection], None]
    counts: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    _untold: list[Rejection] = field(default_factory=list)

    def reject(self, rejected: Rejection) -> None:
        self.rejected[rejected.reason] += 1
        self._untold.append(rejected)

    def tell(self) -> None:
        """Tell of the rejections since the last time, in the order of the file."""
        for rejected in sorted(self._untold, key=lambda one: one.line):
            self.on_rejection(rejected)
        self._untold.clear()


@dataclass(frozen=True, slots=True)
class _Means:
    """What the installation has for an import."""

    program: Program
    source: Source
    types: dict[str, int]
    attribute_types: dict[str, FactType]


def import_activities(
    *,
    path: Path,
    profile: Profile,
    now: datetime,
    on_progress: OnProgress = lambda done, total: None,
    on_rejection: Callable[[Rejection], None] = lambda rejected: None,
    batch_size: int = BATCH,
) -> ImportResult:
    """Import a file and return what became of its lines.

    Raises UnreadableFileError where the file's structure is broken and NotPreparedError where the installation lacks
    what the profile names; nothing is changed then. Whatever else is raised leaves whole batches behind.
    """
    _look_for_means(profile)
    total = check_structure(path, profile, on_progress)
    firsts = {} if profile.in_time_order else _first_activities(path, profile, now)
    means = _prepare(profile)
    tally = _Tally(on_rejection)
    done = 0
    with open_table(path, profile) as table, seldom_collecting_garbage():
        reader = LineReader(profile, table.places, means.attribute_types, now=now)
        customers = Customers(means.program, profile.new_companies, table.places, firsts)
        batches = _Batches(profile, means, customers, now)
        while rows := list(islice(table.rows, batch_size)):
            batches.take(_sound(reader, rows, tally), tally)
            tally.tell()
            done += len(rows)
            on_progress(done, total)
            if done == ANALYZE_AFTER * batch_size:
                arrays.run("ANALYZE loyalty_activity, loyalty_evaluation, loyalty_award, loyalty_posting, loyalty_lot")
    return ImportResult(
        lines=done,
        recorded=tally.counts["recorded"],
        returned=tally.counts["returned"],
        waiting=tally.counts["waiting"],
        already_there=tally.counts["already_there"],
        left_out=tally.counts["left_out"],
        rejected=dict(tally.rejected),
    )


def _look_for_means(profile: Profile) -> tuple[Program, dict[str, FactType]]:
    """Find the program, the activity type and its attributes; NotPreparedError names what is missing."""
    program = Program.objects.filter(code=profile.program_code).first()
    if program is None:
        raise NotPreparedError(f"There is no program “{profile.program_code}”, which the profile names.")
    if Source.objects.filter(code=profile.source_code).exclude(kind=Source.Kind.IMPORT).exists():
        raise NotPreparedError(f"The source “{profile.source_code}” is not one for imports; the profile needs its own.")
    type_code = profile.defaults.get("type")
    if type_code and not ActivityType.objects.filter(code=type_code).exists():
        raise NotPreparedError(f"There is no activity type “{type_code}”, which the profile names.")
    rows = ActivityAttribute.objects.filter(code__in=profile.attributes)
    if type_code:
        rows = rows.filter(activity_type__code=type_code)
    types = {row.code: FactType(row.type) for row in rows}
    if missing := sorted(profile.attributes.keys() - types):
        raise NotPreparedError(f"No activity type declares the attribute “{missing[0]}”, which the profile names.")
    return program, types


def _prepare(profile: Profile) -> _Means:
    program, attribute_types = _look_for_means(profile)
    source, _created = Source.objects.get_or_create(
        code=profile.source_code, defaults={"name": profile.source_name, "kind": Source.Kind.IMPORT}
    )
    return _Means(program, source, dict(ActivityType.objects.values_list("code", "pk")), attribute_types)


def _first_activities(path: Path, profile: Profile, now: datetime) -> dict[str, datetime]:
    """Return the time of each customer's first sound line, for a file whose lines are in no order of time."""
    attribute_types = _look_for_means(profile)[1]
    firsts: dict[str, datetime] = {}
    with open_table(path, profile) as table:
        reader = LineReader(profile, table.places, attribute_types, now=now)
        for number, row in table.rows:
            line = reader.read(number, row)
            if isinstance(line, Line) and line.occurred_at < firsts.get(line.customer, now):
                firsts[line.customer] = line.occurred_at
    return firsts


def _sound(reader: LineReader, rows: Sequence[tuple[int, list[str]]], tally: _Tally) -> list[Line]:
    lines: list[Line] = []
    for number, row in rows:
        line = reader.read(number, row)
        if isinstance(line, Line):
            lines.append(line)
        elif line is None:
            tally.counts["left_out"] += 1
        else:
            tally.reject(line)
    return lines


class _Batches:
    """What is done with the sound lines of one batch: known ids screened, returns matched, the rest recorded."""

    def __init__(self, profile: Profile, means: _Means, customers: Customers, now: datetime) -> None:
        self._profile = profile
        self._means = means
        self._customers = customers
        self._now = now
        self._people: dict[tuple[int, str], int] = {}
        self._finds_originals = profile.returns is not None and not profile.returns.original_column
        # Two imports of one source would match returns to the same pieces: they take turns, batch by batch.
        self._lock = zlib.crc32(f"loyalty.importing:{means.source.pk}".encode())

    def take(self, lines: Sequence[Line], tally: _Tally) -> None:
        """Import one batch in one transaction."""
        if not lines:
            return
        with transaction.atomic():
            arrays.fetch("SELECT pg_advisory_xact_lock(%s)", self._lock)
            fresh = self._acceptable(self._screened(lines, tally), tally)
            pairs = self._matched(fresh, tally)
            self._customers.admit(line for line, match in pairs if match is None)
            items = self._items(pairs, tally)
            if not items:
                return
            outcomes = record_activities([item for _line, item in items], source=self._means.source, now=self._now)
        for (line, item), outcome in zip(items, outcomes, strict=True):
            _count(line, item, outcome, tally)

    def _screened(self, lines: Sequence[Line], tally: _Tally) -> list[Line]:
        """Return the lines whose ids are not there yet, in the database or earlier in the batch."""
        rows = arrays.fetch(
            "SELECT external_id FROM loyalty_activity WHERE source_id = %s AND external_id = ANY(%s)",
            self._means.source.pk,
            [line.id for line in lines],
        )
        known = {external_id for (external_id,) in rows}
        fresh: list[Line] = []
        for line in lines:
            if line.id in known:
                tally.counts["already_there"] += 1
            else:
                known.add(line.id)
                fresh.append(line)
        return fresh

    def _acceptable(self, lines: Sequence[Line], tally: _Tally) -> list[Line]:
        """Return the lines whose customer and person are known or may be made."""
        self._customers.look_up(line.customer for line in lines)
        self._people = self._customers.people(lines)
        acceptable: list[Line] = []
        for line in lines:
            if reason := self._customers.refusal_of(line):
                tally.reject(rejection(line.number, line.id, reason))
            elif line.employee and self._person(line) is None:
                tally.reject(rejection(line.number, line.id, "unknown_employee"))
            else:
                acceptable.append(line)
        return acceptable

    def _matched(self, lines: Sequence[Line], tally: _Tally) -> list[tuple[Line, Match | None]]:
        """Return the lines with what they undo: None for purchases; returns without an original are rejected."""
        returns = [line for line in lines if line.is_return]
        if not returns or not self._finds_originals:
            return [(line, Match(line.original, line.amount) if line.is_return else None) for line in lines]
        matcher = Matcher({_goods(line) for line in returns})
        matcher.load(
            source_id=self._means.source.pk,
            program_id=self._means.program.pk,
            companies=self._customers.ids,
            types=self._means.types,
            before=max(line.occurred_at for line in returns),
        )
        pairs: list[tuple[Line, Match | None]] = []
        for line in lines:
            quantity = line.quantity or Decimal(0)
            if not line.is_return:
                purchase = Purchase(line.id, line.occurred_at, quantity, line.amount, quantity, line.amount)
                matcher.add(_goods(line), purchase)
                pairs.append((line, None))
            elif match := matcher.take(_goods(line), quantity, line.occurred_at):
                pairs.append((line, match))
            else:
                tally.reject(rejection(line.number, line.id, "no_original"))
        return pairs

    def _items(self, pairs: Sequence[tuple[Line, Match | None]], tally: _Tally) -> list[tuple[Line, ActivityItem]]:
        """Return what is to be recorded; a return that names an original has none where its company is not known."""
        items: list[tuple[Line, ActivityItem]] = []
        for line, match in pairs:
            if line.customer not in self._customers.ids or (match is not None and not match.id):
                tally.reject(rejection(line.number, line.id, "no_original"))
                continue
            item = ActivityItem(
                external_id=line.id,
                type=line.type,
                company_id=self._customers.ids[line.customer],
                occurred_at=line.occurred_at,
                employee_id=self._person(line),
                object=line.object,
                quantity=line.quantity,
                amount=line.amount if match is None else match.amount,
                currency=line.currency,
                attributes=line.attributes,
                reverses="" if match is None else match.id,
            )
            items.append((line, item))
        return items

    def _person(self, line: Line) -> int | None:
        if not line.employee or line.customer not in self._customers.ids:
            return None
        return self._people.get((self._customers.ids[line.customer], line.employee))


def _goods(line: Line) -> Goods:
    return Goods(line.customer, line.type, line.object)


def _count(line: Line, item: ActivityItem, outcome: Outcome, tally: _Tally) -> None:
    if outcome.error is not None:
        tally.reject(Rejection(line.number, line.id, outcome.error.code, outcome.error.sentence))
    elif outcome.status is Status.DUPLICATE:
        tally.counts["already_there"] += 1
    elif outcome.status is Status.WAITING:
        tally.counts["waiting"] += 1
    else:
        tally.counts["returned" if item.reverses else "recorded"] += 1
