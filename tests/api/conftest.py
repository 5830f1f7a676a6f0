"""What tests of the API rest on."""

import pytest
from django.core.cache import cache

from tests.factories.canaries import CanaryWorld


@pytest.fixture(autouse=True)
def _forget_counts() -> None:
    cache.clear()


@pytest.fixture
def world(canary_world: CanaryWorld) -> CanaryWorld:
    """Two companies with rows in every table."""
    return canary_world
