"""The numbers that standing rests on, between the board and the database: values by month, and people by month."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from accounts import arrays
from accounts.together import Answer
from loyalty.standing.windows import month_of, month_start

if TYPE_CHECKING:
    from loyalty.standing.board import MemberStanding


@dataclass(frozen=True, slots=True)
class AskedCounts:
    """Values by month of one metric, or the people behind it, on their way to the memberships that they are of."""

    answer: Answer
    standings: Mapping[int, MemberStanding]
    are_people: bool

    def take(self) -> None:
        """Let each membership have what was counted for it."""
        if self.are_people:
            for membership_id, employee_id, month, count in self.answer.rows:
                self.standings[membership_id].people.add(_number(month), employee_id, count)
        else:
            for membership_id, month, value in self.answer.rows:
                self.standings[membership_id].buckets[_number(month)] = value


def ask_counts(standings: Collection[MemberStanding], first_at: datetime) -> list[AskedCounts]:
    """Ask for the tier metric of each membership, as far back as it may count from `first_at` on."""
    by_metric: dict[tuple[str, bool], list[MemberStanding]] = {}
    for standing in standings:
        plan = standing.plan
        by_metric.setdefault((plan.metric, plan.metric in plan.people), []).append(standing)
    asked = []
    for (metric, are_people), of_metric in by_metric.items():
        by_id = {standing.membership_id: standing for standing in of_metric}
        first = month_start(min(s.plan.first_kept_month(month_of(first_at, s.plan.zone)) for s in of_metric))
        answer = arrays.ask(_PEOPLE_BY_MONTH if are_people else _VALUES_BY_MONTH, list(by_id), metric, first)
        asked.append(AskedCounts(answer, by_id, are_people))
    return asked


_PEOPLE_BY_MONTH = """
    SELECT membership_id, employee_id, month, count FROM loyalty_metricperson
    WHERE membership_id = ANY(%s) AND metric = %s AND month >= %s"""
_VALUES_BY_MONTH = """
    SELECT membership_id, month, value FROM loyalty_metricbucket
    WHERE membership_id = ANY(%s) AND metric = %s AND month >= %s"""


def write_counts(
    standings: Iterable[MemberStanding],
    changes: Mapping[tuple[int, str, int], Decimal],
    people: Mapping[tuple[int, str, int, int], int],
) -> None:
    """Add `changes` by membership, metric and month, and activities of `people` by person, too."""
    signed = {standing.membership_id: standing.plan.signed for standing in standings}
    rows = [
        (membership_id, code, month_start(month), value, code in signed[membership_id])
        for (membership_id, code, month), value in sorted(changes.items())
        if value
    ]
    arrays.insert(
        "loyalty_metricbucket",
        _BUCKET,
        [row for row in rows if row[3] > 0 or row[4]],
        then="""ON CONFLICT (membership_id, metric, month)
                DO UPDATE SET value = loyalty_metricbucket.value + excluded.value""",
    )
    less = [row[:4] for row in rows if row[3] < 0 and not row[4]]
    if less:
        # An insert would be refused before the conflict is seen: what is taken off is below 0 by itself.
        arrays.run(
            """UPDATE loyalty_metricbucket b SET value = b.value + c.value
               FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::numeric[])
                    AS c(membership_id, metric, month, value)
               WHERE (b.membership_id, b.metric, b.month) = (c.membership_id, c.metric, c.month)""",
            *arrays.columns_of(less),
        )
    _write_people(people)


def _write_people(people: Mapping[tuple[int, str, int, int], int]) -> None:
    rows = [
        (membership_id, code, month_start(month), employee_id, count)
        for (membership_id, code, month, employee_id), count in sorted(people.items())
        if count
    ]
    arrays.insert(
        "loyalty_metricperson",
        _PERSON,
        [row for row in rows if row[4] > 0],
        then="""ON CONFLICT (membership_id, metric, month, employee_id)
                DO UPDATE SET count = loyalty_metricperson.count + excluded.count""",
    )
    less = [row for row in rows if row[4] < 0]
    if less:
        arrays.run(
            """UPDATE loyalty_metricperson p SET count = p.count + c.count
               FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::bigint[], %s::bigint[])
                    AS c(membership_id, metric, month, employee_id, count)
               WHERE (p.membership_id, p.metric, p.month, p.employee_id)
                   = (c.membership_id, c.metric, c.month, c.employee_id)""",
            *arrays.columns_of(less),
        )
    months = sorted({row[:3] for row in rows})
    if months:
        arrays.run(
            """INSERT INTO loyalty_metricbucket (membership_id, metric, month, value, is_signed)
               SELECT c.membership_id, c.metric, c.month, count(p.id), false
               FROM unnest(%s::bigint[], %s::text[], %s::date[]) AS c(membership_id, metric, month)
               LEFT JOIN loyalty_metricperson p ON p.count > 0
                    AND (p.membership_id, p.metric, p.month) = (c.membership_id, c.metric, c.month)
               GROUP BY c.membership_id, c.metric, c.month
               ON CONFLICT (membership_id, metric, month) DO UPDATE SET value = excluded.value""",
            *arrays.columns_of(months),
        )


_BUCKET = {"membership_id": "bigint", "metric": "text", "month": "date", "value": "numeric", "is_signed": "boolean"}
_PERSON = {
    "membership_id": "bigint",
    "metric": "text",
    "month": "date",
    "employee_id": "bigint",
    "count": "bigint",
}


def _number(month: date) -> int:
    return month.year * 12 + month.month - 1
