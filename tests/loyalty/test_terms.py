"""Terms without a database: from when points count and up to which day, also where a program leaves a number open."""

from dataclasses import dataclass
from datetime import date

import pytest

from loyalty.ledger import LotDays, last_day, lot_days, waits
from loyalty.ledger.terms import idle_until

EARNED_ON = date(2026, 1, 31)


@dataclass
class Terms:
    """What a program says of its points."""

    release: str = "AT_ONCE"
    release_days: int | None = None
    expiry: str = "MONTHS"
    expiry_months: int | None = None
    expiry_years: int = 0
    expiry_month: int | None = None
    expiry_day: int | None = None


@pytest.mark.parametrize(
    ("terms", "available_on", "expires_on"),
    [
        (Terms(expiry_months=1), date(2026, 1, 31), date(2026, 2, 28)),
        (Terms(expiry="NEVER"), date(2026, 1, 31), None),
        (Terms("AFTER_DAYS", 30, expiry_months=1), date(2026, 3, 2), date(2026, 4, 2)),
        (Terms("AFTER_DAYS", None, expiry_months=1), date(2026, 1, 31), date(2026, 2, 28)),
        (Terms("CONFIRMED", expiry_months=1), None, None),
        (Terms("CONFIRMED", 30, expiry="YEAR_END"), None, None),
    ],
)
def test_points_last_from_the_day_they_become_available(
    terms: Terms, available_on: date | None, expires_on: date | None
) -> None:
    assert lot_days(terms, EARNED_ON) == (available_on, expires_on)


@pytest.mark.parametrize(
    ("release", "available_on", "is_waiting"),
    [
        ("AFTER_DAYS", date(2026, 2, 1), True),
        ("AFTER_DAYS", date(2026, 1, 31), False),
        ("AFTER_DAYS", date(2026, 1, 30), False),
        ("CONFIRMED", None, True),
        ("CONFIRMED", date(2026, 1, 31), False),
        ("AT_ONCE", date(2026, 2, 1), False),
        ("AT_ONCE", None, False),
    ],
)
def test_points_wait_up_to_their_day_or_until_they_are_confirmed(
    release: str, available_on: date | None, is_waiting: bool
) -> None:
    assert waits(Terms(release), LotDays(available_on, None), EARNED_ON) is is_waiting


@pytest.mark.parametrize(
    ("terms", "last"),
    [
        (Terms(expiry_months=None), date(2026, 1, 31)),
        (Terms(expiry_months=11), date(2026, 12, 31)),
        (Terms(expiry_months=12), date(2027, 1, 31)),
        (Terms(expiry_months=13), date(2027, 2, 28)),
        (Terms(expiry_months=25), date(2028, 2, 29)),
        (Terms(expiry="FIXED_DAY"), date(2027, 1, 1)),
        (Terms(expiry="FIXED_DAY", expiry_month=3), date(2026, 3, 1)),
        (Terms(expiry="FIXED_DAY", expiry_day=30), date(2027, 1, 30)),
        (Terms(expiry="FIXED_DAY", expiry_day=31, expiry_years=1), date(2027, 1, 31)),
        (Terms(expiry="YEAR_END", expiry_years=2), date(2028, 12, 31)),
        (Terms(expiry="INACTIVITY", expiry_months=1), None),
    ],
)
def test_last_day_follows_from_the_day_they_become_available(terms: Terms, last: date | None) -> None:
    assert last_day(terms, EARNED_ON) == last


@pytest.mark.parametrize(
    ("terms", "last"),
    [
        (Terms(expiry="INACTIVITY", expiry_months=1), date(2026, 2, 28)),
        (Terms(expiry="INACTIVITY"), date(2026, 1, 31)),
        (Terms(expiry="MONTHS", expiry_months=1), None),
    ],
)
def test_wallet_lasts_as_long_after_what_happened_in_it(terms: Terms, last: date | None) -> None:
    assert idle_until(terms, EARNED_ON) == last
