"""Redeeming points for a reward, and cancelling it again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from accounts import audit, idempotency, messages
from accounts.actors import Actor
from accounts.idempotency import KeyBook, KeyUsedForAnotherRequestError
from accounts.messages import Telling
from accounts.together import atomic_together
from loyalty.gathering import Gathering
from loyalty.ledger import Act, Book, InsufficientPointsError, Owner
from loyalty.models import Program, Transaction
from rewards.messages import CANCELLED, REDEEMED
from rewards.models import Redemption, Reward, RewardStock
from rewards.paying import Spenders, pays_for
from rewards.policies import Placed, ask_companies
from rewards.steps import NotNowError, ReasonMissingError, RedemptionError, lock, open_book, place, stop_asking, take

__all__ = [
    "CannotCancelError",
    "InsufficientPointsError",
    "NotPaidFromError",
    "NotYoursToSpendError",
    "Order",
    "OutOfStockError",
    "PriceChangedError",
    "ProgramOverError",
    "ReasonMissingError",
    "Redeemed",
    "RedemptionError",
    "RewardWithdrawnError",
    "cancel",
    "redeem",
    "redeem_many",
]

MOST_ORDERS = 100
"""Orders that share a transaction at the most."""


class OutOfStockError(RedemptionError):
    """The last piece is gone."""


class RewardWithdrawnError(RedemptionError):
    """The reward is no longer offered."""


class NotYoursToSpendError(RedemptionError):
    """The actor may not spend from this wallet: it is another's, or the company does not agree (any more)."""


class NotPaidFromError(RedemptionError):
    """The reward is paid from other points: `paid_from` is one of Reward.PaidFrom."""

    def __init__(self, paid_from: str) -> None:
        super().__init__(f"it is paid from {paid_from}")
        self.paid_from = paid_from


class PriceChangedError(RedemptionError):
    """The reward costs something else than the actor was shown."""

    def __init__(self, *, shown: int, price: int) -> None:
        super().__init__(f"{shown} points were shown, it costs {price}")
        self.shown = shown
        self.price = price


class ProgramOverError(RedemptionError):
    """The program's last day to spend is over."""

    def __init__(self, last_day: date) -> None:
        super().__init__(f"it was {last_day}")
        self.last_day = last_day


class CannotCancelError(NotNowError):
    """The redemption is in a state that cannot be cancelled, or not by the client any more."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A redemption, and whether this very call made it (False: it stood under the same key).

    `is_unasked`: the company approves such orders, but nobody else there could; it comes to us straight away.
    """

    redemption: Redemption
    is_new: bool
    is_unasked: bool = False


Refusal = RedemptionError | InsufficientPointsError | KeyUsedForAnotherRequestError
"""Why an order is refused."""

Outcome = Redeemed | Refusal
"""What an order leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wants to redeem and how it is paid, as `redeem` has it."""

    actor: Actor
    reward_id: int
    payer: Owner
    shown_price: int
    key: str | None
    now: datetime
    rest_from_company: bool = False
    note: str = ""
    placed_by_id: int | None = None

    @property
    def by_user_id(self) -> int:
        """The user who orders: the actor's own, or that of another system."""
        return self.placed_by_id or self.actor.user_id

    @property
    def payers(self) -> list[Owner]:
        """Whose points pay, in this order."""
        return [self.payer, self.payer.company] if self.rest_from_company else [self.payer]

    @property
    def request(self) -> idempotency.Request | None:
        """The order under its key."""
        if self.key is None:
            return None
        content: list[object] = ["redeem", self.reward_id, list(self.payer), self.shown_price]
        if self.rest_from_company:
            content.append("rest from company")
        return idempotency.Request(self.by_user_id, self.key, content)


