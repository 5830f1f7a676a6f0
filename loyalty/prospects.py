"""What somebody can earn next: the rules in force held against what is known before anything has happened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any as Anything

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models import Value as Constant
from django.db.models.functions import Concat, JSONObject
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.conditions import (
    All,
    Any,
    Catalogue,
    Condition,
    Fact,
    FactType,
    Leaf,
    LeafOutcome,
    Not,
    Operator,
    Value,
    Values,
    failure_sentence,
)
from accounts.facts import (
    COMPANY_COUNTRY,
    COMPANY_KIND,
    COMPANY_SEGMENTS,
    EMPLOYEE_BUYING_ROLE,
    EMPLOYEE_ROLES,
)
from accounts.models import Employee, RoleAssignment, SegmentMembership
from accounts.reader import READER
from accounts.scope import in_force
from accounts.wording import listed
from loyalty.activities.limits import CONSENT_LIMIT
from loyalty.earning import (
    AGREED,
    EVERY_RULE,
    SHARED,
    TIMES_OF,
    CapSubject,
    Counts,
    EarningRule,
    MayEarn,
    Period,
    cap_sentence,
    formula_sentence,
    may_earn_by,
    may_earn_sentence,
    period_start,
)
from loyalty.facts import DAY, TIER, TIER_RANK, catalogue_of
from loyalty.ledger import CapKey
from loyalty.models import (
    Agreement,
    AgreementLimit,
    CapUsage,
    Consent,
    Membership,
    PersonalPromotion,
    Rule,
    RuleSet,
    SharedLimit,
    TierAssignment,
)
from loyalty.rulebook import rules_under
from loyalty.vocabulary import Vocabulary

SPEND_TO_COMPARE = Decimal(1_000)
"""Formulas that grow are set side by side by what so much of their unit brings."""


class Effort(Enum):
    """What it takes to earn by a rule, the least first."""

    ONCE = 1
    EACH_TIME = 2
    GROWS = 3


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of somebody and the company before anything happens; no consent: `consent_roles` is None."""

    rule_set_id: int | None
    values: Values
    may_earn: MayEarn
    monthly_limit: int | None
    agreement_id: int | None = None
    has_promotion: bool = False
    """Whether anybody has promised the reader or the company more points, now or for days to come."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a limit still lets through in its period: points, or (`is_times`) how often.

    `left` is None where that is not the reader's to know.
    """

    sentence: str
    left: int | None
    is_times: bool = False


@dataclass(frozen=True, slots=True)
class Prospect:
    """A rule as a way to points; `obstacles` say why it is closed to the reader, empty where it is open.

    What it gives `is_long` where it lists several rates or terms: to whom it goes is then better said before.
    """

    rule: EarningRule
    type_id: int
    gives: str
    is_long: bool
    for_me: bool
    for_company: bool
    effort: Effort
    points: int
    allowances: tuple[Allowance, ...]
    obstacles: tuple[str, ...]

    @property
    def is_used_up(self) -> bool:
        """Whether a limit lets nothing more through in this period."""
        return any(allowance.left == 0 for allowance in self.allowances)

    @property
    def is_done(self) -> bool:
        """Whether it can be earned once only, and was."""
        return self.effort is Effort.ONCE and self.is_used_up


def with_situation(memberships: QuerySet[Membership], actor: Actor) -> QuerySet[Membership]:
    """Bring what `situation_of` needs along with an employee's memberships, in the same query."""
    at = actor.at
    person = Employee.objects.filter(pk=actor.employee_id)
    segments = SegmentMembership.objects.filter(in_force(at), company=OuterRef("company"))
    roles = RoleAssignment.objects.filter(in_force(at), employee=actor.employee_id)
    consents = Consent.objects.in_force(at).filter(membership=OuterRef("pk"))
    tiers = TierAssignment.objects.in_force(at).filter(membership=OuterRef("pk"))
    rule_sets = RuleSet.objects.filter(in_force(at), program=OuterRef("program")).exclude(status=RuleSet.Status.DRAFT)
    agreements = Agreement.objects.filter(in_force(at), membership=OuterRef("pk"), status__in=Agreement.APPROVED)
    promotions = PersonalPromotion.objects.visible_to(actor).filter(membership=OuterRef("pk"), ends_at__gt=at)
    return memberships.annotate(
        company_kind=F("company__kind"),
        company_country=F("company__country"),
        company_segments=ArraySubquery(segments.values("segment__code")),
        person_roles=ArraySubquery(roles.values("role__code")),
        person_buying_role=Subquery(person.values("buying_role")[:1]),
        has_consent=Exists(consents),
        consent_roles=Subquery(consents.values("roles")[:1]),
        consent_limit=Subquery(consents.values("monthly_limit")[:1]),
        consent_unearned=Subquery(consents.values("unearned")[:1]),
        tier_code=Subquery(tiers.values("tier__code")[:1]),
        tier_rank=Subquery(tiers.values("tier__rank")[:1]),
        rule_set_id=Subquery(rule_sets.order_by("-starts_at").values("pk")[:1]),
        agreement_id=Subquery(agreements.values("pk")[:1]),
        has_promotion=Exists(promotions),
    )


