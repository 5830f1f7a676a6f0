"""A blueprint that has something in every section, and what loading it leaves in the database."""

from typing import Any

from accounts.models import AuditEntry, Segment, StakeholderRole, User
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
from loyalty.site.blueprints import (
    Loaded,
    load,
    read,
)
from surveys.models import Item, Survey, SurveyVersion
from tests.factories.world import NOW

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
