"""What tests of the API rest on."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _forget_counts() -> None:
    cache.clear()
