"""The ledger's laws as queries: what `verify_ledger` checks over all data."""

from accounts import laws
from accounts.laws import Law
from loyalty.activities.limits import CAMPAIGN, PROMOTION
from loyalty.earning import PROMOTIONS
from loyalty.facts import DAY

_LAWS = (
    Law(
        "L1",
        "a posting moves points between two wallets of one company and program",
        """SELECT p.id FROM loyalty_posting p
           LEFT JOIN loyalty_wallet d ON d.id = p.debit_wallet_id
           LEFT JOIN loyalty_wallet c ON c.id = p.credit_wallet_id
           LEFT JOIN loyalty_transaction t ON t.id = p.transaction_id
           WHERE (p.points > 0 AND d.id <> c.id AND d.company_id = p.company_id AND c.company_id = p.company_id
                  AND t.company_id = p.company_id AND d.program_id = c.program_id AND t.program_id = d.program_id)
                 IS NOT TRUE""",
    ),
    Law(
        "L2a",
        "a wallet's balance is the sum of its postings, and points last came to it with the latest of them",
        """SELECT w.id, w.balance, coalesce(m.points, 0), w.received_at, m.received_at FROM loyalty_wallet w
           LEFT JOIN (SELECT wallet_id, sum(points) AS points, max(received_at) AS received_at FROM (
                          SELECT debit_wallet_id AS wallet_id, -points AS points, NULL AS received_at
                          FROM loyalty_posting
                          UNION ALL SELECT credit_wallet_id, points, effective_at FROM loyalty_posting) AS legs
                      GROUP BY wallet_id) AS m ON m.wallet_id = w.id
           WHERE w.balance <> coalesce(m.points, 0) OR w.received_at IS DISTINCT FROM m.received_at""",
    ),
    Law(
        "L2b",
        "available, pending, spent and expired are never below 0, debt and issued never above",
        """SELECT id, kind, balance FROM loyalty_wallet
           WHERE (kind IN ('AVAILABLE', 'PENDING', 'SPENT', 'EXPIRED') AND balance < 0)
              OR (kind IN ('DEBT', 'ISSUED') AND balance > 0)""",
    ),
    Law(
        "L2c",
        "a company's wallets sum to 0 in every program",
        """SELECT company_id, program_id, sum(balance) FROM loyalty_wallet
           GROUP BY company_id, program_id HAVING sum(balance) <> 0""",
    ),
    Law(
        "L3",
        "every transaction of an activity belongs to an evaluation of it, and every award to its evaluation",
        """SELECT t.id FROM loyalty_transaction t
           LEFT JOIN loyalty_evaluation e ON e.activity_id = t.activity_id AND e.program_id = t.program_id
           WHERE t.activity_id IS NOT NULL AND e.id IS NULL
           UNION ALL
           SELECT a.id FROM loyalty_award a LEFT JOIN loyalty_evaluation e ON e.id = a.evaluation_id
           WHERE (e.activity_id = a.activity_id AND e.company_id = a.company_id AND e.program_id = a.program_id)
                 IS NOT TRUE""",
    ),
    Law(
        "L4",
        "a lot has left what it earned less what was used of it, and never gave more than it held",
        """SELECT l.id, l.earned, l.remaining, l.expired FROM loyalty_lot l
           LEFT JOIN (SELECT lot_id, sum(points) AS points FROM loyalty_lotuse GROUP BY lot_id) AS u ON u.lot_id = l.id
           LEFT JOIN (SELECT p.lot_id, sum(p.points) AS points FROM loyalty_posting p
                      JOIN loyalty_wallet d ON d.id = p.debit_wallet_id AND d.kind IN ('ISSUED', 'PENDING', 'AVAILABLE')
                      WHERE p.lot_id IS NOT NULL GROUP BY p.lot_id) AS f ON f.lot_id = l.id
           WHERE l.remaining NOT BETWEEN 0 AND l.earned OR l.remaining <> l.earned - coalesce(u.points, 0)
              OR l.earned <> coalesce(f.points, 0)""",
    ),
    Law(
        "L4x",
        "a lot's expired points are those that expiry took less those that returns took back",
        """SELECT l.id, l.expired FROM loyalty_lot l
           LEFT JOIN (SELECT u.lot_id, sum(u.points) AS points FROM loyalty_lotuse u
                      JOIN loyalty_posting p ON p.id = u.posting_id
                      JOIN loyalty_wallet c ON c.id = p.credit_wallet_id AND c.kind = 'EXPIRED'
                      GROUP BY u.lot_id) AS lost ON lost.lot_id = l.id
           LEFT JOIN (SELECT p.lot_id, sum(p.points) AS points FROM loyalty_posting p
                      JOIN loyalty_wallet d ON d.id = p.debit_wallet_id AND d.kind = 'EXPIRED'
                      WHERE p.lot_id IS NOT NULL GROUP BY p.lot_id) AS back ON back.lot_id = l.id
           WHERE l.expired <> coalesce(lost.points, 0) - coalesce(back.points, 0)""",
    ),
    Law(
        "L5",
        "no more is taken back of an award than was granted, and as much as its reversing postings say",
        """SELECT r.award_id, r.reversed, coalesce(p.points, 0) FROM loyalty_awardreversal r
           JOIN loyalty_award a ON a.id = r.award_id
           LEFT JOIN (SELECT award_id, sum(points) AS points FROM loyalty_posting
                      WHERE reverses_id IS NOT NULL AND award_id IS NOT NULL GROUP BY award_id) AS p
                  ON p.award_id = r.award_id
           WHERE r.reversed > a.granted OR r.granted <> a.granted OR r.reversed <> coalesce(p.points, 0)""",
    ),
    Law(
        "L5b",
        "an award's granted points were posted, once",
        """SELECT a.id, a.granted, coalesce(p.points, 0) FROM loyalty_award a
           LEFT JOIN (SELECT award_id, sum(points) AS points FROM loyalty_posting
                      WHERE reverses_id IS NULL AND award_id IS NOT NULL GROUP BY award_id) AS p ON p.award_id = a.id
           WHERE a.granted <> coalesce(p.points, 0)""",
    ),
    Law(
        "L6",
        "what is left in a wallet's lots is the wallet's balance",
        """SELECT w.id, w.balance, coalesce(l.remaining, 0) FROM loyalty_wallet w
           LEFT JOIN (SELECT wallet_id, sum(remaining) AS remaining FROM loyalty_lot GROUP BY wallet_id) AS l
                  ON l.wallet_id = w.id
           WHERE w.kind IN ('AVAILABLE', 'PENDING') AND w.balance <> coalesce(l.remaining, 0)""",
    ),
    Law(
        "L8",
        "what waits in a lot was earned into it, and neither taken back nor confirmed; what does not wait has its day",
        """SELECT 'waits', l.id, l.remaining, coalesce(e.points, 0) FROM loyalty_lot l
           JOIN loyalty_wallet w ON w.id = l.wallet_id AND w.kind = 'PENDING'
           LEFT JOIN (SELECT p.lot_id, sum(a.granted - coalesce(r.reversed, 0)) AS points FROM loyalty_posting p
                      JOIN loyalty_award a ON a.id = p.award_id
                      LEFT JOIN loyalty_awardreversal r ON r.award_id = a.id
                      LEFT JOIN loyalty_confirmation c ON c.activity_id = a.activity_id AND c.program_id = a.program_id
                      WHERE p.reverses_id IS NULL AND p.lot_id IS NOT NULL AND c.id IS NULL GROUP BY p.lot_id) AS e
                  ON e.lot_id = l.id
           WHERE l.remaining > coalesce(e.points, 0)
           UNION ALL
           SELECT 'no day', l.id, l.remaining, 0 FROM loyalty_lot l
           JOIN loyalty_wallet w ON w.id = l.wallet_id AND w.kind <> 'PENDING' WHERE l.available_on IS NULL""",
    ),
    Law(
        "L8x",
        "what was confirmed was released by an act of its own, out of waiting points, to its company in its program",
        """SELECT c.id FROM loyalty_confirmation c
           LEFT JOIN loyalty_transaction t ON t.id = c.transaction_id
           LEFT JOIN loyalty_activity a ON a.id = c.activity_id
           WHERE (t.kind = 'RELEASE' AND t.company_id = c.company_id AND t.program_id = c.program_id
                  AND a.company_id = c.company_id) IS NOT TRUE
           UNION ALL
           SELECT t.id FROM loyalty_transaction t WHERE t.kind = 'RELEASE' AND NOT EXISTS (
               SELECT FROM loyalty_posting p JOIN loyalty_wallet d ON d.id = p.debit_wallet_id
               WHERE p.transaction_id = t.id AND d.kind = 'PENDING')""",
    ),
    Law(
        "L7",
        "no return waits beside its original, and each that was applied undoes what it names, of its own company",
        """SELECT 'waits', r.id, o.id FROM loyalty_returnlink l
           JOIN loyalty_activity r ON r.id = l.activity_id
           JOIN loyalty_activity o ON o.source_id = r.source_id AND o.external_id = r.reverses_external_id
                                  AND o.company_id = r.company_id
           WHERE l.awaited_source_id IS NOT NULL
           UNION ALL
           SELECT 'names', l.activity_id, l.original_id FROM loyalty_returnlink l
           LEFT JOIN loyalty_activity r ON r.id = l.activity_id
           LEFT JOIN loyalty_activity o ON o.id = l.original_id
           WHERE (l.applied_at IS NOT NULL
                  AND (o.source_id = r.source_id AND o.external_id = r.reverses_external_id
                       AND o.company_id = r.company_id AND o.reverses_external_id = '') IS NOT TRUE)
              OR (l.awaited_source_id IS NOT NULL
                  AND (l.awaited_source_id = r.source_id AND l.awaited_external_id = r.reverses_external_id)
                      IS NOT TRUE)""",
    ),
    Law(
        "L7x",
        "every return was applied, waits or was refused, and took something only where it was applied",
        """SELECT 'return', a.id FROM loyalty_activity a LEFT JOIN loyalty_returnlink l ON l.activity_id = a.id
           WHERE a.reverses_external_id <> '' AND l.activity_id IS NULL
           UNION ALL
           SELECT 'took', e.activity_id FROM loyalty_returnlink l
           JOIN loyalty_evaluation e ON e.activity_id = l.activity_id WHERE l.applied_at IS NULL""",
    ),
    Law(
        "D1",
        "a closed day moved as many points as its postings did",
        """WITH closed AS (SELECT program_id, max(day) AS day FROM loyalty_bookday GROUP BY program_id),
           moved AS (
               SELECT d.program_id, (p.created_at AT TIME ZONE g.time_zone)::date AS day,
                      sum(p.points * ((c.kind IN ('AVAILABLE', 'PENDING', 'DEBT'))::int
                                      - (d.kind IN ('AVAILABLE', 'PENDING', 'DEBT'))::int)) AS points
               FROM loyalty_posting p JOIN loyalty_wallet d ON d.id = p.debit_wallet_id
               JOIN loyalty_wallet c ON c.id = p.credit_wallet_id JOIN loyalty_program g ON g.id = d.program_id
               JOIN closed ON closed.program_id = g.id AND (p.created_at AT TIME ZONE g.time_zone)::date <= closed.day
               GROUP BY 1, 2)
           SELECT coalesce(b.program_id, m.program_id), coalesce(b.day, m.day), m.points
           FROM loyalty_bookday b FULL JOIN moved m ON m.program_id = b.program_id AND m.day = b.day
           WHERE coalesce(b.available + b.waiting + b.debt - b.opening, 0) <> coalesce(m.points, 0)""",
    ),
    Law(
        "D2",
        "every closed day begins as the one before it closed, and none is missing",
        """SELECT program_id, day, opening, before FROM (
               SELECT program_id, day, opening, lag(available + waiting + debt) OVER days AS before,
                      lag(day) OVER days AS day_before
               FROM loyalty_bookday WINDOW days AS (PARTITION BY program_id ORDER BY day)) AS chained
           WHERE opening <> coalesce(before, 0) OR day <> day_before + 1""",
    ),
    Law(
        "C1",
        "no limit lets through more than it says",
        'SELECT id, used, "limit" FROM loyalty_capusage WHERE used < 0 OR used > "limit"',
    ),
    Law(
        "C2",
        "the counter of a campaign's budget is what the campaign added, without what returns gave back",
        f"""SELECT u.id, u.used, coalesce(c.points, 0) FROM loyalty_capusage u
           LEFT JOIN (SELECT a.program_id, c.code,
                             sum(a.from_campaign
                                 - div(a.from_campaign::numeric * coalesce(r.reversed, 0), a.granted)) AS points
                      FROM loyalty_award a
                      JOIN loyalty_evaluation e ON e.id = a.evaluation_id
                      JOIN loyalty_rule w ON w.id = a.rule_id
                      JOIN loyalty_campaign c
                        ON c.rule_set_id = w.rule_set_id AND c.budget IS NOT NULL
                           AND w.formula #> '{{multipliers,campaigns}}' ? c.code
                           AND (e.facts ->> '{DAY}')::date BETWEEN c.starts_on AND c.ends_on
                      LEFT JOIN loyalty_awardreversal r ON r.award_id = a.id
                      WHERE a.from_campaign > 0 GROUP BY a.program_id, c.code) AS c
                  ON c.program_id = u.program_id AND '{CAMPAIGN}' || c.code = u.rule_code
           WHERE u.rule_code LIKE '{CAMPAIGN}%' AND u.used <> coalesce(c.points, 0)""",  # noqa: S608 (names are code)
    ),
    Law(
        "C3",
        "the counter of a promotion's budget is what the promotion added, without what returns gave back",
        f"""SELECT u.id, u.used, coalesce(c.points, 0) FROM loyalty_capusage u
           LEFT JOIN (SELECT o.promotion_id,
                             sum(o.points - div(o.points::numeric * coalesce(r.reversed, 0), a.granted)) AS points
                      FROM loyalty_promotedaward o JOIN loyalty_award a ON a.id = o.award_id
                      LEFT JOIN loyalty_awardreversal r ON r.award_id = a.id
                      GROUP BY o.promotion_id) AS c
                  ON '{PROMOTION}' || c.promotion_id = u.rule_code
           WHERE u.rule_code LIKE '{PROMOTION}%' AND u.used <> coalesce(c.points, 0)""",  # noqa: S608 (names are code)
    ),
    Law(
        "B1",
        "no quota of a benefit is passed, and each counts the uses of its period",
        """SELECT q.id, q.used, q."limit", count(u.id) FROM loyalty_benefitquota q
           LEFT JOIN loyalty_benefituse u
                  ON u.membership_id = q.membership_id AND u.benefit_id = q.benefit_id
                     AND u.grant_id IS NOT DISTINCT FROM q.grant_id AND u.period_start = q.period_start
                     AND u.is_for_company = (q.employee_id IS NULL)
                     AND (u.is_for_company OR u.employee_id = q.employee_id)
           GROUP BY q.id HAVING q.used NOT BETWEEN 0 AND q."limit" OR q.used <> count(u.id)""",
    ),
    Law(
        "I1",
        "an external id stands once a source, and an activity is judged once a program and pays a wallet once a rule",
        """SELECT 'activity', min(id), count(*) FROM loyalty_activity
           GROUP BY source_id, external_id HAVING count(*) > 1
           UNION ALL
           SELECT 'evaluation', min(id), count(*) FROM loyalty_evaluation
           GROUP BY activity_id, program_id HAVING count(*) > 1
           UNION ALL
           SELECT 'award', min(id), count(*) FROM loyalty_award
           GROUP BY activity_id, rule_code, wallet_id, instead_of_id HAVING count(*) > 1""",
    ),
    Law(
        "A1p",
        "points by hand moved as many points as they say, by an act of their own, and none that was refused",
        """SELECT a.id, a.points, m.points FROM loyalty_adjustment a
           LEFT JOIN (SELECT p.transaction_id, sum(CASE WHEN d.kind = 'ISSUED' THEN p.points
                                                        WHEN c.kind = 'ISSUED' THEN -p.points ELSE 0 END) AS points
                      FROM loyalty_posting p
                      JOIN loyalty_wallet d ON d.id = p.debit_wallet_id
                      JOIN loyalty_wallet c ON c.id = p.credit_wallet_id
                      GROUP BY p.transaction_id) AS m ON m.transaction_id = a.transaction_id
           LEFT JOIN accounts_approval o ON o.id = a.approval_id
           WHERE (a.state = 'POSTED'
                  AND (m.points IS DISTINCT FROM a.points OR coalesce(o.state, 'APPROVED') <> 'APPROVED'))
              OR (a.state = 'WAITING' AND o.state <> 'WAITING') OR (a.state = 'REJECTED' AND o.state <> 'REJECTED')
           UNION ALL
           SELECT t.id, 0, NULL FROM loyalty_transaction t
           LEFT JOIN loyalty_adjustment a ON a.transaction_id = t.id WHERE t.kind = 'ADJUST' AND a.id IS NULL""",
    ),
    Law(
        "A1t",
        "points passed on went from one wallet to the other, as many as is said, and none without a word",
        """SELECT x.id, x.points, m.points FROM loyalty_transfer x
           LEFT JOIN (SELECT p.transaction_id, d.employee_id AS giver, c.employee_id AS taker, sum(p.points) AS points
                      FROM loyalty_posting p
                      JOIN loyalty_wallet d ON d.id = p.debit_wallet_id AND d.kind = 'AVAILABLE'
                      JOIN loyalty_wallet c ON c.id = p.credit_wallet_id AND c.kind = 'AVAILABLE'
                      GROUP BY p.transaction_id, d.employee_id, c.employee_id) AS m
                  ON m.transaction_id = x.transaction_id
           WHERE (m.points = x.points AND m.giver IS NOT DISTINCT FROM CASE WHEN x.is_to_company THEN x.employee_id END
                  AND m.taker IS NOT DISTINCT FROM CASE WHEN NOT x.is_to_company THEN x.employee_id END) IS NOT TRUE
           UNION ALL
           SELECT t.id, 0, NULL FROM loyalty_transaction t
           LEFT JOIN loyalty_transfer x ON x.transaction_id = t.id WHERE t.kind = 'TRANSFER' AND x.id IS NULL""",
    ),
    Law(
        "A1e",
        "a lot lasts longer only where somebody gave it more time, up to the latest day given, and nobody agreed alone",
        """SELECT 'lot', l.id FROM loyalty_lot l
           LEFT JOIN (SELECT lot_id, max(last_day) AS last_day FROM loyalty_extendedlot GROUP BY lot_id) AS e
                  ON e.lot_id = l.id
           WHERE (l.extended_to IS NOT NULL OR e.lot_id IS NOT NULL) AND l.extended_to IS DISTINCT FROM e.last_day
           UNION ALL
           SELECT 'state', x.id FROM loyalty_extension x LEFT JOIN accounts_approval o ON o.id = x.approval_id
           WHERE coalesce(o.state, 'APPROVED') <> CASE x.state WHEN 'POSTED' THEN 'APPROVED' ELSE x.state END
           UNION ALL
           SELECT 'waits', e.id FROM loyalty_extendedlot e
           JOIN loyalty_extension x ON x.id = e.extension_id WHERE x.state <> 'POSTED'""",
    ),
    Law(
        "M1",
        "a metric's months add up to what evaluations put in and returns took out, and people's activities do",
        """WITH e AS (SELECT company_id, program_id, entry.key AS metric, sum(entry.value::numeric) AS value
                      FROM loyalty_evaluation, jsonb_each_text(metrics) AS entry GROUP BY 1, 2, 3),
                p AS (SELECT program_id, code AS metric FROM loyalty_metric WHERE measure = 'PEOPLE'),
                kept AS (SELECT b.membership_id, b.metric, b.value FROM loyalty_metricbucket b
                         JOIN loyalty_membership m ON m.id = b.membership_id
                         WHERE (m.program_id, b.metric) NOT IN (SELECT program_id, metric FROM p)
                         UNION ALL SELECT membership_id, metric, count FROM loyalty_metricperson)
           SELECT b.company_id, b.program_id, b.metric, b.value, coalesce(e.value, 0) FROM (
               SELECT m.company_id, m.program_id, k.metric, sum(k.value) AS value FROM kept k
               JOIN loyalty_membership m ON m.id = k.membership_id
               GROUP BY m.company_id, m.program_id, k.metric) AS b
           LEFT JOIN e ON (e.company_id, e.program_id, e.metric) = (b.company_id, b.program_id, b.metric)
           WHERE b.value <> coalesce(e.value, 0)""",
    ),
    Law(
        "M2",
        "where a metric counts people, a month's value is the number of those who did something in it",
        """SELECT b.membership_id, b.metric, b.month, b.value, coalesce(p.people, 0) FROM loyalty_metricbucket b
           JOIN loyalty_membership m ON m.id = b.membership_id
           JOIN loyalty_metric c ON c.program_id = m.program_id AND c.code = b.metric AND c.measure = 'PEOPLE'
           LEFT JOIN (SELECT membership_id, metric, month, count(*) AS people FROM loyalty_metricperson
                      WHERE count > 0 GROUP BY membership_id, metric, month) AS p
                  ON (p.membership_id, p.metric, p.month) = (b.membership_id, b.metric, b.month)
           WHERE b.value <> coalesce(p.people, 0)""",
    ),
    Law(
        "G2",
        "an activity is judged by an agreement of its own company in its program alone, that a second person approved",
        """SELECT e.id, e.agreement_id FROM loyalty_evaluation e
           LEFT JOIN loyalty_agreement a ON a.id = e.agreement_id
           LEFT JOIN loyalty_membership m ON m.id = a.membership_id
           LEFT JOIN accounts_approval p ON p.id = a.approval_id
           WHERE e.agreement_id IS NOT NULL
             AND ((m.company_id, m.program_id) = (e.company_id, e.program_id)
                  AND a.status IN ('ACTIVE', 'ENDED') AND p.state = 'APPROVED') IS NOT TRUE""",
    ),
    Law(
        "G3",
        "a promotion adds to what its own company, or its person, gets while it holds, and a second person approved it",
        f"""SELECT 'held', e.id, p.id FROM loyalty_evaluation e
           CROSS JOIN LATERAL jsonb_array_elements(e.facts -> '{PROMOTIONS}') AS held(id)
           JOIN loyalty_activity a ON a.id = e.activity_id
           LEFT JOIN loyalty_personalpromotion p ON p.id = held.id::bigint
           LEFT JOIN loyalty_membership m ON m.id = p.membership_id
           LEFT JOIN accounts_approval o ON o.id = p.approval_id
           WHERE e.facts ? '{PROMOTIONS}'
             AND ((m.company_id, m.program_id) = (e.company_id, e.program_id) AND p.state = 'APPROVED'
                  AND o.state = 'APPROVED' AND p.starts_at <= a.occurred_at) IS NOT TRUE
           UNION ALL
           SELECT 'added', o.award_id, o.promotion_id FROM loyalty_promotedaward o
           LEFT JOIN loyalty_award a ON a.id = o.award_id LEFT JOIN loyalty_evaluation e ON e.id = a.evaluation_id
           LEFT JOIN loyalty_wallet w ON w.id = a.wallet_id
           LEFT JOIN loyalty_personalpromotion p ON p.id = o.promotion_id
           WHERE (o.points + a.from_campaign <= a.granted AND o.company_id = a.company_id
                  AND e.facts -> '{PROMOTIONS}' @> to_jsonb(o.promotion_id)
                  AND (p.employee_id IS NULL OR p.employee_id = w.employee_id)) IS NOT TRUE""",  # noqa: S608
    ),
    Law(
        "T2",
        "a tier that rests on a title is that of the title, in its time, and in the membership's program",
        """SELECT 'title', t.id FROM loyalty_tiertitle t
           JOIN loyalty_membership m ON m.id = t.membership_id JOIN loyalty_tier r ON r.id = t.tier_id
           WHERE m.program_id <> r.program_id
           UNION ALL
           SELECT 'held', a.id FROM loyalty_tierassignment a JOIN loyalty_tiertitle t ON t.id = a.title_id
           WHERE (a.membership_id, a.tier_id, a.source) <> (t.membership_id, t.tier_id, t.source)
              OR a.starts_at < t.starts_at OR (a.ends_at > t.ends_at AND a.ends_at <> a.starts_at)
           UNION ALL
           SELECT 'beneath', a.id FROM loyalty_tierassignment a
           JOIN loyalty_tier h ON h.id = a.tier_id JOIN loyalty_tier b ON b.id = a.beneath_id
           WHERE a.ends_at IS NULL AND a.title_id IS NOT NULL AND b.rank > h.rank""",
    ),
    Law(
        "T3",
        "a tier for a fee is paid up to where its payments reach, each for what was agreed",
        """SELECT t.id, t.paid_through, p.paid_to FROM loyalty_tiertitle t
           LEFT JOIN (SELECT title_id, max(paid_to) AS paid_to, min(paid_from) AS paid_from, count(*) AS payments
                      FROM loyalty_tierpayment GROUP BY title_id) AS p ON p.title_id = t.id
           WHERE (t.source = 'PAID' AND p.paid_to IS NOT NULL AND t.paid_through <> p.paid_to)
              OR (t.source <> 'PAID' AND p.payments > 0)
           UNION ALL
           SELECT p.title_id, p.paid_from, p.paid_to FROM loyalty_tierpayment p
           JOIN loyalty_tiertitle t ON t.id = p.title_id
           WHERE (p.amount, p.currency) <> (t.fee, t.currency)""",
    ),
)


def register() -> None:
    """Make the laws known to `verify_ledger`."""
    laws.register(*_LAWS)
