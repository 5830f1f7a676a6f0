"""The standing of the memberships under lock: worked out in memory in the order of arrival, then written at once.

What a company earns and what it is entitled to by titles run side by side; the higher one is the tier it holds. Of
what is earned while a title holds, the board keeps the tier beneath.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from accounts import arrays
from accounts.together import Answer
from loyalty.facts import number
from loyalty.models import Program, TierAssignment
from loyalty.standing.counts import AskedCounts, ask_counts, write_counts
from loyalty.standing.windows import People, TierPlan, TierStep, month_of, month_start

Source = TierAssignment.Source
Evidence = dict[str, str | int]

_NOTHING = Decimal(0)

FOLLOWED = "followed"
"""The key of the evidence under which the activity stands that reaching the tier was."""


class _AsItIs:
    """Nothing new."""


_AS_IT_IS = _AsItIs()


@dataclass(slots=True)
class Title:
    """What entitles a membership to a tier for a time."""

    id: int
    step: TierStep
    source: str
    starts_at: datetime
    ends_at: datetime | None

    def holds_at(self, at: datetime) -> bool:
        """Whether it holds at `at`."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


@dataclass(slots=True)
class Holding:
    """A tier held for a time; `id` is None while it is new. Where it rests on a title, `beneath` is what is earned."""

    id: int | None
    step: TierStep
    source: str
    starts_at: datetime
    ends_at: datetime | None
    evidence: Evidence = field(default_factory=dict)
    title_id: int | None = None
    beneath: TierStep | None = None
    beneath_since: datetime | None = None
    is_changed: bool = False

    @property
    def followed_id(self) -> int | None:
        """The activity that reaching the tier was, if one was recorded."""
        followed = self.evidence.get(FOLLOWED)
        return None if followed is None else int(followed)

    @followed_id.setter
    def followed_id(self, activity_id: int | None) -> None:
        if activity_id is not None:
            self.evidence[FOLLOWED] = activity_id

    @property
    def is_earned(self) -> bool:
        """Whether it rests on what was counted."""
        return self.source == Source.EARNED


@dataclass(frozen=True, slots=True)
class TierMove:
    """A membership that changed its tier; `after` is None where it fell below the lowest one."""

    membership_id: int
    company_id: int
    before: TierStep | None
    after: Holding | None
    at: datetime

    @property
    def is_upwards(self) -> bool:
        """Whether the company stands higher than before."""
        return self.after is not None and self.before is not None and self.after.step.rank > self.before.rank


@dataclass(frozen=True, slots=True)
class Lapse:
    """A title that ended by itself, and the tier held after it."""

    membership_id: int
    company_id: int
    title: Title
    after: TierStep | None


