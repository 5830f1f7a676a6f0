"""The books: each day of a program is closed by the postings that were made on it, and stays as it was closed.

A day is closed by the moment of recording: an activity that comes late, and a return that undoes an old one, are
movements of the day on which they were posted (docs/decisions/0033). The work grows with a day's postings, a page's
cost with neither.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction

from accounts import arrays
from loyalty.models import BookDay, CohortMonth, Program

GRACE = timedelta(hours=12)
"""So long after its end a day is closed: what was begun on it, a long import among it, has committed by then."""

_DAY = timedelta(days=1)

_COLUMN_OF = {
    "EARN": ("earned", 1),
    "RETURN": ("returned", -1),
    "REDEEM": ("spent", -1),
    "CANCEL": ("given_back", 1),
    "EXPIRE": ("expired", -1),
    "END": ("expired", -1),
    "ADJUST": ("by_hand", 1),
    "HAND_OVER": ("handed_over", -1),
}
"""For each kind of transaction the column that it counts in, and whether that adds to what is held."""


class BooksError(Exception):
    """Postings that no column counts: a kind of transaction moved points and is not known here."""


@dataclass(frozen=True, slots=True)
class Closing:
    """How a day closed, or, where `is_closed` is False, how it stands so far."""

    row: BookDay
    is_closed: bool


def close_books(*, now: datetime, since: date | None = None) -> int:
    """Close every day that is over in every program, from the first posting on; return how many days were closed.

    `since` closes again what was closed from that day on, from the postings. Safe to run twice; each program is a
    transaction of its own, under the lock of its row.
    """
    closed = 0
    for program_id in Program.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            program = Program.objects.select_for_update(no_key=True).get(pk=program_id)
            if since is not None:
                BookDay.objects.filter(program=program, day__gte=since).delete()
            closed += _close(program, now)
    return closed


def closing(program: Program, day: date, *, now: datetime) -> Closing:
    """Return how a day closed: 0 everywhere before the first posting; a day that is not closed yet is counted now.

    Counting reads the postings since the last closed day alone.
    """
    row = BookDay.objects.filter(program=program, day__lte=day).order_by("-day").first()
    if row is not None and row.day == day:
        return Closing(row, is_closed=True)
    last = BookDay.objects.filter(program=program).order_by("-day").first()
    if row is None and last is not None:
        return Closing(_nothing(program, day), is_closed=True)
    before = row
    for counted in _counted(program, before, until=day):
        before = counted
    return Closing(before or _nothing(program, day), is_closed=False)


def _close(program: Program, now: datetime) -> int:
    last = BookDay.objects.filter(program=program).order_by("-day").first()
    until = (now - GRACE).astimezone(program.zone).date() - _DAY
    days = list(_counted(program, last, until=until))
    BookDay.objects.bulk_create(days)
    if days:
        _count_cohorts(program, days[0].day.replace(day=1))
    return len(days)


def _counted(program: Program, last: BookDay | None, *, until: date) -> Iterator[BookDay]:
    """Yield each day after `last` (without one: from the first posting on) up to `until`, worked out from postings."""
    moved: dict[date, list[tuple[str, int, int, int]]] = {}
    beginning = _start_of(program, last.day + _DAY) if last else None
    rows = arrays.fetch(
        _MOVEMENTS, program.time_zone, program.pk, beginning, beginning, _start_of(program, until + _DAY)
    )
    for day, *movement in rows:
        moved.setdefault(day, []).append(tuple(movement))
    if last is None and not moved:
        return
    day = last.day + _DAY if last else min(moved)
    while day <= until:
        last = _next(program, day, last, moved.get(day, []))
        yield last
        day += _DAY


def _next(program: Program, day: date, last: BookDay | None, moved: list[tuple[str, int, int, int]]) -> BookDay:
    row = _nothing(program, day)
    if last is not None:
        row.opening, row.available, row.waiting, row.debt = last.closing, last.available, last.waiting, last.debt
    for kind, available, waiting, debt in moved:
        row.available += available
        row.waiting += waiting
        row.debt += debt
        held = available + waiting + debt
        if kind in _COLUMN_OF:
            column, sign = _COLUMN_OF[kind]
            setattr(row, column, getattr(row, column) + sign * held)
        elif held:
            raise BooksError(kind)
    return row


def _nothing(program: Program, day: date) -> BookDay:
    return BookDay(program=program, day=day, opening=0, available=0, waiting=0, debt=0)


def _count_cohorts(program: Program, month: date) -> None:
    """Write anew how points went from `month` on."""
    beginning = _start_of(program, month)
    rows = arrays.fetch(_COHORTS, program.time_zone, program.pk, beginning)
    rows += arrays.fetch(_TAKEN_BACK, program.time_zone, program.time_zone, program.pk, beginning)
    CohortMonth.objects.filter(program=program, month__gte=month).delete()
    CohortMonth.objects.bulk_create(
        [
            CohortMonth(
                program=program, cohort=cohort, month=went_in, used=used, expired=expired, expired_in=expired_in
            )
            for cohort, went_in, used, expired, expired_in in rows
        ]
    )


def _start_of(program: Program, day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=program.zone)


_MOVEMENTS = """
    SELECT day, kind, sum(available)::bigint, sum(waiting)::bigint, sum(debt)::bigint FROM (
        SELECT (p.created_at AT TIME ZONE %s)::date AS day, t.kind AS kind,
               p.points * ((c.kind = 'AVAILABLE')::int - (d.kind = 'AVAILABLE')::int) AS available,
               p.points * ((c.kind = 'PENDING')::int - (d.kind = 'PENDING')::int) AS waiting,
               p.points * ((c.kind = 'DEBT')::int - (d.kind = 'DEBT')::int) AS debt
        FROM loyalty_posting p
        JOIN loyalty_wallet d ON d.id = p.debit_wallet_id JOIN loyalty_wallet c ON c.id = p.credit_wallet_id
        JOIN loyalty_transaction t ON t.id = p.transaction_id
        WHERE d.program_id = %s AND (%s::timestamptz IS NULL OR p.created_at >= %s) AND p.created_at < %s) AS moved
    GROUP BY day, kind ORDER BY day, kind"""

_COHORTS = """
    SELECT cohort, month, coalesce(sum(points) FILTER (WHERE NOT is_lost), 0)::bigint,
           coalesce(sum(points) FILTER (WHERE is_lost), 0)::bigint, NULL
    FROM (
        SELECT date_trunc('month', l.available_on)::date AS cohort,
               date_trunc('month', p.created_at AT TIME ZONE %s)::date AS month,
               u.points AS points, c.kind = 'EXPIRED' AS is_lost
        FROM loyalty_posting p JOIN loyalty_lotuse u ON u.posting_id = p.id
        JOIN loyalty_lot l ON l.id = u.lot_id
        JOIN loyalty_wallet w ON w.id = l.wallet_id AND w.kind = 'AVAILABLE'
        JOIN loyalty_wallet c ON c.id = p.credit_wallet_id
        JOIN loyalty_transaction t ON t.id = p.transaction_id AND t.kind <> 'TRANSFER'
        WHERE w.program_id = %s AND p.created_at >= %s) AS went
    GROUP BY cohort, month"""

# Points that a return took out of what had expired, by the month in which their lot last lost any before that.
_TAKEN_BACK = """
    SELECT date_trunc('month', l.available_on)::date AS cohort,
           date_trunc('month', p.created_at AT TIME ZONE %s)::date AS month, 0, -sum(p.points)::bigint,
           date_trunc('month', lost.created_at AT TIME ZONE %s)::date AS expired_in
    FROM loyalty_posting p
    JOIN loyalty_wallet w ON w.id = p.debit_wallet_id AND w.kind = 'EXPIRED'
    JOIN loyalty_lot l ON l.id = p.lot_id
    CROSS JOIN LATERAL (
        SELECT e.created_at FROM loyalty_posting e JOIN loyalty_lotuse u ON u.posting_id = e.id AND u.lot_id = l.id
        WHERE e.credit_wallet_id = p.debit_wallet_id AND e.id < p.id ORDER BY e.id DESC LIMIT 1) AS lost
    WHERE w.program_id = %s AND p.created_at >= %s
    GROUP BY cohort, month, expired_in"""
