"""Activities that returns undo: under lock, how much came back of each, and the judgements whose points go back."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from accounts import arrays
from loyalty.activities.items import Arrival
from loyalty.effects import Given
from loyalty.ledger import AwardEntry, Limit, LotEntry, Owner
from loyalty.ledger.entries import PostingRef

_COUNTER: Mapping[str, str] = {
    "activity_id": "bigint",
    "original_amount": "numeric",
    "original_quantity": "numeric",
    "amount": "numeric",
    "quantity": "numeric",
    "is_whole": "boolean",
}


@dataclass(slots=True)
class JudgedAward:
    """An award that may be taken back, and the counters that its points stand in.

    Of those granted, `from_campaign` stand in the counter of the campaign's budget too. `instead_of` is the person
    whose points the company got. `from_promotion` are those that the promotion of `promoted_by`, an id and a budget,
    added, and that stand in the counter of its budget.
    """

    award: AwardEntry
    rule_code: str
    from_campaign: int
    instead_of: int | None = None
    caps: tuple[Limit, ...] = ()
    budget: Limit | None = None
    from_promotion: int = 0
    promoted_by: tuple[int, int | None] | None = None
    promotion_budget: Limit | None = None


@dataclass(slots=True)
class JudgedFavour:
    """What a rule gave beside points; `given` is known once the rule was read.

    `followed_id` is the activity that followed from it, if one did.
    """

    rule_code: str
    employee_id: int | None
    award_id: int = 0
    followed_id: int | None = None
    caps: tuple[Limit, ...] = ()
    given: Given | None = None


@dataclass(slots=True)
class Judgement:
    """How an activity was judged in one program: what a return of it takes back."""

    evaluation_id: int
    program_id: int
    rule_set_id: int | None
    agreement_id: int | None
    metrics: Mapping[str, Decimal]
    awards: list[JudgedAward] = field(default_factory=list)
    favours: list[JudgedFavour] = field(default_factory=list)


@dataclass(slots=True)
class Original:
    """An activity that returns undo, under lock, and how much of it came back so far."""

    activity_id: int
    external_id: str
    type_id: int
    company_id: int
    employee_id: int | None
    occurred_at: datetime
    amount: Decimal | None
    quantity: Decimal | None
    currency: str
    object: str
    is_return: bool
    returned_amount: Decimal = Decimal(0)
    returned_quantity: Decimal = Decimal(0)
    is_whole: bool = False
    is_changed: bool = False

    @classmethod
    def from_arrival(cls, arrival: Arrival) -> "Original":
        """An activity of the batch itself, of which nothing came back yet."""
        item = arrival.item
        return cls(
            arrival.activity_id,
            item.external_id,
            arrival.type_id,
            item.company_id,
            item.employee_id,
            item.occurred_at,
            item.amount,
            item.quantity,
            item.currency if item.amount is not None else "",
            item.object,
            is_return=bool(item.reverses),
        )

    @property
    def share(self) -> tuple[Decimal, Decimal]:
        """What is left and what there was: in money where the activity has some, else in pieces, else 1 or 0 of 1."""
        if self.amount:
            return self.amount - self.returned_amount, self.amount
        if self.quantity:
            return self.quantity - self.returned_quantity, self.quantity
        return Decimal(0 if self.is_whole else 1), Decimal(1)


def lock_originals(source_id: int, wanted: Collection[tuple[str, int]]) -> dict[str, Original]:
    """Return the activities of the ids that are `wanted`, each by a company; how much came back of its own is locked.

    Of another company's activity nothing is locked and nothing is written: no return of this one can undo it.
    """
    if not wanted:
        return {}
    rows = arrays.fetch(
        """SELECT id, external_id, type_id, company_id, employee_id, occurred_at, amount, quantity, currency, object,
                  reverses_external_id <> ''
           FROM loyalty_activity WHERE source_id = %s AND external_id = ANY(%s)""",
        source_id,
        sorted({external_id for external_id, _company_id in wanted}),
    )
    originals = {row[0]: Original(*row) for row in rows}
    own = [one for _id, one in sorted(originals.items()) if (one.external_id, one.company_id) in wanted]
    arrays.insert(
        "loyalty_activityreturn",
        _COUNTER,
        [_counter(original) for original in own if not original.is_return],
        then="ON CONFLICT DO NOTHING",
    )
    counters = arrays.fetch(
        """SELECT activity_id, amount, quantity, is_whole FROM loyalty_activityreturn
           WHERE activity_id = ANY(%s) ORDER BY activity_id FOR UPDATE""",
        [original.activity_id for original in own],
    )
    for activity_id, amount, quantity, is_whole in counters:
        original = originals[activity_id]
        original.returned_amount, original.returned_quantity, original.is_whole = amount, quantity, is_whole
    return {original.external_id: original for original in originals.values()}


def write_originals(originals: Iterable[Original]) -> None:
    """Write how much came back of those of which anything did."""
    changed = {original.activity_id: original for original in originals if original.is_changed}
    arrays.insert(
        "loyalty_activityreturn",
        _COUNTER,
        [_counter(original) for _id, original in sorted(changed.items())],
        then="""ON CONFLICT (activity_id) DO UPDATE
                SET amount = excluded.amount, quantity = excluded.quantity, is_whole = excluded.is_whole""",
    )


def _counter(original: Original) -> tuple[object, ...]:
    return (
        original.activity_id,
        original.amount,
        original.quantity,
        original.returned_amount,
        original.returned_quantity,
        original.is_whole,
    )


def read_judgements(activity_ids: Collection[int]) -> dict[int, list[Judgement]]:
    """Return how recorded activities were judged, with the awards that stand and the lots they filled.

    Points that waited and were confirmed are in the lot into which that brought them.
    """
    ids = list(activity_ids)
    judgements: dict[int, list[Judgement]] = {}
    by_evaluation: dict[int, Judgement] = {}
    for evaluation_id, activity_id, program_id, rule_set_id, agreement_id, metrics in arrays.fetch(
        """SELECT id, activity_id, program_id, rule_set_id, agreement_id, metrics FROM loyalty_evaluation
           WHERE activity_id = ANY(%s) ORDER BY id""",
        ids,
    ):
        values = {code: Decimal(value) for code, value in json.loads(metrics).items()}
        judgement = Judgement(evaluation_id, program_id, rule_set_id, agreement_id, values)
        judgements.setdefault(activity_id, []).append(judgement)
        by_evaluation[evaluation_id] = judgement
    for row in arrays.fetch(
        """SELECT a.evaluation_id, a.id, a.rule_code, a.from_campaign, a.instead_of_id, a.program_id, a.company_id,
                  w.employee_id, a.granted, coalesce(r.reversed, 0), p.id, l.id,
                  CASE WHEN c.id IS NULL THEN l.wallet_id ELSE a.wallet_id END,
                  CASE WHEN c.id IS NULL THEN l.available_on ELSE c.available_on END,
                  CASE WHEN c.id IS NULL THEN l.expires_on ELSE c.expires_on END,
                  o.points, o.promotion_id, (SELECT budget FROM loyalty_personalpromotion WHERE id = o.promotion_id)
           FROM loyalty_award a
           JOIN loyalty_wallet w ON w.id = a.wallet_id
           LEFT JOIN loyalty_awardreversal r ON r.award_id = a.id
           LEFT JOIN loyalty_promotedaward o ON o.award_id = a.id
           LEFT JOIN loyalty_posting p ON p.award_id = a.id AND p.reverses_id IS NULL
           LEFT JOIN loyalty_lot l ON l.id = p.lot_id
           LEFT JOIN loyalty_confirmation c ON c.activity_id = a.activity_id AND c.program_id = a.program_id
           WHERE a.activity_id = ANY(%s) ORDER BY a.id""",
        ids,
    ):
        by_evaluation[row[0]].awards.append(_judged_award(*row[1:]))
    for evaluation_id, *favour in arrays.fetch(
        """SELECT evaluation_id, rule_code, employee_id, id, followed_id FROM loyalty_effectaward
           WHERE activity_id = ANY(%s) AND is_given ORDER BY id""",
        ids,
    ):
        by_evaluation[evaluation_id].favours.append(JudgedFavour(*favour))
    return judgements


def _judged_award(
    award_id: int,
    rule_code: str,
    from_campaign: int,
    instead_of: int | None,
    program_id: int,
    company_id: int,
    employee_id: int | None,
    granted: int,
    reversed_: int,
    posting_id: int | None,
    lot_id: int | None,
    wallet_id: int | None,
    available_on: date | None,
    expires_on: date | None,
    from_promotion: int | None,
    promotion_id: int | None,
    budget: int | None,
) -> JudgedAward:
    award = AwardEntry(
        owner=Owner(program_id, company_id, employee_id), granted=granted, reversed=reversed_, id=award_id
    )
    if posting_id is not None and lot_id is not None and wallet_id is not None:
        award.posting = PostingRef(posting_id)
        award.lot = LotEntry(lot_id, wallet_id, available_on, expires_on)
    judged = JudgedAward(award, rule_code, from_campaign, instead_of)
    if from_promotion is not None and promotion_id is not None:
        judged.from_promotion, judged.promoted_by = from_promotion, (promotion_id, budget)
    return judged
