"""To whom points go, in the database: participants, shares, what consent sends to the company, and returns of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts import laws
from accounts.actors import actor_of_employee
from accounts.models import Employee
from loyalty.activities import Status
from loyalty.explaining import explain
from loyalty.models import Activity, Award, CapUsage, Consent, Evaluation, Membership, Rule, Transaction
from tests.factories.world import (
    NOW,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_role,
    a_rule_set,
    an_admin,
    an_employee,
    balance,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def a_world(
    *rules: dict[str, Any], roles: tuple[str, ...] = ("buyer", "buyer", "owner"), **consent: Any
) -> tuple[Membership, list[Employee]]:
    """A membership with people in `roles`; the consent names buyers."""
    program = a_program()
    a_rule_set(program, rules)
    membership = a_member(program)
    people = [an_employee(membership.company, login=False) for _role in roles]
    for person, role in zip(people, roles, strict=True):
        a_role(person, role)
    consent_to(membership, **{"roles": ["buyer"], **consent})
    return membership, people


def test_everybody_of_the_role_who_had_a_part_earns_and_a_return_takes_it_from_each() -> None:
    membership, [anna, ben, owner] = a_world({"beneficiary": Rule.To.ROLE, "role": "buyer"})
    parts = tuple(person.pk for person in (ben, owner))
    sale = a_purchase(membership.company, 50, employee_id=anna.pk, participants=parts)

    [sold] = record(sale)
    [returned] = record(a_purchase(membership.company, 20, reverses=sale.external_id))

    assert (sold.points, returned.points) == (100, -40)
    assert [balance(membership, person) for person in (anna, ben, owner)] == [30, 30, 0]
    assert balance(membership) == 0
    assert Activity.objects.get(external_id=sale.external_id).participants == [*parts]


def test_role_divides_among_those_who_had_a_part() -> None:
    membership, [anna, ben, _owner] = a_world({"beneficiary": Rule.To.ROLE, "role": "buyer", "is_divided": True})

    record(a_purchase(membership.company, 51, employee_id=ben.pk, participants=(anna.pk,)))

    assert [balance(membership, person) for person in (anna, ben)] == [26, 25]


def test_company_gets_what_a_role_may_not_earn_where_its_consent_says_so() -> None:
    membership, [anna, _ben, owner] = a_world(
        {"beneficiary": Rule.To.BOTH, "caps": [("EMPLOYEE", "MONTH", 70)]}, unearned=Consent.Unearned.COMPANY
    )

    record(a_purchase(membership.company, 50, employee_id=anna.pk))
    sale = a_purchase(membership.company, 50, employee_id=owner.pk)
    record(sale, a_purchase(membership.company, 50, employee_id=owner.pk))

    assert (balance(membership, anna), balance(membership, owner)) == (50, 0)
    assert balance(membership) == 50 + 50 + 50 + 50 + 20  # the owner's limit of 70 holds for what goes over
    assert [*Award.objects.filter(instead_of=owner).order_by("pk").values_list("granted", flat=True)] == [50, 20]

    record(a_purchase(membership.company, None, reverses=sale.external_id))

    assert balance(membership) == 50 + 50 + 20
    assert CapUsage.objects.get(subject="EMPLOYEE", subject_id=owner.pk).used == 20


def test_points_above_the_companys_own_limit_go_to_the_company_where_its_consent_says_so() -> None:
    membership, [anna, *_others] = a_world(
        {"beneficiary": Rule.To.EMPLOYEE}, monthly_limit=60, unearned=Consent.Unearned.COMPANY
    )

    record(a_purchase(membership.company, 50, employee_id=anna.pk))
    over = a_purchase(membership.company, 50, employee_id=anna.pk)
    record(over, a_purchase(membership.company, 5, employee_id=anna.pk))

    assert (balance(membership, anna), balance(membership)) == (60, 45)

    record(a_purchase(membership.company, 50, reverses=over.external_id))

    assert (balance(membership, anna), balance(membership)) == (50, 5)
    assert CapUsage.objects.get(rule_code="").used == 50


def test_points_above_the_companys_own_limit_lapse_where_nothing_else_was_agreed() -> None:
    membership, [anna, *_others] = a_world({"beneficiary": Rule.To.EMPLOYEE}, monthly_limit=60)

    record(a_purchase(membership.company, 100, employee_id=anna.pk))

    assert (balance(membership, anna), balance(membership)) == (60, 0)


def test_split_shares_between_company_and_person() -> None:
    membership, [anna, *_others] = a_world({"beneficiary": Rule.To.SPLIT, "person_share": 30})

    record(a_purchase(membership.company, 99, employee_id=anna.pk), a_purchase(membership.company, 10))

    assert (balance(membership, anna), balance(membership)) == (29, 70 + 7)


def test_why_is_computed_again_for_everybody_who_had_a_part() -> None:
    membership, [anna, ben, owner] = a_world({"beneficiary": Rule.To.ROLE, "role": "buyer"})
    admin = an_admin(membership.company)
    record(a_purchase(membership.company, 50, employee_id=anna.pk, participants=(ben.pk, owner.pk)))
    act = Transaction.objects.get()

    [to_admin] = explain(act, actor_of_employee(admin, now=NOW))
    [to_ben] = explain(act, actor_of_employee(ben, now=NOW))

    assert (to_admin.points, to_ben.points) == (100, 50)
    assert not to_admin.is_capped
    assert not to_ben.is_capped
    assert Evaluation.objects.get().facts["activity.people"] == [
        [anna.pk, "YES", ["buyer"]],
        [ben.pk, "YES", ["buyer"]],
        [owner.pk, "ROLE_NOT_NAMED", ["owner"]],
    ]


def test_participant_of_another_company_is_refused_and_nothing_is_recorded() -> None:
    membership, [anna, *_others] = a_world({"beneficiary": Rule.To.ROLE, "role": "buyer"})
    stranger = an_employee(a_company(), login=False)

    [outcome] = record(a_purchase(membership.company, 50, employee_id=anna.pk, participants=(stranger.pk,)))

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.field) == ("unknown_employee", "participants")
    assert not Activity.objects.exists()


def test_same_activity_with_other_participants_is_another_one() -> None:
    membership, [anna, ben, _owner] = a_world({"beneficiary": Rule.To.ROLE, "role": "buyer"})
    sale = a_purchase(membership.company, 50, participants=(anna.pk, ben.pk))
    again = a_purchase(membership.company, 50, external_id=sale.external_id, participants=(ben.pk, anna.pk))
    other = a_purchase(membership.company, 50, external_id=sale.external_id, participants=(anna.pk,))

    outcomes = record(sale) + record(again) + record(other)

    assert [outcome.status for outcome in outcomes] == [Status.RECORDED, Status.DUPLICATE, Status.REJECTED]
