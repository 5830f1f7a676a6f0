"""Companies and their people as other systems know them: made and changed by the numbers those systems give them.

What is left unsaid stays as it is. Another system's word is the vendor's: it may do what a manager may in the admin.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import IntegrityError, models, transaction

from accounts import audit
from accounts.actors import Actor
from accounts.models import Company, Employee
from accounts.people import change_roles, rename_login
from accounts.webhooks.people import announce_employee

M = TypeVar("M", bound=models.Model)

COMPANY_FIELDS = ("name", "kind", "country")
EMPLOYEE_FIELDS = ("name", "phone", "buying_role", "preferred_channel", "access", "is_active")


class NoSuchCompanyError(Exception):
    """There is no such company, or none that this client may see: both are the same to it."""


class NoSuchPartnerError(Exception):
    """The company that is said to serve another is not there, or not in sight."""


@dataclass(frozen=True, slots=True)
class Put(Generic[M]):
    """The row as it is now, and whether this very call made it."""

    row: M
    is_new: bool


def put_company(
    *,
    actor: Actor,
    external_id: str,
    said: Mapping[str, Any],
    now: datetime,
    check: Callable[[Company | None], None] = lambda company: None,
) -> Put[Company]:
    """Make or change the company that other systems call `external_id`.

    `said` holds COMPANY_FIELDS and `served_by`, the external id of a partner or None. `check` is called with the row as
    it is, under its lock, and raises to stop. A client with a list of companies makes none: only a client that serves
    all could tell whether the number is taken. Raises NoSuchCompanyError, NoSuchPartnerError or ValidationError; then
    nothing has changed.
    """
    return _twice(lambda: _put_company(actor, external_id, said, now, check))


def put_employee(
    *,
    actor: Actor,
    company: Company,
    external_id: str,
    said: Mapping[str, Any],
    now: datetime,
    check: Callable[[Employee | None], None] = lambda employee: None,
) -> Put[Employee]:
    """Make or change the person that other systems call `external_id` in a company in the actor's sight.

    `said` holds EMPLOYEE_FIELDS and `roles`, the codes of all roles that hold from `now` on; what was earned before
    stays as it was, and so does the company's consent. `check` as for `put_company`. Raises people.NoSuchRoleError or
    ValidationError; then nothing has changed.
    """
    return _twice(lambda: _put_employee(actor, company, external_id, said, now, check))


def _twice(put: Callable[[], Put[M]]) -> Put[M]:
    """Put; again where somebody else made the row between our look and our insert: now it is there to be changed."""
    try:
        with transaction.atomic():
            return put()
    except IntegrityError:
        with transaction.atomic():
            return put()


def _put_company(
    actor: Actor, external_id: str, said: Mapping[str, Any], now: datetime, check: Callable[[Company | None], None]
) -> Put[Company]:
    rows = Company.objects.visible_to(actor).select_for_update(no_key=True)
    company = rows.filter(external_id=external_id).first()
    if company is None and not actor.serves_all_companies:
        raise NoSuchCompanyError
    check(company)
    is_new = company is None
    company = company or Company(external_id=external_id)
    changed = _set(company, COMPANY_FIELDS, said)
    if "served_by" in said:
        partner = _partner(actor, said["served_by"])
        if company.served_by_id != (partner and partner.pk):
            company.served_by = partner
            changed.append("served_by")
    if changed or is_new:
        _save(company, changed, is_new)
        action = "company-created" if is_new else "company-changed"
        _record(action, company, actor, company.pk, now, fields=",".join(changed))
    return Put(company, is_new)


def _put_employee(
    actor: Actor,
    company: Company,
    external_id: str,
    said: Mapping[str, Any],
    now: datetime,
    check: Callable[[Employee | None], None],
) -> Put[Employee]:
    rows = Employee.objects.visible_to(actor).select_for_update(no_key=True)
    employee = rows.filter(company=company, external_id=external_id).first()
    check(employee)
    is_new = employee is None
    employee = employee or Employee(company=company, external_id=external_id)
    changed = _set(employee, EMPLOYEE_FIELDS, said)
    if changed or is_new:
        _save(employee, changed, is_new)
    if "name" in changed:
        rename_login(employee)
    for action, numbers in _acts(employee, changed, is_new):
        _record(action, employee, actor, company.pk, now, **numbers)
    if "roles" in said:
        change_roles(employee, said["roles"], actor, now)
    if changed or is_new or "roles" in said:
        announce_employee(employee, now=now)
    return Put(employee, is_new)


def _partner(actor: Actor, external_id: str | None) -> Company | None:
    if not external_id:
        return None
    partner = Company.objects.visible_to(actor).filter(external_id=external_id).first()
    if partner is None:
        raise NoSuchPartnerError
    return partner


def _set(row: models.Model, fields: tuple[str, ...], said: Mapping[str, Any]) -> list[str]:
    """Set what is said; return the fields that are otherwise now."""
    changed = [name for name in fields if name in said and getattr(row, name) != said[name]]
    for name in changed:
        setattr(row, name, said[name])
    return changed


def _save(row: models.Model, changed: list[str], is_new: bool) -> None:
    """Save what passes the model's own checks; that a number is taken is for the database to say."""
    row.full_clean(validate_unique=False, validate_constraints=not is_new)
    if is_new:
        row.save(force_insert=True)
    else:
        row.save(update_fields=changed)


def _acts(employee: Employee, changed: list[str], is_new: bool) -> list[tuple[str, dict[str, str]]]:
    """What goes on record, in the words of `accounts.people` (A1)."""
    if is_new:
        return [("person-added", {"access": employee.access})]
    acts: list[tuple[str, dict[str, str]]] = []
    if "access" in changed:
        acts.append(("access-changed", {"access": employee.access}))
    if "buying_role" in changed:
        acts.append(("buying-role-changed", {"buying_role": employee.buying_role}))
    if "is_active" in changed:
        acts.append(("reactivated" if employee.is_active else "deactivated", {}))
    return acts


def _record(action: str, row: models.Model, actor: Actor, company_id: int, now: datetime, **numbers: str) -> None:
    audit.record(action, row, actor_id=actor.user_id, now=now, company_id=company_id, reason="", **numbers)
