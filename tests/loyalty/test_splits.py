"""Any split of a stream of activities into calls ends in the same state, row for row, whatever the ids."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import F

from accounts import laws
from accounts.actors import actor_of
from accounts.models import Company, Employee
from loyalty.activities import ActivityItem, Outcome, record_activities
from loyalty.ledger import Owner
from loyalty.models import (
    ActivityAttribute,
    ActivityType,
    Award,
    Badge,
    CapUsage,
    Evaluation,
    ExchangeRate,
    Membership,
    Metric,
    MetricBucket,
    MetricPerson,
    Posting,
    Program,
    Tier,
    TierAssignment,
    Wallet,
)
from loyalty.own_activities import BADGE_RECEIVED, TIER_REACHED, ensure_derived_types
from loyalty.site.bench.canon import Canon, canonical, differences
from rewards.redemption import redeem
from tests.factories.world import (
    NOW,
    a_benefit,
    a_company,
    a_member,
    a_program,
    a_purchase_type,
    a_reward,
    a_role,
    a_rule_set,
    a_source,
    an_admin,
    an_agreement,
    an_employee,
    consent_to,
)

pytestmark = pytest.mark.django_db

ALL_AT_ONCE = 997


@dataclass(frozen=True)
class World:
    """The companies that take part and their people, each company's first one its admin."""

    people: Mapping[int, Sequence[int]]


def a_world() -> World:
    """Two programs that share clients; consents, limits, tiers, expiry, and debts that the stream runs into."""
    type_ = a_purchase_type()
    ensure_derived_types()
    ExchangeRate.objects.create(currency="EUR", into="GBP", rate=Decimal("0.8731"), starts_on=date(2024, 1, 1))
    london = a_program(tiers={"bronze": 0, "silver": 700, "gold": 2000}, expiry_months=3, tier_grace_months=1)
    tokyo = a_program(
        tiers={"member": 50, "partner": 1500}, time_zone="Asia/Tokyo", tier_window=Program.Window.CALENDAR_YEAR
    )
    ActivityAttribute.objects.create(
        activity_type=type_, code="margin", name="Margin", type=ActivityAttribute.Type.NUMBER
    )
    measures = {"pieces": "QUANTITY", "orders": "COUNT", "earned": "POINTS", "margin": "SUM", "active": "PEOPLE"}
    for program in (london, tokyo):
        for code, measure in measures.items():
            attribute = "margin" if measure == "SUM" else ""
            Metric.objects.create(
                program=program, code=code, name=code, measure=measure, activity_type=type_, attribute=attribute
            )
        Badge.objects.create(program=program, code="regular", name="Regular")
    Tier.objects.filter(program=tokyo, code="partner").update(is_invited=True)
    a_benefit(tokyo, code="hour")
    _rules_of(london, tokyo)
    both, first, second, past, nobody = (a_company() for _ in range(5))
    people = {company.pk: [an_admin(company).pk, an_employee(company).pk] for company in (both, first, second, past)}
    people[nobody.pk] = []
    for company in (both, first, past):
        member = a_member(london, company)
        if company is not first:
            consent_to(member, roles=["buyer"], monthly_limit=90, unearned="COMPANY" if company is both else "LAPSE")
        if company is past:
            Membership.objects.filter(pk=member.pk).update(ends_at=NOW - timedelta(days=40))
    for company in (both, second):
        consent_to(a_member(tokyo, company))
    Membership.objects.filter(company=second, program=tokyo).update(has_one_wallet=True)
    for employee in Employee.objects.filter(company__in=(both, past)):
        a_role(employee, "buyer")
    world = World(people)
    _spend_what_was_earned(world, london, both)
    _agreements_of(london, tokyo)
    return world


