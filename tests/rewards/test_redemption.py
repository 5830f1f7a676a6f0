"""Redeeming and cancelling: what each writes, and what each refuses without leaving a trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from accounts import laws
from accounts.actors import Actor, actor_of
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.models import AuditEntry, Employee, IdempotencyKey, Message
from loyalty.ledger import InsufficientPointsError, Owner
from loyalty.memberships import withdraw_consent
from loyalty.models import Lot, Membership, Posting, Transaction, Wallet
from rewards.models import Redemption, Reward, RewardStock
from rewards.paying import payers_of
from rewards.redemption import (
    CannotCancelError,
    NotYoursToSpendError,
    OutOfStockError,
    PriceChangedError,
    Redeemed,
    RedemptionError,
    RewardWithdrawnError,
    cancel,
    redeem,
)
from tests.factories.world import (
    NOW,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_role,
    a_rule_set,
    an_account_manager,
    an_admin,
    an_employee,
    balance,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

DEBT, SPENT = Wallet.Kind.DEBT, Wallet.Kind.SPENT
MODELS = (AuditEntry, IdempotencyKey, Lot, Message, Posting, Redemption, RewardStock, Transaction, Wallet)


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


@dataclass(frozen=True)
class Client:
    """A member with 150 points, its admin without points and its buyer with 150 of the own."""

    member: Membership
    admin: Employee
    buyer: Employee
    reward: Reward

    @property
    def company_wallet(self) -> Owner:
        return Owner(self.member.program_id, self.member.company_id)

    @property
    def buyers_wallet(self) -> Owner:
        return Owner(self.member.program_id, self.member.company_id, self.buyer.pk)


@pytest.fixture
def client() -> Client:
    program = a_program()
    a_rule_set(program, [{"beneficiary": "BOTH"}])
    member = a_member(program)
    consent_to(member)
    buyer = an_employee(member.company)
    record(a_purchase(member.company, 150, employee_id=buyer.pk))
    return Client(member, an_admin(member.company), buyer, a_reward(program, pieces=3, name="Headset"))


def order(
    client: Client,
    by: Employee | None = None,
    *,
    payer: Owner | None = None,
    price: int = 100,
    key: str = "key",
    now: datetime = NOW,
    reward: Reward | None = None,
) -> Redeemed:
    """The admin redeems the reward with the company's points, unless told otherwise."""
    return redeem(
        actor=_actor(by or client.admin, now),
        reward_id=(reward or client.reward).pk,
        payer=payer or client.company_wallet,
        shown_price=price,
        key=key,
        now=now,
    )


def _actor(employee: Employee, now: datetime = NOW) -> Actor:
    return actor_of(employee.user, now=now)


@contextmanager
def refused(error: type[Exception]) -> Iterator[pytest.ExceptionInfo[Exception]]:
    """The block is refused with `error`, and no row has changed."""
    before = _all_rows()
    with pytest.raises(error) as refusal:
        yield refusal
    assert _all_rows() == before


def _all_rows() -> list[list[tuple[object, ...]]]:
    return [sorted(model._default_manager.values_list(), key=str) for model in MODELS]


def test_redeeming_spends_points_takes_a_piece_and_writes_who_and_when(client: Client) -> None:
    result = order(client)

    redemption = Redemption.objects.get()
    assert result == Redeemed(redemption, is_new=True)
    assert (redemption.state, redemption.points, redemption.placed_at) == ("REQUESTED", 100, NOW)
    assert (redemption.employee, redemption.placed_by) == (client.admin, client.admin.user)
    assert (balance(client.member), balance(client.member, kind=SPENT)) == (50, 100)
    assert balance(client.member, client.buyer) == 150
    stock = RewardStock.objects.get()
    assert (stock.total, stock.taken) == (3, 1)
    assert redemption.debit.kind == "REDEEM"
    assert redemption.debit.actor == client.admin.user


def test_redeeming_tells_the_person_and_goes_on_record(client: Client) -> None:
    redemption = order(client).redemption

    message = Message.objects.get()
    assert (message.employee, message.kind, message.subject_id) == (client.admin, "redeemed", redemption.pk)
    assert message.facts == {"reward": "Headset", "points": 100}
    entry = AuditEntry.objects.get(action="redeemed")
    assert (entry.actor, entry.subject_id, entry.company) == (client.admin.user, redemption.pk, client.member.company)
    assert (entry.at, entry.numbers) == (NOW, {"points": 100})


def test_person_spends_the_own_points(client: Client) -> None:
    order(client, client.buyer, payer=client.buyers_wallet)

    assert balance(client.member, client.buyer) == 50
    assert balance(client.member) == 150
    assert Redemption.objects.get().wallet.employee == client.buyer


