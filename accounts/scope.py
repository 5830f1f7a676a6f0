"""The one way rows are reached: who acts, and that every queryset of the house answers `visible_to(actor)`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Q

M = TypeVar("M", bound=models.Model, covariant=True)


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
    seen_by_user_id: int = 0
    """Who of the vendor looks through this employee's eyes; such an actor changes nothing."""
    unread_messages: int = 0
    """How many messages the employee has not read, for the mark beside the inbox."""
    service_client_id: int = 0
    """The client of the API that acts; another system, not a person."""
    serves_all_companies: bool = False
    """Whether such a client may see every company, or those on its list alone."""

    @property
    def is_known(self) -> bool:
        """Whether there is somebody at all: a user, or an employee without a login whom the vendor looks through."""
        return self.user_id != 0 or self.is_employee

    @property
    def is_employee(self) -> bool:
        """Whether the actor works for a client."""
        return self.employee_id != 0

    @property
    def is_service(self) -> bool:
        """Whether another system acts, by way of the API."""
        return self.service_client_id != 0

    @property
    def sees_company(self) -> bool:
        """Whether the actor may read the own company's pages: its wallet, its orders."""
        return self.is_employee and (self.is_company_admin or self.decides)


class ScopedQuerySet(models.QuerySet[M]):
    """Rows of one table, cut down to what an actor may see.

    A table says with `company_lookup` how a row leads to its company ("" where it belongs to none), overrides
    `seen_by_employee` where a client's own people may see rows, and says with `is_in_api` that other systems may see
    those of the companies they serve. Whoever is in doubt gets nothing.
    """

    company_lookup: ClassVar[str] = "company"
    is_in_api: ClassVar[bool] = False

    def visible_to(self, actor: Actor) -> Self:
        """The rows that `actor` may see: a manager all, an account manager the own portfolio, an employee the own."""
        if actor.is_service:
            return self.seen_by_service(actor) if self.is_in_api else self.none()
        if actor.is_manager:
            return self.all()
        if actor.is_account_manager:
            return self.seen_by_account_manager(actor)
        if actor.is_employee:
            return self.seen_by_employee(actor)
        return self.none()

    def seen_by_account_manager(self, actor: Actor) -> Self:
        """Rows of the companies in the actor's portfolio at this moment."""
        if not self.company_lookup:
            return self.none()
        return self.filter(**{f"{self.company_lookup}__in": portfolio(actor)})

    def seen_by_employee(self, actor: Actor) -> Self:
        """Nothing, unless the table says otherwise."""
        return self.none()

    def seen_by_service(self, actor: Actor) -> Self:
        """Rows of the companies that another system serves; asked only of tables that are in the API."""
        if not self.company_lookup:
            return self.none()
        if actor.serves_all_companies:
            return self.all()
        return self.filter(**{f"{self.company_lookup}__in": served(actor)})


def portfolio(actor: Actor) -> models.QuerySet[Any, int]:
    """The ids of the companies that the actor looks after at `actor.at`, as a subquery."""
    assignments = apps.get_model("accounts", "AccountManagerAssignment")._default_manager
    return assignments.filter(in_force(actor.at), user_id=actor.user_id).values_list("company_id", flat=True)


def served(actor: Actor) -> models.QuerySet[Any, int]:
    """The ids of the companies on the list of the API client that acts, as a subquery."""
    listed = apps.get_model("accounts", "ServiceClient").companies.through._default_manager
    return listed.filter(serviceclient=actor.service_client_id).values_list("company_id", flat=True)


def in_force(at: datetime) -> Q:
    """The condition that a dated row (`starts_at` inclusive, `ends_at` exclusive or none) holds at `at`."""
    return Q(starts_at__lte=at) & (Q(ends_at__isnull=True) | Q(ends_at__gt=at))


class DatedQuerySet(ScopedQuerySet[M]):
    """Rows that hold for a time."""

    def in_force(self, at: datetime) -> Self:
        """The rows that hold at `at`."""
        return self.filter(in_force(at))
