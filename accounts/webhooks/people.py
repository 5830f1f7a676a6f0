"""What this floor announces: that somebody who works in a company was added or changed."""

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

    def news() -> list[News]:
        roles = RoleAssignment.objects.in_force(now).filter(employee=employee)
        facts = {
            "employee": named(employee.pk, employee.external_id),
            "is_active": employee.is_active,
            "access": str(employee.access),
            "buying_role": str(employee.buying_role),
            "roles": sorted(roles.values_list("role__code", flat=True)),
        }
        return [News(EMPLOYEE_CHANGED, employee.company_id, str(employee.pk), facts)]

    announce_all([EMPLOYEE_CHANGED], news, now=now)
