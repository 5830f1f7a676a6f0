"""Release as a job: points that waited for a day that has come, a portion of their wallets in one statement."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from loyalty import arrays
from loyalty.ledger.book import Book
from loyalty.ledger.sweeping import Swept, lock_in_order, portions, programs_today, tell
from loyalty.ledger.terms import Expiry
from loyalty.ledger.wallets import Owner
from loyalty.models import Program, Transaction


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """How many wallets had points that wait no longer."""

    wallets: int


def release_points(*, now: datetime) -> ReleaseResult:
    """Make points available whose day, in their program's time zone, has come by `now`; safe to run twice or at once.

    What waits to be confirmed goes on waiting. Each portion of wallets is a transaction of its own.
    """
    wallets = 0
    for program, today in programs_today(now):
        for wallet_ids in portions(_DUE, program.pk, today):
            with transaction.atomic():
                lock_in_order(_WALLETS, wallet_ids)
                apart = _apart(wallet_ids, today)
                _release([pk for pk in wallet_ids if pk not in apart], program, today, now)
            for owner in apart.values():
                with transaction.atomic():
                    _release_by_book(owner, program, now)
            wallets += len(wallet_ids)
    return ReleaseResult(wallets=wallets)


def _apart(wallet_ids: list[int], today: date) -> dict[int, Owner]:
    """Owners who repay with what is released, or whose wallet ended before: few, and the book knows how."""
    rows = arrays.fetch(_APART, wallet_ids, today)
    return {wallet_id: Owner(*owner) for wallet_id, *owner in rows}


def _release(wallet_ids: list[int], program: Program, today: date, now: datetime) -> None:
    if program.expiry == Expiry.INACTIVITY:
        arrays.run(_LAST_ANEW, program.expiry_months, wallet_ids, today)
    rows = arrays.fetch(_RELEASE, wallet_ids, today, Transaction.Kind.RELEASE, now, now, now)
    tell(Transaction.Kind.RELEASE, [Swept(*row) for row in rows], sign=1, now=now)


def _release_by_book(owner: Owner, program: Program, now: datetime) -> None:
    book = Book(now=now, programs=[program])
    book.open([owner])
    book.write()


_DUE = """
    SELECT w.id FROM loyalty_wallet w
    WHERE w.program_id = %s AND w.kind = 'PENDING' AND w.balance > 0
      AND EXISTS (SELECT FROM loyalty_lot l WHERE l.wallet_id = w.id AND l.remaining > 0 AND l.available_on <= %s)
    ORDER BY w.id LIMIT %s"""

_WALLETS = """
    SELECT w.id FROM loyalty_wallet w WHERE w.id IN (
        SELECT o.id FROM loyalty_wallet p
        JOIN loyalty_wallet o ON o.company_id = p.company_id AND o.program_id = p.program_id
         AND o.employee_id IS NOT DISTINCT FROM p.employee_id AND o.kind IN ('PENDING', 'AVAILABLE', 'DEBT')
        WHERE p.id = ANY(%s))"""

_APART = """
    SELECT DISTINCT p.id, p.program_id, p.company_id, p.employee_id FROM loyalty_wallet p
    JOIN loyalty_wallet o ON o.company_id = p.company_id AND o.program_id = p.program_id
     AND o.employee_id IS NOT DISTINCT FROM p.employee_id
    WHERE p.id = ANY(%s)
      AND ((o.kind = 'DEBT' AND o.balance < 0) OR (o.kind = 'AVAILABLE' AND o.balance > 0 AND o.expires_on < %s))
    ORDER BY p.id"""

_LAST_ANEW = """
    UPDATE loyalty_wallet w
    SET expires_on = greatest(w.expires_on, (ripe.available_on + make_interval(months => %s))::date)
    FROM (SELECT p.company_id, p.program_id, p.employee_id, max(l.available_on) AS available_on
          FROM loyalty_wallet p JOIN loyalty_lot l ON l.wallet_id = p.id
          WHERE p.id = ANY(%s) AND l.remaining > 0 AND l.available_on <= %s
          GROUP BY p.company_id, p.program_id, p.employee_id) AS ripe
    WHERE w.company_id = ripe.company_id AND w.program_id = ripe.program_id
      AND w.employee_id IS NOT DISTINCT FROM ripe.employee_id AND w.kind = 'AVAILABLE'"""

_RELEASE = """
    WITH due AS MATERIALIZED (
        SELECT l.id, l.available_on, l.expires_on, l.remaining, l.wallet_id AS pending_id, a.id AS available_id,
               a.company_id, a.program_id, a.employee_id, nextval('loyalty_posting_id_seq') AS posting_id
        FROM loyalty_lot l
        JOIN loyalty_wallet p ON p.id = l.wallet_id
        JOIN loyalty_wallet a ON a.company_id = p.company_id AND a.program_id = p.program_id
         AND a.employee_id IS NOT DISTINCT FROM p.employee_id AND a.kind = 'AVAILABLE'
        WHERE l.wallet_id = ANY(%s) AND l.remaining > 0 AND l.available_on <= %s),
    act AS MATERIALIZED (
        SELECT owned.*, nextval('loyalty_transaction_id_seq') AS transaction_id
        FROM (SELECT pending_id, company_id, program_id, employee_id, sum(remaining)::bigint AS points FROM due
              GROUP BY pending_id, company_id, program_id, employee_id ORDER BY pending_id) AS owned),
    emptied AS (UPDATE loyalty_lot l SET remaining = 0 FROM due WHERE l.id = due.id),
    filled AS (
        INSERT INTO loyalty_lot (wallet_id, available_on, expires_on, earned, remaining, expired)
        SELECT available_id, available_on, expires_on, remaining, remaining, 0 FROM due
        ON CONFLICT (wallet_id, available_on, expires_on) DO UPDATE
        SET earned = loyalty_lot.earned + excluded.earned, remaining = loyalty_lot.remaining + excluded.remaining
        RETURNING id, wallet_id, available_on, expires_on),
    acted AS (
        INSERT INTO loyalty_transaction (id, company_id, program_id, kind, created_at)
        SELECT transaction_id, company_id, program_id, %s, %s FROM act),
    posted AS (
        INSERT INTO loyalty_posting (id, company_id, transaction_id, debit_wallet_id, credit_wallet_id, points, lot_id,
                                     effective_at, created_at)
        SELECT due.posting_id, due.company_id, act.transaction_id, due.pending_id, due.available_id, due.remaining,
               filled.id, %s, %s
        FROM due JOIN act ON act.pending_id = due.pending_id
        JOIN filled ON filled.wallet_id = due.available_id AND filled.available_on = due.available_on
         AND filled.expires_on IS NOT DISTINCT FROM due.expires_on),
    used AS (
        INSERT INTO loyalty_lotuse (lot_id, posting_id, points) SELECT id, posting_id, remaining FROM due)
    SELECT transaction_id, program_id, company_id, employee_id, points FROM act ORDER BY transaction_id"""
