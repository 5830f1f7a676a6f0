"""Activities become rows: new ones are inserted in the order of their ids, repeats find what they led to before."""

import json
from collections.abc import Collection, Iterable

from django.utils.translation import gettext as _

from accounts.conditions import to_json
from loyalty import arrays
from loyalty.activities.items import ActivityItem, Arrival, Batch, Outcome, Status, used_for_another
from loyalty.models import Membership, Program, Wallet

_COLUMNS = {
    "source_id": "bigint",
    "external_id": "text",
    "payload_hash": "bytea",
    "type_id": "bigint",
    "company_id": "bigint",
    "employee_id": "bigint",
    "object": "text",
    "quantity": "numeric",
    "amount": "numeric",
    "currency": "text",
    "attributes": "jsonb",
    "occurred_at": "timestamptz",
    "recorded_at": "timestamptz",
    "reverses_external_id": "text",
}


def refuse_foreign_currency(batch: Batch) -> None:
    """Reject amounts in a currency that a program of the company does not count in; repeats keep their outcome."""
    companies = {arrival.item.company_id for arrival in batch.open if arrival.item.amount is not None}
    counted: dict[int, list[Membership]] = {}
    for membership in Membership.objects.filter(company__in=companies).select_related("program"):
        counted.setdefault(membership.company_id, []).append(membership)
    foreign = [
        (arrival, program)
        for arrival in batch.open
        if arrival.item.amount is not None
        and (program := _counts_otherwise(arrival.item, counted.get(arrival.item.company_id, ()))) is not None
    ]
    settle_repeats(batch, [arrival for arrival, _program in foreign])
    for arrival, program in foreign:
        if arrival.position not in batch.outcomes:
            sentence = _("“%(program)s” counts in %(currency)s, and no rate is known.")
            names = {"program": program.name, "currency": program.currency}
            batch.reject(arrival, "no_rate", "currency", sentence % names)


def _counts_otherwise(item: ActivityItem, memberships: Iterable[Membership]) -> Program | None:
    """The first program of the company at the item's moment that counts in another currency."""
    for membership in memberships:
        if membership.program.currency != item.currency and membership.holds_at(item.occurred_at):
            return membership.program
    return None


def insert_new(batch: Batch) -> None:
    """Insert the activities of the batch that are no returns; settle those that were recorded before."""
    insert_activities(batch, [arrival for arrival in batch.open if not arrival.item.reverses])


def insert_activities(batch: Batch, arrivals: Collection[Arrival]) -> None:
    """Insert arrivals and give each its activity id; what the source sent before is settled as a repeat."""
    first: dict[str, Arrival] = {}
    for arrival in arrivals:
        first.setdefault(arrival.item.external_id, arrival)
    rows = arrays.insert_returning(
        "loyalty_activity",
        _COLUMNS,
        [_row(batch, first[external_id]) for external_id in sorted(first)],
        then="ON CONFLICT (source_id, external_id) DO NOTHING RETURNING external_id, id",
    )
    inserted: dict[str, int] = dict(rows)
    for external_id, activity_id in inserted.items():
        first[external_id].activity_id = activity_id
    settle_repeats(batch, [arrival for arrival in first.values() if not arrival.activity_id])


def settle_repeats(batch: Batch, arrivals: Collection[Arrival]) -> None:
    """Settle those of `arrivals` that the source sent before: the stored outcome, or an error for other content."""
    if not arrivals:
        return
    known = {
        external_id: (activity_id, bytes(payload_hash))
        for external_id, activity_id, payload_hash in arrays.fetch(
            """SELECT external_id, id, payload_hash FROM loyalty_activity
               WHERE source_id = %s AND external_id = ANY(%s)""",
            batch.source.pk,
            [arrival.item.external_id for arrival in arrivals],
        )
    }
    points = points_of([activity_id for activity_id, _hash in known.values()])
    for arrival in arrivals:
        if arrival.item.external_id not in known:
            continue
        activity_id, payload_hash = known[arrival.item.external_id]
        if payload_hash == arrival.payload_hash:
            batch.settle(arrival, Outcome(Status.DUPLICATE, activity_id, points.get(activity_id, 0)))
        else:
            batch.settle(arrival, Outcome(Status.REJECTED, error=used_for_another()))


def points_of(activity_ids: Collection[int]) -> dict[int, int]:
    """Return what recorded activities brought or took, in points of all programs."""
    if not activity_ids:
        return {}
    rows = arrays.fetch(
        """SELECT t.activity_id, sum(CASE WHEN d.kind = %s THEN p.points WHEN c.kind = %s THEN -p.points ELSE 0 END)
           FROM loyalty_transaction t JOIN loyalty_posting p ON p.transaction_id = t.id
           JOIN loyalty_wallet d ON d.id = p.debit_wallet_id JOIN loyalty_wallet c ON c.id = p.credit_wallet_id
           WHERE t.activity_id = ANY(%s) GROUP BY t.activity_id""",
        Wallet.Kind.ISSUED,
        Wallet.Kind.ISSUED,
        list(activity_ids),
    )
    return {activity_id: int(points) for activity_id, points in rows}


def outcomes_of(batch: Batch) -> list[Outcome]:
    """Return an outcome an item, in item order; an item that stood twice in one call is a repeat of its first."""
    first: dict[str, Outcome] = {}
    for arrival in batch.arrivals:
        external_id = arrival.item.external_id
        if arrival.position not in batch.outcomes:
            if arrival.activity_id:
                outcome = Outcome(Status.RECORDED, arrival.activity_id, arrival.points)
            else:
                outcome = first[external_id]
                if outcome.error is None:
                    outcome = Outcome(Status.DUPLICATE, outcome.activity_id, outcome.points)
            batch.settle(arrival, outcome)
        if external_id not in first or first[external_id].error is not None:
            first[external_id] = batch.outcomes[arrival.position]
    return [batch.outcomes[position] for position in sorted(batch.outcomes)]


def _row(batch: Batch, arrival: Arrival) -> tuple[object, ...]:
    item = arrival.item
    return (
        batch.source.pk,
        item.external_id,
        arrival.payload_hash,
        arrival.type_id,
        item.company_id,
        item.employee_id,
        item.object,
        item.quantity,
        item.amount,
        item.currency if item.amount is not None else "",
        json.dumps({code: to_json(value) for code, value in arrival.attributes.items()}),
        item.occurred_at,
        batch.now,
        item.reverses,
    )
