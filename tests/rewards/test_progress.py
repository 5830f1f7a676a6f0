"""From an order to its delivery, or to its end before: each step once, in its turn, on record, and told."""

from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts import laws
from accounts.models import AuditEntry, AuditReason, Message, User
from loyalty.models import Lot, Posting, Wallet
from rewards.models import Redemption, RedemptionStep, RewardStock, SpendingPolicy
from rewards.progress import (
    NotNowError,
    Outcome,
    WaitsForCompanyError,
    approve,
    approve_for_company,
    approve_many,
    cancel_many,
    deliver,
    deliver_many,
    order,
    order_many,
    reject,
    reject_many,
)
from rewards.redemption import CannotCancelError, ReasonMissingError, cancel
from rewards.steps import CAME_FROM, State, in_our_queue
from tests.factories.canaries import fingerprint
from tests.factories.world import NOW, a_manager, balance
from tests.rewards.conftest import Firm, acting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_laws_hold")]

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def us(db: None) -> User:
    return a_manager()


Step = Callable[[Redemption, User], Redemption]
STEPS: dict[str, Step] = {
    "APPROVED": lambda row, us: approve(redemption_id=row.pk, by_user_id=us.pk, now=LATER),
    "ORDERED": lambda row, us: order(redemption_id=row.pk, by_user_id=us.pk, now=LATER),
    "DELIVERED": lambda row, us: deliver(redemption_id=row.pk, by_user_id=us.pk, now=LATER),
    "REJECTED": lambda row, us: reject(redemption_id=row.pk, by_user_id=us.pk, reason="Sold out", now=LATER),
    "CANCELLED": lambda row, us: cancel(
        redemption_id=row.pk, by_user_id=us.pk, now=LATER, reason="Called", by_vendor=True
    ),
}
WAY = ["APPROVED", "ORDERED", "DELIVERED"]


def brought_to(state: str, firm: Firm, us: User, key: str = "key") -> Redemption:
    """An order of the buyer in a state."""
    row = firm.order(key)
    for step in WAY[: WAY.index(state) + 1] if state in WAY else () if state == "REQUESTED" else (state,):
        row = STEPS[step](row, us)
    return row


def states_of(row: Redemption) -> list[str]:
    return list(RedemptionStep.objects.filter(redemption=row).order_by("pk").values_list("state", flat=True))


def test_order_goes_its_way_and_each_step_says_when_and_by_whom(firm: Firm, us: User) -> None:
    row = firm.order()

    approve(redemption_id=row.pk, by_user_id=us.pk, now=NOW + timedelta(hours=1))
    order(redemption_id=row.pk, by_user_id=us.pk, now=NOW + timedelta(hours=2))
    delivered = deliver(redemption_id=row.pk, by_user_id=us.pk, now=NOW + timedelta(hours=3))

    assert delivered == Redemption.objects.get()
    assert delivered.state == "DELIVERED"
    assert list(RedemptionStep.objects.order_by("pk").values_list("state", "at", "by", "reason")) == [
        ("REQUESTED", NOW, firm.buyer.user_id, ""),
        ("APPROVED", NOW + timedelta(hours=1), us.pk, ""),
        ("ORDERED", NOW + timedelta(hours=2), us.pk, ""),
        ("DELIVERED", NOW + timedelta(hours=3), us.pk, ""),
    ]
    assert balance(firm.member, firm.buyer) == 50
    assert RewardStock.objects.get().taken == 1


def test_person_is_told_of_every_step_and_it_goes_on_record(firm: Firm, us: User) -> None:
    row = brought_to("DELIVERED", firm, us)

    told = Message.objects.filter(employee=firm.buyer, subject_id=row.pk).order_by("pk").values_list("kind", flat=True)
    assert list(told) == ["redeemed", "redemption-approved", "redemption-ordered", "redemption-delivered"]
    entries = AuditEntry.objects.filter(subject_type="rewards.redemption", subject_id=row.pk).order_by("pk")
    assert list(entries.values_list("action", "actor", "company")) == [
        ("redeemed", firm.buyer.user_id, firm.member.company_id),
        ("redemption-approved", us.pk, firm.member.company_id),
        ("redemption-ordered", us.pk, firm.member.company_id),
        ("redemption-delivered", us.pk, firm.member.company_id),
    ]


@pytest.mark.parametrize("ending", ["REJECTED", "CANCELLED"])
@pytest.mark.parametrize("state", ["REQUESTED", "APPROVED", "ORDERED"])
def test_order_that_ends_early_gives_everything_back(firm: Firm, us: User, state: str, ending: str) -> None:
    lots = sorted(Lot.objects.values_list())
    row = brought_to(state, firm, us)

    ended = STEPS[ending](row, us)

    assert sorted(Lot.objects.values_list()) == lots
    assert (balance(firm.member, firm.buyer), balance(firm.member, kind=Wallet.Kind.SPENT)) == (150, 0)
    assert RewardStock.objects.get().taken == 0
    assert (ended.state, ended.refunded_at) == (ending, LATER)
    assert Posting.objects.get(transaction=ended.credit).reverses == Posting.objects.get(transaction=ended.debit)
    assert states_of(row)[-1] == ending


def test_rejection_tells_the_reason_and_keeps_it(firm: Firm, us: User) -> None:
    row = firm.order()

    reject(redemption_id=row.pk, by_user_id=us.pk, reason="  The supplier is gone. ", now=LATER)

    message = Message.objects.get(kind="redemption-rejected")
    assert message.employee == firm.buyer
    assert message.facts == {"reward": "Headset", "points": 100, "reason": "The supplier is gone."}
    assert RedemptionStep.objects.get(state="REJECTED").reason == "The supplier is gone."
    assert AuditReason.objects.get(entry__action="redemption-rejected").text == "The supplier is gone."


