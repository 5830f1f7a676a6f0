"""What this floor announces: that somebody who works in a company was added or changed."""

from collections.abc import Collection
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts.models import Employee, RoleAssignment
from accounts.webhooks.announcing import News, announce_all
from accounts.webhooks.kinds import EventKind, register

EMPLOYEE_CHANGED = EventKind(
    "employee.changed",
    _("Somebody in a company was added or changed"),
    "employee",
    {
        "employee": {"id": 31, "external_id": "E-7"},
        "is_active": True,
        "access": "MEMBER",
        "buying_role": "USES",
        "roles": ["accountant"],
    },
)


def register_kinds() -> None:
    """Make the kind known."""
    register(EMPLOYEE_CHANGED)


def named(employee_id: int, external_id: str) -> dict[str, object]:
    """Return how events name somebody: never by name."""
    return {"id": employee_id, "external_id": external_id}


def announce_employee(employee: Employee, *, now: datetime) -> None:
    """Announce how somebody stands now; call it under lock, once everything about the person is written."""
    announce_people([employee], now=now)


def announce_people(people: Collection[Employee], *, now: datetime) -> None:
    """Announce how people stand now, with as many statements as for one."""

    def news() -> list[News]:
        ids = [employee.pk for employee in people]
        roles: dict[int, list[str]] = {}
        held = RoleAssignment.objects.in_force(now).filter(employee__in=ids).values_list("employee", "role__code")
        for employee_id, code in held.order_by("role__code"):
            roles.setdefault(employee_id, []).append(code)
        return [
            News(
                EMPLOYEE_CHANGED,
                employee.company_id,
                str(employee.pk),
                {
                    "employee": named(employee.pk, employee.external_id),
                    "is_active": employee.is_active,
                    "access": str(employee.access),
                    "buying_role": str(employee.buying_role),
                    "roles": roles.get(employee.pk, []),
                },
            )
            for employee in people
        ]

    if people:
        announce_all([EMPLOYEE_CHANGED], news, now=now)
