"""Redeeming points for a reward, and cancelling it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from accounts import approvals, audit, idempotency, messages
from accounts.actors import Actor
from accounts.messages import Telling
from accounts.models import Approval, Employee
from loyalty.ledger import Book, InsufficientPointsError, Owner
from loyalty.memberships import people_may_spend
from loyalty.models import Membership, Program, Transaction
from loyalty.together import atomic_together
from rewards.messages import APPROVAL_ASKED, CANCELLED, REDEEMED
from rewards.models import Redemption, Reward, RewardStock
from rewards.policies import deciders_besides, policy_of
from rewards.steps import NotNowError, ReasonMissingError, RedemptionError, lock, open_book, place, stop_asking, take

__all__ = [
    "APPROVAL_KIND",
    "CannotCancelError",
    "InsufficientPointsError",
    "NotPaidFromError",
    "NotYoursToSpendError",
    "OutOfStockError",
    "PriceChangedError",
    "ProgramOverError",
    "ReasonMissingError",
    "Redeemed",
    "RedemptionError",
    "RewardWithdrawnError",
    "cancel",
    "payers_of",
    "redeem",
]

APPROVAL_KIND = "redemption"
"""The kind of `Approval` that a company's own people decide before an order comes to us."""


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


def pays_for(reward: Reward, owner: Owner) -> bool:
    """Whether a reward can be paid for by such an owner: a person, or a company."""
    return reward.paid_from != (Reward.PaidFrom.COMPANY if owner.employee_id else Reward.PaidFrom.EMPLOYEE)


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
    in the actor's name.
    Raises RewardWithdrawnError, ProgramOverError, NotYoursToSpendError, PriceChangedError, NotPaidFromError,
    InsufficientPointsError or OutOfStockError, and idempotency.KeyUsedForAnotherRequestError; then nothing has changed.
    """
    content = ["redeem", reward_id, list(payer), shown_price, *(["rest from company"] if rest_from_company else [])]
    by_user_id = placed_by_id or actor.user_id
    with atomic_together():
        claim = None if key is None else idempotency.claim(user_id=by_user_id, key=key, content=content)
        if claim is not None and claim.resource_id is not None:
            return Redeemed(Redemption.objects.get(pk=claim.resource_id), is_new=False)
        rewards = Reward.objects.visible_to(actor).select_related("program")
        reward = rewards.filter(pk=reward_id, is_published=True).first()
        if reward is None:
            raise RewardWithdrawnError
        _require_days_left(reward.program, now)
        payers = [payer, payer.company] if rest_from_company else [payer]
        if not set(payers) <= set(payers_of(actor, program_id=reward.program_id, now=now)):
            raise NotYoursToSpendError
        if reward.price != shown_price:
            raise PriceChangedError(shown=shown_price, price=reward.price)
        if not all(pays_for(reward, owner) for owner in payers):
            raise NotPaidFromError(reward.paid_from)
        redemption = _redeem(actor, reward, payers, by_user_id, now)
        is_unasked = _ask_company(redemption, actor, reward, note, now)
        if claim is not None:
            idempotency.settle(claim, redemption.pk)
    return Redeemed(redemption, is_new=True, is_unasked=is_unasked)


def _require_days_left(program: Program, now: datetime) -> None:
    last_day = program.last_spend_on
    if last_day is not None and now.astimezone(program.zone).date() > last_day:
        raise ProgramOverError(last_day)


def _redeem(actor: Actor, reward: Reward, payers: list[Owner], by_user_id: int, now: datetime) -> Redemption:
    """Lock the wallets, then the stock; spend; write the redemption and what is told of it."""
    book = open_book(payers, now=now)
    act = book.begin(Transaction.Kind.REDEEM, payers[0], actor_id=by_user_id)
    shares = _shares(book, payers, reward.price)
    for owner, points in shares.items():
        book.spend(act, owner, points, at=now)
    stock = RewardStock.objects.select_for_update().filter(pk=reward.pk).first()
    if stock is None or stock.left < 1:
        raise OutOfStockError
    RewardStock.objects.filter(pk=reward.pk).update(taken=F("taken") + 1)
    book.write()
    first, *rest = shares
    redemption = Redemption.objects.create(
        reward=reward,
        company_id=actor.company_id,
        employee_id=actor.employee_id,
        wallet_id=book.wallet_id(first),
        points=reward.price,
        company_wallet_id=book.wallet_id(rest[0]) if rest else None,
        company_points=shares[rest[0]] if rest else 0,
        placed_at=now,
        placed_by_id=by_user_id,
        debit_id=act.id,
    )
    place(redemption)
    audit.record("redeemed", redemption, actor_id=by_user_id, now=now, company_id=actor.company_id, points=reward.price)
    facts: dict[str, str | int] = {"reward": reward.name, "points": reward.price}
    messages.tell(REDEEMED, [Telling(actor.employee_id, redemption.pk, facts)], now=now)
    return redemption


def _shares(book: Book, payers: list[Owner], price: int) -> Mapping[Owner, int]:
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


def _ask_company(redemption: Redemption, actor: Actor, reward: Reward, note: str, now: datetime) -> bool:
    """Ask those who decide where the company approves such orders; True where it does and nobody else could decide."""
    if not policy_of(actor.company_id).asks_for(redemption.points):
        return False
    deciders = deciders_besides(actor.user_id, company_id=actor.company_id, now=now)
    if not deciders:
        audit.record(
            "redemption-nobody-to-ask",
            redemption,
            actor_id=redemption.placed_by_id,
            now=now,
            company_id=actor.company_id,
            points=redemption.points,
        )
        return True
    redemption.approval = approvals.ask(
        kind=APPROVAL_KIND,
        subject_id=redemption.pk,
        audience=Approval.Audience.CLIENT,
        company_id=actor.company_id,
        asked_by_id=actor.user_id or redemption.placed_by_id,
        points=redemption.points,
        note=note.strip(),
        now=now,
    )
    redemption.save(update_fields=["approval"])
    person = Employee.objects.get(pk=actor.employee_id).name
    facts: dict[str, str | int] = {"person": person, "reward": reward.name, "points": redemption.points}
    tellings = [Telling(decider.pk, redemption.approval.pk, facts) for decider in deciders]
    messages.tell(APPROVAL_ASKED, tellings, now=now)
    return False


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
        facts: dict[str, str | int] = {"reward": redemption.reward.name, "points": redemption.points}
        messages.tell(CANCELLED, [Telling(redemption.employee_id, redemption.pk, facts)], now=now)
    return redemption