def _agreements_of(london: Program, tokyo: Program) -> None:
    """Two versions with one company, which its stream meets both, and one with a company of the other program."""
    member = Membership.objects.filter(program=london, ends_at=None).earliest("pk")
    an_agreement(
        member,
        factor="1.37",
        rates={"spend": {"kind": "percent", "percent": "57.3", "of": "activity.amount"}},
        limits=[
            {"rule_code": "spend", "subject": "COMPANY", "period": "MONTH", "limit": 300},
            {
                "scope": "RULES",
                "rule_codes": ["spend", "tier"],
                "shared_as": "both",
                "name": "Both",
                "subject": "COMPANY",
                "period": "MONTH",
                "limit": 80,
                "is_per_object": True,
            },
        ],
        starts_at=NOW - timedelta(days=300),
    )
    an_agreement(
        member,
        factor="0.81",
        limits=[
            {"rule_code": "split", "subject": "EMPLOYEE", "period": "WEEK", "limit": 25},
            {"rule_code": "spend", "subject": "COMPANY", "period": "MONTH", "limit": 900, "is_lower": True},
            {"scope": "SHARED", "shared_as": "together", "subject": "COMPANY", "period": "WEEK", "limit": 40},
            {
                "scope": "RULES",
                "rule_codes": ["spend", "split"],
                "shared_as": "both",
                "name": "Both",
                "subject": "COMPANY",
                "period": "MONTH",
                "limit": 120,
                "is_per_object": True,
            },
            {"scope": "ALL", "subject": "EMPLOYEE", "period": "MONTH", "limit": 3, "counts": "TIMES"},
            {"scope": "ALL", "subject": "COMPANY", "period": "QUARTER", "limit": 1_100},
        ],
        starts_at=NOW - timedelta(days=16),
        until=NOW - timedelta(hours=30),
    )
    partner = Membership.objects.filter(program=tokyo).latest("pk")
    an_agreement(partner, factor="1.25", starts_at=NOW - timedelta(days=100))


def _rules_of(london: Program, tokyo: Program) -> None:
    in_gold = {"fact": "standing.tier_rank", "op": "gte", "value": 2}
    a_rule_set(
        london,
        [
            {"code": "spend", "caps": [("COMPANY", "MONTH", 600)]},
            {
                "code": "shared",
                "beneficiary": "BOTH",
                "formula": {"kind": "percent", "percent": "33.3", "of": "activity.amount"},
                "caps": [("EMPLOYEE", "WEEK", 120), ("PROGRAM", "DAY", 400), ("COMPANY", "YEAR", 3000)],
            },
            {"code": "tier", "condition": in_gold, "formula": {"kind": "fixed", "points": 17}},
            {"code": "closed", "formula": {"kind": "fixed", "points": 5}, "caps": [("COMPANY", "EVER", 0)]},
            {
                "code": "reached",
                "activity_type": ActivityType.objects.get(code=TIER_REACHED),
                "formula": {"kind": "fixed", "points": 31},
            },
            {"code": "badge", "beneficiary": "BOTH", "formula": {"kind": "badge", "badge": "regular"}},
            {
                "code": "received",
                "beneficiary": "BOTH",
                "activity_type": ActivityType.objects.get(code=BADGE_RECEIVED),
                "formula": {"kind": "fixed", "points": 23},
            },
        ],
        ends_at=NOW - timedelta(days=20),
    )
    a_rule_set(
        london,
        [
            {"code": "spend", "caps": [("COMPANY", "MONTH", 450)]},
            {"code": "shared", "beneficiary": "EMPLOYEE", "formula": {"kind": "fixed", "points": 40}},
            {
                "code": "divided",
                "beneficiary": "ROLE",
                "role": "buyer",
                "is_divided": True,
                "formula": {"kind": "fixed", "points": 25},
                "caps": [
                    {
                        "subject": "EMPLOYEE",
                        "period": "EVER",
                        "limit": 2,
                        "counts": "TIMES",
                        "is_per_object": True,
                    }
                ],
                "shared_limits": ["together"],
            },
            {
                "code": "split",
                "beneficiary": "SPLIT",
                "person_share": 35,
                "formula": {"kind": "percent", "percent": "9.9", "of": "activity.amount"},
                "shared_limits": ["together"],
            },
        ],
        shared=[{"code": "together", "subject": "COMPANY", "period": "WEEK", "limit": 90}],
        starts_at=NOW - timedelta(days=20),
    )
    a_rule_set(
        tokyo,
        [
            {"code": "person", "beneficiary": "EMPLOYEE", "caps": [("EMPLOYEE", "QUARTER", 500)]},
            {
                "code": "pieces",
                "formula": {"kind": "per", "points": 3, "step": "2", "of": "activity.quantity"},
                "caps": [("COMPANY", "DAY", 30)],
            },
            {
                "code": "extra",
                "beneficiary": "BOTH",
                "formula": {
                    "kind": "percent",
                    "percent": "7.7",
                    "of": "activity.amount",
                    "multipliers": {"tier": {"partner": "1.3"}, "campaigns": ["always"]},
                    "rounding": "half up",
                },
                "caps": [("COMPANY", "MONTH", 60)],
            },
            {
                "code": "hour",
                "formula": {"kind": "benefit", "benefit": "hour", "times": 1, "days": 30},
                "caps": [{"subject": "COMPANY", "period": "MONTH", "limit": 1, "counts": "TIMES"}],
            },
            {"code": "asked", "formula": {"kind": "invitation", "tier": "partner", "days": 30}},
        ],
        campaigns=[{"code": "always", "factor": "2.5", "budget": 30}],
    )


