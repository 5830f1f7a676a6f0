"""Activities become rows: new ones are inserted in the order of their ids, repeats find what they led to before."""

import json
from collections.abc import Collection
from datetime import datetime

from django.utils.translation import gettext as _

from accounts import arrays, webhooks
from accounts.conditions import to_json
from loyalty.activities.items import ActivityItem, Arrival, Batch, Known, Outcome, Status, used_for_another
from loyalty.activities.refusals import refusal_error
from loyalty.models import Program, ReturnRefusal, Source, Wallet
from loyalty.rates import rate_on
from loyalty.webhooks import ACTIVITY_RECORDED

COLUMNS = {
    "source_id": "bigint",
    "external_id": "text",
    "payload_hash": "bytea",
    "type_id": "bigint",
    "company_id": "bigint",
    "employee_id": "bigint",
    "participants": "jsonb",
    "object": "text",
    "quantity": "numeric",
    "amount": "numeric",
    "currency": "text",
    "attributes": "jsonb",
    "occurred_at": "timestamptz",
    "recorded_at": "timestamptz",
    "reverses_external_id": "text",
}

_IS_HEARD = webhooks.is_heard_sql(ACTIVITY_RECORDED)


def refuse_foreign_currency(batch: Batch) -> None:
    """Reject amounts in a currency of which a program of the company knows no rate; repeats keep their outcome."""
    foreign = [
        (arrival, program)
        for arrival in batch.open
        if arrival.item.amount is not None and (program := _counts_otherwise(arrival.item, batch.known)) is not None
    ]
    settle_repeats(batch, [arrival for arrival, _program in foreign])
    for arrival, program in foreign:
        if arrival.position not in batch.outcomes:
            sentence = _("“%(program)s” counts in %(currency)s, and no rate of %(other)s is known for that day.")
            names = {"program": program.name, "currency": program.currency, "other": arrival.item.currency}
            batch.reject(arrival, "no_rate", "currency", sentence % names)


def _counts_otherwise(item: ActivityItem, known: Known) -> Program | None:
    """The first program of the company at the item's moment that counts in a currency without a rate."""
    configuration = known.configuration
    for enrolment in known.enrolments[item.company_id]:
        program = configuration.programs[enrolment.program_id]
        if program.currency == item.currency or not enrolment.holds_at(item.occurred_at):
            continue
        day = item.occurred_at.astimezone(configuration.zones[program.pk]).date()
        if rate_on(configuration.rates, currency=item.currency, into=program.currency, day=day) is None:
            return program
    return None


def insert_new(batch: Batch) -> None:
    """Insert the activities of the batch that are no returns, and settle those that were recorded before.

    An id that comes first as a return waits with it: what becomes of the return decides on what comes after it.
    """
    first = {external_id: arrival for external_id, arrival in batch.first.items() if not arrival.item.reverses}
    insert_activities(batch, first.values())
    known = [
        arrival
        for arrival in batch.open
        if not arrival.activity_id and _is_known(arrival, first.get(arrival.item.external_id))
    ]
    settle_repeats(batch, known)


def _is_known(arrival: Arrival, first: Arrival | None) -> bool:
    """Whether an id is taken; an arrival that repeats a new one of its batch is left to `outcomes_of`."""
    return first is not None and (not first.activity_id or arrival.payload_hash != first.payload_hash)


def insert_activities(batch: Batch, arrivals: Collection[Arrival]) -> int:
    """Insert arrivals with ids of their own, in the order of these; return how many were new.

    New ones get their activity id, where none was drawn for them ahead. What returns wait for is noted in the batch,
    and whether anybody listens.
    """
    by_id = {arrival.item.external_id: arrival for arrival in arrivals}
    ordered = [by_id[external_id] for external_id in sorted(by_id)]
    is_drawn = any(arrival.activity_id for arrival in ordered)
    rows = arrays.insert_returning(
        "loyalty_activity",
        {"id": "bigint", **COLUMNS} if is_drawn else COLUMNS,
        [(*([one.activity_id] if is_drawn else []), *row_of(one, batch.source, batch.now)) for one in ordered],
        then=f"""ON CONFLICT (source_id, external_id) DO NOTHING
                 RETURNING external_id, id, EXISTS (
                     SELECT FROM loyalty_returnlink l
                     WHERE l.awaited_source_id = loyalty_activity.source_id
                       AND l.awaited_external_id = loyalty_activity.external_id), {_IS_HEARD}""",
    )
    for external_id, activity_id, is_awaited, is_heard in rows:
        by_id[external_id].activity_id = activity_id
        batch.is_heard = is_heard
        if is_awaited:
            batch.awaited.add(external_id)
    return len(rows)


def settle_repeats(batch: Batch, arrivals: Collection[Arrival]) -> None:
    """Settle those of `arrivals` that the source sent before: the stored outcome, or an error for other content."""
    if not arrivals:
        return
    rows = arrays.fetch(
        """SELECT a.external_id, a.id, a.payload_hash, l.awaited_source_id IS NOT NULL, coalesce(l.refusal, '')
           FROM loyalty_activity a LEFT JOIN loyalty_returnlink l ON l.activity_id = a.id
           WHERE a.source_id = %s AND a.external_id = ANY(%s)""",
        batch.source.pk,
        list({arrival.item.external_id for arrival in arrivals}),
    )
    known = {row[0]: row[1:] for row in rows}
    points = points_of([row[1] for row in rows])
    for arrival in arrivals:
        if arrival.item.external_id not in known:
            continue
        activity_id, payload_hash, is_waiting, refusal = known[arrival.item.external_id]
        if bytes(payload_hash) != arrival.payload_hash:
            batch.settle(arrival, Outcome(Status.REJECTED, error=used_for_another()))
            continue
        error = refusal_error(ReturnRefusal(refusal)) if refusal else None
        outcome = Outcome(Status.DUPLICATE, activity_id, points.get(activity_id, 0), error, is_waiting)
        batch.settle(arrival, outcome)


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
                if outcome.activity_id is not None:
                    outcome = outcome._replace(status=Status.DUPLICATE)
            batch.settle(arrival, outcome)
        outcome = batch.outcomes[arrival.position]
        if outcome.is_waiting and outcome.activity_id in batch.released:
            released, error = batch.released[outcome.activity_id]
            batch.settle(arrival, outcome._replace(points=released.points, error=error, is_waiting=False))
        if external_id not in first or first[external_id].activity_id is None:
            first[external_id] = batch.outcomes[arrival.position]
    return [batch.outcomes[position] for position in sorted(batch.outcomes)]


def row_of(arrival: Arrival, source: Source, now: datetime) -> tuple[object, ...]:
    """Return an activity as COLUMNS take it."""
    item = arrival.item
    return (
        source.pk,
        item.external_id,
        arrival.payload_hash,
        arrival.type_id,
        item.company_id,
        item.employee_id,
        json.dumps(item.participants) if item.participants else "[]",
        item.object,
        item.quantity,
        item.amount,
        item.currency if item.amount is not None else "",
        json.dumps({code: to_json(value) for code, value in arrival.attributes.items()}),
        item.occurred_at,
        now,
        item.reverses,
    )
