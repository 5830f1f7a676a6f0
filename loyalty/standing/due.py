"""Which memberships a review may have to move, asked of the database in one statement a program.

The statement says the same as `StandingBoard.review`, over all memberships at once; whatever it names goes through the
board, which decides. So it may name too many, never too few.
"""

from collections.abc import Sequence
from datetime import datetime

from accounts import arrays
from loyalty.models import Program
from loyalty.standing.windows import FIRST_MONTH, TierPlan, month_of, month_start

Span = tuple[int, int]


def due_for_review(plan: TierPlan, *, now: datetime) -> list[int]:
    """Return the ids of the memberships in force whose tier may not be what is due at `now`, ascending."""
    month = month_of(now, plan.zone)
    if plan.window == Program.Window.MEMBERSHIP_YEAR:
        # Twelve groups: all who joined in the same month of a year turn together.
        anchored = (plan.of_member(plan.moment(month - back)) for back in range(12))
        found = [pk for one in anchored for pk in _due(one, month, now, anchor=one.joined % 12 + 1)]
        return sorted(found)
    return _due(plan, month, now, anchor=None)


def _due(plan: TierPlan, month: int, now: datetime, *, anchor: int | None) -> list[int]:
    rising = plan.spans(month)
    keeping = list(dict.fromkeys(span for back in range(plan.grace + 1) for span in plan.spans(month - back)))
    turn = plan.fall_month(month)
    values = _Values(plan)
    rise, keep = values.best(rising), values.best(keeping if turn is not None else rising)
    turned_at = plan.moment(turn) if turn is not None else now
    due, kept = _rank(plan, "v.rise", "now"), _rank(plan, "v.keep", "turned_at")
    sql = f"""
        SELECT m.id FROM loyalty_membership m
        LEFT JOIN loyalty_tierassignment a ON a.membership_id = m.id AND a.ends_at IS NULL
        LEFT JOIN loyalty_tier h ON h.id = a.tier_id
        LEFT JOIN loyalty_tier b ON b.id = a.beneath_id
        LEFT JOIN loyalty_tiertitle t ON t.id = a.title_id
        LEFT JOIN (SELECT x.membership_id, {rise} AS rise, {keep} AS keep FROM {values.table} x
                   WHERE x.metric = %(metric)s AND x.month BETWEEN %(first)s AND %(last)s
                   GROUP BY x.membership_id) AS c ON c.membership_id = m.id
        CROSS JOIN LATERAL (SELECT greatest(c.rise, 0) AS rise, greatest(c.keep, 0) AS keep) AS v
        CROSS JOIN LATERAL (
            SELECT CASE WHEN a.source = 'EARNED' THEN h.rank ELSE coalesce(b.rank, 0) END AS rank,
                   CASE WHEN a.source = 'EARNED' THEN a.starts_at ELSE a.beneath_since END AS since) AS e
        WHERE m.program_id = %(program)s AND m.starts_at <= %(now)s AND (m.ends_at IS NULL OR m.ends_at > %(now)s)
          AND (%(anchor)s::int IS NULL
               OR extract(month FROM m.starts_at AT TIME ZONE %(zone)s) = %(anchor)s::int)
          AND (a.id IS NULL OR a.source = 'EARNED' OR a.title_id IS NOT NULL)
          AND (t.ends_at <= %(now)s
               OR {due} > coalesce(e.rank, 0)
               OR (%(falls)s AND e.since <= %(turned_at)s AND {kept} < e.rank))
        ORDER BY m.id"""  # noqa: S608 (built of numbers and of our own names)
    spans = [*rising, *keeping]
    parameters = {
        "metric": plan.metric,
        "first": month_start(max(FIRST_MONTH, min(first for first, _last in spans))),
        "last": month_start(max(last for _first, last in spans)),
        "program": plan.program_id,
        "now": now,
        "anchor": anchor,
        "zone": plan.zone.key,
        "falls": turn is not None,
        "turned_at": turned_at,
    }
    return [pk for (pk,) in arrays.fetch_named(sql, parameters)]


class _Values:
    """How the metric of a plan is added up over spans of months."""

    def __init__(self, plan: TierPlan) -> None:
        self._counts_people = plan.metric in plan.people
        self.table = "loyalty_metricperson" if self._counts_people else "loyalty_metricbucket"

    def best(self, spans: Sequence[Span]) -> str:
        """Return the expression of the highest value of the spans."""
        return f"greatest({', '.join(map(self._over, spans))})"

    def _over(self, span: Span) -> str:
        first, last = (month_start(max(FIRST_MONTH, month)).isoformat() for month in span)
        within = f"x.month BETWEEN date '{first}' AND date '{last}'"
        if self._counts_people:
            return f"count(DISTINCT x.employee_id) FILTER (WHERE x.count > 0 AND {within})"
        return f"coalesce(sum(x.value) FILTER (WHERE {within}), 0)"


def _rank(plan: TierPlan, value: str, at: str) -> str:
    """Return the expression of the rank that `value` earns at the moment of the parameter `at`."""
    earned = [step for step in plan.steps if step.is_earned]
    if not earned:
        return "0"
    if plan.favours:
        return f"""(
            SELECT coalesce(max(s.rank), 0) FROM loyalty_tier s
            WHERE s.program_id = m.program_id AND s.is_earned AND (s.threshold <= {value} OR EXISTS (
                SELECT FROM loyalty_tierthreshold f
                JOIN accounts_segmentmembership g ON g.segment_id = f.segment_id
                WHERE f.tier_id = s.id AND f.threshold <= {value} AND g.company_id = m.company_id
                  AND g.starts_at <= %({at})s AND (g.ends_at IS NULL OR g.ends_at > %({at})s))))"""  # noqa: S608
    cases = " ".join(f"WHEN {value} >= {step.threshold:f} THEN {step.rank}" for step in reversed(earned))
    return f"(CASE {cases} ELSE 0 END)"
