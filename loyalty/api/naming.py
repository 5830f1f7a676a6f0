"""Whom and what a request names by the numbers of other systems: a person, a membership, all that many items name."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.api.problems import FieldError, Problem
from accounts.models import Employee
from loyalty import arrays
from loyalty.models import Membership, Source
from loyalty.together import together


def person_named(
    actor: Actor, *, company: str, employee: str, field: str = "employee", and_who_left: bool = False
) -> Employee:
    """Return somebody who works for a company in the client's sight; one of another is as unknown as nobody.

    `and_who_left`: also somebody who did; what was done in that name before is answered for ever. Raises Problem.
    """
    people = Employee.objects.visible_to(actor).select_related("company")
    person = people.filter(company__external_id=company, external_id=employee).first()
    if person is None or not (person.is_active or and_who_left):
        sentence = _("The company has no such employee, or not any more.")
        raise Problem("invalid", errors=[FieldError("unknown_employee", field, sentence)])
    return person


def membership_named(actor: Actor, *, company_id: int, program: str, at: datetime) -> Membership:
    """Return the company's membership in a program at `at`, or its last one before. Raises Problem."""
    rows = Membership.objects.visible_to(actor).filter(starts_at__lte=at).select_related("program", "company")
    membership = rows.filter(company=company_id, program__code=program).order_by("-starts_at", "-pk").first()
    if membership is None:
        sentence = _("The company does not take part in this program now.")
        raise Problem("conflict", errors=[FieldError("not_a_member", "program", sentence)])
    return membership


class Named(NamedTuple):
    """What many items name, as far as the client may see it; people by the company's id and their number."""

    sources: Mapping[str, Source]
    companies: Mapping[str, int]
    employees: Mapping[tuple[int, str], int]


def look_up(actor: Actor, *, sources: Collection[str], people: Collection[tuple[str, str | None]]) -> Named:
    """Look up sources by their codes, and companies with one of their people or none, by their numbers; in one packet.

    The queries are written, as the ORM took a fifth of a request to build them anew each time: they let through what
    `visible_to` does for a client of the API, and nothing for anybody else.
    """
    companies, employees = [company for company, _employee in people], [employee for _company, employee in people]
    with together():
        of_client = arrays.ask(_SOURCES, actor.service_client_id, list(sources))
        served = arrays.ask(_PEOPLE, companies, employees, actor.serves_all_companies, actor.service_client_id)
    return Named(
        {row[1]: Source.from_db("default", _OF_SOURCE, row) for row in of_client.rows},
        {number: company_id for number, company_id, _employee, _employee_id in served.rows},
        {(company_id, number): pk for _number, company_id, number, pk in served.rows if pk is not None},
    )


_OF_SOURCE = ("id", "code", "name", "kind")
_SOURCES = f"""
    SELECT {", ".join(f"s.{name}" for name in _OF_SOURCE)}
    FROM loyalty_source s JOIN loyalty_source_service_clients m ON m.source_id = s.id
    WHERE m.serviceclient_id = %s AND s.code = ANY(%s::text[])"""  # noqa: S608 (names are code)

# Numbers are unique where they are not empty, which a plan for any values has to be told to use the index.
_PEOPLE = """
    SELECT c.external_id, c.id, e.external_id, e.id
    FROM unnest(%s::text[], %s::text[]) AS n(company, employee)
    JOIN accounts_company c ON c.external_id = n.company AND c.external_id <> ''
    LEFT JOIN accounts_employee e ON e.company_id = c.id AND e.external_id = n.employee AND e.external_id <> ''
    WHERE %s OR EXISTS (
        SELECT FROM accounts_serviceclient_companies m WHERE m.company_id = c.id AND m.serviceclient_id = %s
    )"""
