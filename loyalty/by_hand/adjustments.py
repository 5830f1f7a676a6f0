"""Points by hand: given or taken with a reason; above the program's limit a second person decides."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts import messages
from accounts.messages import Telling
from accounts.models import Employee, User
from loyalty.by_hand.requests import (
    MOST_POINTS,
    NoPointsError,
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
from loyalty.ledger import InsufficientPointsError, LotDays, last_day
from loyalty.messages import POINTS_GIVEN, POINTS_TAKEN
from loyalty.models import Adjustment, Membership, Transaction

KIND = "points-by-hand"
"""The kind of `Approval` that waits for a second person."""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What was asked, and whether it is posted (else it waits for a second person)."""

    adjustment: Adjustment
    is_posted: bool


def adjust(
    *,
    membership: Membership,
    employee: Employee | None,
    points: int,
    reason_code: str,
    reason: str,
    by: User,
    now: datetime,
) -> Adjusted:
    """Give (positive) or take (negative) points of a company's wallet, or of one of its people's.

    Above the program's limit nothing moves yet: an approval by somebody else is asked for. Raises NoPointsError,
    ProgramClosedError, NotAMemberError or InsufficientPointsError; then nothing has changed.
    """
    if not 1 <= abs(points) <= MOST_POINTS:
        raise NoPointsError
    with transaction.atomic():
        membership = locked(membership.pk)
        require_open(membership, employee, now)
        adjustment = Adjustment(
            membership=membership,
            employee=employee,
            points=points,
            reason_code=reason_code,
            reason=reason,
            asked_by=by,
            asked_at=now,
        )
        is_posted = not needs_second_person(adjustment, now=now)
        if is_posted:
            _post(adjustment, by=by, now=now)
        else:
            _require_enough(adjustment, now)
            wait(adjustment, kind=KIND, action=KIND, now=now)
    return Adjusted(adjustment, is_posted)


def decide(*, adjustment_id: int, by: User, is_approved: bool, reason: str = "", now: datetime) -> Adjustment:
    """Post what waited, or refuse it with a reason; by anybody but the one who asked.

    Raises approvals.ApprovalError of the fitting kind, or what `adjust` raises where things have changed meanwhile;
    then nothing has changed.
    """
    with transaction.atomic():
        adjustment = Adjustment.objects.select_related("employee").get(pk=adjustment_id)
        adjustment = decided(adjustment, action=KIND, by=by, is_approved=is_approved, reason=reason, now=now)
        if is_approved:
            _post(adjustment, by=by, now=now)
    return adjustment


def _require_enough(adjustment: Adjustment, now: datetime) -> None:
    """Refuse to ask for what could not be posted even now."""
    if adjustment.points < 0:
        owner = owner_of(adjustment)
        available = open_book(owner, adjustment.membership.program, now=now).available(owner)
        if available < -adjustment.points:
            raise InsufficientPointsError(available=available, wanted=-adjustment.points)


def _post(adjustment: Adjustment, *, by: User, now: datetime) -> None:
    owner, program = owner_of(adjustment), adjustment.membership.program
    book = open_book(owner, program, now=now)
    act = book.begin(Transaction.Kind.ADJUST, owner, actor_id=by.pk)
    if adjustment.points > 0:
        day = now.astimezone(program.zone).date()
        book.give(act, owner, adjustment.points, at=now, days=LotDays(day, last_day(program, day)))
    else:
        book.withdraw(act, owner, -adjustment.points, at=now)
    book.write()
    adjustment.state = Adjustment.State.POSTED
    adjustment.transaction_id = act.id
    adjustment.save()
    record(KIND, adjustment, by, now, reason=adjustment.reason)
    facts: dict[str, str | int] = {"points": abs(adjustment.points), "reason": adjustment.reason}
    tellings = [Telling(pk, act.id, facts) for pk in people_told(owner)]
    messages.tell(POINTS_GIVEN if adjustment.points > 0 else POINTS_TAKEN, tellings, now=now)
