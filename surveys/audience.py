"""Who a survey is asked of: people of the program's members whose facts meet its audience."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from accounts.conditions import Catalogue, Fact, Values, parse, registry
from accounts.facts import (
    COMPANY_COUNTRY,
    COMPANY_KIND,
    COMPANY_SEGMENTS,
    EMPLOYEE_BUYING_ROLE,
    EMPLOYEE_ROLES,
)
from accounts.models import Employee, RoleAssignment, Segment, SegmentMembership, StakeholderRole
from accounts.scope import in_force
from loyalty.models import Membership
from surveys.models import Survey

_FACTS = (COMPANY_KIND, COMPANY_COUNTRY, COMPANY_SEGMENTS, EMPLOYEE_BUYING_ROLE, EMPLOYEE_ROLES)


@dataclass(frozen=True, slots=True)
class Person:
    """An employee with the facts that an audience asks about."""

    employee_id: int
    values: Values


def plain_catalogue() -> Catalogue:
    """Return what an audience may ask, with any code allowed: what was saved once can always be read again."""
    known = registry.catalogue()
    return {code: known[code] for code in _FACTS}


def audience_catalogue() -> Catalogue:
    """Return what an audience may ask with the codes that exist now; a fact without codes cannot be asked."""
    catalogue: dict[str, Fact] = dict(plain_catalogue())
    for code, rows in (
        (COMPANY_SEGMENTS, Segment.objects.order_by("code").values_list("code", "name")),
        (EMPLOYEE_ROLES, StakeholderRole.objects.order_by("code").values_list("code", "name")),
    ):
        fact = catalogue.pop(code)
        if choices := tuple(rows):
            catalogue[code] = replace(fact, choices=choices)
    return catalogue


def is_in_audience(document: object, values: Values) -> bool:
    """Whether somebody of `values` is asked, as far as the audience says."""
    return parse(document, plain_catalogue()).holds(values)


def person(employee_id: int, *, at: datetime) -> Person:
    """Return an employee with the facts of `at`; one query."""
    return next(_with_facts(Employee.objects.filter(pk=employee_id), at), Person(employee_id, {}))


def people_asked(survey: Survey, *, at: datetime) -> list[int]:
    """Return the ids of everybody who is asked at `at` and can sign in to answer, by id; one query."""
    members = Membership.objects.in_force(at).filter(program=survey.program_id).values("company")
    reachable = Employee.objects.filter(is_active=True, user__is_active=True, company__in=members)
    condition = parse(survey.audience, plain_catalogue())
    return [one.employee_id for one in _with_facts(reachable, at) if condition.holds(one.values)]


def _with_facts(rows: QuerySet[Employee], at: datetime) -> Iterator[Person]:
    segments = SegmentMembership.objects.filter(in_force(at), company=OuterRef("company")).values("segment__code")
    roles = RoleAssignment.objects.filter(in_force(at), employee=OuterRef("pk")).values("role__code")
    facts = rows.order_by("pk").values_list(
        "pk", "company__kind", "company__country", "buying_role", ArraySubquery(segments), ArraySubquery(roles)
    )
    for pk, kind, country, buying_role, segment_codes, role_codes in facts:
        yield Person(
            pk,
            {
                COMPANY_KIND: kind,
                COMPANY_COUNTRY: country or None,
                COMPANY_SEGMENTS: frozenset(segment_codes),
                EMPLOYEE_BUYING_ROLE: buying_role,
                EMPLOYEE_ROLES: frozenset(role_codes),
            },
        )
