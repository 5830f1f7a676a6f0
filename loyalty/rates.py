"""Exchange rates: which one holds on a day, and how a new one comes in without touching what was counted."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from operator import itemgetter

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import arrays
from loyalty.models import ExchangeRate

Rates = Mapping[tuple[str, str], Sequence[tuple[date, Decimal]]]
"""By the two currencies: from which day which rate, in that order."""

_MONEY = Decimal("0.0001")


class RateInThePastError(Exception):
    """A rate would begin on a day whose activities were counted by another one."""


def read_rates() -> Rates:
    """Return all exchange rates; one query."""
    rates: dict[tuple[str, str], list[tuple[date, Decimal]]] = {}
    for row in ExchangeRate.objects.order_by("starts_on"):
        rates.setdefault((row.currency, row.into), []).append((row.starts_on, _plain(row.rate)))
    return rates


def rate_on(rates: Rates, *, currency: str, into: str, day: date) -> Decimal | None:
    """Return what 1 of `currency` is worth in `into` on a day; None where no rate had begun."""
    if currency == into:
        return Decimal(1)
    known = rates.get((currency, into), ())
    place = bisect_right(known, day, key=itemgetter(0))
    return known[place - 1][1] if place else None


def converted(amount: Decimal, rate: Decimal) -> Decimal:
    """Return money at a rate, to four decimals as activities keep it."""
    return _plain((amount * rate).quantize(_MONEY, ROUND_HALF_EVEN))


def _plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros, which evaluations would keep."""
    return Decimal(f"{value.normalize():f}")


def enter_rate(*, currency: str, into: str, rate: Decimal, starts_on: date, now: datetime) -> ExchangeRate:
    """Write down a rate from a day on: today (UTC) or later, or before the first one that is known of the two.

    Before that no activity could be counted, so nothing was. Raises RateInThePastError, or IntegrityError where there
    is one from that day; then nothing has changed.
    """
    with transaction.atomic():
        # The lock that the table's trigger takes, before the first read: of two at once, the second sees the first.
        arrays.fetch("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", f"exchange_rate:{currency}:{into}")
        first = ExchangeRate.objects.filter(currency=currency, into=into).order_by("starts_on").first()
        if starts_on < now.date() and first is not None and first.starts_on <= starts_on:
            raise RateInThePastError(
                _(
                    "What was bought since %(day)s has been counted by the rate of then, and stays so. "
                    "Let the new rate begin today or later."
                )
                % {"day": starts_on.isoformat()}
            )
        return ExchangeRate.objects.create(currency=currency, into=into, rate=rate, starts_on=starts_on)
