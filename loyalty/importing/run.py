"""The use case: a file is checked as a whole, then imported batch by batch, each in one transaction.

A run that was killed is completed by running it again: what is there already is known by its id.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path

from django.db import transaction

from accounts import arrays
from accounts.conditions import FactType
from loyalty.activities import ActivityItem, Outcome, Status, record_activities
from loyalty.importing.customers import Customers
from loyalty.importing.lines import Line, LineReader
from loyalty.importing.matching import Goods, Match, Matcher, Purchase
from loyalty.importing.profile import Profile
from loyalty.importing.reading import OnProgress, check_structure, open_table
from loyalty.importing.rejections import Rejection, rejection
from loyalty.models import ActivityAttribute, ActivityType, Program, Source
from loyalty.shares import Share, most_processes, share_out

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
    """Counts as they grow, and the rejections that nobody was told of."""

    counts: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    untold: list[Rejection] = field(default_factory=list)

    def reject(self, rejected: Rejection) -> None:
        self.rejected[rejected.reason] += 1
        self.untold.append(rejected)


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
    processes: int = 1,
) -> ImportResult:
    """Import a file and return what became of its lines; where that changes nothing, in several `processes`.

    Raises UnreadableFileError where the file's structure is broken and NotPreparedError where the installation lacks
    what the profile names; nothing is changed then. Whatever else is raised leaves whole batches behind.
    """
    _look_for_means(profile)
    total = check_structure(path, profile, on_progress)
    firsts = {} if profile.in_time_order else _first_activities(path, profile, now)
    run = _Run(path, profile, _prepare(profile), firsts, now, batch_size)
    done = 0

    def tell(parts: Sequence[tuple[int, list[Rejection]]]) -> None:
        nonlocal done
        for rejected in sorted((one for _rows, part in parts for one in part), key=lambda one: one.line):
            on_rejection(rejected)
        done += parts[0][0]
        on_progress(done, total)

    count = most_processes(processes)
    tallies = share_out(count, run.do, tell) if count > 1 else [run.do(Share(), lambda told: tell([told]))]
    counts = sum((tally.counts for tally in tallies), Counter[str]())
    return ImportResult(
        lines=done,
        recorded=counts["recorded"],
        returned=counts["returned"],
        waiting=counts["waiting"],
        already_there=counts["already_there"],
        left_out=counts["left_out"],
        rejected=dict(sum((tally.rejected for tally in tallies), Counter[str]())),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """One run over a file, whole or in shares."""

    path: Path
    profile: Profile
    means: _Means
    firsts: Mapping[str, datetime]
    now: datetime
    batch_size: int

    def do(self, share: Share, tell: Callable[[tuple[int, list[Rejection]]], None]) -> _Tally:
        """Import the customers of a share; `tell` hears after each batch how many rows it had and what was rejected."""
        tally = _Tally()
        with open_table(self.path, self.profile) as table:
            reader = LineReader(self.profile, table.places, self.means.attribute_types, now=self.now)
            customers = Customers(self.means.program, self.profile.new_companies, table.places, self.firsts)
            batches = _Batches(self.profile, self.means, customers, share, self.now)
            size, done = self.batch_size * share.of, 0
            while rows := list(islice(table.rows, size)):
                batches.take(_sound(reader, rows, share, tally), tally)
                tell((len(rows), tally.untold))
                tally.untold = []
                done += 1
                if share.is_first and done == ANALYZE_AFTER:
                    arrays.run(
                        "ANALYZE loyalty_activity, loyalty_evaluation, loyalty_award, loyalty_posting, loyalty_lot"
                    )
        return tally


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


def _sound(reader: LineReader, rows: Sequence[tuple[int, list[str]]], share: Share, tally: _Tally) -> list[Line]:
    """Return the sound lines of the share; what is no line of any customer is counted by the first share."""
    lines: list[Line] = []
    for number, row in rows:
        line = reader.read(number, row)
        if isinstance(line, Line):
            if share.holds(line.customer):
                lines.append(line)
        elif not share.is_first:
            continue
        elif line is None:
            tally.counts["left_out"] += 1
        else:
            tally.reject(line)
    return lines


class _Batches:
    """What is done with the sound lines of one batch: known ids screened, returns matched, the rest recorded."""

    def __init__(self, profile: Profile, means: _Means, customers: Customers, share: Share, now: datetime) -> None:
        self._profile = profile
        self._means = means
        self._customers = customers
        self._now = now
        self._people: dict[tuple[int, str], int] = {}
        self._finds_originals = profile.returns is not None and not profile.returns.original_column
        # Two imports of one source would match returns to the same pieces: they take turns, batch by batch.
        self._locks = share.locks(f"loyalty.importing:{means.source.pk}")

    def take(self, lines: Sequence[Line], tally: _Tally) -> None:
        """Import one batch in one transaction."""
        if not lines:
            return
        with transaction.atomic():
            arrays.fetch("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS l(key)", self._locks)
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
