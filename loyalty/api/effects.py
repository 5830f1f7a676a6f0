"""What activities led to, for many of them in three queries: points by whose they are, and moves between tiers."""

from collections.abc import Collection
from typing import Any

from accounts import arrays
from accounts.together import together
from loyalty.statement import OWN_KINDS


def effects_of(activity_ids: Collection[int]) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """Return what each activity brought or took: `points` an owner and program, `tiers` that it led to, and what rules
    gave beside (`given`).

    `points` are below 0 where they were taken; `employee` is the number of whose wallet it is, null for the company's
    own.
    """
    effects: dict[int, dict[str, list[dict[str, Any]]]] = {
        pk: {"points": [], "tiers": [], "given": []} for pk in activity_ids
    }
    if not effects:
        return effects
    ids = list(effects)
    with together():
        points_of = arrays.ask(_POINTS, ids, list(OWN_KINDS))
        tiers_of = arrays.ask(_TIERS, ids)
        given_of = arrays.ask(_GIVEN, ids)
    for activity_id, program, employee, points in points_of.rows:
        effects[activity_id]["points"].append({"program": program, "employee": employee, "points": int(points)})
    for activity_id, program, tier, starts_at in tiers_of.rows:
        effects[activity_id]["tiers"].append({"program": program, "tier": tier, "starts_at": starts_at})
    for activity_id, program, employee, kind, subject in given_of.rows:
        given = {"program": program, "employee": employee, "kind": kind, "code": subject}
        effects[activity_id]["given"].append(given)
    return effects


_GIVEN = """
    SELECT f.activity_id, g.code, e.external_id, f.effect, f.subject
    FROM loyalty_effectaward f JOIN loyalty_program g ON g.id = f.program_id
    LEFT JOIN accounts_employee e ON e.id = f.employee_id
    WHERE f.activity_id = ANY(%s) AND f.is_given ORDER BY f.id"""

_POINTS = """
    SELECT t.activity_id, g.code, e.external_id,
           sum(CASE WHEN w.id = p.credit_wallet_id THEN p.points ELSE -p.points END) AS points
    FROM loyalty_transaction t
    JOIN loyalty_posting p ON p.transaction_id = t.id
    JOIN loyalty_wallet w ON w.id IN (p.credit_wallet_id, p.debit_wallet_id)
    JOIN loyalty_program g ON g.id = w.program_id
    LEFT JOIN accounts_employee e ON e.id = w.employee_id
    WHERE t.activity_id = ANY(%s) AND w.kind = ANY(%s)
    GROUP BY t.activity_id, g.code, w.employee_id, e.external_id
    ORDER BY t.activity_id, g.code, w.employee_id NULLS FIRST"""

_TIERS = """
    SELECT v.activity_id, g.code, i.code, a.starts_at
    FROM loyalty_evaluation v
    JOIN loyalty_program g ON g.id = v.program_id
    JOIN loyalty_membership m ON m.company_id = v.company_id AND m.program_id = v.program_id
    JOIN loyalty_tierassignment a ON a.membership_id = m.id AND (a.evidence ->> 'activity')::bigint = v.activity_id
    JOIN loyalty_tier i ON i.id = a.tier_id
    WHERE v.activity_id = ANY(%s)
    ORDER BY v.activity_id, g.code, a.starts_at"""
