"""Who is acting: what a user may see is decided from this one small record."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import AccountManagerAssignment, Employee, User


@dataclass(frozen=True, slots=True)
class Actor:
    """A user as of one moment; ids are 0 where there is none, and somebody unknown sees nothing."""

    at: datetime
    user_id: int = 0
    is_manager: bool = False
    is_account_manager: bool = False
    employee_id: int = 0
    company_id: int = 0
    is_company_admin: bool = False
    decides: bool = False
    company_name: str = ""

    @property
    def is_employee(self) -> bool:
        """Whether the actor works for a client."""
        return self.employee_id != 0

    @property
    def sees_company(self) -> bool:
        """Whether the actor may read the own company's pages: its wallet, its orders."""
        return self.is_employee and (self.is_company_admin or self.decides)


def actor_of(user: User | None, *, now: datetime) -> Actor:
    """Return the actor that `user` is at `now`; None, or somebody deactivated, becomes nobody.

    One query for an employee, two for vendor staff who look after companies.
    """
    if user is None or not user.is_active:
        return Actor(at=now)
    employee = (
        Employee.objects.filter(user_id=user.pk)
        .select_related("company")
        .only("company__name", "access", "buying_role", "is_active")
        .first()
    )
    if employee is not None and not employee.is_active:
        return Actor(at=now)
    if employee is not None:
        return Actor(
            at=now,
            user_id=user.pk,
            employee_id=employee.pk,
            company_id=employee.company_id,
            is_company_admin=employee.access == Employee.Access.ADMIN,
            decides=employee.buying_role == Employee.BuyingRole.DECIDES,
            company_name=employee.company.name,
        )
    if user.is_staff:
        return Actor(at=now, user_id=user.pk, is_manager=True)
    looks_after = AccountManagerAssignment.objects.filter(user_id=user.pk).exists()
    return Actor(at=now, user_id=user.pk, is_account_manager=looks_after)
