"""The steps of a redemption: which may follow which, and what every one of them writes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db.models import F, Q, QuerySet

from accounts import approvals, audit
from loyalty.ledger import Act, Book, Owner
from loyalty.models import Program, Transaction, Wallet
from rewards.models import Redemption, RedemptionStep, RewardStock
from rewards.webhooks import announce_redemptions

State = Redemption.State

OPEN = (State.REQUESTED, State.CLIENT_APPROVED, State.APPROVED, State.ORDERED)
"""States from which an order still goes somewhere."""

ENDED_UNSERVED = frozenset({State.REJECTED, State.CANCELLED})
"""States in which the points and the piece have gone back."""

CAME_FROM: Mapping[State, frozenset[State]] = {
    State.CLIENT_APPROVED: frozenset({State.REQUESTED}),
    State.APPROVED: frozenset({State.REQUESTED, State.CLIENT_APPROVED}),
    State.ORDERED: frozenset({State.APPROVED}),
    State.DELIVERED: frozenset({State.ORDERED}),
    State.REJECTED: frozenset(OPEN),
    State.CANCELLED: frozenset(OPEN),
}
"""For each state, those that lead to it."""

_ACTIONS: Mapping[State, str] = {
    State.CLIENT_APPROVED: "redemption-approved-by-company",
    State.APPROVED: "redemption-approved",
    State.ORDERED: "redemption-ordered",
    State.DELIVERED: "redemption-delivered",
    State.REJECTED: "redemption-rejected",
    State.CANCELLED: "redemption-cancelled",
}


class RedemptionError(Exception):
    """A redemption, or a step of one, that cannot be."""


class NotNowError(RedemptionError):
    """The redemption is in a `state` from which this step does not lead: somebody may have been quicker."""

    def __init__(self, state: str) -> None:
        super().__init__(f"it is {state}")
        self.state = state


class ReasonMissingError(RedemptionError):
    """A refusal without a reason: the one who ordered could only guess."""


def waits_for_company(redemption: Redemption) -> bool:
    """Whether the company's own approval is still to come."""
    return redemption.state == State.REQUESTED and redemption.approval_id is not None


def in_our_queue(redemptions: QuerySet[Redemption]) -> QuerySet[Redemption]:
    """Those of `redemptions` that wait for the vendor's approval, and no longer for their company's."""
    asks_nobody = Q(state=State.REQUESTED, approval__isnull=True)
    return redemptions.filter(asks_nobody | Q(state=State.CLIENT_APPROVED))


def lock(redemption_id: int) -> Redemption:
    """Return the redemption under lock: the first lock of every step, before wallets and stock."""
    rows = Redemption.objects.select_for_update(of=("self",))
    return rows.select_related("reward__program", "wallet", "company_wallet").get(pk=redemption_id)


def place(redemptions: Sequence[Redemption], *, now: datetime) -> None:
    """Write the first steps of redemptions that have just been made."""
    RedemptionStep.objects.bulk_create(
        RedemptionStep(redemption=one, state=State.REQUESTED, at=one.placed_at, by_id=one.placed_by_id)
        for one in redemptions
    )
    announce_redemptions(redemptions, now=now)


def take(redemption: Redemption, state: State, *, by_user_id: int, now: datetime, reason: str = "") -> None:
    """Bring a locked redemption to `state`; one that ends unserved gives points and piece back.

    Raises NotNowError; then nothing has changed.
    """
    if redemption.state not in CAME_FROM[state]:
        raise NotNowError(redemption.state)
    if state in ENDED_UNSERVED:
        redemption.credit_id = _give_back(redemption, by_user_id, now)
        redemption.refunded_at = now
    redemption.state = state
    redemption.save(update_fields=["state", "credit", "refunded_at"])
    RedemptionStep.objects.create(redemption=redemption, state=state, at=now, by_id=by_user_id, reason=reason)
    audit.record(
        _ACTIONS[state],
        redemption,
        actor_id=by_user_id,
        now=now,
        company_id=redemption.company_id,
        reason=reason,
        points=redemption.points,
    )
    announce_redemptions([redemption], now=now)


def stop_asking(redemption: Redemption, *, by_user_id: int, now: datetime) -> None:
    """Withdraw what a locked redemption asks of its company, before it goes on without an answer."""
    if redemption.approval_id is not None and waits_for_company(redemption):
        approvals.withdraw(approval_id=redemption.approval_id, by_user_id=by_user_id, now=now)


def open_book(program: Program, owners: Collection[Owner], *, orders: int = 1, now: datetime) -> Book:
    """Return the book of the wallets of `owners` in a program, to spend from or to give back to for so many orders."""
    book = Book(now=now, programs=[program])
    book.open(owners, spenders=owners, spends=orders)
    return book


def _give_back(redemption: Redemption, by_user_id: int, now: datetime) -> int:
    """Put the points back into the very lots they came from and the piece into stock; return the act's id."""
    owners = [_owner_of(redemption.wallet)]
    if redemption.company_wallet is not None:
        owners.append(_owner_of(redemption.company_wallet))
    book = open_book(redemption.reward.program, owners, now=now)
    act = book.begin(Transaction.Kind.CANCEL, owners[0], actor_id=by_user_id)
    spending = Act(Transaction.Kind.REDEEM, owners[0], id=redemption.debit_id)
    for owner in owners:
        book.refund(act, owner, spending, at=now)
    RewardStock.objects.filter(pk=redemption.reward_id).update(taken=F("taken") - 1)
    book.write()
    return act.id


def _owner_of(wallet: Wallet) -> Owner:
    return Owner(wallet.program_id, wallet.company_id, wallet.employee_id)
