"""Release as a job: points that waited for a day that has come, a portion of their wallets at once."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from accounts import arrays
from loyalty.ledger.book import Book
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
    lots = arrays.fetch(_LOTS, wallet_ids, today)
    released: dict[int, int] = {}
    for _lot_id, wallet_id, _available_on, _expires_on, points in lots:
        released[wallet_id] = released.get(wallet_id, 0) + points
    owners = {owner[0]: owner for owner in arrays.fetch(_OWNERS, list(released))}
    ids = arrays.draw_ids(loyalty_transaction=len(owners), loyalty_posting=len(lots), loyalty_lotuse=len(lots))
    swept = {
        wallet_id: Swept(act_id, program_id, company_id, employee_id, released[wallet_id])
        for act_id, (wallet_id, _into, company_id, program_id, employee_id) in zip(
            ids["loyalty_transaction"], owners.values(), strict=True
        )
    }
    arrays.run("UPDATE loyalty_lot SET remaining = 0 WHERE id = ANY(%s)", [lot[0] for lot in lots])
    filled = {
        (into, available_on, expires_on): lot_id
        for lot_id, into, available_on, expires_on in arrays.insert_returning(
            "loyalty_lot",
            {"wallet_id": "bigint", "available_on": "date", "expires_on": "date", "earned": "bigint",
             "remaining": "bigint", "expired": "bigint"},
            [(owners[wallet_id][1], *days, points, points, 0) for _lot_id, wallet_id, *days, points in lots],
            then="""ON CONFLICT (wallet_id, available_on, expires_on) DO UPDATE
                    SET earned = loyalty_lot.earned + excluded.earned,
                        remaining = loyalty_lot.remaining + excluded.remaining
                    RETURNING id, wallet_id, available_on, expires_on""",
        )
    }  # fmt: skip
    write_acts(Transaction.Kind.RELEASE, swept.values(), now)
    postings = []
    for posting_id, (_lot_id, wallet_id, *days, points) in zip(ids["loyalty_posting"], lots, strict=True):
        one, into = swept[wallet_id], owners[wallet_id][1]
        lot_id = filled[into, days[0], days[1]]
        postings.append((posting_id, one.company_id, one.transaction_id, wallet_id, into, points, lot_id))
    write_postings(postings, now)
    uses = [(lot[0], posting[0], lot[-1]) for lot, posting in zip(lots, postings, strict=True)]
    write_uses(ids["loyalty_lotuse"], uses)
    tell(Transaction.Kind.RELEASE, swept.values(), sign=1, now=now)


def _release_by_book(owner: Owner, program: Program, now: datetime) -> None:
    book = Book(now=now, programs=[program])
    book.open([owner])
    book.write()


_DUE = """
    SELECT w.id FROM loyalty_wallet w
    WHERE w.program_id = %s AND w.kind = 'PENDING' AND w.balance > 0
      AND EXISTS (SELECT FROM loyalty_lot l WHERE l.wallet_id = w.id AND l.is_open AND l.available_on <= %s)
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
          WHERE p.id = ANY(%s) AND l.is_open AND l.available_on <= %s
          GROUP BY p.company_id, p.program_id, p.employee_id) AS ripe
    WHERE w.company_id = ripe.company_id AND w.program_id = ripe.program_id
      AND w.employee_id IS NOT DISTINCT FROM ripe.employee_id AND w.kind = 'AVAILABLE'"""

_LOTS = """
    SELECT id, wallet_id, available_on, expires_on, remaining FROM loyalty_lot
    WHERE wallet_id = ANY(%s) AND is_open AND available_on <= %s ORDER BY wallet_id, id"""

_OWNERS = """
    SELECT p.id, a.id, p.company_id, p.program_id, p.employee_id FROM loyalty_wallet p
    JOIN loyalty_wallet a ON a.company_id = p.company_id AND a.program_id = p.program_id
     AND a.employee_id IS NOT DISTINCT FROM p.employee_id AND a.kind = 'AVAILABLE'
    WHERE p.id = ANY(%s) ORDER BY p.id"""
