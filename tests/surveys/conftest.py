"""A firm whose people are asked, and browsers for them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.test import Client

from accounts import laws
from accounts.models import Employee, User
from loyalty.models import Membership, Program
from surveys.models import Survey
from tests.factories.surveys import a_survey, a_survey_rule
from tests.factories.world import a_manager, a_member, a_program, a_rule_set, an_employee, consent_to
from tests.worlds import Keep, Kept

SignIn = Callable[[Employee | User], Client]


@dataclass(frozen=True, slots=True)
class Firm:
    """A member company with two people, and a survey that brings each 50 points and the company 20."""

    program: Program
    membership: Membership
    mia: Employee
    tom: Employee
    survey: Survey


@pytest.fixture
def laws_hold() -> Iterator[None]:
    """All laws hold when a test is over."""
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def a_firm() -> Firm:
    """Build it."""
    program = a_program(name="Workshop")
    a_rule_set(
        program,
        [a_survey_rule("spring", 50), a_survey_rule("spring", 20, to="COMPANY", code="firm", name="For the company")],
    )
    membership = a_member(program)
    consent_to(membership)
    company = membership.company
    survey = a_survey(program, code="spring", name="Spring survey")
    return Firm(program, membership, an_employee(company, name="Mia"), an_employee(company, name="Tom"), survey)


@pytest.fixture(scope="module")
def kept_firm(keep: Keep) -> Kept[Firm]:
    """The firm."""
    return keep(a_firm)


@pytest.fixture
def firm(db: None, kept_firm: Kept[Firm]) -> Firm:
    """The firm."""
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
def manager(db: None) -> User:
    """A program manager."""
    return a_manager(name="Maxine Manager")


@pytest.fixture
def desk(manager: User, sign_in: SignIn) -> Client:
    """The manager's browser."""
    return sign_in(manager)
