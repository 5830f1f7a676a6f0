"""How an order goes on once it is placed: the company approves, we approve, order and deliver, or somebody refuses."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts import approvals, messages
from accounts.actors import Actor
from accounts.delegations import decides_for_company
from accounts.messages import MessageKind, Telling
from rewards.messages import APPROVAL_DECIDED, APPROVED, DELIVERED, ORDERED, REJECTED
from rewards.models import Redemption
from rewards.policies import deciders_besides
from rewards.redemption import cancel
from rewards.steps import (
    NotNowError,
    ReasonMissingError,
    RedemptionError,
    State,
    lock,
    stop_asking,
    take,
    waits_for_company,
)

__all__ = [
    "NotADeciderError",
    "NotNowError",
    "Outcome",
    "ReasonMissingError",
    "RedemptionError",
    "WaitsForCompanyError",
    "approve",
    "approve_for_company",
    "approve_many",
    "cancel_many",
    "deliver",
    "deliver_many",
    "order",
    "order_many",
    "reject",
    "reject_for_company",
    "reject_many",
]


class NotADeciderError(RedemptionError):
    """The actor does not decide for the company at this moment: a time of standing in may be over."""


class WaitsForCompanyError(RedemptionError):
    """The company's own people are still to approve the order, and one of them can."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of many redemptions: `error` says why it was left as it was."""

    redemption_id: int
    error: RedemptionError | None = None


def approve_for_company(*, actor: Actor, redemption_id: int, now: datetime) -> Redemption:
    """Approve an order in the name of the company, so that it comes to us.

    Raises NotADeciderError, approvals.AlreadyDecidedError or approvals.OwnRequestError; then nothing has changed.
    """
    with transaction.atomic():
        redemption = _decide(actor, redemption_id, is_approved=True, reason="", now=now)
        take(redemption, State.CLIENT_APPROVED, by_user_id=actor.user_id, now=now)
        _tell(APPROVAL_DECIDED, redemption, now)
    return redemption


def reject_for_company(*, actor: Actor, redemption_id: int, reason: str, now: datetime) -> Redemption:
    """Refuse an order in the name of the company; the points go back to where they came from.

    Raises NotADeciderError, approvals.AlreadyDecidedError, approvals.OwnRequestError or approvals.ReasonMissingError;
    then nothing has changed.
    """
    with transaction.atomic():
        redemption = _decide(actor, redemption_id, is_approved=False, reason=reason, now=now)
        take(redemption, State.REJECTED, by_user_id=actor.user_id, now=now, reason=reason.strip())
        _tell(REJECTED, redemption, now, reason=reason.strip())
    return redemption


def approve(*, redemption_id: int, by_user_id: int, now: datetime) -> Redemption:
    """Approve an order for the vendor; one that its company can no longer decide, as nobody is left there, too.

    Raises WaitsForCompanyError or NotNowError; then nothing has changed.
    """
    with transaction.atomic():
        redemption = lock(redemption_id)
        if waits_for_company(redemption):
            if deciders_besides(redemption.placed_by_id, company_id=redemption.company_id, now=now):
                raise WaitsForCompanyError
            stop_asking(redemption, by_user_id=by_user_id, now=now)
        take(redemption, State.APPROVED, by_user_id=by_user_id, now=now)
        _tell(APPROVED, redemption, now)
    return redemption


def reject(*, redemption_id: int, by_user_id: int, reason: str, now: datetime) -> Redemption:
    """Refuse an order for the vendor, with a reason that the client reads; points and piece go back.

    Raises ReasonMissingError or NotNowError; then nothing has changed.
    """
    if not reason.strip():
        raise ReasonMissingError
    with transaction.atomic():
        redemption = lock(redemption_id)
        stop_asking(redemption, by_user_id=by_user_id, now=now)
        take(redemption, State.REJECTED, by_user_id=by_user_id, now=now, reason=reason.strip())
        _tell(REJECTED, redemption, now, reason=reason.strip())
    return redemption


