"""A replay gives what a fresh installation would have posted, had it had the draft's rules from the start."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Employee, SegmentMembership
from loyalty.activities import ActivityItem, Status
from loyalty.activities.configuration import configuration
from loyalty.importing import load_profile
from loyalty.models import (
    Activity,
    ActivityType,
    Award,
    Badge,
    CapUsage,
    Consent,
    Membership,
    Metric,
    Program,
    Rule,
    RuleSet,
    TierAssignment,
)
from loyalty.own_activities import BADGE_RECEIVED, TIER_REACHED, ensure_derived_types
from loyalty.replaying import Supposition, replay, suppose
from loyalty.replaying.books import supposing
from tests.factories.world import (
    EPOCH,
    NOW,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_purchase_type,
    a_role,
    a_rule_set,
    a_segment,
    an_agreement,
    an_employee,
    consent_to,
    record,
)
from tests.importing.files import NOW as IMPORTED_AT
from tests.importing.files import import_file
from tests.importing.test_real_data import CHECKOUT, INVOICES, first_lines

pytestmark = pytest.mark.django_db

Points = dict[tuple[str, str, str, str], int]
"""By the activity's number, the company's, the person's and the rule's code."""

BEFORE = datetime(2009, 1, 1, tzinfo=UTC)
PER_POUND = {"kind": "per", "points": 1, "step": "1", "of": "activity.amount"}
RANK = {"fact": "standing.tier_rank", "op": "gte"}
TIMES = {"subject": "PROGRAM", "period": "WEEK", "counts": "TIMES"}
ONCE_EACH = {"subject": "COMPANY", "period": "YEAR", "limit": 1, "counts": "TIMES", "is_per_object": True}


def posted(program: Program) -> tuple[Points, dict[str, str]]:
    """What was given, net of returns, and the tier each company holds."""
    rows = Award.objects.filter(program=program).select_related("activity", "company", "wallet__employee", "reversal")
    points: Counter[tuple[str, str, str, str]] = Counter()
    for row in rows:
        person = row.wallet.employee.external_id if row.wallet.employee else ""
        taken = row.reversal.reversed if hasattr(row, "reversal") else 0
        points[row.activity.external_id, row.company.external_id, person, row.rule_code] += row.granted - taken
    held = TierAssignment.objects.filter(membership__program=program, ends_at=None)
    tiers = dict(held.values_list("membership__company__external_id", "tier__code"))
    return {key: given for key, given in points.items() if given}, tiers


def replayed(draft: RuleSet, *, from_: datetime = BEFORE, now: datetime = NOW) -> tuple[Points, dict[str, str]]:
    """The same as a replay of the draft says."""
    program = draft.program
    companies = dict(Membership.objects.filter(program=program).values_list("company", "company__external_id"))
    people = dict(Employee.objects.filter(company__in=companies).values_list("pk", "external_id"))
    known = supposing(configuration(), program_id=program.pk, draft_id=draft.pk, from_=from_)
    points: Counter[tuple[str, str, str, str]] = Counter()
    found = Supposition()
    for kept in replay(program, known, sorted(companies), now=now, found=found):
        for one in kept:
            person = people[one.employee_id] if one.employee_id else ""
            points[one.activity, companies[one.company_id], person, one.rule_code] += one.points
    return (
        {key: given for key, given in points.items() if given},
        {companies[company_id]: code for company_id, code in found.tiers.items() if code},
    )


def fresh_and_replayed(
    install: Callable[[], Program],
    old_rules: Callable[[Program, str], RuleSet],
    new_rules: Callable[[Program, str], RuleSet],
    happen: Callable[[Program], None],
    now: datetime = NOW,
) -> tuple[tuple[Points, dict[str, str]], tuple[Points, dict[str, str]]]:
    """What `happen` led to under the new rules, and what a replay says of them where it happened under the old ones."""
    with transaction.atomic():
        program = install()
        new_rules(program, RuleSet.Status.ACTIVE)
        happen(program)
        fresh = posted(program)
        transaction.set_rollback(True)
    program = install()
    old_rules(program, RuleSet.Status.ACTIVE)
    happen(program)
    return fresh, replayed(new_rules(program, RuleSet.Status.DRAFT), now=now)


def a_stream(seed: int, count: int = 120) -> Callable[[Program], None]:
    """Purchases of three companies and returns of them, whole and in parts, some at once and some much later."""

    def happen(program: Program) -> None:
        chance = random.Random(seed)
        members = Membership.objects.filter(program=program).order_by("company__external_id")
        staff = {row.company_id: [None, *row.company.employees.order_by("external_id")] for row in members}
        bought: list[tuple[ActivityItem, Decimal]] = []
        at, items = EPOCH + timedelta(days=40), list[ActivityItem]()
        for number in range(count):
            at += timedelta(hours=chance.randint(1, 200))
            if bought and chance.random() < 0.3:
                place = chance.randrange(len(bought))
                item, left = bought.pop(place)
                amount = left if chance.random() < 0.5 else min(left, Decimal(chance.randint(1, 200)))
                items.append(
                    replace(item, external_id=f"R{number}", amount=amount, occurred_at=at, reverses=item.external_id)
                )
                if amount < left:
                    bought.append((item, left - amount))
            else:
                member = chance.choice([*members])
                person = chance.choice(staff[member.company_id])
                item = a_purchase(
                    member.company,
                    chance.randint(1, 400),
                    external_id=f"P{number}",
                    occurred_at=at,
                    employee_id=person.pk if person else None,
                    object=chance.choice("AB"),
                )
                items.append(item)
                bought.append((item, item.amount or Decimal(0)))
            if len(items) == 7:
                _send(items)
        _send(items)

    return happen


def _send(items: list[ActivityItem]) -> None:
    outcomes = record(*items)
    assert {outcome.status for outcome in outcomes} <= {Status.RECORDED}
    items.clear()


def a_club() -> Program:
    """Three companies with two people each: one under a consent with a limit, one under another, one with terms."""
    ensure_derived_types()
    program = a_program(code="club", tiers={"bronze": 0, "silver": 900, "gold": 3000})
    Metric.objects.create(
        program=program, code="points", name="Points", measure=Metric.Measure.POINTS, activity_type=a_purchase_type()
    )
    Badge.objects.create(program=program, code="first", name="First order")
    for number in range(3):
        member = a_member(program, a_company(external_id=f"company-{number}", country="GB"))
        for name in "xy":
            person = an_employee(member.company, login=False, external_id=f"{name}{number}")
            a_role(person, "buyer" if name == "x" else "owner")
        if number == 0:
            consent_to(member, roles=["buyer"], monthly_limit=150, unearned=Consent.Unearned.COMPANY)
        if number == 1:
            consent_to(member)
    return program


def plain_rules(program: Program, status: str) -> RuleSet:
    """What was in force: a point a pound."""
    return a_rule_set(program, [{"formula": PER_POUND}], status=status)


def busy_rules(program: Program, status: str) -> RuleSet:
    """All that rules know: limits of every kind, a campaign with a budget, shares, a role, a tier, what follows."""
    types = {kind.code: kind for kind in ActivityType.objects.all()}
    percent = {"kind": "percent", "percent": "20", "of": "activity.amount"}
    return a_rule_set(
        program,
        [
            {"code": "spend", "formula": {**PER_POUND, "multipliers": {"campaigns": ["spring"]}},
             "caps": [("COMPANY", "MONTH", 500)]},
            {"code": "both", "formula": percent, "beneficiary": "BOTH", "caps": [("EMPLOYEE", "MONTH", 90)],
             "shared_limits": ["all"]},
            {"code": "split", "formula": percent, "beneficiary": "SPLIT", "person_share": 40, "shared_limits": ["all"]},
            {"code": "owners", "formula": percent, "beneficiary": "ROLE", "role": "owner"},
            {"code": "silver", "formula": percent, "condition": {**RANK, "value": 2}},
            {"code": "often", "formula": {"kind": "fixed", "points": 7}, "caps": [{**TIMES, "limit": 2}]},
            {"code": "once", "formula": {"kind": "fixed", "points": 11}, "caps": [ONCE_EACH]},
            {"code": "badge", "formula": {"kind": "badge", "badge": "first"}},
            {"code": "joy", "formula": {"kind": "fixed", "points": 33}, "activity_type": types[BADGE_RECEIVED]},
            {"code": "rise", "formula": {"kind": "fixed", "points": 55}, "activity_type": types[TIER_REACHED]},
        ],
        status=status,
        shared=[{"code": "all", "subject": "COMPANY", "period": "QUARTER", "limit": 400}],
        campaigns=[{"code": "spring", "factor": 3, "budget": 900}],
    )  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 6))])
def test_replay_gives_what_a_fresh_installation_posts(seed: int) -> None:
    fresh, replayed_ = fresh_and_replayed(a_club, plain_rules, busy_rules, a_stream(seed))

    assert len({rule_code for *_of, rule_code in fresh[0]}) == 9
    assert replayed_ == fresh


def test_replay_keeps_what_was_agreed_and_where_companies_belong() -> None:
    def install() -> Program:
        program = a_club()
        first, *_others = Membership.objects.filter(program=program).order_by("company__external_id")
        SegmentMembership.objects.create(company=first.company, segment=a_segment("key"), starts_at=EPOCH)
        return program

    def agreed(rules: Callable[[Program, str], RuleSet]) -> Callable[[Program, str], RuleSet]:
        def made(program: Program, status: str) -> RuleSet:
            rule_set = rules(program, status)
            second = Membership.objects.get(program=program, company__external_id="company-1")
            if not second.agreements.exists():
                an_agreement(second, factor="1.5")
            return rule_set

        return made

    def for_the_few(program: Program, status: str) -> RuleSet:
        key = {"fact": "company.segments", "op": "has", "value": "key"}
        return a_rule_set(
            program,
            [{"code": "all"}, {"code": "key", "condition": key, "caps": [("COMPANY", "DAY", 60)]}],
            status=status,
        )

    fresh, replayed_ = fresh_and_replayed(install, agreed(plain_rules), agreed(for_the_few), a_stream(9))

    assert {company for _id, company, _person, rule in fresh[0] if rule == "key"} == {"company-0"}
    assert replayed_ == fresh


def test_replay_of_the_rules_in_force_gives_what_stands() -> None:
    program = a_club()
    in_force = busy_rules(program, RuleSet.Status.ACTIVE)
    a_stream(5)(program)

    assert replayed(in_force) == posted(program)


def test_replay_counts_the_limits_of_agreements() -> None:
    program = a_club()
    in_force = busy_rules(program, RuleSet.Status.ACTIVE)
    member = Membership.objects.get(program=program, company__external_id="company-1")
    both = {"scope": "RULES", "rule_codes": ["spend", "split"], "shared_as": "both", "name": "Both"}
    limits = [
        {**both, "subject": "COMPANY", "period": "MONTH", "limit": 90, "is_per_object": True},
        {"scope": "ALL", "subject": "EMPLOYEE", "period": "YEAR", "limit": 160},
        {"scope": "SHARED", "shared_as": "all", "subject": "COMPANY", "period": "QUARTER", "limit": 77},
    ]
    an_agreement(member, factor="1.2", limits=limits)
    a_stream(5)(program)

    used = CapUsage.objects.filter(subject="COMPANY", subject_id=member.company_id)
    assert used.filter(rule_code="shared:all", used=77).exists()
    assert used.filter(rule_code="object:agreed:both", used=90).exists()
    assert CapUsage.objects.filter(rule_code="agreed:*", used__gt=0).exists()
    assert replayed(in_force) == posted(program)


def test_points_count_from_the_moment_on_and_what_came_before_is_as_it_was() -> None:
    program = a_club()
    busy_rules(program, RuleSet.Status.ACTIVE)
    a_stream(6)(program)
    draft = plain_rules(program, RuleSet.Status.DRAFT)
    times = [
        *Activity.objects.filter(type__code="purchase").order_by("occurred_at").values_list("occurred_at", flat=True)
    ]
    middle = times[len(times) // 2]

    before, after = posted(program)[0], replayed(draft, from_=middle)[0]

    moments = dict(Activity.objects.values_list("external_id", "occurred_at"))
    early = {key: points for key, points in before.items() if moments[key[0]] < middle}
    assert {key: points for key, points in after.items() if moments.get(key[0], NOW) < middle} == early
    assert {rule for *of, rule in after if moments.get(of[0], NOW) >= middle} == {"rule-0"}
    told = suppose(draft, from_=middle, now=NOW)
    assert sum(told.side.months.values()) == sum(after.values()) - sum(early.values())
    assert sum(told.side.rules.values()) == sum(told.side.people.values()) == sum(told.side.months.values())


def test_nothing_is_written() -> None:
    program = a_club()
    plain_rules(program, RuleSet.Status.ACTIVE)
    a_stream(7, count=30)(program)
    draft = busy_rules(program, RuleSet.Status.DRAFT)
    before = posted(program), Activity.objects.count(), Rule.objects.count()

    suppose(draft, from_=EPOCH, now=NOW)

    assert (posted(program), Activity.objects.count(), Rule.objects.count()) == before


@pytest.mark.real_data
@pytest.mark.skipif(not INVOICES.exists(), reason=f"the real invoices are not at {INVOICES} (set TWOFOLD_DATA)")
def test_replay_of_the_first_real_lines_gives_what_a_fresh_import_posts(tmp_path: Path) -> None:
    path = first_lines(tmp_path, 6_000)
    profile = load_profile(CHECKOUT / "loyalty" / "site" / "profiles" / "online_retail.yaml")

    def install() -> Program:
        return a_program(code="wholesale", tiers={"bronze": 0, "silver": 500, "gold": 2000})

    def happen(program: Program) -> None:
        import_file(path, profile)

    def a_point_a_pound(program: Program, status: str) -> RuleSet:
        return a_rule_set(program, starts_at=BEFORE, status=status)

    def limited(program: Program, status: str) -> RuleSet:
        percent = {"kind": "percent", "percent": "33", "of": "activity.amount"}
        pieces = {"kind": "per", "points": 3, "step": "12", "of": "activity.quantity"}
        gold = {"fact": "standing.tier", "op": "eq", "value": "gold"}
        rules: Sequence[dict[str, Any]] = [
            {"code": "third", "formula": percent, "caps": [("COMPANY", "WEEK", 200)]},
            {"code": "many", "formula": pieces, "caps": [("COMPANY", "MONTH", 90), ("PROGRAM", "DAY", 900)]},
            {"code": "gold", "formula": PER_POUND, "condition": gold},
        ]
        return a_rule_set(program, rules, starts_at=BEFORE, status=status)

    fresh, replayed_ = fresh_and_replayed(install, a_point_a_pound, limited, happen, now=IMPORTED_AT)

    assert Activity.objects.exclude(reverses_external_id="").count() == 11
    assert {rule for *_of, rule in fresh[0]} == {"third", "many", "gold"}
    assert replayed_ == fresh
