"""Blueprints are loaded as drafts, all or nothing; a second time changes nothing; what is dumped loads again."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import AuditEntry, Segment, SegmentMembership, StakeholderRole, User
from loyalty import benefits, rulesets
from loyalty.models import (
    ActivityAttribute,
    ActivityType,
    Badge,
    Benefit,
    BenefitMatrix,
    Example,
    Goal,
    Metric,
    Program,
    ProgramPlan,
    Rule,
    RuleSet,
    Tier,
)
from loyalty.proving import require_proven
from loyalty.site.blueprints import (
    SHIPPED,
    BlueprintError,
    Document,
    Loaded,
    Shipped,
    canonical,
    dump,
    foresee,
    load,
    read,
    shipped,
    text_of,
    write,
)
from surveys.models import Item, Survey, SurveyVersion
from surveys.versions import publish
from tests.factories.world import NOW, a_company, a_manager, a_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def by() -> User:
    return a_manager()


CLUB = """\
blueprint: 1
program: {code: club, name: Club, currency: EUR, time_zone: Europe/Berlin, tier_metric: spend}
roles:
  - {code: buyer, name: Buyer}
segments:
  - {code: large, name: Large, only_if: {fact: company.people, op: gte, value: 50}}
  - {code: named, name: Named}
activity_types:
  - code: purchase
    name: Purchase
    attributes: [{code: margin, name: margin, type: number}, {code: channel, name: channel, type: text}]
  - {code: course, name: Course, attributes: [{code: module, name: module, type: text}]}
metrics:
  - {code: spend, name: Spend, measure: amount, of: purchase}
tiers:
  - {code: basic, name: Basic}
  - {code: gold, name: Gold, threshold: 1000, thresholds: [{segment: named, threshold: 500.5}]}
  - {code: inner, name: Inner, earned: false, paid: true, fee: 100, fee_months: 12, only_if: {fact: metric.spend, op: gte, value: 5}}
badges:
  - {code: first, name: First}
benefits:
  - {code: line, name: Line, kind: contact, contact: "555"}
benefit_matrix:
  - {benefit: line, tiers: [basic, gold]}
  - {benefit: line, tiers: [gold], role: buyer, segment: named, times: 2, per: month}
rule_set:
  combining: highest
  product_lists:
    - {code: tools, name: Tools, products: [SAW, DRILL]}
  campaigns:
    - {code: spring, name: Spring, from: 2026-03-01, until: 2026-03-31, factor: 1.5, budget: 900}
  shared_limits:
    - {code: monthly, name: A month, at_most: 100, of: points, for: company, per: month}
  rules:
    - code: orders
      name: Orders
      when: purchase
      only_if:
        all:
          - {fact: activity.amount, op: gte, value: 10.5}
          - any:
              - {fact: attribute.margin, op: gt, value: 0}
              - not: {fact: company.segments, op: has, value: large}
      give:
        kind: steps
        of: activity.amount
        applies: to the part
        bands: [{from: 0, to: 100, percent: 1.5}, {from: 100, percent: 2}]
        multipliers: {tier: {gold: 1.25}, campaigns: [spring]}
      to: split
      person_share: 30
      limits: [{at_most: 60, for: employee, per: month}, {at_most: 1, of: times, for: company, per: ever, each_object: true}]
      shared_limits: [monthly]
    - {code: badge, name: Badge, when: tier-reached, give: {kind: badge, badge: first}}
    - {code: word, name: Word, when: survey-answered, give: {kind: fixed, points: 5}, to: role, role: buyer, divided: true}
    - code: list
      name: List
      when: purchase
      give:
        kind: lookup
        by: activity.product_lists
        table: [{is: tools, points: 7}]
        otherwise: {points: 1}
examples:
  - code: an-order
    name: An order
    given: {kind: dealer, country: NO, segments: [named], tier: basic, roles: [buyer]}
    when:
      - {what: purchase, day: 2026-04-01, amount: 50, object: SAW, attributes: {margin: 2.5}, then: {company: 7}}
      - {what: purchase, day: 2026-04-03, amount: 50, returns: 1}
    then: {company: 0, person: 0, tier: basic}
