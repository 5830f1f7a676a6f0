"""Effects beside points: badges and benefits, once each, taken back by whole returns, in any split of a stream."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts import laws
from accounts.actors import actor_of_employee
from accounts.models import Employee, Message
from loyalty.activities import Status
from loyalty.explaining import plain_rules, verdicts_of
from loyalty.ledger import Owner
from loyalty.models import (
    Activity,
    ActivityType,
    Badge,
    BadgeHolding,
    BenefitGrant,
    EffectAward,
    Evaluation,
    Membership,
    Metric,
    MetricBucket,
    Rule,
    Tier,
)
from loyalty.own_activities import BADGE_RECEIVED, TIER_REACHED, ensure_derived_types
from loyalty.rulesets import UnsoundRuleError, activate
from loyalty.standing import rebuild_standing
from loyalty.statement import statement
from loyalty.titles.acts import give_by_hand
from tests.factories.world import (
    NOW,
    a_benefit,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_role,
    a_rule_set,
    an_admin,
    an_employee,
    balance,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

BADGE = {"kind": "badge", "badge": "first"}
TEN = {"kind": "fixed", "points": 10}


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def a_world(*rules: dict[str, Any], tiers: dict[str, int] | None = None, **consent: Any) -> tuple[Membership, Employee]:
    """A membership and a buyer of its company; the program has the badge `first` and the benefit `hour`."""
    ensure_derived_types()
    program = a_program(tiers=tiers)
    Badge.objects.create(program=program, code="first", name="First order")
    a_benefit(program, code="hour", name="Consulting hour")
    types = {kind.code: kind for kind in ActivityType.objects.all()}
    a_rule_set(program, [{**rule, "activity_type": types[rule.get("activity_type", "purchase")]} for rule in rules])
    membership = a_member(program)
    anna = an_employee(membership.company, login=False)
    a_role(anna, "buyer")
    consent_to(membership, **consent)
    return membership, anna


def held(membership: Membership) -> list[tuple[int | None, str]]:
    """Who holds which badge."""
    rows = BadgeHolding.objects.held().filter(membership=membership).order_by("employee")
    return [*rows.values_list("employee", "badge__code")]


def test_badge_is_held_once_however_often_it_is_given() -> None:
    membership, _anna = a_world({"formula": BADGE})

    record(a_purchase(membership.company), a_purchase(membership.company))
    record(a_purchase(membership.company))

    assert held(membership) == [(None, "first")]
    assert [*EffectAward.objects.order_by("pk").values_list("is_given", flat=True)] == [True, False, False]
    assert Evaluation.objects.count() == 3


@pytest.mark.parametrize("at_once", [True, False], ids=["one call", "several calls"])
def test_whole_return_takes_the_badge_back_and_a_partial_one_does_not(at_once: bool) -> None:
    membership, anna = a_world({"formula": BADGE, "beneficiary": Rule.To.BOTH})
    first = a_purchase(membership.company, 50, employee_id=anna.pk)
    items = [
        first,
        a_purchase(membership.company, 20, reverses=first.external_id),
    ]
    for part in [items] if at_once else [[item] for item in items]:
        record(*part)

    assert held(membership) == [(anna.pk, "first"), (None, "first")]

    record(a_purchase(membership.company, 30, reverses=first.external_id))
    assert held(membership) == []

    record(a_purchase(membership.company, 50, employee_id=anna.pk))
    assert held(membership) == [(anna.pk, "first"), (None, "first")]


def test_people_are_given_something_by_consent_alone_and_are_told_why_not() -> None:
    membership, anna = a_world({"formula": BADGE, "beneficiary": Rule.To.EMPLOYEE}, roles=["owner"])

    record(a_purchase(membership.company, employee_id=anna.pk))

    assert held(membership) == []
    [verdict] = verdicts_of(
        Evaluation.objects.select_related("activity__type", "program").get(), actor_of_employee(anna, now=NOW)
    )
    assert verdict.reason == "Nothing is given: the company's management had not agreed to this role."
    assert (verdict.points, verdict.is_capped) == (0, False)


def test_everybody_of_a_role_is_given_the_badge() -> None:
    membership, anna = a_world({"formula": BADGE, "beneficiary": Rule.To.ROLE, "role": "buyer"})
    ben = an_employee(membership.company, login=False)

    record(a_purchase(membership.company, employee_id=ben.pk, participants=(anna.pk,)))

    assert held(membership) == [(anna.pk, "first")]


def test_limit_of_times_holds_for_effects() -> None:
    gives = {"kind": "benefit", "benefit": "hour", "times": 1, "days": 90}
    cap = {"subject": "COMPANY", "period": "MONTH", "limit": 1, "counts": "TIMES"}
    membership, _anna = a_world({"formula": gives, "caps": [cap]})
    first = a_purchase(membership.company, 50)

    record(first, a_purchase(membership.company, 50))

    grant = BenefitGrant.objects.get()
    assert (grant.benefit.code, grant.quota, grant.reason, grant.granted_by) == ("hour", 1, "Rule 0", None)
    assert (grant.starts_at, grant.ends_at) == (NOW, NOW + timedelta(days=90))

    record(a_purchase(membership.company, 50, reverses=first.external_id))
    record(a_purchase(membership.company, 50))

    grants = [*BenefitGrant.objects.order_by("pk").values_list("ends_at", flat=True)]
    assert grants == [NOW, NOW + timedelta(days=90)]


def test_holder_is_told_of_a_badge_once() -> None:
    membership, _anna = a_world({"formula": BADGE})
    admin = an_admin(membership.company)

    record(a_purchase(membership.company))
    record(a_purchase(membership.company))

    message = Message.objects.get(employee=admin)
    assert (message.kind, message.facts) == ("badge-given", {"badge": "First order"})


def test_rules_and_verdicts_call_the_badge_by_the_name_it_has_now() -> None:
    membership, _anna = a_world({"formula": BADGE})
    record(a_purchase(membership.company))
    Badge.objects.update(name="First of many")

    evaluation = Evaluation.objects.select_related("activity__type", "program").get()
    [rule] = plain_rules(membership.program.rule_sets.get(), membership.program)
    [verdict] = verdicts_of(evaluation, actor_of_employee(an_admin(membership.company), now=NOW))

    assert rule.sentence == "Purchase: the badge “First of many” to the company."
    assert verdict.reason == "Applies: the badge “First of many”."
    assert not verdict.is_capped


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            {"formula": {"kind": "badge", "badge": "gone"}},
            "badge: there is no “gone” in this program; there is: first.",
        ),
        ({"formula": {"kind": "badge"}}, "badge: missing."),
        (
            {"formula": {"kind": "badge", "badge": "first", "points": 5}},
            "points: an effect of the kind 'badge' has no such key.",
        ),
        ({"formula": {"kind": "badge", "badge": "a b"}}, "badge: 'a b' is not a code."),
        (
            {"formula": {"kind": "benefit", "benefit": "hour", "times": 0}},
            "times: 0 is not a whole number from 1 to 1,000.",
        ),
        (
            {"formula": BADGE, "beneficiary": "SPLIT", "person_share": 50},
            "Only points can be shared: let each get the whole.",
        ),
        (
            {"formula": BADGE, "caps": [("COMPANY", "MONTH", 5)]},
            "A rule that gives no points is limited by times, not by points.",
        ),
    ],
)
def test_unsound_effect_is_refused_with_its_place(rule: dict[str, Any], sentence: str) -> None:
    program = a_program()
    Badge.objects.create(program=program, code="first", name="First order")
    a_benefit(program, code="hour")
    draft = a_rule_set(program, [rule], status="DRAFT")

    with pytest.raises(UnsoundRuleError) as refused:
        activate(rule_set=draft, by=a_manager(), starts_at=NOW, now=NOW)

    assert str(refused.value).endswith(sentence)


def test_points_follow_from_a_badge_once() -> None:
    membership, anna = a_world(
        {"formula": BADGE, "beneficiary": Rule.To.EMPLOYEE},
        {"formula": TEN, "beneficiary": Rule.To.EMPLOYEE, "activity_type": BADGE_RECEIVED},
    )
    first = a_purchase(membership.company, 50, employee_id=anna.pk)

    [outcome] = record(first)
    [later] = record(a_purchase(membership.company, 50, employee_id=anna.pk))

    assert (outcome.points, later.points, balance(membership, anna)) == (0, 0, 10)
    derived = Activity.objects.get(type__code=BADGE_RECEIVED)
    assert (derived.object, derived.employee_id, derived.source.code) == ("first", anna.pk, "twofold")
    assert derived.attributes == {"program": membership.program.code}

    [returned] = record(a_purchase(membership.company, 50, reverses=first.external_id))

    assert returned.points == 0  # its own; what followed is undone by an activity of its own
    assert (balance(membership, anna), held(membership)) == (0, [])
    undone = Activity.objects.get(reverses_external_id=derived.external_id)
    assert (undone.type, undone.return_link.original) == (derived.type, derived)


IS_GOLD = {"fact": "activity.object", "op": "eq", "value": "gold"}
TIER_RULES: tuple[dict[str, Any], ...] = ({}, {"formula": TEN, "activity_type": TIER_REACHED, "condition": IS_GOLD})


@pytest.mark.parametrize("at_once", [True, False], ids=["one call", "several calls"])
def test_points_follow_from_a_tier_and_go_with_it(at_once: bool) -> None:
    membership, _anna = a_world(*TIER_RULES, tiers={"base": 0, "silver": 50, "gold": 100})
    items = [a_purchase(membership.company, amount) for amount in (60, 60)]
    items.append(a_purchase(membership.company, 30, reverses=items[0].external_id))
    outcomes = record(*items) if at_once else [record(item)[0] for item in items]

    assert [outcome.points for outcome in outcomes] == [60, 60, -30]
    assert balance(membership) == 90
    assert Activity.objects.filter(type__code=TIER_REACHED, reverses_external_id="").count() == 2

    record(a_purchase(membership.company, 20))

    assert balance(membership) == 90 + 20 + 10


def test_points_of_an_earlier_tier_go_when_that_is_lost_as_well() -> None:
    both = {"formula": TEN, "activity_type": TIER_REACHED}
    membership, _anna = a_world(both, tiers={"base": 0, "silver": 50, "gold": 100})
    first, second = a_purchase(membership.company, 60), a_purchase(membership.company, 60)
    record(first, second)
    assert balance(membership) == 20

    record(a_purchase(membership.company, 60, reverses=second.external_id))
    assert balance(membership) == 10

    record(a_purchase(membership.company, 60, reverses=first.external_id))
    assert balance(membership) == 0


def test_chain_is_two_deep() -> None:
    badge_for_tier = {"formula": BADGE, "activity_type": TIER_REACHED}
    points_for_badge = {"formula": TEN, "activity_type": BADGE_RECEIVED}
    membership, _anna = a_world(badge_for_tier, points_for_badge, tiers={"base": 0, "gold": 100})

    [outcome] = record(a_purchase(membership.company, 100))

    assert (outcome.points, balance(membership)) == (0, 10)
    assert [*Activity.objects.order_by("pk").values_list("type__code", flat=True)] == [
        "purchase",
        TIER_REACHED,
        BADGE_RECEIVED,
    ]


def test_statement_calls_badges_and_tiers_by_their_names() -> None:
    rules: list[dict[str, Any]] = [{"formula": TEN, "activity_type": TIER_REACHED}, {"formula": BADGE}]
    rules.append({"formula": TEN, "activity_type": BADGE_RECEIVED})
    membership, _anna = a_world(*rules, tiers={"base": 0, "gold": 100})
    Tier.objects.filter(code="gold").update(name="The golden one")
    Badge.objects.update(name="Early bird")

    record(a_purchase(membership.company, 100, object="first"))

    lines = statement(Owner(membership.program_id, membership.company_id))
    assert [(line.activity_type, line.object) for line in lines] == [
        ("Tier reached", "The golden one"),
        ("Badge received", "Early bird"),
    ]


def test_what_nothing_asks_for_is_not_recorded() -> None:
    membership, _anna = a_world({}, tiers={"base": 0, "gold": 100})

    record(a_purchase(membership.company, 100))

    assert Activity.objects.count() == 1


def test_nobody_else_sends_what_follows() -> None:
    membership, _anna = a_world(*TIER_RULES, tiers={"base": 0, "gold": 100})

    of_program = {"program": membership.program.code}
    item = a_purchase(membership.company, None, type=TIER_REACHED, object="gold", attributes=of_program)

    [outcome] = record(item)

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.field) == ("reserved_type", "type")
    assert not Activity.objects.exists()


def test_badge_cannot_be_held_twice_in_the_database() -> None:
    membership, _anna = a_world({"formula": BADGE})
    record(a_purchase(membership.company))
    record(a_purchase(membership.company))
    given, again = EffectAward.objects.order_by("pk")

    with pytest.raises(IntegrityError, match="badge_held_once"), transaction.atomic():
        BadgeHolding.objects.create(membership=membership, badge=Badge.objects.get(), award=again, given_at=NOW)

    assert BadgeHolding.objects.get().award == given


def test_tier_that_somebody_gives_brings_what_rules_give_for_it() -> None:
    membership, _anna = a_world(*TIER_RULES, tiers={"base": 0, "gold": 100})
    gold = Tier.objects.get(code="gold")
    manager = a_manager()
    terms: dict[str, Any] = {"source": "NEGOTIATED", "until": NOW.date() + timedelta(days=9), "reason": "By contract"}

    give_by_hand(membership=membership, tier=gold, by_id=manager.pk, now=NOW, **terms)

    assert balance(membership) == 10
    assert Activity.objects.get().object == "gold"
    assert rebuild_standing(programs=[membership.program], only_check=True).different == []


def test_replay_of_standing_agrees_where_returns_undid_what_followed() -> None:
    membership, _anna = a_world(
        {}, {"formula": TEN, "activity_type": TIER_REACHED}, tiers={"base": 0, "silver": 50, "gold": 100}
    )
    Metric.objects.create(
        program=membership.program,
        code="reached",
        name="Tiers reached",
        measure=Metric.Measure.COUNT,
        activity_type=ActivityType.objects.get(code=TIER_REACHED),
    )
    earlier = a_purchase(membership.company, 60, occurred_at=NOW - timedelta(days=40))
    record(earlier, a_purchase(membership.company, 60))
    record(a_purchase(membership.company, 60, reverses=earlier.external_id))

    assert rebuild_standing(programs=[membership.program], only_check=True).different == []
    buckets = MetricBucket.objects.filter(metric="reached").exclude(value=0)
    assert [(row.month.month, row.value) for row in buckets] == [(5, Decimal(1))]
