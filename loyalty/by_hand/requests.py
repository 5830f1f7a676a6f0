"""What all that is done to points by hand shares: who may ask, what counts together, the second person, the record."""

from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Q, Sum
from django.db.models.functions import Abs

from accounts import approvals, arrays, audit, request_mail
from accounts.models import Approval, Employee, User
from loyalty.ledger import Book, Owner
from loyalty.models import Adjustment, Extension, Membership, Program

MOST_POINTS = 1_000_000_000
"""The most points that are given or taken at once; a slip of the key stays harmless."""

AT_ONCE = timedelta(days=1)
"""What one person does to one company in so long counts together against the limit: halves would pass it unseen."""


class ByHandError(Exception):
    """Points that cannot be given, taken or extended by hand."""


class NoPointsError(ByHandError):
    """No points at all, or more than MOST_POINTS."""


class ProgramClosedError(ByHandError):
    """The program is not running, or is over, or the company does not take part at this moment."""


class NotAMemberError(ByHandError):
    """The person does not work in the company, or not any more."""


Asked = Adjustment | Extension
"""What is asked for by hand: a row that says whose points, how many, why, by whom, and who agreed."""

A = TypeVar("A", Adjustment, Extension)


def locked(membership_id: int) -> Membership:
    """Return a membership with its program, under lock."""
    rows = Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("program")
    return rows.get(pk=membership_id)


def require_open(membership: Membership, employee: Employee | None, now: datetime) -> None:
    """Refuse where the program or the membership is not running, or the person is not of the company."""
    if not is_open(membership.program, now) or not membership.holds_at(now):
        raise ProgramClosedError
    if employee is not None and (employee.company_id != membership.company_id or not employee.is_active):
        raise NotAMemberError


def is_open(program: Program, now: datetime) -> bool:
    """Whether points are given and taken by hand in a program: it runs, and its last day to spend is not over."""
    return program.is_active and program.spends_on(now.astimezone(program.zone).date())


def needs_second_person(asked: Asked, *, now: datetime) -> bool:
    """Whether so many points wait for somebody else, with what whoever asks has moved alone in the company."""
    alone = moved_alone(asked.membership, by=asked.asked_by, now=now) + abs(asked.points)
    return alone > asked.membership.program.adjustment_limit


def moved_alone(membership: Membership, *, by: User, now: datetime) -> int:
    """Return the points that one person moved, or gave more time, alone in one company within a day before."""
    return _moved(Q(membership=membership), by.pk, now)


def moved_alone_in(program: Program, *, by_user_id: int, but_batch: int, now: datetime) -> int:
    """Return the points that one person moved alone anywhere in a program within a day before, without one batch."""
    return _moved(Q(membership__program=program), by_user_id, now, but_batch=but_batch)


def _moved(where: Q, by_user_id: int, now: datetime, *, but_batch: int | None = None) -> int:
    alone = where & Q(asked_by=by_user_id, approval__isnull=True, asked_at__gt=now - AT_ONCE)
    by_hand = Adjustment.objects.filter(alone, opened_by__approval__isnull=True, batch__approval__isnull=True)
    if but_batch is not None:
        by_hand = by_hand.filter(Q(batch__isnull=True) | ~Q(batch=but_batch))
    moved: int = by_hand.aggregate(points=Sum(Abs("points")))["points"] or 0
    extended: int = Extension.objects.filter(alone).aggregate(points=Sum("points"))["points"] or 0
    return moved + extended


def wait(asked: Asked, *, kind: str, action: str, now: datetime) -> None:
    """Write down that a request waits for a second person, who finds it in the queue; nothing else changes yet.

    `action` is what the record calls it.
    """
    table = asked._meta.db_table
    [asked.pk] = arrays.draw_ids(**{table: 1})[table]
    asked.state = asked.State.WAITING
    asked.approval = approvals.ask(
        kind=kind,
        subject_id=asked.pk,
        audience=Approval.Audience.VENDOR,
        company_id=asked.membership.company_id,
        asked_by_id=asked.asked_by_id,
        points=asked.points,
        note=asked.reason,
        now=now,
    )
    asked.save(force_insert=True)
    record(f"{action}-asked", asked, asked.asked_by, now, reason=asked.reason)
    request_mail.tell_approvers(asked.approval, about=asked.membership.company.name, now=now)


def decided(asked: A, *, action: str, by: User, is_approved: bool, reason: str, now: datetime) -> A:
    """Take the decision of a second person about a request, its membership under lock; a no is written down here.

    What a yes does is left to whoever calls, in the same transaction. Raises approvals.ApprovalError of the fitting
    kind, or, before a yes, what `require_open` raises; then nothing has changed.
    """
    if asked.approval_id is None:
        raise approvals.AlreadyDecidedError
    asked.membership = locked(asked.membership_id)
    request = approvals.decide(
        approval_id=asked.approval_id, by_user_id=by.pk, is_approved=is_approved, reason=reason, now=now
    )
    request_mail.tell_asker(request, about=asked.membership.company.name, by=by, now=now)
    if is_approved:
        require_open(asked.membership, asked.employee, now)
    else:
        asked.state = asked.State.REJECTED
        asked.save(update_fields=["state"])
        record(f"{action}-refused", asked, by, now, reason=reason)
    return asked


def record(action: str, asked: Asked, by: User, now: datetime, *, reason: str, **facts: str) -> None:
    """Put on record what was asked, done or refused (law A1)."""
    if isinstance(asked, Extension):
        facts["to"] = asked.to.isoformat()
    audit.record(
        action,
        asked,
        actor_id=by.pk,
        now=now,
        company_id=asked.membership.company_id,
        reason=reason,
        points=asked.points,
        **facts,
    )


def people_told(owner: Owner) -> list[int]:
    """Return who is told of what was done to a wallet by hand: its person, or the company's admins."""
    people = Employee.objects.filter(company=owner.company_id, is_active=True, user__isnull=False)
    people = people.filter(pk=owner.employee_id) if owner.employee_id else people.filter(access=Employee.Access.ADMIN)
    return list(people.order_by("pk").values_list("pk", flat=True))


def owner_of(asked: Asked) -> Owner:
    """Return whose points a request is about."""
    return Owner(asked.membership.program_id, asked.membership.company_id, asked.employee_id)


def open_book(owner: Owner, program: Program, *, now: datetime) -> Book:
    """Return the book of one owner's wallets, with all lots."""
    book = Book(now=now, programs=[program])
    book.open([owner], all_lots_of=[owner])
    return book
