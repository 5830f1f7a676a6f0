"""A review of the tiers of very many memberships, against a plain aggregate of the same months."""

import time
from datetime import UTC, datetime
from statistics import median

from django.db import connection

from loyalty.models import Program, Tier, TierAssignment
from loyalty.site.bench.figures import Figure, LawBrokenError
from loyalty.standing import review_tiers

_NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
_ROUNDS = 3
_DUE = 100
"""One membership in so many stands where it does not belong, each round."""

_MEMBERS = """
    INSERT INTO accounts_company (name, kind, external_id, country, created_at)
    SELECT 'Company ' || n, 'CLIENT', 'T' || n, 'DE', %(begin)s FROM generate_series(1, %(count)s) AS n;
    INSERT INTO loyalty_membership (company_id, program_id, origin, starts_at)
    SELECT id, %(program)s, 'JOINED', %(begin)s FROM accounts_company WHERE external_id LIKE 'T%%';
    INSERT INTO loyalty_metricbucket (membership_id, metric, month, value, is_signed)
    SELECT m.id, 'spend', month, (m.id * 7919 + extract(month FROM month)::int * 104729) %% 50000, false
    FROM loyalty_membership m, generate_series(date '2025-07-01', date '2026-06-01', interval '1 month') AS month
    WHERE m.program_id = %(program)s;
    INSERT INTO loyalty_tierassignment (membership_id, tier_id, source, starts_at, evidence)
    SELECT m.id, %(base)s, 'EARNED', %(begin)s, '{}' FROM loyalty_membership m WHERE m.program_id = %(program)s"""
_MISPLACE = """UPDATE loyalty_tierassignment SET tier_id = CASE WHEN tier_id = %s THEN %s ELSE %s END
               WHERE ends_at IS NULL AND membership_id %% %s = %s"""
_AGGREGATE = "SELECT membership_id, sum(value) FROM loyalty_metricbucket WHERE metric = 'spend' GROUP BY membership_id"


def tiers(*, quick: bool) -> Figure:
    """Return the seconds of a review over 100,000 memberships, one in a hundred of them due, per those of a sum.

    Raises LawBrokenError where a review leaves anybody in another tier than the months give.
    """
    count = 10_000 if quick else 100_000
    program, base, gold = _members(count)
    reviews, aggregates, moved = [], [], 0
    for number in range(_ROUNDS):
        with connection.cursor() as cursor:
            cursor.execute(_MISPLACE, [base.pk, gold.pk, base.pk, _DUE, number])
        started = time.perf_counter()
        moved += review_tiers(now=_NOW)
        reviews.append(time.perf_counter() - started)
        started = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(_AGGREGATE)
            cursor.fetchall()
        aggregates.append(time.perf_counter() - started)
    if review_tiers(now=_NOW) or not moved:
        raise LawBrokenError("A second review moves tiers, or the first ones moved none.")
    review, aggregate = median(reviews), median(aggregates)
    return Figure(
        name="tiers",
        value=round(review / aggregate, 2),
        unit="x sum",
        floor=4,
        goal=2,
        better="lower",
        detail=(
            f"{count:,} memberships over {12 * count:,} months in {review:.2f} s, {moved // _ROUNDS:,} of them moved; "
            f"the plain sum {aggregate:.2f} s; {program.tier_months} months count"
        ),
    )


def _members(count: int) -> tuple[Program, Tier, Tier]:
    """Make a program with so many members, each in the tier that its months give."""
    program = Program.objects.create(
        code="many", name="Many", currency="EUR", time_zone="Europe/Berlin", tier_metric="spend"
    )
    base, _silver, gold = (
        Tier.objects.create(program=program, code=code, name=code, rank=rank, threshold=threshold)
        for rank, (code, threshold) in enumerate((("bronze", 0), ("silver", 280_000), ("gold", 320_000)), start=1)
    )
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    with connection.cursor() as cursor:
        for statement in _MEMBERS.split(";"):
            cursor.execute(statement, {"count": count, "program": program.pk, "base": base.pk, "begin": begin})
    review_tiers(now=_NOW)
    with connection.cursor() as cursor:
        # All who have been raised have been so for long: a tier falls no earlier than the period after it began.
        cursor.execute("DELETE FROM loyalty_tierassignment WHERE ends_at IS NOT NULL")
        cursor.execute("UPDATE loyalty_tierassignment SET starts_at = %s", [begin])
        for table in (TierAssignment._meta.db_table, "loyalty_metricbucket", "loyalty_membership"):
            cursor.execute(f"VACUUM ANALYZE {table}")
    return program, base, gold
