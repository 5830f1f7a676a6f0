"""Pieces of a reward that come in or are written off."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import User
from rewards.models import Reward, RewardStock, StockMovement

MOST_PIECES = 1_000_000
"""The most pieces that one movement brings or writes off; a slip of the key stays harmless."""


class StockError(Exception):
    """A movement that cannot be."""


class NoPiecesError(StockError):
    """A movement of no piece, or of more than MOST_PIECES."""


class TooFewLeftError(StockError):
    """More pieces written off than are left: they are promised to somebody."""

    def __init__(self, *, left: int) -> None:
        super().__init__(f"{left} pieces are left")
        self.left = left


@dataclass(frozen=True, slots=True)
class Moved:
    """The movement, and how many pieces there are after it."""

    movement: StockMovement
    total: int
    left: int


def add_pieces(*, reward: Reward, pieces: int, by: User, now: datetime, reason: str) -> Moved:
    """Bring `pieces` of a reward in, or write them off where negative; the reason goes on record.

    Raises NoPiecesError or TooFewLeftError; then nothing has changed.
    """
    if not 1 <= abs(pieces) <= MOST_PIECES:
        raise NoPiecesError
    with transaction.atomic():
        RewardStock.objects.get_or_create(reward=reward)
        stock = RewardStock.objects.select_for_update().get(pk=reward.pk)
        if stock.left + pieces < 0:
            raise TooFewLeftError(left=stock.left)
        movement = StockMovement.objects.create(stock=stock, pieces=pieces, created_at=now)
        audit.record("stock-moved", reward, actor_id=by.pk, now=now, reason=reason, pieces=pieces, movement=movement.pk)
        stock.refresh_from_db()
    return Moved(movement, stock.total, stock.left)
