"""Whose points pay: one's own, the company's, or one's own first and the company's for the rest."""

from datetime import timedelta

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from accounts import laws
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.models import Employee
from loyalty.memberships import withdraw_consent
from loyalty.models import Lot, Posting, Transaction, Wallet
from rewards.models import Redemption, Reward
from rewards.redemption import (
    InsufficientPointsError,
    NotPaidFromError,
    NotYoursToSpendError,
    Redeemed,
    cancel,
)
from rewards.selectors import Means, means_of, ways_to_pay
from tests.factories.canaries import fingerprint
from tests.factories.world import NOW, a_manager, a_program, a_reward, balance
from tests.rewards.conftest import Firm, acting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_laws_hold")]

PaidFrom = Reward.PaidFrom


def together(firm: Firm, reward: Reward | None = None, by: Employee | None = None, key: str = "key") -> Redeemed:
    """The admin's points first, which are 60, the company's for the rest."""
    person = by or firm.admin
    return firm.redeem(person, person, reward=reward, key=key, rest_from_company=True)


def test_own_points_go_first_and_the_company_gives_the_rest_in_one_act(firm: Firm) -> None:
    row = together(firm).redemption

    assert (balance(firm.member, firm.admin), balance(firm.member)) == (0, 170)
    assert balance(firm.member, kind=Wallet.Kind.SPENT) == 100
    assert (row.points, row.company_points) == (100, 40)
    assert (row.wallet.employee, row.company_wallet) == (
        firm.admin,
        Wallet.objects.get(company=firm.member.company_id, employee=None, kind="AVAILABLE"),
    )
    assert Transaction.objects.filter(kind="REDEEM").count() == 1
    assert sorted(Posting.objects.filter(transaction=row.debit).values_list("points", flat=True)) == [40, 60]


def test_shared_order_goes_back_to_the_very_lots_of_both(firm: Firm) -> None:
    lots = sorted(Lot.objects.values_list())
    row = together(firm).redemption

    cancelled = cancel(redemption_id=row.pk, by_user_id=a_manager().pk, now=NOW + timedelta(hours=1))

    assert sorted(Lot.objects.values_list()) == lots
    assert (balance(firm.member, firm.admin), balance(firm.member)) == (60, 210)
    assert balance(firm.member, kind=Wallet.Kind.SPENT) == 0
    assert Posting.objects.filter(transaction=cancelled.credit).count() == 2


def test_own_points_that_reach_leave_the_company_s_alone(firm: Firm) -> None:
    row = together(firm, a_reward(firm.member.program, price=60)).redemption

    assert (balance(firm.member, firm.admin), balance(firm.member)) == (0, 210)
    assert (row.company_wallet, row.company_points, row.wallet.employee) == (None, 0, firm.admin)


def test_company_pays_all_where_there_is_nothing_of_one_s_own(firm: Firm) -> None:
    together(firm, a_reward(firm.member.program, price=60))

    row = together(firm, key="second").redemption

    assert balance(firm.member) == 110
    assert (row.company_wallet, row.company_points, row.wallet.employee) == (None, 0, None)


def test_too_few_points_of_both_are_refused_with_what_both_have(firm: Firm) -> None:
    dear = a_reward(firm.member.program, price=271)
    before = fingerprint()

    with pytest.raises(InsufficientPointsError) as refusal:
        together(firm, dear)

    assert (refusal.value.available, refusal.value.wanted) == (270, 271)
    assert fingerprint() == before


def test_company_s_rest_is_for_those_who_may_spend_the_company_s(firm: Firm) -> None:
    before = fingerprint()

    for person in (firm.buyer, firm.decider):
        with pytest.raises(NotYoursToSpendError):
            together(firm, by=person)

    assert fingerprint() == before


def test_own_share_needs_the_consent_that_people_spend(firm: Firm) -> None:
    withdraw_consent(membership=firm.member, by=a_manager(), now=NOW - timedelta(days=91))
    before = fingerprint()

    with pytest.raises(NotYoursToSpendError):
        together(firm)

    assert fingerprint() == before


