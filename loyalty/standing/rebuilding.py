"""Standing built anew: metrics and tiers replayed from what is on record, in the order in which it came about.

Evaluations hold what each activity put into the metrics and each return took out; events hold titles given and
changed, and reviews that moved a tier. Their ids come from one sequence, drawn under the membership's lock. The replay
goes through the same board as everything else, with the plans as they are today.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts import arrays
from loyalty.models import Membership, MetricBucket, MetricPerson, Program, StandingEvent, TierAssignment
from loyalty.standing.board import FOLLOWED, Holding, MemberStanding, StandingBoard, Title, as_row
from loyalty.standing.counts import write_counts
from loyalty.standing.review import stays_of
from loyalty.standing.windows import InSegment, TierPlan, month_of, tier_plans_of

BATCH = 500
"""Companies at once: their tiers and months are in memory, their history is not."""

_HISTORY = """
    SELECT e.id, NULL AS kind, e.company_id, NULL::bigint AS membership_id, e.activity_id, e.metrics::text AS metrics,
           a.occurred_at, CASE WHEN o.id IS NULL THEN a.employee_id ELSE o.employee_id END AS employee_id,
           o.occurred_at AS original_at,
           NULL::bigint AS title_id, NULL::bigint AS tier_id, NULL AS source, NULL::timestamptz AS ends_at,
           o.id IS NOT NULL AS is_return
    FROM loyalty_evaluation e
    JOIN loyalty_activity a ON a.id = e.activity_id
    LEFT JOIN loyalty_returnlink l ON l.activity_id = a.id
    LEFT JOIN loyalty_activity o ON o.id = l.original_id
    WHERE e.program_id = %(program)s AND e.company_id = ANY(%(companies)s::bigint[])
    UNION ALL
    SELECT v.id, v.kind, NULL, v.membership_id, NULL, NULL, v.at, NULL, NULL, t.id, t.tier_id, t.source, v.ends_at,
           false
    FROM loyalty_standingevent v LEFT JOIN loyalty_tiertitle t ON t.id = v.title_id
    WHERE v.membership_id = ANY(%(memberships)s::bigint[])
    ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many memberships were replayed, and the ids of those that stood otherwise than their history says."""

    memberships: int
    different: list[int]


Dump = tuple[list[tuple[object, ...]], dict[tuple[str, int], Decimal], dict[tuple[str, int, int], int]]
"""Tiers held in order, months of metrics that are not 0, and people's activities in a month that are not 0."""


def rebuild_standing(*, programs: Collection[Program], only_check: bool) -> Rebuilt:
    """Replay the standing of every membership of the programs; put those right that differ, unless it `only_check`s.

    Memberships are locked a batch of companies at a time, so that activities wait rather than slip between.
    """
    plans = tier_plans_of(programs)
    count, different = 0, list[int]()
    for program in programs:
        plan = plans[program.pk]
        for companies in _batches(program):
            with transaction.atomic():
                rows = Membership.objects.select_for_update(no_key=True).filter(program=program, company__in=companies)
                memberships = list(rows.order_by("pk"))
                board = _replayed(plan, memberships)
                wrong = board.differences(stored_dump([row.pk for row in memberships]))
                if not only_check:
                    board.put_right(wrong)
            count += len(memberships)
            different += wrong
    return Rebuilt(count, different)


def _batches(program: Program) -> Iterator[list[int]]:
    """Companies of a program, BATCH at a time."""
    companies = Membership.objects.filter(program=program).order_by("company").values_list("company", flat=True)
    last = 0
    while chunk := list(companies.filter(company__gt=last).distinct()[:BATCH]):
        yield chunk
        last = chunk[-1]


def from_the_start(
    board: StandingBoard,
    plan: TierPlan,
    members: Iterable[tuple[int, int, datetime]],
    stays: Mapping[int, Collection[InSegment]],
) -> None:
    """Let memberships (id, company, start) stand where every one begins: at the lowest tier that asks for nothing.

    `stays` are the segments of their companies.
    """
    base = next((step for step in plan.steps if step.is_earned and step.threshold == 0), None)
    for membership_id, company_id, starts_at in members:
        own = plan.of_member(starts_at, stays.get(company_id, ()))
        standing = MemberStanding(membership_id, company_id, own)
        if base is not None:
            standing.holdings.append(Holding(None, base, "EARNED", starts_at, None))
        board.begin(standing)


def _replayed(plan: TierPlan, memberships: list[Membership]) -> "_Rebuilding":
    stays = stays_of({row.company_id for row in memberships}) if plan.favours else {}
    board = _Rebuilding()
    from_the_start(board, plan, ((row.pk, row.company_id, row.starts_at) for row in memberships), stays)
    of_company: dict[int, list[Membership]] = {}
    for row in memberships:
        of_company.setdefault(row.company_id, []).append(row)
    ids = {"program": plan.program_id, "companies": list(of_company), "memberships": [row.pk for row in memberships]}
    for past in arrays.stream(_HISTORY, ids):
        board.replay(_Past(*past), of_company)
    return board


@dataclass(frozen=True, slots=True)
class _Past:
    """What happened: an evaluation (`kind` None) or an event, as `_HISTORY` gives it."""

    id: int
    kind: str | None
    company_id: int
    membership_id: int
    activity_id: int
    metrics: str
    at: datetime
    employee_id: int | None
    original_at: datetime | None
    title_id: int
    tier_id: int
    source: str
    ends_at: datetime | None
    is_return: bool