def _spend_what_was_earned(world: World, program: Program, company: Company) -> None:
    """Orders that take all points of the wallet, so that returns of the stream must go into debt."""
    item = ActivityItem("before", "purchase", company.pk, NOW - timedelta(days=3), amount=Decimal(400), currency="GBP")
    record_activities([item], source=a_source(), now=NOW)
    admin = Employee.objects.get(pk=world.people[company.pk][0])
    redeem(
        actor=actor_of(admin.user, now=NOW),
        reward_id=a_reward(program, price=400).pk,
        payer=Owner(program.pk, company.pk),
        shown_price=400,
        key="before",
        now=NOW,
    )


def a_stream(world: World, *, length: int, seed: int) -> list[ActivityItem]:
    """Purchases, returns whole and in part, too large, repeated and mistaken ones, in a fixed order a seed."""
    random_ = random.Random(seed)
    before = ActivityItem("before", "purchase", next(iter(world.people)), NOW - timedelta(days=3), amount=Decimal(400))
    purchases, items = [before], list[ActivityItem]()
    for number in range(length):
        dice = random_.random()
        if dice < 0.5:
            purchases.append(_purchase(world, random_, f"A{number:04}"))
            items.append(purchases[-1])
        elif dice < 0.85:
            items.append(_return_of(random_.choice(purchases[-12:] + purchases[:2]), random_, f"R{number:04}"))
        elif dice < 0.95 and items:
            items.append(random_.choice(items[-20:]))
        elif items:
            again = random_.choice(items[-6:])
            items.append(replace(again, amount=Decimal(random_.randint(1, 30)), currency="GBP"))
    return items


def _purchase(world: World, random_: random.Random, external_id: str) -> ActivityItem:
    company_id = random_.choice(list(world.people))
    days = random_.choice([0, 0, 1, 2, 15, 21, 45, 100, 200, 400])
    amount = random_.choice([None, Decimal(0), Decimal(random_.randint(100, 90_000)) / 100])
    quantity = random_.choice([None, Decimal(random_.randint(1, 40)) / 2])
    return ActivityItem(
        external_id=external_id,
        type="purchase",
        company_id=company_id,
        employee_id=random_.choice([None, *world.people[company_id]]),
        occurred_at=NOW - timedelta(days=days, hours=random_.randint(0, 23)),
        amount=amount,
        quantity=quantity,
        currency="" if amount is None else random_.choice(["GBP", "GBP", "EUR"]),
        object=random_.choice(["", "A", "B", "C"]),
        participants=tuple(person for person in world.people[company_id] if random_.random() < 0.4),
        attributes={} if amount is None else {"margin": str(round(amount / 3 - 20, 4))},
    )


def _return_of(original: ActivityItem, random_: random.Random, external_id: str) -> ActivityItem:
    part = Decimal(random_.choice(["0.25", "0.5", "0.5", "1"]))
    days = (NOW - original.occurred_at).days
    amount = None if original.amount is None else round(original.amount * part, 4)
    quantity = random_.choice([None, None if original.quantity is None else round(original.quantity * part, 4)])
    if random_.random() < 0.3:
        amount = quantity = None
    return ActivityItem(
        external_id=external_id,
        type="purchase",
        company_id=original.company_id,
        occurred_at=original.occurred_at + timedelta(days=random_.randint(0, days)),
        amount=amount,
        quantity=quantity,
        currency="" if amount is None else original.currency or "GBP",
        reverses=original.external_id,
    )


def _batches(items: Sequence[ActivityItem], size: int) -> Iterator[Sequence[ActivityItem]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _end_state(
    items: Sequence[ActivityItem], size: int, *, put_back: bool = True
) -> tuple[Canon, list[tuple[object, ...]]]:
    """The canonical end state after recording `items` in calls of `size`, and the outcomes; then all is put back."""
    point = transaction.savepoint()
    outcomes: list[Outcome] = []
    for batch in _batches(items, size):
        outcomes += record_activities(batch, source=a_source(), now=NOW)
    state = canonical()
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}
    if put_back:
        transaction.savepoint_rollback(point)
    return state, [
        (outcome.status, outcome.points, outcome.error and outcome.error.code, outcome.is_waiting)
        for outcome in outcomes
    ]


