"""What stands beside what would be: totals by month, tier, segment and role, and company by company."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from loyalty import arrays
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
    GROUP BY GROUPING SETS ((month), (company_id, rule_code), (company_id, employee_id))"""

_BY_MONTH, _BY_RULE = 0b0111, 0b1001

_ROLES = """
    SELECT e.id, min(r.code) FROM accounts_employee e
    JOIN accounts_roleassignment a ON a.employee_id = e.id
    JOIN accounts_stakeholderrole r ON r.id = a.role_id
    WHERE e.id = ANY(%s::bigint[]) AND a.starts_at <= %s AND (a.ends_at IS NULL OR a.ends_at > %s) GROUP BY e.id"""

_SEGMENTS = """
    SELECT m.company_id, s.code FROM accounts_segmentmembership m JOIN accounts_segment s ON s.id = m.segment_id
    WHERE m.company_id = ANY(%s::bigint[]) AND m.starts_at <= %s AND (m.ends_at IS NULL OR m.ends_at > %s)"""

Row = tuple[str, int, int]
"""A code (or a month, as a date), points as they stand, points as they would be."""


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """One company: points and tier on both sides, and by rule."""

    company_id: int
    points_today: int
    points_then: int
    tier_today: str
    tier_then: str
    rules: Mapping[str, tuple[int, int]]


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
                side.months[month] = int(points)
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
    rules: dict[int, dict[str, tuple[int, int]]] = {}
    for company_id, rule_code in stands.rules.keys() | would_be.rules.keys():
        key = company_id, rule_code
        both = stands.rules.get(key, 0), would_be.rules.get(key, 0)
        if any(both):
            rules.setdefault(company_id, {})[rule_code] = both
    companies = [
        CompanyRow(
            company_id,
            sum(today for today, _then in rules.get(company_id, {}).values()),
            sum(then for _today, then in rules.get(company_id, {}).values()),
            tiers.get(company_id, ""),
            supposed.tiers.get(company_id) or "",
            dict(sorted(rules.get(company_id, {}).items())),
        )
        for company_id in sorted(rules.keys() | {company_id for company_id, code in supposed.tiers.items() if code})
    ]
    return Comparison(
        months=_months(stands, would_be),
        tiers=_summed((row.tier_today, row.points_today, row.points_then) for row in companies),
        segments=_summed(_by_segment(companies, now)),
        roles=_summed(_by_role(stands, would_be, now)),
        companies=companies,
    )


def _months(stands: Side, would_be: Side) -> list[Row]:
    months = sorted(stands.months.keys() | would_be.months.keys())
    return [
        (month_start(month).isoformat(), stands.months.get(month, 0), would_be.months.get(month, 0)) for month in months
    ]


def _by_segment(companies: Iterable[CompanyRow], now: datetime) -> Iterable[Row]:
    by_id = {row.company_id: row for row in companies}
    segments: dict[int, list[str]] = {}
    for company_id, code in arrays.fetch(_SEGMENTS, [*by_id], now, now):
        segments.setdefault(company_id, []).append(code)
    for company_id, row in by_id.items():
        for code in segments.get(company_id, [NONE]):
            yield code, row.points_today, row.points_then


def _by_role(stands: Side, would_be: Side, now: datetime) -> Iterable[Row]:
    keys = stands.people.keys() | would_be.people.keys()
    people = [employee_id for _company_id, employee_id in keys if employee_id is not None]
    roles = dict(arrays.fetch(_ROLES, people, now, now))
    for key in keys:
        employee_id = key[1]
        code = COMPANY if employee_id is None else roles.get(employee_id, NONE)
        yield code, stands.people.get(key, 0), would_be.people.get(key, 0)


def _summed(rows: Iterable[Row]) -> list[Row]:
    sums: dict[str, tuple[int, int]] = {}
    for code, today, then in rows:
        before = sums.get(code, (0, 0))
        sums[code] = before[0] + today, before[1] + then
    return [(code, *both) for code, both in sorted(sums.items()) if any(both)]