@dataclass(slots=True)
class MemberStanding:
    """One membership: the tiers it held, by start, its titles, and its tier metric by month."""

    membership_id: int
    company_id: int
    plan: TierPlan
    holdings: list[Holding] = field(default_factory=list)
    titles: list[Title] = field(default_factory=list)
    buckets: dict[int, Decimal] = field(default_factory=dict)
    people: People = field(default_factory=People)

    def tier_at(self, at: datetime) -> TierStep | None:
        """Return the tier held at `at`."""
        for holding in reversed(self.holdings):
            if holding.starts_at <= at:
                return holding.step if holding.ends_at is None or at < holding.ends_at else None
        return None

    @property
    def current(self) -> Holding | None:
        """The holding that goes on, None where the last one ended."""
        return self.holdings[-1] if self.holdings and self.holdings[-1].ends_at is None else None

    def before(self, holding: Holding) -> Holding | None:
        """Return the holding that ended where this one began."""
        place = self.holdings.index(holding)
        last = self.holdings[place - 1] if place else None
        return last if last is not None and last.ends_at == holding.starts_at else None

    @property
    def earned(self) -> tuple[TierStep | None, datetime | None]:
        """The tier earned, held or beneath, and since when."""
        current = self.current
        if current is None:
            return None, None
        return (current.step, current.starts_at) if current.is_earned else (current.beneath, current.beneath_since)

    @property
    def counted(self) -> Mapping[int, Decimal]:
        """The tier metric by month."""
        return self.people if self.plan.metric in self.plan.people else self.buckets

    def earliest_change(self, at: datetime) -> datetime:
        """Return `at`, or where it is later the moment before which the tiers are settled."""
        if not self.holdings:
            return at
        last = self.holdings[-1]
        return max(at, last.ends_at or last.starts_at)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a board waits for: tiers held, titles, counts."""

    held: Answer
    titles: Answer
    counts: Sequence[AskedCounts]


class StandingBoard:
    """Metrics and tiers of some memberships; open it under the membership locks, apply, then write once."""

    def __init__(self) -> None:
        self._known: dict[int, MemberStanding] = {}
        self._asked: _Asked | None = None
        self._changes: dict[tuple[int, str, int], Decimal] = {}
        self._people: dict[tuple[int, str, int, int], int] = {}
        self.moves: list[TierMove] = []
        self.lapses: list[Lapse] = []

    def open(self, members: Iterable[tuple[int, int, TierPlan]], *, first_at: datetime) -> None:
        """Ask for tiers, titles, and what counts from `first_at` on; `members` are (membership, company, plan)."""
        for membership_id, company_id, plan in members:
            self._known[membership_id] = MemberStanding(membership_id, company_id, plan)
        ids = list(self._known)
        self._asked = _Asked(
            arrays.ask(
                """SELECT membership_id, id, tier_id, source, starts_at, ends_at, evidence, title_id, beneath_id,
                          beneath_since
                   FROM loyalty_tierassignment WHERE membership_id = ANY(%s::bigint[]) ORDER BY starts_at, id""",
                ids,
            ),
            arrays.ask(
                """SELECT membership_id, id, tier_id, source, starts_at, ends_at FROM loyalty_tiertitle
                   WHERE membership_id = ANY(%s::bigint[]) ORDER BY id""",
                ids,
            ),
            ask_counts(self._known.values(), first_at),
        )

    @property
    def _standings(self) -> dict[int, MemberStanding]:
        """The standings, once what was asked for has come."""
        if self._asked is not None:
            asked, self._asked = self._asked, None
            self._take(asked)
        return self._known

    def _take(self, asked: "_Asked") -> None:
        for row in asked.held.rows:
            standing = self._known[row[0]]
            steps = standing.plan
            beneath = None if row[8] is None else steps.step(row[8])
            evidence = json.loads(row[6])
            standing.holdings.append(
                Holding(row[1], steps.step(row[2]), row[3], row[4], row[5], evidence, row[7], beneath, row[9])
            )
        for membership_id, title_id, tier_id, source, starts_at, ends_at in asked.titles.rows:
            standing = self._known[membership_id]
            standing.titles.append(Title(title_id, standing.plan.step(tier_id), source, starts_at, ends_at))
        for counts in asked.counts:
            counts.take()

    def begin(self, standing: MemberStanding) -> None:
        """Take in a standing that is made up rather than read."""
        self._known[standing.membership_id] = standing

    def __getitem__(self, membership_id: int) -> MemberStanding:
        """The standing of a membership that the board was opened with."""
        return self._standings[membership_id]

    def add(
        self,
        membership_id: int,
        changes: Mapping[str, Decimal],
        *,
        at: datetime,
        activity_id: int,
        employee_id: int | None = None,
    ) -> None:
        """Count what an activity adds; a tier reached by it starts at `at`, or with the current one if later."""
        standing = self._standings[membership_id]
        plan = standing.plan
        self._lapse(standing, at)
        month = month_of(at, plan.zone)
        self._count(standing, changes, month, employee_id)
        if plan.metric not in changes:
            return
        from_ = standing.earliest_change(at)
        value = plan.value(standing.counted, month if from_ is at else month_of(from_, plan.zone))
        reached = plan.step_for(value, from_)
        earned, _since = standing.earned
        if reached is not None and (earned is None or reached.rank > earned.rank):
            self._earn(standing, reached, from_, self._evidence(plan, value, from_, activity_id))

    def take_back(
        self,
        membership_id: int,
        changes: Mapping[str, Decimal],
        *,
        month: int,
        at: datetime,
        activity_id: int,
        employee_id: int | None = None,
    ) -> None:
        """Count off what a return takes out of the original's `month`; a tier that it undoes ends at `at`."""
        standing = self._standings[membership_id]
        plan = standing.plan
        self._lapse(standing, at)
        earned, _since = standing.earned
        from_ = standing.earliest_change(at)
        window = month_of(from_, plan.zone)
        before = plan.kept_value(standing.counted, window)
        self._count(standing, {code: -value for code, value in changes.items()}, month, employee_id)
        after = plan.kept_value(standing.counted, window)
        if earned is None:
            return
        asked = next(step.threshold for step in plan.steps_at(from_) if step.id == earned.id)
        if before >= asked > after:
            self._earn(standing, plan.step_for(after, from_), from_, self._evidence(plan, after, from_, activity_id))

    def review(self, membership_id: int, *, now: datetime) -> bool:
        """Move what time alone has outdated: titles that ended, and tiers that their window no longer supports.

        A tier falls with the first day of the month with which its period or its grace was over, once a period; one
        that is due (a threshold was lowered, a segment joined) begins now. Return whether anything was moved.
        """
        standing = self._standings[membership_id]
        plan = standing.plan
        has_lapsed = self._lapse(standing, now)
        current = standing.current
        if current is not None and not current.is_earned and current.title_id is None:
            return has_lapsed  # a tier by hand from before there were titles: it stays
        month = month_of(now, plan.zone)
        earned, since = standing.earned
        value = plan.value(standing.counted, month)
        due = plan.step_for(value, now)
        if due is not None and (earned is None or due.rank > earned.rank):
            from_ = standing.earliest_change(now)
            self._earn(standing, due, from_, self._evidence(plan, value, from_, None))
            return True
        turn = plan.fall_month(month)
        if earned is None or since is None or turn is None or since > plan.moment(turn):
            return has_lapsed
        kept = plan.kept_value(standing.counted, month)
        due = plan.step_for(kept, plan.moment(turn))
        is_fall = due is None or due.rank < earned.rank
        if not is_fall or (since == plan.moment(turn) and plan.fall == Program.Fall.ONE_STEP):
            return has_lapsed
        from_ = standing.earliest_change(plan.moment(turn))
        self._earn(standing, plan.fall_to(earned, due), from_, self._evidence(plan, kept, from_, None))
        return True

    def give(self, membership_id: int, title: Title, *, at: datetime) -> None:
        """Take in a title that begins at `at`, in the place of one of its own source."""
        standing = self._standings[membership_id]
        self._lapse(standing, at)
        for other in standing.titles:
            if other.source == title.source and other.holds_at(at):
                other.ends_at = at
        standing.titles.append(title)
        self._hold(standing, standing.earliest_change(at), {})

    def change(self, membership_id: int, title_id: int, *, ends_at: datetime | None, at: datetime) -> None:
        """Give a title another end; where that is `at` or before, it is over, and what is beneath returns."""
        standing = self._standings[membership_id]
        self._lapse(standing, at)
        title = next(title for title in standing.titles if title.id == title_id)
        title.ends_at = ends_at
        self._hold(standing, standing.earliest_change(at), {})

    def write(self) -> None:
        """Write the counts that changed, the tiers that ended, then those that began."""
        standings = self._standings.values()
        write_counts(standings, self._changes, self._people)
        holdings = [(s.membership_id, holding) for s in standings for holding in s.holdings]
        changed = [
            (holding.id, holding.ends_at, holding.beneath.id if holding.beneath else None, holding.beneath_since)
            for _id, holding in holdings
            if holding.id and holding.is_changed
        ]
        if changed:
            arrays.run(
                """UPDATE loyalty_tierassignment t
                   SET ends_at = c.ends_at, beneath_id = c.beneath_id, beneath_since = c.beneath_since
                   FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[], %s::timestamptz[])
                        AS c(id, ends_at, beneath_id, beneath_since) WHERE t.id = c.id""",
                *arrays.columns_of(changed),
            )
        began = [(membership_id, holding) for membership_id, holding in holdings if holding.id is None]
        if not began:
            return
        rows = TierAssignment.objects.bulk_create(as_row(membership_id, holding) for membership_id, holding in began)
        for row, (_membership_id, holding) in zip(rows, began, strict=True):
            holding.id = row.pk

    def _count(
        self, standing: MemberStanding, changes: Mapping[str, Decimal], month: int, employee_id: int | None
    ) -> None:
        plan = standing.plan
        for code, value in changes.items():
            if code in plan.people:
                if employee_id is not None and value:
                    person = standing.membership_id, code, month, employee_id
                    self._people[person] = self._people.get(person, 0) + int(value)
                    if code == plan.metric:
                        standing.people.add(month, employee_id, int(value))
                continue
            key = standing.membership_id, code, month
            self._changes[key] = self._changes.get(key, _NOTHING) + value
            if code == plan.metric:
                standing.buckets[month] = standing.buckets.get(month, _NOTHING) + value

    def _lapse(self, standing: MemberStanding, until: datetime) -> bool:
        """End what rested on titles that ended by `until`, each at its own end."""
        has_lapsed = False
        while (current := standing.current) is not None and current.title_id is not None:
            title = next(title for title in standing.titles if title.id == current.title_id)
            if title.ends_at is None or title.ends_at > until:
                break
            self._hold(standing, standing.earliest_change(title.ends_at), {})
            after = standing.current
            self.lapses.append(Lapse(standing.membership_id, standing.company_id, title, after.step if after else None))
            has_lapsed = True
        return has_lapsed

    def _earn(self, standing: MemberStanding, step: TierStep | None, at: datetime, evidence: Evidence) -> None:
        """Let `step` be what is earned from `at` on."""
        current = standing.current
        if current is not None and not current.is_earned:
            current.beneath, current.beneath_since = (step, at if step else None)
            current.is_changed = True
            self._hold(standing, at, evidence)
        else:
            self._hold(standing, at, evidence, earned=step)

    def _hold(
        self,
        standing: MemberStanding,
        at: datetime,
        evidence: Evidence,
        *,
        earned: TierStep | _AsItIs | None = _AS_IT_IS,
    ) -> None:
        """Let the company hold the higher of what is earned and its titles at `at`; of two the same, as it is."""
        current = standing.current
        since: datetime | None = at
        if isinstance(earned, _AsItIs):
            earned, since = standing.earned
        held = current.title_id if current else None
        best = max(
            (title for title in standing.titles if title.holds_at(at)),
            key=lambda title: (title.step.rank, title.id == held, -title.id),
            default=None,
        )
        after: Holding | None
        if best is not None and (earned is None or (best.step.rank, best.id == held) > (earned.rank, False)):
            evidence = {"title": best.id}
            after = Holding(
                None, best.step, best.source, at, None, evidence, best.id, earned, since if earned else None
            )
        elif earned is not None:
            after = Holding(None, earned, Source.EARNED, at, None, evidence or {"ended": held or 0})
        else:
            after = None
        if not _is_the_same(current, after):
            self._replace(standing, after, at)

    def _replace(self, standing: MemberStanding, after: Holding | None, at: datetime) -> None:
        current = standing.current
        if current is not None:
            current.ends_at = at
            current.is_changed = True
        if after is not None:
            standing.holdings.append(after)
        before = current.step if current else None
        if (before and before.id) != (after and after.step.id):
            self.moves.append(TierMove(standing.membership_id, standing.company_id, before, after, at))

    @staticmethod
    def _evidence(plan: TierPlan, value: Decimal, at: datetime, activity_id: int | None) -> Evidence:
        month = month_of(at, plan.zone)
        evidence: Evidence = {
            "metric": plan.metric,
            "value": number(value) or "0",
            "from": month_start(plan.first_month(month)).isoformat(),
            "to": month_start(month).isoformat(),
        }
        if activity_id is not None:
            evidence["activity"] = activity_id
        return evidence


def _is_the_same(current: Holding | None, after: Holding | None) -> bool:
    """Whether nothing changes. A tier by hand from before there were titles yields to a higher one alone."""
    if current is None:
        return after is None
    if not current.is_earned and current.title_id is None:
        return after is None or after.step.rank <= current.step.rank
    if after is None or current.title_id != after.title_id:
        return False
    return current.title_id is not None or current.step.id == after.step.id


def as_row(membership_id: int, holding: Holding) -> TierAssignment:
    """Return a tier held as it is kept."""
    return TierAssignment(
        membership_id=membership_id,
        tier_id=holding.step.id,
        source=holding.source,
        starts_at=holding.starts_at,
        ends_at=holding.ends_at,
        evidence=holding.evidence,
        title_id=holding.title_id,
        beneath_id=holding.beneath.id if holding.beneath else None,
        beneath_since=holding.beneath_since,
    )
