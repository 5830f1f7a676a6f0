"""Sweeping: what a day that has come does to many wallets, a portion in one statement under locks taken before it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from loyalty import arrays
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
    while rows := arrays.fetch(due, *parameters, PORTION):
        yield [row[0] for row in rows]


def lock_in_order(sql: str, wallet_ids: Collection[int]) -> None:
    """Lock the wallets that `sql` finds for `wallet_ids`, by id."""
    arrays.fetch(f"{sql} ORDER BY w.id FOR NO KEY UPDATE OF w", list(wallet_ids))


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
