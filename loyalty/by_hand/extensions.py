"""More time for points that are about to expire, by hand, with a reason; above the program's limit two decide."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts import messages
from accounts.messages import Telling
from accounts.models import Employee, User
from loyalty.by_hand.requests import (
    ByHandError,
    decided,
    locked,
    needs_second_person,
    open_book,
    owner_of,
    people_told,
    record,
    require_open,
    wait,
)
from loyalty.ledger import Book, LotEntry
from loyalty.messages import POINTS_EXTENDED
from loyalty.models import ExtendedLot, Extension, Membership

KIND = "more-time-for-points"
"""The kind of `Approval` that waits for a second person."""

_ACTION = "more-time"

LONGEST = timedelta(days=3_660)
"""How far ahead a new last day may lie; a slip of the key stays harmless."""


class ExtensionError(ByHandError):
    """Points that cannot get more time."""


class NoTimeGivenError(ExtensionError):
    """The days make no sense: the first is over, or the new one is not later, or lies too far ahead."""


class NothingExpiresError(ExtensionError):
    """No points expire by that day."""


class MorePointsError(ExtensionError):
    """More points expire by that day than were agreed to: what came since needs a word of its own."""

    def __init__(self, *, points: int, agreed: int) -> None:
        super().__init__(f"{points} points expire, {agreed} were agreed to")
        self.points = points
        self.agreed = agreed


@dataclass(frozen=True, slots=True)
class Extended:
    """What was asked, and whether it holds (else it waits for a second person)."""

    extension: Extension
    is_posted: bool


def extend(
    *, membership: Membership, employee: Employee | None, until: date, to: date, reason: str, by: User, now: datetime
) -> Extended:
    """Let points whose last day lies between today and `until` last up to `to`; of the company, or one of its people.

    Where the program ends wallets by idleness, the wallet lasts up to `to`. Points count against the program's limit as
    those given by hand do: above it nothing changes yet, and somebody else is asked. Raises a ByHandError of the
    fitting kind; then nothing has changed.
    """
    with transaction.atomic():
        membership = locked(membership.pk)
        require_open(membership, employee, now)
        today = now.astimezone(membership.program.zone).date()
        if not today <= until < to <= today + LONGEST:
            raise NoTimeGivenError
        extension = Extension(
            membership=membership, employee=employee, until=until, to=to, reason=reason, asked_by=by, asked_at=now
        )
        book, lots, extension.points = _found(extension, now=now)
        is_posted = not needs_second_person(extension, now=now)
        if is_posted:
            _post(extension, book, lots, by=by, now=now)
        else:
            wait(extension, kind=KIND, action=_ACTION, now=now)
            book.write()
    return Extended(extension, is_posted)


def decide(*, extension_id: int, by: User, is_approved: bool, reason: str = "", now: datetime) -> Extension:
    """Give the time that was asked for, or refuse it with a reason; by anybody but the one who asked.

    Raises approvals.ApprovalError of the fitting kind, or what `extend` raises where things have changed meanwhile,
    MorePointsError among it; then nothing has changed.
    """
    with transaction.atomic():
        extension = Extension.objects.select_related("employee").get(pk=extension_id)
        extension = decided(extension, action=_ACTION, by=by, is_approved=is_approved, reason=reason, now=now)
        if is_approved:
            book, lots, points = _found(extension, now=now)
            if points > extension.points:
                raise MorePointsError(points=points, agreed=extension.points)
            extension.points = points
            _post(extension, book, lots, by=by, now=now)
    return extension


def _found(extension: Extension, *, now: datetime) -> tuple[Book, list[LotEntry], int]:
    """The owner's book under lock, the lots that end in time, and how many points that is, with the whole wallet's."""
    owner = owner_of(extension)
    book = open_book(owner, extension.membership.program, now=now)
    lots = book.ending(owner, until=extension.until)
    points = book.wallet_ends(owner, until=extension.until) or sum(lot.remaining for lot in lots)
    if not points:
        raise NothingExpiresError
    return book, lots, points


def _post(extension: Extension, book: Book, lots: list[LotEntry], *, by: User, now: datetime) -> None:
    owner = owner_of(extension)
    before = [(lot.id, lot.remaining, lot.last_day) for lot in lots]
    for lot in lots:
        lot.extend(extension.to)
    if book.wallet_ends(owner, until=extension.until):
        book.extend_wallet(owner, to=extension.to)
    book.write()
    extension.state = Extension.State.POSTED
    extension.save()
    ExtendedLot.objects.bulk_create(
        ExtendedLot(
            extension=extension,
            lot_id=lot_id,
            points=points,
            last_day_before=last_day,
            last_day=extension.to,
        )
        for lot_id, points, last_day in before
        if lot_id is not None and last_day is not None  # as all lots that were read have
    )
    record(_ACTION, extension, by, now, reason=extension.reason)
    facts: dict[str, str | int] = {
        "points": extension.points,
        "day": extension.to.isoformat(),
        "reason": extension.reason,
    }
    messages.tell(POINTS_EXTENDED, [Telling(pk, extension.pk, facts) for pk in people_told(owner)], now=now)
