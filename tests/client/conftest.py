"""A firm with points to look at, and browsers for its people."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Employee, User
from loyalty.models import Membership, Program
from tests.factories.world import (
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_admin,
    an_employee,
    consent_to,
    record,
)
from tests.worlds import Keep, Kept

SignIn = Callable[[Employee | User], Client]


@dataclass(frozen=True, slots=True)
class Firm:
    """A company in a program, a colleague who sees the own points only, and an admin."""

    program: Program
    membership: Membership
    member: Employee
    admin: Employee


def a_firm() -> Firm:
    """Build a firm whose purchases bring the company and the person 1 point for each 1 spent, the company 5 more."""
    program = a_program(name="Workshop", tiers={"basic": 0, "gold": 5_000})
    a_rule_set(
        program,
        [
            {"code": "spend", "name": "Points for purchases", "beneficiary": "BOTH"},
            {"code": "loyal", "name": "Company extra", "formula": {"kind": "fixed", "points": 5}},
        ],
    )
    membership = a_member(program)
    consent_to(membership)
    company = membership.company
    return Firm(program, membership, an_employee(company, name="Mia Member"), an_admin(company, name="Ada Admin"))


@pytest.fixture(scope="module")
def kept_firm(keep: Keep) -> Kept[Firm]:
    """The firm."""
    return keep(a_firm)


@pytest.fixture
def firm(db: None, kept_firm: Kept[Firm]) -> Firm:
    """A firm whose purchases bring points."""
    return kept_firm.put_back()


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """Makes a browser in which somebody has signed in."""

    def of(person: Employee | User) -> Client:
        client = Client()
        user = person.user if isinstance(person, Employee) else person
        assert user is not None
        client.force_login(user)
        return client

    return of


@pytest.fixture
def buy(firm: Firm) -> Callable[..., int]:
    """Records a purchase of the firm an hour ago; gives the id of the activity."""

    def of(amount: int, person: Employee | None = None, **fields: object) -> int:
        now = timezone.now()
        fields = {"occurred_at": now - timedelta(hours=1), **fields}
        item = a_purchase(firm.membership.company, amount, employee_id=person and person.pk, **fields)
        [outcome] = record(item, now=now)
        assert outcome.error is None
        assert outcome.activity_id is not None
        return outcome.activity_id

    return of
