"""Whom and what a request names by the numbers of other systems: a person, a membership, all that many items name."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _

from accounts import arrays
from accounts.actors import Actor
from accounts.api.problems import FieldError, Problem
from accounts.models import Employee
from accounts.together import together
from loyalty.models import Membership, Source


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
    """What items name, as far as the client that sent each may see it: by that client's id and the code or number;
    people by the company's id and their number.
    """

    sources: Mapping[tuple[int, str], Source]
    companies: Mapping[tuple[int, str], int]
    employees: Mapping[tuple[int, str], int]


def look_up(*, sources: Collection[tuple[Actor, str]], people: Collection[tuple[Actor, str, str | None]]) -> Named:
    """Look up what clients named, in one packet: sources by their codes, companies by their numbers, each with one of
    its people or none.

    The queries are written, as the ORM took a fifth of a request to build them anew each time: they let through what
    `visible_to` does for a client of the API, and nothing for anybody else.
    """
    clients, codes = {actor.service_client_id for actor, _code in sources}, {code for _actor, code in sources}
    wanted = [(who.service_client_id, who.serves_all_companies, company, person) for who, company, person in people]
    with together():
        of_clients = arrays.ask(_SOURCES, list(clients), list(codes))
        served = arrays.ask(_PEOPLE, *arrays.columns_of(wanted))
    return Named(
        {(client, row[1]): Source.from_db("default", _OF_SOURCE, row) for client, *row in of_clients.rows},
        {(client, number): company_id for client, number, company_id, _person, _person_id in served.rows},
        {(company_id, person): pk for _client, _number, company_id, person, pk in served.rows if pk is not None},
    )


_OF_SOURCE = ("id", "code", "name", "kind")
_SOURCES = f"""
    SELECT m.serviceclient_id, {", ".join(f"s.{name}" for name in _OF_SOURCE)}
    FROM loyalty_source s JOIN loyalty_source_service_clients m ON m.source_id = s.id
    WHERE m.serviceclient_id = ANY(%s::bigint[]) AND s.code = ANY(%s::text[])"""  # noqa: S608 (names are code)

# Numbers are unique where they are not empty, which a plan for any values has to be told to use the index.
_PEOPLE = """
    SELECT n.client, c.external_id, c.id, e.external_id, e.id
    FROM unnest(%s::bigint[], %s::boolean[], %s::text[], %s::text[]) AS n(client, serves_all, company, person)
    JOIN accounts_company c ON c.external_id = n.company AND c.external_id <> ''
    LEFT JOIN accounts_employee e ON e.company_id = c.id AND e.external_id = n.person AND e.external_id <> ''
    WHERE n.serves_all OR EXISTS (
        SELECT FROM accounts_serviceclient_companies m WHERE m.company_id = c.id AND m.serviceclient_id = n.client
    )"""
