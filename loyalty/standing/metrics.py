"""Metrics: what an activity adds to the numbers that are kept a month."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from accounts.conditions import Condition, Values, holds, parse
from loyalty.earning import MAY_EARN, MayEarn
from loyalty.facts import AMOUNT, ATTRIBUTE_PREFIX, QUANTITY, catalogue_of
from loyalty.models import ActivityAttribute, Metric

_FACTS: Mapping[str, str] = {Metric.Measure.AMOUNT: AMOUNT, Metric.Measure.QUANTITY: QUANTITY}

_PLACES = Decimal("0.0001")
"""As exact as a metric's months are kept."""


@dataclass(frozen=True, slots=True)
class MetricRule:
    """A metric as the calculation needs it."""

    program_id: int
    code: str
    measure: str
    type_id: int
    condition: Condition
    attribute: str = ""


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
            metric.attribute,
        )
        for metric in metrics
    ]


def contributions(rules: Iterable[MetricRule], values: Values, *, points: int) -> dict[str, Decimal]:
    """Return what one activity adds to each metric; `values` are its facts, `points` what its rules granted.

    Of a metric that counts people it is the one activity; whose it was, the board knows.
    """
    return {
        rule.code: value
        for rule in rules
        if holds(rule.condition, values) and (value := _measured(rule, values, points)) is not None
    }


def part_taken_back(value: Decimal, *, before: Decimal, after: Decimal, of: Decimal) -> Decimal:
    """Return how much of a sum's `value` a return takes off that leaves `after` of what was `before`, `of` in all.

    Each return takes the difference of two rounded remainders, so whole returns in any parts take off the very value.
    """
    return _rounded(value * before / of) - _rounded(value * after / of)


def _measured(rule: MetricRule, values: Values, points: int) -> Decimal | None:
    match rule.measure:
        case Metric.Measure.COUNT:
            return Decimal(1)
        case Metric.Measure.POINTS:
            return Decimal(points)
        case Metric.Measure.PEOPLE:
            return None if values.get(MAY_EARN) in (None, MayEarn.NO_EMPLOYEE) else Decimal(1)
        case Metric.Measure.SUM:
            value = values.get(f"{ATTRIBUTE_PREFIX}{rule.attribute}")
            return _rounded(value) if isinstance(value, Decimal) else None
    value = values.get(_FACTS[rule.measure])
    return value if isinstance(value, Decimal) else None


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_PLACES, ROUND_HALF_EVEN)
