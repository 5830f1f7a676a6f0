"""Sweeping: what a day that has come does to many wallets: a statement a table and portion, under locks taken before.

What is written is worked out here and sent as arrays: joins of common table expressions are planned for a few rows.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from accounts import arrays
from loyalty.models import Program, Transaction
from loyalty.webhooks import Movement, announce_movements

PORTION = 5_000
"""Wallets whose locks are held at once."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one wallet of available points lost, or what it received."""

    transaction_id: int
    program_id: int
    company_id: int
    employee_id: int | None
    points: int


def portions(due: str, *parameters: object) -> Iterator[list[int]]:
    """Yield the ids of the wallets that the query `due` finds, a portion at a time, until it finds no more.

    Whoever takes a portion has to leave none of its wallets due.
    """
    is_more = True
    while is_more:
        wallet_ids = [row[0] for row in arrays.fetch(due, *parameters, PORTION)]
        if wallet_ids:
            yield wallet_ids
        is_more = len(wallet_ids) == PORTION


def lock_in_order(sql: str, wallet_ids: Collection[int]) -> None:
    """Lock the wallets that `sql` finds for `wallet_ids`, by id."""
    arrays.fetch(f"{sql} ORDER BY w.id FOR NO KEY UPDATE OF w", list(wallet_ids))


def write_acts(kind: Transaction.Kind, swept: Iterable[Swept], now: datetime) -> None:
    """Write an act a wallet, of nobody."""
    arrays.insert(
        "loyalty_transaction",
        {"id": "bigint", "company_id": "bigint", "program_id": "bigint", "kind": "text", "created_at": "timestamptz"},
        [(one.transaction_id, one.company_id, one.program_id, kind.value, now) for one in swept],
    )


def write_postings(rows: Sequence[tuple[object, ...]], now: datetime) -> None:
    """Write postings: id, company, transaction, debit and credit wallet, points, and the lot that was filled."""
    columns = ("id", "company_id", "transaction_id", "debit_wallet_id", "credit_wallet_id", "points", "lot_id")
    arrays.insert(
        "loyalty_posting",
        {**dict.fromkeys(columns, "bigint"), "effective_at": "timestamptz", "created_at": "timestamptz"},
        [(*row, now, now) for row in rows],
    )


def write_uses(ids: Sequence[int], rows: Sequence[tuple[int, int, int]]) -> None:
    """Write which lot each posting took how many points from."""
    arrays.insert(
        "loyalty_lotuse",
        {"id": "bigint", "lot_id": "bigint", "posting_id": "bigint", "points": "bigint"},
        [(use_id, *row) for use_id, row in zip(ids, rows, strict=True)],
    )


def tell(kind: Transaction.Kind, swept: Collection[Swept], *, sign: int, now: datetime) -> None:
    """Tell other systems what was swept; `sign` is -1 where points were lost."""
    if swept:
        announce_movements(
            lambda: [
                Movement(
                    one.transaction_id, kind, one.program_id, one.company_id, None, {one.employee_id: sign * one.points}
                )
                for one in swept
            ],
            now=now,
        )


def programs_today(now: datetime) -> list[tuple[Program, date]]:
    """Return every program with the day that it has now."""
    return [(program, now.astimezone(program.zone).date()) for program in Program.objects.order_by("pk")]
