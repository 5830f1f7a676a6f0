"""Money of other currencies: counted by the rate of its day, refused without one, returned as it was counted."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts import laws
from loyalty.activities import Status
from loyalty.activities.returns import Undoing
from loyalty.models import Activity, Evaluation, ExchangeRate, Membership, MetricBucket
from loyalty.rates import RateInThePastError, converted, enter_rate, rate_on
from tests.factories.world import NOW, a_member, a_program, a_purchase, a_rule_set, balance, record

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def a_rate(rate: str, starts_on: date, currency: str = "EUR") -> ExchangeRate:
    return ExchangeRate.objects.create(currency=currency, into="GBP", rate=Decimal(rate), starts_on=starts_on)


def a_world() -> Membership:
    program = a_program(tiers={"base": 0, "gold": 100})
    a_rule_set(program)
    return a_member(program)


def spend(membership: Membership) -> Decimal:
    return sum(MetricBucket.objects.filter(membership=membership).values_list("value", flat=True), Decimal(0))


def test_money_counts_by_the_rate_of_its_own_day() -> None:
    membership = a_world()
    a_rate("0.8", date(2026, 1, 1))
    a_rate("0.5", TODAY)

    record(
        a_purchase(membership.company, 100, currency="EUR", occurred_at=NOW - timedelta(days=1)),
        a_purchase(membership.company, 100, currency="EUR"),
        a_purchase(membership.company, 100),
    )

    assert balance(membership) == 80 + 50 + 100
    assert spend(membership) == 230
    assert [*Evaluation.objects.order_by("pk").values_list("facts__activity.amount", "facts__activity.rate")] == [
        ("80", "0.8"),
        ("50", "0.5"),
        ("100", None),
    ]


def test_day_of_the_rate_is_the_programs() -> None:
    membership = a_world()
    a_rate("0.8", TODAY)
    a_rate("0.5", TOMORROW)
    late = NOW.replace(hour=23, minute=30)  # in London it is tomorrow by then

    [outcome] = record(a_purchase(membership.company, 100, currency="EUR", occurred_at=late), now=late)

    assert outcome.points == 50


@pytest.mark.parametrize("first_day", [TOMORROW, None])
def test_money_without_a_rate_is_rejected_and_says_so(first_day: date | None) -> None:
    membership = a_world()
    if first_day is not None:
        a_rate("0.8", first_day)

    [outcome] = record(a_purchase(membership.company, 100, currency="EUR"))

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.field) == ("no_rate", "currency")
    assert outcome.error.sentence == (
        f"“{membership.program.name}” counts in GBP, and no rate of EUR is known for that day."
    )
    assert not Activity.objects.exists()


def test_whole_and_partial_returns_take_back_what_was_counted() -> None:
    membership = a_world()
    a_rate("0.3333333333", TODAY)
    sale = a_purchase(membership.company, 100, currency="EUR")
    record(sale)
    assert (balance(membership), spend(membership)) == (33, Decimal("33.3333"))

    record(a_purchase(membership.company, "33.33", currency="EUR", reverses=sale.external_id))
    assert (balance(membership), spend(membership)) == (22, Decimal("22.2233"))

    record(a_purchase(membership.company, "66.67", currency="EUR", reverses=sale.external_id))
    assert (balance(membership), spend(membership)) == (0, Decimal(0))


def test_return_in_another_currency_than_its_original_is_refused() -> None:
    membership = a_world()
    a_rate("0.8", TODAY)
    sale = a_purchase(membership.company, 100, currency="EUR")
    record(sale)

    [outcome] = record(a_purchase(membership.company, 50, reverses=sale.external_id))

    assert outcome.error is not None
    assert outcome.error.code == "return_in_other_currency"
    assert balance(membership) == 80


def test_rate_that_has_begun_cannot_be_changed_or_deleted_in_the_database() -> None:
    rate = a_rate("0.8", date(2026, 1, 1))

    with pytest.raises(IntegrityError, match="activities were counted by this rate"), transaction.atomic():
        ExchangeRate.objects.update(rate=2)
    with pytest.raises(IntegrityError, match="activities were counted by this rate"), transaction.atomic():
        rate.delete()

    assert ExchangeRate.objects.get().rate == Decimal("0.8")


def enter(rate: str, starts_on: date) -> ExchangeRate:
    return enter_rate(currency="EUR", into="GBP", rate=Decimal(rate), starts_on=starts_on, now=NOW)


def test_new_rate_begins_today_or_later_or_before_the_first() -> None:
    enter("0.8", YESTERDAY)
    enter("0.7", TODAY)
    enter("0.9", date(2026, 1, 1))

    with pytest.raises(RateInThePastError, match="has been counted by the rate of then, and stays so"):
        enter("0.6", date(2026, 3, 1))

    assert ExchangeRate.objects.count() == 3


@pytest.mark.parametrize(
    "fields",
    [{"rate": 0}, {"rate": -1}, {"into": "EUR"}, {"currency": "USD"}],
    ids=["nothing", "less", "same", "again"],
)
def test_database_refuses_rates_that_mean_nothing(fields: dict[str, object]) -> None:
    a_rate("0.8", TODAY, "USD")

    with pytest.raises(IntegrityError), transaction.atomic():
        ExchangeRate.objects.create(**{"currency": "EUR", "into": "GBP", "rate": 1, "starts_on": TODAY, **fields})

    assert ExchangeRate.objects.count() == 1


@pytest.mark.parametrize(
    ("day", "rate"),
    [(date(2026, 1, 1), None), (date(2026, 1, 2), "0.8"), (date(2026, 3, 3), "0.8"), (date(2026, 3, 4), "0.7")],
)
def test_rate_holds_until_the_next_begins(day: date, rate: str | None) -> None:
    rates = {("EUR", "GBP"): [(date(2026, 1, 2), Decimal("0.8")), (date(2026, 3, 4), Decimal("0.7"))]}

    assert rate_on(rates, currency="EUR", into="GBP", day=day) == (None if rate is None else Decimal(rate))
    assert rate_on(rates, currency="GBP", into="GBP", day=day) == 1


@given(
    cents=st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
    rate=st.decimals("0.0001", "200", places=10),
)
def test_any_split_of_a_return_takes_what_was_counted(cents: list[int], rate: Decimal) -> None:
    amount = Decimal(sum(cents)) / 100
    counted = converted(amount, rate)
    taken, left = Decimal(0), amount

    for part in cents:
        left -= Decimal(part) / 100
        original = type("Original", (), {"amount": amount, "quantity": None})
        taken += Undoing(None, original, Decimal(part) / 100, Decimal(0), left, amount, False).part_of(counted)  # type: ignore[arg-type]

    assert taken == counted
