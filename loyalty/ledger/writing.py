"""Acts, postings and uses of lots on their way into the database, their ids known."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from accounts import arrays
from loyalty.ledger.entries import Act, PostingEntry
from loyalty.ledger.lots import LotEntry


def write_acts(acts: Iterable[Act], *, now: datetime) -> None:
    """Write acts."""
    arrays.insert(
        "loyalty_transaction",
        {
            "id": "bigint",
            "company_id": "bigint",
            "program_id": "bigint",
            "kind": "text",
            "activity_id": "bigint",
            "actor_id": "bigint",
            "created_at": "timestamptz",
        },
        [
            (
                act.id,
                act.owner.company_id,
                act.owner.program_id,
                act.kind,
                act.activity_id,
                act.actor_id,
                now,
            )
            for act in acts
        ],
    )


def write_postings(postings: Iterable[PostingEntry], *, now: datetime) -> None:
    """Write postings; the database moves the balances by them, and refuses what must not be."""
    arrays.insert(
        "loyalty_posting",
        {
            "id": "bigint",
            "company_id": "bigint",
            "transaction_id": "bigint",
            "award_id": "bigint",
            "debit_wallet_id": "bigint",
            "credit_wallet_id": "bigint",
            "points": "bigint",
            "lot_id": "bigint",
            "reverses_id": "bigint",
            "effective_at": "timestamptz",
            "created_at": "timestamptz",
        },
        [
            (
                posting.id,
                posting.act.owner.company_id,
                posting.act.id,
                posting.award.id if posting.award else None,
                posting.debit.id,
                posting.credit.id,
                posting.points,
                posting.lot.id if posting.lot else None,
                posting.reverses.id if posting.reverses else None,
                posting.effective_at,
                now,
            )
            for posting in postings
        ],
    )


def write_uses(uses: Sequence[tuple[LotEntry, PostingEntry, int]], ids: Sequence[int]) -> None:
    """Write which posting took how many points out of which lot, or gave them back."""
    arrays.insert(
        "loyalty_lotuse",
        {"id": "bigint", "lot_id": "bigint", "posting_id": "bigint", "points": "bigint"},
        [(use_id, lot.id, posting.id, points) for use_id, (lot, posting, points) in zip(ids, uses, strict=True)],
    )