def test_same_key_gives_the_same_order_in_the_same_way_alone(firm: Firm) -> None:
    together(firm)

    assert together(firm) == Redeemed(Redemption.objects.get(), is_new=False)
    with pytest.raises(KeyUsedForAnotherRequestError):
        firm.redeem(firm.admin, firm.admin)


@pytest.mark.parametrize(
    ("paid_from", "refused"),
    [
        (PaidFrom.ANY, set()),
        (PaidFrom.COMPANY, {"own", "both"}),
        (PaidFrom.EMPLOYEE, {"company", "both"}),
    ],
)
def test_reward_is_paid_from_what_it_says(firm: Firm, paid_from: PaidFrom, refused: set[str]) -> None:
    reward = a_reward(firm.member.program, price=20, paid_from=paid_from)
    for way in sorted(refused):
        before = fingerprint()
        with pytest.raises(NotPaidFromError) as refusal:
            _pay(firm, way, reward)
        assert refusal.value.paid_from == paid_from
        assert fingerprint() == before

    for way in sorted({"own", "company", "both"} - refused):
        assert _pay(firm, way, reward).is_new


def _pay(firm: Firm, way: str, reward: Reward) -> Redeemed:
    payer = None if way == "company" else firm.admin
    return firm.redeem(firm.admin, payer, reward=reward, key=way, rest_from_company=way == "both")


@pytest.mark.parametrize(
    ("paid_from", "of_admin", "of_buyer"),
    [
        (PaidFrom.ANY, {"own": 60, "company": 210, "both": 270}, {"own": 150}),
        (PaidFrom.COMPANY, {"company": 210}, {}),
        (PaidFrom.EMPLOYEE, {"own": 60}, {"own": 150}),
    ],
)
def test_ways_to_pay_are_those_that_a_reward_and_a_person_allow(
    firm: Firm, paid_from: PaidFrom, of_admin: dict[str, int], of_buyer: dict[str, int]
) -> None:
    reward = a_reward(firm.member.program, paid_from=paid_from)

    for person, expected in ((firm.admin, of_admin), (firm.buyer, of_buyer)):
        actor = acting(person)
        means = means_of(actor, firm.member.program)
        ways = {way.code: way.points for way in ways_to_pay(actor, reward, means)}
        assert ways == expected
        assert means.reach(paid_from) == (max(expected.values()) if expected else None)


def test_nobody_without_a_membership_has_means(firm: Firm) -> None:
    assert means_of(acting(firm.admin), a_program()) == Means()


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE rewards_redemption SET company_points = 0", "redemption_company_share_within_price"),
        ("UPDATE rewards_redemption SET company_points = points", "redemption_company_share_within_price"),
        ("UPDATE rewards_redemption SET company_wallet_id = NULL", "redemption_company_share_within_price"),
        ("UPDATE rewards_redemption SET state = 'CLIENT_APPROVED'", "redemption_approved_by_the_company_has_approval"),
        ("UPDATE rewards_redemption SET state = 'REJECTED'", "redemption_ended_has_credit"),
        ("UPDATE rewards_redemption SET refunded_at = now()", "redemption_ended_has_credit"),
        ("UPDATE rewards_redemptionstep SET state = 'REJECTED'", "redemption_step_rejected_with_reason"),
        (
            "INSERT INTO rewards_redemptionstep (redemption_id, state, at, by_id, reason)"
            " SELECT redemption_id, state, at, by_id, reason FROM rewards_redemptionstep",
            "redemption_step_once",
        ),
    ],
)
def test_database_refuses_what_no_order_can_be(firm: Firm, statement: str, constraint: str) -> None:
    together(firm)

    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert isinstance(refusal.value.__cause__, psycopg.Error)
    assert refusal.value.__cause__.diag.constraint_name == constraint


def test_law_notices_a_share_that_was_not_paid(firm: Firm) -> None:
    together(firm)

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE rewards_redemption SET company_points = 41")
        found = {finding.law.code for finding in laws.verify() if finding.count}
        transaction.set_rollback(True)

    assert found == {"R3"}
