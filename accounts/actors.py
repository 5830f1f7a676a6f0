"""Who is acting: the actor that a user is at a moment."""

from datetime import datetime

from accounts.models import AccountManagerAssignment, Employee, User
from accounts.scope import Actor

__all__ = ["Actor", "actor_of"]


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
