"""Wallets: whose points, of which kind, locked in the order of their ids."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from accounts import arrays
from loyalty.ledger.lots import Wallets
from loyalty.models import Wallet

Kind = Wallet.Kind
PERSONAL_KINDS = (Kind.AVAILABLE, Kind.PENDING, Kind.DEBT)
FLOW_KINDS = (Kind.ISSUED, Kind.SPENT, Kind.EXPIRED)


class Owner(NamedTuple):
    """Who holds points in a program: an employee, or the company itself (`employee_id` None)."""

    program_id: int
    company_id: int
    employee_id: int | None = None

    @property
    def company(self) -> "Owner":
        """The company behind the owner, which keeps what was issued, spent and expired."""
        return Owner(self.program_id, self.company_id)


@dataclass(slots=True)
class WalletEntry:
    """A locked wallet: its balance, and its last day where it has one, as they will be once the book is written."""

    id: int
    owner: Owner
    kind: str
    balance: int
    expires_on: date | None = None
    is_moved: bool = False

    def move_last_day(self, expires_on: date | None) -> None:
        """Let the wallet last up to a day, or longer if it does so already."""
        if expires_on is not None and (self.expires_on is None or self.expires_on < expires_on):
            self.expires_on, self.is_moved = expires_on, True


@dataclass(frozen=True, slots=True)
class Purse:
    """The locked wallets of an owner, and those in which its company keeps what was issued, spent and expired."""

    owner: Owner
    available: WalletEntry
    pending: WalletEntry
    debt: WalletEntry
    issued: WalletEntry
    spent: WalletEntry
    expired: WalletEntry


def write_last_days(wallets: Iterable[WalletEntry]) -> None:
    """Write the last days that moved."""
    moved = sorted((wallet.id, wallet.expires_on) for wallet in wallets if wallet.is_moved)
    if moved:
        arrays.run(
            """UPDATE loyalty_wallet w SET expires_on = c.expires_on
               FROM unnest(%s::bigint[], %s::date[]) AS c(id, expires_on) WHERE w.id = c.id""",
            *arrays.columns_of(moved),
        )


def ensure_wallets(owners: Iterable[Owner]) -> None:
    """Make the wallets of `owners`, and those of the companies behind them, where they are missing."""
    named = set(owners)
    everyone = {owner.company for owner in named} | named
    rows = [
        (*owner, kind, 0)
        for owner in sorted(everyone, key=_sort_key)
        for kind in (PERSONAL_KINDS if owner.employee_id else PERSONAL_KINDS + FLOW_KINDS)
    ]
    arrays.insert(
        "loyalty_wallet",
        {"program_id": "bigint", "company_id": "bigint", "employee_id": "bigint", "kind": "text", "balance": "bigint"},
        rows,
        then="ON CONFLICT DO NOTHING",
    )


class Locking:
    """Every wallet of some owners, and of the companies behind them, on its way to be locked, by id.

    What is asked next is answered after the locks, with them. Balances are read in a statement of its own, after the
    locks are held.
    """

    def __init__(self, owners: Collection[Owner]) -> None:
        self._everyone = {owner.company for owner in owners} | set(owners)
        self.has_made_some = False
        self._ask(self._everyone)

    def purses(self) -> dict[Owner, Purse]:
        """Return the wallets, locked, by owner. Missing ones are made."""
        held = self._locked()
        if missing := self._everyone - held.keys():
            self.has_made_some = True
            ensure_wallets(missing)
            self._ask(missing)
            held |= self._locked()
        purses: dict[Owner, Purse] = {}
        for owner, wallets in held.items():
            of_company = wallets if owner.employee_id is None else held[owner.company]
            own = (wallets[kind] for kind in PERSONAL_KINDS)
            purses[owner] = Purse(owner, *own, *(of_company[kind] for kind in FLOW_KINDS))
        return purses

    def _ask(self, owners: Collection[Owner]) -> None:
        columns = _columns(owners)
        self._ids = arrays.ask(f"SELECT w.id {_OF_OWNERS} ORDER BY w.id FOR NO KEY UPDATE OF w", *columns)
        self._rows = arrays.ask(
            f"SELECT w.id, w.program_id, w.company_id, w.employee_id, w.kind, w.balance, w.expires_on {_OF_OWNERS}",
            *columns,
        )

    def _locked(self) -> dict[Owner, dict[str, WalletEntry]]:
        ids = {row[0] for row in self._ids.rows}
        held: dict[Owner, dict[str, WalletEntry]] = {}
        for wallet_id, program_id, company_id, employee_id, kind, balance, expires_on in self._rows.rows:
            if wallet_id in ids:  # somebody may have made others meanwhile
                owner = Owner(program_id, company_id, employee_id)
                held.setdefault(owner, {})[kind] = WalletEntry(wallet_id, owner, kind, balance, expires_on)
        return held


def wallets_of(owners: Collection[Owner], *kinds: str) -> Wallets:
    """Return what gives the wallets of some kinds that owners have."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    return Wallets(f"SELECT w.id {_OF_OWNERS} WHERE w.kind IN ({listed})", tuple(_columns(owners)))


_OF_OWNERS = """
    FROM loyalty_wallet w
    JOIN unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS o(program_id, company_id, employee_id)
      ON w.program_id = o.program_id AND w.company_id = o.company_id
     AND w.employee_id IS NOT DISTINCT FROM o.employee_id
    """


def _columns(owners: Collection[Owner]) -> list[list[object]]:
    in_order = sorted(owners, key=_sort_key)
    return [[owner[place] for owner in in_order] for place in range(3)]


def _sort_key(owner: Owner) -> tuple[int, int, int]:
    return owner.program_id, owner.company_id, owner.employee_id or 0
