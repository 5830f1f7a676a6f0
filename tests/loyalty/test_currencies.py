"""Money of other currencies: counted by the rate of its day, refused without one, returned as it was counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import psycopg
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import arrays, laws
from loyalty.activities import Status
from loyalty.activities.returns import Undoing
from loyalty.models import Activity, Evaluation, ExchangeRate, Membership, MetricBucket
from loyalty.rates import RateInThePastError, converted, enter_rate, rate_on
from tests.factories.world import NOW, a_member, a_program, a_purchase, a_rule_set, balance, record
from tests.loyalty.racing import race_in_order

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
TOMORROW = TODAY + timedelta(days=1)


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        yield
    cause = refusal.value.__cause__
    assert isinstance(cause, psycopg.Error)
    assert cause.diag.constraint_name == constraint


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
    a_rate("0.5", TODAY)
    a_rate("0.8", date(2026, 1, 1))

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
    a_rate("0.5", TOMORROW)
    a_rate("0.8", TODAY)
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
    return enter_rate(currency="EUR", into="GBP", rate=Decimal(rate), starts_on=starts_on, now=timezone.now())


def test_new_rate_begins_today_or_later_or_before_the_first() -> None:
    enter("0.8", days_from_now(-1))
    enter("0.7", days_from_now(0))
    enter("0.9", days_from_now(-30))

    with pytest.raises(RateInThePastError, match="has been counted by the rate of then, and stays so"):
        enter("0.6", days_from_now(-9))

    assert ExchangeRate.objects.count() == 3


def days_from_now(days: int) -> date:
    """A day by the clock of the database, which knows no other."""
    return timezone.now().date() + timedelta(days=days)


def test_database_refuses_a_rate_between_days_that_were_counted() -> None:
    a_rate("0.8", days_from_now(-30))
    to_come = a_rate("0.7", days_from_now(30))

    with refused_by("exchange_rate_begins_ahead"):
        a_rate("0.6", days_from_now(-2))
    with refused_by("exchange_rate_begins_ahead"):
        ExchangeRate.objects.filter(pk=to_come.pk).update(starts_on=days_from_now(-2))

    assert [*ExchangeRate.objects.order_by("starts_on").values_list("starts_on", "rate")] == [
        (days_from_now(-30), Decimal("0.8")),
        (days_from_now(30), Decimal("0.7")),
    ]


def test_database_takes_a_rate_from_today_one_before_the_first_and_one_of_other_currencies() -> None:
    a_rate("0.8", days_from_now(-30))

    for rate, day, currency in (("0.7", 0, "EUR"), ("0.9", -60, "EUR"), ("0.6", -2, "USD")):
        a_rate(rate, days_from_now(day), currency)

    assert ExchangeRate.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_of_two_first_rates_at_once_the_later_one_is_refused_if_it_comes_second() -> None:
    earlier, later = (partial(enter, "0.8", days_from_now(-days)) for days in (30, 9))

    results = race_in_order([earlier, later], held=lock_the_pair)

    assert [type(result) for result in results] == [ExchangeRate, RateInThePastError]
    assert ExchangeRate.objects.get().starts_on == days_from_now(-30)


def lock_the_pair() -> None:
    arrays.fetch("SELECT pg_advisory_xact_lock(hashtextextended('exchange_rate:EUR:GBP', 0))")


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