def redeem(
    *,
    actor: Actor,
    reward_id: int,
    payer: Owner,
    shown_price: int,
    key: str | None,
    now: datetime,
    rest_from_company: bool = False,
    note: str = "",
    placed_by_id: int | None = None,
) -> Redeemed:
    """Turn points of `payer` into a reward at `shown_price` points; the same `key` again gives the same redemption
    (None: whoever calls sees to that).

    With `rest_from_company` the company pays what the actor's own points do not reach. Where the company approves such
    orders, its people who decide are asked, and read `note`. `placed_by_id` is the user of another system that orders
    in the actor's name. Orders of one moment share a transaction.
    Raises RewardWithdrawnError, ProgramOverError, NotYoursToSpendError, PriceChangedError, NotPaidFromError,
    InsufficientPointsError or OutOfStockError, and idempotency.KeyUsedForAnotherRequestError; then nothing has changed.
    """
    order = Order(
        actor=actor,
        reward_id=reward_id,
        payer=payer,
        shown_price=shown_price,
        key=key,
        now=now,
        rest_from_company=rest_from_company,
        note=note,
        placed_by_id=placed_by_id,
    )
    [outcome] = _redeeming(payer.program_id, [order])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def redeem_many(*, program_id: int, orders: Sequence[Order]) -> list[Outcome]:
    """Redeem for orders whose payers are of one program, in one transaction, each as what those before it left allows.

    Returns what each leads to, in their order: one that is refused leaves nothing behind, and the others stand. Whether
    it is allowed goes by its own `now`; what is written is of the latest of them. Of orders under one key the first
    goes with the others, and the next follow in a transaction of their own.
    """
    wishes = [_Wish(order) for order in orders]
    waiting = wishes
    while waiting:
        first, waiting = _first_of_each_key(waiting)
        _redeem_together(program_id, first)
    return [wish.outcome for wish in wishes]


_redeeming: Gathering[int, Order, Outcome] = Gathering(
    lambda program_id, orders: redeem_many(program_id=program_id, orders=orders), most=MOST_ORDERS
)
"""Callers of one moment, whatever their languages: redeeming says nothing in any."""


@dataclass(slots=True, eq=False)
class _Wish:
    """An order on its way: what it is for, once it may have it, and what it has led to, once it `is_over`."""

    order: Order
    reward: Reward = field(init=False)
    outcome: Outcome = field(init=False)
    is_over: bool = False

    def end(self, outcome: Outcome) -> None:
        """Say what it has led to. A refusal keeps no trace of where it arose: others were served there, too."""
        self.outcome = outcome.with_traceback(None) if isinstance(outcome, Exception) else outcome
        self.is_over = True


@dataclass(frozen=True, slots=True)
class _Sale:
    """An order that goes through: its act, and what each of its payers gives."""

    wish: _Wish
    act: Act
    shares: Mapping[Owner, int]


def _first_of_each_key(wishes: Sequence[_Wish]) -> tuple[list[_Wish], list[_Wish]]:
    """Return those that are the first under their key, or have none, and the others."""
    first: list[_Wish] = []
    later: list[_Wish] = []
    known: set[tuple[int, str]] = set()
    for wish in wishes:
        key = (wish.order.by_user_id, wish.order.key) if wish.order.key is not None else None
        (later if key in known else first).append(wish)
        if key is not None:
            known.add(key)
    return first, later


def _redeem_together(program_id: int, wishes: Sequence[_Wish]) -> None:
    """Lead each to its end in one transaction, whose locks come in the global order: keys, wallets, stock."""
    now = max(wish.order.now for wish in wishes)
    with atomic_together():
        keys = KeyBook(wish.order.request for wish in wishes if wish.order.request is not None)
        _look_up(program_id, wishes, keys)
        till = _serve(wishes, now)
        if till is None:
            transaction.set_rollback(True)
        else:
            till.write(keys)


def _look_up(program_id: int, wishes: Sequence[_Wish], keys: KeyBook) -> None:
    """Find what stands before wallets and stock: an earlier order under the key, or that one may not have this."""
    for wish in wishes:
        if wish.order.request is not None:
            try:
                served = keys.served(wish.order.request)
            except KeyUsedForAnotherRequestError as refusal:
                wish.end(refusal)
            else:
                if served is not None:
                    wish.end(Redeemed(Redemption.objects.get(pk=served), is_new=False))
    orders = [wish.order for wish in wishes if not wish.is_over]
    if not orders:
        return
    spenders = Spenders(program_id=program_id, company_ids={order.actor.company_id for order in orders})
    offered = iter(_offered(orders))
    for wish in wishes:
        if not wish.is_over:
            try:
                wish.reward = _allowed(wish.order, next(offered), spenders)
            except RedemptionError as refusal:
                wish.end(refusal)


