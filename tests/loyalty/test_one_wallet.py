"""Small companies: one wallet for the company and its people, whoever earned, returned, looks or spends."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts import laws
from accounts.actors import actor_of_employee
from accounts.models import AuditEntry, Employee
from loyalty.explaining import verdicts_of
from loyalty.ledger import Owner, release_points
from loyalty.memberships import Joining, enrol
from loyalty.models import Award, Evaluation, Lot, Membership, Program, Rule, Transfer, Wallet
from loyalty.one_wallet import Gathered, OneWalletError, begin_one_wallet, end_one_wallet, gather_wallets
from loyalty.statement import owners_visible_to
from loyalty.transfers import can_pass_on
from rewards.paying import payers_of
from rewards.redemption import NotYoursToSpendError, redeem
from tests.factories.world import (
    EPOCH,
    NOW,
    a_company,
    a_manager,
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

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def a_shop(to: str = Rule.To.EMPLOYEE, **terms: Any) -> tuple[Membership, Employee, Employee]:
    """A company whose rule gives a point for each pound, its admin and one of its people."""
    program = a_program(**terms)
    a_rule_set(program, [{"beneficiary": to}])
    member = a_member(program)
    return member, an_admin(member.company), an_employee(member.company)


def begun(member: Membership) -> Gathered:
    gathered = begin_one_wallet(membership=member, by_id=a_manager().pk, reason="They are two", now=NOW)
    member.refresh_from_db()
    return gathered


def ended(member: Membership) -> None:
    end_one_wallet(membership=member, by_id=a_manager().pk, reason="They grew", now=NOW)
    member.refresh_from_db()


@pytest.mark.parametrize(("to", "points"), [("EMPLOYEE", 100), ("BOTH", 200), ("COMPANY", 100)])
def test_company_gets_what_people_would_and_needs_no_consent_for_it(to: str, points: int) -> None:
    member, _admin, anna = a_shop(to)
    begun(member)

    record(a_purchase(member.company, 100, employee_id=anna.pk))

    assert (balance(member), balance(member, anna)) == (points, 0)
    if to != "COMPANY":
        assert Award.objects.filter(instead_of=anna).count() == 1
        assert Evaluation.objects.get().facts["employee.may_earn"] == "ONE_WALLET"


def test_explanation_stays_true_after_the_switch_back() -> None:
    member, admin, anna = a_shop()
    begun(member)
    record(a_purchase(member.company, 100, employee_id=anna.pk))
    ended(member)

    evaluation = Evaluation.objects.select_related("activity__type", "program").get()
    [verdict] = verdicts_of(evaluation, actor_of_employee(admin, now=NOW))

    assert "The company has one wallet: it gets the points of its people." in verdict.reason


def test_what_people_have_moves_to_the_company_on_record() -> None:
    member, _admin, anna = a_shop(expiry_months=3)
    consent_to(member)
    record(a_purchase(member.company, 100, employee_id=anna.pk))
    days = [*Lot.objects.filter(wallet__employee=anna).values_list("expires_on", flat=True)]

    assert begun(member) == Gathered(points=100, debt=0)

    assert (balance(member), balance(member, anna)) == (100, 0)
    row = Transfer.objects.get()
    assert (row.employee, row.is_to_company, row.points, row.reason_code) == (anna, True, 100, "ONE_WALLET")
    own = Lot.objects.filter(wallet__company=member.company, wallet__employee=None)
    assert [*own.values_list("expires_on", flat=True)] == days != [None]
    entry = AuditEntry.objects.get(action="one-wallet-begun")
    assert entry.numbers == {"program": member.program_id, "points": 100, "debt": 0}


@pytest.mark.parametrize("at_once", [True, False], ids=["one call", "several calls"])
@pytest.mark.parametrize("spent", [0, 100])
def test_return_of_what_a_person_earned_before_is_the_companys(at_once: bool, spent: int) -> None:
    member, admin, anna = a_shop()
    consent_to(member)
    first = a_purchase(member.company, 100, employee_id=anna.pk)
    record(first)
    begun(member)
    if spent:
        reward = a_reward(member.program, price=spent)
        _redeemed(admin, reward.pk, Owner(member.program_id, member.company_id), spent)

    items = [
        a_purchase(member.company, 40, reverses=first.external_id),
        a_purchase(member.company, 60, reverses=first.external_id),
    ]
    for part in [items] if at_once else [[item] for item in items]:
        record(*part)

    assert (balance(member), balance(member, kind="DEBT")) == (0, -spent)
    assert (balance(member, anna), balance(member, anna, kind="DEBT")) == (0, 0)

    record(a_purchase(member.company, 130, employee_id=anna.pk))
    assert balance(member) == 130 - spent


def _redeemed(by: Employee, reward_id: int, payer: Owner, price: int) -> None:
    actor = actor_of_employee(by, now=NOW)
    redeem(actor=actor, reward_id=reward_id, payer=payer, shown_price=price, key="one", now=NOW)


def test_debt_of_a_person_is_taken_over_as_far_as_the_company_has_points() -> None:
    member, _admin, anna = a_shop()
    consent_to(member)
    first = a_purchase(member.company, 100, employee_id=anna.pk)
    record(first)
    reward = a_reward(member.program, price=100)
    _redeemed(anna, reward.pk, Owner(member.program_id, member.company_id, anna.pk), 100)
    record(a_purchase(member.company, 100, reverses=first.external_id))
    assert balance(member, anna, kind="DEBT") == -100

    assert begun(member) == Gathered()
    record(a_purchase(member.company, 130, employee_id=anna.pk))
    assert (balance(member), balance(member, anna, kind="DEBT")) == (130, -100)

    assert [gather_wallets(now=NOW), gather_wallets(now=NOW)] == [1, 0]
    assert (balance(member), balance(member, anna), balance(member, anna, kind="DEBT")) == (30, 0, 0)


def test_points_that_waited_come_to_the_company_once_they_are_released() -> None:
    member, _admin, anna = a_shop(release=Program.Release.AFTER_DAYS, release_days=5)
    consent_to(member)
    record(a_purchase(member.company, 100, employee_id=anna.pk))
    begun(member)
    later = NOW + timedelta(days=6)

    release_points(now=later)
    assert gather_wallets(now=later) == 1

    assert (balance(member), balance(member, anna)) == (100, 0)
    assert Transfer.objects.get().made_by is None


def test_switching_back_moves_nothing_and_people_earn_again() -> None:
    member, _admin, anna = a_shop()
    consent_to(member)
    begun(member)
    record(a_purchase(member.company, 100, employee_id=anna.pk))

    ended(member)
    record(a_purchase(member.company, 10, employee_id=anna.pk))

    assert (balance(member), balance(member, anna)) == (100, 10)
    assert gather_wallets(now=NOW) == 0


def test_each_way_is_refused_where_it_is_so_already_or_over() -> None:
    member, _admin, _anna = a_shop()
    with pytest.raises(OneWalletError):
        ended(member)
    begun(member)
    with pytest.raises(OneWalletError):
        begun(member)
    ended(member)
    Membership.objects.filter(pk=member.pk).update(ends_at=NOW)
    with pytest.raises(OneWalletError):
        begun(member)

    assert [*AuditEntry.objects.order_by("pk").values_list("action", flat=True)][-2:] == [
        "one-wallet-begun",
        "one-wallet-ended",
    ]
    assert not Membership.objects.get().has_one_wallet


def test_everybody_of_the_company_sees_the_one_wallet_and_nobody_else_does(client: Client) -> None:
    member, _admin, anna = a_shop()
    stranger = an_employee(a_member(member.program).company)
    own = Owner(member.program_id, member.company_id)
    begun(member)
    record(a_purchase(member.company, 1234, employee_id=anna.pk))

    actor = actor_of_employee(anna, now=NOW)
    assert owners_visible_to(actor, member) == [own]
    assert Wallet.objects.visible_to(actor).filter(employee=None, kind="AVAILABLE", balance=1234).count() == 1
    other = actor_of_employee(stranger, now=NOW)
    assert not Wallet.objects.visible_to(other).filter(company=member.company).exists()
    assert anna.user is not None
    client.force_login(anna.user)
    for address in ("/", "/points/"):
        page = client.get(address).content.decode()
        assert "1,234" in page, address
        assert "My points" not in page
    reward = a_reward(member.program, price=100)
    assert "Your company has one wallet for everybody." in client.get("/rewards/").content.decode()
    assert "Only the admins of your company spend" in client.get(f"/rewards/{reward.pk}/").content.decode()


def test_members_look_and_only_admins_spend() -> None:
    member, admin, anna = a_shop()
    consent_to(member)
    begun(member)
    record(a_purchase(member.company, 100, employee_id=anna.pk))
    company = Owner(member.program_id, member.company_id)
    reward = a_reward(member.program, price=100)

    assert payers_of(actor_of_employee(anna, now=NOW), program_id=member.program_id, now=NOW) == []
    assert payers_of(actor_of_employee(admin, now=NOW), program_id=member.program_id, now=NOW) == [company]
    with pytest.raises(NotYoursToSpendError):
        _redeemed(anna, reward.pk, company, 100)
    Program.objects.update(transfers="BOTH")
    member = Membership.objects.select_related("program").get()
    for who in (admin, anna):
        assert not any(can_pass_on(actor_of_employee(who, now=NOW), member, to_company=way) for way in (True, False))

    _redeemed(admin, reward.pk, company, 100)
    assert balance(member) == 0


def test_before_the_switch_members_do_not_see_the_companys_points() -> None:
    member, _admin, anna = a_shop(Rule.To.COMPANY)
    record(a_purchase(member.company, 100))

    assert not Wallet.objects.visible_to(actor_of_employee(anna, now=NOW)).filter(employee=None).exists()


def test_program_suggests_one_wallet_for_companies_of_few_people() -> None:
    program = a_program(one_wallet_up_to=2)
    companies = [a_company() for _number in range(4)]
    for company, people in zip(companies, (0, 2, 3, 3), strict=True):
        for _person in range(people):
            an_employee(company, login=False)

    says = (None, None, None, True)
    joinings = [Joining(company.pk, EPOCH, said) for company, said in zip(companies, says, strict=True)]
    members = enrol(program=program, joinings=joinings)

    assert [member.has_one_wallet for member in members] == [False, True, False, True]


def test_database_refuses_a_transfer_of_nobody_that_is_not_the_clocks() -> None:
    member, _admin, anna = a_shop()
    consent_to(member)
    record(a_purchase(member.company, 100, employee_id=anna.pk))
    begun(member)

    Transfer.objects.update(made_by=None)
    with pytest.raises(IntegrityError, match="transfer_made_by_somebody"), transaction.atomic():
        Transfer.objects.update(reason_code="PASSED_ON")

    assert Transfer.objects.get().reason_code == "ONE_WALLET"


def test_manager_switches_at_the_desk(client: Client) -> None:
    member, _admin, anna = a_shop()
    consent_to(member)
    record(a_purchase(member.company, 100, employee_id=anna.pk))
    client.force_login(a_manager())
    page = f"/admin/loyalty/membership/{member.pk}/"
    assert "one-wallet" in client.get(f"{page}change/").content.decode()

    client.post(f"{page}one-wallet/", {"reason": "They are two"})
    assert balance(member) == 100
    client.post(f"{page}own-wallets/", {"reason": "They grew"})

    assert balance(member) == 100
    assert not Membership.objects.get().has_one_wallet
