"""The sections of a blueprint, in the order in which they are written and loaded."""

from loyalty.site.blueprints.sections.benefits import BenefitMatrixSection, BenefitSection
from loyalty.site.blueprints.sections.examples import ExampleSection
from loyalty.site.blueprints.sections.plan import PlanSection
from loyalty.site.blueprints.sections.program import ProgramSection
from loyalty.site.blueprints.sections.rewards import RewardSection
from loyalty.site.blueprints.sections.rule_set import RuleSetSection
from loyalty.site.blueprints.sections.section import Loading, Made, Section
from loyalty.site.blueprints.sections.standing import BadgeSection, MetricSection, TierSection
from loyalty.site.blueprints.sections.surveys import SurveySection
from loyalty.site.blueprints.sections.words import ActivityTypeSection, RoleSection, SegmentSection

__all__ = ["SECTIONS", "Loading", "Made", "Section"]

SECTIONS: tuple[Section, ...] = (
    ProgramSection(),
    RoleSection(),
    SegmentSection(),
    ActivityTypeSection(),
    MetricSection(),
    TierSection(),
    BadgeSection(),
    BenefitSection(),
    BenefitMatrixSection(),
    RewardSection(),
    SurveySection(),
    PlanSection(),
    RuleSetSection(),
    ExampleSection(),
)
"""Floors above add theirs here; each finds what those before it made."""
