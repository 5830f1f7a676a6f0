"""Lots: points of one wallet with the day they become available and the last day they can be used."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from accounts import arrays
from accounts.together import Answer
from loyalty.ledger.terms import LotDays

_NEVER = date.max


@dataclass(slots=True)
class LotEntry:
    """A lot of a locked wallet as it will be once the book is written.

    `available_on` is None while its points wait to be confirmed. `id` is None while the lot may be new; then
    `remaining` counts only what this book put in.
    """

    id: int | None
    wallet_id: int
    available_on: date | None
    expires_on: date | None
    remaining: int = 0
    expired: int = 0
    extended_to: date | None = None
    is_extended: bool = False
    earned_change: int = 0
    remaining_change: int = 0
    expired_change: int = 0

    def put(self, points: int, *, newly_earned: bool) -> None:
        """Put points in: newly earned ones, or ones that come back to the lot that gave them."""
        self.remaining += points
        self.remaining_change += points
        if newly_earned:
            self.earned_change += points

    def take(self, points: int, *, by_expiry: bool = False) -> None:
        """Take points out."""
        self.remaining -= points
        self.remaining_change -= points
        if by_expiry:
            self.expired += points
            self.expired_change += points

    def join(self, stored: "LotEntry") -> None:
        """Be the lot that is `stored` with the same days: what this book put in was put there."""
        self.id, self.extended_to = stored.id, stored.extended_to
        self.remaining += stored.remaining
        self.expired += stored.expired

    def forget_expired(self, points: int) -> None:
        """Points that had expired turn out never to have been earned."""
        self.expired -= points
        self.expired_change -= points

    def is_due(self, today: date) -> bool:
        """Whether the lot holds points whose last day is over."""
        return self.remaining > 0 and self.last_day is not None and self.last_day < today

    def extend(self, to: date) -> None:
        """Let the points last to a later day."""
        self.extended_to, self.is_extended = to, True

    def is_ripe(self, today: date) -> bool:
        """Whether the lot holds points that wait no longer, if they waited."""
        return self.remaining > 0 and self.available_on is not None and self.available_on <= today

    @property
    def days(self) -> LotDays:
        """What tells the lot from others of its wallet."""
        return LotDays(self.available_on, self.expires_on)

    @property
    def spending_order(self) -> tuple[date, date, date]:
        """Soonest-expiring first, then oldest; of those the one that would have expired first without more time."""
        return self.last_day or _NEVER, self.available_on or _NEVER, self.expires_on or _NEVER

    @property
    def last_day(self) -> date | None:
        """The last day on which the points can be used."""
        return self.extended_to or self.expires_on


class Wallets(NamedTuple):
    """SQL that gives the ids of some wallets in a column `id`, and its parameters."""

    sql: str
    parameters: tuple[object, ...]


def wallets_of_ids(ids: Collection[int]) -> Wallets:
    """Return those whose ids are known."""
    return Wallets("SELECT unnest(%s::bigint[]) AS id", (list(ids),))


def ask_lots(*, due: Wallets, waiting: Wallets, soonest: Wallets, today: date, count: int) -> Answer:
    """Ask for the lots of `due` that are over at `today`, those of them that somebody gave more time, empty or not
    (what comes late to their day lasts as long), all of `waiting` that hold points, and of `soonest` the first `count`
    that do, in the order in which they are spent; LotEntry takes what comes. Some may come twice.
    """
    return arrays.ask(
        f"""WITH due AS ({due.sql}), waiting AS ({waiting.sql}), spent AS ({soonest.sql})
            SELECT {_COLUMNS} FROM due JOIN loyalty_lot l ON l.wallet_id = due.id
            WHERE is_open AND coalesce(extended_to, expires_on) < %s
            UNION ALL
            SELECT {_COLUMNS} FROM due JOIN loyalty_lot l ON l.wallet_id = due.id WHERE extended_to >= %s
            UNION ALL
            SELECT {_COLUMNS} FROM waiting JOIN loyalty_lot l ON l.wallet_id = waiting.id WHERE is_open
            UNION ALL
            SELECT {_COLUMNS} FROM spent CROSS JOIN LATERAL (
                SELECT * FROM loyalty_lot WHERE wallet_id = spent.id AND is_open {_IN_ORDER}) AS l""",  # noqa: S608 (names are code)
        *due.parameters,
        *waiting.parameters,
        *soonest.parameters,
        today,
        today,
        count,
    )


def read_lots(wallet_ids: Collection[int], today: date) -> Iterable[LotEntry]:
    """Return all lots of wallets that hold or lost points, and those that were given more time than up to `today`."""
    rows = arrays.fetch(
        f"""SELECT {_COLUMNS} FROM loyalty_lot l WHERE wallet_id = ANY(%s) AND (is_open OR expired > 0)
            UNION
            SELECT {_COLUMNS} FROM loyalty_lot l WHERE wallet_id = ANY(%s) AND extended_to >= %s""",  # noqa: S608 (names are code)
        list(wallet_ids),
        list(wallet_ids),
        today,
    )
    return (LotEntry(*row) for row in rows)


def read_soonest(wallet_id: int, count: int) -> list[LotEntry]:
    """Return the first `count` lots of a wallet that hold points, in the order in which they are spent."""
    rows = arrays.fetch(
        f"SELECT {_COLUMNS} FROM loyalty_lot l WHERE wallet_id = %s AND is_open {_IN_ORDER}",  # noqa: S608 (names are code)
        wallet_id,
        count,
    )
    return [LotEntry(*row) for row in rows]


_COLUMNS = "l.id, l.wallet_id, l.available_on, l.expires_on, l.remaining, l.expired, l.extended_to"
_IN_ORDER = "ORDER BY coalesce(extended_to, expires_on), available_on LIMIT %s"


class Writing:
    """Lots on their way into the database: what changed is sent at once; `take_ids` gives those that are new theirs."""

    def __init__(self, lots: Iterable[LotEntry]) -> None:
        lots = list(lots)
        _extend(lots)
        changed = [lot for lot in lots if lot.earned_change or lot.remaining_change or lot.expired_change]
        _change([lot for lot in changed if lot.id is not None])
        self._new = {(lot.wallet_id, lot.available_on, lot.expires_on): lot for lot in changed if lot.id is None}
        self._made = _make(self._new.values())

    def take_ids(self) -> None:
        """Give the lots that may be new the ids that the database has for them."""
        for wallet_id, available_on, expires_on, lot_id in self._made.rows:
            self._new[wallet_id, available_on, expires_on].id = lot_id


def _extend(lots: Iterable[LotEntry]) -> None:
    extended = sorted((lot.id, lot.extended_to) for lot in lots if lot.is_extended and lot.id is not None)
    if extended:
        arrays.run(
            """UPDATE loyalty_lot l SET extended_to = c.extended_to
               FROM unnest(%s::bigint[], %s::date[]) AS c(id, extended_to) WHERE l.id = c.id""",
            *arrays.columns_of(extended),
        )


def _change(lots: Collection[LotEntry]) -> None:
    if lots:
        arrays.run(
            """UPDATE loyalty_lot l SET earned = l.earned + c.earned, remaining = l.remaining + c.remaining,
                                        expired = l.expired + c.expired
               FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS c(id, earned, remaining, expired)
               WHERE l.id = c.id""",
            *arrays.columns_of([(lot.id, lot.earned_change, lot.remaining_change, lot.expired_change) for lot in lots]),
        )


def _make(lots: Iterable[LotEntry]) -> Answer:
    return arrays.insert_asking(
        "loyalty_lot",
        {
            "wallet_id": "bigint",
            "available_on": "date",
            "expires_on": "date",
            "earned": "bigint",
            "remaining": "bigint",
            "expired": "bigint",
        },
        [
            (
                lot.wallet_id,
                lot.available_on,
                lot.expires_on,
                lot.earned_change,
                lot.remaining_change,
                lot.expired_change,
            )
            for lot in lots
        ],
        then="""ON CONFLICT (wallet_id, available_on, expires_on) DO UPDATE
                SET earned = loyalty_lot.earned + excluded.earned,
                    remaining = loyalty_lot.remaining + excluded.remaining,
                    expired = loyalty_lot.expired + excluded.expired
                RETURNING wallet_id, available_on, expires_on, id""",
    )
