"""Waiting: when a delivery that failed is due again, and what an endpoint's own `Retry-After` has to say in that."""

from datetime import UTC, datetime, timedelta

from django.utils.http import parse_http_date_safe

DELAYS = tuple(
    timedelta(seconds=seconds)
    for seconds in (10, 60, 300, 1_800, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 20 * 3_600)
)
"""How long after each failed try the next one is due: eleven tries in just under three days."""

LONGEST_ASKED = timedelta(days=1)
"""An endpoint may ask to be left alone for so long."""

LAST_CALL = timedelta(hours=1)
"""So long before a delivery is given up it is tried once more, however long its endpoint asked to be left alone."""

_MOST_DIGITS = 9


def due_again(*, tries: int, asked_until: datetime | None, now: datetime) -> datetime:
    """Return when a delivery that failed at its try number `tries` is due: after our delay, or later if asked to."""
    after_our_delay = now + DELAYS[tries - 1]
    return max(after_our_delay, asked_until or after_our_delay)


def asked_until(retry_after: str, *, at: datetime, give_up_at: datetime) -> datetime | None:
    """Return until when the header of an answer that came `at` asks to wait, as far as we do; None if it does not.

    RFC 9110, 10.2.3: whole seconds, or a date. What is neither is passed over.
    """
    asked = _seconds_after(retry_after, at) if retry_after.isdecimal() else _date(retry_after)
    if asked is None:
        return None
    until = min(asked, at + LONGEST_ASKED, give_up_at - LAST_CALL)
    return until if until > at else None


def _seconds_after(digits: str, at: datetime) -> datetime:
    is_beyond_all = len(digits) > _MOST_DIGITS
    return at + (LONGEST_ASKED if is_beyond_all else timedelta(seconds=int(digits)))


def _date(text: str) -> datetime | None:
    seconds = parse_http_date_safe(text)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
