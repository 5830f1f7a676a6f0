"""The end state of recording, by what things are called: two runs that did the same are equal, whatever the ids."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from loyalty.models import (
    Activity,
    ActivityReturn,
    Award,
    AwardReversal,
    BadgeHolding,
    BenefitGrant,
    CapUsage,
    EffectAward,
    Evaluation,
    Lot,
    LotUse,
    MetricBucket,
    MetricPerson,
    Posting,
    ReturnLink,
    TierAssignment,
    TierInvitation,
    Wallet,
)

Canon = Mapping[str, Counter[str]]


def canonical() -> Canon:
    """Everything that recording writes, by what things are called rather than by their ids."""
    names = dict(Activity.objects.values_list("pk", "external_id"))
    owner = ("wallet__company", "wallet__program", "wallet__employee")
    return {
        "activities": _rows(
            Activity,
            "external_id",
            "company",
            "employee",
            "participants",
            "object",
            "amount",
            "quantity",
            "occurred_at",
        ),
        "evaluations": _rows(Evaluation, "activity__external_id", "program", "rule_set", "facts", "metrics"),
        "awards": _rows(
            Award,
            "activity__external_id",
            "rule_code",
            *owner,
            "instead_of",
            "raw",
            "granted",
            "cap_left_before",
            "from_campaign",
        ),
        "effects": Counter(
            str((*row, names.get(followed_id or 0)))
            for *row, followed_id in EffectAward.objects.values_list(
                "activity__external_id", "program", "rule_code", "employee", "subject", "is_given", "followed_id"
            )
        ),
        "badges": _rows(
            BadgeHolding, "membership", "employee", "badge", "award__activity__external_id", "given_at", "ended_at"
        ),
        "benefits": _rows(BenefitGrant, "membership", "award__activity__external_id", "starts_at", "ends_at"),
        "invitations": _rows(
            TierInvitation, "membership", "tier", "until", "answer_by", "answer", "award__activity__external_id"
        ),
        "reversals": _rows(AwardReversal, "award__activity__external_id", "award__rule_code", "granted", "reversed"),
        "balances": _rows(Wallet, "company", "program", "employee", "kind", "balance", where=~Q(balance=0)),
        "lots": _rows(Lot, *owner, "available_on", "expires_on", "earned", "remaining", "expired"),
        "limits": _rows(
            CapUsage, "program", "rule_code", "subject", "subject_id", "period", "period_start", "object", "used"
        ),
        "people": _rows(MetricPerson, "membership", "metric", "month", "employee", "count", where=~Q(count=0)),
        "metrics": _rows(MetricBucket, "membership", "metric", "month", "value", where=~Q(value=0)),
        "tiers": Counter(
            str((*row, sorted((key, names.get(value, value)) for key, value in evidence.items())))
            for *row, evidence in TierAssignment.objects.values_list(
                "membership", "starts_at", "ends_at", "tier__code", "source", "evidence"
            )
        ),
        "returned": _rows(ActivityReturn, "activity__external_id", "amount", "quantity", "is_whole"),
        "links": _rows(
            ReturnLink, "activity__external_id", "original__external_id", "awaited_external_id", "refusal", "applied_at"
        ),
        "postings": _rows(
            Posting,
            "transaction__kind",
            "transaction__activity__external_id",
            *(f"{side}_wallet__{field}" for side in ("debit", "credit") for field in ("company", "employee", "kind")),
            "points",
            "effective_at",
            "award__rule_code",
            "reverses__points",
        ),
        "uses": _rows(
            LotUse,
            "posting__transaction__kind",
            "posting__transaction__activity__external_id",
            "lot__wallet__company",
            "lot__wallet__employee",
            "lot__available_on",
            "lot__expires_on",
            "points",
        ),
    }


def differences(one: Canon, other: Canon) -> dict[str, tuple[Counter[str], Counter[str]]]:
    """What one end state has and the other has not, by kind of row; empty where they are equal."""
    return {kind: (one[kind] - other[kind], other[kind] - one[kind]) for kind in one if one[kind] != other[kind]}


def _rows(model: Any, *fields: str, where: Q | None = None) -> Counter[str]:
    rows = model._default_manager.filter(where or Q()).values_list(*fields)
    return Counter(str(row) for row in rows)