def situation_of(membership: Membership, actor: Actor) -> Situation:
    """Return the situation that a membership of `with_situation` brought along; no query."""
    row = vars(membership)
    rank = row["tier_rank"]
    values: dict[str, Value] = {
        COMPANY_KIND: row["company_kind"],
        COMPANY_COUNTRY: row["company_country"] or None,
        COMPANY_SEGMENTS: frozenset(row["company_segments"]),
        EMPLOYEE_BUYING_ROLE: row["person_buying_role"],
        EMPLOYEE_ROLES: frozenset(row["person_roles"]),
        TIER: row["tier_code"],
        TIER_RANK: None if rank is None else Decimal(rank),
        DAY: actor.at.astimezone(membership.program.zone).date(),
    }
    return Situation(
        rule_set_id=row["rule_set_id"],
        values=values,
        may_earn=MayEarn.ONE_WALLET
        if membership.has_one_wallet
        else may_earn_by(
            row["consent_roles"] if row["has_consent"] else None,
            frozenset(row["person_roles"]),
            is_for_company=row["consent_unearned"] == Consent.Unearned.COMPANY,
        ),
        monthly_limit=row["consent_limit"],
        agreement_id=row["agreement_id"],
        has_promotion=row["has_promotion"],
    )


def prospects(
    membership: Membership,
    situation: Situation,
    actor: Actor,
    *,
    words: Vocabulary | None = None,
    used: "Used | None" = None,
) -> list[Prospect]:
    """Return every rule in force as a way to points: what is open first, the least effort first, then most points.

    None where the program's last day to earn is over.
    Without `words`, attributes, roles and tiers are called by their codes; without `used`, limits are told without what
    is left of them. No query once the rules are kept in memory.
    """
    last_day = membership.program.last_earn_on
    is_over = last_day is not None and actor.at.astimezone(membership.program.zone).date() > last_day
    if situation.rule_set_id is None or is_over:
        return []
    ways = [
        _prospect(rule, type_id, membership, situation, actor, words, used)
        for type_id, rules in rules_under(situation.rule_set_id, situation.agreement_id).items()
        for rule in rules.rules
    ]
    return sorted(ways, key=lambda way: (bool(way.obstacles), way.is_used_up, way.effort.value, -way.points))


class Used:
    """How many points each limit has let through so far, for somebody and the company, on a day."""

    def __init__(self, used: dict[CapKey, int], day: date) -> None:
        self._used = used
        self.day = day

    def of(self, key: CapKey) -> int:
        """The points that went through one limit."""
        return self._used.get(key, 0)


def with_used_limits(memberships: QuerySet[Membership], actor: Actor) -> QuerySet[Membership]:
    """Bring what `used_limits` needs along with an employee's memberships, in the same query."""
    day = actor.at.date()
    around = (day - timedelta(days=1), day, day + timedelta(days=1))  # what day a program has depends on its zone
    counters = CapUsage.objects.filter(
        Q(subject=CapSubject.EMPLOYEE, subject_id=actor.employee_id)
        | Q(subject=CapSubject.COMPANY, subject_id=actor.company_id),
        program=OuterRef("program"),
        period_start__in={period_start(period, day) for period in Period for day in around},
    )
    columns = ("rule_code", "subject", "subject_id", "period", "period_start", "used")
    fields = JSONObject(**{name: name for name in columns})
    rules = Rule.objects.filter(rule_set__program=OuterRef(OuterRef("program")))
    shared = SharedLimit.objects.filter(rule_set__program=OuterRef(OuterRef("program")))
    agreed = AgreementLimit.objects.filter(
        agreement__membership=OuterRef(OuterRef("pk")), scope=AgreementLimit.Scope.RULES
    )
    # Each by its codes: the index of counters begins with them.
    codes = {
        "rules_used": rules.values("code"),
        "times_used": rules.values(counter=Concat(Constant(TIMES_OF), "code", output_field=CharField())),
        "shared_used": shared.values(counter=Concat(Constant(SHARED), "code", output_field=CharField())),
        "consent_used": [CONSENT_LIMIT, f"{AGREED}{EVERY_RULE}", f"{TIMES_OF}{AGREED}{EVERY_RULE}"],
        "agreed_used": agreed.values(counter=Concat(Constant(AGREED), "shared_as", output_field=CharField())),
        "agreed_times_used": agreed.values(
            counter=Concat(Constant(f"{TIMES_OF}{AGREED}"), "shared_as", output_field=CharField())
        ),
    }
    return memberships.annotate(
        **{
            name: ArraySubquery(counters.filter(rule_code__in=listed, object="").values(json=fields))
            for name, listed in codes.items()
        }
    )


