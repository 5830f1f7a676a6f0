"""Expiry as a job: wallets whose lots are past their last day, a portion of them in one statement."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from loyalty import arrays
from loyalty.ledger.sweeping import Swept, lock_in_order, portions, programs_today, tell
from loyalty.ledger.terms import Expiry, idle_until
from loyalty.models import Transaction


@dataclass(frozen=True, slots=True)
class ExpiryResult:
    """How many wallets lost how many points."""

    wallets: int
    points: int


def expire_points(*, now: datetime) -> ExpiryResult:
    """Expire every lot whose last day, in its program's time zone, is over at `now`; safe to run twice or at once.

    Where wallets end by idleness, all lots of those whose last day is over; a wallet that has no last day yet (the
    program did not end wallets before) lasts from today. Each portion of wallets is a transaction of its own, so a
    killed run leaves whole portions.
    """
    wallets = points = 0
    for program, today in programs_today(now):
        ends_idle = program.expiry == Expiry.INACTIVITY
        if ends_idle:
            arrays.run(_BEGIN_TO_COUNT, idle_until(program, today), program.pk)
        idle = [program.pk] if ends_idle else []
        for wallet_ids in portions(_DUE, program.pk, today, today, idle, today):
            with transaction.atomic():
                swept = _expire(wallet_ids, idle, today, now)
            wallets += len(swept)
            points += sum(one.points for one in swept)
    return ExpiryResult(wallets=wallets, points=points)


def _expire(wallet_ids: list[int], idle: list[int], today: date, now: datetime) -> list[Swept]:
    """Expire under locks what is due in wallets; `idle` names their program where it ends wallets by idleness."""
    lock_in_order(_WALLETS, wallet_ids)
    rows = arrays.fetch(_EXPIRE, wallet_ids, today, today, idle, today, Transaction.Kind.EXPIRE, now, now, now)
    swept = [Swept(*row) for row in rows]
    tell(Transaction.Kind.EXPIRE, swept, sign=-1, now=now)
    return swept


_DUE = """
    SELECT id FROM (
        SELECT w.id FROM loyalty_lot l JOIN loyalty_wallet w ON w.id = l.wallet_id
        WHERE w.program_id = %s AND w.kind = 'AVAILABLE' AND l.remaining > 0
          AND l.expires_on < %s AND (l.extended_to < %s) IS NOT FALSE
        UNION
        SELECT w.id FROM loyalty_wallet w
        WHERE w.program_id = ANY(%s) AND w.kind = 'AVAILABLE' AND w.balance > 0 AND w.expires_on < %s) AS due
    ORDER BY id LIMIT %s"""

_BEGIN_TO_COUNT = """
    UPDATE loyalty_wallet SET expires_on = %s
    WHERE id IN (SELECT w.id FROM loyalty_wallet w
                 WHERE w.program_id = %s AND w.kind = 'AVAILABLE' AND w.balance > 0 AND w.expires_on IS NULL
                 ORDER BY w.id FOR NO KEY UPDATE)"""

_WALLETS = """
    SELECT w.id FROM loyalty_wallet w WHERE w.id IN (
        SELECT unnest(own.ids) FROM (
            SELECT ARRAY[o.id, e.id] AS ids FROM loyalty_wallet o
            JOIN loyalty_wallet e ON e.company_id = o.company_id AND e.program_id = o.program_id AND e.kind = 'EXPIRED'
            WHERE o.id = ANY(%s)) AS own)"""

_EXPIRE = """
    WITH due AS MATERIALIZED (
        SELECT l.id, l.wallet_id, l.remaining FROM loyalty_lot l JOIN loyalty_wallet o ON o.id = l.wallet_id
        WHERE l.wallet_id = ANY(%s) AND l.remaining > 0
          AND ((l.expires_on < %s AND (l.extended_to < %s) IS NOT FALSE)
               OR (o.program_id = ANY(%s) AND o.expires_on < %s))),
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
