"""The demo's program: rules, tiers and rewards of a vendor of tools."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from loyalty.models import (
    ActivityAttribute,
    ActivityType,
    Badge,
    Campaign,
    Example,
    ExampleStep,
    Metric,
    ProductList,
    Program,
    Rule,
    RuleCap,
    RuleSet,
    Tier,
)
from loyalty.own_activities import TIER_REACHED, ensure_derived_types
from rewards.models import Reward, RewardStock, StockMovement
from surveys.activity import TYPE_CODE, ensure_activity_type

PROGRAM_CODE = "halden-together"

_RULES: tuple[dict[str, Any], ...] = (
    {
        "code": "orders",
        "name": "Every order counts",
        "type": "purchase",
        "formula": {
            "kind": "per",
            "points": 1,
            "step": "10",
            "of": "activity.amount",
            "multipliers": {"tier": {"gold": "1.5"}},
        },
        "to": Rule.To.COMPANY,
    },
    {
        "code": "large-orders",
        "name": "Large orders",
        "type": "purchase",
        "formula": {
            "kind": "steps",
            "of": "activity.amount",
            "applies": "to the whole",
            "bands": [{"from": "2000", "to": "6000", "points": 200}, {"from": "6000", "points": 350}],
        },
        "to": Rule.To.COMPANY,
        "caps": (("COMPANY", "MONTH", 600),),
    },
    {
        "code": "what-wears-out",
        "name": "What wears out",
        "type": "purchase",
        "formula": {
            "kind": "lookup",
            "by": "activity.product_lists",
            "of": "activity.amount",
            "table": [{"is": "wear", "percent": "1"}],
            "minimum_spend": "200",
            "multipliers": {"campaigns": ["tool-weeks"]},
            "rounding": "half up",
            "at_most": 150,
        },
        "to": Rule.To.COMPANY,
    },
    {
        "code": "careful-buying",
        "name": "For the one who orders",
        "type": "purchase",
        "condition": {"fact": "employee.roles", "op": "has_any", "value": ["buyer", "sales"]},
        "formula": {"kind": "per", "points": 5, "step": "500", "of": "activity.amount"},
        "to": Rule.To.EMPLOYEE,
        "caps": (("EMPLOYEE", "MONTH", 60),),
    },
    {
        "code": "training",
        "name": "Training done",
        "type": "training",
        "formula": {"kind": "fixed", "points": 120},
        "to": Rule.To.BOTH,
        "caps": (("EMPLOYEE", "QUARTER", 600),),
    },
    {
        "code": "trained",
        "name": "Knows the tools",
        "type": "training",
        "formula": {"kind": "badge", "badge": "trained"},
        "to": Rule.To.EMPLOYEE,
    },
    {
        "code": "higher-tier",
        "name": "A higher tier",
        "type": TIER_REACHED,
        "condition": {"fact": "standing.tier_rank", "op": "gte", "value": 2},
        "formula": {"kind": "fixed", "points": 150},
        "to": Rule.To.COMPANY,
        "caps": (("COMPANY", "YEAR", 300),),
    },
    {
        "code": "your-word",
        "name": "For your word",
        "type": TYPE_CODE,
        "formula": {"kind": "fixed", "points": 60},
        "to": Rule.To.EMPLOYEE,
    },
)
_WEAR = ["BLADE-7", "COOLANT-20", "DRILL-12", "DRILL-8"]
_TIERS = (("bronze", "Bronze", 0), ("silver", "Silver", 35_000), ("gold", "Gold", 120_000))
_REWARDS = (
    ("hamper", "Coffee for the department", "Two kilos of coffee from a roastery near you, for everybody.", 400, 60,
     Reward.Category.TEAM, Reward.PaidFrom.ANY),
    ("calibration", "A calibration day at your place", "Our engineer calibrates your gauges in one day.", 1500, 12,
     Reward.Category.BUSINESS, Reward.PaidFrom.COMPANY),
    ("training-day", "A training day for your team", "A trainer of ours, a subject of your choice.", 3200, 8,
     Reward.Category.LEARNING, Reward.PaidFrom.COMPANY),
    ("tool-trial", "Eight weeks with a new tool", "Try next year's drill before others see it.", 900, 5,
     Reward.Category.BUSINESS, Reward.PaidFrom.COMPANY),
    ("fair", "Two tickets for the tool fair", "With a guided tour and dinner on the first evening.", 6000, 4,
     Reward.Category.EXPERIENCE, Reward.PaidFrom.ANY),
    ("study", "The market study of the year", "What three hundred workshops plan to buy.", 250, 1000,
     Reward.Category.BUSINESS, Reward.PaidFrom.ANY),
    ("visit", "A visit to the foundry", "See where the blades come from. All places are taken.", 700, 0,
     Reward.Category.EXPERIENCE, Reward.PaidFrom.EMPLOYEE),
    ("course", "An online course on tool wear", "Four evenings, with a certificate in your own name.", 350, 40,
     Reward.Category.LEARNING, Reward.PaidFrom.EMPLOYEE),
    ("apprentices", "A toolbox for an apprentice", "Goes to your town's vocational school, in your company's name.",
     550, 30, Reward.Category.CAUSE, Reward.PaidFrom.ANY),
    ("jacket", "A workshop jacket", "Warm, in your size, with no more than a small mark of ours.", 480, 25,
     Reward.Category.GOODS, Reward.PaidFrom.EMPLOYEE),
)  # fmt: skip


_EXAMPLES: tuple[tuple[dict[str, Any], tuple[dict[str, Any], ...]], ...] = (
    (
        {"code": "an-order", "name": "An order, and a third of it comes back", "roles": ["buyer"],
         "gives_company": 333, "gives_person": 20},
        (
            {"type": "purchase", "amount": 3_000, "gives_company": 500, "gives_person": 30},
            {"type": "purchase", "amount": 1_000, "undoes": 1, "gives_company": -167, "gives_person": -10},
        ),
    ),
    (
        {"code": "at-most", "name": "Large orders bring at most 600 a month", "gives_company": 1_400},
        ({"type": "purchase", "amount": 2_000, "times": 4, "by_person": False},),
    ),
    (
        {"code": "trained", "name": "A training brings points to both, and the badge", "gives_company": 120,
         "gives_person": 120, "favours": ["badge:trained"]},
        ({"type": "training", "attributes": {"module": "wear"}},),
    ),
    (
        {"code": "silver", "name": "One great order leads to silver", "gives_company": 4_100, "tier_after": "silver"},
        ({"type": "purchase", "amount": 36_000, "by_person": False},),
    ),
)  # fmt: skip
"""What the program promises, in figures: no draft is put in force with which one of these fails."""


def create_program(*, starts_at: datetime) -> Program:
    """Make the program, in force from `starts_at`."""
    purchase = ActivityType.objects.create(code="purchase", name="Purchase")
    training = ActivityType.objects.create(code="training", name="Training")
    ActivityAttribute.objects.create(
        activity_type=training,
        code="module",
        name="module",
        type=ActivityAttribute.Type.TEXT,
        is_required=True,
    )
    program = Program.objects.create(
        code=PROGRAM_CODE,
        name="Halden Together",
        currency="EUR",
        time_zone="Europe/Berlin",
        expiry=Program.Expiry.MONTHS,
        expiry_months=5,
        tier_metric="spend",
        point_value=Decimal("0.04"),
        adjustment_limit=500,
        transfers=Program.Transfers.BOTH,
    )
    Metric.objects.create(
        program=program, code="spend", name="Spend", measure=Metric.Measure.AMOUNT, activity_type=purchase
    )
    for rank, (code, name, threshold) in enumerate(_TIERS, start=1):
        Tier.objects.create(program=program, code=code, name=name, rank=rank, threshold=Decimal(threshold))
    Tier.objects.create(
        program=program,
        code="circle",
        name="Circle",
        rank=len(_TIERS) + 1,
        is_earned=False,
        is_invited=True,
        is_paid=True,
        fee=Decimal(1_900),
        fee_currency="EUR",
        fee_months=12,
        condition={"fact": "metric.spend", "op": "gte", "value": 20_000},
    )
    rule_set = RuleSet.objects.create(program=program, version=1)
    ProductList.objects.create(rule_set=rule_set, code="wear", name="Blades, drills and coolant", products=_WEAR)
    begin = starts_at.date() + timedelta(weeks=14)
    Campaign.objects.create(
        rule_set=rule_set,
        code="tool-weeks",
        name="Tool weeks",
        starts_on=begin,
        ends_on=begin + timedelta(days=41),
        factor=Decimal(2),
        budget=1_200,
    )
    Badge.objects.create(
        program=program,
        code="trained",
        name="Knows the tools",
        description="For whoever finished a training of ours.",
    )
    ensure_derived_types()
    types = {
        "purchase": purchase,
        "training": training,
        TIER_REACHED: ActivityType.objects.get(code=TIER_REACHED),
        TYPE_CODE: ensure_activity_type(),
    }
    for position, row in enumerate(_RULES):
        rule = Rule.objects.create(
            rule_set=rule_set,
            code=row["code"],
            name=row["name"],
            position=position,
            activity_type=types[row["type"]],
            condition=row.get("condition", {}),
            formula=row["formula"],
            beneficiary=row["to"],
        )
        for subject, period, limit in row.get("caps", ()):
            RuleCap.objects.create(rule=rule, subject=subject, period=period, limit=limit)
    rule_set.status, rule_set.starts_at = RuleSet.Status.ACTIVE, starts_at
    rule_set.save()
    _create_examples(program, types, starts_at)
    for code, name, description, price, pieces, category, paid_from in _REWARDS:
        reward = Reward.objects.create(
            program=program,
            code=code,
            name=name,
            description=description,
            price=price,
            category=category,
            paid_from=paid_from,
            is_published=True,
        )
        stock = RewardStock.objects.create(reward=reward)
        if pieces:
            StockMovement.objects.create(stock=stock, pieces=pieces)
    return program


def _create_examples(program: Program, types: Mapping[str, ActivityType], starts_at: datetime) -> None:
    for position, (fields, steps) in enumerate(_EXAMPLES):
        example = Example.objects.create(program=program, position=position, **fields)
        for number, step in enumerate(steps, start=1):
            given = {name: value for name, value in step.items() if name != "type"}
            ExampleStep.objects.create(
                example=example,
                position=number,
                activity_type=types[step["type"]],
                day=starts_at.date() + timedelta(days=number),
                **given,
            )