def test_same_key_gives_the_same_order_and_spends_once(client: Client) -> None:
    first = order(client)
    again = order(client, now=NOW + timedelta(days=400))

    assert again == Redeemed(first.redemption, is_new=False)
    assert balance(client.member) == 50
    assert Message.objects.count() == 1


def test_same_key_answers_even_when_the_reward_is_withdrawn_meanwhile(client: Client) -> None:
    first = order(client)
    Reward.objects.update(is_published=False, price=999)

    assert order(client) == Redeemed(first.redemption, is_new=False)


def test_key_for_another_order_is_refused(client: Client) -> None:
    order(client)
    other = a_reward(client.member.program)

    with refused(KeyUsedForAnotherRequestError):
        order(client, reward=other)
    with refused(KeyUsedForAnotherRequestError):
        order(client, price=99)


def test_keys_of_two_people_do_not_meet(client: Client) -> None:
    order(client)

    assert order(client, client.buyer, payer=client.buyers_wallet).is_new


def test_key_of_a_refused_order_can_be_used_again(client: Client) -> None:
    with refused(PriceChangedError):
        order(client, price=80)

    assert order(client).is_new


def test_changed_price_is_refused_and_told(client: Client) -> None:
    Reward.objects.update(price=120)

    with refused(PriceChangedError) as refusal:
        order(client)

    assert isinstance(refusal.value, PriceChangedError)
    assert (refusal.value.shown, refusal.value.price) == (100, 120)


def test_withdrawn_reward_is_refused(client: Client) -> None:
    Reward.objects.update(is_published=False)

    with refused(RewardWithdrawnError):
        order(client)


def test_reward_of_a_program_that_the_company_is_not_in_reads_like_a_withdrawn_one(client: Client) -> None:
    elsewhere = a_reward(a_program())

    with refused(RewardWithdrawnError):
        order(client, reward=elsewhere)


@pytest.mark.parametrize("pieces", [0, 1])
def test_out_of_stock_is_refused(client: Client, pieces: int) -> None:
    reward = a_reward(client.member.program, pieces=pieces, price=10)
    for number in range(pieces):
        order(client, reward=reward, price=10, key=f"before {number}")

    with refused(OutOfStockError):
        order(client, reward=reward, price=10)


def test_reward_that_never_had_stock_is_out_of_it(client: Client) -> None:
    reward = Reward.objects.create(program=client.member.program, code="bare", name="Bare", price=10, is_published=True)

    with refused(OutOfStockError):
        order(client, reward=reward, price=10)


def test_too_few_points_are_refused_and_told(client: Client) -> None:
    order(client, key="first")

    with refused(InsufficientPointsError) as refusal:
        order(client)

    assert isinstance(refusal.value, InsufficientPointsError)
    assert (refusal.value.available, refusal.value.wanted) == (50, 100)


def test_points_that_are_due_cannot_be_spent() -> None:
    program = a_program(expiry_months=1)
    a_rule_set(program)
    member = a_member(program)
    record(a_purchase(member.company, 150))
    client = Client(member, an_admin(member.company), an_employee(member.company), a_reward(program))

    with refused(InsufficientPointsError):
        order(client, now=NOW + timedelta(days=60))


def test_nobody_spends_what_is_not_theirs(client: Client) -> None:
    stranger = a_member(client.member.program)
    decider = an_employee(client.member.company, buying_role=Employee.BuyingRole.DECIDES)

    for who, payer in (
        (client.buyer, client.company_wallet),
        (decider, client.company_wallet),
        (client.admin, client.buyers_wallet),
        (an_admin(stranger.company), client.company_wallet),
        (an_admin(stranger.company), client.buyers_wallet),
        (client.admin, Owner(a_program().pk, client.member.company_id)),
    ):
        with refused(NotYoursToSpendError):
            order(client, who, payer=payer)


def test_vendors_staff_spends_nobodys_points(client: Client) -> None:
    for user in (a_manager(), an_account_manager(client.member.company)):
        with refused(NotYoursToSpendError):
            redeem(
                actor=actor_of(user, now=NOW),
                reward_id=client.reward.pk,
                payer=client.company_wallet,
                shown_price=100,
                key="key",
                now=NOW,
            )


def test_nobody_unknown_sees_a_reward(client: Client) -> None:
    with pytest.raises(RewardWithdrawnError):
        redeem(
            actor=Actor(at=NOW, user_id=client.admin.user_id or 0),
            reward_id=client.reward.pk,
            payer=client.company_wallet,
            shown_price=100,
            key="key",
            now=NOW,
        )