def _offered(orders: Sequence[Order]) -> list[Reward | None]:
    """Return the reward of each order, None where it is not offered to the actor."""
    sights = [order.actor.company_id or order.actor for order in orders]  # the people of a company see the same
    rewards: dict[int | Actor, dict[int, Reward]] = {}
    for sight, order in zip(sights, orders, strict=True):
        if sight not in rewards:
            wanted = {other.reward_id for seen_by, other in zip(sights, orders, strict=True) if seen_by == sight}
            offered = Reward.objects.visible_to(order.actor).filter(is_published=True).select_related("program")
            rewards[sight] = offered.in_bulk(wanted)
    return [rewards[sight].get(order.reward_id) for sight, order in zip(sights, orders, strict=True)]


def _allowed(order: Order, reward: Reward | None, spenders: Spenders) -> Reward:
    """Return the reward that the actor may have for these points, as far as neither runs out."""
    if reward is None:
        raise RewardWithdrawnError
    _require_days_left(reward.program, order.now)
    if reward.program_id != order.payer.program_id:
        raise NotYoursToSpendError
    if not set(order.payers) <= set(spenders.payers_of(order.actor, now=order.now)):
        raise NotYoursToSpendError
    if reward.price != order.shown_price:
        raise PriceChangedError(shown=order.shown_price, price=reward.price)
    if not all(pays_for(reward, owner) for owner in order.payers):
        raise NotPaidFromError(reward.paid_from)
    return reward


def _require_days_left(program: Program, now: datetime) -> None:
    last_day = program.last_spend_on
    if last_day is not None and now.astimezone(program.zone).date() > last_day:
        raise ProgramOverError(last_day)


def _serve(wishes: Sequence[_Wish], now: datetime) -> "_Till | None":
    """Work out which of them get points and pieces; None where nobody does.

    Where some are refused, it is worked out again without them: nothing of what is due in their wallets is touched.
    """
    going = [wish for wish in wishes if not wish.is_over]
    while going:
        till = _Till(going, now)
        for wish in going:
            till.serve(wish)
        if len(till.sales) == len(going):
            return till
        going = [sale.wish for sale in till.sales]
    return None


