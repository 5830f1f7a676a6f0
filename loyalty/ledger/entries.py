"""Entries of the book: acts, awards and postings in the making, whose ids are known once it is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loyalty.ledger.lots import LotEntry
from loyalty.ledger.wallets import Owner, WalletEntry
from loyalty.models import Transaction


@dataclass(slots=True)
class Act:
    """One act on the ledger: a transaction in the making; `id` is known once the book is written.

    `actor_id` is the user whose act it is; None where nobody acts: a day has come, or rules give.
    """

    kind: Transaction.Kind
    owner: Owner
    activity_id: int | None = None
    actor_id: int | None = None
    id: int = 0
    moved_points: bool = False


@dataclass(slots=True)
class AwardEntry:
    """An award as the ledger needs it to take points back: what it granted, to whom, into which lot.

    `id` is 0 while the award is new. `posting` and `lot` are None where nothing was granted.
    """

    owner: Owner
    granted: int
    reversed: int = 0
    id: int = 0
    posting: PostingRef | None = None
    lot: LotEntry | None = None


@dataclass(slots=True)
class PostingRef:
    """A posting that another one may reverse; its id is known once the book is written."""

    id: int = 0


@dataclass(slots=True, kw_only=True)
class PostingEntry(PostingRef):
    """A posting in the making."""

    act: Act
    debit: WalletEntry
    credit: WalletEntry
    points: int
    effective_at: datetime
    award: AwardEntry | None = None
    lot: LotEntry | None = None
    reverses: PostingRef | None = None
