"""Campaigns: on their days, within a budget that counts what they add, given back by returns, never overspent."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import laws
from accounts.actors import actor_of
from accounts.models import User
from loyalty.activities import ActivityItem, Outcome
from loyalty.earning import points_to_reverse
from loyalty.explaining import verdicts_of
from loyalty.models import Award, CapUsage, Evaluation, Membership, Program, RuleSet
from loyalty.rulesets import activate, draft_from
from tests.factories.world import (
    NOW,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_employee,
    balance,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

AMOUNT = "activity.amount"
TWICE = {"kind": "per", "points": 1, "step": "1", "of": AMOUNT, "multipliers": {"campaigns": ["spring"]}}
IN_ONE_CALL_OR_SEVERAL = pytest.mark.parametrize("at_once", [True, False], ids=["one call", "several calls"])


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def a_campaign_program(*rules: dict[str, Any], budget: int | None = 100, **campaign: Any) -> Program:
    """A program whose rules, 1 point for each full 1 unless they say otherwise, give twice as much in a campaign."""
    program = a_program(tiers={"basic": 0, "gold": 1_000})
    a_rule_set(
        program,
        [{"formula": TWICE, **rule} for rule in rules or ({},)],
        campaigns=[{"code": "spring", "name": "Spring", "budget": budget, **campaign}],
    )
    return program


def sent(*items: ActivityItem, at_once: bool) -> list[Outcome]:
    """Record items in one call, or each in a call of its own."""
    return record(*items) if at_once else [record(item)[0] for item in items]


def points(outcomes: list[Outcome]) -> list[int]:
    return [outcome.points for outcome in outcomes]


def spent() -> int:
    """What the campaign's counter says."""
    return CapUsage.objects.get(rule_code="campaign:spring").used


def reasons(evaluation: Evaluation) -> list[str]:
    return [verdict.reason for verdict in verdicts_of(evaluation, actor_of(a_manager(), now=timezone.now()))]


def latest() -> Evaluation:
    return Evaluation.objects.select_related("activity__type", "program").latest("pk")


@pytest.mark.parametrize(
    ("occurred_at", "given"),
    [
        (datetime(2026, 3, 27, 23, 59, tzinfo=UTC), 10),
        (datetime(2026, 3, 28, 0, 0, tzinfo=UTC), 20),
        # London's summer time begins on the 29th at 01:00 UTC: the last day of the campaign ends at 23:00 UTC.
        (datetime(2026, 3, 29, 22, 59, tzinfo=UTC), 20),
        (datetime(2026, 3, 29, 23, 0, tzinfo=UTC), 10),
    ],
)
def test_campaign_begins_and_ends_with_the_days_of_the_program(occurred_at: datetime, given: int) -> None:
    program = a_campaign_program(starts_on=date(2026, 3, 28), ends_on=date(2026, 3, 29))
    member = a_member(program)

    [outcome] = record(a_purchase(member.company, 10, occurred_at=occurred_at))

    assert outcome.points == given
    assert Award.objects.get().from_campaign == given - 10


@IN_ONE_CALL_OR_SEVERAL
def test_budget_is_shared_by_all_and_once_spent_rules_give_what_they_give_without_it(at_once: bool) -> None:
    program = a_campaign_program()
    first, second = a_member(program), a_member(program)

    outcomes = sent(
        a_purchase(first.company, 60),
        a_purchase(second.company, 60),
        a_purchase(first.company, 60),
        at_once=at_once,
    )

    assert points(outcomes) == [120, 100, 60]
    assert spent() == 100
    assert list(Award.objects.order_by("pk").values_list("raw", "granted", "cap_left_before", "from_campaign")) == [
        (120, 120, None, 60),
        (120, 100, None, 40),
        (120, 60, None, 0),
    ]
    assert reasons(latest()) == [
        "Applies: 1 point for each full 1 GBP of amount, times 2 from Jan. 1, 2020 through Dec. 31, 2099 (“Spring”, "
        "which adds at most 100 points for all companies together) would be 120; what was left of the campaign's "
        "budget made it 60. Here: amount was 60 GBP; day was June 15, 2026: times 2 for “Spring”."
    ]


