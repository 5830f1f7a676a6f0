"""Smaller programs beside the demo's: one whose points wait, and two pilots that are over, each ended its own way."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from loyalty.memberships import Joining, enrol, give_consent
from loyalty.models import ActivityType, Membership, Program, Rule, RuleSet
from loyalty.site.demo.settling import Settled
from rewards.models import Reward, RewardStock, StockMovement

ACADEMY_CODE = "halden-academy"

_PILOT_EARNS, _PILOT_SPENDS = timedelta(weeks=9), timedelta(weeks=14)
_PILOTS = (
    ("pilot-north", "Pilot North", Program.Rest.HAND_OVER),
    ("pilot-south", "Pilot South", Program.Rest.EXPIRE),
)


def run_small_programs(firms: Sequence[Settled], *, starts_at: datetime) -> None:
    """Make them, in force from `starts_at`; the first firms go to the academy, the next ones were in a pilot each."""
    academy = _program(
        ACADEMY_CODE,
        "Halden Academy",
        "training",
        {"kind": "fixed", "points": 40},
        Rule.To.BOTH,
        starts_at,
        release=Program.Release.AFTER_DAYS,
        release_days=14,
        expiry=Program.Expiry.INACTIVITY,
        expiry_months=12,
    )
    _offer_a_seat(academy)
    for settled in firms[:2]:
        _bring_in(settled, academy)
    begin = starts_at.date()
    for settled, (code, name, rest) in zip(firms[2:4], _PILOTS, strict=True):
        pilot = _program(
            code,
            name,
            "purchase",
            {"kind": "per", "points": 1, "step": "50", "of": "activity.amount"},
            Rule.To.COMPANY,
            starts_at,
            rest=rest,
            **_days_of_a_pilot(begin),
        )
        _bring_in(settled, pilot)


def _days_of_a_pilot(begin: date) -> dict[str, date]:
    return {"last_earn_on": begin + _PILOT_EARNS, "last_spend_on": begin + _PILOT_SPENDS}


def _program(
    code: str, name: str, type_code: str, formula: dict[str, Any], to: Rule.To, starts_at: datetime, **terms: Any
) -> Program:
    """A program with one rule."""
    program = Program.objects.create(
        code=code, name=name, currency="EUR", time_zone="Europe/Berlin", point_value=Decimal("0.05"),
        adjustment_limit=200, **terms,
    )  # fmt: skip
    rule_set = RuleSet.objects.create(program=program, version=1)
    activity_type = ActivityType.objects.get(code=type_code)
    Rule.objects.create(
        rule_set=rule_set,
        code=type_code,
        name=activity_type.name,
        position=0,
        activity_type=activity_type,
        formula=formula,
        beneficiary=to,
    )
    rule_set.status, rule_set.starts_at = RuleSet.Status.ACTIVE, starts_at
    rule_set.save()
    return program


def _offer_a_seat(program: Program) -> None:
    reward = Reward.objects.create(
        program=program,
        code="master-class",
        name="A seat in the master class",
        description="Two days with our best trainer, for somebody of your workshop.",
        price=400,
        category=Reward.Category.LEARNING,
        is_published=True,
    )
    StockMovement.objects.create(stock=RewardStock.objects.create(reward=reward), pieces=6)


def _bring_in(settled: Settled, program: Program) -> None:
    """A firm that takes part in a further program, its people too where it agreed to that in the first one."""
    joined_at = settled.joined_at + timedelta(minutes=1)
    joining = Joining(settled.company.pk, joined_at)
    [membership] = enrol(program=program, joinings=[joining], origin=Membership.Origin.ENROLLED_BY_VENDOR)
    if settled.firm.has_consent and settled.admin.user is not None:
        give_consent(membership=membership, by=settled.admin.user, now=joined_at)
