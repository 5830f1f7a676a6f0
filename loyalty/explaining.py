"""Rules and judgements in plain words: what holds now, and why an activity brought what it brought."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, ngettext

from accounts.actors import Actor
from accounts.conditions import from_json, value_in_words
from accounts.reader import READER
from accounts.scope import in_force
from loyalty.earning import (
    NO_SCHEME,
    PEOPLE,
    PROMOTIONS,
    Beneficiary,
    CapSubject,
    EarningRule,
    Favour,
    Gift,
    Promotion,
    Verdict,
    cap_sentence,
    evaluate,
    people_from_json,
    rule_sentence,
    verdict_sentence,
)
from loyalty.facts import CURRENCY, LAST_EARN_ON, RATE
from loyalty.models import (
    Activity,
    ActivityType,
    Agreement,
    Award,
    EffectAward,
    Evaluation,
    Membership,
    PersonalPromotion,
    Program,
    PromotedAward,
    Rule,
    RuleSet,
    Transaction,
)
from loyalty.promotions import read_promotions, rule_names
from loyalty.promotions import sentence as promotion_sentence
from loyalty.rates import converted
from loyalty.rulebook import NO_RULES, earning_rule, read_agreed, rules_under, schemes_of
from loyalty.vocabulary import Vocabulary

G = TypeVar("G", Gift, Favour)


@dataclass(frozen=True, slots=True)
class PlainRule:
    """A rule as people read it; `is_agreed`: an agreement with the company made it another than the program's."""

    code: str
    name: str
    sentence: str
    caps: tuple[str, ...]
    is_agreed: bool = False
    gives_points: bool = True


LIST_SHOWN = 300
"""So many products of a list are shown on a page."""


@dataclass(frozen=True, slots=True)
class PlainList:
    """A list of products that rules ask for; `more` stand on it than are shown."""

    name: str
    products: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class PlainVerdict:
    """What one rule said of one activity; `points` are those of wallets that the reader may see."""

    rule_name: str
    sentence: str
    reason: str
    is_met: bool
    is_capped: bool
    points: int
    rule_code: str = ""


def rule_set_in_force(program: Program, *, at: datetime) -> RuleSet | None:
    """Return the version that holds at `at`."""
    versions = RuleSet.objects.filter(in_force(at), program=program).exclude(status=RuleSet.Status.DRAFT)
    return versions.order_by("-starts_at").first()


def agreement_in_force(membership: Membership, *, at: datetime) -> Agreement | None:
    """Return what was agreed with a company and holds at `at`."""
    return Agreement.objects.filter(in_force(at), membership=membership, status__in=Agreement.APPROVED).first()


def plain_rules(
    rule_set: RuleSet, program: Program, agreement: Agreement | None = None, **only: Any
) -> list[PlainRule]:
    """Return every rule of a version in plain words, as an agreement has it, in the language in force.

    `only` is what holds of the rules that are asked for. At most five queries; with an agreement nine.
    """
    agreed = None if agreement is None else read_agreed([agreement.pk])[agreement.pk]
    scheme = NO_SCHEME if agreed is None else schemes_of([rule_set.pk])[rule_set.pk]
    rows = Rule.objects.filter(rule_set=rule_set, **only).select_related("activity_type").prefetch_related("caps")
    words = Vocabulary()
    plain = []
    for row in rows.order_by("position", "code"):
        type_id = row.activity_type_id
        catalogue = words.plain_catalogue(activity_type_id=type_id, program=program)
        rule = earning_rule(row, catalogue, words.scheme_for(row), words.shared_for(row))
        if agreed is not None:
            rule = agreed.laid_over(rule, catalogue, scheme)
        rule = words.named(rule, program.pk)
        sentence = rule_sentence(
            replace(rule, caps=()),
            when=row.activity_type.name,
            catalogue=words.catalogue(activity_type_id=type_id, program=program, rule_set_id=rule_set.pk),
            translate=READER,
        )
        caps = tuple(cap_sentence(cap, READER) for cap in rule.caps)
        plain.append(PlainRule(rule.code, rule.name, sentence, caps, rule.is_agreed, rule.effect is None))
    return plain


def plain_lists(rule_set: RuleSet) -> list[PlainList]:
    """Return what stands on each of a version's lists of products, cut to LIST_SHOWN; one query."""
    return [
        PlainList(row.name, tuple(sorted(row.products)[:LIST_SHOWN]), max(0, len(row.products) - LIST_SHOWN))
        for row in rule_set.product_lists.order_by("name", "code")
    ]


@dataclass(frozen=True, slots=True)
class Counted:
    """Money of another currency as a program counted it: 1 of `other` was worth `rate` of `currency`."""

    amount: Decimal
    currency: str
    rate: Decimal
    other: str


def counted_as(activity: Activity, program: Program) -> Counted | None:
    """Return what the amount of an activity counted for in a program of another currency; else None, and no query."""
    if activity.amount is None or activity.currency == program.currency:
        return None
    evaluation = Evaluation.objects.filter(activity=activity, program=program).first()
    facts = evaluation.facts if evaluation is not None else {}
    if RATE not in facts:
        return None
    rate = Decimal(facts[RATE])
    return Counted(converted(activity.amount, rate), program.currency, rate, facts[CURRENCY])


