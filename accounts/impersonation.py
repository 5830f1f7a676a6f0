"""See as a client: the vendor looks through an employee's eyes for a while; nothing changes, it is on record (A1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import QuerySet

from accounts import audit
from accounts.actors import Actor, actor_of_employee, as_actors
from accounts.models import Employee, User

LIMIT_MINUTES = 30
LIMIT = timedelta(minutes=LIMIT_MINUTES)


class NothingToSeeError(Exception):
    """The person left, or the login is switched off: they see nothing, and so would whoever looks as them."""


class LookOverError(Exception):
    """A look that was begun holds no longer: the person, the portfolio or the user behind it is another."""


class TimeIsUpError(LookOverError):
    """A look has lasted its LIMIT."""


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody of the vendor looking through an employee's eyes; `came_from` is the address to go back to."""

    actor: Actor
    name: str
    started_at: datetime
    entry_id: int
    came_from: str

    @property
    def until(self) -> datetime:
        """When it ends by itself."""
        return self.started_at + LIMIT

    @property
    def minutes_left(self) -> int:
        """Minutes that were left at `actor.at`, the last one begun included."""
        return ceil((self.until - self.actor.at) / timedelta(minutes=1))

    def kept(self) -> dict[str, Any]:
        """What a session keeps of it, for `resume`."""
        return {
            "employee": self.actor.employee_id,
            "user": self.actor.seen_by_user_id,
            "started_at": self.started_at.isoformat(),
            "entry": self.entry_id,
            "came_from": self.came_from,
        }


def people_to_see_as(user: User, own: Actor) -> QuerySet[Employee]:
    """Return the people whom `user`, who is `own`, may see as: a manager all, an account manager the portfolio's."""
    people = as_actors(Employee.objects.visible_to(own)).select_related("user")
    if own.is_manager:
        return people if user.has_perm("accounts.view_employee") else people.none()
    return people if own.is_account_manager else people.none()


def can_be_seen_as(employee: Employee) -> bool:
    """Whether the person sees anything: works there still, and has no login or one that works."""
    return employee.is_active and (employee.user is None or employee.user.is_active)


def start(*, employee: Employee, by_user_id: int, reason: str, came_from: str, now: datetime) -> Look:
    """Begin to see as `employee`, one of `people_to_see_as`, for LIMIT at most, and put it on record.

    Raises NothingToSeeError; then nothing has changed.
    """
    if not can_be_seen_as(employee):
        raise NothingToSeeError
    entry = audit.record(
        "seen-as-started",
        employee,
        actor_id=by_user_id,
        now=now,
        company_id=employee.company_id,
        reason=reason,
        minutes=LIMIT_MINUTES,
    )
    actor = actor_of_employee(employee, now=now, seen_by_user_id=by_user_id)
    return Look(actor, employee.name, now, entry.pk, came_from)


def stop(look: Look, *, now: datetime) -> None:
    """Put on record that a look has ended before its time; one that runs out leaves its start and its minutes."""
    employee = Employee.objects.get(pk=look.actor.employee_id)
    audit.record(
        "seen-as-stopped",
        employee,
        actor_id=look.actor.seen_by_user_id,
        now=now,
        company_id=employee.company_id,
        started=look.entry_id,
    )


def resume(kept: Mapping[str, Any], *, user: User, own: Actor, now: datetime) -> Look:
    """Return the look that a session of `user` has kept, as of `now`.

    Everything that let it begin is asked again. Raises TimeIsUpError or another LookOverError.
    """
    started_at = datetime.fromisoformat(kept["started_at"])
    if kept["user"] != user.pk:
        raise LookOverError
    if now >= started_at + LIMIT:
        raise TimeIsUpError
    employee = people_to_see_as(user, own).filter(pk=kept["employee"]).first()
    if employee is None or not can_be_seen_as(employee):
        raise LookOverError
    actor = actor_of_employee(employee, now=now, seen_by_user_id=user.pk)
    return Look(actor, employee.name, started_at, kept["entry"], kept["came_from"])