class _Till:
    """Wallets and stock under lock, and the orders they are enough for: worked out in memory, then written at once."""

    def __init__(self, wishes: Sequence[_Wish], now: datetime) -> None:
        self.sales: list[_Sale] = []
        self._now = now
        payers = {payer for wish in wishes for payer in wish.order.payers}
        self._book = open_book(wishes[0].reward.program, payers, orders=len(wishes), now=now)
        rows = RewardStock.objects.select_for_update().filter(pk__in={wish.reward.pk for wish in wishes})
        self._stock = {row.pk: row for row in rows.order_by("pk")}
        self._left = Counter({pk: row.left for pk, row in self._stock.items()})

    def serve(self, wish: _Wish) -> None:
        """Give the order its points and its piece, or end it where there are too few."""
        order, reward = wish.order, wish.reward
        try:
            shares = _shares(self._book, order.payers, reward.price)
            if self._left[reward.pk] < 1:
                raise OutOfStockError
        except (InsufficientPointsError, OutOfStockError) as refusal:
            wish.end(refusal)
            return
        act = self._book.begin(Transaction.Kind.REDEEM, order.payer, actor_id=order.by_user_id)
        for owner, points in shares.items():
            self._book.spend(act, owner, points, at=self._now)
        self._left[reward.pk] -= 1
        self.sales.append(_Sale(wish, act, shares))

    def write(self, keys: KeyBook) -> None:
        """Write what was sold and what is told of it, and end the orders."""
        pieces = Counter(sale.wish.reward.pk for sale in self.sales)
        for pk, count in pieces.items():
            self._stock[pk].taken = F("taken") + count
        RewardStock.objects.bulk_update([self._stock[pk] for pk in pieces], ["taken"])
        self._book.write()
        redemptions = Redemption.objects.bulk_create(self._redemption(sale) for sale in self.sales)
        place(redemptions, now=self._now)
        _put_on_record("redeemed", redemptions, self._now)
        tellings = [Telling(one.employee_id, one.pk, _facts_of(one)) for one in redemptions]
        messages.tell(REDEEMED, tellings, now=self._now)
        wishes = [sale.wish for sale in self.sales]
        placed = list(zip(wishes, redemptions, strict=True))
        unasked = ask_companies(
            [Placed(redemption, wish.order.actor.user_id, wish.order.note) for wish, redemption in placed],
            now=self._now,
        )
        _put_on_record("redemption-nobody-to-ask", unasked, self._now)
        for wish, redemption in placed:
            wish.end(Redeemed(redemption, is_new=True, is_unasked=redemption in unasked))
            if wish.order.request is not None:
                keys.settle(wish.order.request, redemption.pk)
        keys.write()

    def _redemption(self, sale: _Sale) -> Redemption:
        order, reward = sale.wish.order, sale.wish.reward
        first, *rest = sale.shares
        return Redemption(
            reward=reward,
            company_id=order.actor.company_id,
            employee_id=order.actor.employee_id,
            wallet_id=self._book.wallet_id(first),
            points=reward.price,
            company_wallet_id=self._book.wallet_id(rest[0]) if rest else None,
            company_points=sale.shares[rest[0]] if rest else 0,
            placed_at=self._now,
            placed_by_id=order.by_user_id,
            debit_id=sale.act.id,
        )


def _shares(book: Book, payers: Sequence[Owner], price: int) -> Mapping[Owner, int]:
    """What each of `payers` gives: the first as much as it has, the next the rest; nobody gives nothing."""
    available = sum(book.available(owner) for owner in payers)
    if available < price:
        raise InsufficientPointsError(available=available, wanted=price)
    shares: dict[Owner, int] = {}
    for owner in payers:
        points = min(book.available(owner), price - sum(shares.values()))
        if points > 0:
            shares[owner] = points
    return shares


def _put_on_record(action: str, redemptions: Sequence[Redemption], now: datetime) -> None:
    acts = [
        audit.Act(action, one, one.company_id, {"points": one.points}, actor_id=one.placed_by_id) for one in redemptions
    ]
    audit.record_many(acts, now=now)


def _facts_of(redemption: Redemption) -> dict[str, str | int]:
    return {"reward": redemption.reward.name, "points": redemption.points}


CLIENT_CANCELS = frozenset({Redemption.State.REQUESTED, Redemption.State.CLIENT_APPROVED, Redemption.State.APPROVED})
"""States in which the client may still cancel: nothing has been ordered from anybody."""


def cancel(
    *, redemption_id: int, by_user_id: int, now: datetime, reason: str = "", by_vendor: bool = False
) -> Redemption:
    """Cancel a redemption: the points go back to the very lots they came from, the piece to the stock.

    The client can until it is ordered; the vendor (`by_vendor`), with a reason, until it is delivered.
    Raises CannotCancelError or ReasonMissingError; then nothing has changed.
    """
    if by_vendor and not reason.strip():
        raise ReasonMissingError
    with transaction.atomic():
        redemption = lock(redemption_id)
        if not by_vendor and redemption.state not in CLIENT_CANCELS:
            raise CannotCancelError(redemption.state)
        try:
            stop_asking(redemption, by_user_id=by_user_id, now=now)
            take(redemption, Redemption.State.CANCELLED, by_user_id=by_user_id, now=now, reason=reason.strip())
        except NotNowError as error:
            raise CannotCancelError(error.state) from error
        messages.tell(CANCELLED, [Telling(redemption.employee_id, redemption.pk, _facts_of(redemption))], now=now)
    return redemption
