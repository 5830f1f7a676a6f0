"""Returns: whether one fits the activity that it undoes, and how much of that is left after it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from loyalty.activities.items import Arrival
from loyalty.activities.originals import Original
from loyalty.activities.refusals import ReturnError
from loyalty.models import ReturnRefusal
from loyalty.standing import part_taken_back


class Back(NamedTuple):
    """How much of an activity is left `of` what it was, in money, pieces or 1, and when it came back."""

    remaining: Decimal
    of: Decimal
    at: datetime

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left."""
        return not self.remaining


@dataclass(frozen=True, slots=True)
class Undoing:
    """A return that is to be applied: money and pieces that came back, and what is left after it."""

    arrival: Arrival
    original: Original
    amount: Decimal
    quantity: Decimal
    remaining: Decimal
    of: Decimal
    is_whole: bool

    @property
    def back(self) -> Back:
        """What awards are taken back by."""
        return Back(self.remaining, self.of, self.arrival.item.occurred_at)

    def part_of(self, counted: Decimal) -> Decimal:
        """Return what this return takes of a number that the original was counted by, to four decimals.

        All returns together take what everything that came back is of it: any split of a return takes the same, and a
        whole one everything.
        """
        original = self.original
        back = self.amount if original.amount else self.quantity if original.quantity else Decimal(1)
        return part_taken_back(counted, before=self.remaining + back, after=self.remaining, of=self.of)


def undo(arrival: Arrival, original: Original) -> Undoing:
    """Count a return against its original; ReturnError, and nothing counted, where it does not fit."""
    _refuse_mismatch(arrival, original)
    item = arrival.item
    left_amount = (original.amount or Decimal(0)) - original.returned_amount
    left_quantity = (original.quantity or Decimal(0)) - original.returned_quantity
    amount, quantity = item.amount, item.quantity
    if amount is None and quantity is None:
        amount, quantity = left_amount, left_quantity
    elif original.amount and amount is None:
        raise ReturnError(ReturnRefusal.RETURN_NEEDS_AMOUNT)
    elif original.amount and amount == left_amount and (quantity or 0) <= left_quantity:
        quantity = left_quantity  # nothing of the activity is left, so no piece stays counted
    amount, quantity = amount or Decimal(0), quantity or Decimal(0)
    if amount > left_amount or quantity > left_quantity or original.is_whole:
        field = "amount" if amount > left_amount else "quantity"
        raise ReturnError(ReturnRefusal.RETURN_EXCEEDS_ORIGINAL, field=field)
    if not (amount or quantity) and (original.amount or original.quantity):
        raise ReturnError(ReturnRefusal.NOTHING_RETURNED)
    original.returned_amount += amount
    original.returned_quantity += quantity
    original.is_whole = original.share[0] == 0 or not (original.amount or original.quantity)
    original.is_changed = True
    remaining, of = original.share
    return Undoing(arrival, original, amount, quantity, remaining, of, original.is_whole)


def _refuse_mismatch(arrival: Arrival, original: Original) -> None:
    item = arrival.item
    if original.is_return:
        raise ReturnError(ReturnRefusal.RETURN_OF_RETURN)
    if original.type_id != arrival.type_id:
        raise ReturnError(ReturnRefusal.RETURN_OF_OTHER_TYPE)
    if item.amount is not None and original.amount is not None and item.currency != original.currency:
        raise ReturnError(ReturnRefusal.RETURN_IN_OTHER_CURRENCY)
    if item.occurred_at < original.occurred_at:
        raise ReturnError(ReturnRefusal.RETURN_BEFORE_ORIGINAL)
