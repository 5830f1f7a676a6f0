"""Who decides for a company: its admins, those who decide, and whoever stands in while one of them is away."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts import audit, messages
from accounts.actors import Actor
from accounts.messages import MessageKind, Telling
from accounts.models import Delegation, Employee
from accounts.models.employees import EmployeeQuerySet

STANDS_IN = MessageKind(
    "stands-in",
    _("{person} asks you to decide in their place while they are away"),
    "company-approvals",
    names_subject=False,
)


class DelegationError(Exception):
    """A stand-in that cannot be."""


class NotADeciderError(DelegationError):
    """The actor decides nothing for the company, so nobody can stand in for them."""


class NoSuchColleagueError(DelegationError):
    """Nobody who works in the company and signs in, or the actor's own self."""


class NoTimeError(DelegationError):
    """A time that ends before it starts, or is over."""


class SomebodyStandsInError(DelegationError):
    """Somebody stands in for the actor already in a part of this time; `delegation` says who."""

    def __init__(self, delegation: Delegation) -> None:
        super().__init__(f"{delegation.delegate} stands in")
        self.delegation = delegation


class DelegationOverError(DelegationError):
    """The delegation is over."""


def deciders_of(company_id: int, *, now: datetime) -> EmployeeQuerySet:
    """Return who decides for a company at `now`: people who sign in and are an admin, decide, or stand in for one."""
    of_their_own = Q(access=Employee.Access.ADMIN) | Q(buying_role=Employee.BuyingRole.DECIDES)
    places = Delegation.objects.in_force(now).filter(
        Q(employee__access=Employee.Access.ADMIN) | Q(employee__buying_role=Employee.BuyingRole.DECIDES),
        company_id=company_id,
        delegate=OuterRef("pk"),
        employee__is_active=True,
    )
    return colleagues_of(company_id).filter(of_their_own | Exists(places))


def colleagues_of(company_id: int) -> EmployeeQuerySet:
    """Return the people who work in a company and sign in."""
    return Employee.objects.filter(company_id=company_id, is_active=True, user__is_active=True)


def decides_for_company(actor: Actor) -> bool:
    """Whether the actor decides for the own company at this moment; no query for admins and those who decide."""
    if not actor.is_employee:
        return False
    return actor.sees_company or deciders_of(actor.company_id, now=actor.at).filter(pk=actor.employee_id).exists()


def delegate(
    *, actor: Actor, to_employee_id: int, starts_at: datetime, ends_at: datetime | None, now: datetime
) -> Delegation:
    """Let a colleague decide in the actor's place; a time that began before `now` begins now. The colleague is told.

    Raises NotADeciderError, NoSuchColleagueError, NoTimeError or SomebodyStandsInError; then nothing has changed.
    """
    if not actor.sees_company:
        raise NotADeciderError
    starts_at = max(starts_at, now)
    if ends_at is not None and ends_at <= starts_at:
        raise NoTimeError
    with transaction.atomic():
        person = Employee.objects.select_for_update(no_key=True).get(pk=actor.employee_id)
        colleague = colleagues_of(actor.company_id).exclude(pk=person.pk).filter(pk=to_employee_id).first()
        if colleague is None:
            raise NoSuchColleagueError
        other = _overlapping(person, starts_at, ends_at)
        if other is not None:
            raise SomebodyStandsInError(other)
        row = Delegation.objects.create(
            company_id=actor.company_id, employee=person, delegate=colleague, starts_at=starts_at, ends_at=ends_at
        )
        _record("delegated", row, actor, now)
        messages.tell(STANDS_IN, [Telling(colleague.pk, row.pk, {"person": person.name})], now=now)
    return row


def end_delegation(*, actor: Actor, delegation_id: int, now: datetime) -> Delegation:
    """End a delegation now, or call one off that has not begun; for who was away and for admins of the company.

    Raises NotADeciderError or DelegationOverError; then nothing has changed.
    """
    with transaction.atomic():
        row = Delegation.objects.select_for_update().get(pk=delegation_id, company_id=actor.company_id)
        if row.employee_id != actor.employee_id and not actor.is_company_admin:
            raise NotADeciderError
        if row.ends_at is not None and row.ends_at <= now:
            raise DelegationOverError
        row.ends_at = max(row.starts_at, now)
        row.save(update_fields=["ends_at"])
        _record("delegation-ended", row, actor, now)
    return row


def _overlapping(person: Employee, starts_at: datetime, ends_at: datetime | None) -> Delegation | None:
    """A delegation of `person` that holds somewhere in this time; one that was called off holds nowhere."""
    rows = Delegation.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=starts_at), employee=person)
    rows = rows.exclude(ends_at=F("starts_at"))
    if ends_at is not None:
        rows = rows.filter(starts_at__lt=ends_at)
    return rows.select_related("delegate").order_by("starts_at").first()


def _record(action: str, row: Delegation, actor: Actor, now: datetime) -> None:
    audit.record(
        action,
        row,
        actor_id=actor.user_id,
        now=now,
        company_id=row.company_id,
        employee=row.employee_id,
        delegate=row.delegate_id,
    )
