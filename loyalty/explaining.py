"""Rules and judgements in plain words: what holds now, and why an activity brought what it brought."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from accounts.actors import Actor
from accounts.conditions import Catalogue, from_json
from loyalty.earning import Beneficiary, EarningRule, cap_sentence, evaluate, rule_sentence, verdict_sentence
from loyalty.facts import catalogue_of
from loyalty.models import ActivityAttribute, ActivityType, Award, Evaluation, Program, Rule, RuleSet, Transaction
from loyalty.rulebook import NO_RULES, earning_rule, rules_by_type


@dataclass(frozen=True, slots=True)
class PlainRule:
    """A rule as people read it."""

    name: str
    sentence: str
    caps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlainVerdict:
    """What one rule said of one activity; `points` are those of wallets that the reader may see."""

    rule_name: str
    sentence: str
    reason: str
    is_met: bool
    is_capped: bool
    points: int


def rule_set_in_force(program: Program, *, at: datetime) -> RuleSet | None:
    """Return the version that holds at `at`."""
    versions = RuleSet.objects.filter(program=program, starts_at__lte=at).exclude(status=RuleSet.Status.DRAFT)
    version = versions.order_by("-starts_at").first()
    return version if version and (version.ends_at is None or at < version.ends_at) else None


def plain_rules(rule_set: RuleSet, program: Program) -> list[PlainRule]:
    """Return every rule of a version in plain words, in the language in force; four queries."""
    rows = list(Rule.objects.filter(rule_set=rule_set).select_related("activity_type").prefetch_related("caps"))
    attributes: dict[int, list[ActivityAttribute]] = {}
    for attribute in ActivityAttribute.objects.filter(activity_type__in={row.activity_type_id for row in rows}):
        attributes.setdefault(attribute.activity_type_id, []).append(attribute)
    plain = []
    for row in sorted(rows, key=lambda row: (row.position, row.code)):
        catalogue = catalogue_of(attributes.get(row.activity_type_id, []), program=program)
        plain.append(_plain(earning_rule(row, catalogue), row.activity_type.name, catalogue))
    return plain


def _plain(rule: EarningRule, when: str, catalogue: Catalogue) -> PlainRule:
    bare = EarningRule(rule.id, rule.code, rule.name, rule.condition, rule.formula, rule.beneficiary)
    return PlainRule(
        name=rule.name,
        sentence=rule_sentence(bare, when=when, catalogue=catalogue, translate=gettext),
        caps=tuple(cap_sentence(cap, gettext) for cap in rule.caps),
    )


def explain(transaction: Transaction, actor: Actor) -> list[PlainVerdict]:
    """Return what every rule said of the activity behind a transaction, computed again from its evaluation.

    Empty where no activity stands behind it, or where it is a return: the verdicts are those of its original. Rules
    that give to the company alone are left out for people who do not see the company's points.
    """
    evaluation = Evaluation.objects.filter(activity=transaction.activity_id, program=transaction.program_id).first()
    if evaluation is None or evaluation.rule_set_id is None:
        return []
    activity_type = ActivityType.objects.get(activity=evaluation.activity_id)
    program = Program.objects.get(pk=evaluation.program_id)
    catalogue = catalogue_of(activity_type.attributes.all(), program=program)
    values = {
        code: from_json(raw, catalogue[code]) if code in catalogue else raw for code, raw in evaluation.facts.items()
    }
    granted: dict[str, int] = {}
    visible: dict[str, int] = {}
    seen = set(Award.objects.visible_to(actor).filter(evaluation=evaluation).values_list("pk", flat=True))
    for award in Award.objects.filter(evaluation=evaluation):
        granted[award.rule_code] = granted.get(award.rule_code, 0) + award.granted
        if award.pk in seen:
            visible[award.rule_code] = visible.get(award.rule_code, 0) + award.granted
    rules = rules_by_type(evaluation.rule_set_id).get(activity_type.pk, NO_RULES).rules
    if actor.is_employee and not actor.sees_company:
        rules = tuple(rule for rule in rules if rule.beneficiary is not Beneficiary.COMPANY)
    return [
        PlainVerdict(
            rule_name=verdict.rule.name,
            sentence=rule_sentence(verdict.rule, when=activity_type.name, catalogue=catalogue, translate=gettext),
            reason=verdict_sentence(
                verdict, granted=granted.get(verdict.rule.code, 0), catalogue=catalogue, translate=gettext
            ),
            is_met=verdict.is_met,
            is_capped=granted.get(verdict.rule.code, 0) < sum(gift.points for gift in verdict.gifts),
            points=visible.get(verdict.rule.code, 0),
        )
        for verdict in evaluate(rules, values)
    ]