def order(*, redemption_id: int, by_user_id: int, now: datetime) -> Redemption:
    """Write down that an approved order is ordered from whoever delivers it. Raises NotNowError."""
    with transaction.atomic():
        redemption = lock(redemption_id)
        take(redemption, State.ORDERED, by_user_id=by_user_id, now=now)
        _tell(ORDERED, redemption, now)
    return redemption


def deliver(*, redemption_id: int, by_user_id: int, now: datetime) -> Redemption:
    """Write down that an order has reached the client. Raises NotNowError."""
    with transaction.atomic():
        redemption = lock(redemption_id)
        take(redemption, State.DELIVERED, by_user_id=by_user_id, now=now)
        _tell(DELIVERED, redemption, now)
    return redemption


def approve_many(*, redemption_ids: Collection[int], by_user_id: int, now: datetime) -> list[Outcome]:
    """Approve each of the orders, as `approve` does; one outcome an order, in their order."""
    return _each(redemption_ids, lambda pk: approve(redemption_id=pk, by_user_id=by_user_id, now=now))


def reject_many(*, redemption_ids: Collection[int], by_user_id: int, reason: str, now: datetime) -> list[Outcome]:
    """Refuse each of the orders for one reason, as `reject` does; one outcome an order, in their order."""
    return _each(redemption_ids, lambda pk: reject(redemption_id=pk, by_user_id=by_user_id, reason=reason, now=now))


def order_many(*, redemption_ids: Collection[int], by_user_id: int, now: datetime) -> list[Outcome]:
    """Take each of the orders one step on, as `order` does; one outcome an order, in their order."""
    return _each(redemption_ids, lambda pk: order(redemption_id=pk, by_user_id=by_user_id, now=now))


def deliver_many(*, redemption_ids: Collection[int], by_user_id: int, now: datetime) -> list[Outcome]:
    """Take each of the orders to its end, as `deliver` does; one outcome an order, in their order."""
    return _each(redemption_ids, lambda pk: deliver(redemption_id=pk, by_user_id=by_user_id, now=now))


def cancel_many(*, redemption_ids: Collection[int], by_user_id: int, reason: str, now: datetime) -> list[Outcome]:
    """Cancel each of the orders for the vendor, as `cancel` does; one outcome an order, in their order."""
    return _each(
        redemption_ids,
        lambda pk: cancel(redemption_id=pk, by_user_id=by_user_id, now=now, reason=reason, by_vendor=True),
    )


def _each(redemption_ids: Collection[int], step: Callable[[int], Redemption]) -> list[Outcome]:
    """Take a step of every redemption, each in a transaction of its own, so that one refusal stops no other."""
    outcomes = []
    for redemption_id in redemption_ids:
        try:
            step(redemption_id)
        except RedemptionError as error:
            outcomes.append(Outcome(redemption_id, error))
        else:
            outcomes.append(Outcome(redemption_id))
    return outcomes


def _decide(actor: Actor, redemption_id: int, *, is_approved: bool, reason: str, now: datetime) -> Redemption:
    """Lock the redemption, then decide its approval for the company."""
    redemption = lock(redemption_id)
    if redemption.company_id != actor.company_id or not decides_for_company(actor):
        raise NotADeciderError
    if redemption.approval_id is None:
        raise approvals.AlreadyDecidedError
    approvals.decide(
        approval_id=redemption.approval_id,
        by_user_id=actor.user_id,
        is_approved=is_approved,
        reason=reason,
        now=now,
    )
    return redemption


def _tell(kind: MessageKind, redemption: Redemption, now: datetime, **more: str) -> None:
    facts: dict[str, str | int] = {"reward": redemption.reward.name, "points": redemption.points, **more}
    messages.tell(kind, [Telling(redemption.employee_id, redemption.pk, facts)], now=now)
