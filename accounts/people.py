"""The people of a company, looked after by its own admins: who takes part, in which roles, with which rights."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts import audit, idempotency
from accounts.actors import Actor
from accounts.models import Employee, RoleAssignment, StakeholderRole, User
from accounts.webhooks.people import announce_employee


class PeopleError(Exception):
    """A change to a company's people that is refused."""


class NotYoursToManageError(PeopleError):
    """Whoever asks is no admin of the company."""


class OwnAccessError(PeopleError):
    """Somebody would change the own access, or switch off themselves."""


class LastAdminError(PeopleError):
    """Nobody could look after the company's people any more."""


class NoSuchPersonError(PeopleError):
    """There is no such person in the company."""


class NoSuchRoleError(PeopleError):
    """A code that names no stakeholder role."""


@dataclass(frozen=True, slots=True)
class Person:
    """What an admin says of a person; `roles` are codes of stakeholder roles, all that hold from now on."""

    name: str
    roles: frozenset[str]
    buying_role: str
    access: str


@dataclass(frozen=True, slots=True)
class Added:
    """Somebody who was added, and whether this very call did it (False: the same key came before).

    Somebody who `was_there` is a colleague known by the address: nobody was added.
    """

    employee: Employee
    is_new: bool
    was_there: bool = False


def may_manage_people(actor: Actor) -> bool:
    """Whether the actor may change who takes part: a company admin, not somebody who looks through one's eyes."""
    return actor.is_company_admin and not actor.seen_by_user_id


def person_at(company_id: int, address: str) -> Employee | None:
    """Return whom of a company an e-mail address belongs to: who signs in with it comes before who is known by it."""
    rows = Employee.objects.filter(company_id=company_id).known_by(address)
    return rows.order_by(F("user").asc(nulls_last=True), "pk").first()


def add_person(*, actor: Actor, person: Person, key: str, now: datetime, address: str = "") -> Added:
    """Add somebody without a login to the actor's company; the same `key` again gives the same person.

    Where an `address` belongs to somebody of the company already, they are given back as they are and nobody is added.
    Raises NotYoursToManageError, NoSuchRoleError or idempotency.KeyUsedForAnotherRequestError; then nothing has
    changed.
    """
    with transaction.atomic():
        _admins_under_lock(actor)
        content = ["add-person", person.name, sorted(person.roles), person.buying_role, person.access]
        claim = idempotency.claim(user_id=actor.user_id, key=key, content=content)
        if claim.resource_id is not None:
            return Added(Employee.objects.get(pk=claim.resource_id), is_new=False)
        colleague = person_at(actor.company_id, address) if address else None
        if colleague is not None:
            idempotency.settle(claim, colleague.pk)
            return Added(colleague, is_new=False, was_there=True)
        employee = Employee.objects.create(
            company_id=actor.company_id, name=person.name, buying_role=person.buying_role, access=person.access
        )
        _record("person-added", employee, actor, now, access=person.access)
        change_roles(employee, person.roles, actor, now)
        announce_employee(employee, now=now)
        idempotency.settle(claim, employee.pk)
    return Added(employee, is_new=True)


def change_person(*, actor: Actor, employee_id: int, person: Person, now: datetime) -> Employee:
    """Change somebody of the actor's company; roles end and begin at `now`, what was earned before stays as it was.

    Raises NotYoursToManageError, NoSuchPersonError, NoSuchRoleError, OwnAccessError or LastAdminError; then nothing
    has changed.
    """
    with transaction.atomic():
        admins = _admins_under_lock(actor)
        employee = _under_lock(actor, employee_id)
        if person.access != employee.access:
            _check_admin_remains(employee, admins, actor)
            employee.access = person.access
            _record("access-changed", employee, actor, now, access=person.access)
        if person.buying_role != employee.buying_role:
            employee.buying_role = person.buying_role
            _record("buying-role-changed", employee, actor, now, buying_role=person.buying_role)
        rename(employee, person.name)
        employee.save(update_fields=["name", "access", "buying_role"])
        change_roles(employee, person.roles, actor, now)
        announce_employee(employee, now=now)
    return employee


