"""Expiry as a job: wallets whose lots are past their last day, a portion of them at once."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from loyalty import arrays
from loyalty.ledger.sweeping import (
    Swept,
    lock_in_order,
    portions,
    programs_today,
    tell,
    write_acts,
    write_postings,
    write_uses,
)
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
    lots = arrays.fetch(_LOTS, wallet_ids, today, today, idle, today)
    lost: dict[int, int] = {}
    for _lot_id, wallet_id, points in lots:
        lost[wallet_id] = lost.get(wallet_id, 0) + points
    owners = arrays.fetch(_OWNERS, list(lost))
    ids = arrays.draw_ids(loyalty_transaction=len(owners), loyalty_posting=len(owners), loyalty_lotuse=len(lots))
    swept = [
        Swept(act_id, program_id, company_id, employee_id, lost[wallet_id])
        for act_id, (wallet_id, _into, company_id, program_id, employee_id) in zip(
            ids["loyalty_transaction"], owners, strict=True
        )
    ]
    postings = {owner[0]: posting_id for owner, posting_id in zip(owners, ids["loyalty_posting"], strict=True)}
    arrays.run(
        "UPDATE loyalty_lot SET expired = expired + remaining, remaining = 0 WHERE id = ANY(%s)",
        [lot[0] for lot in lots],
    )
    write_acts(Transaction.Kind.EXPIRE, swept, now)
    write_postings(
        [
            (postings[owner[0]], one.company_id, one.transaction_id, owner[0], owner[1], one.points, None)
            for owner, one in zip(owners, swept, strict=True)
        ],
        now,
    )
    write_uses(ids["loyalty_lotuse"], [(lot_id, postings[wallet_id], points) for lot_id, wallet_id, points in lots])
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

_LOTS = """
    SELECT l.id, l.wallet_id, l.remaining FROM loyalty_lot l JOIN loyalty_wallet o ON o.id = l.wallet_id
    WHERE l.wallet_id = ANY(%s) AND l.remaining > 0
      AND ((l.expires_on < %s AND (l.extended_to < %s) IS NOT FALSE)
           OR (o.program_id = ANY(%s) AND o.expires_on < %s))
    ORDER BY l.wallet_id, l.id"""

_OWNERS = """
    SELECT w.id, e.id, w.company_id, w.program_id, w.employee_id FROM loyalty_wallet w
    JOIN loyalty_wallet e ON e.company_id = w.company_id AND e.program_id = w.program_id AND e.kind = 'EXPIRED'
    WHERE w.id = ANY(%s) ORDER BY w.id"""
