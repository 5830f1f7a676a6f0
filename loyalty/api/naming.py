"""Whom and what a request names by the numbers of other systems: a person, and a company in a program."""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.api.problems import FieldError, Problem
from accounts.models import Employee
from loyalty.models import Membership


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
