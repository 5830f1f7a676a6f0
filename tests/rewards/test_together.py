"""Orders that share a transaction: nobody can tell, and nobody gets what is another's."""

import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import laws
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.models import Approval, AuditEntry, Employee, IdempotencyKey, Mail, Message, WebhookEvent
from loyalty.ledger import Owner
from loyalty.models import LotUse, Membership, Program, Transaction
from loyalty.site.bench.canon import Canon, canonical, differences
from rewards import redemption
from rewards.models import Redemption, RedemptionStep, Reward, RewardStock, SpendingPolicy, StockMovement
from rewards.policies import set_policy
from rewards.redemption import (
    InsufficientPointsError,
    NotPaidFromError,
    NotYoursToSpendError,
    Order,
    Outcome,
    OutOfStockError,
    PriceChangedError,
    Redeemed,
    RewardWithdrawnError,
    redeem,
    redeem_many,
)
from tests.factories.canaries import fingerprint
from tests.factories.webhooks import a_subscription
from tests.factories.world import (
    NOW,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    an_admin,
    an_employee,
    balance,
    consent_to,
    record,
)
from tests.loyalty.racing import race
from tests.rewards.conftest import acting
from tests.worlds import Keep, Kept

PATIENCE = 30
LAST = NOW + timedelta(days=20)
"""A day on which the points of the one who came late have expired, and nobody has said so yet."""

NUMBERS = ("redemption", "reference", "transaction")
"""Facts of events that are ids."""


@dataclass(frozen=True)
class House:
    """A firm of 210 points that approves orders of 100, whose admin has 60 and whose buyer has 150; a careful one of
    200 that approves all, with two people of 100 each; and one whose points are over at LAST.
    """

    program: Program
    firm: Membership
    admin: Employee
    buyer: Employee
    careful: Membership
    asker: Employee
    alone: Employee
    late: Membership
    late_admin: Employee
    headset: Reward
    last_one: Reward
    of_company: Reward
    withdrawn: Reward
    elsewhere: Reward

    def order(self, by: Employee, reward: Reward, key: str | None, **fields: Any) -> Order:
        """An order with the company's points, unless somebody is named to pay."""
        payer = fields.pop("payer", None)
        return Order(
            actor=acting(by, LAST),
            reward_id=reward.pk,
            payer=Owner(self.program.pk, by.company_id, payer.pk if payer else None),
            key=key,
            now=LAST,
            **{"shown_price": reward.price, **fields},
        )

    def mixed(self) -> list[Order]:
        """Orders that go through and that do not, each for another reason."""
        order, headset = self.order, self.headset
        return [
            order(self.admin, headset, "company"),
            order(self.buyer, headset, "own", payer=self.buyer),
            order(self.late_admin, headset, "expired"),
            order(self.admin, headset, "stale", shown_price=99),
            order(self.admin, self.last_one, "last piece"),
            order(self.buyer, self.last_one, "piece too late", payer=self.buyer),
            order(self.admin, headset, "company", shown_price=99),
            order(self.asker, self.last_one, "piece too late, too"),
            order(self.admin, headset, "company"),
            order(self.admin, headset, "both", payer=self.admin, rest_from_company=True),
            order(self.admin, self.of_company, "last point"),
            order(self.admin, self.of_company, "a point too few"),
            order(self.buyer, self.of_company, "paid from others", payer=self.buyer),
            order(self.buyer, self.of_company, "not the buyer's"),
            order(self.admin, self.withdrawn, "withdrawn"),
            order(self.admin, self.elsewhere, "of another program"),
            order(self.asker, headset, "asks", payer=self.asker, note=" For the fair "),
            order(self.asker, self.of_company, "asks, too"),
            order(self.alone, headset, None, payer=self.alone),
            order(self.asker, self.of_company, "asks, too", note="Again"),
        ]

    def kinds(self) -> list[type]:
        """What the mixed orders lead to."""
        return [
            Redeemed, Redeemed, InsufficientPointsError, PriceChangedError, Redeemed, OutOfStockError,
            KeyUsedForAnotherRequestError, OutOfStockError, Redeemed, Redeemed, Redeemed, InsufficientPointsError,
            NotPaidFromError, NotYoursToSpendError, RewardWithdrawnError, RewardWithdrawnError, Redeemed, Redeemed,
            OutOfStockError, Redeemed,
        ]  # fmt: skip


