"""Being forgotten: asked for, withdrawn in time, and done when it is due.

Points and activities stay under the number of an employee without a name: a company's books must still add up.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts import audit, queues, subjects
from accounts.models import Employee, Erasure
from accounts.webhooks.people import announce_employee

QUEUE = "erasures"


class ErasingError(Exception):
    """A request that cannot be; `str()` is a code."""


class AlreadyAskedError(ErasingError):
    """The person has asked already, and is not erased yet."""


class AlreadyEndedError(ErasingError):
    """The request was carried out or withdrawn."""


class AlreadyErasedError(ErasingError):
    """There is nobody left to erase."""


def ask_to_erase(*, employee_id: int, by_user_id: int, now: datetime, reason: str = "") -> Erasure:
    """Write down that somebody is to be erased in ERASURE_DAYS days; raises AlreadyAskedError or AlreadyErasedError."""
    with transaction.atomic():
        employee = Employee.objects.select_for_update(no_key=True).get(pk=employee_id)
        if employee.erased_at is not None:
            raise AlreadyErasedError
        if Erasure.objects.filter(employee=employee, state=Erasure.State.WAITING).exists():
            raise AlreadyAskedError
        erasure = Erasure.objects.create(
            employee=employee,
            asked_by_id=by_user_id,
            asked_at=now,
            due_at=now + timedelta(days=settings.ERASURE_DAYS),
        )
        _record("erasure-asked", erasure, by_user_id, now, reason)
    return erasure


def withdraw_erasure(*, erasure_id: int, by_user_id: int, now: datetime) -> Erasure:
    """Let the person stay. Raises AlreadyEndedError."""
    with transaction.atomic():
        erasure = _waiting(erasure_id)
        _end(erasure, Erasure.State.WITHDRAWN, now)
        _record("erasure-withdrawn", erasure, by_user_id, now)
    return erasure


def erase_now(*, erasure_id: int, by_user_id: int | None, now: datetime) -> Erasure:
    """Erase a person who asked for it, before it is due. Raises AlreadyEndedError."""
    with transaction.atomic():
        erasure = _waiting(erasure_id)
        _erase(erasure, by_user_id, now)
    return erasure


def erase_due(now: datetime) -> int:
    """Erase one person whose day has come; return how many that were. What a queue does."""
    with transaction.atomic():
        erasure = (
            Erasure.objects.select_for_update(skip_locked=True)
            .filter(state=Erasure.State.WAITING, due_at__lte=now)
            .order_by("due_at", "pk")
            .first()
        )
        if erasure is None:
            return 0
        _erase(erasure, None, now)
    return 1


def queue() -> queues.Queue:
    """Return the queue of persons whose day has come."""
    return queues.Queue(QUEUE, erase_due)


def _erase(erasure: Erasure, by_user_id: int | None, now: datetime) -> None:
    employee = Employee.objects.select_for_update().get(pk=erasure.employee_id)
    for part in subjects.parts():
        part.erase(employee)
    Employee.objects.filter(pk=employee.pk).update(erased_at=now)
    employee.refresh_from_db()
    announce_employee(employee, now=now)
    _end(erasure, Erasure.State.DONE, now)
    _record("erased", erasure, by_user_id, now)


def _waiting(erasure_id: int) -> Erasure:
    erasure = Erasure.objects.select_for_update().get(pk=erasure_id)
    if erasure.state != Erasure.State.WAITING:
        raise AlreadyEndedError
    return erasure


def _end(erasure: Erasure, state: Erasure.State, now: datetime) -> None:
    erasure.state, erasure.ended_at = state, now
    erasure.save(update_fields=["state", "ended_at"])


def _record(action: str, erasure: Erasure, by_user_id: int | None, now: datetime, reason: str = "") -> None:
    audit.record(
        action,
        erasure,
        actor_id=by_user_id,
        now=now,
        company_id=erasure.employee.company_id,
        reason=reason,
        employee=erasure.employee_id,
    )


def days_to_think() -> int:
    """Return for how many days somebody may think again."""
    days: int = settings.ERASURE_DAYS
    return days
