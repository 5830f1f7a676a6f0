"""Expiry as a job: wallets whose lots are past their last day, a portion of them at once."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from accounts import arrays
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
        for wallet_ids in portions(_DUE, program.pk, today, idle, today):
            with transaction.atomic():
                swept = _expire(wallet_ids, today, now, ends_idle=ends_idle)
            wallets += len(swept)
            points += sum(one.points for one in swept)
    return ExpiryResult(wallets=wallets, points=points)


def _expire(wallet_ids: list[int], today: date, now: datetime, *, ends_idle: bool) -> list[Swept]:
    """Expire under locks what is due in wallets of one program, which may end wallets by idleness."""
    lock_in_order(_WALLETS, wallet_ids)
    kind, days = Transaction.Kind.EXPIRE, (today, today) if ends_idle else (today,)
    sweep = _SWEEP.replace("{due}", f"({_IS_DUE} OR {_WALLET_IS_OVER})" if ends_idle else _IS_DUE)
    swept = [Swept(*row) for row in arrays.fetch(sweep, wallet_ids, *days, kind, now, now, now)]
    tell(kind, swept, sign=-1, now=now)
    return swept


_DUE = """
    SELECT id FROM (
        SELECT w.id FROM loyalty_lot l JOIN loyalty_wallet w ON w.id = l.wallet_id
        WHERE w.program_id = %s AND w.kind = 'AVAILABLE' AND l.is_open
          AND coalesce(l.extended_to, l.expires_on) < %s
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

_IS_DUE = "coalesce(l.extended_to, l.expires_on) < %s"

_WALLET_IS_OVER = "o.expires_on < %s"
"""Asked only where wallets end: or else every open lot of a wallet would be read to find those that are due."""

# Points of a wallet are put together by grouping, and joined by key alone: nothing here is planned badly for many rows.
_SWEEP = """
    WITH due AS (
        SELECT l.id, l.wallet_id, l.remaining FROM loyalty_lot l JOIN loyalty_wallet o ON o.id = l.wallet_id
        WHERE l.wallet_id = ANY(%s) AND l.is_open AND {due}),
    lost AS (
        UPDATE loyalty_lot l SET expired = l.expired + l.remaining, remaining = 0 FROM due
        WHERE l.id = due.id RETURNING l.id, l.wallet_id, due.remaining AS points),
    swept AS MATERIALIZED (
        SELECT wallet_id, sum(points)::bigint AS points, array_agg(id ORDER BY id) AS lots,
               array_agg(points ORDER BY id) AS parts, nextval('loyalty_transaction_id_seq') AS transaction_id,
               nextval('loyalty_posting_id_seq') AS posting_id
        FROM lost GROUP BY wallet_id),
    owned AS MATERIALIZED (
        SELECT s.*, w.company_id, w.program_id, w.employee_id, e.id AS expired_id FROM swept s
        JOIN loyalty_wallet w ON w.id = s.wallet_id
        JOIN loyalty_wallet e ON e.company_id = w.company_id AND e.program_id = w.program_id
                             AND e.employee_id IS NULL AND e.kind = 'EXPIRED'),
    act AS (
        INSERT INTO loyalty_transaction (id, company_id, program_id, kind, created_at)
        SELECT transaction_id, company_id, program_id, %s, %s FROM owned),
    posting AS (
        INSERT INTO loyalty_posting (id, company_id, transaction_id, debit_wallet_id, credit_wallet_id, points,
                                     effective_at, created_at)
        SELECT posting_id, company_id, transaction_id, wallet_id, expired_id, points, %s, %s FROM owned),
    used AS (
        INSERT INTO loyalty_lotuse (lot_id, posting_id, points)
        SELECT u.lot_id, s.posting_id, u.points FROM swept s, unnest(s.lots, s.parts) AS u(lot_id, points))
    SELECT transaction_id, program_id, company_id, employee_id, points FROM owned ORDER BY wallet_id"""