def a_house() -> House:
    """Build it."""
    program = a_program(expiry_months=1)
    a_rule_set(program, [{"beneficiary": "BOTH"}])
    firm, careful, late = (a_member(program) for _ in range(3))
    for member in (firm, careful):
        consent_to(member)
    admin, buyer = an_admin(firm.company), an_employee(firm.company)
    asker, alone = an_admin(careful.company, name="Ada"), an_employee(careful.company)
    an_admin(careful.company)
    record(
        a_purchase(firm.company, 150, employee_id=buyer.pk),
        a_purchase(firm.company, 60, employee_id=admin.pk),
        a_purchase(careful.company, 100, employee_id=asker.pk),
        a_purchase(careful.company, 100, employee_id=alone.pk),
        a_purchase(late.company, 500, occurred_at=NOW - timedelta(days=20)),
    )
    set_policy(actor=acting(asker), mode=SpendingPolicy.Mode.ALWAYS, above=None, now=NOW)
    set_policy(actor=acting(admin), mode=SpendingPolicy.Mode.ABOVE, above=99, now=NOW)
    a_subscription()
    return House(
        program, firm, admin, buyer, careful, asker, alone, late, an_admin(late.company),
        headset=a_reward(program, pieces=4, code="headset"),
        last_one=a_reward(program, pieces=1, price=20, code="last"),
        of_company=a_reward(program, price=50, paid_from="COMPANY", code="of-company"),
        withdrawn=a_reward(program, is_published=False, code="withdrawn"),
        elsewhere=a_reward(a_program(), code="elsewhere"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def kept_house(keep: Keep) -> Kept[House]:
    """The house."""
    return keep(a_house)


@pytest.fixture
def house(db: None, kept_house: Kept[House]) -> House:
    """The house."""
    return kept_house.put_back()


def outcomes_of(house: House, parts: Sequence[Sequence[Order]]) -> list[Outcome]:
    return [outcome for part in parts for outcome in redeem_many(program_id=house.program.pk, orders=part)]


@contextmanager
def undone() -> Iterator[None]:
    """The block leaves nothing behind."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def told(outcomes: Sequence[Outcome]) -> list[str]:
    """What the callers are told, by what things are called."""
    return [
        f"{outcome!r} {vars(outcome)}"
        if isinstance(outcome, Exception)
        else f"{outcome.is_new} {outcome.is_unasked} {outcome.redemption.points} {outcome.redemption.reward.code}"
        for outcome in outcomes
    ]


def everything() -> Canon:
    """All rows that redeeming writes, by what things are called rather than by their ids."""
    of_order = ("reward__code", "employee", "points")
    names = {pk: str(row) for pk, *row in Redemption.objects.values_list("pk", *of_order)}
    names_of_approvals = {pk: names[of] for pk, of in Approval.objects.values_list("pk", "subject_id")}
    rows: dict[str, Any] = {
        "redemptions": Redemption.objects.values_list(
            *of_order, "company", "wallet", "company_wallet", "company_points", "state", "placed_at", "placed_by",
            "debit__kind", "debit__actor", "debit__company", "debit__created_at", "approval__state", "approval__note",
            "approval__asked_by", "approval__points",
        ),
        "steps": RedemptionStep.objects.values_list(*(f"redemption__{name}" for name in of_order), "state", "at", "by"),
        "acts": Transaction.objects.values_list("kind", "company", "actor", "created_at"),
        "stock": RewardStock.objects.values_list("reward", "total", "taken"),
        "keys": [(user, key, bytes(digest), names.get(row)) for user, key, digest, row in
                 IdempotencyKey.objects.values_list("user", "key", "content_hash", "resource_id")],
        "records": [(*row, names.get(subject)) for *row, subject in
                    AuditEntry.objects.filter(subject_type="rewards.redemption").values_list(
                        "action", "actor", "company", "numbers", "at", "subject_id")],
        "messages": [(kind, *row, (names_of_approvals if kind == "approval-asked" else names).get(subject))
                     for kind, *row, subject in
                     Message.objects.values_list("kind", "employee", "facts", "created_at", "subject_id")],
        "mails": Mail.objects.values_list("kind", "address", "message__facts", "due_at"),
        "events": [(*row, {name: fact for name, fact in facts.items() if name not in NUMBERS})
                   for *row, facts in WebhookEvent.objects.values_list("kind", "company", "occurred_at", "facts")],
    }  # fmt: skip
    return {**{name: Counter(map(str, found)) for name, found in rows.items()}, **canonical()}


def broken_laws() -> set[str]:
    return {finding.law.code for finding in laws.verify() if finding.count}


@pytest.mark.parametrize("at_once", [2, 3, 7, 100])
def test_orders_together_lead_to_what_they_lead_to_one_by_one(house: House, at_once: int) -> None:
    orders = house.mixed()
    with undone():
        told_alone, rows_alone = told(outcomes_of(house, [[order] for order in orders])), everything()

    outcomes = outcomes_of(house, [orders[start : start + at_once] for start in range(0, len(orders), at_once)])

    assert [type(outcome) for outcome in outcomes] == house.kinds()
    assert told(outcomes) == told_alone
    assert differences(rows_alone, everything()) == {}
    assert not broken_laws()


def test_orders_together_that_are_all_refused_leave_nothing(house: House) -> None:
    orders = [
        order
        for order, kind in zip(house.mixed(), house.kinds(), strict=True)
        if kind not in (Redeemed, KeyUsedForAnotherRequestError, OutOfStockError) and order.key != "a point too few"
    ]
    before = fingerprint()

    outcomes = outcomes_of(house, [orders])

    assert [type(outcome) for outcome in outcomes] == [
        InsufficientPointsError, PriceChangedError, NotPaidFromError, NotYoursToSpendError, RewardWithdrawnError,
        RewardWithdrawnError,
    ]  # fmt: skip
    assert fingerprint() == before


def test_key_that_comes_twice_together_orders_once_and_other_content_is_refused(house: House) -> None:
    order = house.order(house.admin, house.last_one, "key")

    first, again, other = outcomes_of(house, [[order, order, replace(order, shown_price=21)]])

    assert first == Redeemed(Redemption.objects.get(), is_new=True)
    assert again == Redeemed(Redemption.objects.get(), is_new=False)
    assert isinstance(other, KeyUsedForAnotherRequestError)
    assert (balance(house.firm), IdempotencyKey.objects.filter(key="key").count()) == (190, 1)


def test_key_of_an_order_that_was_refused_together_is_free_for_the_next_one(house: House) -> None:
    order = house.order(house.admin, house.last_one, "key")

    refused, placed = outcomes_of(house, [[replace(order, shown_price=21), order]])

    assert isinstance(refused, PriceChangedError)
    assert placed == Redeemed(Redemption.objects.get(), is_new=True)


def test_each_is_allowed_by_its_own_time_and_written_at_the_latest(house: House) -> None:
    Program.objects.filter(pk=house.program.pk).update(last_earn_on=NOW.date(), last_spend_on=LAST.date())
    in_time = house.order(house.admin, house.last_one, "in time")
    too_late = replace(in_time, key="too late", now=LAST + timedelta(days=1))

    kept, refused = outcomes_of(house, [[in_time, too_late]])

    assert isinstance(refused, redemption.ProgramOverError)
    assert isinstance(kept, Redeemed)
    assert kept.redemption.placed_at == too_late.now


def test_eight_orders_are_written_by_as_many_statements_as_four(house: House) -> None:
    Reward.objects.filter(pk=house.headset.pk).update(price=1)
    StockMovement.objects.create(stock_id=house.headset.pk, pieces=10)
    counts = []
    for count in (4, 8):
        orders = [house.order(house.admin, house.headset, f"key {number}", shown_price=1) for number in range(count)]
        with undone(), CaptureQueriesContext(connection) as statements:
            assert {type(outcome) for outcome in outcomes_of(house, [orders])} == {Redeemed}
        counts.append(len(statements))

    assert counts[0] == counts[1]


def test_orders_out_of_many_lots_get_ids_in_the_order_in_which_they_come(house: House) -> None:
    days = [timedelta(days=day) for day in range(1, 10)]
    record(*(a_purchase(house.late.company, 2, occurred_at=LAST - day) for day in days), now=LAST)
    scraps = a_reward(house.program, price=9, code="scraps")

    outcomes = outcomes_of(house, [[house.order(house.late_admin, scraps, key) for key in ("one", "two")]])

    uses = LotUse.objects.filter(posting__transaction__kind="REDEEM").order_by("pk")
    assert [(use.points, use.lot.available_on) for use in uses.select_related("lot")] == [
        (points, (LAST - days[-1 - place]).date())
        for place, points in [(0, 2), (1, 2), (2, 2), (3, 2), (4, 1), (4, 1), (5, 2), (6, 2), (7, 2), (8, 2)]
    ]
    debits = [outcome.redemption.debit_id for outcome in outcomes if isinstance(outcome, Redeemed)]
    assert debits == sorted(Transaction.objects.filter(kind="REDEEM").values_list("pk", flat=True))
    assert not broken_laws()


def test_locks_come_in_the_global_order(house: House) -> None:
    with CaptureQueriesContext(connection) as watched:
        outcomes_of(house, [house.mixed()[:6]])

    locking = [query["sql"] for query in watched if "FOR UPDATE" in query["sql"] or "FOR NO KEY UPDATE" in query["sql"]]
    tables = ["accounts_idempotencykey", "loyalty_wallet", "rewards_rewardstock"]
    found = [next(table for table in tables if table in sql.split("FROM")[1]) for sql in locking]
    assert list(dict.fromkeys(found)) == tables
    assert all("ORDER BY" in sql for sql in locking)


@pytest.mark.django_db(transaction=True)
def test_batches_that_want_the_same_in_opposite_orders_do_not_block_each_other() -> None:
    house = a_house()
    orders = [
        house.order(house.admin, house.headset, "a"),
        house.order(house.asker, house.of_company, "b"),
        house.order(house.buyer, house.last_one, "c", payer=house.buyer),
    ]
    mirrored = [replace(order, key=f"again {order.key}") for order in reversed(orders)]

    results = race(
        [partial(redeem_many, program_id=house.program.pk, orders=each) for each in (orders, mirrored)],
        held=lambda: RewardStock.objects.select_for_update().get(pk=house.last_one.pk),
    )

    assert [len(each) for each in results] == [3, 3]
    assert Redemption.objects.count() == 5
    assert not broken_laws()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("price", "pieces", "placed", "refusal"), [(30, 64, 7, InsufficientPointsError), (3, 5, 5, OutOfStockError)]
)
def test_sixty_four_who_order_at_once_share_transactions_and_each_hears_of_its_own(
    monkeypatch: pytest.MonkeyPatch, price: int, pieces: int, placed: int, refusal: type[Exception]
) -> None:
    house = a_house()
    reward, wrong = a_reward(house.program, pieces=pieces, price=price), 17
    sizes: list[int] = []
    together = redemption._redeem_together

    def noting(program_id: int, wishes: Sequence[Any]) -> None:
        sizes.append(len(wishes))
        together(program_id, wishes)

    monkeypatch.setattr(redemption, "_redeem_together", noting)

    def order(number: int) -> Redeemed | Exception:
        try:
            return redeem(
                actor=actor,
                reward_id=reward.pk,
                payer=Owner(house.program.pk, house.firm.company_id),
                shown_price=price + (number == wrong),
                key=f"key {number}",
                now=LAST,
            )
        except Exception as error:  # a refusal is a result
            return error
        finally:
            connection.close()

    actor = acting(house.admin, LAST)
    with ThreadPoolExecutor(64) as pool:
        results = list(pool.map(order, range(64), timeout=PATIENCE))

    refused = [result for result in results if isinstance(result, Exception)]
    assert Counter(map(type, results)) == {Redeemed: placed, refusal: 63 - placed, PriceChangedError: 1}
    assert isinstance(results[wrong], PriceChangedError)
    assert len(set(map(id, refused))) == 64 - placed
    passed = {frame.f_code.co_name for error in refused for frame, _line in traceback.walk_tb(error.__traceback__)}
    assert passed == {"order", "redeem"}
    keys = IdempotencyKey.objects.filter(user=house.admin.user, resource_id__in=Redemption.objects.values("pk"))
    assert (keys.count(), Redemption.objects.count()) == (placed, placed)
    assert (balance(house.firm), RewardStock.objects.get(pk=reward.pk).taken) == (210 - placed * price, placed)
    assert max(sizes) > 1
    assert not broken_laws()
