"""After every import the laws hold."""

from collections.abc import Iterator

import pytest

from accounts import laws


@pytest.fixture(autouse=True)
def _laws_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if request.node.get_closest_marker("django_db"):
        assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}