def test_campaign_without_a_budget_counts_nowhere() -> None:
    member = a_member(a_campaign_program(budget=None))

    record(a_purchase(member.company, 60))

    assert balance(member) == 120
    assert Award.objects.get().from_campaign == 60
    assert not CapUsage.objects.exists()


def test_several_rules_and_both_recipients_draw_on_one_budget() -> None:
    program = a_campaign_program(
        {"beneficiary": "BOTH"}, {}, {"formula": {**TWICE, "multipliers": {"tier": {"gold": 3}}}}
    )
    member = a_member(program)
    consent_to(member)
    person = an_employee(member.company)

    record(a_purchase(member.company, 40, employee_id=person.pk))

    granted = Award.objects.order_by("pk").values_list("granted", "from_campaign")
    assert list(granted) == [(80, 40), (80, 40), (60, 20), (40, 0)]
    assert spent() == 100


def test_budgets_of_two_programs_and_a_rule_of_the_campaigns_name_are_counted_apart() -> None:
    one, other = a_campaign_program({"code": "spring", "caps": [("PROGRAM", "EVER", 1_000)]}), a_campaign_program()
    member = a_member(one)
    a_member(other, member.company)

    record(a_purchase(member.company, 30))

    assert sorted(CapUsage.objects.values_list("program", "rule_code", "subject", "period", "used", "limit")) == [
        (one.pk, "campaign:spring", "PROGRAM", "EVER", 30, 100),
        (one.pk, "spring", "PROGRAM", "EVER", 60, 1_000),
        (other.pk, "campaign:spring", "PROGRAM", "EVER", 30, 100),
    ]


@pytest.mark.parametrize(
    ("limit", "granted", "used"),
    [(200, 120, 60), (119, 119, 59), (60, 60, 0), (59, 59, 0), (0, 0, 0)],
)
def test_budget_pays_only_for_what_limits_let_through(limit: int, granted: int, used: int) -> None:
    member = a_member(a_campaign_program({"caps": [("COMPANY", "MONTH", limit)]}))

    [outcome] = record(a_purchase(member.company, 60))

    award = Award.objects.get()
    assert (outcome.points, award.from_campaign, spent()) == (granted, used, used)
    assert ("a limit let" in reasons(latest())[0]) == (granted < 120)


@IN_ONE_CALL_OR_SEVERAL
def test_return_gives_back_to_the_budget_in_its_share_and_that_serves_what_comes_later(at_once: bool) -> None:
    member = a_member(a_campaign_program(budget=50))
    purchase = a_purchase(member.company, 60)
    back = [a_purchase(member.company, amount, reverses=purchase.external_id) for amount in ("20", "40")]

    outcomes = sent(purchase, back[0], a_purchase(member.company, 30), back[1], at_once=at_once)

    # 110 of which the campaign added 50; a third of it goes back, and 16 of the budget with it.
    assert points(outcomes) == [110, 73 - 110, 30 + 16, -73]
    assert spent() == 16
    assert balance(member) == 46


@IN_ONE_CALL_OR_SEVERAL
def test_return_of_what_came_before_or_after_the_budget_was_spent_frees_nothing_of_others(at_once: bool) -> None:
    member = a_member(a_campaign_program(budget=50))
    first, second = a_purchase(member.company, 50), a_purchase(member.company, 70)

    outcomes = sent(first, second, a_purchase(member.company, 70, reverses=second.external_id), at_once=at_once)

    assert points(outcomes) == [100, 70, -70]
    assert spent() == 50


def put_in_force(draft: RuleSet, by: User) -> None:
    activate(rule_set=draft, by=by, starts_at=NOW, now=NOW)


@pytest.mark.parametrize(("budget", "given", "used"), [(150, 60 + 60, 120), (100, 60 + 40, 100), (30, 60, 60)])
def test_budget_goes_on_counting_in_the_next_version_whatever_it_is_then(budget: int, given: int, used: int) -> None:
    program = a_campaign_program()
    member, manager = a_member(program), a_manager()
    record(a_purchase(member.company, 60, occurred_at=NOW - timedelta(days=1)))
    draft = draft_from(rule_set=program.rule_sets.get(), by=manager, now=NOW)
    draft.campaigns.update(budget=budget)
    put_in_force(draft, manager)

    [outcome] = record(a_purchase(member.company, 60))

    assert outcome.points == given
    assert spent() == used


