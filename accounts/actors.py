"""Who is acting: the actor that a user is at a moment."""

from datetime import datetime

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import AccountManagerAssignment, Employee, Message, ServiceClient, User
from accounts.scope import Actor

__all__ = ["Actor", "actor_of", "actor_of_client", "actor_of_employee", "as_actors"]


def actor_of(user: User | None, *, now: datetime) -> Actor:
    """Return the actor that `user` is at `now`; None, or somebody deactivated, becomes nobody.

    One query for an employee, two for vendor staff who look after companies.
    """
    if user is None or not user.is_active:
        return Actor(at=now)
    employee = (
        as_actors(Employee.objects.filter(user_id=user.pk))
        .only("user", "company__name", "access", "buying_role", "is_active")
        .first()
    )
    if employee is not None:
        return actor_of_employee(employee, now=now)
    if user.is_staff:
        return Actor(at=now, user_id=user.pk, is_manager=True)
    looks_after = AccountManagerAssignment.objects.filter(user_id=user.pk).exists()
    return Actor(at=now, user_id=user.pk, is_account_manager=looks_after)


def as_actors(employees: QuerySet[Employee]) -> QuerySet[Employee]:
    """Return `employees` with what `actor_of_employee` reads of them."""
    return employees.select_related("company").annotate(unread_messages=_unread_messages())


def actor_of_employee(employee: Employee, *, now: datetime, seen_by_user_id: int = 0) -> Actor:
    """Return the actor that `employee`, one of `as_actors`, is at `now`; who left becomes nobody.

    An employee without a login is an actor without a user.
    """
    if not employee.is_active:
        return Actor(at=now)
    return Actor(
        at=now,
        user_id=employee.user_id or 0,
        employee_id=employee.pk,
        company_id=employee.company_id,
        is_company_admin=employee.access == Employee.Access.ADMIN,
        decides=employee.buying_role == Employee.BuyingRole.DECIDES,
        company_name=employee.company.name,
        seen_by_user_id=seen_by_user_id,
        unread_messages=getattr(employee, "unread_messages", 0),
    )


def actor_of_client(client: ServiceClient, *, now: datetime) -> Actor:
    """Return the actor that a client of the API is at `now`; one that was switched off becomes nobody."""
    if not client.is_active:
        return Actor(at=now)
    return Actor(
        at=now,
        user_id=client.user_id,
        service_client_id=client.pk,
        serves_all_companies=client.has_all_companies,
    )


def _unread_messages() -> Coalesce:
    unread = Message.objects.filter(employee=OuterRef("pk"), is_in_inbox=True, read_at__isnull=True).order_by()
    counted = unread.values("employee").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
