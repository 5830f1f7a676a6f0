"""Metrics: what an activity adds to the numbers that are kept a month."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from accounts.conditions import Condition, Values, holds, parse
from loyalty.facts import AMOUNT, QUANTITY, catalogue_of
from loyalty.models import ActivityAttribute, Metric

_FACTS: Mapping[str, str] = {Metric.Measure.AMOUNT: AMOUNT, Metric.Measure.QUANTITY: QUANTITY}


@dataclass(frozen=True, slots=True)
class MetricRule:
    """A metric as the calculation needs it."""

    program_id: int
    code: str
    measure: str
    type_id: int
    condition: Condition


def metric_rules_of(program_ids: Iterable[int]) -> list[MetricRule]:
    """Return the metrics of the programs, ready to be applied."""
    metrics = list(Metric.objects.filter(program__in=program_ids).order_by("program", "code"))
    attributes: dict[int, list[ActivityAttribute]] = {}
    if any(metric.condition for metric in metrics):
        for attribute in ActivityAttribute.objects.filter(activity_type__in={m.activity_type_id for m in metrics}):
            attributes.setdefault(attribute.activity_type_id, []).append(attribute)
    return [
        MetricRule(
            metric.program_id,
            metric.code,
            metric.measure,
            metric.activity_type_id,
            parse(metric.condition or None, catalogue_of(attributes.get(metric.activity_type_id, []))),
        )
        for metric in metrics
    ]


def contributions(rules: Iterable[MetricRule], values: Values, *, points: int) -> dict[str, Decimal]:
    """Return what one activity adds to each metric; `values` are its facts, `points` what its rules granted."""
    return {
        rule.code: value
        for rule in rules
        if holds(rule.condition, values) and (value := _measured(rule.measure, values, points)) is not None
    }


def _measured(measure: str, values: Values, points: int) -> Decimal | None:
    if measure == Metric.Measure.COUNT:
        return Decimal(1)
    if measure == Metric.Measure.POINTS:
        return Decimal(points)
    value = values.get(_FACTS[measure])
    return value if isinstance(value, Decimal) else None