def test_return_gives_back_to_the_budget_of_its_original_after_the_campaign_was_dropped() -> None:
    program = a_campaign_program()
    member, manager = a_member(program), a_manager()
    purchase = a_purchase(member.company, 60, occurred_at=NOW - timedelta(days=1))
    record(purchase)
    draft = draft_from(rule_set=program.rule_sets.get(), by=manager, now=NOW)
    draft.rules.update(formula={"kind": "fixed", "points": 1})
    draft.campaigns.all().delete()
    put_in_force(draft, manager)

    record(a_purchase(member.company, 45, reverses=purchase.external_id))

    assert balance(member) == 30
    assert spent() == 15


@pytest.mark.parametrize(("combining", "given"), [("MULTIPLY", 60), ("HIGHEST", 40)])
def test_version_says_whether_tier_and_campaign_multiply_each_other(combining: str, given: int) -> None:
    program = a_program(tiers={"gold": 0})
    formula = {**TWICE, "multipliers": {"tier": {"gold": "1.5"}, "campaigns": ["spring"]}}
    a_rule_set(program, [{"formula": formula}], campaigns=[{"code": "spring"}], combining=combining)
    member = a_member(program)

    record(a_purchase(member.company, 1), a_purchase(member.company, 20))

    assert Award.objects.latest("pk").granted == given
    assert Award.objects.latest("pk").from_campaign == given - 30


@pytest.mark.parametrize("change", [1, -1])
def test_counter_that_is_not_what_the_campaign_added_breaks_a_law(change: int) -> None:
    member = a_member(a_campaign_program())
    purchase = a_purchase(member.company, 61)
    record(purchase, a_purchase(member.company, 20, reverses=purchase.external_id))

    with transaction.atomic():
        CapUsage.objects.update(used=F("used") + change)
        broken = {finding.law.code for finding in laws.verify() if finding.count}
        transaction.set_rollback(True)

    assert broken == {"C2"}
    assert spent() == 41


def test_campaign_at_work_is_what_a_plain_calculation_says() -> None:
    """Purchases and returns of three companies against a budget and a limit, beside a plain account of both."""
    draw = random.Random(20260615)
    program = a_campaign_program({"caps": [("COMPANY", "EVER", 900)]}, budget=700, factor="1.7")
    members: list[Membership] = [a_member(program) for _ in range(3)]
    left_of_budget, left_of_limit = 700, dict.fromkeys(members, 900)
    bought: list[tuple[Membership, ActivityItem, Decimal, dict[str, int]]] = []
    for _ in range(60):
        if bought and draw.random() < 0.4:
            member, item, left, award = bought.pop(draw.randrange(len(bought)))
            part = left if draw.random() < 0.5 else max(Decimal(1), left // 3)
            [outcome] = record(a_purchase(member.company, str(part), reverses=item.external_id))
            left -= part
            assert item.amount is not None
            taken = points_to_reverse(
                granted=award["granted"], already_reversed=award["reversed"], remaining=left, original=item.amount
            )
            after = award["reversed"] + taken
            if award["granted"]:
                left_of_budget += (
                    award["extra"] * after // award["granted"] - award["extra"] * award["reversed"] // award["granted"]
                )
            left_of_limit[member] += taken
            award["reversed"] = after
            assert outcome.points == -taken
            if left:
                bought.append((member, item, left, award))
        else:
            member = draw.choice(members)
            amount = draw.randint(1, 400)
            item = a_purchase(member.company, amount)
            [outcome] = record(item)
            extra = min(amount * 17 // 10 - amount, left_of_budget)
            granted = min(amount + extra, left_of_limit[member])
            extra = max(0, granted - amount)
            left_of_budget -= extra
            left_of_limit[member] -= granted
            assert outcome.points == granted
            bought.append((member, item, Decimal(amount), {"granted": granted, "extra": extra, "reversed": 0}))

    assert spent() == 700 - left_of_budget
