"""Returns: which activity each undoes, how much of it is left, and the judgements whose points go back."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from loyalty import arrays
from loyalty.activities.arrivals import insert_activities, settle_repeats
from loyalty.activities.items import Arrival, Batch
from loyalty.ledger import AwardEntry, CapKey, LotEntry, Owner
from loyalty.ledger.book import PostingRef


@dataclass(slots=True)
class JudgedAward:
    """An award that may be taken back, and the counters that its points stand in."""

    award: AwardEntry
    rule_code: str
    caps: tuple[tuple[CapKey, int], ...] = ()


@dataclass(slots=True)
class Judgement:
    """How an activity was judged in one program: what a return of it takes back."""

    evaluation_id: int
    program_id: int
    rule_set_id: int | None
    metrics: Mapping[str, Decimal]
    awards: list[JudgedAward] = field(default_factory=list)


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
    is_return: bool
    returned_amount: Decimal = Decimal(0)
    returned_quantity: Decimal = Decimal(0)
    is_whole: bool = False
    is_changed: bool = False

    @property
    def share(self) -> tuple[Decimal, Decimal]:
        """What is left and what there was: in money where the activity has some, else in pieces, else 1 or 0 of 1."""
        if self.amount:
            return self.amount - self.returned_amount, self.amount
        if self.quantity:
            return self.quantity - self.returned_quantity, self.quantity
        return Decimal(0 if self.is_whole else 1), Decimal(1)


@dataclass(frozen=True, slots=True)
class Undoing:
    """A return that is to be applied: money and pieces that came back, and what is left after it."""

    original: Original
    amount: Decimal
    quantity: Decimal
    remaining: Decimal
    of: Decimal
    is_whole: bool


class ReturnError(Exception):
    """A return that cannot be applied: a stable code, the field, and a sentence."""

    def __init__(self, code: str, field_: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.field = field_
        self.sentence = sentence


def link_returns(batch: Batch) -> dict[int, Undoing]:
    """Find and lock what the batch's returns undo, and insert those that can be applied; by position in the batch.

    A return without a known original, of more than is left, or of something else than it says, is rejected.
    """
    returns = [arrival for arrival in batch.open if arrival.item.reverses]
    if not returns:
        return {}
    originals = _lock_originals(batch, {arrival.item.reverses for arrival in returns})
    settle_repeats(batch, returns)
    returns = [arrival for arrival in batch.open if arrival.item.reverses]
    here = {arrival.activity_id: arrival.position for arrival in batch.arrivals if arrival.activity_id}
    undoings: dict[int, Undoing] = {}
    accepted: dict[str, Arrival] = {}
    for arrival in returns:
        if arrival.item.external_id in accepted:
            continue
        original = originals.get(arrival.item.reverses)
        try:
            if original is None or here.get(original.activity_id, -1) > arrival.position:
                sentence = _("The activity that this return undoes is not known.")
                raise ReturnError("unknown_original", "reverses", sentence)
            undoings[arrival.position] = _apply(arrival, original)
            accepted[arrival.item.external_id] = arrival
        except ReturnError as error:
            batch.reject(arrival, error.code, error.field, error.sentence)
    insert_activities(batch, list(accepted.values()))
    return undoings


def _lock_originals(batch: Batch, external_ids: Collection[str]) -> dict[str, Original]:
    rows = arrays.fetch(
        """SELECT id, external_id, type_id, company_id, employee_id, occurred_at, amount, quantity, currency,
                  reverses_external_id <> ''
           FROM loyalty_activity WHERE source_id = %s AND external_id = ANY(%s)""",
        batch.source.pk,
        sorted(external_ids),
    )
    originals = {row[0]: Original(*row) for row in rows}
    arrays.insert(
        "loyalty_activityreturn",
        {
            "activity_id": "bigint",
            "original_amount": "numeric",
            "original_quantity": "numeric",
            "amount": "numeric",
            "quantity": "numeric",
            "is_whole": "boolean",
        },
        [
            (activity_id, original.amount, original.quantity, 0, 0, False)
            for activity_id, original in sorted(originals.items())
            if not original.is_return
        ],
        then="ON CONFLICT DO NOTHING",
    )
    counters = arrays.fetch(
        """SELECT activity_id, amount, quantity, is_whole FROM loyalty_activityreturn
           WHERE activity_id = ANY(%s) ORDER BY activity_id FOR UPDATE""",
        list(originals),
    )
    for activity_id, amount, quantity, is_whole in counters:
        original = originals[activity_id]
        original.returned_amount, original.returned_quantity, original.is_whole = amount, quantity, is_whole
    return {original.external_id: original for original in originals.values()}


def _apply(arrival: Arrival, original: Original) -> Undoing:
    item = arrival.item
    _refuse_mismatch(arrival, original)
    left_amount = (original.amount or Decimal(0)) - original.returned_amount
    left_quantity = (original.quantity or Decimal(0)) - original.returned_quantity
    amount, quantity = item.amount, item.quantity
    if amount is None and quantity is None:
        amount, quantity = left_amount, left_quantity
    elif original.amount and amount is None:
        sentence = _("The activity has an amount, so a part of it is returned by amount.")
        raise ReturnError("return_needs_amount", "amount", sentence)
    elif original.amount and amount == left_amount and quantity is None:
        quantity = left_quantity  # nothing of the activity is left, so no piece stays counted
    amount, quantity = amount or Decimal(0), quantity or Decimal(0)
    if amount > left_amount or quantity > left_quantity or original.is_whole:
        sentence = _("More is returned than is left of the activity.")
        raise ReturnError("return_exceeds_original", "amount" if amount > left_amount else "quantity", sentence)
    if not (amount or quantity) and (original.amount or original.quantity):
        raise ReturnError("nothing_returned", "amount", _("Nothing is returned."))
    original.returned_amount += amount
    original.returned_quantity += quantity
    original.is_whole = original.share[0] == 0 or not (original.amount or original.quantity)
    original.is_changed = True
    remaining, of = original.share
    return Undoing(original, amount, quantity, remaining, of, original.is_whole)


def _refuse_mismatch(arrival: Arrival, original: Original) -> None:
    item = arrival.item
    if original.company_id != item.company_id:
        raise ReturnError("unknown_original", "reverses", _("The activity that this return undoes is not known."))
    if original.is_return:
        raise ReturnError("return_of_return", "reverses", _("A return cannot be returned."))
    if original.type_id != arrival.type_id:
        raise ReturnError("return_of_other_type", "type", _("A return has the type of the activity that it undoes."))
    if item.amount is not None and original.amount is not None and item.currency != original.currency:
        raise ReturnError("return_in_other_currency", "currency", _("The activity is in another currency."))
    if item.occurred_at < original.occurred_at:
        sentence = _("The return lies before the activity that it undoes.")
        raise ReturnError("return_before_original", "occurred_at", sentence)


def write_returns(pairs: Iterable[tuple[int, Original]], *, now: datetime) -> None:
    """Write which return undoes what, and how much of each original came back; `pairs` are (return id, original)."""
    pairs = list(pairs)
    arrays.insert(
        "loyalty_returnlink",
        {"activity_id": "bigint", "original_id": "bigint", "applied_at": "timestamptz"},
        [(return_id, original.activity_id, now) for return_id, original in pairs],
    )
    changed = {original.activity_id: original for _return_id, original in pairs if original.is_changed}
    if changed:
        arrays.run(
            """UPDATE loyalty_activityreturn r
               SET amount = c.amount, quantity = c.quantity, is_whole = c.is_whole
               FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::boolean[])
                    AS c(id, amount, quantity, is_whole)
               WHERE r.activity_id = c.id""",
            *arrays.columns_of(
                [
                    (activity_id, original.returned_amount, original.returned_quantity, original.is_whole)
                    for activity_id, original in sorted(changed.items())
                ]
            ),
        )


def read_judgements(activity_ids: Collection[int]) -> dict[int, list[Judgement]]:
    """Return how recorded activities were judged, with the awards that stand and the lots they filled."""
    ids = list(activity_ids)
    judgements: dict[int, list[Judgement]] = {}
    by_evaluation: dict[int, Judgement] = {}
    for evaluation_id, activity_id, program_id, rule_set_id, metrics in arrays.fetch(
        """SELECT id, activity_id, program_id, rule_set_id, metrics FROM loyalty_evaluation
           WHERE activity_id = ANY(%s) ORDER BY id""",
        ids,
    ):
        values = {code: Decimal(value) for code, value in json.loads(metrics).items()}
        judgement = Judgement(evaluation_id, program_id, rule_set_id, values)
        judgements.setdefault(activity_id, []).append(judgement)
        by_evaluation[evaluation_id] = judgement
    for row in arrays.fetch(
        """SELECT a.evaluation_id, a.id, a.rule_code, a.program_id, a.company_id, w.employee_id, a.granted,
                  coalesce(r.reversed, 0), p.id, l.id, l.wallet_id, l.available_on, l.expires_on
           FROM loyalty_award a
           JOIN loyalty_wallet w ON w.id = a.wallet_id
           LEFT JOIN loyalty_awardreversal r ON r.award_id = a.id
           LEFT JOIN loyalty_posting p ON p.award_id = a.id AND p.reverses_id IS NULL
           LEFT JOIN loyalty_lot l ON l.id = p.lot_id
           WHERE a.activity_id = ANY(%s) ORDER BY a.id""",
        ids,
    ):
        by_evaluation[row[0]].awards.append(_judged_award(*row[1:]))
    return judgements


def _judged_award(
    award_id: int,
    rule_code: str,
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
) -> JudgedAward:
    award = AwardEntry(
        owner=Owner(program_id, company_id, employee_id), granted=granted, reversed=reversed_, id=award_id
    )
    if posting_id is not None and lot_id is not None and wallet_id is not None and available_on is not None:
        award.posting = PostingRef(posting_id)
        award.lot = LotEntry(lot_id, wallet_id, available_on, expires_on)
    return JudgedAward(award, rule_code)