def explain(transaction: Transaction, actor: Actor) -> list[PlainVerdict]:
    """Return what every rule said of the activity behind a transaction, computed again from its evaluation.

    Empty where no activity stands behind it, or where it is a return: the verdicts are those of its original. Rules
    that give to the company alone are left out for people who do not see the company's points. Four queries.
    """
    evaluation = (
        Evaluation.objects.filter(activity=transaction.activity_id, program=transaction.program_id)
        .select_related("activity__type", "program")
        .first()
    )
    return [] if evaluation is None else verdicts_of(evaluation, actor)


def verdicts_of(evaluation: Evaluation, actor: Actor) -> list[PlainVerdict]:
    """Return what every rule said in one evaluation, which comes with its activity's type and its program.

    As `explain` says; three queries.
    """
    if evaluation.rule_set_id is None:
        return list(_of_an_end(evaluation))
    activity_type = evaluation.activity.type
    held = _Held(evaluation.facts.get(PROMOTIONS, ()), evaluation, actor)
    awards = list(Award.objects.visible_to(actor).filter(evaluation=evaluation))
    granted = _granted(awards)
    for given in EffectAward.objects.visible_to(actor).filter(evaluation=evaluation, is_given=True):
        granted[given.rule_code] = granted.get(given.rule_code, 0) + 1
    rules = rules_under(evaluation.rule_set_id, evaluation.agreement_id).get(activity_type.pk, NO_RULES).rules
    if actor.is_employee and not actor.sees_company:
        rules = tuple(rule for rule in rules if rule.beneficiary is not Beneficiary.COMPANY)

    return verdicts_from(
        evaluation.facts,
        rules,
        activity_type=activity_type,
        program=evaluation.program,
        rule_set_id=evaluation.rule_set_id,
        granted=granted,
        # What limits alone had cut would be what the tightest had left.
        over_budget={award.rule_code for award in awards if award.granted not in (award.raw, award.cap_left_before)},
        promotions=held.promotions,
        person_id=evaluation.activity.employee_id,
        in_sight=partial(in_sight, doer_id=evaluation.activity.employee_id, actor=actor),
        said_with=held.said_with,
    )


