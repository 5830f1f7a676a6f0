"""The lots of the wallets under lock: read as far as they are needed, changed in memory, written at once."""

from collections.abc import Collection, KeysView
from datetime import date

from loyalty.ledger.lots import LotEntry, Wallets, Writing, ask_lots, read_lots, read_soonest
from loyalty.ledger.terms import LotDays

AT_ONCE = 16
"""So many of a wallet's soonest lots are read with everything else; where they do not reach, eight times as many."""

Place = tuple[date, date]
"""Where in the order in which lots are spent they are read from the database: by last day, then by age."""

_BEFORE_ALL: Place = date.min, date.min


class LotBook:
    """Lots that points go into and come from; open it under the locks of the wallets, and write once.

    What is spent comes out of the lots that expire soonest, mostly few of very many: of each wallet it is known how far
    its open lots were read, and more are read once those do not reach.
    """

    def __init__(self) -> None:
        self._lots: dict[int, dict[LotDays, LotEntry]] = {}
        self._all_known_before: dict[int, Place | None] = {}
        """By wallet the place before which no open lot is missing; None: none is at all."""

    def ask(self, *, due: Wallets, waiting: Wallets, soonest: Wallets, today: date) -> None:
        """Ask for the soonest lots of some wallets, of `waiting` for all, and of `due` for what is over at `today`."""
        self._today = today
        self._asked = ask_lots(due=due, waiting=waiting, soonest=soonest, today=today, count=AT_ONCE)

    def open(self, *, whole: Collection[int], waiting: Collection[int], soonest: Collection[int]) -> None:
        """Take in what was asked for, for the wallets `waiting` and `soonest` too; read all lots of `whole`."""
        found = [LotEntry(*row) for row in self._asked.rows]
        if whole:
            found += read_lots(whole, self._today)
        for lot in found:
            self._know(lot)
        for wallet_id in soonest:
            # Of those that are known the first are the first of all: they were asked for.
            open_lots = self.open_lots(wallet_id)
            is_all = len(open_lots) < AT_ONCE
            self._all_known_before[wallet_id] = None if is_all else _place_of(open_lots[AT_ONCE - 1])
        self._all_known_before |= dict.fromkeys((*waiting, *whole))

    def wallets(self) -> KeysView[int]:
        """The wallets of which any lot is known."""
        return self._lots.keys()

    def open_lots(self, wallet_id: int) -> list[LotEntry]:
        """Return the known lots of a wallet that hold points, in the order in which they are spent."""
        lots = (lot for lot in self._lots.get(wallet_id, {}).values() if lot.remaining > 0)
        return sorted(lots, key=lambda lot: lot.spending_order)

    def find(self, wallet_id: int, days: LotDays) -> LotEntry | None:
        """Return a wallet's lot of those days, if it is known."""
        return self._lots.get(wallet_id, {}).get(days)

    def lot(self, wallet_id: int, days: LotDays) -> LotEntry:
        """Return a wallet's lot of those days, which may be new."""
        lots = self._lots.setdefault(wallet_id, {})
        lot = lots.get(days)
        if lot is None:
            lot = lots[days] = LotEntry(None, wallet_id, *days)
        return lot

    def stored(self, lot: LotEntry) -> LotEntry:
        """Return the lot as it is known here, if it is; `lot` was read from the database just now."""
        return self._know(lot)

    def draw(self, wallet_id: int, points: int, *, balance: int) -> list[tuple[LotEntry, int]]:
        """Take up to `points` out of a wallet's lots, the soonest-expiring first; return what came from which.

        `balance` is what all its lots hold: where those that are known hold as much, no more are read.
        """
        taken: list[tuple[LotEntry, int]] = []
        for lot in self._soonest(wallet_id, points, balance):
            part = min(lot.remaining, points)
            if part <= 0:
                break
            lot.take(part)
            taken.append((lot, part))
            points -= part
        return taken

    def begin_write(self) -> None:
        """Send what changed. Lots that may be new get their ids with `end_write`."""
        self._writing = Writing(lot for lots in self._lots.values() for lot in lots.values())

    def end_write(self) -> None:
        """Take the ids of new lots."""
        self._writing.take_ids()

    def _soonest(self, wallet_id: int, points: int, balance: int) -> list[LotEntry]:
        """Return lots that hold `points`, or all there are, in the order of spending; read more as long as need be."""
        while True:
            lots = self.open_lots(wallet_id)
            known_before = self._all_known_before.get(wallet_id, _BEFORE_ALL)
            if known_before is None or sum(lot.remaining for lot in lots) == balance:
                return lots
            lots = [lot for lot in lots if _place_of(lot) < known_before]
            if sum(lot.remaining for lot in lots) >= points:
                return lots
            count = 8 * max(AT_ONCE, len(self._lots.get(wallet_id, ())))
            found = read_soonest(wallet_id, count)
            for lot in found:
                self._know(lot)
            self._all_known_before[wallet_id] = None if len(found) < count else _place_of(found[-1])

    def _know(self, lot: LotEntry) -> LotEntry:
        known = self._lots.setdefault(lot.wallet_id, {}).setdefault(lot.days, lot)
        if known is not lot and known.id is None and lot.id is not None:
            known.join(lot)
        return known


def _place_of(lot: LotEntry) -> Place:
    return lot.spending_order[:2]
