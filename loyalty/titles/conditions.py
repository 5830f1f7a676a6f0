"""Enrolment conditions of a tier: the condition language over where a company stands and what it is."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from accounts import arrays
from accounts.conditions import (
    Catalogue,
    Fact,
    FactType,
    Value,
    failure_sentence,
    failures,
    parse,
    registry,
    sentence,
)
from accounts.facts import COMPANY_COUNTRY, COMPANY_KIND, COMPANY_SEGMENTS
from accounts.models import Company, SegmentMembership
from accounts.reader import READER
from loyalty.facts import TIER, TIER_RANK
from loyalty.models import Membership, Metric, MetricBucket, Program, Tier
from loyalty.selectors import Standing, unit_of
from loyalty.standing import month_of, month_start
from loyalty.standing.windows import People

METRIC_PREFIX = "metric."
"""Facts about what was counted: one a metric, over the program's window."""

_WORDS: Mapping[str, str] = {
    COMPANY_SEGMENTS: "SELECT code, name FROM accounts_segment ORDER BY code",
    TIER: "SELECT code, name FROM loyalty_tier WHERE program_id = %s ORDER BY rank",
}


def enrolment_catalogue(program: Program, *, with_codes: bool = True) -> Catalogue:
    """Return what a tier's condition may ask; `with_codes` refuses codes of segments and tiers that there are not."""
    known = registry.catalogue()
    catalogue: dict[str, Fact] = {
        code: known[code] for code in (COMPANY_KIND, COMPANY_COUNTRY, COMPANY_SEGMENTS, TIER, TIER_RANK)
    }
    if with_codes:
        for code, parameters in ((COMPANY_SEGMENTS, ()), (TIER, (program.pk,))):
            choices = tuple(arrays.fetch(_WORDS[code], *parameters))
            fact = catalogue.pop(code)
            if choices:
                catalogue[code] = Fact(code, fact.type, fact.label, choices=choices)
    for metric in Metric.objects.filter(program=program).order_by("code"):
        code = f"{METRIC_PREFIX}{metric.code}"
        catalogue[code] = Fact(code, FactType.NUMBER, metric.name, unit_of(program, metric.measure))
    return catalogue


def condition_in_words(tier: Tier, catalogue: Catalogue) -> str:
    """Return what a tier asks of those who take it, empty where it asks nothing."""
    return sentence(parse(tier.condition, catalogue), catalogue, READER) if tier.condition else ""


def unmet(tier: Tier, values: Mapping[str, Value], catalogue: Catalogue) -> list[str]:
    """Return in a sentence each what of a tier's condition a company does not meet; none: it may take the tier."""
    if not tier.condition:
        return []
    condition = parse(tier.condition, catalogue)
    return [failure_sentence(outcome, catalogue, READER) for outcome in failures(condition, values)]


def enrolment_facts(membership: Membership, standing: Standing, *, at: datetime) -> dict[str, Value]:
    """Return the facts of a company that a tier's condition may ask."""
    company = Company.objects.get(pk=membership.company_id)
    stays = SegmentMembership.objects.filter(company=company).in_force(at)
    values: dict[str, Value] = {
        COMPANY_KIND: company.kind,
        COMPANY_COUNTRY: company.country or None,
        COMPANY_SEGMENTS: frozenset(stays.values_list("segment__code", flat=True)),
        TIER: standing.tier.code if standing.tier else None,
        TIER_RANK: Decimal(standing.tier.rank) if standing.tier else None,
    }
    plan = standing.plan
    month = month_of(at, plan.zone)
    first = month_start(plan.first_kept_month(month))
    counted: dict[str, dict[int, Decimal]] = {}
    rows = MetricBucket.objects.filter(membership=membership, month__gte=first)
    for code, day, value in rows.values_list("metric", "month", "value"):
        counted.setdefault(code, {})[day.year * 12 + day.month - 1] = value
    for code in Metric.objects.filter(program=membership.program_id).values_list("code", flat=True):
        kept = standing.months if code == plan.metric and isinstance(standing.months, People) else counted.get(code, {})
        values[f"{METRIC_PREFIX}{code}"] = plan.value(kept, month)
    return values
