"""Redeeming points for a reward, and cancelling it again."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts import audit, idempotency, messages
from accounts.actors import Actor
from accounts.messages import Telling
from loyalty.ledger import Act, Book, InsufficientPointsError, Owner
from loyalty.memberships import people_may_spend
from loyalty.models import Membership, Program, Transaction
from rewards.messages import CANCELLED, REDEEMED
from rewards.models import Redemption, Reward, RewardStock

__all__ = [
    "CannotCancelError",
    "InsufficientPointsError",
    "NotYoursToSpendError",
    "OutOfStockError",
    "PriceChangedError",
    "Redeemed",
    "RedemptionError",
    "RewardWithdrawnError",
    "cancel",
    "payers_of",
    "redeem",
]


class RedemptionError(Exception):
    """A redemption that cannot be."""


class OutOfStockError(RedemptionError):
    """The last piece is gone."""


class RewardWithdrawnError(RedemptionError):
    """The reward is no longer offered."""


class NotYoursToSpendError(RedemptionError):
    """The actor may not spend from this wallet: it is another's, or the company does not agree (any more)."""


class PriceChangedError(RedemptionError):
    """The reward costs something else than the actor was shown."""

    def __init__(self, *, shown: int, price: int) -> None:
        super().__init__(f"{shown} points were shown, it costs {price}")
        self.shown = shown
        self.price = price


class CannotCancelError(RedemptionError):
    """The redemption is in a state that cannot be cancelled."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A redemption, and whether this very call made it (False: it stood under the same key)."""

    redemption: Redemption
    is_new: bool


def payers_of(actor: Actor, *, program_id: int, now: datetime) -> list[Owner]:
    """Return whose points the actor may spend in a program: the own, and for a company admin the company's."""
    if not actor.is_employee:
        return []
    if not Membership.objects.filter(program=program_id, company=actor.company_id).in_force(now).exists():
        return []
    payers = []
    if people_may_spend(program_id=program_id, company_id=actor.company_id, now=now):
        payers.append(Owner(program_id, actor.company_id, actor.employee_id))
    if actor.is_company_admin:
        payers.append(Owner(program_id, actor.company_id))
    return payers


def redeem(*, actor: Actor, reward_id: int, payer: Owner, shown_price: int, key: str, now: datetime) -> Redeemed:
    """Turn points of `payer` into a reward at `shown_price` points; the same `key` again gives the same redemption.

    Raises RewardWithdrawnError, NotYoursToSpendError, PriceChangedError, InsufficientPointsError or OutOfStockError,
    and idempotency.KeyUsedForAnotherRequestError; then nothing has changed.
    """
    with transaction.atomic():
        claim = idempotency.claim(
            user_id=actor.user_id, key=key, content=["redeem", reward_id, list(payer), shown_price]
        )
        if claim.resource_id is not None:
            return Redeemed(Redemption.objects.get(pk=claim.resource_id), is_new=False)
        reward = Reward.objects.visible_to(actor).filter(pk=reward_id, is_published=True).first()
        if reward is None:
            raise RewardWithdrawnError
        if payer not in payers_of(actor, program_id=reward.program_id, now=now):
            raise NotYoursToSpendError
        if reward.price != shown_price:
            raise PriceChangedError(shown=shown_price, price=reward.price)
        redemption = _redeem(actor, reward, payer, now)
        idempotency.settle(claim, redemption.pk)
    return Redeemed(redemption, is_new=True)


def _redeem(actor: Actor, reward: Reward, payer: Owner, now: datetime) -> Redemption:
    """Lock the wallet, then the stock; spend; write the redemption and what is told of it."""
    book = _open_book(payer, actor_id=actor.user_id, now=now)
    act = book.begin(Transaction.Kind.REDEEM, payer)
    book.spend(act, payer, reward.price, at=now)
    stock = RewardStock.objects.select_for_update().filter(pk=reward.pk).first()
    if stock is None or stock.left < 1:
        raise OutOfStockError
    RewardStock.objects.filter(pk=reward.pk).update(taken=F("taken") + 1)
    book.write()
    redemption = Redemption.objects.create(
        reward=reward,
        company_id=actor.company_id,
        employee_id=actor.employee_id,
        wallet_id=book.wallet_id(payer),
        points=reward.price,
        placed_at=now,
        placed_by_id=actor.user_id,
        debit_id=act.id,
    )
    audit.record(
        "redeemed", redemption, actor_id=actor.user_id, now=now, company_id=actor.company_id, points=reward.price
    )
    facts: dict[str, str | int] = {"reward": reward.name, "points": reward.price}
    messages.tell(REDEEMED, [Telling(actor.employee_id, redemption.pk, facts)], now=now)
    return redemption


def cancel(*, redemption_id: int, by_user_id: int, now: datetime) -> Redemption:
    """Cancel a redemption: the points go back to the very lots they came from, the piece to the stock.

    Raises CannotCancelError where it is cancelled already; then nothing has changed.
    """
    with transaction.atomic():
        redemption = (
            Redemption.objects.select_for_update(of=("self",)).select_related("reward", "wallet").get(pk=redemption_id)
        )
        if redemption.state != Redemption.State.REQUESTED:
            raise CannotCancelError
        wallet = redemption.wallet
        owner = Owner(wallet.program_id, wallet.company_id, wallet.employee_id)
        book = _open_book(owner, actor_id=by_user_id, now=now)
        act = book.begin(Transaction.Kind.CANCEL, owner)
        book.refund(act, owner, Act(Transaction.Kind.REDEEM, owner, id=redemption.debit_id), at=now)
        RewardStock.objects.filter(pk=redemption.reward_id).update(taken=F("taken") - 1)
        book.write()
        redemption.state = Redemption.State.CANCELLED
        redemption.cancelled_at = now
        redemption.credit_id = act.id
        redemption.save(update_fields=["state", "cancelled_at", "credit"])
        audit.record(
            "redemption-cancelled",
            redemption,
            actor_id=by_user_id,
            now=now,
            company_id=redemption.company_id,
            points=redemption.points,
        )
        facts: dict[str, str | int] = {"reward": redemption.reward.name, "points": redemption.points}
        messages.tell(CANCELLED, [Telling(redemption.employee_id, redemption.pk, facts)], now=now)
    return redemption


def _open_book(owner: Owner, *, actor_id: int, now: datetime) -> Book:
    program = Program.objects.get(pk=owner.program_id)
    book = Book(now=now, today={program.pk: now.astimezone(program.zone).date()}, actor_id=actor_id)
    book.open([owner], all_lots_of=[owner])
    return book
