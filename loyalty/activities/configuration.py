"""What programs and activity types are made of, kept in memory and read again as soon as any of its rows is another."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from accounts import arrays
from loyalty.models import ActivityAttribute, ActivityType, ExchangeRate, Metric, Program, RuleSet, Tier, TierThreshold
from loyalty.own_activities import DERIVED_TYPES
from loyalty.rates import Rates, read_rates
from loyalty.rulebook import NO_RULES, Term, TypeRules, rules_under, terms_of
from loyalty.standing import MetricRule, TierPlan, metric_rules_of, tier_plans_of

_READ = (ActivityType, ActivityAttribute, Program, Tier, TierThreshold, Metric, RuleSet, ExchangeRate)
_TABLES = tuple(model._meta.db_table for model in _READ)

# A row's version is another one after every change (xmin tells transactions apart, ctid changes within one): the sum
# over all of them tells what is visible here from everything that was or will be. The tables are small.
_OF_ROWS = "(SELECT ROW(count(*), sum(hashtextextended(xmin::text || ctid::text, 0)))::text FROM {})"
_FINGERPRINT = "SELECT " + ", ".join(map(_OF_ROWS.format, _TABLES))


@dataclass(frozen=True, slots=True)
class Configuration:
    """Activity types, their attributes by type; programs, and what holds in each, by program. Never changed."""

    kinds: Mapping[int, ActivityType]
    types: Mapping[str, int]
    """The keys of activity types by their codes."""
    attributes: Mapping[int, Mapping[str, ActivityAttribute]]
    programs: Mapping[int, Program]
    zones: Mapping[int, ZoneInfo]
    plans: Mapping[int, TierPlan]
    terms: Mapping[int, list[Term]]
    metrics: Mapping[tuple[int, int], list[MetricRule]]
    """By program and activity type."""
    rates: Rates
    derived_types: frozenset[int]
    """Types of activities that follow from others: each is judged in the one program that it names."""

    def rules_of(self, rule_set_id: int | None, type_id: int, agreement_id: int | None = None) -> TypeRules:
        """Return the rules of a version (None: there is none) for an activity type, as an agreement has them."""
        return NO_RULES if rule_set_id is None else rules_under(rule_set_id, agreement_id).get(type_id, NO_RULES)

    def shared_id(self, program_id: int, company_id: int) -> int:
        """Return the id under which limits are counted that a company has in common with all others of a program."""
        return program_id


_kept: tuple[object, Configuration] | None = None
"""One for the process, by its fingerprint; replaced as a whole."""


_supposed: ContextVar[Configuration | None] = ContextVar("supposed", default=None)


@contextmanager
def holding(supposed: Configuration) -> Iterator[None]:
    """Let another configuration hold for what is recorded meanwhile, here alone: for who takes it all back again."""
    before = _supposed.set(supposed)
    try:
        yield
    finally:
        _supposed.reset(before)


def configuration() -> Configuration:
    """Return the configuration as this transaction sees it; one query while nothing of it was changed."""
    global _kept
    if (supposed := _supposed.get()) is not None:
        return supposed
    fingerprint = arrays.fetch(_FINGERPRINT)
    kept = _kept
    if kept is None or kept[0] != fingerprint:
        # What is read here may be newer than the fingerprint: then the next call finds another one, and reads again.
        _kept = kept = fingerprint, _read()
    return kept[1]


def _read() -> Configuration:
    attributes: dict[int, dict[str, ActivityAttribute]] = {}
    for attribute in ActivityAttribute.objects.order_by("pk"):
        attributes.setdefault(attribute.activity_type_id, {})[attribute.code] = attribute
    programs = Program.objects.in_bulk()
    metrics: dict[tuple[int, int], list[MetricRule]] = {}
    for rule in metric_rules_of(programs):
        metrics.setdefault((rule.program_id, rule.type_id), []).append(rule)
    kinds = ActivityType.objects.in_bulk()
    types = {kind.code: kind.pk for kind in kinds.values()}
    return Configuration(
        kinds=kinds,
        types=types,
        attributes=attributes,
        programs=programs,
        zones={program.pk: program.zone for program in programs.values()},
        plans=tier_plans_of(programs.values()),
        terms=terms_of(programs),
        metrics=metrics,
        rates=read_rates(),
        derived_types=frozenset(types[code] for code in DERIVED_TYPES if code in types),
    )
