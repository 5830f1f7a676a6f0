"""Races for points and pieces: one wallet, the last piece, one key; each beside a twin without its guard."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import psycopg
import pytest
from django.db import IntegrityError

from accounts import approvals, arrays, laws
from accounts.actors import Actor, actor_of
from accounts.approvals import AlreadyDecidedError
from accounts.models import Employee
from accounts.models.approvals import ApprovalQuerySet
from accounts.together import Answer
from loyalty.ledger import Book, Owner
from loyalty.models import Membership, Transaction, Wallet
from rewards.models import Redemption, Reward, RewardStock, SpendingPolicy
from rewards.models.catalogue import RewardStockQuerySet
from rewards.models.redemptions import RedemptionQuerySet
from rewards.policies import set_policy
from rewards.progress import approve_for_company, reject_for_company
from rewards.redemption import (
    CannotCancelError,
    InsufficientPointsError,
    Order,
    OutOfStockError,
    Redeemed,
    cancel,
    redeem_many,
)
from tests.factories.world import (
    NOW,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    an_admin,
    balance,
    record,
)
from tests.loyalty.racing import meet_before, race, without_constraints

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTIONS = pytest.mark.parametrize("count", [2, 16])
SPENT = Wallet.Kind.SPENT


def broken_laws() -> set[str]:
    return {finding.law.code for finding in laws.verify() if finding.count}


def constraint_of(error: Any) -> str | None:
    assert isinstance(error, IntegrityError)
    assert isinstance(error.__cause__, psycopg.Error)
    return error.__cause__.diag.constraint_name


def kinds_of(results: list[Any]) -> Counter[type]:
    return Counter(type(result) for result in results)


def order(admin: Employee, actor: Actor, reward: Reward, key: str) -> Redeemed:
    """The order in a transaction of its own, as those of different processes are."""
    payer = Owner(reward.program_id, admin.company_id)
    order = Order(actor=actor, reward_id=reward.pk, payer=payer, shown_price=reward.price, key=key, now=NOW)
    [outcome] = redeem_many(program_id=reward.program_id, orders=[order])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def a_member_with(points: int, membership: Membership) -> Employee:
    """The admin of a member that has earned so many points."""
    record(a_purchase(membership.company, points))
    return an_admin(membership.company)


def orders_out_of_one_wallet(count: int) -> tuple[Membership, list[partial[Redeemed]]]:
    """As many orders as runners, of 100 points each and each of another reward, out of a wallet that holds 150."""
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    admin = a_member_with(150, member)
    actor = actor_of(admin.user, now=NOW)
    return member, [partial(order, admin, actor, a_reward(program), f"key {number}") for number in range(count)]


@CONNECTIONS
def test_racing_orders_never_overspend_their_wallet(count: int) -> None:
    member, orders = orders_out_of_one_wallet(count)

    results = race(orders, held=lambda: list(Wallet.objects.select_for_update()))

    assert kinds_of(results) == {Redeemed: 1, InsufficientPointsError: count - 1}
    assert (balance(member), balance(member, kind=SPENT)) == (50, 100)
    assert Redemption.objects.count() == 1
    assert broken_laws() == set()


def read_wallets_without_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = arrays.ask

    def ask_without_lock(sql: str, *parameters: Any) -> Answer:
        return ask(sql.replace("FOR NO KEY UPDATE OF w", ""), *parameters)

    monkeypatch.setattr(arrays, "ask", ask_without_lock)
    meet_before(monkeypatch, Book, "write", 2)


def test_wallet_read_without_a_lock_is_kept_by_the_database_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    member, orders = orders_out_of_one_wallet(2)
    read_wallets_without_a_lock(monkeypatch)

    results = race(orders)

    [refused] = [result for result in results if isinstance(result, Exception)]
    assert constraint_of(refused) == "lot_never_gives_more_than_it_holds"
    assert (balance(member), balance(member, kind=SPENT)) == (50, 100)
    assert broken_laws() == set()


def test_wallet_without_lock_and_lot_constraint_is_kept_by_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    _member, orders = orders_out_of_one_wallet(2)
    read_wallets_without_a_lock(monkeypatch)

    with without_constraints(lot_never_gives_more_than_it_holds="loyalty_lot"):
        results = race(orders)

        [refused] = [result for result in results if isinstance(result, Exception)]
        assert constraint_of(refused) == "wallet_never_overdrawn"
        assert broken_laws() == set()


def test_wallet_without_lock_and_constraints_is_overspent_and_the_laws_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    member, orders = orders_out_of_one_wallet(2)
    read_wallets_without_a_lock(monkeypatch)

    with without_constraints(lot_never_gives_more_than_it_holds="loyalty_lot", wallet_never_overdrawn="loyalty_wallet"):
        results = race(orders)

        assert kinds_of(results) == {Redeemed: 2}
        assert balance(member) == -50
        assert broken_laws() == {"L2b", "L4"}


def orders_of_the_last_piece(count: int) -> tuple[Reward, list[Membership], list[partial[Redeemed]]]:
    """As many companies as runners, each with points enough, and one piece for all of them."""
    program = a_program()
    a_rule_set(program)
    reward = a_reward(program, pieces=1)
    members = [a_member(program) for _ in range(count)]
    admins = [a_member_with(100, member) for member in members]
    orders = [partial(order, admin, actor_of(admin.user, now=NOW), reward, "key") for admin in admins]
    return reward, members, orders


@CONNECTIONS
def test_last_piece_goes_to_one_of_the_racing_orders(count: int) -> None:
    reward, members, orders = orders_of_the_last_piece(count)

    results = race(orders, held=lambda: RewardStock.objects.select_for_update().get(pk=reward.pk))

    assert kinds_of(results) == {Redeemed: 1, OutOfStockError: count - 1}
    assert RewardStock.objects.get().taken == 1
    assert Counter(balance(member) for member in members) == {0: 1, 100: count - 1}
    assert Transaction.objects.filter(kind="REDEEM").count() == 1
    assert broken_laws() == set()


def read_stock_without_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_it_is(self: RewardStockQuerySet, **_options: object) -> Self:  # type: ignore[misc]
        return self

    monkeypatch.setattr(RewardStockQuerySet, "select_for_update", as_it_is)
    meet_before(monkeypatch, RewardStockQuerySet, "update", 2)


def test_stock_read_without_a_lock_is_kept_by_the_database_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _reward, members, orders = orders_of_the_last_piece(2)
    read_stock_without_a_lock(monkeypatch)

    results = race(orders)

    [refused] = [result for result in results if isinstance(result, Exception)]
    assert constraint_of(refused) == "reward_stock_taken_within_total"
    assert sorted(balance(member) for member in members) == [0, 100]
    assert broken_laws() == set()


def test_stock_without_lock_and_constraint_is_promised_twice_and_the_laws_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _reward, _members, orders = orders_of_the_last_piece(2)
    read_stock_without_a_lock(monkeypatch)

    with without_constraints(reward_stock_taken_within_total="rewards_rewardstock"):
        results = race(orders)

        assert kinds_of(results) == {Redeemed: 2}
        assert broken_laws() == {"R1"}


@CONNECTIONS
def test_order_sent_many_times_under_one_key_is_placed_once(count: int) -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    admin = a_member_with(150, member)
    orders = [partial(order, admin, actor_of(admin.user, now=NOW), a_reward(program), "key")] * count

    results = race(orders, held=lambda: list(Wallet.objects.select_for_update()))

    assert Counter(result.is_new for result in results) == {True: 1, False: count - 1}
    assert {result.redemption.pk for result in results} == {Redemption.objects.get().pk}
    assert balance(member) == 50
    assert broken_laws() == set()


@dataclass(frozen=True)
class Waiting:
    """An order of 100 points out of 150 that waits for its company, and who may decide."""

    member: Membership
    redemption: Redemption
    deciders: list[Actor]

    def yes(self, which: int) -> partial[Redemption]:
        return partial(approve_for_company, actor=self.deciders[which], redemption_id=self.redemption.pk, now=NOW)

    def no(self, which: int) -> partial[Redemption]:
        return partial(
            reject_for_company, actor=self.deciders[which], redemption_id=self.redemption.pk, reason="No", now=NOW
        )

    def cancel(self) -> partial[Redemption]:
        return partial(cancel, redemption_id=self.redemption.pk, by_user_id=self.redemption.placed_by_id, now=NOW)


def an_order_that_waits() -> Waiting:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    asker = a_member_with(150, member)
    deciders = [actor_of(an_admin(member.company).user, now=NOW) for _ in range(2)]
    set_policy(actor=deciders[0], mode=SpendingPolicy.Mode.ALWAYS, above=None, now=NOW)
    placed = order(asker, actor_of(asker.user, now=NOW), a_reward(program), "key")
    return Waiting(member, placed.redemption, deciders)


def hold_the_order() -> object:
    return Redemption.objects.select_for_update().get()


@pytest.mark.parametrize("second", ["yes", "no"])
def test_two_who_decide_at_once_decide_once(second: str) -> None:
    waiting = an_order_that_waits()

    results = race([waiting.yes(0), waiting.yes(1) if second == "yes" else waiting.no(1)], held=hold_the_order)

    assert kinds_of(results) == {Redemption: 1, AlreadyDecidedError: 1}
    state = Redemption.objects.get().state
    assert state == "CLIENT_APPROVED" or (second, state) == ("no", "REJECTED")
    assert balance(waiting.member) == (50 if state == "CLIENT_APPROVED" else 150)
    assert broken_laws() == set()


def test_approval_and_cancelling_at_once_end_in_one_order_of_both() -> None:
    waiting = an_order_that_waits()

    results = race([waiting.yes(0), waiting.cancel()], held=hold_the_order)

    assert kinds_of(results) in ({Redemption: 2}, {Redemption: 1, AlreadyDecidedError: 1})
    assert Redemption.objects.get().state == "CANCELLED"
    assert (balance(waiting.member), balance(waiting.member, kind=SPENT)) == (150, 0)
    assert RewardStock.objects.get().taken == 0
    assert broken_laws() == set()


def test_rejection_and_cancelling_at_once_refund_once() -> None:
    waiting = an_order_that_waits()

    results = race([waiting.no(0), waiting.cancel()], held=hold_the_order)

    assert kinds_of(results) in (
        {Redemption: 1, CannotCancelError: 1},
        {Redemption: 1, AlreadyDecidedError: 1},
    )
    assert Redemption.objects.get().state in ("REJECTED", "CANCELLED")
    assert (balance(waiting.member), balance(waiting.member, kind=SPENT)) == (150, 0)
    assert RewardStock.objects.get().taken == 0
    assert Transaction.objects.filter(kind="CANCEL").count() == 1
    assert broken_laws() == set()


def read_orders_without_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_it_is(self: Any, **_options: object) -> Any:
        return self

    for rows in (RedemptionQuerySet, ApprovalQuerySet):
        monkeypatch.setattr(rows, "select_for_update", as_it_is)


def test_two_who_decide_without_a_lock_are_kept_apart_by_the_database_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = an_order_that_waits()
    read_orders_without_a_lock(monkeypatch)
    meet_before(monkeypatch, approvals, "_end", 2)

    results = race([waiting.yes(0), waiting.yes(1)])

    [refused] = [result for result in results if isinstance(result, Exception)]
    assert constraint_of(refused) == "redemption_step_once"
    assert broken_laws() == set()


def test_rejection_and_cancelling_without_a_lock_refund_twice_but_for_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting = an_order_that_waits()
    read_orders_without_a_lock(monkeypatch)
    meet_before(monkeypatch, approvals, "_end", 2)

    results = race([waiting.no(0), waiting.cancel()])

    [refused] = [result for result in results if isinstance(result, Exception)]
    assert isinstance(refused, IntegrityError)
    assert (balance(waiting.member), balance(waiting.member, kind=SPENT)) == (150, 0)
    assert broken_laws() == set()


def test_order_cancelled_twice_at_once_is_refunded_once() -> None:
    member, orders = orders_out_of_one_wallet(1)
    redemption = orders[0]().redemption

    results = race(
        [partial(cancel, redemption_id=redemption.pk, by_user_id=redemption.placed_by_id, now=NOW)] * 2,
        held=lambda: Redemption.objects.select_for_update().get(),
    )

    assert kinds_of(results) == {Redemption: 1, CannotCancelError: 1}
    assert (balance(member), balance(member, kind=SPENT)) == (150, 0)
    assert broken_laws() == set()
