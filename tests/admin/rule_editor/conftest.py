"""A program whose rules are edited, and a version of them without any."""

import pytest

from accounts.models import Segment, StakeholderRole
from loyalty.models import (
    ActivityAttribute,
    Program,
    RuleSet,
)
from tests.factories.world import a_program, a_purchase_type


@pytest.fixture
def program(db: None) -> Program:
    """A program with tiers, roles, a segment, and purchases that tell their margin."""
    Segment.objects.create(code="key", name="Key accounts")
    StakeholderRole.objects.create(code="buyer", name="Buyer")
    program = a_program(name="Circle", tiers={"basic": 0, "gold": 500})
    ActivityAttribute.objects.create(activity_type=a_purchase_type(), code="margin", name="margin", type="NUMBER")
    return program


@pytest.fixture
def draft(program: Program) -> RuleSet:
    """A version without rules."""
    return RuleSet.objects.create(program=program, version=1)
