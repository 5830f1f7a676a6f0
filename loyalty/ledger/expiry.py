"""Expiry as a job: wallets whose lots are past their last day, a portion of them in one statement."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from loyalty import arrays
from loyalty.ledger.sweeping import Swept, days_of_programs, lock_in_order, portions, tell
from loyalty.models import Transaction


@dataclass(frozen=True, slots=True)
class ExpiryResult:
    """How many wallets lost how many points."""

    wallets: int
    points: int


def expire_points(*, now: datetime) -> ExpiryResult:
    """Expire every lot whose last day, in its program's time zone, is over at `now`; safe to run twice or at once.

    Each portion of wallets is a transaction of its own, so a killed run leaves whole portions.
    """
    wallets = points = 0
    for program_id, today in days_of_programs(now):
        for wallet_ids in portions(_DUE, program_id, today):
            with transaction.atomic():
                swept = _expire(wallet_ids, today, now)
            wallets += len(swept)
            points += sum(one.points for one in swept)
    return ExpiryResult(wallets=wallets, points=points)


def _expire(wallet_ids: list[int], today: date, now: datetime) -> list[Swept]:
    lock_in_order(_WALLETS, wallet_ids)
    swept = [Swept(*row) for row in arrays.fetch(_EXPIRE, wallet_ids, today, Transaction.Kind.EXPIRE, now, now, now)]
    tell(Transaction.Kind.EXPIRE, swept, sign=-1, now=now)
    return swept


_DUE = """
    SELECT DISTINCT w.id FROM loyalty_lot l JOIN loyalty_wallet w ON w.id = l.wallet_id
    WHERE w.program_id = %s AND w.kind = 'AVAILABLE' AND l.remaining > 0 AND l.expires_on < %s
    ORDER BY w.id LIMIT %s"""

_WALLETS = """
    SELECT w.id FROM loyalty_wallet w WHERE w.id IN (
        SELECT unnest(own.ids) FROM (
            SELECT ARRAY[o.id, e.id] AS ids FROM loyalty_wallet o
            JOIN loyalty_wallet e ON e.company_id = o.company_id AND e.program_id = o.program_id AND e.kind = 'EXPIRED'
            WHERE o.id = ANY(%s)) AS own)"""

_EXPIRE = """
    WITH due AS MATERIALIZED (
        SELECT l.id, l.wallet_id, l.remaining FROM loyalty_lot l
        WHERE l.wallet_id = ANY(%s) AND l.remaining > 0 AND l.expires_on < %s),
    act AS MATERIALIZED (
        SELECT lost.wallet_id, lost.points, w.company_id, w.program_id, w.employee_id, e.id AS expired_id,
               nextval('loyalty_transaction_id_seq') AS transaction_id, nextval('loyalty_posting_id_seq') AS posting_id
        FROM (SELECT wallet_id, sum(remaining)::bigint AS points FROM due GROUP BY wallet_id ORDER BY wallet_id) AS lost
        JOIN loyalty_wallet w ON w.id = lost.wallet_id
        JOIN loyalty_wallet e ON e.company_id = w.company_id AND e.program_id = w.program_id AND e.kind = 'EXPIRED'),
    emptied AS (
        UPDATE loyalty_lot l SET remaining = 0, expired = l.expired + due.remaining FROM due WHERE l.id = due.id),
    acted AS (
        INSERT INTO loyalty_transaction (id, company_id, program_id, kind, created_at)
        SELECT transaction_id, company_id, program_id, %s, %s FROM act),
    posted AS (
        INSERT INTO loyalty_posting (id, company_id, transaction_id, debit_wallet_id, credit_wallet_id, points,
                                     effective_at, created_at)
        SELECT posting_id, company_id, transaction_id, wallet_id, expired_id, points, %s, %s FROM act),
    used AS (
        INSERT INTO loyalty_lotuse (lot_id, posting_id, points)
        SELECT due.id, act.posting_id, due.remaining FROM due JOIN act ON act.wallet_id = due.wallet_id)
    SELECT transaction_id, program_id, company_id, employee_id, points FROM act ORDER BY transaction_id"""
