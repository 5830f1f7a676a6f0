"""The main flow: what recording activities does to points and standing."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts import laws
from loyalty.activities import Status
from loyalty.models import Activity, Award, Evaluation, Lot, Posting, TierAssignment, Wallet
from tests.factories.world import (
    NOW,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_role,
    a_rule_set,
    an_employee,
    balance,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

DEBT, ISSUED, SPENT, EXPIRED = Wallet.Kind.DEBT, Wallet.Kind.ISSUED, Wallet.Kind.SPENT, Wallet.Kind.EXPIRED


@pytest.fixture(autouse=True)
def _laws_hold() -> object:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def test_purchase_gives_the_company_points_with_a_reason() -> None:
    program = a_program()
    a_rule_set(
        program, [{"code": "spend", "formula": {"kind": "per", "points": 2, "step": "10", "of": "activity.amount"}}]
    )
    member = a_member(program)

    [outcome] = record(a_purchase(member.company, "105.50"))

    assert (outcome.status, outcome.points) == (Status.RECORDED, 20)
    assert balance(member) == 20
    assert balance(member, kind=ISSUED) == -20
    award = Award.objects.get()
    assert (award.rule_code, award.raw, award.granted, award.cap_left_before) == ("spend", 20, 20, None)
    evaluation = Evaluation.objects.get()
    assert evaluation.facts == {"activity.amount": "105.50"}
    assert evaluation.metrics == {"spend": "105.5"}


def test_repeat_gives_the_stored_outcome_and_changes_nothing() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 70)

    [first] = record(purchase)
    [again] = record(purchase)

    assert (again.status, again.activity_id, again.points) == (Status.DUPLICATE, first.activity_id, 70)
    assert balance(member) == 70


def test_repeat_with_other_content_is_refused() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 70)
    record(purchase)

    [refused] = record(replace(purchase, amount=Decimal(700)))

    assert refused.error is not None
    assert refused.error.code == "id_used_for_another"
    assert balance(member) == 70


def test_same_item_twice_in_one_call_is_recorded_once() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 70)

    outcomes = record(purchase, purchase)

    assert [outcome.status for outcome in outcomes] == [Status.RECORDED, Status.DUPLICATE]
    assert outcomes[1].points == 70
    assert balance(member) == 70


def test_cap_lets_through_what_is_left_and_says_so() -> None:
    program = a_program()
    a_rule_set(program, [{"caps": [("COMPANY", "MONTH", 100)]}])
    member = a_member(program)

    outcomes = record(*(a_purchase(member.company, 60) for _ in range(3)))

    assert [outcome.points for outcome in outcomes] == [60, 40, 0]
    assert list(Award.objects.order_by("pk").values_list("raw", "granted", "cap_left_before")) == [
        (60, 60, 100),
        (60, 40, 40),
        (60, 0, 0),
    ]


def test_employee_earns_only_with_the_consent_of_the_management() -> None:
    program = a_program()
    a_rule_set(program, [{"beneficiary": "BOTH"}])
    member = a_member(program)
    buyer = an_employee(member.company)

    record(a_purchase(member.company, 50, employee_id=buyer.pk))
    consent_to(member)
    record(a_purchase(member.company, 50, employee_id=buyer.pk))

    assert balance(member) == 100
    assert balance(member, buyer) == 50


def test_consent_names_the_roles_that_may_earn_and_how_much() -> None:
    program = a_program()
    a_rule_set(program, [{"beneficiary": "EMPLOYEE"}])
    member = a_member(program)
    buyer, guard = an_employee(member.company), an_employee(member.company)
    a_role(buyer, "buyer")
    consent_to(member, roles=["buyer"], monthly_limit=70)

    record(*(a_purchase(member.company, 50, employee_id=person.pk) for person in (buyer, guard, buyer)))

    assert balance(member, buyer) == 70
    assert balance(member, guard) == 0


def test_tier_reached_by_one_item_counts_for_the_next() -> None:
    program = a_program(tiers={"bronze": 0, "gold": 100})
    gold = {"fact": "standing.tier", "op": "eq", "value": "gold"}
    a_rule_set(program, [{"condition": gold, "formula": {"kind": "fixed", "points": 7}}])
    member = a_member(program)

    outcomes = record(a_purchase(member.company, 100), a_purchase(member.company, 1))

    assert [outcome.points for outcome in outcomes] == [0, 7]
    tiers = TierAssignment.objects.order_by("starts_at").values_list("tier__code", "starts_at", "ends_at")
    assert list(tiers) == [("bronze", member.starts_at, NOW), ("gold", NOW, None)]


def test_part_returned_takes_back_its_share_rounded_for_the_client() -> None:
    program = a_program(tiers={"bronze": 0, "gold": 100})
    a_rule_set(program, [{"formula": {"kind": "fixed", "points": 10}, "caps": [("COMPANY", "YEAR", 15)]}])
    member = a_member(program)
    purchase = a_purchase(member.company, 100)
    record(purchase)

    [third] = record(a_purchase(member.company, "33.3333", reverses=purchase.external_id))

    assert third.points == -4
    assert balance(member) == 6
    assert [str(tier) for tier in TierAssignment.objects.order_by("pk").values_list("tier__code", flat=True)] == [
        "bronze",
        "gold",
        "bronze",
    ]
    [again] = record(a_purchase(member.company, 100))
    assert again.points == 9


def test_whole_return_in_the_same_call_leaves_nothing() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 80)

    outcomes = record(purchase, a_purchase(member.company, None, reverses=purchase.external_id))

    assert [outcome.points for outcome in outcomes] == [80, -80]
    assert balance(member) == 0
    assert balance(member, kind=ISSUED) == 0


@pytest.mark.parametrize(
    ("amount", "code"),
    [("80.0001", "return_exceeds_original"), ("0", "nothing_returned")],
)
def test_return_of_more_than_is_left_or_of_nothing_is_refused(amount: str, code: str) -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 80)
    record(purchase)

    [refused] = record(a_purchase(member.company, amount, reverses=purchase.external_id))

    assert refused.error is not None
    assert refused.error.code == code
    assert balance(member) == 80
    assert Activity.objects.count() == 1


def test_return_of_another_companys_activity_reads_like_an_unknown_one() -> None:
    program = a_program()
    a_rule_set(program)
    member, stranger = a_member(program), a_member(program)
    purchase = a_purchase(member.company, 80)
    record(purchase)

    foreign, unknown = record(
        a_purchase(stranger.company, 80, reverses=purchase.external_id),
        a_purchase(stranger.company, 80, reverses="nothing"),
    )

    assert foreign._replace(activity_id=0) == unknown._replace(activity_id=0)
    assert foreign.status is Status.WAITING
    assert balance(member) == 80


def test_points_that_are_overdue_when_they_arrive_expire_at_once() -> None:
    program = a_program(expiry_months=1)
    a_rule_set(program)
    member = a_member(program)

    record(a_purchase(member.company, 80, occurred_at=NOW - timedelta(days=90)))

    assert balance(member) == 0
    assert balance(member, kind=EXPIRED) == 80
    lot = Lot.objects.get()
    assert (lot.earned, lot.remaining, lot.expired) == (80, 0, 80)


def test_return_of_expired_points_takes_them_from_what_the_lot_lost() -> None:
    program = a_program(expiry_months=1)
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 80, occurred_at=NOW - timedelta(days=90))
    record(purchase)

    record(a_purchase(member.company, 30, reverses=purchase.external_id))

    assert balance(member, kind=EXPIRED) == 50
    assert balance(member, kind=DEBT) == 0
    assert Posting.objects.filter(reverses__isnull=False).count() == 1


def test_activity_of_a_company_that_is_no_member_is_kept_without_effect() -> None:
    program = a_program()
    a_rule_set(program)
    company = a_company()

    [outcome] = record(a_purchase(company, 80))

    assert (outcome.status, outcome.points) == (Status.RECORDED, 0)
    assert not Evaluation.objects.exists()


def test_limit_a_person_counts_what_the_person_gets_where_the_company_gets_the_same() -> None:
    program = a_program()
    a_rule_set(program, [{"beneficiary": "BOTH", "caps": [("EMPLOYEE", "MONTH", 60)]}])
    member = a_member(program)
    buyer = an_employee(member.company)
    consent_to(member)

    record(a_purchase(member.company, 100, employee_id=buyer.pk))

    assert balance(member) == 100
    assert balance(member, buyer) == 60


def test_limit_a_person_counts_what_the_company_gets_through_that_person() -> None:
    program = a_program()
    a_rule_set(program, [{"caps": [("EMPLOYEE", "MONTH", 60)]}])
    member = a_member(program)
    first, second = an_employee(member.company), an_employee(member.company)

    record(*(a_purchase(member.company, 100, employee_id=person.pk) for person in (first, second, first)))

    assert balance(member) == 120


def test_amount_in_a_currency_that_the_program_does_not_count_in_is_refused() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)

    [refused] = record(a_purchase(member.company, 100, currency="EUR"))

    assert refused.error is not None
    assert (refused.error.code, refused.error.field) == ("no_rate", "currency")
    assert not Activity.objects.exists()


def test_repeat_keeps_its_outcome_when_the_company_has_joined_a_program_in_another_currency() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 100)
    record(purchase)
    a_member(a_program(currency="EUR"), member.company)

    [again] = record(purchase)

    assert (again.status, again.points) == (Status.DUPLICATE, 100)
