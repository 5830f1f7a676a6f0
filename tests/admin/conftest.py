"""Who sits at the admin in these tests, and what they look at."""

from dataclasses import dataclass

import pytest
from django.test import Client

from accounts.models import User
from loyalty.models import Program
from tests.admin.scenery import furnish
from tests.factories.world import a_manager
from tests.worlds import Keep, Kept


@dataclass(frozen=True, slots=True)
class Furnished:
    """A program manager who may do everything, their browser, and a program with rows in every table."""

    manager: User
    desk: Client
    program: Program


def a_furnished_house(*, companies: int = 1) -> Furnished:
    """Build it."""
    manager, desk = a_manager(name="Maxine Manager"), Client()
    desk.force_login(manager)
    return Furnished(manager, desk, furnish(manager, companies=companies))


def a_house_of_two_companies() -> Furnished:
    """Build it with two companies."""
    return a_furnished_house(companies=2)


@pytest.fixture(scope="module")
def kept_house(keep: Keep) -> Kept[Furnished]:
    """A program with one company, and rows in every table."""
    return keep(a_furnished_house)


@pytest.fixture
def furnished(db: None, kept_house: Kept[Furnished]) -> Furnished:
    """A program with one company, and rows in every table; ask for it instead of `manager` and `desk`."""
    return kept_house.put_back()


@pytest.fixture(scope="module")
def kept_house_of_two(keep: Keep) -> Kept[Furnished]:
    """A program with two companies, and rows in every table."""
    return keep(a_house_of_two_companies)


@pytest.fixture
def furnished_for_two(db: None, kept_house_of_two: Kept[Furnished]) -> Furnished:
    """A program with two companies, and rows in every table; ask for it instead of `manager` and `desk`."""
    return kept_house_of_two.put_back()


@pytest.fixture
def manager(db: None) -> User:
    """A program manager who may do everything."""
    return a_manager(name="Maxine Manager")


@pytest.fixture
def desk(client: Client, manager: User) -> Client:
    """The manager's browser."""
    client.force_login(manager)
    return client
