"""Who loads blueprints."""

import pytest

from accounts.models import User
from tests.factories.world import a_manager


@pytest.fixture
def by(db: None) -> User:
    """A program manager."""
    return a_manager()
