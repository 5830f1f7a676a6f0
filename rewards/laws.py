"""The laws of stock and redemptions as queries."""

from accounts import laws
from accounts.laws import Law

_LAWS = (
    Law(
        "R1",
        "pieces taken are those of redemptions that stand, never more than stock movements brought",
        """SELECT s.reward_id, s.total, s.taken, coalesce(r.taken, 0), coalesce(m.total, 0) FROM rewards_rewardstock s
           LEFT JOIN (SELECT reward_id, count(*) AS taken FROM rewards_redemption
                      WHERE state NOT IN ('CANCELLED', 'REJECTED')
                      GROUP BY reward_id) AS r ON r.reward_id = s.reward_id
           LEFT JOIN (SELECT stock_id, sum(pieces) AS total FROM rewards_stockmovement
                      GROUP BY stock_id) AS m ON m.stock_id = s.reward_id
           WHERE s.taken NOT BETWEEN 0 AND s.total OR s.taken <> coalesce(r.taken, 0)
              OR s.total <> coalesce(m.total, 0)""",
    ),
    Law(
        "R3",
        "a redemption has one debit of its price, of it the company's share; an ended one also one credit of both",
        """WITH spent AS (
               SELECT p.transaction_id, p.debit_wallet_id AS wallet_id, p.points FROM loyalty_posting p
               JOIN loyalty_wallet w ON w.id = p.credit_wallet_id AND w.kind = 'SPENT'),
           back AS (
               SELECT p.transaction_id, p.credit_wallet_id AS wallet_id, p.points FROM loyalty_posting p
               JOIN loyalty_wallet w ON w.id = p.debit_wallet_id AND w.kind = 'SPENT'),
           paid AS (
               SELECT r.id, sum(s.points) AS points, sum(s.points) FILTER (WHERE s.wallet_id = r.company_wallet_id)
                      AS company FROM rewards_redemption r JOIN spent s ON s.transaction_id = r.debit_id GROUP BY r.id),
           repaid AS (
               SELECT r.id, sum(b.points) AS points, sum(b.points) FILTER (WHERE b.wallet_id = r.company_wallet_id)
                      AS company FROM rewards_redemption r JOIN back b ON b.transaction_id = r.credit_id GROUP BY r.id)
           SELECT r.id, r.points, r.company_points, paid.points, paid.company, repaid.points, repaid.company
           FROM rewards_redemption r LEFT JOIN paid ON paid.id = r.id LEFT JOIN repaid ON repaid.id = r.id
           WHERE paid.points IS DISTINCT FROM r.points OR coalesce(paid.company, 0) <> r.company_points
              OR (r.state IN ('CANCELLED', 'REJECTED') AND (repaid.points IS DISTINCT FROM r.points
                                                            OR coalesce(repaid.company, 0) <> r.company_points))
              OR (r.state NOT IN ('CANCELLED', 'REJECTED') AND r.credit_id IS NOT NULL)""",
    ),
    Law(
        "R4",
        "a redemption's state is the last of its steps, which began with its request and left none out",
        """SELECT r.id, r.state, s.states FROM rewards_redemption r
           LEFT JOIN (SELECT redemption_id, array_agg(state::text ORDER BY id) AS states, min(at) AS began_at,
                             max(at) AS ended_at FROM rewards_redemptionstep GROUP BY redemption_id) AS s
                  ON s.redemption_id = r.id
           WHERE s.states IS NULL OR s.states[1] <> 'REQUESTED' OR s.states[cardinality(s.states)] <> r.state
              OR s.began_at <> r.placed_at
              OR (r.state IN ('ORDERED', 'DELIVERED') AND NOT 'APPROVED' = ANY(s.states))
              OR (r.state = 'DELIVERED' AND NOT 'ORDERED' = ANY(s.states))
              OR (r.refunded_at IS NOT NULL AND s.ended_at <> r.refunded_at)""",
    ),
    Law(
        "R5",
        "what a redemption asked of its company waits, was approved or was refused as the redemption says",
        """SELECT r.id, r.state, a.id, a.state FROM rewards_redemption r
           JOIN accounts_approval a ON a.id = r.approval_id
           WHERE a.kind <> 'redemption' OR a.subject_id <> r.id OR a.company_id IS DISTINCT FROM r.company_id
              OR (a.state = 'WAITING') <> (r.state = 'REQUESTED')
              OR (a.state = 'APPROVED') <> EXISTS (SELECT 1 FROM rewards_redemptionstep s
                                                   WHERE s.redemption_id = r.id AND s.state = 'CLIENT_APPROVED')
              OR (a.state = 'REJECTED' AND r.state <> 'REJECTED')""",
    ),
)


def register() -> None:
    """Make the laws known to `verify_ledger`."""
    laws.register(*_LAWS)
