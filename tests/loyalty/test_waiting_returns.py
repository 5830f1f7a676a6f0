"""Returns that come before what they undo: they wait, are applied when it comes, and only then have any effect."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts import laws
from loyalty.activities import ActivityItem, Outcome, Status
from loyalty.models import (
    Activity,
    ActivityReturn,
    CapUsage,
    Evaluation,
    MetricBucket,
    Posting,
    ReturnLink,
    ReturnRefusal,
    TierAssignment,
    Wallet,
)
from tests.factories.world import (
    NOW,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_purchase_type,
    a_rule_set,
    a_source,
    an_employee,
    balance,
    consent_to,
    record,
)
from tests.loyalty.test_returns import IN_ONE_CALL_OR_SEVERAL, codes, sent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def told(outcome: Outcome) -> tuple[Status, int, str | None, bool]:
    code = None if outcome.error is None else outcome.error.code
    return outcome.status, outcome.points, code, outcome.is_waiting


def links() -> dict[str, tuple[str | None, str, str]]:
    """What became of each return: what it undid, what it waits for, why it was refused."""
    rows = ReturnLink.objects.values_list(
        "activity__external_id", "original__external_id", "awaited_external_id", "refusal"
    )
    return {external_id: (original, awaited, refusal) for external_id, original, awaited, refusal in rows}


def test_return_waits_without_effect_and_is_applied_when_its_original_comes() -> None:
    program = a_program(tiers={"bronze": 0, "gold": 8})
    a_rule_set(program, [{"caps": [("COMPANY", "MONTH", 9)]}])
    member = a_member(program)
    purchase = a_purchase(member.company, 10)
    back = a_purchase(member.company, 4, reverses=purchase.external_id)

    [early] = record(back)

    assert told(early) == (Status.WAITING, 0, None, True)
    assert links() == {back.external_id: (None, purchase.external_id, "")}
    assert not Evaluation.objects.exists()
    assert not Posting.objects.exists()
    assert not ActivityReturn.objects.exists()
    assert [told(outcome) for outcome in record(back)] == [(Status.DUPLICATE, 0, None, True)]

    [bought] = record(purchase)

    assert told(bought) == (Status.RECORDED, 10 - 1, None, False)
    assert balance(member) == 5
    assert links() == {back.external_id: (purchase.external_id, "", "")}
    assert CapUsage.objects.get().used == 5
    assert MetricBucket.objects.get().value == 6
    assert list(TierAssignment.objects.order_by("pk").values_list("tier__code", flat=True)) == [
        "bronze",
        "gold",
        "bronze",
    ]
    assert ActivityReturn.objects.get().amount == 4
    [again, once_more] = record(back, purchase)
    assert told(again) == (Status.DUPLICATE, -4, None, False)
    assert told(once_more) == (Status.DUPLICATE, 9, None, False)
    assert balance(member) == 5


def test_return_whose_original_comes_later_in_the_same_call_tells_what_became_of_it() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 10)
    back, too_much = (a_purchase(member.company, amount, reverses=purchase.external_id) for amount in (4, 7))
    for_ever = a_purchase(member.company, 1, reverses="nothing")

    outcomes = record(back, too_much, for_ever, purchase, back, too_much, for_ever)

    assert [told(outcome) for outcome in outcomes] == [
        (Status.RECORDED, -4, None, False),
        (Status.REJECTED, 0, "return_exceeds_original", False),
        (Status.WAITING, 0, None, True),
        (Status.RECORDED, 10, None, False),
        (Status.DUPLICATE, -4, None, False),
        (Status.DUPLICATE, 0, "return_exceeds_original", False),
        (Status.DUPLICATE, 0, None, True),
    ]
    assert None not in {outcome.activity_id for outcome in outcomes}
    assert balance(member) == 6


def test_repeat_in_the_call_in_which_the_original_comes_tells_what_became_of_the_return() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 10)
    back, too_much = (a_purchase(member.company, amount, reverses=purchase.external_id) for amount in (4, 7))
    record(back, too_much)

    outcomes = record(back, purchase, too_much)

    assert [told(outcome) for outcome in outcomes] == [
        (Status.DUPLICATE, -4, None, False),
        (Status.RECORDED, 10, None, False),
        (Status.DUPLICATE, 0, "return_exceeds_original", False),
    ]


@IN_ONE_CALL_OR_SEVERAL
def test_several_that_wait_are_applied_in_their_order_of_arrival(at_once: bool) -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 10)
    ids = ["z", "a", "m", "b"]
    returns = [
        a_purchase(member.company, amount, external_id=external_id, reverses=purchase.external_id)
        for external_id, amount in zip(ids, (6, 5, 4, 1), strict=True)
    ]

    sent([*returns, purchase], at_once=at_once)

    assert links() == {
        "z": (purchase.external_id, "", ""),
        "a": (None, "", "RETURN_EXCEEDS_ORIGINAL"),
        "m": (purchase.external_id, "", ""),
        "b": (None, "", "RETURN_EXCEEDS_ORIGINAL"),
    }
    assert balance(member) == 0


@IN_ONE_CALL_OR_SEVERAL
def test_what_waited_is_taken_back_before_anything_that_comes_after_the_original(at_once: bool) -> None:
    program = a_program()
    a_rule_set(program, [{"caps": [("COMPANY", "EVER", 10)]}])
    member = a_member(program)
    first, second = a_purchase(member.company, 10), a_purchase(member.company, 10)

    outcomes = sent([a_purchase(member.company, None, reverses=first.external_id), first, second], at_once=at_once)

    assert [outcome.points for outcome in outcomes[1:]] == [10, 10]
    assert balance(member) == 10


@IN_ONE_CALL_OR_SEVERAL
def test_return_that_waited_frees_the_consents_limit_of_a_person_whom_it_does_not_name(at_once: bool) -> None:
    program = a_program()
    a_rule_set(program, [{"beneficiary": "EMPLOYEE"}])
    member = a_member(program)
    consent_to(member, monthly_limit=50)
    buyer = an_employee(member.company)
    purchase = a_purchase(member.company, 80, employee_id=buyer.pk)

    sent([a_purchase(member.company, None, reverses=purchase.external_id), purchase], at_once=at_once)
    record(a_purchase(member.company, 40, employee_id=buyer.pk))

    assert balance(member, buyer) == 40
    assert CapUsage.objects.get().used == 40


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"amount": Decimal("10.0001")}, ReturnRefusal.RETURN_EXCEEDS_ORIGINAL),
        ({"amount": Decimal(0)}, ReturnRefusal.NOTHING_RETURNED),
        ({"amount": None, "quantity": Decimal(1)}, ReturnRefusal.RETURN_NEEDS_AMOUNT),
        ({"currency": "EUR"}, ReturnRefusal.RETURN_IN_OTHER_CURRENCY),
        ({"occurred_at": NOW - timedelta(seconds=1)}, ReturnRefusal.RETURN_BEFORE_ORIGINAL),
        ({"type": "training"}, ReturnRefusal.RETURN_OF_OTHER_TYPE),
    ],
)
def test_return_that_turns_out_not_to_fit_is_refused_and_says_why_for_ever(
    change: dict[str, object], refusal: ReturnRefusal
) -> None:
    a_training_type()
    company = a_company()
    purchase = a_purchase(company, 10, quantity=Decimal(2))
    back = replace(a_purchase(company, 4, reverses=purchase.external_id), **change)  # type: ignore[arg-type]
    record(back)
    member = a_member(a_program(), company)
    a_rule_set(member.program)

    record(purchase)

    assert links() == {back.external_id: (None, "", refusal)}
    assert balance(member) == 10
    assert not ActivityReturn.objects.exclude(amount=0, quantity=0, is_whole=False).exists()
    assert [told(outcome) for outcome in record(back)] == [(Status.DUPLICATE, 0, refusal.lower(), False)]
    assert codes(record(replace(back, amount=Decimal(3)))) == ["id_used_for_another"]


def a_training_type() -> None:
    type_ = a_purchase_type()
    type_.pk, type_.code = None, "training"
    type_.save()


@IN_ONE_CALL_OR_SEVERAL
def test_return_that_waits_for_what_turns_out_to_be_a_return_is_refused(at_once: bool) -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 10)
    back = a_purchase(member.company, 4, reverses=purchase.external_id)
    back_of_back = a_purchase(member.company, 4, reverses=back.external_id)

    sent([back_of_back, back, purchase], at_once=at_once)

    assert links() == {
        back_of_back.external_id: (None, "", "RETURN_OF_RETURN"),
        back.external_id: (purchase.external_id, "", ""),
    }
    assert balance(member) == 6


@IN_ONE_CALL_OR_SEVERAL
@pytest.mark.parametrize("is_early", [True, False], ids=["before", "after"])
def test_another_companys_activity_is_never_what_a_return_waits_for(is_early: bool, at_once: bool) -> None:
    program = a_program()
    a_rule_set(program)
    member, stranger = a_member(program), a_member(program)
    record(a_purchase(stranger.company, 50))
    purchase = a_purchase(member.company, 10)
    foreign = a_purchase(stranger.company, 10, reverses=purchase.external_id)
    own = a_purchase(member.company, 3, reverses=purchase.external_id)

    sent([foreign, own, purchase] if is_early else [purchase, foreign, own], at_once=at_once)

    assert links() == {
        foreign.external_id: (None, purchase.external_id, ""),
        own.external_id: (purchase.external_id, "", ""),
    }
    assert (balance(member), balance(stranger)) == (7, 50)
    assert Posting.objects.filter(company=stranger.company_id).count() == 1
    assert list(ActivityReturn.objects.values_list("activity__external_id", "amount")) == [
        (purchase.external_id, Decimal(3))
    ]


def test_activity_of_the_same_id_from_another_source_is_not_what_a_return_waits_for() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 10)
    record(a_purchase(member.company, 4, reverses=purchase.external_id))

    record(purchase, source=a_source("till"))

    assert balance(member) == 10
    assert ReturnLink.objects.waiting().count() == 1


@IN_ONE_CALL_OR_SEVERAL
def test_return_waits_in_a_company_that_is_no_member_and_takes_back_once_it_is(at_once: bool) -> None:
    a_purchase_type()
    company = a_company()
    bought, kept = a_purchase(company, 10), a_purchase(company, 10)
    sent(
        [
            a_purchase(company, 4, reverses=bought.external_id),
            bought,
            a_purchase(company, 4, reverses=kept.external_id),
        ],
        at_once=at_once,
    )
    assert [original for original, _awaited, _refusal in links().values()] == [bought.external_id, None]
    member = a_member(a_program(), company)
    a_rule_set(member.program)

    record(kept)

    assert balance(member) == 6


def test_rejected_original_leaves_its_return_waiting() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 10)
    back = a_purchase(member.company, 4, reverses=purchase.external_id)

    outcomes = record(back, replace(purchase, currency="EUR"), replace(purchase, type="unheard"))

    assert codes(outcomes) == ["waiting", "no_rate", "unknown_type"]
    assert Activity.objects.count() == 1
    record(purchase)
    assert balance(member) == 6


@IN_ONE_CALL_OR_SEVERAL
def test_points_that_had_expired_when_original_and_return_came_are_taken_from_those(at_once: bool) -> None:
    program = a_program(expiry_months=1)
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 80, occurred_at=NOW - timedelta(days=90))

    sent([a_purchase(member.company, 30, reverses=purchase.external_id), purchase], at_once=at_once)

    assert balance(member) == 0
    assert balance(member, kind=Wallet.Kind.EXPIRED) == 50
    assert balance(member, kind=Wallet.Kind.DEBT) == 0


@pytest.mark.parametrize(
    "state",
    [
        {"awaited_external_id": ""},
        {"awaited_source": None},
        {"refusal": ReturnRefusal.NOTHING_RETURNED},
        {"applied_at": NOW},
        {"awaited_source": None, "awaited_external_id": "", "applied_at": NOW},
        {"awaited_source": None, "awaited_external_id": ""},
        {"awaited_source": None, "awaited_external_id": "", "refusal": "WHATEVER"},
    ],
    ids=str,
)
def test_return_is_in_one_state_that_can_be_told(state: dict[str, object]) -> None:
    member = a_member(a_program())
    record(a_purchase(member.company, 4, reverses="nothing"))

    with pytest.raises(IntegrityError, match="return_link_"), transaction.atomic():
        ReturnLink.objects.update(**state)


def test_half_of_a_surrogate_pair_is_refused_where_it_stands() -> None:
    member = a_member(a_program())
    half = "\ud800"
    items: list[ActivityItem] = [
        a_purchase(member.company, external_id=half),
        a_purchase(member.company, object=half),
        a_purchase(member.company, reverses=half),
        a_purchase(member.company, type=half),
        a_purchase(member.company, type="\0"),
    ]

    assert codes(record(*items)) == ["bad_id", "bad_object", "bad_reverses", "unknown_type", "unknown_type"]