rewards:
  - {code: hamper, name: Hamper, category: team, price: 400, paid_from: company, published: true}
surveys:
  - code: word
    name: Your word
    only_if: {fact: company.segments, op: has, value: named}
    questions:
      - {code: again, kind: scale, text: Again?, low: 0, high: 10, measures: nps}
      - {code: why, text: Why not?, multiple: true, options: [{code: price, label: Price}, {code: time, label: Time}], only_if: {fact: answer.again, op: lt, value: 7}}
plan:
  from: 2026-01-01
  review: 2026-12-31
  expected_profit: 1000
  budget_percent: 7.5
  expected_return: 90
  goals:
    - {name: They stay, aim: retention, figure: active-share, baseline: 60, target: 90, by: 2026-12-31}
    - {name: They buy, aim: growth, figure: metric, metric: spend, baseline: 0, target: 5000.5, by: 2026-10-31}
"""  # noqa: E501 (as somebody writes it)


def loaded(text: str, by: User) -> Loaded:
    return load(document=read(text), by=by, now=NOW)


def everything() -> list[Any]:
    """All that a refusal leaves as it is."""
    tables: tuple[Any, ...] = (
        *(Program, RuleSet, Rule, Tier, Metric, Badge, Benefit, BenefitMatrix, Example, AuditEntry),
        *(ActivityType, ActivityAttribute, Segment, StakeholderRole, Survey, SurveyVersion, Item, ProgramPlan, Goal),
    )
    return [list(table.objects.order_by("pk").values()) for table in tables]


def told(seen: Loaded) -> list[str]:
    return [f"{each.section}: {each.sentence}" for each in seen.made]


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.code)
def test_shipped_blueprints_load_twice_and_their_examples_come_true(one: Shipped, by: User) -> None:
    document = read(one.read())

    first = load(document=document, by=by, now=NOW)
    again = load(document=document, by=by, now=NOW)
    seen = foresee(document=read(text_of(first.program, now=NOW)), now=NOW)

    assert (first.is_new, again.is_new) == (True, False)
    assert (again.made, seen.made) == ([], [])
    assert (seen.examples, seen.failing) == (len(document.data["examples"]), [])
    assert dump(first.program, now=NOW) == canonical(document.data)
    assert list(RuleSet.objects.values_list("version", "status")) == [(1, "DRAFT")]
    assert AuditEntry.objects.filter(action="blueprint-loaded", actor=by).count() == 1


def test_a_document_of_everything_comes_back_as_it_went_in(by: User) -> None:
    company = a_company()

    seen = foresee(document=read(CLUB), now=NOW)
    nothing = everything()
    first = loaded(CLUB, by)

    assert (seen.examples, seen.failing, seen.is_new) == (1, [], True)
    assert all(rows == [] for rows in nothing)
    assert told(seen) == told(first)
    assert dump(first.program, now=NOW) == canonical(read(CLUB).data)
    assert read(text_of(first.program, now=NOW)).data == dump(first.program, now=NOW)
    assert loaded(write(dump(first.program, now=NOW)), by).made == []
    rule = Rule.objects.get(code="orders")
    assert rule.formula["bands"] == [{"from": "0", "to": "100", "percent": "1.5"}, {"from": "100", "percent": "2"}]
    assert Tier.objects.get(code="inner").fee_currency == "EUR"
    assert not SegmentMembership.objects.filter(company=company).exists()
    assert told(first) == [
        "program: New – Club: Currency: EUR; Time zone: Europe/Berlin; Tier metric: spend",
        "stakeholder roles: New – Buyer: buyer",
        "activity types: New – Purchase: purchase, margin (number), channel (code)",
        "activity types: New – Course: course, module (code)",
        "metrics: New – Spend: Adds up: money; Of: Purchase",
        "tiers: New – Basic: Rank: 1",
        "tiers: New – Gold: Rank: 2; From: 1,000; From, for “Named”: 500.5",
        "tiers: New – Inner: Rank: 3; Is earned: no; For a fee: yes; Open only if: Spend is at least 5 EUR; "
        "Fee: 100; Currency: EUR; Months that it pays for: 12",
        "badges: New – First: first",
        "benefits: New – Line: Kind: a direct line; Contact: 555",
        "benefit matrix: Basic, the company: “Line” is new, as often as wanted.",
        "benefit matrix: Gold, the company: “Line” is new, as often as wanted.",
        "benefit matrix: Gold, Buyer, Named: “Line” is new, 2 a month.",
        "rewards: New – Hamper: Category: for the team; Price (points): 400; Paid from: the company's points; "
        "Published: yes",
        "surveys: New – Your word: Who is asked: Named is among segments of the company; Code: word",
        "surveys: New – Your word, again: Again?; scale; lowest number: 0; highest number: 10; "
        "measures: recommendation (NPS, 0 to 10)",
        "surveys: New – Your word, why: Why not?; choice; Price, Time; several answers allowed: yes; "
        "only if “Again?” is less than 7",
        "plan and goals: New – Plan: From: 2026-01-01; Review: 2026-12-31; Expected profit: 1,000; Budget as a share "
        "of the profit, in %: 7.5; Expected return: 90",
        "plan and goals: New – They stay: Aim: retention; Figure: share of the companies that is active, in %; "
        "Baseline: 60; Target: 90; By: 2026-12-31",
        "plan and goals: New – They buy: Aim: growth; Figure: what a metric adds up to; Baseline: 0; Target: 5,000.5; "
        "By: 2026-10-31; Metric: Spend",
        "rules: New – Orders: Purchase, only if amount is at least 10.5 EUR and (margin is more than 0 or "
        "not (Large is among segments of the company)): the employee gets 30 % and the company the rest of "
        "1.5 % of amount in points for the part from 0 to 100 EUR; 2 % of amount in points for the part "
        "above 100 EUR, times 1.25 where tier of the company is Gold, times 1.5 from 2026-03-01 through "
        "2026-03-31 (“Spring”, which adds at most 900 points for all companies together), of several factors "
        "the highest counts alone, only once per company for each product code, at most 60 points a month "
        "per person, at most 100 points a month per company from all rules for “A month” together.",
        "rules: New – Badge: Tier reached: the badge “First” to the company.",
        "rules: New – Word: Survey answered: 5 points, shared equally by everybody of the role Buyer that had a part.",
        "rules: New – List: Purchase: the company gets 7 points where Tools is among the product's lists; 1 "
        "point otherwise.",
        "rules: New – Tools: DRILL, SAW",
        "rules: New – Spring: 1.5 times, from March 1, 2026 to March 31, 2026, at most 900 points in all",
        "examples: New – An order: 2 steps",
        "segments: New – Large: number of people is at least 50",
        "segments: New – Named: listed by hand",
    ]


def test_a_live_program_gets_drafts_beside_what_holds_at_once(by: User) -> None:
    first = loaded(CLUB, by)
    assert first.rule_set is not None
    assert first.benefit_matrix is not None
    require_proven(first.rule_set)
    rulesets.activate(rule_set=first.rule_set, by=by, starts_at=NOW, now=NOW)
    benefits.activate(matrix=first.benefit_matrix, by=by, starts_at=NOW, now=NOW)
    changed = (
        CLUB.replace("threshold: 1000,", "threshold: 2000,")
        .replace("{is: tools, points: 7}", "{is: tools, points: 8}")
        .replace("role: buyer, segment: named, times: 2", "role: buyer, segment: named, times: 3")
        .replace("code: first, name: First", "code: second, name: Second")
        .replace("badge: first", "badge: second")
        .replace("then: {company: 7}", "then: {company: 8}")
        .replace("products: [SAW, DRILL]", "products: [DRILL, SAW]")
    )

    seen = foresee(document=read(changed), now=NOW)
    later = NOW + timedelta(days=1)
    load(document=read(changed), by=by, now=later)

    assert seen.is_running
    assert seen.failing == []
    assert [each.sentence for each in seen.at_once] == [
        "Changed – Gold: From: 2,000 Before: From: 1,000",
        "New – Second: second",
        "“An order” says something else now.",
    ]
    assert [each.sentence for each in seen.in_drafts] == [
        "Gold, Buyer, Named: “Line” from 2 a month to 3 a month.",
        "Changed – Badge: Tier reached: the badge “Second” to the company. "
        "Before: Tier reached: the badge “First” to the company.",
        "Changed – List: Purchase: the company gets 8 points where Tools is among the product's lists; "
        "1 point otherwise. Before: Purchase: the company gets 7 points where Tools is among the product's lists; "
        "1 point otherwise.",
    ]
    assert seen.left == [("badges", "First")]
    assert list(RuleSet.objects.order_by("version").values_list("version", "status")) == [(1, "ACTIVE"), (2, "DRAFT")]
    assert dump(first.program, now=later)["rule_set"] == canonical(read(CLUB).data)["rule_set"]
    assert load(document=read(changed), by=by, now=later).made == []
    with pytest.raises(BlueprintError, match="benefit_matrix: Version 2 is a draft already, and says something else"):
        load(document=read(changed.replace("times: 3", "times: 4")), by=by, now=later)
    with pytest.raises(BlueprintError, match="rule_set: Version 2 is a draft already, and says something else"):
        load(document=read(changed.replace("points: 8}", "points: 9}")), by=by, now=later)


def test_names_and_order_alone_are_a_change(by: User) -> None:
    first = loaded(CLUB, by)
    assert first.rule_set is not None
    rulesets.activate(rule_set=first.rule_set, by=by, starts_at=NOW, now=NOW)
    listed = CLUB[CLUB.index("    - code: list") : CLUB.index("examples:")]
    turned = CLUB.replace(listed, "").replace("  rules:\n", f"  rules:\n{listed}")

    seen = foresee(
        document=read(turned.replace("name: Basic", "name: Start").replace("name: Club", "name: C")), now=NOW
    )

    assert told(seen) == [
        "program: Changed – C: Name: C Before: Name: Club",
        "tiers: Changed – Start: Name: Start Before: Name: Basic",
        "rules: Each rule says the same; their order, names, or what no rule asks for is another.",
    ]


def test_questions_that_change_wait_in_a_draft_and_a_plan_holds_at_once(by: User) -> None:
    first = loaded(CLUB, by)
    publish(version=SurveyVersion.objects.get(), by=by, now=NOW)
    said = dump(first.program, now=NOW)
    changed = (
        CLUB.replace("text: Why not?", "text: What not?")
        .replace("name: Your word", "name: A word of yours")
        .replace("baseline: 60, target: 90", "baseline: 60, target: 95")
        .replace("review: 2026-12-31", "review: 2027-01-31")
    )

    seen = foresee(document=read(changed), now=NOW)
    load(document=read(changed), by=by, now=NOW)

    assert said == canonical(read(CLUB).data)
    assert [each.sentence for each in seen.at_once] == [
        "Changed – A word of yours: Name: A word of yours Before: Name: Your word",
        "Changed – Plan: Review: 2027-01-31 Before: Review: 2026-12-31",
        "Changed – They stay: Target: 95 Before: Target: 90",
    ]
    asked = "choice; Price, Time; several answers allowed: yes; only if “Again?” is less than 7"
    assert [each.sentence for each in seen.in_drafts] == [
        f"Changed – A word of yours, why: What not?; {asked} Before: Why not?; {asked}"
    ]
    assert list(SurveyVersion.objects.order_by("number").values_list("status", flat=True)) == ["PUBLISHED", "DRAFT"]
    assert load(document=read(changed), by=by, now=NOW).made == []
    other = changed.replace("text: Again?", "text: Once more?")
    with pytest.raises(BlueprintError, match="word › questions: Version 2 is a draft already, and asks something"):
        load(document=read(other), by=by, now=NOW)


def test_a_survey_whose_code_another_program_has_gets_its_own_unless_rules_name_it(by: User) -> None:
    loaded(CLUB, by)
    other = read(CLUB).with_program(code="circle")

    first = load(document=other, by=by, now=NOW)
    again = load(document=other, by=by, now=NOW)

    assert "Your word: Who is asked: Named is among segments of the company; Code: word-circle" in str(first.made)
    assert again.made == []
    assert list(Survey.objects.order_by("pk").values_list("code", "program__code")) == [
        ("word", "club"), ("word-circle", "circle"),
    ]  # fmt: skip
    before = everything()
    named = CLUB.replace(
        "when: survey-answered,",
        "when: survey-answered, only_if: {fact: attribute.survey, op: in, value: [word, words]},",
    )
    with pytest.raises(BlueprintError, match="word › code: Another program has a survey “word”, and rules would mean"):
        load(document=read(named).with_program(code="square"), by=by, now=NOW)
    assert everything() == before


WRONG: dict[str, tuple[str, str, str]] = {
    "a question that looks ahead": (
        "{fact: answer.again, op: lt, value: 7}",
        "{fact: answer.why, op: has, value: price}",
        "Line 80, column 129, surveys › word › questions › why › only_if: There is no fact",
    ),
    "a question under a code that another has": (
        "{code: why, text",
        "{code: again, text",
        "Line 80, column 16, surveys › word › questions › again › code: The code “again” stands in line 79 already.",
    ),
    "a choice with nothing to choose from": (
        "options: [{code: price, label: Price}, {code: time, label: Time}], ",
        "",
        "Line 80, column 9, surveys › word › questions › why: A choice needs options, and nothing else has any.",
    ),
    "an audience that cannot be": (
        "op: has, value: named}\n    questions",
        "op: has, value: nobody}\n    questions",
        "Line 77, column 14, surveys › word › only_if",
    ),
    "a goal of no metric": (
        "figure: metric, metric: spend",
        "figure: metric, metric: spent",
        "Line 89, column 61, plan › goals › 2 › metric: There is no “spent”. Did you mean “spend”?",
    ),
    "growth that shrinks": (
        "baseline: 0, target: 5000.5",
        "baseline: 6000, target: 5000.5",
        "Line 89, column 7, plan › goals › 2: A goal of growth has a target above its baseline.",
    ),
    "a goal that stands twice": (
        "name: They buy",
        "name: They stay",
        "Line 89, column 14, plan › goals › 2 › name: There is a goal “They stay” already.",
    ),
    "a review before the first day": (
        "review: 2026-12-31",
        "review: 2025-12-31",
        "Line 82, column 3, plan: The review comes after the first day: choose a later day.",
    ),
    "a metric that nothing counts": (
        "tier_metric: spend",
        "tier_metric: spent",
        "Line 2, column 89, program › tier_metric: There is no metric “spent”. Did you mean “spend”?",
    ),
    "an unknown time zone": (
        "Europe/Berlin",
        "Europe/Berlino",
        "Line 2, column 61, program › time_zone: “Europe/Berlino” is not a time zone.",
    ),
    "a currency in small letters": (
        "currency: EUR",
        "currency: Eur",
        "Line 2, column 45, program › currency: A currency has three capital letters, such as GBP.",
    ),
    "months without a way": (
        "tier_metric: spend}",
        "tier_metric: spend, expiry: months}",
        "Line 2, column 10, program: Say how many months (1 to 240) where points expire so many months",
    ),
    "a fact of the wrong type": (
        "{fact: activity.amount, op: gte, value: 10.5}",
        "{fact: activity.amount, op: has, value: x}",
        "Line 40, column 13, rule_set › rules › orders › only_if › all › 1: 'has' cannot compare the number",
    ),
    "a value of the wrong type": (
        "op: gte, value: 10.5}",
        "op: gte, value: ten}",
        "Line 40, column 13, rule_set › rules › orders › only_if › all › 1: 'activity.amount' is compared",
    ),
    "an unknown fact": (
        "{fact: activity.amount, op: gte",
        "{fact: activity.amounts, op: gte",
        "Line 40, column 13, rule_set › rules › orders › only_if › all › 1: There is no fact",
    ),
    "an unreachable fact": (
        "{fact: attribute.margin, op: gt, value: 0}",
        "{fact: attribute.module, op: eq, value: a}",
        "Line 42, column 24, rule_set › rules › orders › only_if › all › 2 › any › 1 › fact:",
    ),
    "depth 4": (
        "{fact: company.segments, op: has, value: large}",
        "{all: [{fact: company.segments, op: has, value: large}]}",
        "Line 43, column 22, rule_set › rules › orders › only_if › all › 2 › any › 2 › not: Groups nest at",
    ),
    "21 leaves": (
        "          - {fact: activity.amount, op: gte, value: 10.5}\n",
        "          - {fact: activity.amount, op: gte, value: 10.5}\n" * 19,
        "Line 61, column 22, rule_set › rules › orders › only_if › all › 20 › any › 2 › not: A condition has at",
    ),
    "an unreachable row": (
        "{from: 100, percent: 2}",
        "{from: 90, percent: 2}",
        "Line 48, column 58, rule_set › rules › orders › give › bands › 2 › from: 90 overlaps the band",
    ),
    "an unknown tier of a factor": (
        "{gold: 1.25}",
        "{golden: 1.25}",
        "Line 49, column 29, rule_set › rules › orders › give › multipliers › tier: 'golden' is not one of",
    ),
    "an unknown campaign": (
        "campaigns: [spring]",
        "campaigns: [sprung]",
        "Line 49, column 55, rule_set › rules › orders › give › multipliers › campaigns › 1: 'sprung' is not",
    ),
    "an unknown kind of formula": (
        "kind: steps",
        "kind: stairs",
        "Line 45, column 9, rule_set › rules › orders › give: Kind: 'stairs' is not one of fixed, per,",
    ),
    "half a point": (
        "points: 5}",
        "points: 5.5}",
        "Line 55, column 83, rule_set › rules › word › give › points: 5.5 is not a whole number from 1 to",
    ),
    "an unknown badge": (
        "badge: first}",
        "badge: fist}",
        "Line 54, column 60, rule_set › rules › badge › give: Badge: there is no “fist” in this program;",
    ),
    "an unknown list": (
        "{is: tools",
        "{is: tool",
        "Line 62, column 22, rule_set › rules › list › give › table › 1 › is: 'tool' is not one of tools.",
    ),
    "an unknown shared limit": (
        "shared_limits: [monthly]",
        "shared_limits: [yearly]",
        "Line 53, column 22, rule_set › rules › orders › shared_limits: There is no shared limit “yearly”",
    ),
    "an unknown type of activities": (
        "when: survey-answered",
        "when: survey-answer",
        "Line 55, column 38, rule_set › rules › word › when: There is no “survey-answer”. Did you mean",
    ),
    "a share of nobody's": (
        "person_share: 30",
        "person_share: 0",
        "Line 35, column 7, rule_set › rules › orders: Where company and employee share, the employee's part",
    ),
    "points of an effect in a limit": (
        "give: {kind: badge, badge: first}}",
        "give: {kind: badge, badge: first}, limits: [{at_most: 5, for: company, per: day}]}",
        "Line 54, column 60, rule_set › rules › badge › give: A rule that gives no points is limited by",
    ),
    "an unknown attribute of a metric": (
        "measure: amount, of: purchase",
        "measure: sum, attribute: margins, of: purchase",
        "Line 14, column 57, metrics › spend › attribute: “Purchase” has no attribute “margins” that is a",
    ),
    "a metric of nothing": (
        "measure: amount, of: purchase}",
        "measure: amount}",
        "Line 14, column 5, metrics › spend: “of” is missing here.",
    ),
    "a tier that asks for nothing there is": (
        "{fact: metric.spend, op: gte, value: 5}",
        "{fact: metric.spent, op: gte, value: 5}",
        "Line 18, column 94, tiers › inner › only_if: There is no fact 'metric.spent'; did you mean 'metric.spend'?",
    ),
    "half a fee": (
        "fee: 100, ",
        "",
        "Line 18, column 5, tiers › inner: Give the fee, its currency and for how many months it pays where",
    ),
    "an unknown segment": (
        "thresholds: [{segment: named",
        "thresholds: [{segment: names",
        "Line 17, column 70, tiers › gold › thresholds › 1 › segment: There is no “names”. Did you mean “named”?",
    ),
    "a benefit without what its kind needs": (
        ', contact: "555"',
        "",
        "Line 22, column 5, benefits › line: Fill in what this kind needs: an address to read, a contact to",
    ),
    "an unknown benefit": (
        "{benefit: line, tiers: [basic",
        "{benefit: lime, tiers: [basic",
        "Line 24, column 15, benefit_matrix › 1 › benefit: There is no “lime”. Did you mean “line”?",
    ),
    "a benefit twice in a cell": (
        "tiers: [basic, gold]}",
        "tiers: [basic, basic]}",
        "Line 24, column 5, benefit_matrix › 1: This benefit stands in the cell already.",
    ),
    "a segment's condition": (
        "{fact: company.people, op: gte, value: 50}",
        "{fact: company.people, op: has, value: x}",
        "Line 6, column 41, segments › large › only_if: 'has' cannot compare the number fact",
    ),
    "an unknown tier of an example": (
        "tier: basic}\n",
        "tier: bassic}\n",
        "Line 71, column 41, examples › an-order › then › tier: There is no “bassic”. Did you mean “basic”?",
    ),
    "a return of what is to come": (
        "returns: 1}",
        "returns: 2}",
        "Line 70, column 9, examples › an-order › when › 2: A return names an earlier step, and happens once.",
    ),
    "a day that there is not": (
        "2026-04-03",
        "2026-04-31",
        "Line 70, column 31, examples › an-order › when › 2 › day: “2026-04-31” value has the correct format",
    ),
    "a campaign of no day": (
        "until: 2026-03-31",
        "until: 2026-02-28",
        "Line 31, column 7, rule_set › campaigns › spring: The last day is before the first.",
    ),
    "what the installation brings itself": (
        "{code: course, name: Course,",
        "{code: tier-reached, name: Course,",
        "Line 12, column 5, activity_types › tier-reached: “tier-reached” is brought by this installation",
    ),
}


@pytest.mark.parametrize(("old", "new", "sentence"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_loaded_is_named_with_its_place_and_changes_nothing(old: str, new: str, sentence: str) -> None:
    by, before = a_manager(), everything()
    assert old in CLUB

    with pytest.raises(BlueprintError) as caught:
        load(document=read(CLUB.replace(old, new, 1)), by=by, now=NOW)

    assert str(caught.value.faults[0])[: len(sentence)] == sentence
    assert everything() == before


def test_what_there_is_keeps_its_meaning(by: User) -> None:
    loaded(CLUB, by)
    other = CLUB.replace("code: club, name: Club", "code: other, name: Other").replace("name: Buyer", "name: Purchaser")

    seen = foresee(document=read(other), now=NOW)

    assert seen.is_new
    assert seen.same == {"stakeholder roles": 1, "segments": 2, "activity types": 2}
    for old, new, sentence in (
        ("value: 50", "value: 60", "segments › large › only_if: There is a segment “large” already"),
        ("type: number", "type: date", "activity_types › purchase › attributes › margin › type: “margin” of"),
        ("currency: EUR", "currency: USD", "program › currency: “Club” counts in EUR, and this blueprint in USD."),
        ("measure: amount", "measure: quantity", "metrics › spend › measure: “measure” of “Spend” stays money"),
        ("of: purchase", "of: course", "metrics › spend › of: “Spend” counts “purchase”, and goes on with that."),
    ):
        with pytest.raises(BlueprintError) as caught:
            load(document=read(CLUB.replace(old, new, 1)), by=by, now=NOW)
        assert str(caught.value.faults[0]).partition(", column ")[2].partition(", ")[2].startswith(sentence)


def test_a_program_made_by_hand_comes_back_as_it_is(by: User, tmp_path: Path) -> None:
    first = loaded(CLUB, by)
    rule_set = RuleSet.objects.get()
    rule_set.rules.filter(code="list").update(
        position=40, formula={"kind": "percent", "percent": 2.50, "of": "activity.amount", "rounding": "up"}
    )
    first.program.examples.update(position=7)
    Tier.objects.filter(code="gold").update(rank=20)
    Tier.objects.filter(code="inner").update(rank=30, fee_currency="USD")
    a_member(first.program)
    file = tmp_path / "club.yaml"

    call_command("blueprint", "dump", "club", str(file))
    out = io.StringIO()
    call_command("blueprint", "load", str(file), "--by", by.email, stdout=out)

    assert out.getvalue() == "Nothing changes: everything is as the blueprint says.\n"
    data = read(file.read_text()).data
    assert [(tier["code"], tier.get("rank"), tier.get("fee_currency")) for tier in data["tiers"]] == [
        ("basic", None, None), ("gold", 20, None), ("inner", 30, "USD"),
    ]  # fmt: skip
    assert "percent: 2.5, of: activity.amount, rounding: up" in file.read_text()


def test_commands_check_and_refuse(by: User, tmp_path: Path) -> None:
    file = tmp_path / "club.yaml"
    say = refusing(file)

    file.write_text(CLUB)
    out = io.StringIO()
    call_command("blueprint", "check", str(file), stdout=out)
    file.write_text(CLUB.replace("then: {company: 7}", "then: {company: 8}"))

    assert "tiers: New – Gold: Rank: 2; From: 1,000" in out.getvalue()
    shape = io.StringIO()
    call_command("blueprint", "schema", stdout=shape)
    assert json.loads(shape.getvalue())["required"] == ["blueprint", "program", "rule_set"]
    assert not Program.objects.exists()
    assert say("check") == "“An order” fails. step 1, points of the company: 8 expected, 7 came."
    assert say("load", "--by", "nobody@example.com") == "nobody@example.com is no program manager here."
    file.write_text(CLUB.replace("name: Club", "nam: Club"))
    assert "Line 2, column 23, program › nam: There is no key “nam” here. Did you mean “name”?" in say("check")
    file.unlink()
    assert "cannot be read" in say("check")
    with pytest.raises(CommandError, match="There is no program club"):
        call_command("blueprint", "dump", "club")


def refusing(file: Path) -> Callable[..., str]:
    """Return what the command says of the file when it refuses it."""

    def say(way: str, *further: str) -> str:
        with pytest.raises(CommandError) as caught:
            call_command("blueprint", way, str(file), *further, stdout=io.StringIO())
        return str(caught.value)

    return say


def test_a_document_made_in_memory_is_loaded_without_marks(by: User) -> None:
    one = shipped("officemax-maxperks")
    assert one is not None

    with pytest.raises(BlueprintError) as caught:
        load(document=Document({**read(one.read()).data, "badges": [{"code": "a"}]}), by=by, now=NOW)

    assert str(caught.value) == "badges › a: “name” is missing here."


@pytest.mark.django_db(transaction=True)
def test_two_managers_load_the_same_blueprint_once() -> None:
    by, start = a_manager(), Barrier(2)
    came: list[str] = []

    def load_it() -> None:
        try:
            start.wait()
            came.append("made" if load(document=read(CLUB), by=by, now=NOW).made else "nothing")
        except BlueprintError as error:
            came.append(str(error))
        finally:
            connection.close()

    threads = [Thread(target=load_it) for _one in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    refused = "Somebody made some of it at the same moment. Nothing was changed: load it again."
    assert sorted(came) in ([refused, "made"], ["made", "nothing"])
    assert (Program.objects.count(), RuleSet.objects.count(), Rule.objects.count()) == (1, 1, 4)
    assert AuditEntry.objects.filter(action="blueprint-loaded").count() == 1
