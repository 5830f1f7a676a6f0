"""Follow-ups: what an account manager owes a client by a day; kept, moved with a reason, or dropped with one."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.models import Company, FollowUp, FollowUpMove, ServiceNote

FURTHEST_DAYS = 2 * 366
"""Nobody promises for later than two years from now: a day beyond is a slip of the key."""


class FollowUpClosedError(Exception):
    """The follow-up is done or dropped already; `follow_up` says since when and by whom."""

    def __init__(self, follow_up: FollowUp) -> None:
        super().__init__(f"follow-up {follow_up.pk} is {follow_up.state}")
        self.follow_up = follow_up


class DayRefusedError(Exception):
    """A day that a follow-up cannot be due on: over, too far ahead, or the one it is due on anyway."""


class DayOverError(DayRefusedError):
    """The day lies before today."""


class DayTooFarError(DayRefusedError):
    """The day lies more than FURTHEST_DAYS ahead."""


class SameDayError(DayRefusedError):
    """The follow-up is due on that day already."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised with a note: its words and the day it is due."""

    text: str
    due_on: date
    made_at: datetime
    kind: str = FollowUp.Kind.PROMISE


def check_day(day: date, *, today: date) -> None:
    """Raise DayOverError or DayTooFarError where nothing can be due on `day`, seen from `today`."""
    if day < today:
        raise DayOverError
    if day > today + timedelta(days=FURTHEST_DAYS):
        raise DayTooFarError


def promise(
    promised: Promise,
    *,
    company: Company,
    by_user_id: int,
    visibility: str = ServiceNote.Visibility.INTERNAL,
    note: ServiceNote | None = None,
) -> FollowUp:
    """Write down what `company` is owed; `note` is where it was said."""
    return FollowUp.objects.create(
        company=company,
        note=note,
        kind=promised.kind,
        text=promised.text,
        visibility=visibility,
        due_on=promised.due_on,
        created_by_id=by_user_id,
        created_at=promised.made_at,
    )


def finish(*, follow_up_id: int, by_user_id: int, now: datetime, outcome: str = "") -> FollowUp:
    """Close a follow-up as done; `outcome` says what came of it. Raises FollowUpClosedError."""
    return _close(follow_up_id, FollowUp.State.DONE, by_user_id, outcome, now)


def drop(*, follow_up_id: int, by_user_id: int, reason: str, now: datetime) -> FollowUp:
    """Close a follow-up that will not be done, and say why. Raises FollowUpClosedError."""
    return _close(follow_up_id, FollowUp.State.DROPPED, by_user_id, reason, now)


def move(*, follow_up_id: int, to_on: date, reason: str, by_user_id: int, today: date, now: datetime) -> FollowUpMove:
    """Make a follow-up due on another day, and keep the day it was due on and why.

    `today` is the day it is where the account manager is. Raises FollowUpClosedError or a DayRefusedError; then
    nothing has changed.
    """
    check_day(to_on, today=today)
    with transaction.atomic():
        follow_up = _open_one(follow_up_id)
        if follow_up.due_on == to_on:
            raise SameDayError
        moved = FollowUpMove.objects.create(
            follow_up=follow_up,
            from_on=follow_up.due_on,
            to_on=to_on,
            reason=reason,
            moved_by_id=by_user_id,
            moved_at=now,
        )
        follow_up.due_on = to_on
        follow_up.save(update_fields=["due_on"])
    return moved


def _close(follow_up_id: int, state: FollowUp.State, by_user_id: int, outcome: str, now: datetime) -> FollowUp:
    with transaction.atomic():
        follow_up = _open_one(follow_up_id)
        follow_up.state, follow_up.closed_by_id, follow_up.closed_at = state, by_user_id, now
        follow_up.outcome = outcome
        follow_up.save(update_fields=["state", "closed_by", "closed_at", "outcome"])
    return follow_up


def _open_one(follow_up_id: int) -> FollowUp:
    """Lock a follow-up that is open; two windows that close it one after the other must not both count."""
    follow_up = FollowUp.objects.select_for_update(of=["self"]).select_related("closed_by").get(pk=follow_up_id)
    if follow_up.state != FollowUp.State.OPEN:
        raise FollowUpClosedError(follow_up)
    return follow_up