def test_people_keep_ninety_days_to_spend_after_consent_is_withdrawn(client: Client) -> None:
    withdraw_consent(membership=client.member, by=a_manager(), now=NOW)
    last = NOW + timedelta(days=90)

    with refused(NotYoursToSpendError):
        order(client, client.buyer, payer=client.buyers_wallet, now=last)
    assert order(client, client.buyer, payer=client.buyers_wallet, now=last - timedelta(seconds=1)).is_new
    assert order(client, key="company", now=last).is_new


def test_company_that_left_spends_nothing(client: Client) -> None:
    Membership.objects.update(ends_at=NOW)

    assert payers_of(_actor(client.admin), program_id=client.member.program_id, now=NOW) == []
    with refused(NotYoursToSpendError):
        order(client)


def test_payers_are_the_own_wallet_and_for_an_admin_the_companys(client: Client) -> None:
    program_id = client.member.program_id
    a_role(client.buyer, "buyer")

    assert payers_of(_actor(client.buyer), program_id=program_id, now=NOW) == [client.buyers_wallet]
    assert payers_of(_actor(client.admin), program_id=program_id, now=NOW) == [
        Owner(program_id, client.member.company_id, client.admin.pk),
        client.company_wallet,
    ]


def test_cancelling_puts_everything_back_where_it_was(client: Client) -> None:
    record(a_purchase(client.member.company, 7, occurred_at=NOW - timedelta(days=30)))
    lots = sorted(Lot.objects.values_list())
    redemption = order(client).redemption
    manager = a_manager()

    cancelled = cancel(redemption_id=redemption.pk, by_user_id=manager.pk, now=NOW + timedelta(hours=1))

    assert sorted(Lot.objects.values_list()) == lots
    assert (balance(client.member), balance(client.member, kind=SPENT)) == (157, 0)
    assert RewardStock.objects.get().taken == 0
    assert (cancelled.state, cancelled.refunded_at) == ("CANCELLED", NOW + timedelta(hours=1))
    assert cancelled == Redemption.objects.get()
    assert cancelled.credit is not None
    assert (cancelled.credit.kind, cancelled.credit.actor) == ("CANCEL", manager)
    credit = Posting.objects.get(transaction=cancelled.credit)
    assert credit.reverses == Posting.objects.get(transaction=cancelled.debit)


def test_cancelling_tells_the_person_and_goes_on_record(client: Client) -> None:
    redemption = order(client).redemption
    manager = a_manager()

    cancel(redemption_id=redemption.pk, by_user_id=manager.pk, now=NOW)

    message = Message.objects.get(kind="redemption-cancelled")
    assert (message.employee, message.subject_id) == (client.admin, redemption.pk)
    assert message.facts == {"reward": "Headset", "points": 100}
    entry = AuditEntry.objects.get(action="redemption-cancelled")
    assert (entry.actor, entry.subject_id, entry.numbers) == (manager, redemption.pk, {"points": 100})


def test_cancelled_order_is_not_cancelled_again(client: Client) -> None:
    redemption = order(client).redemption
    cancel(redemption_id=redemption.pk, by_user_id=a_manager().pk, now=NOW)

    with refused(CannotCancelError):
        cancel(redemption_id=redemption.pk, by_user_id=a_manager().pk, now=NOW)


def test_order_at_an_old_price_gives_that_price_back(client: Client) -> None:
    redemption = order(client).redemption
    Reward.objects.update(price=999, is_published=False)

    cancel(redemption_id=redemption.pk, by_user_id=a_manager().pk, now=NOW)

    assert balance(client.member) == 150


def test_cancelling_repays_what_a_return_left_as_debt(client: Client) -> None:
    purchase = a_purchase(client.member.company, 10)
    record(purchase)
    redemptions = [order(client, key="one").redemption]
    small = a_reward(client.member.program, price=60)
    redemptions.append(order(client, key="two", reward=small, price=60).redemption)
    record(a_purchase(client.member.company, None, reverses=purchase.external_id))
    assert (balance(client.member), balance(client.member, kind=DEBT)) == (0, -10)

    cancel(redemption_id=redemptions[1].pk, by_user_id=a_manager().pk, now=NOW)

    assert (balance(client.member), balance(client.member, kind=DEBT)) == (50, 0)


def test_every_refusal_of_this_floor_is_a_redemption_error() -> None:
    for error in (OutOfStockError, RewardWithdrawnError, NotYoursToSpendError, PriceChangedError, CannotCancelError):
        assert issubclass(error, RedemptionError)