def used_limits(membership: Membership, actor: Actor) -> Used:
    """Return what the limits have let through that a membership of `with_used_limits` brought along; no query."""
    row = vars(membership)
    listed = ("rules_used", "times_used", "shared_used", "consent_used", "agreed_used", "agreed_times_used")
    counters = [counter for name in listed for counter in row[name]]
    day = actor.at.astimezone(membership.program.zone).date()
    return Used({_key(counter, membership.program_id): counter["used"] for counter in counters}, day)


def _key(counter: Mapping[str, Anything], program_id: int) -> CapKey:
    start = date.fromisoformat(counter["period_start"])
    return CapKey(program_id, counter["rule_code"], counter["subject"], counter["subject_id"], counter["period"], start)


def _prospect(
    rule: EarningRule,
    type_id: int,
    membership: Membership,
    situation: Situation,
    actor: Actor,
    words: Vocabulary | None,
    used: Used | None,
) -> Prospect:
    program = membership.program
    catalogue: Catalogue = (
        words.catalogue(activity_type_id=type_id, program=program, rule_set_id=situation.rule_set_id)
        if words
        else _ByCode(catalogue_of((), program=program))
    )
    day = used.day if used else actor.at.astimezone(program.zone).date()
    obstacles = [_obstacle(outcome, catalogue) for outcome in _stops(rule.condition, situation.values)]
    for_company = CapSubject.COMPANY in rule.recipients
    may_earn = _may_earn_by(rule, situation)
    for_me = CapSubject.EMPLOYEE in rule.recipients and may_earn is MayEarn.YES
    for_company = for_company or (CapSubject.EMPLOYEE in rule.recipients and may_earn.goes_to_company)
    if not for_me and not for_company:
        obstacles.append(may_earn_sentence(may_earn, READER))
    points = _compared(rule, situation.values)
    return Prospect(
        rule=rule,
        type_id=type_id,
        gives=_gives(rule, catalogue, words, program.pk),
        is_long=rule.formula.is_table or bool(rule.formula.terms(catalogue, READER)),
        for_me=for_me,
        for_company=for_company,
        effort=_effort(rule, points),
        points=points,
        allowances=tuple(
            Allowance(sentence, None if used is None or key is None else max(0, limit - used.of(key)), is_times)
            for key, limit, sentence, is_times in _limits(rule, membership, situation, actor, day)
        ),
        obstacles=tuple(obstacles),
    )


def _gives(rule: EarningRule, catalogue: Catalogue, words: Vocabulary | None, program_id: int) -> str:
    """What it brings, in words."""
    if rule.effect is None:
        return formula_sentence(rule.formula, catalogue, READER)
    named = words.named(rule, program_id) if words else rule
    assert named.effect is not None  # noqa: S101 (tells the type checker)
    return named.effect.sentence(READER)


def _may_earn_by(rule: EarningRule, situation: Situation) -> MayEarn:
    """Whether the reader may earn by a rule, which may be for the people of one role."""
    roles = situation.values[EMPLOYEE_ROLES]
    if rule.role and not (isinstance(roles, frozenset) and rule.role in roles):
        return MayEarn.NOBODY_OF_ROLE
    return situation.may_earn


class _ByCode(dict[str, Fact]):
    """Facts where what has no name at hand is called by its code."""

    def __missing__(self, code: str) -> Fact:
        return Fact(code, FactType.NUMBER, code.rpartition(".")[2])


def _effort(rule: EarningRule, points: int) -> Effort:
    if rule.formula.counted:
        return Effort.GROWS
    ends = [
        cap.limit * (points if cap.counts is Counts.TIMES else 1)
        for cap in rule.caps
        if cap.period is Period.EVER and cap.subject is not CapSubject.PROGRAM and not cap.is_per_object
    ]
    return Effort.ONCE if ends and min(ends) < 2 * points else Effort.EACH_TIME


