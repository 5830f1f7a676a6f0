"""Returns: what goes back with them, and which are refused; each in one call and in calls of their own."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts import laws
from loyalty.activities import ActivityItem, Outcome, Status
from loyalty.earning import KINDS
from loyalty.models import (
    Activity,
    ActivityReturn,
    Award,
    AwardReversal,
    CapUsage,
    Evaluation,
    Membership,
    Metric,
    MetricBucket,
    Program,
    ReturnLink,
    RuleSet,
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
    an_employee,
    balance,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

DEBT = Wallet.Kind.DEBT
IN_ONE_CALL_OR_SEVERAL = pytest.mark.parametrize("at_once", [True, False], ids=["one call", "several calls"])


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def sent(items: list[ActivityItem], *, at_once: bool) -> list[Outcome]:
    """Record items in one call, or each in a call of its own."""
    return record(*items) if at_once else [record(item)[0] for item in items]


def codes(outcomes: list[Outcome]) -> list[str]:
    """What became of each: its status, or the code of its error."""
    return [outcome.error.code if outcome.error else outcome.status.value for outcome in outcomes]


def metrics() -> dict[str, Decimal]:
    return {bucket.metric: bucket.value for bucket in MetricBucket.objects.all()}


def a_program_with_metrics() -> Program:
    program = a_program()
    for code, measure in (("pieces", "QUANTITY"), ("orders", "COUNT"), ("earned", "POINTS")):
        Metric.objects.create(program=program, code=code, name=code, measure=measure, activity_type=a_purchase_type())
    return program


@IN_ONE_CALL_OR_SEVERAL
@pytest.mark.parametrize(
    "parts",
    [
        [(None, None)],
        [("60", None), ("40", None)],
        [("60", "3"), ("40", "7")],
        [("60", "9"), (None, None)],
        [("60", "3"), ("40", None)],
        [("40", None), ("60", "3")],
    ],
    ids=["whole", "by money", "by money and pieces", "a part, then the rest", "pieces told once", "pieces told last"],
)
def test_everything_is_back_once_all_was_returned(parts: list[tuple[str | None, str | None]], at_once: bool) -> None:
    program = a_program_with_metrics()
    a_rule_set(program, [{"caps": [("COMPANY", "MONTH", 70)]}])
    member = a_member(program)
    purchase = a_purchase(member.company, 100, quantity=Decimal(10))
    returns = [
        a_purchase(
            member.company, amount, reverses=purchase.external_id, quantity=None if pieces is None else Decimal(pieces)
        )
        for amount, pieces in parts
    ]

    sent([purchase, *returns], at_once=at_once)

    assert balance(member) == 0
    assert set(metrics().values()) <= {0}
    assert CapUsage.objects.get().used == 0
    assert list(AwardReversal.objects.values_list("granted", "reversed")) == [(70, 70)]
    returned = ActivityReturn.objects.get()
    assert (returned.amount, returned.quantity, returned.is_whole) == (Decimal(100), Decimal(10), True)


@IN_ONE_CALL_OR_SEVERAL
def test_return_frees_the_consents_limit_though_it_names_nobody(at_once: bool) -> None:
    program = a_program()
    a_rule_set(program, [{"beneficiary": "EMPLOYEE"}])
    member = a_member(program)
    consent_to(member, monthly_limit=50)
    buyer = an_employee(member.company)
    purchase = a_purchase(member.company, 80, employee_id=buyer.pk)

    sent([purchase, a_purchase(member.company, None, reverses=purchase.external_id)], at_once=at_once)
    record(a_purchase(member.company, 40, employee_id=buyer.pk))

    assert balance(member, buyer) == 40
    assert CapUsage.objects.get().used == 40


def test_return_of_points_from_before_a_consent_that_was_dated_back_leaves_its_limit_alone() -> None:
    program = a_program()
    a_rule_set(program, [{"beneficiary": "EMPLOYEE"}])
    member = a_member(program)
    buyer = an_employee(member.company)
    consent_to(member)
    purchase = a_purchase(member.company, 80, employee_id=buyer.pk)
    record(purchase)
    consent_to(member, monthly_limit=50, starts_at=NOW - timedelta(days=30))

    [outcome] = record(a_purchase(member.company, None, reverses=purchase.external_id))

    assert outcome.points == -80
    assert balance(member, buyer) == 0
    assert CapUsage.objects.get().used == 0


def test_return_frees_the_limit_of_the_rules_by_which_it_was_judged() -> None:
    program = a_program()
    first = a_rule_set(program, [{"caps": [("COMPANY", "YEAR", 100)]}])
    member = a_member(program)
    purchase = a_purchase(member.company, 80)
    record(purchase)
    RuleSet.objects.filter(pk=first.pk).update(ends_at=NOW - timedelta(days=1), status="RETIRED")
    a_rule_set(program, [{"code": "other"}], starts_at=NOW - timedelta(days=1))

    record(a_purchase(member.company, 30, reverses=purchase.external_id))

    assert balance(member) == 50
    assert CapUsage.objects.get().used == 50


@pytest.mark.parametrize("left", [timedelta(days=1), timedelta(days=-1)], ids=["since", "dated back"])
def test_return_after_the_company_left_takes_back_what_it_brought(left: timedelta) -> None:
    program = a_program_with_metrics()
    a_rule_set(program)
    member = a_member(program)
    bought_at = NOW - timedelta(days=9)
    purchase = a_purchase(member.company, 80, occurred_at=bought_at)
    record(purchase)
    Membership.objects.update(ends_at=bought_at + left)

    [outcome] = record(a_purchase(member.company, 30, reverses=purchase.external_id))

    assert outcome.points == -30
    assert balance(member) == 50
    assert metrics() == {"spend": 50, "orders": 1, "earned": 50}


@IN_ONE_CALL_OR_SEVERAL
def test_return_takes_back_in_every_program(at_once: bool) -> None:
    company = a_company()
    programs = [a_program(), a_program(expiry_months=2, time_zone="Asia/Tokyo")]
    for points, program in zip((1, 3), programs, strict=True):
        a_rule_set(program, [{"formula": {"kind": "per", "points": points, "step": "1", "of": "activity.amount"}}])
    members = [a_member(program, company) for program in programs]
    purchase = a_purchase(company, 10)

    outcomes = sent([purchase, a_purchase(company, 4, reverses=purchase.external_id)], at_once=at_once)

    assert [outcome.points for outcome in outcomes] == [40, -16]
    assert [balance(member) for member in members] == [6, 18]


@IN_ONE_CALL_OR_SEVERAL
def test_return_of_an_award_that_a_limit_cut_to_nothing_takes_nothing(at_once: bool) -> None:
    program = a_program()
    a_rule_set(program, [{"caps": [("COMPANY", "EVER", 10)]}])
    member = a_member(program)
    first, second = a_purchase(member.company, 10), a_purchase(member.company, 10)

    outcomes = sent([first, second, a_purchase(member.company, 5, reverses=second.external_id)], at_once=at_once)

    assert [outcome.points for outcome in outcomes] == [10, 0, 0]
    assert Award.objects.count() == 2
    assert not AwardReversal.objects.exists()


@IN_ONE_CALL_OR_SEVERAL
def test_limit_freed_by_a_return_serves_what_arrives_later(at_once: bool) -> None:
    program = a_program()
    a_rule_set(program, [{"caps": [("COMPANY", "EVER", 10)]}])
    member = a_member(program)
    first, second, third = (a_purchase(member.company, 8) for _ in range(3))

    outcomes = sent(
        [first, second, a_purchase(member.company, None, reverses=first.external_id), third], at_once=at_once
    )

    assert [outcome.points for outcome in outcomes] == [8, 2, -8, 8]


@IN_ONE_CALL_OR_SEVERAL
def test_returns_of_a_company_that_is_no_member_are_kept_without_effect(at_once: bool) -> None:
    a_purchase_type()
    company = a_company()
    purchase = a_purchase(company, 10)

    outcomes = sent([purchase, a_purchase(company, 4, reverses=purchase.external_id)], at_once=at_once)

    assert [(outcome.status, outcome.points) for outcome in outcomes] == [(Status.RECORDED, 0)] * 2
    assert ReturnLink.objects.count() == 1
    assert not Evaluation.objects.exists()


@IN_ONE_CALL_OR_SEVERAL
def test_corrected_return_under_the_same_id_is_applied_when_the_first_was_refused(at_once: bool) -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 10)
    too_much = a_purchase(member.company, 11, reverses=purchase.external_id)

    outcomes = sent([purchase, too_much, replace(too_much, amount=Decimal(9))], at_once=at_once)

    assert codes(outcomes) == ["recorded", "return_exceeds_original", "recorded"]
    assert balance(member) == 1


@IN_ONE_CALL_OR_SEVERAL
def test_id_with_other_content_is_refused_when_the_first_was_recorded(at_once: bool) -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 10)

    outcomes = sent([purchase, replace(purchase, amount=Decimal(9)), purchase], at_once=at_once)

    assert codes(outcomes) == ["recorded", "id_used_for_another", "duplicate"]
    assert balance(member) == 10


@IN_ONE_CALL_OR_SEVERAL
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": Decimal("10.0001")}, "return_exceeds_original"),
        ({"amount": Decimal(0)}, "nothing_returned"),
        ({"amount": None, "quantity": Decimal(1)}, "return_needs_amount"),
        ({"currency": "EUR"}, "return_in_other_currency"),
        ({"occurred_at": NOW - timedelta(seconds=1)}, "return_before_original"),
    ],
)
def test_return_that_does_not_fit_its_original_is_refused(change: dict[str, object], code: str, at_once: bool) -> None:
    program = a_program()
    member = a_member(program, starts_at=NOW)
    Membership.objects.update(ends_at=NOW)
    purchase = a_purchase(member.company, 10, quantity=Decimal(2))
    back = replace(a_purchase(member.company, 4, reverses=purchase.external_id), **change)  # type: ignore[arg-type]

    outcomes = sent([purchase, back], at_once=at_once)

    assert codes(outcomes) == ["recorded", code]
    assert Activity.objects.count() == 1


@IN_ONE_CALL_OR_SEVERAL
def test_return_of_a_return_is_refused(at_once: bool) -> None:
    member = a_member(a_program())
    purchase = a_purchase(member.company, 10)
    back = a_purchase(member.company, 4, reverses=purchase.external_id)
    itself = a_purchase(member.company, 4, external_id="itself", reverses="itself")

    outcomes = sent([purchase, back, a_purchase(member.company, 4, reverses=back.external_id), itself], at_once=at_once)

    assert codes(outcomes) == ["recorded", "recorded", "return_of_return", "return_of_return"]
    assert Activity.objects.count() == 2


@IN_ONE_CALL_OR_SEVERAL
def test_id_of_a_refused_return_is_free_for_a_purchase(at_once: bool) -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    purchase = a_purchase(member.company, 10)
    too_much = a_purchase(member.company, 11, reverses=purchase.external_id)
    other = replace(too_much, reverses="", amount=Decimal(7))
    back = a_purchase(member.company, 2, reverses=other.external_id)

    outcomes = sent([purchase, too_much, other, too_much, back, other], at_once=at_once)

    assert codes(outcomes) == [
        "recorded", "return_exceeds_original", "recorded", "id_used_for_another", "recorded", "duplicate",
    ]  # fmt: skip
    assert [outcome.points for outcome in outcomes] == [10, 0, 7, 0, -2, 7]
    assert balance(member) == 15


def test_huge_number_in_an_attribute_gives_the_most_and_does_not_break_the_call() -> None:
    type_ = a_purchase_type()
    type_.attributes.create(code="weight", name="Weight", type="NUMBER")
    program = a_program()
    a_rule_set(program, [{"formula": {"kind": "per", "points": 1_000_000, "step": "1", "of": "attribute.weight"}}])
    member = a_member(program)

    outcomes = record(
        a_purchase(member.company, 1, attributes={"weight": "1e150"}),
        a_purchase(member.company, 1, attributes={"weight": "1000000000000"}),
        a_purchase(member.company, 1, attributes={"weight": -5}),
    )

    assert outcomes[0].error is not None
    assert outcomes[0].error.code == "bad_attribute"
    assert [outcome.points for outcome in outcomes] == [0, 10**15, 0]


FORMULAS = [
    {**kind.example, **modifiers}
    for kind in KINDS.values()
    for modifiers in ({}, {"minimum_spend": "60", "rounding": "half up", "at_least": 31, "at_most": 45})
]


@IN_ONE_CALL_OR_SEVERAL
@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: f"{formula['kind']} {len(formula)}")
def test_return_takes_its_share_of_what_was_given_whatever_the_formula(
    formula: dict[str, object], at_once: bool
) -> None:
    program = a_program()
    a_rule_set(program, [{"formula": formula, "caps": [("COMPANY", "MONTH", 10_000)]}])
    member = a_member(program)
    purchase = a_purchase(member.company, "1500", object="SAW-1", quantity=Decimal(3))
    part = a_purchase(member.company, "1450", quantity=Decimal(2), reverses=purchase.external_id)
    rest = a_purchase(member.company, "50", quantity=Decimal(1), reverses=purchase.external_id)

    given, *taken = [outcome.points for outcome in sent([purchase, part, rest], at_once=at_once)]

    # What is left, 50, would not reach the minimum spend: the formula is not run again.
    assert given > 0
    assert taken == [given * 50 // 1500 - given, -(given * 50 // 1500)]
    assert balance(member) == 0
    assert CapUsage.objects.get().used == 0
