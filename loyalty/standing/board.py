"""The standing of the memberships under lock: worked out in memory in the order of arrival, then written at once."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal

from loyalty import arrays
from loyalty.facts import number
from loyalty.models import TierAssignment
from loyalty.standing.windows import TierPlan, TierStep, month_of, month_start

Source = TierAssignment.Source

FOLLOWED = "followed"
"""The key of the evidence under which that stands."""


@dataclass(slots=True)
class Holding:
    """A tier held for a time; `id` is None while it is new."""

    id: int | None
    step: TierStep
    source: str
    starts_at: datetime
    ends_at: datetime | None
    evidence: dict[str, str | int] = field(default_factory=dict)
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


@dataclass(slots=True)
class MemberStanding:
    """One membership: the tiers it held, by start, and its tier metric by month."""

    membership_id: int
    company_id: int
    plan: TierPlan
    holdings: list[Holding] = field(default_factory=list)
    buckets: dict[int, Decimal] = field(default_factory=dict)

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

    def earliest_change(self, at: datetime) -> datetime:
        """Return `at`, or where it is later the moment before which the tiers are settled."""
        if not self.holdings:
            return at
        last = self.holdings[-1]
        return max(at, last.ends_at or last.starts_at)


class StandingBoard:
    """Metrics and tiers of some memberships; open it under the membership locks, apply, then write once."""

    def __init__(self) -> None:
        self._standings: dict[int, MemberStanding] = {}
        self._changes: dict[tuple[int, str, int], Decimal] = {}
        self.moves: list[TierMove] = []

    def open(self, members: Iterable[tuple[int, int, TierPlan]], *, first_at: datetime) -> None:
        """Read the tiers, and the buckets that count from `first_at` on; `members` are (membership, company, plan)."""
        for membership_id, company_id, plan in members:
            self._standings[membership_id] = MemberStanding(membership_id, company_id, plan)
        ids = list(self._standings)
        for assignment_id, membership_id, tier_id, source, starts_at, ends_at, evidence in arrays.fetch(
            """SELECT id, membership_id, tier_id, source, starts_at, ends_at, evidence FROM loyalty_tierassignment
               WHERE membership_id = ANY(%s::bigint[]) ORDER BY starts_at, id""",
            ids,
        ):
            standing = self._standings[membership_id]
            step = standing.plan.step(tier_id)
            standing.holdings.append(Holding(assignment_id, step, source, starts_at, ends_at, json.loads(evidence)))
        self._read_buckets(first_at)

    def __getitem__(self, membership_id: int) -> MemberStanding:
        """The standing of a membership that the board was opened with."""
        return self._standings[membership_id]

    def add(self, membership_id: int, changes: Mapping[str, Decimal], *, at: datetime, activity_id: int) -> None:
        """Count what an activity adds; a tier reached by it starts at `at`, or with the current one if later."""
        standing = self._standings[membership_id]
        plan = standing.plan
        self._count(standing, changes, month_of(at, plan.zone))
        if plan.metric not in changes:
            return
        from_ = standing.earliest_change(at)
        value = plan.value(standing.buckets, month_of(from_, plan.zone))
        reached = plan.step_for(value)
        current = standing.current
        if reached is not None and (current is None or reached.rank > current.step.rank):
            self._move(standing, reached, from_, self._evidence(plan, value, from_, activity_id))

    def take_back(
        self, membership_id: int, changes: Mapping[str, Decimal], *, month: int, at: datetime, activity_id: int
    ) -> None:
        """Count off what a return takes out of the original's `month`; a tier that it undoes ends at `at`."""
        standing = self._standings[membership_id]
        plan = standing.plan
        current = standing.current
        from_ = standing.earliest_change(at)
        window = month_of(from_, plan.zone)
        before = plan.value(standing.buckets, window)
        self._count(standing, {code: -value for code, value in changes.items()}, month)
        after = plan.value(standing.buckets, window)
        if current is not None and current.source == Source.EARNED and before >= current.step.threshold > after:
            self._move(standing, plan.step_for(after), from_, self._evidence(plan, after, from_, activity_id))

    def review(self, membership_id: int, *, now: datetime) -> None:
        """Move a tier that time alone has outdated: from the start of the window's current month or year."""
        standing = self._standings[membership_id]
        plan, current = standing.plan, standing.current
        if current is not None and current.source != Source.EARNED:
            return
        month = month_of(now, plan.zone)
        value = plan.value(standing.buckets, month)
        due = plan.step_for(value)
        if (due.id if due else None) == (current.step.id if current else None):
            return
        turned = datetime.combine(plan.period_start(month), time(), plan.zone)
        from_ = standing.earliest_change(turned)
        self._move(standing, due, from_, self._evidence(plan, value, from_, None))

    def write(self) -> None:
        """Write the buckets that changed, the tiers that ended, then those that began."""
        self._write_buckets()
        holdings = [(s.membership_id, holding) for s in self._standings.values() for holding in s.holdings]
        ended = [(holding.id, holding.ends_at) for _id, holding in holdings if holding.id and holding.is_changed]
        if ended:
            arrays.run(
                """UPDATE loyalty_tierassignment t SET ends_at = c.ends_at
                   FROM unnest(%s::bigint[], %s::timestamptz[]) AS c(id, ends_at) WHERE t.id = c.id""",
                *arrays.columns_of(ended),
            )
        began = [(membership_id, holding) for membership_id, holding in holdings if holding.id is None]
        rows = TierAssignment.objects.bulk_create(
            TierAssignment(
                membership_id=membership_id,
                tier_id=holding.step.id,
                source=holding.source,
                starts_at=holding.starts_at,
                ends_at=holding.ends_at,
                evidence=holding.evidence,
            )
            for membership_id, holding in began
        )
        for row, (_membership_id, holding) in zip(rows, began, strict=True):
            holding.id = row.pk

    def _count(self, standing: MemberStanding, changes: Mapping[str, Decimal], month: int) -> None:
        for code, value in changes.items():
            key = standing.membership_id, code, month
            self._changes[key] = self._changes.get(key, Decimal(0)) + value
            if code == standing.plan.metric:
                standing.buckets[month] = standing.buckets.get(month, Decimal(0)) + value

    def _move(
        self, standing: MemberStanding, step: TierStep | None, at: datetime, evidence: dict[str, str | int]
    ) -> None:
        current = standing.current
        if current is not None:
            current.ends_at = at
            current.is_changed = True
        after = None if step is None else Holding(None, step, Source.EARNED, at, None, evidence)
        if after is not None:
            standing.holdings.append(after)
        before = current.step if current else None
        self.moves.append(TierMove(standing.membership_id, standing.company_id, before, after, at))

    @staticmethod
    def _evidence(plan: TierPlan, value: Decimal, at: datetime, activity_id: int | None) -> dict[str, str | int]:
        month = month_of(at, plan.zone)
        evidence: dict[str, str | int] = {
            "metric": plan.metric,
            "value": number(value) or "0",
            "from": month_start(plan.first_month(month)).isoformat(),
            "to": month_start(month).isoformat(),
        }
        if activity_id is not None:
            evidence["activity"] = activity_id
        return evidence

    def _read_buckets(self, first_at: datetime) -> None:
        plans = {standing.plan.program_id: standing.plan for standing in self._standings.values()}.values()
        for plan in plans:
            first = month_start(plan.first_month(month_of(first_at, plan.zone)))
            ids = [s.membership_id for s in self._standings.values() if s.plan is plan]
            for membership_id, month, value in _buckets(ids, plan.metric, first):
                self._standings[membership_id].buckets[month.year * 12 + month.month - 1] = value

    def _write_buckets(self) -> None:
        rows = [
            (membership_id, code, month_start(month), value)
            for (membership_id, code, month), value in sorted(self._changes.items())
            if value
        ]
        columns = {"membership_id": "bigint", "metric": "text", "month": "date", "value": "numeric"}
        arrays.insert(
            "loyalty_metricbucket",
            columns,
            [row for row in rows if row[3] > 0],
            then="""ON CONFLICT (membership_id, metric, month)
                    DO UPDATE SET value = loyalty_metricbucket.value + excluded.value""",
        )
        less = [row for row in rows if row[3] < 0]
        if less:
            arrays.run(
                """UPDATE loyalty_metricbucket b SET value = b.value + c.value
                   FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::numeric[])
                        AS c(membership_id, metric, month, value)
                   WHERE (b.membership_id, b.metric, b.month) = (c.membership_id, c.metric, c.month)""",
                *arrays.columns_of(less),
            )


def _buckets(membership_ids: Collection[int], metric: str, first: object) -> Iterable[tuple[int, datetime, Decimal]]:
    return arrays.fetch(
        """SELECT membership_id, month, value FROM loyalty_metricbucket
           WHERE membership_id = ANY(%s) AND metric = %s AND month >= %s""",
        list(membership_ids),
        metric,
        first,
    )
