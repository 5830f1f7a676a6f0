"""The club's rules as set-based SQL, written by hand for these very rules: the same rows as `record_activities` writes.

It knows what no engine can: that nothing is sent twice, returned, waits or is told to anybody, and what the rules are.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts import arrays
from loyalty.activities import ActivityItem
from loyalty.models import ActivityType, Program, RuleSet
from loyalty.site.bench.clients import ClientError
from loyalty.site.bench.club import Club

_SENT = {
    "n": "bigint",
    "external_id": "text",
    "company_id": "bigint",
    "employee_id": "bigint",
    "object": "text",
    "quantity": "numeric",
    "amount": "numeric",
    "occurred_at": "timestamptz",
}


class ByHand:
    """Records purchases of the club; one a connection."""

    def __init__(self, club: Club) -> None:
        program = Program.objects.get()
        self._known: dict[str, Any] = {
            "source": club.source.pk,
            "type": ActivityType.objects.get().pk,
            "program": program.pk,
            "rule_set": RuleSet.objects.get(program=program).pk,
            "zone": program.time_zone,
        }
        with connection.cursor() as cursor:
            for statement in _TABLES:
                cursor.execute(statement)

    def record(self, items: Sequence[ActivityItem], *, now: datetime) -> None:
        """Record `items`, in their order, in one transaction."""
        rows = [
            (n, i.external_id, i.company_id, i.employee_id, i.object, i.quantity, i.amount, i.occurred_at)
            for n, i in enumerate(items)
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            arrays.insert("bench_sent", _SENT, rows)
            for statement in _STATEMENTS:
                cursor.execute(statement, {**self._known, "now": now})
                if statement is _ACTIVITIES and cursor.rowcount != len(items):
                    raise ClientError(f"{cursor.rowcount} of {len(items)} purchases have all their wallets.")


_TABLES = (
    """CREATE TEMPORARY TABLE bench_sent (
           n bigint, external_id text, company_id bigint, employee_id bigint, object text, quantity numeric,
           amount numeric, occurred_at timestamptz) ON COMMIT DELETE ROWS""",
    """CREATE TEMPORARY TABLE bench_event (
           n bigint, activity_id bigint, evaluation_id bigint, transaction_id bigint, membership_id bigint,
           company_id bigint, employee_id bigint, country text, object text, quantity numeric, amount numeric,
           occurred_at timestamptz, day date, tier_rank int, rank_after int, value_after numeric, wallet_id bigint,
           person_wallet_id bigint, issued_id bigint) ON COMMIT DELETE ROWS""",
    """CREATE TEMPORARY TABLE bench_award (
           id bigint, n bigint, part int, rule_code text, rule_id bigint, wallet_id bigint, raw bigint, granted bigint,
           cap_left_before bigint, subject text, subject_id bigint, period text, period_start date)
       ON COMMIT DELETE ROWS""",
)

_LOCK_MEMBERSHIPS = """
    SELECT count(*) FROM (
        SELECT m.id FROM loyalty_membership m
        WHERE m.program_id = %(program)s AND m.company_id IN (SELECT company_id FROM bench_sent)
        ORDER BY m.id FOR NO KEY UPDATE) AS locked"""

_ACTIVITIES = """
    WITH made AS (
        INSERT INTO loyalty_activity (source_id, external_id, payload_hash, type_id, company_id, employee_id, object,
                                      quantity, amount, currency, attributes, occurred_at, recorded_at,
                                      reverses_external_id)
        SELECT %(source)s, external_id, decode(md5(s::text), 'hex'), %(type)s, company_id, employee_id, object,
               quantity, amount, 'EUR', '{}', occurred_at, %(now)s, ''
        FROM bench_sent s ORDER BY external_id
        ON CONFLICT (source_id, external_id) DO NOTHING RETURNING id, external_id),
    counted AS (
        SELECT m.id, m.company_id, t.rank, coalesce(sum(b.value), 0) AS value FROM loyalty_membership m
        LEFT JOIN loyalty_tierassignment a ON a.membership_id = m.id AND a.ends_at IS NULL
        LEFT JOIN loyalty_tier t ON t.id = a.tier_id
        LEFT JOIN loyalty_metricbucket b
               ON b.membership_id = m.id AND b.metric = 'spend'
                  AND b.month > date_trunc('month', %(now)s AT TIME ZONE %(zone)s) - interval '12 months'
        WHERE m.program_id = %(program)s AND m.company_id IN (SELECT company_id FROM bench_sent) GROUP BY m.id, t.rank),
    reached AS (
        SELECT s.*, made.id AS activity_id, c.id AS membership_id, c.rank,
               c.value + sum(s.amount) OVER (PARTITION BY s.company_id ORDER BY s.n) AS value_after
        FROM bench_sent s JOIN made USING (external_id) JOIN counted c ON c.company_id = s.company_id)
    INSERT INTO bench_event
    SELECT r.n, r.activity_id, nextval('loyalty_evaluation_id_seq'), nextval('loyalty_transaction_id_seq'),
           r.membership_id, r.company_id, r.employee_id, c.country, r.object, r.quantity, r.amount, r.occurred_at,
           (r.occurred_at AT TIME ZONE %(zone)s)::date,
           greatest(r.rank, (SELECT max(rank) FROM loyalty_tier WHERE threshold <= r.value_after - r.amount)),
           greatest(r.rank, (SELECT max(rank) FROM loyalty_tier WHERE threshold <= r.value_after)), r.value_after,
           w.id, p.id, i.id
    FROM (SELECT * FROM reached ORDER BY n) AS r
    JOIN accounts_company c ON c.id = r.company_id
    JOIN loyalty_wallet w ON w.company_id = r.company_id AND w.program_id = %(program)s AND w.employee_id IS NULL
                         AND w.kind = 'AVAILABLE'
    JOIN loyalty_wallet i ON i.company_id = r.company_id AND i.program_id = %(program)s AND i.employee_id IS NULL
                         AND i.kind = 'ISSUED'
    JOIN loyalty_wallet p ON p.company_id = r.company_id AND p.program_id = %(program)s
                         AND p.employee_id = r.employee_id AND p.kind = 'AVAILABLE'"""

_GIVEN = """
    INSERT INTO bench_award (id, n, part, rule_code, rule_id, wallet_id, raw, granted, subject, subject_id, period,
                             period_start)
    SELECT nextval('loyalty_award_id_seq'), g.n, g.part, g.code, u.id, g.wallet_id, g.raw, g.raw, g.subject,
           g.subject_id, g.period, g.period_start
    FROM (SELECT e.n, r.*, CASE r.period WHEN 'MONTH' THEN date_trunc('month', e.day)
                                         WHEN 'WEEK' THEN date_trunc('week', e.day) END::date AS period_start
          FROM bench_event e CROSS JOIN LATERAL (VALUES
              (1, 'rule-0', e.wallet_id, floor(e.amount)::bigint, 'COMPANY', e.company_id, 'MONTH'),
              (2, 'rule-1', e.wallet_id, floor(e.amount)::bigint, NULL, NULL, NULL),
              (3, 'rule-1', e.person_wallet_id, floor(e.amount)::bigint, 'EMPLOYEE', e.employee_id, 'MONTH'),
              (4, 'rule-2', e.wallet_id, 2 * floor(e.quantity)::bigint, NULL, NULL, NULL),
              (5, CASE WHEN e.country IN ('DE', 'AT', 'CH') THEN 'rule-3' END, e.wallet_id, floor(e.amount)::bigint,
               NULL, NULL, NULL),
              (6, CASE WHEN e.tier_rank >= 2 THEN 'rule-4' END, e.wallet_id, floor(e.amount * 0.05)::bigint,
               NULL, NULL, NULL),
              (7, CASE WHEN e.tier_rank >= 3 THEN 'rule-5' END, e.wallet_id, floor(e.amount * 0.05)::bigint,
               NULL, NULL, NULL),
              (8, CASE WHEN substr(e.object, 5)::int < 18 THEN 'rule-' || substr(e.object, 5)::int + 6 END,
               e.wallet_id, 25, CASE WHEN substr(e.object, 5)::int < 4 THEN 'COMPANY' END, e.company_id,
               CASE WHEN substr(e.object, 5)::int < 4 THEN 'WEEK' END)
          ) AS r(part, code, wallet_id, raw, subject, subject_id, period)
          WHERE r.code IS NOT NULL AND r.raw > 0 ORDER BY e.n, r.part) AS g
    JOIN loyalty_rule u ON u.rule_set_id = %(rule_set)s AND u.code = g.code"""

_LOCK_CAPS = """
    INSERT INTO loyalty_capusage (program_id, rule_code, subject, subject_id, period, period_start, object, used,
                                  "limit")
    SELECT %(program)s, k.rule_code, k.subject, k.subject_id, k.period, k.period_start, '', 0, k."limit"
    FROM (SELECT DISTINCT a.rule_code, a.subject, a.subject_id, a.period, a.period_start, c."limit"
          FROM bench_award a JOIN loyalty_rulecap c ON c.rule_id = a.rule_id AND c.subject = a.subject
          UNION
          SELECT '', 'EMPLOYEE', a.subject_id, 'MONTH', a.period_start, s.monthly_limit FROM bench_award a
          JOIN bench_event e USING (n) JOIN loyalty_consent s ON s.membership_id = e.membership_id
          WHERE a.subject = 'EMPLOYEE') AS k
    ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (program_id, rule_code, subject, subject_id, period, period_start, object)
    DO UPDATE SET "limit" = greatest(excluded."limit", loyalty_capusage.used)"""

_LOCK_WALLETS = """
    SELECT count(*) FROM (
        SELECT id FROM loyalty_wallet WHERE id IN (
            SELECT wallet_id FROM bench_event UNION SELECT person_wallet_id FROM bench_event
            UNION SELECT issued_id FROM bench_event)
        ORDER BY id FOR NO KEY UPDATE) AS locked"""

_CUT = """
    UPDATE bench_award a SET cap_left_before = greatest(0, c.room - c.before),
                             granted = least(c.room, c.before + a.raw) - least(c.room, c.before)
    FROM (SELECT a.id, least(u."limit" - u.used, o."limit" - o.used) AS room,
                 sum(a.raw) OVER (PARTITION BY a.rule_code, a.subject, a.subject_id, a.period_start ORDER BY a.id)
                 - a.raw AS before
          FROM bench_award a
          JOIN loyalty_capusage u
            ON (u.program_id, u.rule_code, u.subject, u.subject_id, u.period, u.period_start, u.object)
             = (%(program)s, a.rule_code, a.subject, a.subject_id, a.period, a.period_start, '')
          LEFT JOIN loyalty_capusage o
            ON (o.program_id, o.rule_code, o.subject, o.subject_id, o.period, o.period_start, o.object)
             = (%(program)s, '', a.subject, a.subject_id, a.period, a.period_start, '')
           AND a.subject = 'EMPLOYEE'
         ) AS c WHERE c.id = a.id"""

_EVALUATIONS = """
    INSERT INTO loyalty_evaluation (id, activity_id, company_id, program_id, rule_set_id, facts, metrics)
    SELECT e.evaluation_id, e.activity_id, e.company_id, %(program)s, %(rule_set)s,
           jsonb_build_object('activity.amount', trim_scale(e.amount)::text, 'activity.object', e.object,
                              'company.country', e.country, 'activity.quantity', trim_scale(e.quantity)::text,
                              'employee.may_earn', 'YES', 'standing.tier_rank', e.tier_rank::text),
           jsonb_build_object('spend', trim_scale(e.amount)::text, 'earned', coalesce(a.granted, 0)::text,
                              'orders', '1', 'pieces', trim_scale(e.quantity)::text)
    FROM bench_event e
    LEFT JOIN (SELECT n, sum(granted) AS granted FROM bench_award GROUP BY n) AS a USING (n)"""

_AWARDS = """
    INSERT INTO loyalty_award (id, evaluation_id, activity_id, company_id, program_id, rule_id, rule_code, wallet_id,
                               raw, granted, cap_left_before, from_campaign)
    SELECT a.id, e.evaluation_id, e.activity_id, e.company_id, %(program)s, a.rule_id, a.rule_code, a.wallet_id, a.raw,
           a.granted, a.cap_left_before, 0
    FROM bench_award a JOIN bench_event e USING (n)"""

_TRANSACTIONS = """
    INSERT INTO loyalty_transaction (id, company_id, program_id, kind, activity_id, created_at)
    SELECT transaction_id, company_id, %(program)s, 'EARN', activity_id, %(now)s FROM bench_event"""

_POSTINGS = """
    WITH lot AS (
        INSERT INTO loyalty_lot (wallet_id, available_on, expires_on, earned, remaining, expired)
        SELECT a.wallet_id, e.day, (e.day + interval '24 months')::date, sum(a.granted), sum(a.granted), 0
        FROM bench_award a JOIN bench_event e USING (n) WHERE a.granted > 0 GROUP BY 1, 2, 3
        ON CONFLICT (wallet_id, available_on, expires_on)
        DO UPDATE SET earned = loyalty_lot.earned + excluded.earned,
                      remaining = loyalty_lot.remaining + excluded.remaining
        RETURNING id, wallet_id, available_on)
    INSERT INTO loyalty_posting (company_id, transaction_id, award_id, debit_wallet_id, credit_wallet_id, points,
                                 lot_id, effective_at, created_at)
    SELECT e.company_id, e.transaction_id, a.id, e.issued_id, a.wallet_id, a.granted, l.id, e.occurred_at, %(now)s
    FROM bench_award a JOIN bench_event e USING (n) JOIN lot l ON l.wallet_id = a.wallet_id AND l.available_on = e.day
    WHERE a.granted > 0"""

_CAPS = """
    UPDATE loyalty_capusage u SET used = u.used + c.granted
    FROM (SELECT rule_code, subject, subject_id, period, period_start, sum(granted) AS granted FROM bench_award
          WHERE subject IS NOT NULL GROUP BY 1, 2, 3, 4, 5
          UNION ALL
          SELECT '', subject, subject_id, period, period_start, sum(granted) FROM bench_award
          WHERE subject = 'EMPLOYEE' GROUP BY 1, 2, 3, 4, 5) AS c
    WHERE (u.program_id, u.rule_code, u.subject, u.subject_id, u.period, u.period_start, u.object)
        = (%(program)s, c.rule_code, c.subject, c.subject_id, c.period, c.period_start, '')"""

_METRICS = """
    INSERT INTO loyalty_metricbucket (membership_id, metric, month, value)
    SELECT e.membership_id, m.code, date_trunc('month', e.day)::date, sum(m.value)
    FROM bench_event e
    LEFT JOIN (SELECT n, sum(granted) AS granted FROM bench_award GROUP BY n) AS a USING (n)
    CROSS JOIN LATERAL (VALUES ('spend', e.amount), ('pieces', e.quantity), ('orders', 1),
                               ('earned', coalesce(a.granted, 0))) AS m(code, value)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (membership_id, metric, month) DO UPDATE SET value = loyalty_metricbucket.value + excluded.value"""

_TIERS_END = """
    UPDATE loyalty_tierassignment t SET ends_at = e.occurred_at
    FROM (SELECT DISTINCT ON (membership_id) membership_id, occurred_at FROM bench_event
          WHERE rank_after > tier_rank ORDER BY membership_id, n) AS e
    WHERE t.membership_id = e.membership_id AND t.ends_at IS NULL"""

_TIERS_BEGIN = """
    INSERT INTO loyalty_tierassignment (membership_id, tier_id, source, starts_at, ends_at, evidence)
    SELECT e.membership_id, t.id, 'EARNED', e.occurred_at,
           lead(e.occurred_at) OVER (PARTITION BY e.membership_id ORDER BY e.n),
           jsonb_build_object('metric', 'spend', 'value', trim_scale(e.value_after)::text, 'activity', e.activity_id,
                              'from', date_trunc('month', e.day - interval '11 months')::date,
                              'to', date_trunc('month', e.day)::date)
    FROM bench_event e JOIN loyalty_tier t ON t.program_id = %(program)s AND t.rank = e.rank_after
    WHERE e.rank_after > e.tier_rank"""

_STATEMENTS = (
    _LOCK_MEMBERSHIPS,
    _ACTIVITIES,
    _GIVEN,
    _LOCK_CAPS,
    _LOCK_WALLETS,
    _CUT,
    _EVALUATIONS,
    _AWARDS,
    _TRANSACTIONS,
    _POSTINGS,
    _CAPS,
    _METRICS,
    _TIERS_END,
    _TIERS_BEGIN,
)
