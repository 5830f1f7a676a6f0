"""Evaluations, awards and reversals on their way into the database."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from accounts import arrays
from loyalty.activities.originals import JudgedFavour
from loyalty.earning import EarningRule
from loyalty.effects import Given
from loyalty.facts import number
from loyalty.ledger import AwardEntry


@dataclass(slots=True)
class EvaluationRow:
    """One activity judged in one program; `id` is known once it is written."""

    activity_id: int
    company_id: int
    program_id: int
    rule_set_id: int | None
    facts: dict[str, Any]
    metrics: Mapping[str, Decimal]
    id: int = 0
    agreement_id: int | None = None


class AwardRow(NamedTuple):
    """What a rule gave: `raw` points before limits, `cap_left_before` what the tightest limit had left.

    `from_campaign` of the points granted are there only because a campaign was on. `instead_of` is whose points the
    company got. `from_promotion` are there only because of a promotion, `promotion_id`.
    """

    entry: AwardEntry
    evaluation: EvaluationRow
    rule: EarningRule
    wallet_id: int
    raw: int
    cap_left_before: int | None
    from_campaign: int
    instead_of: int | None
    promotion_id: int | None = None
    from_promotion: int = 0


def write_evaluations(rows: Sequence[EvaluationRow], ids: Sequence[int]) -> None:
    """Write evaluations; their ids, drawn under the membership locks, keep the order of arrival."""
    for row, row_id in zip(rows, ids, strict=True):
        row.id = row_id
    arrays.insert(
        "loyalty_evaluation",
        {
            "id": "bigint",
            "activity_id": "bigint",
            "company_id": "bigint",
            "program_id": "bigint",
            "rule_set_id": "bigint",
            "agreement_id": "bigint",
            "facts": "jsonb",
            "metrics": "jsonb",
        },
        [
            (
                row.id,
                row.activity_id,
                row.company_id,
                row.program_id,
                row.rule_set_id,
                row.agreement_id,
                json.dumps(row.facts),
                json.dumps({code: number(value) for code, value in row.metrics.items()}),
            )
            for row in rows
        ],
    )


def write_awards(rows: Sequence[AwardRow], ids: Sequence[int]) -> None:
    """Write awards, those that limits cut to 0 included, and give each entry its id."""
    for row, row_id in zip(rows, ids, strict=True):
        row.entry.id = row_id
    arrays.insert(
        "loyalty_award",
        {
            "id": "bigint",
            "evaluation_id": "bigint",
            "activity_id": "bigint",
            "company_id": "bigint",
            "program_id": "bigint",
            "rule_id": "bigint",
            "rule_code": "text",
            "wallet_id": "bigint",
            "raw": "bigint",
            "granted": "bigint",
            "cap_left_before": "bigint",
            "from_campaign": "bigint",
            "instead_of_id": "bigint",
        },
        [
            (
                row.entry.id,
                row.evaluation.id,
                row.evaluation.activity_id,
                row.evaluation.company_id,
                row.evaluation.program_id,
                row.rule.id,
                row.rule.code,
                row.wallet_id,
                row.raw,
                row.entry.granted,
                row.cap_left_before,
                row.from_campaign,
                row.instead_of,
            )
            for row in rows
        ],
    )
    arrays.insert(
        "loyalty_promotedaward",
        {"award_id": "bigint", "company_id": "bigint", "promotion_id": "bigint", "points": "bigint"},
        [
            (row.entry.id, row.evaluation.company_id, row.promotion_id, row.from_promotion)
            for row in rows
            if row.from_promotion
        ],
    )


@dataclass(slots=True)
class FavourRow:
    """What a rule gave beside points; nothing was `judged` given where a limit stood before it, or it was held."""

    given: Given
    evaluation: EvaluationRow
    rule: EarningRule
    judged: JudgedFavour | None


def write_favours(rows: Sequence[FavourRow], ids: Sequence[int]) -> None:
    """Write what rules gave beside points."""
    for row, row_id in zip(rows, ids, strict=True):
        row.given.award_id = row_id
    arrays.insert(
        "loyalty_effectaward",
        {
            "id": "bigint",
            "evaluation_id": "bigint",
            "activity_id": "bigint",
            "company_id": "bigint",
            "program_id": "bigint",
            "employee_id": "bigint",
            "rule_id": "bigint",
            "rule_code": "text",
            "effect": "text",
            "subject": "text",
            "is_given": "boolean",
            "followed_id": "bigint",
        },
        [
            (
                row.given.award_id,
                row.evaluation.id,
                row.evaluation.activity_id,
                row.evaluation.company_id,
                row.evaluation.program_id,
                row.given.employee_id,
                row.rule.id,
                row.rule.code,
                row.given.effect.kind,
                row.given.effect.subject,
                row.judged is not None,
                row.judged.followed_id if row.judged else None,
            )
            for row in rows
        ],
    )


def write_reversals(entries: Iterable[AwardEntry]) -> None:
    """Write how much of each award was taken back so far."""
    arrays.insert(
        "loyalty_awardreversal",
        {"award_id": "bigint", "granted": "bigint", "reversed": "bigint"},
        sorted((entry.id, entry.granted, entry.reversed) for entry in entries),
        then="ON CONFLICT (award_id) DO UPDATE SET reversed = excluded.reversed",
    )
