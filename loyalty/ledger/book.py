"""The book: wallets locked, acts worked out in memory, then written in few statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime

from accounts import arrays
from accounts.together import Answer
from loyalty.ledger.entries import Act, AwardEntry, PostingEntry, PostingRef
from loyalty.ledger.lot_book import LotBook
from loyalty.ledger.lots import LotEntry
from loyalty.ledger.terms import Expiry, LotDays, idle_until
from loyalty.ledger.wallets import (
    PERSONAL_KINDS,
    Kind,
    Locking,
    Owner,
    Purse,
    WalletEntry,
    wallets_of,
    write_last_days,
)
from loyalty.ledger.writing import write_acts, write_postings, write_uses
from loyalty.models import Program, Transaction
from loyalty.webhooks import Movement, announce_movements, ask_who_hears


class InsufficientPointsError(Exception):
    """A wallet holds fewer points than are to be spent."""

    def __init__(self, *, available: int, wanted: int) -> None:
        super().__init__(f"{wanted} points are wanted, {available} are available")
        self.available = available
        self.wanted = wanted


_LOTS_A_SPEND = 4
"""The lots that a spend mostly needs at the most."""


class Book:
    """The wallets of some owners under lock, and everything one use case does to them.

    Open it inside a transaction, after the locks that come earlier in the global order (memberships, caps); call its
    verbs in the order in which things happen; then `write` once. Points are whole and positive in every verb.
    """

    def __init__(self, *, now: datetime, programs: Iterable[Program]) -> None:
        """`programs` are those of all owners: they say what day it is, and how long points last."""
        self._now = now
        self._programs = {program.pk: program for program in programs}
        self._ends_idle = {pk for pk, program in self._programs.items() if program.expiry == Expiry.INACTIVITY}
        self._today = {pk: now.astimezone(program.zone).date() for pk, program in self._programs.items()}
        self._purses: dict[Owner, Purse] = {}
        self._lots = LotBook()
        self._acts: list[Act] = []
        self._postings: list[PostingEntry] = []
        self._uses: list[tuple[LotEntry, PostingEntry, int]] = []
        self._is_being_written = False
        self._heard: Answer | None = None
        self._ids_ahead: Callable[[], Mapping[str, Sequence[int]]] | None = None

    def open(
        self,
        owners: Collection[Owner],
        *,
        spenders: Collection[Owner] = (),
        all_lots_of: Collection[Owner] = (),
        spends: int = 0,
    ) -> int:
        """Lock the wallets of `owners`, release and expire what is due in them, and return how many points expired.

        `spenders` are those whose points will be spent or taken: their soonest lots are read at once, more where those
        do not reach. `all_lots_of` are those of whom awards will be taken back, or all points looked through. For so
        many `spends` what writing them asks the database comes with the locks, so that these are held for less long.
        """
        if not owners:
            return 0
        locking = Locking(owners)
        everyone = {owner.company for owner in owners} | set(owners)
        today = max(self._today.values())
        self._lots.ask(
            due=wallets_of(everyone, Kind.AVAILABLE, Kind.PENDING),
            waiting=wallets_of(everyone, Kind.PENDING),
            soonest=wallets_of(spenders, Kind.AVAILABLE),
            today=today,
        )
        if spends:
            self._ask_ahead(spends)
        self._purses = locking.purses()
        if locking.has_made_some:
            self._ids_ahead = None  # they came before the locks of these, and ids ascend in the order of what happens
        held = {purse.available.id: purse for purse in self._purses.values()}
        full = {self._purses[owner].available.id for owner in all_lots_of}
        full |= {wallet_id for wallet_id, purse in held.items() if self._is_over(purse.available)}
        pending = [purse for purse in self._purses.values() if purse.pending.balance]
        self._lots.open(
            whole=full,
            waiting={purse.pending.id for purse in pending},
            soonest={self._purses[owner].available.id for owner in spenders} - full,
        )
        for purse in sorted(pending, key=lambda purse: purse.pending.id):
            self._release_due(purse)
        return sum(self.expire(held[wallet_id].owner) for wallet_id in sorted(held.keys() & self._lots.wallets()))

    def begin(
        self, kind: Transaction.Kind, owner: Owner, *, activity_id: int | None = None, actor_id: int | None = None
    ) -> Act:
        """Begin an act in the owner's company and program, of the user `actor_id`; it is written if it moves points."""
        return Act(kind, owner, activity_id, actor_id)

    def available(self, owner: Owner) -> int:
        """The points that the owner can spend now."""
        return self._purses[owner].available.balance

    def owed(self, owner: Owner) -> int:
        """The points that the owner owes."""
        return -self._purses[owner].debt.balance

    def wallet_id(self, owner: Owner) -> int:
        """The id of the owner's wallet of available points."""
        return self._purses[owner].available.id

    def issue(self, act: Act, award: AwardEntry, *, at: datetime, days: LotDays, waits: bool) -> None:
        """Give the owner what the award grants; debt is repaid first, and a lot whose day is over expires at once.

        Points that wait repay and expire nothing before they are released.
        """
        purse = self._purses[award.owner]
        award.lot = self._lots.lot(purse.pending.id if waits else purse.available.id, days)
        award.posting = self._fill(act, purse, award.lot, award.granted, at=at, award=award)

    def give(self, act: Act, owner: Owner, points: int, *, at: datetime, days: LotDays) -> None:
        """Give the owner points that no rule grants, to be spent at once; as with an award, debt is repaid first."""
        purse = self._purses[owner]
        self._fill(act, purse, self._lots.lot(purse.available.id, days), points, at=at)

    def waiting(self, award: AwardEntry) -> int:
        """The points of an award that still wait."""
        lot = self._waiting_lot(award)
        return 0 if lot is None else min(award.granted - award.reversed, lot.remaining)

    def release(self, act: Act, award: AwardEntry, *, at: datetime, days: LotDays) -> None:
        """Make what still waits of an award available, with the days that hold from now on; debt is repaid first."""
        lot = self._waiting_lot(award)
        points = self.waiting(award)
        if lot is not None and points:
            purse = self._purses[award.owner]
            self._release(act, purse, lot, points, at=at, days=days)
            self._repay_debt(act, purse, at=at)
            self.expire(award.owner)

    def withdraw(self, act: Act, owner: Owner, points: int, *, at: datetime) -> None:
        """Take points back that should not have been given, soonest-expiring first.

        InsufficientPointsError, and nothing done, where there are fewer: by hand, nobody is put into debt.
        """
        purse = self._purses[owner]
        self._take_out(act, purse, points, into=purse.issued, at=at)

    def reverse(self, act: Act, award: AwardEntry, points: int, *, at: datetime) -> None:
        """Take points of an award back: what still waits of it, then from its own lot, from what that lot lost by
        expiry, from the lots that expire soonest, and what is still missing becomes debt. What waits of other awards
        stays theirs.
        """
        purse = self._purses[award.owner]
        wallet, issued = purse.available, purse.issued
        own = self._own_lot(award, wallet)
        missing = points - self._reverse_waiting(act, award, points, at=at)
        award.reversed += points
        from_own = 0 if own is None else min(missing, own.remaining)
        from_lots = []
        if own is not None and from_own:
            own.take(from_own)
            from_lots.append((own, from_own))
        missing -= from_own
        from_expired = 0 if own is None else min(missing, own.expired)
        missing -= from_expired
        more = self._draw(wallet, missing)
        missing -= sum(taken for _lot, taken in more)
        if from_lots or more:
            taken_in_all = sum(taken for _lot, taken in (*from_lots, *more))
            posting = self._post(act, wallet, issued, taken_in_all, at=at, award=award, reverses=award.posting)
            self._uses += [(lot, posting, taken) for lot, taken in (*from_lots, *more)]
        if own is not None and from_expired:
            own.forget_expired(from_expired)
            self._post(act, purse.expired, issued, from_expired, at=at, award=award, lot=own, reverses=award.posting)
        if missing:
            self._post(act, purse.debt, issued, missing, at=at, award=award, reverses=award.posting)

    def spend(self, act: Act, owner: Owner, points: int, *, at: datetime) -> None:
        """Spend points, soonest-expiring first; InsufficientPointsError, and nothing done, where there are fewer."""
        purse = self._purses[owner]
        self._take_out(act, purse, points, into=purse.spent, at=at)
        self._is_active(owner, at)

    def pass_on(self, act: Act, giver: Owner, taker: Owner, points: int, *, at: datetime) -> None:
        """Let points of one owner be another's, soonest-expiring first, their last days unchanged; then repay debt.

        InsufficientPointsError, and nothing done, where there are fewer.
        """
        wallet, into = self._purses[giver].available, self._purses[taker].available
        self._require(self._purses[giver], points)
        for owner in (giver, taker):
            self._is_active(owner, at)
        for lot, taken in self._draw(wallet, points):
            target = self._lots.lot(into.id, LotDays(lot.available_on, lot.last_day))
            target.put(taken, newly_earned=True)
            posting = self._post(act, wallet, into, taken, at=at, lot=target)
            self._uses.append((lot, posting, taken))
        self._repay_debt(act, self._purses[taker], at=at)

    def take_over_debt(self, act: Act, owner: Owner, *, at: datetime) -> None:
        """Let the company repay what a person owes, and owe itself what it has not."""
        debt, missing = self._purses[owner].debt, self.owed(owner)
        company = self._purses[owner.company]
        wallet = company.available
        taken = self._draw(wallet, missing)
        if taken:
            posting = self._post(act, wallet, debt, sum(used for _lot, used in taken), at=at)
            self._uses += [(lot, posting, used) for lot, used in taken]
        if rest := self.owed(owner):
            self._post(act, company.debt, debt, rest, at=at)

    def refund(self, act: Act, owner: Owner, spending: Act, *, at: datetime) -> None:
        """Give back what `spending` took, to the very lots it came from, their days unchanged."""
        purse = self._purses[owner]
        wallet = purse.available
        rows = arrays.fetch(
            """SELECT p.id, l.id, l.available_on, l.expires_on, l.remaining, l.expired, l.extended_to, u.points
               FROM loyalty_posting p
               JOIN loyalty_lotuse u ON u.posting_id = p.id JOIN loyalty_lot l ON l.id = u.lot_id
               WHERE p.transaction_id = %s AND p.debit_wallet_id = %s ORDER BY u.id""",
            spending.id,
            wallet.id,
        )
        points = sum(row[-1] for row in rows)
        posting = self._post(act, purse.spent, wallet, points, at=at, reverses=PostingRef(rows[0][0]))
        for _posting_id, lot_id, available_on, expires_on, remaining, expired, extended_to, used in rows:
            stored = LotEntry(lot_id, wallet.id, available_on, expires_on, remaining, expired, extended_to)
            lot = self._lots.stored(stored)
            lot.put(used, newly_earned=False)
            self._uses.append((lot, posting, -used))
        self._repay_debt(act, purse, at=at)
        self.expire(owner)

    def expire(self, owner: Owner) -> int:
        """Expire what is due in the owner's wallet, as an act of its own; return the points that were lost."""
        purse = self._purses[owner]
        wallet = purse.available
        today = self._today[owner.program_id]
        is_over = self._is_over(wallet)
        due = [lot for lot in self._lots.open_lots(wallet.id) if is_over or lot.is_due(today)]
        if not due:
            return 0
        points = sum(lot.remaining for lot in due)
        act = Act(Transaction.Kind.EXPIRE, owner)
        posting = self._post(act, wallet, purse.expired, points, at=self._now)
        for lot in due:
            self._uses.append((lot, posting, lot.remaining))
            lot.take(lot.remaining, by_expiry=True)
        return points

    def ending(self, owner: Owner, *, until: date) -> list[LotEntry]:
        """Return the owner's lots with points whose last day is `until` or sooner; of an owner with all lots."""
        lots = self._lots.open_lots(self._purses[owner].available.id)
        return [lot for lot in lots if lot.last_day is not None and lot.last_day <= until]

    def wallet_ends(self, owner: Owner, *, until: date) -> int:
        """Return the points that end with the owner's wallet, if its last day is `until` or sooner."""
        wallet, ends_idle = self._purses[owner].available, owner.program_id in self._ends_idle
        return wallet.balance if ends_idle and wallet.expires_on is not None and wallet.expires_on <= until else 0

    def extend_wallet(self, owner: Owner, *, to: date) -> None:
        """Let the owner's wallet last to a later day, where wallets end by idleness."""
        self._purses[owner].available.move_last_day(to)

    def ids_needed(self) -> dict[str, int]:
        """How many new ids the book needs, by table."""
        return {
            "loyalty_transaction": len(self._acts),
            "loyalty_posting": len(self._postings),
            "loyalty_lotuse": len(self._uses),
        }

    def begin_write(self) -> None:
        """Send what gets its ids in the database; those that are drawn next come with them."""
        if self._heard is None and self._acts:
            self._heard = ask_who_hears()
        self._lots.begin_write()
        self._is_being_written = True

    def write(self, ids: Mapping[str, Sequence[int]] | None = None) -> None:
        """Write acts, lots, postings and lot uses; the database applies the balances and refuses what must not be.

        `ids` are the new ones, ascending, for whoever draws them together with those of other tables.
        """
        if not self._is_being_written:
            self.begin_write()
        ids = ids or self._draw_ids()
        self._lots.end_write()
        for act, act_id in zip(self._acts, ids["loyalty_transaction"], strict=True):
            act.id = act_id
        for posting, posting_id in zip(self._postings, ids["loyalty_posting"], strict=True):
            posting.id = posting_id
        write_acts(self._acts, now=self._now)
        write_last_days(purse.available for purse in self._purses.values())
        write_postings(self._postings, now=self._now)
        write_uses(self._uses, ids["loyalty_lotuse"])
        if self._heard is not None:
            announce_movements(self._movements, heard=self._heard, now=self._now)

    def _ask_ahead(self, spends: int) -> None:
        """Ask who hears of so many spends, and for their ids; those that are not needed are never used."""
        self._heard = ask_who_hears()
        self._ids_ahead = arrays.ask_ids(
            loyalty_transaction=spends, loyalty_posting=spends, loyalty_lotuse=_LOTS_A_SPEND * spends
        )

    def _draw_ids(self) -> Mapping[str, Sequence[int]]:
        """Return new ids: those that came with the locks, and more where they do not reach."""
        needed = self.ids_needed()
        ahead = self._ids_ahead() if self._ids_ahead else dict.fromkeys(needed, ())
        more = arrays.draw_ids(**{table: max(0, count - len(ahead[table])) for table, count in needed.items()})
        return {table: [*ahead[table], *more[table]][:count] for table, count in needed.items()}

    def _movements(self) -> list[Movement]:
        """What each act moved, in their order: into or out of what people and companies hold or owe.

        What was released they held before: there it is the points that can be spent from now on.
        """
        moved: dict[int, dict[int | None, int]] = {act.id: {} for act in self._acts}
        for posting in self._postings:
            for wallet, points in ((posting.debit, -posting.points), (posting.credit, posting.points)):
                if wallet.kind in PERSONAL_KINDS and _is_told(posting, wallet):
                    shares = moved[posting.act.id]
                    shares[wallet.owner.employee_id] = shares.get(wallet.owner.employee_id, 0) + points
        return [
            Movement(act.id, act.kind, act.owner.program_id, act.owner.company_id, act.activity_id, moved[act.id])
            for act in self._acts
        ]

    def _fill(
        self, act: Act, purse: Purse, lot: LotEntry, points: int, *, at: datetime, award: AwardEntry | None = None
    ) -> PostingEntry:
        lot.put(points, newly_earned=True)
        self._is_active(purse.owner, at, also_on=lot.available_on)
        if lot.wallet_id == purse.pending.id:
            return self._post(act, purse.issued, purse.pending, points, at=at, award=award, lot=lot)
        posting = self._post(act, purse.issued, purse.available, points, at=at, award=award, lot=lot)
        self._repay_debt(act, purse, at=at)
        if self._is_over(purse.available) or lot.is_due(self._today[purse.owner.program_id]):
            self.expire(purse.owner)
        return posting

    def _is_active(self, owner: Owner, at: datetime, *, also_on: date | None = None) -> None:
        """Points come to the owner's wallet, or are spent: where wallets end by idleness, this one lasts anew.

        Points that wait for a day count on that day (`also_on`) once it has come.
        """
        if owner.program_id in self._ends_idle:
            day = at.astimezone(self._programs[owner.program_id].zone).date()
            if also_on is not None and also_on <= self._today[owner.program_id]:
                day = max(day, also_on)
            self._last_from(owner, day)

    def _last_from(self, owner: Owner, day: date) -> None:
        self._purses[owner].available.move_last_day(idle_until(self._programs[owner.program_id], day))

    def _is_over(self, wallet: WalletEntry) -> bool:
        """Whether a wallet's last day is over, in a program that ends wallets so."""
        if wallet.expires_on is None or wallet.expires_on >= self._today[wallet.owner.program_id]:
            return False
        return wallet.owner.program_id in self._ends_idle

    def _release_due(self, purse: Purse) -> None:
        """Release what waited for a day that has come, as an act of its own."""
        owner, wallet = purse.owner, purse.available
        today = self._today[owner.program_id]
        ripe = [lot for lot in self._lots.open_lots(purse.pending.id) if lot.is_ripe(today)]
        if ripe:
            act = Act(Transaction.Kind.RELEASE, owner)
            for lot in sorted(ripe, key=lambda lot: (lot.available_on or today, lot.spending_order)):
                if wallet.expires_on and lot.available_on and wallet.expires_on < lot.available_on:
                    self.expire(owner)  # the wallet had ended before this came
                self._release(act, purse, lot, lot.remaining, at=self._now, days=lot.days)
            self._repay_debt(act, purse, at=self._now)

    def _release(self, act: Act, purse: Purse, lot: LotEntry, points: int, *, at: datetime, days: LotDays) -> None:
        into = self._lots.lot(purse.available.id, days)
        if days.available_on is not None:
            self._last_from(purse.owner, days.available_on)
        lot.take(points)
        into.put(points, newly_earned=True)
        posting = self._post(act, purse.pending, purse.available, points, at=at, lot=into)
        self._uses.append((lot, posting, points))

    def _reverse_waiting(self, act: Act, award: AwardEntry, points: int, *, at: datetime) -> int:
        """Take up to `points` of what still waits of an award; return how many that was."""
        lot = self._waiting_lot(award)
        part = min(points, self.waiting(award))
        if lot is None or not part:
            return 0
        purse = self._purses[award.owner]
        lot.take(part)
        posting = self._post(act, purse.pending, purse.issued, part, at=at, award=award, reverses=award.posting)
        self._uses.append((lot, posting, part))
        return part

    def _waiting_lot(self, award: AwardEntry) -> LotEntry | None:
        """The lot in which an award's points were put to wait, if that holds any."""
        pending = self._purses[award.owner].pending
        if award.lot is None or award.lot.wallet_id != pending.id:
            return None
        return self._lots.find(pending.id, award.lot.days)

    def _require(self, purse: Purse, points: int) -> None:
        if purse.available.balance < points:
            raise InsufficientPointsError(available=purse.available.balance, wanted=points)

    def _take_out(self, act: Act, purse: Purse, points: int, *, into: WalletEntry, at: datetime) -> None:
        self._require(purse, points)
        taken = self._draw(purse.available, points)
        posting = self._post(act, purse.available, into, points, at=at)
        self._uses += [(lot, posting, used) for lot, used in taken]

    def _post(
        self,
        act: Act,
        debit: WalletEntry,
        credit: WalletEntry,
        points: int,
        *,
        at: datetime,
        award: AwardEntry | None = None,
        lot: LotEntry | None = None,
        reverses: PostingRef | None = None,
    ) -> PostingEntry:
        if not act.moved_points:
            act.moved_points = True
            self._acts.append(act)
        debit.balance -= points
        credit.balance += points
        posting = PostingEntry(
            act=act,
            debit=debit,
            credit=credit,
            points=points,
            effective_at=at,
            award=award,
            lot=lot,
            reverses=reverses,
        )
        self._postings.append(posting)
        return posting

    def _own_lot(self, award: AwardEntry, wallet: WalletEntry) -> LotEntry | None:
        return None if award.lot is None else self._lots.find(wallet.id, award.lot.days)

    def _draw(self, wallet: WalletEntry, points: int) -> list[tuple[LotEntry, int]]:
        """Take up to `points` out of the wallet's lots; return what came from which."""
        return self._lots.draw(wallet.id, points, balance=wallet.balance)

    def _repay_debt(self, act: Act, purse: Purse, *, at: datetime) -> None:
        debt, wallet = purse.debt, purse.available
        if not debt.balance:
            return
        points = min(-debt.balance, wallet.balance)
        if points > 0:
            taken = self._draw(wallet, points)
            posting = self._post(act, wallet, debt, points, at=at)
            self._uses += [(lot, posting, used) for lot, used in taken]


def _is_told(posting: PostingEntry, wallet: WalletEntry) -> bool:
    """Whether a posting's share of a wallet is told to other systems."""
    if posting.act.kind != Transaction.Kind.RELEASE:
        return True
    return posting.debit.kind == Kind.PENDING and wallet is posting.credit