def facts_in_words(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Return what was known of an activity, which comes with its type and program: each fact by its name; two queries.

    What nobody can ask about is left out; a fact that was asked for and not known says "".
    """
    words, type_id, program = Vocabulary(), evaluation.activity.type_id, evaluation.program
    plain = words.plain_catalogue(activity_type_id=type_id, program=program)
    catalogue = words.catalogue(activity_type_id=type_id, program=program, rule_set_id=evaluation.rule_set_id)
    return [
        (str(plain[code].label), value_in_words(from_json(raw, plain[code]), catalogue.get(code, plain[code]), READER))
        for code, raw in evaluation.facts.items()
        if code in plain
    ]


def verdicts_from(
    kept: Mapping[str, Any],
    rules: Sequence[EarningRule],
    *,
    activity_type: ActivityType,
    program: Program,
    rule_set_id: int,
    granted: Mapping[str, int],
    over_budget: Collection[str] = (),
    promotions: Sequence[Promotion] = (),
    person_id: int | None = None,
    in_sight: Callable[[Verdict], Verdict] = lambda verdict: verdict,
    said_with: Callable[[Verdict, str], str] = lambda verdict, reason: reason,
    words: Vocabulary | None = None,
) -> list[PlainVerdict]:
    """Return what `rules` say of the facts that were kept of an activity, and what each `granted`, by its code.

    `promotions` held for it, which `person_id` did. `in_sight` leaves of a verdict what the reader may see, `said_with`
    adds to a reason what promotions say. Two queries; with `words` at hand none.
    """
    words = words or Vocabulary()
    plain = words.plain_catalogue(activity_type_id=activity_type.pk, program=program)
    catalogue = words.catalogue(activity_type_id=activity_type.pk, program=program, rule_set_id=rule_set_id)
    facts = dict(kept)
    people = people_from_json(facts.pop(PEOPLE, ()))
    facts.pop(PROMOTIONS, None)
    values = {code: from_json(raw, plain[code]) if code in plain else raw for code, raw in facts.items()}
    named = [words.named(rule, program.pk) for rule in rules]
    verdicts = map(in_sight, evaluate(named, values, people, promotions=promotions, person_id=person_id))
    return [
        PlainVerdict(
            rule_name=verdict.rule.name,
            sentence=rule_sentence(verdict.rule, when=activity_type.name, catalogue=catalogue, translate=READER),
            reason=said_with(
                verdict,
                verdict_sentence(
                    verdict,
                    granted=granted.get(verdict.rule.code, 0),
                    catalogue=catalogue,
                    translate=READER,
                    is_budget_spent=verdict.rule.code in over_budget,
                ),
            ),
            is_met=verdict.is_met,
            is_capped=granted.get(verdict.rule.code, 0) < _due(verdict),
            points=granted.get(verdict.rule.code, 0) if verdict.rule.effect is None else 0,
            rule_code=verdict.rule.code,
        )
        for verdict in verdicts
    ]


class _Held:
    """The promotions that held for what was done, and what they added of what the reader sees."""

    def __init__(self, ids: Collection[int], evaluation: Evaluation, actor: Actor) -> None:
        self.promotions = read_promotions(ids)
        self._added: dict[tuple[int, str], int] = {}
        self._sentences: dict[int, str] = {}
        if not self.promotions:
            return
        self._sentences = promotions_in_words(ids, actor)
        added = PromotedAward.objects.visible_to(actor).filter(award__evaluation=evaluation)
        for promotion_id, rule_code, points in added.values_list("promotion", "award__rule_code", "points"):
            key = (promotion_id, rule_code)
            self._added[key] = self._added.get(key, 0) + points

    def said_with(self, verdict: Verdict, reason: str) -> str:
        """Return the reason with what promotions of the rule say, and what each added, or why nothing."""
        if not verdict.is_met or verdict.rule.effect is not None:
            return reason
        for promotion in self.promotions:
            said = self._sentences.get(promotion.id)
            if said is None or not promotion.speaks_of(verdict.rule.code):
                continue
            points = self._added.get((promotion.id, verdict.rule.code), 0)
            if points:
                template = ngettext(
                    "{reason} {promotion} It added {points} point.",
                    "{reason} {promotion} It added {points} points.",
                    points,
                )
            elif any(gift.promotion == promotion and gift.from_promotion for gift in verdict.gifts):
                template = gettext(
                    "{reason} {promotion} It added nothing: its budget is spent, or a limit was reached."
                )
            elif promotion.employee_id is not None:
                template = gettext(
                    "{reason} {promotion} It added nothing: the person earned no points of their own by this."
                )
            else:
                template = gettext("{reason} {promotion} It added nothing here.")
            reason = template.format(reason=reason, promotion=said, points=number_format(points, force_grouping=True))
        return reason


def promotions_in_words(ids: Collection[int], actor: Actor) -> dict[int, str]:
    """Return what promotions say, by their keys. Whose points the reader sees, of those one is told; of others' not."""
    rows = PersonalPromotion.objects.filter(pk__in=ids).select_related(
        "membership__company", "membership__program", "employee"
    )
    mine = [row for row in rows if _is_in_sight(row, actor)]
    names = rule_names(mine)
    return {row.pk: promotion_sentence(row, names, actor) for row in mine}


def _is_in_sight(row: PersonalPromotion, actor: Actor) -> bool:
    """Whether the reader may know of a promotion behind points: who sees the points does, as for a rule."""
    if row.employee_id is None or not actor.is_employee:
        return True
    return actor.is_company_admin or row.employee_id == actor.employee_id


def _of_an_end(evaluation: Evaluation) -> Iterator[PlainVerdict]:
    """Say that the program's last day to earn was over, where that is why no rule was asked."""
    last_day = evaluation.facts.get(LAST_EARN_ON)
    if last_day:
        sentence = gettext("The program ends: {day} was the last day to earn points.")
        yield PlainVerdict(
            rule_name=evaluation.program.name,
            sentence=sentence.format(day=date_format(date.fromisoformat(last_day), "DATE_FORMAT")),
            reason=gettext("No points: what was done lies after it."),
            is_met=False,
            is_capped=False,
            points=0,
        )


def _granted(awards: Iterable[Award]) -> dict[str, int]:
    """Return the points that each rule, by its code, granted."""
    granted: dict[str, int] = {}
    for award in awards:
        granted[award.rule_code] = granted.get(award.rule_code, 0) + award.granted
    return granted


def _due(verdict: Verdict) -> int:
    """What limits would let through if there were none: points, or how often something else is given."""
    if verdict.rule.effect is not None:
        return sum(favour.refusal is None for favour in verdict.favours)
    return sum(gift.points for gift in verdict.gifts)


def in_sight(verdict: Verdict, *, doer_id: int | None, actor: Actor) -> Verdict:
    """Return of a verdict on what `doer_id` did what the actor may see."""
    return verdict._replace(
        gifts=tuple(_in_sight(verdict.gifts, doer_id, actor)), favours=tuple(_in_sight(verdict.favours, doer_id, actor))
    )


def _in_sight(gifts: Iterable[G], doer_id: int | None, actor: Actor) -> Iterator[G]:
    """Give what the actor may see: what a limit let through must not tell of another's.

    Somebody whose points went to the company is told so, and not how many.
    """
    sees_all = not actor.is_employee or actor.is_company_admin
    for gift in gifts:
        is_own = (gift.person_id or doer_id) == actor.employee_id
        is_personal = gift.to is CapSubject.EMPLOYEE
        if sees_all or (is_own if is_personal else actor.sees_company):
            yield gift
        elif is_own and isinstance(gift, Gift):
            yield gift._replace(points=0)
