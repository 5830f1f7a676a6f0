"""Points by hand: given or taken with a reason; above the program's limit a second person decides."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Abs

from accounts import approvals, audit, messages
from accounts.messages import Telling
from accounts.models import Approval, Employee, User
from loyalty import arrays
from loyalty.ledger import Book, InsufficientPointsError, LotDays, Owner, last_day
from loyalty.messages import POINTS_GIVEN, POINTS_TAKEN
from loyalty.models import Adjustment, Extension, Membership, Program, Transaction

__all__ = [
    "KIND",
    "MOST_POINTS",
    "Adjusted",
    "AdjustmentError",
    "InsufficientPointsError",
    "NoPointsError",
    "NotAMemberError",
    "ProgramClosedError",
    "adjust",
    "decide",
    "moved_alone",
    "open_book",
    "people_told",
    "require_open",
]

KIND = "points-by-hand"
"""The kind of `Approval` that waits for a second person."""

MOST_POINTS = 1_000_000_000
"""The most points that are given or taken at once; a slip of the key stays harmless."""

_AT_ONCE = timedelta(days=1)
"""What one person does to one company in so long counts together against the limit: halves would pass it unseen."""


class AdjustmentError(Exception):
    """Points that cannot be given or taken."""


class NoPointsError(AdjustmentError):
    """No points at all, or more than MOST_POINTS."""


class ProgramClosedError(AdjustmentError):
    """The program is not running, or the company does not take part at this moment."""


class NotAMemberError(AdjustmentError):
    """The person does not work in the company, or not any more."""


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
        locked = Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("program")
        membership = locked.get(pk=membership.pk)
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
        alone = moved_alone(membership, by=by, now=now) + abs(points)
        is_posted = alone <= membership.program.adjustment_limit
        if is_posted:
            _post(adjustment, by=by, now=now)
        else:
            _require_enough(adjustment, now)
            _ask(adjustment, now)
    return Adjusted(adjustment, is_posted)


def decide(*, adjustment_id: int, by: User, is_approved: bool, reason: str = "", now: datetime) -> Adjustment:
    """Post what waited, or refuse it with a reason; by anybody but the one who asked.

    Raises approvals.ApprovalError of the fitting kind, or what `adjust` raises where things have changed meanwhile;
    then nothing has changed.
    """
    with transaction.atomic():
        adjustment = Adjustment.objects.select_related("membership", "employee").get(pk=adjustment_id)
        if adjustment.approval_id is None:
            raise approvals.AlreadyDecidedError
        locked = Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("program")
        membership = locked.get(pk=adjustment.membership_id)
        approvals.decide(
            approval_id=adjustment.approval_id, by_user_id=by.pk, is_approved=is_approved, reason=reason, now=now
        )
        adjustment.membership = membership
        if is_approved:
            require_open(membership, adjustment.employee, now)
            _post(adjustment, by=by, now=now)
        else:
            adjustment.state = Adjustment.State.REJECTED
            adjustment.save(update_fields=["state"])
            _record("points-by-hand-refused", adjustment, by, now, reason=reason)
    return adjustment


def require_open(membership: Membership, employee: Employee | None, now: datetime) -> None:
    """Refuse where the program or the membership is not running, or the person is not of the company."""
    if not membership.program.is_active or not membership.holds_at(now):
        raise ProgramClosedError
    if employee is not None and (employee.company_id != membership.company_id or not employee.is_active):
        raise NotAMemberError


def moved_alone(membership: Membership, *, by: User, now: datetime) -> int:
    """Return the points that one person moved, or gave more time, alone in one company within a day before."""
    alone = Q(membership=membership, asked_by=by, approval__isnull=True, asked_at__gt=now - _AT_ONCE)
    by_hand = Adjustment.objects.filter(alone, opened_by__approval__isnull=True)
    moved: int = by_hand.aggregate(points=Sum(Abs("points")))["points"] or 0
    extended: int = Extension.objects.filter(alone).aggregate(points=Sum("points"))["points"] or 0
    return moved + extended


def _require_enough(adjustment: Adjustment, now: datetime) -> None:
    """Refuse to ask for what could not be posted even now."""
    if adjustment.points < 0:
        owner = _owner_of(adjustment)
        available = open_book(owner, adjustment.membership.program, actor_id=None, now=now).available(owner)
        if available < -adjustment.points:
            raise InsufficientPointsError(available=available, wanted=-adjustment.points)


def _ask(adjustment: Adjustment, now: datetime) -> None:
    [adjustment.pk] = arrays.draw_ids(loyalty_adjustment=1)["loyalty_adjustment"]
    adjustment.state = Adjustment.State.WAITING
    adjustment.approval = approvals.ask(
        kind=KIND,
        subject_id=adjustment.pk,
        audience=Approval.Audience.VENDOR,
        company_id=adjustment.membership.company_id,
        asked_by_id=adjustment.asked_by_id,
        points=adjustment.points,
        note=adjustment.reason,
        now=now,
    )
    adjustment.save(force_insert=True)
    _record("points-by-hand-asked", adjustment, adjustment.asked_by, now, reason=adjustment.reason)


def _post(adjustment: Adjustment, *, by: User, now: datetime) -> None:
    owner, program = _owner_of(adjustment), adjustment.membership.program
    book = open_book(owner, program, actor_id=by.pk, now=now)
    act = book.begin(Transaction.Kind.ADJUST, owner)
    if adjustment.points > 0:
        day = now.astimezone(program.zone).date()
        book.give(act, owner, adjustment.points, at=now, days=LotDays(day, last_day(program, day)))
    else:
        book.withdraw(act, owner, -adjustment.points, at=now)
    book.write()
    adjustment.state = Adjustment.State.POSTED
    adjustment.transaction_id = act.id
    adjustment.save()
    _record("points-by-hand", adjustment, by, now, reason=adjustment.reason)
    facts: dict[str, str | int] = {"points": abs(adjustment.points), "reason": adjustment.reason}
    tellings = [Telling(pk, act.id, facts) for pk in people_told(owner)]
    messages.tell(POINTS_GIVEN if adjustment.points > 0 else POINTS_TAKEN, tellings, now=now)


def people_told(owner: Owner) -> list[int]:
    """Return who is told of what was done to a wallet by hand: its person, or the company's admins."""
    people = Employee.objects.filter(company=owner.company_id, is_active=True, user__isnull=False)
    people = people.filter(pk=owner.employee_id) if owner.employee_id else people.filter(access=Employee.Access.ADMIN)
    return list(people.order_by("pk").values_list("pk", flat=True))


def _record(action: str, adjustment: Adjustment, by: User, now: datetime, *, reason: str) -> None:
    audit.record(
        action,
        adjustment,
        actor_id=by.pk,
        now=now,
        company_id=adjustment.membership.company_id,
        reason=reason,
        points=adjustment.points,
    )


def _owner_of(adjustment: Adjustment) -> Owner:
    membership = adjustment.membership
    return Owner(membership.program_id, membership.company_id, adjustment.employee_id)


def open_book(owner: Owner, program: Program, *, actor_id: int | None, now: datetime) -> Book:
    """Return the book of one owner's wallets, with all lots."""
    book = Book(now=now, programs=[program], actor_id=actor_id)
    book.open([owner], all_lots_of=[owner])
    return book
