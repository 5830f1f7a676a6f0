"""The laws of stock and redemptions as queries."""

from accounts import laws
from accounts.laws import Law

_LAWS = (
    Law(
        "R1",
        "pieces taken are those of redemptions that stand, never more than stock movements brought",
        """SELECT s.reward_id, s.total, s.taken, coalesce(r.taken, 0), coalesce(m.total, 0) FROM rewards_rewardstock s
           LEFT JOIN (SELECT reward_id, count(*) AS taken FROM rewards_redemption WHERE state <> 'CANCELLED'
                      GROUP BY reward_id) AS r ON r.reward_id = s.reward_id
           LEFT JOIN (SELECT stock_id, sum(pieces) AS total FROM rewards_stockmovement
                      GROUP BY stock_id) AS m ON m.stock_id = s.reward_id
           WHERE s.taken NOT BETWEEN 0 AND s.total OR s.taken <> coalesce(r.taken, 0)
              OR s.total <> coalesce(m.total, 0)""",
    ),
    Law(
        "R3",
        "a redemption has one debit of its price, a cancelled one also one credit of it",
        """SELECT r.id, r.points, d.points, c.points FROM rewards_redemption r
           LEFT JOIN (SELECT p.transaction_id, sum(p.points) AS points FROM loyalty_posting p
                      JOIN loyalty_wallet w ON w.id = p.credit_wallet_id AND w.kind = 'SPENT'
                      GROUP BY p.transaction_id) AS d ON d.transaction_id = r.debit_id
           LEFT JOIN (SELECT p.transaction_id, sum(p.points) AS points FROM loyalty_posting p
                      JOIN loyalty_wallet w ON w.id = p.debit_wallet_id AND w.kind = 'SPENT'
                      GROUP BY p.transaction_id) AS c ON c.transaction_id = r.credit_id
           WHERE d.points IS DISTINCT FROM r.points
              OR (r.state = 'CANCELLED' AND c.points IS DISTINCT FROM r.points)
              OR (r.state <> 'CANCELLED' AND r.credit_id IS NOT NULL)""",
    ),
)


def register() -> None:
    """Make the laws known to `verify_ledger`."""
    laws.register(*_LAWS)
