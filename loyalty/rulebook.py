"""Rule sets read from the database and made ready for the calculation; checked when somebody saves one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from accounts import arrays
from accounts.conditions import Catalogue, Condition, asked_of, explain, parse
from accounts.wording import N_
from loyalty.earning import (
    EVERY_RULE,
    MAY_EARN,
    NO_SCHEME,
    NOTHING,
    AgreedLimit,
    AgreedTerms,
    Beneficiary,
    Campaign,
    Cap,
    CapSubject,
    Combining,
    Counts,
    EarningRule,
    FormulaError,
    Period,
    Scheme,
    laid_over,
    misfit,
    parse_formula,
)
from loyalty.effects import is_effect, parse_effect
from loyalty.facts import OBJECT, PRODUCT_LISTS, catalogue_of
from loyalty.models import (
    ActivityAttribute,
    Agreement,
    AgreementLimit,
    AgreementRate,
    ProductList,
    Rule,
    RuleCap,
    RuleSet,
    SharedLimit,
)


@dataclass(frozen=True, slots=True)
class TypeRules:
    """The rules of one version for one activity type, and the facts that they read.

    `lists_of` says on which of the version's lists a product stands, where a rule asks for that; `asks_people`, whether
    a rule gives to everybody of a role.
    """

    rules: tuple[EarningRule, ...]
    fact_codes: tuple[str, ...]
    lists_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    asks_people: bool = False
    _asked: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)
    """By their codes, the objects that rules are about which are not about any."""
    _named: frozenset[str] = field(init=False, repr=False, compare=False)
    """All of these."""
    _about: dict[str, "About"] = field(init=False, repr=False, compare=False)
    """By object, as far as it was asked for; "" stands for all that no rule is about."""

    def __post_init__(self) -> None:
        asked = {rule.code: asked_of(rule.condition, OBJECT) for rule in self.rules}
        object.__setattr__(self, "_asked", {code: objects for code, objects in asked.items() if objects is not None})
        object.__setattr__(self, "_named", frozenset().union(*self._asked.values()))
        object.__setattr__(self, "_about", {"": self._those_about("")})

    def about(self, object_: str) -> "About":
        """Return the rules that what is done with an object can meet; of many about one product each these are few."""
        named = object_ if object_ in self._named else ""
        found = self._about.get(named)
        if found is None:
            found = self._about[named] = self._those_about(named)
        return found

    def _those_about(self, object_: str) -> "About":
        rules = tuple(rule for rule in self.rules if rule.code not in self._asked or object_ in self._asked[rule.code])
        return About(rules, tuple({_reach(rule): rule for rule in rules}.values()))


class About(NamedTuple):
    """Rules about one object: all of them; and of those that can come to the very same limits, wallets and effects
    one, so that each is looked for once.
    """

    rules: tuple[EarningRule, ...]
    reaching: tuple[EarningRule, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """A rule set in force from `starts_at` (inclusive) until `ends_at` (exclusive, None: further notice)."""

    rule_set_id: int
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Agreed:
    """An agreement as it stands in the database: documents of rates, by the code of the rule, and limits."""

    factor: Decimal
    rates: Mapping[str, object]
    limits: tuple[AgreedLimit, ...] = ()

    def speaks_of(self, rule: Rule) -> bool:
        """Whether there is a rate or a limit for the rule."""
        return rule.code in self.rates or any(limit.speaks_of(rule.code, rule.shared_limits) for limit in self.limits)

    @property
    def rule_codes(self) -> frozenset[str]:
        """The codes of the rules that it names."""
        return frozenset(self.rates).union(*(limit.rule_codes or () for limit in self.limits))

    @property
    def shared_codes(self) -> frozenset[str]:
        """The codes of the limits that it names of those which the program lets rules share."""
        return frozenset(limit.cap.shared_as for limit in self.limits if limit.is_of_program)

    def laid_over(self, rule: EarningRule, catalogue: Catalogue, scheme: Scheme) -> EarningRule:
        """Return a rule of a version as the agreement has it.

        Raises FormulaError where what was agreed does not fit the rule.
        """
        document, unfit = self.rates.get(rule.code), misfit(rule, self.limits)
        if rule.effect is not None and (document is not None or unfit is not None):
            raise FormulaError(N_("A rule that gives no points has no rate, and is limited by times alone."))
        if unfit is not None:
            raise FormulaError(
                N_("The shared limit “{code}” counts for another subject, period or thing: agree on its number alone."),
                code=unfit.cap.shared_as,
            )
        rates = {} if document is None else {rule.code: parse_formula(document, catalogue, scheme)}
        return laid_over(rule, AgreedTerms(self.factor, rates, self.limits, scheme.combining))


NO_RULES = TypeRules((), ())
_NO_LIMITS: Mapping[str, Cap] = MappingProxyType({})


def terms_of(program_ids: Iterable[int]) -> dict[int, list[Term]]:
    """Return when which rule set was or is in force, a program."""
    terms: dict[int, list[Term]] = {}
    rows = RuleSet.objects.filter(program__in=program_ids).exclude(status=RuleSet.Status.DRAFT)
    for row in rows.order_by("starts_at"):
        if row.starts_at is not None:
            terms.setdefault(row.program_id, []).append(Term(row.pk, row.starts_at, row.ends_at))
    return terms


def rule_set_at(terms: Iterable[Term], at: datetime) -> int | None:
    """Return the id of the rule set in force at `at`, None where there is none."""
    for term in terms:
        if term.starts_at <= at and (term.ends_at is None or at < term.ends_at):
            return term.rule_set_id
    return None


@lru_cache(maxsize=256)
def rules_by_type(rule_set_id: int) -> Mapping[int, TypeRules]:
    """Return the rules of a version in force, by activity type id; kept, as such a version never changes."""
    return read_rules(rule_set_id)


@lru_cache(maxsize=2048)
def _agreed_rules_by_type(rule_set_id: int, agreement_id: int) -> Mapping[int, TypeRules]:
    """The same as an agreement has them; kept, as an agreement that was approved never changes either."""
    return read_rules(rule_set_id, agreement_id)


def rules_under(rule_set_id: int, agreement_id: int | None) -> Mapping[int, TypeRules]:
    """Return the rules of a version in force with what was agreed with a company (None: nothing) laid over them."""
    return rules_by_type(rule_set_id) if agreement_id is None else _agreed_rules_by_type(rule_set_id, agreement_id)


def read_rules(rule_set_id: int, agreement_id: int | None = None) -> Mapping[int, TypeRules]:
    """Return the rules of a version, a draft included, by activity type id; with an agreement laid over them."""
    rules = list(
        Rule.objects.filter(rule_set_id=rule_set_id).prefetch_related("caps").order_by("position", "code", "pk")
    )
    attributes: dict[int, list[ActivityAttribute]] = {}
    for attribute in ActivityAttribute.objects.filter(activity_type__in={rule.activity_type_id for rule in rules}):
        attributes.setdefault(attribute.activity_type_id, []).append(attribute)
    agreed = None if agreement_id is None else read_agreed([agreement_id])[agreement_id]
    asks = agreed is not None or any(map(asks_for_scheme, rules))
    scheme = schemes_of([rule_set_id])[rule_set_id] if asks else NO_SCHEME
    shared = shared_limits_of([rule_set_id]).get(rule_set_id, {}) if any(rule.shared_limits for rule in rules) else {}
    by_type: dict[int, list[EarningRule]] = {}
    for rule in rules:
        catalogue = catalogue_of(attributes.get(rule.activity_type_id, []))
        earning = earning_rule(rule, catalogue, scheme, shared)
        if agreed is not None:
            earning = agreed.laid_over(earning, catalogue, scheme)
        by_type.setdefault(rule.activity_type_id, []).append(earning)
    facts = {type_id: _facts_read(rules) for type_id, rules in by_type.items()}
    is_asked = any(PRODUCT_LISTS in codes for codes in facts.values())
    lists_of = _lists_by_product(rule_set_id) if is_asked else {}
    return {
        type_id: TypeRules(
            tuple(rules), facts[type_id], lists_of, any(rule.beneficiary is Beneficiary.ROLE for rule in rules)
        )
        for type_id, rules in by_type.items()
    }


def read_agreed(agreement_ids: Iterable[int]) -> dict[int, Agreed]:
    """Return what agreements, drafts included, say; three queries for all of them."""
    ids = list(agreement_ids)
    rates: dict[int, dict[str, object]] = {}
    for of, code, formula in AgreementRate.objects.filter(agreement__in=ids).values_list(
        "agreement", "rule_code", "formula"
    ):
        rates.setdefault(of, {})[code] = formula
    limits: dict[int, list[AgreedLimit]] = {}
    rows = AgreementLimit.objects.filter(agreement__in=ids)
    for row in rows.order_by("scope", "rule_code", "subject", "period", "counts", "is_per_object", "shared_as"):
        limits.setdefault(row.agreement_id, []).append(agreed_limit(row))
    factors = Agreement.objects.filter(pk__in=ids).values_list("pk", "factor")
    return {of: Agreed(factor, rates.get(of, {}), tuple(limits.get(of, ()))) for of, factor in factors}


def agreed_limit(row: AgreementLimit) -> AgreedLimit:
    """Return an agreed limit as the calculation needs it."""
    is_own = row.scope in (AgreementLimit.Scope.RULES, AgreementLimit.Scope.ALL)
    cap = Cap(
        CapSubject(row.subject),
        Period(row.period),
        row.limit,
        Counts(row.counts),
        row.is_per_object,
        EVERY_RULE if row.scope == AgreementLimit.Scope.ALL else row.shared_as,
        row.name,
        is_own,
    )
    codes = [row.rule_code] if row.scope == AgreementLimit.Scope.RULE else row.rule_codes
    return AgreedLimit(cap, frozenset(codes) or None, row.is_lower)


def _lists_by_product(rule_set_id: int) -> Mapping[str, frozenset[str]]:
    """Return the codes of the lists that each product stands on."""
    lists_of: dict[str, set[str]] = {}
    for code, products in ProductList.objects.filter(rule_set=rule_set_id).values_list("code", "products"):
        for product in products:
            lists_of.setdefault(product, set()).add(code)
    return {product: frozenset(codes) for product, codes in lists_of.items()}


def asks_for_scheme(rule: Rule) -> bool:
    """Whether a rule's formula has multipliers, and so cannot be read without its version's scheme."""
    return isinstance(rule.formula, Mapping) and "multipliers" in rule.formula


def schemes_of(rule_set_ids: Iterable[int]) -> dict[int, Scheme]:
    """Return what each version says once for all of its rules; one query."""
    combining: dict[int, Combining] = {}
    campaigns: dict[int, dict[str, Campaign]] = {}
    for rule_set_id, how, code, name, starts_on, ends_on, factor, budget in arrays.fetch(
        """SELECT s.id, s.combining, c.code, c.name, c.starts_on, c.ends_on, c.factor, c.budget
           FROM loyalty_ruleset s LEFT JOIN loyalty_campaign c ON c.rule_set_id = s.id
           WHERE s.id = ANY(%s::bigint[])""",
        list(rule_set_ids),
    ):
        combining[rule_set_id] = Combining(how)
        named = campaigns.setdefault(rule_set_id, {})
        if code is not None:
            named[code] = Campaign(code, name, starts_on, ends_on, factor, budget)
    return {rule_set_id: Scheme(campaigns[rule_set_id], how) for rule_set_id, how in combining.items()}


def shared_limits_of(rule_set_ids: Iterable[int] | None = None) -> dict[int, dict[str, Cap]]:
    """Return the limits that rules of each version (None: of all) may share, by their code; one query."""
    shared: dict[int, dict[str, Cap]] = {}
    rows = SharedLimit.objects.all()
    for row in rows if rule_set_ids is None else rows.filter(rule_set__in=rule_set_ids):
        shared.setdefault(row.rule_set_id, {})[row.code] = shared_cap(row)
    return shared


def shared_cap(row: SharedLimit) -> Cap:
    """Return a limit that rules share as the calculation needs it."""
    return Cap(
        CapSubject(row.subject), Period(row.period), row.limit, Counts(row.counts), shared_as=row.code, name=row.name
    )


def caps_of(rule: Rule) -> tuple[Cap, ...]:
    """Return all limits of a rule, its own and those that it shares; two queries, but where they were brought along."""
    shared = shared_limits_of([rule.rule_set_id]).get(rule.rule_set_id, {}) if rule.shared_limits else {}
    return (*_own_caps(rule, None), *(shared[code] for code in rule.shared_limits if code in shared))


def earning_rule(
    rule: Rule,
    catalogue: Catalogue,
    scheme: Scheme = NO_SCHEME,
    shared: Mapping[str, Cap] = _NO_LIMITS,
    limits: Iterable[RuleCap] | None = None,
) -> EarningRule:
    """Return a rule's row as the calculation needs it; `shared` are the limits that it may name.

    `limits` are its own where they are not saved as they are meant.

    Raises ConditionError or FormulaError, each with a sentence that names the place, where the row is not sound.
    """
    for code in rule.shared_limits:
        if code not in shared:
            raise FormulaError(N_("There is no shared limit “{code}” in this version."), code=code)
    effect = parse_effect(rule.formula) if is_effect(rule.formula) else None
    formula = NOTHING if effect is not None else parse_formula(rule.formula, catalogue, scheme)
    earning = EarningRule(
        id=rule.pk or 0,
        code=rule.code,
        name=rule.name,
        condition=parse(rule.condition or None, catalogue),
        formula=formula,
        beneficiary=Beneficiary(rule.beneficiary),
        caps=(*_own_caps(rule, limits), *(shared[code] for code in rule.shared_limits)),
        person_share=rule.person_share,
        role=rule.role,
        is_divided=rule.is_divided,
        effect=effect,
    )
    if effect is not None:
        _require_whole(earning)
        if not effect.is_for_people and earning.beneficiary is not Beneficiary.COMPANY:
            raise FormulaError(N_("{kind}: this is for companies alone: give it to the company."), kind=effect.kind)
    return earning


def _require_whole(rule: EarningRule) -> None:
    """Refuse to share, or to count in points, what is no number."""
    if rule.beneficiary is Beneficiary.SPLIT or rule.is_divided:
        raise FormulaError(N_("Only points can be shared: let each get the whole."))
    if any(cap.counts is Counts.POINTS for cap in rule.caps):
        raise FormulaError(N_("A rule that gives no points is limited by times, not by points."))


def _own_caps(rule: Rule, limits: Iterable[RuleCap] | None) -> Iterable[Cap]:
    if limits is None:
        limits = rule.caps.all() if rule.pk else ()
    rows = sorted(limits, key=lambda cap: (cap.subject, cap.period, cap.counts, cap.is_per_object))
    return [
        Cap(CapSubject(row.subject), Period(row.period), row.limit, Counts(row.counts), row.is_per_object)
        for row in rows
    ]


def _reach(rule: EarningRule) -> tuple[str, bool, bool]:
    """What tells a rule from others by what it can come to; without limits and effects that is whose wallets alone."""
    is_own = bool(rule.caps or rule.effect or rule.formula.campaigns)
    return (
        rule.code if is_own else "",
        CapSubject.EMPLOYEE in rule.recipients,
        rule.beneficiary is Beneficiary.ROLE,
    )


def fact_codes(condition: Condition) -> set[str]:
    """Return the codes of the facts that a condition reads."""
    return {outcome.leaf.fact for outcome in explain(condition, {})}


def _facts_read(rules: Iterable[EarningRule]) -> tuple[str, ...]:
    codes: set[str] = set()
    for rule in rules:
        codes |= fact_codes(rule.condition)
        codes.update(rule.formula.facts)
        if rule.beneficiary not in (Beneficiary.COMPANY, Beneficiary.ROLE):
            codes.add(MAY_EARN)
    return tuple(sorted(codes))


def fingerprint(rule_set: RuleSet) -> str:
    """Return what tells a version's content from any other: 32 characters; edits change it, and undoing them."""
    return str(arrays.fetch(_FINGERPRINT, rule_set.pk)[0][0])


def _content_of(table: str) -> str:
    """SQL for the rows of one of a version's tables, without their ids."""
    rows = "jsonb_agg(to_jsonb(t) - '{id,rule_set_id}'::text[] ORDER BY t.code)"
    return f"(SELECT {rows} FROM {table} t WHERE t.rule_set_id = s.id)"  # noqa: S608 (names are code)


_CAPS = """(
    SELECT jsonb_agg(to_jsonb(c) - '{id,rule_id}'::text[] || jsonb_build_object('rule', r.code)
                     ORDER BY r.code, c.subject, c.period, c.counts, c.is_per_object)
    FROM loyalty_rulecap c JOIN loyalty_rule r ON r.id = c.rule_id WHERE r.rule_set_id = s.id)"""
_PARTS = ("loyalty_rule", "loyalty_sharedlimit", "loyalty_productlist", "loyalty_campaign")
_FINGERPRINT = (
    f"SELECT md5(jsonb_build_array(s.combining, {_CAPS}, {', '.join(map(_content_of, _PARTS))})::text) "  # noqa: S608
    "FROM loyalty_ruleset s WHERE s.id = %s"
)
