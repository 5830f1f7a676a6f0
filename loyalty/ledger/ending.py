"""The end of a program as a job: what is left after its last day to spend expires, or is handed over to be paid out."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts import arrays
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
from loyalty.models import HandedOver, Program, Transaction

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class EndResult:
    """How many wallets had how many points left."""

    wallets: int
    points: int


def end_points(*, now: datetime) -> EndResult:
    """Empty every wallet of programs whose last day to spend is over at `now`; safe to run twice or at once.

    Run `expire_points` first: what is due by itself expires by itself. Points that still wait stay, and come here once
    they are released; debts stay. Each portion of wallets is a transaction of its own.
    """
    wallets = points = 0
    for program, today in programs_today(now):
        if program.spends_on(today):
            continue
        for wallet_ids in portions(_LEFT, program.pk):
            with transaction.atomic():
                swept = _end(wallet_ids, program, now)
            wallets += len(swept)
            points += sum(one.points for one in swept)
    return EndResult(wallets=wallets, points=points)


def _end(wallet_ids: list[int], program: Program, now: datetime) -> list[Swept]:
    is_lost = program.rest == Program.Rest.EXPIRE
    into, kind = ("EXPIRED", Transaction.Kind.END) if is_lost else ("SPENT", Transaction.Kind.HAND_OVER)
    lock_in_order(_WALLETS_LOST if is_lost else _WALLETS_SPENT, wallet_ids)
    lots = arrays.fetch(_LOTS, wallet_ids)
    left: dict[int, int] = {}
    for _lot_id, wallet_id, points in lots:
        left[wallet_id] = left.get(wallet_id, 0) + points
    owners = arrays.fetch(_OWNERS, into, list(left))
    ids = arrays.draw_ids(loyalty_transaction=len(owners), loyalty_posting=len(owners), loyalty_lotuse=len(lots))
    swept = [
        Swept(act_id, program.pk, company_id, employee_id, left[wallet_id])
        for act_id, (wallet_id, _into, company_id, employee_id) in zip(ids["loyalty_transaction"], owners, strict=True)
    ]
    postings = {owner[0]: posting_id for owner, posting_id in zip(owners, ids["loyalty_posting"], strict=True)}
    arrays.run(_LOSE if is_lost else _GIVE_UP, [lot[0] for lot in lots])
    write_acts(kind, swept, now)
    write_postings(
        [
            (postings[owner[0]], one.company_id, one.transaction_id, owner[0], owner[1], one.points, None)
            for owner, one in zip(owners, swept, strict=True)
        ],
        now,
    )
    write_uses(ids["loyalty_lotuse"], [(lot_id, postings[wallet_id], points) for lot_id, wallet_id, points in lots])
    if not is_lost:
        HandedOver.objects.bulk_create(_to_be_paid(one, program, now) for one in swept)
    tell(kind, swept, sign=-1, now=now)
    return swept


def _to_be_paid(one: Swept, program: Program, now: datetime) -> HandedOver:
    return HandedOver(
        program=program,
        company_id=one.company_id,
        employee_id=one.employee_id,
        points=one.points,
        amount=(one.points * program.point_value).quantize(_CENT),
        currency=program.currency,
        transaction_id=one.transaction_id,
        made_at=now,
    )


_LEFT = """
    SELECT w.id FROM loyalty_wallet w
    WHERE w.program_id = %s AND w.kind = 'AVAILABLE' AND w.balance > 0 ORDER BY w.id LIMIT %s"""

_WALLETS = """
    SELECT w.id FROM loyalty_wallet w WHERE w.id IN (
        SELECT unnest(own.ids) FROM (
            SELECT ARRAY[o.id, i.id] AS ids FROM loyalty_wallet o
            JOIN loyalty_wallet i ON i.company_id = o.company_id AND i.program_id = o.program_id AND i.kind = '{into}'
            WHERE o.id = ANY(%s)) AS own)"""
_WALLETS_LOST, _WALLETS_SPENT = _WALLETS.format(into="EXPIRED"), _WALLETS.format(into="SPENT")

_LOTS = """
    SELECT id, wallet_id, remaining FROM loyalty_lot WHERE wallet_id = ANY(%s) AND is_open
    ORDER BY wallet_id, id"""

_LOSE = "UPDATE loyalty_lot SET expired = expired + remaining, remaining = 0 WHERE id = ANY(%s)"
_GIVE_UP = "UPDATE loyalty_lot SET remaining = 0 WHERE id = ANY(%s)"

_OWNERS = """
    SELECT w.id, i.id, w.company_id, w.employee_id FROM loyalty_wallet w
    JOIN loyalty_wallet i ON i.company_id = w.company_id AND i.program_id = w.program_id AND i.kind = %s
    WHERE w.id = ANY(%s) ORDER BY w.id"""