def _differences(
    one: tuple[Canon, list[tuple[object, ...]]], other: tuple[Canon, list[tuple[object, ...]]]
) -> dict[str, object]:
    """What one end state has and the other has not, by kind of row; empty where they are equal.

    Of a return that waited when it was sent, each call tells what became of it by its own end.
    """
    (rows, told), (other_rows, other_told) = one, other
    different: dict[str, object] = {**differences(rows, other_rows)}
    if told != other_told:
        pairs = [pair for pair in zip(told, other_told, strict=True) if pair[0] != pair[1] and not pair[1][-1]]
        different |= {"outcomes": pairs} if pairs else {}
    return different


@pytest.mark.parametrize("seed", range(2))
def test_any_split_into_calls_ends_in_the_same_state(seed: int) -> None:
    items = a_stream(a_world(), length=120, seed=seed)

    one_by_one = _end_state(items, 1)

    for size in (7, ALL_AT_ONCE):
        assert _differences(_end_state(items, size), one_by_one) == {}


@pytest.mark.parametrize("seed", range(2))
def test_any_split_of_a_stream_in_no_order_ends_in_the_same_state(seed: int) -> None:
    world = a_world()
    items = a_stream(world, length=120, seed=seed)
    random.Random(seed).shuffle(items)

    state, told = one_by_one = _end_state(items, 1)

    assert sum(outcome[-1] is True for outcome in told) > 10
    assert {True, False} == {"RETURN_EXCEEDS_ORIGINAL" in row or "None" in row for row in state["links"]}
    for size in (7, ALL_AT_ONCE):
        assert _differences(_end_state(items, size), one_by_one) == {}


def test_stream_of_these_tests_meets_all_that_could_tell_splits_apart() -> None:
    items = a_stream(a_world(), length=120, seed=0)

    _state, outcomes = _end_state(items, ALL_AT_ONCE, put_back=False)

    assert {outcome[0] for outcome in outcomes} == {"recorded", "duplicate", "rejected"}
    assert {"return_exceeds_original", "id_used_for_another"} <= {outcome[2] for outcome in outcomes}
    assert Wallet.objects.filter(kind="EXPIRED", balance__gt=0).count() >= 1
    assert Posting.objects.filter(debit_wallet__kind="DEBT").exists()
    assert Posting.objects.filter(credit_wallet__kind="DEBT").exists()
    assert Posting.objects.filter(debit_wallet__kind="EXPIRED").exists()
    assert Award.objects.filter(granted=0).exists()
    assert Award.objects.filter(granted__gt=0, granted__lt=F("raw")).exists()
    assert Award.objects.filter(from_campaign__gt=0, reversal__reversed__gt=0).exists()
    assert Award.objects.exclude(granted=F("raw")).filter(rule_code="extra", cap_left_before__gt=F("granted")).exists()
    assert TierAssignment.objects.filter(ends_at__isnull=False).exists()
    assert Evaluation.objects.exclude(agreement=None).values("agreement").distinct().count() == 3
    assert Award.objects.filter(evaluation__agreement__isnull=False, reversal__reversed__gt=0).exists()
    assert CapUsage.objects.filter(rule_code="", used__gt=0).exists()
    for code in ("agreed:*", "times:agreed:*", "object:agreed:both"):
        assert CapUsage.objects.filter(rule_code=code, used__gt=0).exists()
    assert Award.objects.filter(evaluation__agreement__version=2, granted__lt=F("raw")).exists()
    assert MetricBucket.objects.filter(metric="margin", value__lt=0).exists()
    assert MetricPerson.objects.filter(count__gt=1).exists()
    assert Posting.objects.filter(reverses__isnull=False, award__wallet__employee__isnull=False).exists()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
@pytest.mark.parametrize("in_order", [True, False])
def test_any_split_of_a_long_stream_ends_in_the_same_state(seed: int, in_order: bool) -> None:
    items = a_stream(a_world(), length=2_500, seed=seed)
    if not in_order:
        random.Random(seed).shuffle(items)

    one_by_one = _end_state(items, 1)

    for size in (7, ALL_AT_ONCE):
        assert _differences(_end_state(items, size), one_by_one) == {}
