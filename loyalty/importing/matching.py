"""Returns that do not name what they undo: each is matched to the latest earlier purchase that has enough left."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from accounts import arrays
from loyalty.importing.lines import FOUR_PLACES


class Goods(NamedTuple):
    """What a return and its purchase have in common: the customer number, the activity type and the object."""

    customer: str
    type: str
    object: str


@dataclass(slots=True)
class Purchase:
    """A purchase that returns can be matched to; quantities in pieces, amounts in money or None where it has none."""

    id: str
    occurred_at: datetime
    quantity: Decimal
    amount: Decimal | None
    quantity_left: Decimal
    amount_left: Decimal | None

    def has(self, quantity: Decimal) -> bool:
        """Whether so many pieces are left; money that rounding used up counts as all of it, as recording sees it."""
        return self.quantity_left >= quantity and not (self.amount and not self.amount_left)

    def give_back(self, quantity: Decimal) -> Decimal | None:
        """Take pieces out and return the money they stand for: their share, or all that is left with the last piece.

        The share, amount x returned / quantity, is rounded half-up to 4 decimals.
        """
        self.quantity_left -= quantity
        if self.amount is None or self.amount_left is None:
            return None
        share = (self.amount * quantity / self.quantity).quantize(FOUR_PLACES, ROUND_HALF_UP)
        amount = min(share, self.amount_left) if self.quantity_left else self.amount_left
        self.amount_left -= amount
        return amount


class Match(NamedTuple):
    """The purchase that a return undoes, and the money that goes back."""

    id: str
    amount: Decimal | None


class Matcher:
    """The purchases that the returns of one batch can undo, with what is left of each as the batch goes on."""

    def __init__(self, wanted: Collection[Goods]) -> None:
        """`wanted` are the goods of the batch's returns; others are not kept."""
        self._purchases: dict[Goods, list[Purchase]] = {goods: [] for goods in wanted}

    def load(
        self, *, source_id: int, program_id: int, companies: dict[str, int], types: dict[str, int], before: datetime
    ) -> None:
        """Read what was recorded before this batch and lies before `before`, in the order of arrival."""
        keys = {
            (companies[goods.customer], types[goods.type], goods.object): goods
            for goods in self._purchases
            if goods.customer in companies and goods.type in types
        }
        if not keys:
            return
        rows = arrays.fetch(
            """SELECT a.company_id, a.type_id, a.object, a.external_id, a.occurred_at, a.quantity, a.amount,
                      a.quantity - coalesce(r.quantity, 0), a.amount - coalesce(r.amount, 0)
               FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS k(company_id, type_id, object)
               JOIN loyalty_activity a
                 ON a.company_id = k.company_id AND a.type_id = k.type_id AND a.object = k.object
               LEFT JOIN loyalty_activityreturn r ON r.activity_id = a.id
               LEFT JOIN loyalty_evaluation e ON e.activity_id = a.id AND e.program_id = %s
               WHERE a.source_id = %s AND a.reverses_external_id = '' AND a.occurred_at < %s
                 AND a.quantity > coalesce(r.quantity, 0) AND r.is_whole IS NOT TRUE
               ORDER BY a.occurred_at, e.id, a.id""",
            *arrays.columns_of(sorted(keys)),
            program_id,
            source_id,
            before,
        )
        for company_id, type_id, object_, *purchase in rows:
            self._purchases[keys[company_id, type_id, object_]].append(Purchase(*purchase))

    def add(self, goods: Goods, purchase: Purchase) -> None:
        """Add a purchase of the batch itself, in the order of the file."""
        if goods in self._purchases:
            self._purchases[goods].append(purchase)

    def take(self, goods: Goods, quantity: Decimal, at: datetime) -> Match | None:
        """Match a return to the latest purchase strictly before `at` (of equals the last) that suffices alone."""
        fitting = (
            purchase for purchase in self._purchases[goods] if purchase.occurred_at < at and purchase.has(quantity)
        )
        latest = _latest(fitting)
        return None if latest is None else Match(latest.id, latest.give_back(quantity))


def _latest(purchases: Iterable[Purchase]) -> Purchase | None:
    latest: Purchase | None = None
    for purchase in purchases:
        if latest is None or purchase.occurred_at >= latest.occurred_at:
            latest = purchase
    return latest