def _compared(rule: EarningRule, values: Values) -> int:
    """Points for one time, or for SPEND_TO_COMPARE of what the formula counts, as things stand."""
    return rule.formula.give({**values, **dict.fromkeys(rule.formula.counted, SPEND_TO_COMPARE)})


def _limits(
    rule: EarningRule, membership: Membership, situation: Situation, actor: Actor, day: date
) -> Iterator[tuple[CapKey | None, int, str, bool]]:
    """Each limit's counter, where the actor may know what it let through, with the limit, its sentence, and whether it
    counts times.
    """
    program_id = membership.program_id
    for cap in rule.caps:
        subject_id = None
        if cap.subject is CapSubject.EMPLOYEE:
            subject_id = actor.employee_id
        elif cap.subject is CapSubject.COMPANY and actor.sees_company:
            subject_id = actor.company_id
        key = None
        if subject_id is not None and not cap.is_per_object:
            start = period_start(cap.period, day)
            key = CapKey(program_id, cap.counter(rule.code), cap.subject, subject_id, cap.period, start)
        yield key, cap.limit, cap_sentence(cap, READER), cap.counts is Counts.TIMES
    own_limit = situation.monthly_limit
    if CapSubject.EMPLOYEE in rule.recipients and situation.may_earn is MayEarn.YES and own_limit is not None:
        start = period_start(Period.MONTH, day)
        key = CapKey(program_id, CONSENT_LIMIT, CapSubject.EMPLOYEE, actor.employee_id, Period.MONTH, start)
        sentence = _("at most %(limit)s points a month per person from everything, as your company agreed")
        yield key, own_limit, sentence % {"limit": number_format(own_limit, force_grouping=True)}, False


def _truth(node: Condition, values: Values) -> bool | None:
    """Whether a condition holds already, or cannot any more; None where that depends on what will be done."""
    match node:
        case Leaf():
            return node.holds(values) if node.fact in values else None
        case Not(part):
            truth = _truth(part, values)
            return None if truth is None else not truth
        case All(parts):
            truths = [_truth(part, values) for part in parts]
            return False if False in truths else None if None in truths else True
        case Any(parts):
            truths = [_truth(part, values) for part in parts]
            return True if True in truths else None if None in truths else False
        case _:
            return True


def _stops(node: Condition, values: Values) -> Iterator[LeafOutcome]:
    """The fewest leaves that tell why a condition cannot hold for this person, whatever is done."""
    return _causes(node, values, False) if _truth(node, values) is False else iter(())


def _causes(node: Condition, values: Values, truth: bool) -> Iterator[LeafOutcome]:
    match node:
        case Leaf():
            yield LeafOutcome("", node, values.get(node.fact), truth)
        case Not(part):
            yield from _causes(part, values, not truth)
        case All(parts) | Any(parts):
            for part in parts:
                if _truth(part, values) is truth:
                    yield from _causes(part, values, truth)


_NAMES_ONE_OF = (Operator.EQ, Operator.IN, Operator.HAS, Operator.HAS_ANY)


def _obstacle(outcome: LeafOutcome, catalogue: Catalogue) -> str:
    """Why it is closed, such as "For buyer, sales only; you are accountant." """
    leaf = outcome.leaf
    if outcome.met or leaf.op not in _NAMES_ONE_OF or leaf.fact not in (EMPLOYEE_ROLES, TIER):
        return _("Not for you: %(reason)s.") % {"reason": failure_sentence(outcome, catalogue, READER)}
    codes = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    wanted = listed((_name(str(code), leaf.fact, catalogue) for code in codes), READER)
    if leaf.fact == TIER:
        if outcome.actual is None:
            return _("For the tier %(wanted)s only; your company has none yet.") % {"wanted": wanted}
        own = _name(str(outcome.actual), TIER, catalogue)
        return _("For the tier %(wanted)s only; your company is %(own)s.") % {"wanted": wanted, "own": own}
    held = outcome.actual if isinstance(outcome.actual, frozenset) else frozenset()
    if not held:
        return _("For the role %(wanted)s only; nobody has said which role you have.") % {"wanted": wanted}
    own = listed(sorted(_name(code, EMPLOYEE_ROLES, catalogue) for code in held), READER)
    return _("For the role %(wanted)s only; you are %(own)s.") % {"wanted": wanted, "own": own}


def _name(code: str, fact: str, catalogue: Catalogue) -> str:
    known = catalogue.get(fact)
    return next((str(label) for listed, label in known.choices if listed == code), code) if known else code
