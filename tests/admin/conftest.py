"""Who sits at the admin in these tests."""

import pytest
from django.test import Client

from accounts.models import User
from tests.factories.world import a_manager


@pytest.fixture
def manager(db: None) -> User:
    """A program manager who may do everything."""
    return a_manager(name="Maxine Manager")


@pytest.fixture
def desk(client: Client, manager: User) -> Client:
    """The manager's browser."""
    client.force_login(manager)
    return client