def deactivate(*, actor: Actor, employee_id: int, now: datetime) -> Employee:
    """Let somebody in no longer; the points stay. Twice does nothing.

    Raises NotYoursToManageError, NoSuchPersonError, OwnAccessError or LastAdminError; then nothing has changed.
    """
    with transaction.atomic():
        admins = _admins_under_lock(actor)
        employee = _under_lock(actor, employee_id)
        if employee.is_active:
            _check_admin_remains(employee, admins, actor)
            employee.is_active = False
            employee.save(update_fields=["is_active"])
            _record("deactivated", employee, actor, now)
            announce_employee(employee, now=now)
    return employee


def reactivate(*, actor: Actor, employee_id: int, now: datetime) -> Employee:
    """Let somebody in again. Twice does nothing. Raises NotYoursToManageError or NoSuchPersonError."""
    with transaction.atomic():
        _admins_under_lock(actor)
        employee = _under_lock(actor, employee_id)
        if not employee.is_active:
            employee.is_active = True
            employee.save(update_fields=["is_active"])
            _record("reactivated", employee, actor, now)
            announce_employee(employee, now=now)
    return employee


def rename(employee: Employee, name: str) -> None:
    """Call somebody by another name everywhere: the login, too. The caller saves the employee."""
    if employee.name != name:
        employee.name = name
        rename_login(employee)


def rename_login(employee: Employee) -> None:
    """Call the login, where there is one, as the employee is called."""
    User.objects.filter(pk=employee.user_id).update(name=employee.name)


def change_roles(employee: Employee, wanted: Collection[str], actor: Actor, now: datetime) -> None:
    """End the roles that hold and are not wanted, begin those that are and do not hold, each on record (A1).

    `wanted` are codes. Call it in a transaction that holds the employee's row. Raises NoSuchRoleError.
    """
    roles = {role.code: role for role in StakeholderRole.objects.visible_to(actor).filter(code__in=wanted)}
    if len(roles) < len(set(wanted)):
        raise NoSuchRoleError
    assignments = RoleAssignment.objects.filter(employee=employee).select_related("role")
    held = {assignment.role.code: assignment for assignment in assignments.in_force(now)}
    for code in sorted(held.keys() - set(wanted)):
        held[code].ends_at = now
        held[code].save(update_fields=["ends_at"])
        _record("role-changed", employee, actor, now, role=held[code].role_id, holds=0)
    later = _beginnings(assignments.filter(starts_at__gt=now))
    for code in sorted(roles.keys() - held.keys()):
        RoleAssignment.objects.create(employee=employee, role=roles[code], starts_at=now, ends_at=later.get(code))
        _record("role-changed", employee, actor, now, role=roles[code].pk, holds=1)


def _admins_under_lock(actor: Actor) -> set[int]:
    """Lock the company's active admins, by id: of two who take the right from each other the second is refused."""
    if not may_manage_people(actor):
        raise NotYoursToManageError
    rows = Employee.objects.select_for_update(no_key=True).filter(
        company_id=actor.company_id, access=Employee.Access.ADMIN, is_active=True
    )
    admins = set(rows.order_by("pk").values_list("pk", flat=True))
    if actor.employee_id not in admins:
        raise NotYoursToManageError
    return admins


def _under_lock(actor: Actor, employee_id: int) -> Employee:
    rows = Employee.objects.select_for_update(no_key=True, of=("self",)).visible_to(actor)
    employee = rows.filter(pk=employee_id, company_id=actor.company_id).first()
    if employee is None:
        raise NoSuchPersonError
    return employee


def _check_admin_remains(employee: Employee, admins: set[int], actor: Actor) -> None:
    if admins == {employee.pk}:
        raise LastAdminError
    if employee.pk == actor.employee_id:
        raise OwnAccessError


def _beginnings(assignments: Iterable[RoleAssignment]) -> dict[str, datetime]:
    """When each role that is agreed for later begins: until then it may be held as well."""
    earliest: dict[str, datetime] = {}
    for assignment in assignments:
        code = assignment.role.code
        earliest[code] = min(assignment.starts_at, earliest.get(code, assignment.starts_at))
    return earliest


def _record(action: str, employee: Employee, actor: Actor, now: datetime, **numbers: int | str) -> None:
    company_id = employee.company_id
    audit.record(action, employee, actor_id=actor.user_id, now=now, company_id=company_id, reason="", **numbers)
