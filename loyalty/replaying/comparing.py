"""What stands beside what would be: totals by month, tier, segment and role, and company by company."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from accounts import arrays
from loyalty.models import Program, TierAssignment
from loyalty.replaying.run import Side, Supposition
from loyalty.standing import month_start

COMPANY, NONE = "*company", ""
"""In the place of a role: points of companies themselves, and of people without one."""

_STANDING = """
    SELECT month, company_id, rule_code, employee_id, GROUPING(month, company_id, rule_code, employee_id), sum(points)
    FROM (
        SELECT (extract(year FROM local) * 12 + extract(month FROM local) - 1)::integer AS month,
               company_id, rule_code, employee_id, points
        FROM (
            SELECT a.company_id, a.rule_code, w.employee_id, a.granted - coalesce(r.reversed, 0) AS points,
                   v.occurred_at AT TIME ZONE %s AS local
            FROM loyalty_award a
            JOIN loyalty_activity v ON v.id = a.activity_id
            JOIN loyalty_wallet w ON w.id = a.wallet_id
            LEFT JOIN loyalty_awardreversal r ON r.award_id = a.id
            WHERE a.program_id = %s AND v.occurred_at >= %s
        ) kept
        WHERE points <> 0
    ) rows
    GROUP BY GROUPING SETS ((company_id, month), (company_id, rule_code), (company_id, employee_id))"""

_BY_MONTH, _BY_RULE = 0b0011, 0b1001

_ROLES = """
    SELECT e.id, min(r.code) FROM accounts_employee e
    JOIN accounts_roleassignment a ON a.employee_id = e.id
    JOIN accounts_stakeholderrole r ON r.id = a.role_id
    WHERE e.id = ANY(%s::bigint[]) AND a.starts_at <= %s AND (a.ends_at IS NULL OR a.ends_at > %s) GROUP BY e.id"""

_SEGMENTS = """
    SELECT m.company_id, s.code FROM accounts_segmentmembership m JOIN accounts_segment s ON s.id = m.segment_id
    WHERE m.company_id = ANY(%s::bigint[]) AND m.starts_at <= %s AND (m.ends_at IS NULL OR m.ends_at > %s)"""

K = TypeVar("K")

Both = tuple[int, int]
"""Points as they stand, points as they would be."""

Row = tuple[str, int, int]
"""A code (or a month, as a date), points as they stand, points as they would be."""


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """One company: points and tier on both sides; by rule, by month (as a date) and by role; the segments it is in."""

    company_id: int
    points: Both
    tier_today: str
    tier_then: str
    rules: Mapping[str, Both]
    months: Mapping[str, Both]
    roles: Mapping[str, Both]
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides of a replay. A company in several segments stands in each, so those add up to more than all."""

    months: list[Row]
    tiers: list[Row]
    segments: list[Row]
    roles: list[Row]
    companies: list[CompanyRow]

    @property
    def totals(self) -> tuple[int, int]:
        """All points on either side."""
        return sum(row[1] for row in self.months), sum(row[2] for row in self.months)


def as_it_stands(program: Program, *, from_: datetime) -> Side:
    """Return what the program gave, net of returns, for what was done from `from_` on; one statement."""
    side = Side()
    for month, company_id, rule_code, employee_id, grouping, points in arrays.fetch(
        _STANDING, program.time_zone, program.pk, from_
    ):
        match grouping:
            case int(grouping) if grouping == _BY_MONTH:
                side.months[company_id, month] = int(points)
            case int(grouping) if grouping == _BY_RULE:
                side.rules[company_id, rule_code] = int(points)
            case _:
                side.people[company_id, employee_id] = int(points)
    return side


def compare(program: Program, supposed: Supposition, *, from_: datetime, now: datetime) -> Comparison:
    """Return what stands beside what would be; companies with neither points nor a tier to come are left out."""
    stands, would_be = as_it_stands(program, from_=from_), supposed.side
    held = TierAssignment.objects.filter(membership__program=program, ends_at=None)
    tiers = dict(held.values_list("membership__company", "tier__code"))
    rules = _by_company(stands.rules, would_be.rules, str)
    months = _by_company(stands.months, would_be.months, lambda month: month_start(month).isoformat())
    roles = _by_role(stands, would_be, now)
    to_come = {company_id for company_id, code in supposed.tiers.items() if code}
    company_ids = sorted(rules.keys() | months.keys() | roles.keys() | to_come)
    segments = _segments_of(company_ids, now)
    companies = [
        CompanyRow(
            company_id,
            _sum(rules.get(company_id, {}).values()),
            tiers.get(company_id, ""),
            supposed.tiers.get(company_id) or "",
            rules.get(company_id, {}),
            months.get(company_id, {}),
            roles.get(company_id, {}),
            tuple(segments.get(company_id, ())),
        )
        for company_id in company_ids
    ]
    return Comparison(
        months=_summed((month, *both) for row in companies for month, both in row.months.items()),
        tiers=_summed((row.tier_today, *row.points) for row in companies),
        segments=_summed((code, *row.points) for row in companies for code in row.segments or (NONE,)),
        roles=_summed((code, *both) for row in companies for code, both in row.roles.items()),
        companies=companies,
    )


def _by_company(
    today: Mapping[tuple[int, K], int], then: Mapping[tuple[int, K], int], name: Callable[[K], str]
) -> dict[int, dict[str, Both]]:
    """Both sides of each company, in the order of the names; what has the same name is added up."""
    found: dict[int, dict[str, Both]] = {}
    for company_id, key in today.keys() | then.keys():
        both = today.get((company_id, key), 0), then.get((company_id, key), 0)
        if any(both):
            of_company = found.setdefault(company_id, {})
            of_company[name(key)] = _sum([of_company.get(name(key), (0, 0)), both])
    return {company_id: dict(sorted(of_company.items())) for company_id, of_company in found.items()}


def _by_role(stands: Side, would_be: Side, now: datetime) -> dict[int, dict[str, Both]]:
    keys = stands.people.keys() | would_be.people.keys()
    people = [employee_id for _company_id, employee_id in keys if employee_id is not None]
    roles = dict(arrays.fetch(_ROLES, people, now, now))

    def role_of(employee_id: int | None) -> str:
        return COMPANY if employee_id is None else roles.get(employee_id, NONE)

    return _by_company(stands.people, would_be.people, role_of)


def _segments_of(company_ids: list[int], now: datetime) -> dict[int, list[str]]:
    segments: dict[int, list[str]] = {}
    for company_id, code in sorted(arrays.fetch(_SEGMENTS, company_ids, now, now)):
        segments.setdefault(company_id, []).append(code)
    return segments


def _sum(pairs: Iterable[Both]) -> Both:
    today, then = 0, 0
    for pair in pairs:
        today, then = today + pair[0], then + pair[1]
    return today, then


def _summed(rows: Iterable[Row]) -> list[Row]:
    sums: dict[str, Both] = {}
    for code, today, then in rows:
        sums[code] = _sum([sums.get(code, (0, 0)), (today, then)])
    return [(code, *both) for code, both in sorted(sums.items()) if any(both)]