@pytest.mark.parametrize("state", ["REQUESTED", "APPROVED", "ORDERED", "DELIVERED", "REJECTED", "CANCELLED"])
def test_no_step_is_taken_out_of_its_turn(firm: Firm, us: User, state: str) -> None:
    row = brought_to(state, firm, us)
    before = fingerprint()

    refused = {name for name, step in STEPS.items() if State(state) not in CAME_FROM[State(name)]}
    for name in refused:
        with pytest.raises(CannotCancelError if name == "CANCELLED" else NotNowError) as refusal:
            STEPS[name](row, us)
        assert isinstance(refusal.value, NotNowError)
        assert refusal.value.state == state

    assert len(refused) == {"REQUESTED": 2, "APPROVED": 2, "ORDERED": 2}.get(state, 5)
    assert fingerprint() == before


@pytest.mark.parametrize("reason", ["", " \n"])
def test_our_refusals_need_a_reason(firm: Firm, us: User, reason: str) -> None:
    row = firm.order()
    before = fingerprint()

    with pytest.raises(ReasonMissingError):
        reject(redemption_id=row.pk, by_user_id=us.pk, reason=reason, now=LATER)
    with pytest.raises(ReasonMissingError):
        cancel(redemption_id=row.pk, by_user_id=us.pk, now=LATER, reason=reason, by_vendor=True)

    assert fingerprint() == before


def test_client_cancels_until_it_is_ordered_and_not_later(firm: Firm, us: User) -> None:
    early = brought_to("APPROVED", firm, us, "early")
    assert firm.buyer.user_id is not None
    cancel(redemption_id=early.pk, by_user_id=firm.buyer.user_id, now=LATER)
    late = brought_to("ORDERED", firm, us, "late")
    before = fingerprint()

    with pytest.raises(CannotCancelError) as refusal:
        cancel(redemption_id=late.pk, by_user_id=firm.buyer.user_id, now=LATER)

    assert refusal.value.state == "ORDERED"
    assert fingerprint() == before


def test_many_are_taken_on_and_each_that_cannot_says_why(firm: Firm, us: User) -> None:
    gone = brought_to("REJECTED", firm, us, "gone")
    first = firm.order("first")

    outcomes = approve_many(redemption_ids=[first.pk, gone.pk], by_user_id=us.pk, now=LATER)

    assert outcomes[0] == Outcome(first.pk)
    assert (outcomes[1].redemption_id, type(outcomes[1].error)) == (gone.pk, NotNowError)
    assert _states([first, gone]) == ["APPROVED", "REJECTED"]


def test_many_go_all_the_way(firm: Firm, us: User) -> None:
    row = firm.order()
    ids = [row.pk]

    for step in (approve_many, order_many, deliver_many):
        assert step(redemption_ids=ids, by_user_id=us.pk, now=LATER) == [Outcome(row.pk)]

    assert _states([row]) == ["DELIVERED"]


@pytest.mark.parametrize(("end", "state"), [(reject_many, "REJECTED"), (cancel_many, "CANCELLED")])
def test_many_end_for_one_reason(firm: Firm, us: User, end: Callable[..., list[Outcome]], state: str) -> None:
    row = firm.order()

    assert end(redemption_ids=[row.pk], by_user_id=us.pk, reason="No longer made", now=LATER) == [Outcome(row.pk)]
    [again] = end(redemption_ids=[row.pk], by_user_id=us.pk, reason="No longer made", now=LATER)

    assert isinstance(again.error, NotNowError)
    assert _states([row]) == [state]
    assert RedemptionStep.objects.get(state=state).reason == "No longer made"


def test_our_queue_holds_what_no_company_is_still_to_approve(firm: Firm, us: User) -> None:
    ours = firm.order("ours")
    firm.approves(SpendingPolicy.Mode.ALWAYS)
    waiting = firm.redeem(firm.admin, key="waiting").redemption
    approved = firm.redeem(firm.admin, key="approved").redemption
    approve_for_company(actor=acting(firm.decider), redemption_id=approved.pk, now=LATER)

    queue = in_our_queue(Redemption.objects.filter(company=firm.member.company_id))

    assert set(queue) == {ours, approved}
    with pytest.raises(WaitsForCompanyError):
        approve(redemption_id=waiting.pk, by_user_id=us.pk, now=LATER)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE rewards_redemption SET state = 'APPROVED'", "R4"),
        ("UPDATE rewards_redemption SET placed_at = placed_at - interval '1 day'", "R4"),
        ("DELETE FROM rewards_redemptionstep WHERE state = 'REQUESTED'", "R4"),
        ("DELETE FROM rewards_redemptionstep WHERE state = 'APPROVED'", "R4"),
        ("DELETE FROM rewards_redemptionstep WHERE state = 'ORDERED'", "R4"),
        ("UPDATE rewards_redemption SET points = points + 1", "R3"),
    ],
)
def test_laws_notice_what_does_not_fit(firm: Firm, us: User, statement: str, code: str) -> None:
    brought_to("DELIVERED", firm, us)

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        found = {finding.law.code for finding in laws.verify() if finding.count}
        transaction.set_rollback(True)

    assert found == {code}


def _states(rows: Iterable[Redemption]) -> list[str]:
    return [Redemption.objects.get(pk=row.pk).state for row in rows]
