"""Tiers that are worked out anew for everybody, against only adding up the same rows."""

import time
from datetime import date

from django.db import connection, transaction

from accounts import arrays
from loyalty.models import ActivityType, Source, Tier
from loyalty.site.bench.clients import Window, watched
from loyalty.site.bench.figures import Figure, LawBrokenError, figure
from loyalty.site.bench.history import NOW, History, Size, a_history, check_laws_of_many, settle
from loyalty.site.bench.pairs import in_pairs
from loyalty.standing import month_of, month_start, review_tiers

_MONTHS = 12
_FEW = 100
"""One membership in so many falls into another tier in one of the months."""


def tiers(*, memberships: int, rounds: int) -> Figure:
    """How many times longer the review of all memberships takes than adding up their months; a month later each time.

    One membership in a hundred falls by a tier in some month, as its best month leaves the window.
    """
    history = a_history(Size(companies=memberships, owners=0, lots=0))
    _fill_months(history, rounds)
    settle("loyalty_membership", "loyalty_metricbucket", "loyalty_tierassignment", "loyalty_evaluation")
    this_month = month_of(NOW, history.program.zone)
    moved: list[int] = []
    added: list[int] = []

    def review() -> Window:
        later = month_start(this_month + 1 + len(moved))
        now = NOW.replace(year=later.year, month=later.month)

        def review_all() -> int:
            moved.append(review_tiers(now=now))
            return memberships

        return watched(review_all)

    def add_up() -> float:
        started = time.perf_counter()
        added.append(_sum_of_months(month_start(this_month + 2 + len(added) - _MONTHS)))
        return memberships / (time.perf_counter() - started)

    pairs = in_pairs(rounds, review, add_up)
    if sum(moved) != _falling(memberships, rounds) or set(added) != {memberships}:
        raise LawBrokenError(f"{moved} memberships moved, of {added}.")
    check_laws_of_many()
    told = pairs.told("membership", "added up", as_times=True)
    return figure("tiers", pairs.times, f"{_MONTHS} months each, {sum(moved):,} moved; {told}")


def _falling(memberships: int, rounds: int) -> int:
    return sum(number % _FEW < 1 and number // _FEW % _MONTHS < rounds for number in range(memberships))


def _sum_of_months(first: date) -> int:
    """Add up every membership's months from `first` on; return how many memberships there were.

    The highest sum is asked for, too: sums that nobody asks for PostgreSQL does not add up, nor reads what is in them.
    """
    [(count, _highest)] = arrays.fetch(
        """SELECT count(*), max(total) FROM (
               SELECT membership_id, sum(value) AS total FROM loyalty_metricbucket
               WHERE metric = 'spend' AND month >= %s GROUP BY membership_id) AS sums""",
        first,
    )
    return int(count)


def _fill_months(history: History, rounds: int) -> None:
    """Give every membership twelve months that come to silver, most by the last one, a few by an earlier one."""
    months = [month_start(month_of(NOW, history.program.zone) - back) for back in reversed(range(_MONTHS))]
    silver = Tier.objects.get(program=history.program, code="silver")
    type_ = ActivityType.objects.get(code="history")
    source = Source.objects.create(code="history", name="History", kind=Source.Kind.API)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # to build, not to measure: laws are checked
        arrays.run("UPDATE loyalty_tierassignment SET tier_id = %s", silver.pk)
        arrays.run(
            """INSERT INTO loyalty_metricbucket (membership_id, metric, month, value)
               SELECT m.id, 'spend', b.month, CASE WHEN b.n = best.n THEN 2000 ELSE 1 END
               FROM unnest(%s::bigint[]) WITH ORDINALITY AS m(id, n)
               CROSS JOIN LATERAL (
                   SELECT CASE WHEN (m.n - 1) %% %s = 0 THEN (m.n - 1) / %s %% %s + 1 ELSE %s END AS n) AS best
               CROSS JOIN unnest(%s::date[]) WITH ORDINALITY AS b(month, n)""",
            *([member.pk for member in history.memberships], _FEW, _FEW, _MONTHS, _MONTHS, months),
        )
        arrays.run(
            """INSERT INTO loyalty_activity (source_id, external_id, payload_hash, type_id, company_id, object,
                                             currency, attributes, occurred_at, recorded_at, reverses_external_id)
               SELECT %s, m.id::text, '', %s, m.company_id, '', '', '{}', %s, %s, '' FROM loyalty_membership m""",
            *(source.pk, type_.pk, NOW, NOW),
        )
        arrays.run(
            """INSERT INTO loyalty_evaluation (activity_id, company_id, program_id, facts, metrics)
               SELECT a.id, m.company_id, m.program_id, '{}', jsonb_build_object('spend', b.value::text)
               FROM loyalty_membership m JOIN loyalty_activity a ON a.external_id = m.id::text
               JOIN (SELECT membership_id, sum(value) AS value FROM loyalty_metricbucket GROUP BY 1) AS b
                 ON b.membership_id = m.id"""
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