class _Rebuilding(StandingBoard):
    """A board that is filled from the past instead of from the tables."""

    def replay(self, past: _Past, of_company: Mapping[int, list[Membership]]) -> None:
        """Let happen again what happened."""
        match past.kind:
            case None:
                self._evaluate(past, of_company[past.company_id])
            case StandingEvent.Kind.GIVEN:
                step = self[past.membership_id].plan.step(past.tier_id)
                title = Title(past.title_id, step, past.source, past.at, past.ends_at)
                self.give(past.membership_id, title, at=past.at)
            case StandingEvent.Kind.CHANGED:
                self.change(past.membership_id, past.title_id, ends_at=past.ends_at, at=past.at)
            case StandingEvent.Kind.REVIEWED:
                self.review(past.membership_id, now=past.at)
        self.moves.clear()
        self.lapses.clear()

    def _evaluate(self, past: _Past, memberships: list[Membership]) -> None:
        counted_at = past.original_at or past.at
        member = next((row for row in memberships if row.holds_at(counted_at)), memberships[0])
        values = {code: Decimal(value) for code, value in json.loads(past.metrics).items()}
        if past.is_return:
            self.take_back(
                member.pk,
                {code: -value for code, value in values.items()},
                month=month_of(counted_at, self[member.pk].plan.zone),
                at=past.at,
                activity_id=past.activity_id,
                employee_id=past.employee_id,
            )
        else:
            self.add(member.pk, values, at=past.at, activity_id=past.activity_id, employee_id=past.employee_id)

    def dump(self) -> dict[int, Dump]:
        """Return what was replayed, by membership, as `stored_dump` gives what is stored."""
        dumps: dict[int, Dump] = {pk: ([], {}, {}) for pk in self._standings}
        for pk, standing in self._standings.items():
            dumps[pk][0].extend(_tier(as_row(pk, holding)) for holding in standing.holdings)
        for (pk, code, month), value in self._changes.items():
            if value:
                dumps[pk][1][code, month] = value
        for (pk, code, month, employee_id), number in self._people.items():
            if number:
                dumps[pk][2][code, month, employee_id] = number
                dumps[pk][1][code, month] = dumps[pk][1].get((code, month), Decimal(0)) + 1
        return dumps

    def differences(self, stored: Mapping[int, Dump]) -> list[int]:
        """Return the memberships that are stored otherwise than they were replayed."""
        return [pk for pk, dump in self.dump().items() if dump != stored[pk]]

    def put_right(self, membership_ids: Collection[int]) -> None:
        """Write these memberships as they were replayed, in the place of what is stored of them."""
        wanted = set(membership_ids)
        standings = [standing for pk, standing in self._standings.items() if pk in wanted]
        _keep_followed(standings)
        for model in (TierAssignment, MetricBucket, MetricPerson):
            model._default_manager.filter(membership__in=wanted).delete()
        write_counts(
            standings,
            {key: value for key, value in self._changes.items() if key[0] in wanted},
            {key: value for key, value in self._people.items() if key[0] in wanted},
        )
        TierAssignment.objects.bulk_create(
            as_row(standing.membership_id, holding) for standing in standings for holding in standing.holdings
        )


def _keep_followed(standings: Collection[MemberStanding]) -> None:
    """Let tiers that are stored, and were replayed, go on naming the activity that followed from reaching them."""
    stored = TierAssignment.objects.filter(membership__in=[standing.membership_id for standing in standings])
    followed = {
        (pk, tier_id, starts_at): evidence[FOLLOWED]
        for pk, tier_id, starts_at, evidence in stored.values_list("membership", "tier", "starts_at", "evidence")
        if FOLLOWED in evidence
    }
    for standing in standings:
        for holding in standing.holdings:
            holding.followed_id = followed.get((standing.membership_id, holding.step.id, holding.starts_at))


def stored_dump(membership_ids: Collection[int]) -> dict[int, Dump]:
    """Return the standing of memberships as it is stored."""
    dumps: dict[int, Dump] = {pk: ([], {}, {}) for pk in membership_ids}
    for row in TierAssignment.objects.filter(membership__in=membership_ids).order_by("starts_at", "pk"):
        dumps[row.membership_id][0].append(_tier(row))
    rows: Any = MetricBucket.objects.filter(membership__in=membership_ids).exclude(value=0)
    for pk, code, day, value in rows.values_list("membership", "metric", "month", "value"):
        dumps[pk][1][code, day.year * 12 + day.month - 1] = value
    rows = MetricPerson.objects.filter(membership__in=membership_ids).exclude(count=0)
    for pk, code, day, employee_id, number in rows.values_list("membership", "metric", "month", "employee", "count"):
        dumps[pk][2][code, day.year * 12 + day.month - 1, employee_id] = number
    return dumps


def _tier(row: TierAssignment) -> tuple[object, ...]:
    return (
        row.tier_id, row.source, row.starts_at, row.ends_at, row.title_id, row.beneath_id, row.beneath_since,
        sorted((key, value) for key, value in row.evidence.items() if key != FOLLOWED),
    )  # fmt: skip
