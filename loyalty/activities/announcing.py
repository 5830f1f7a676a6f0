"""Announcing: what this call recorded, told to other systems where one of them listens."""

from collections.abc import Iterator

from loyalty.activities.items import Batch, Status
from loyalty.facts import number
from loyalty.webhooks import Recorded, announce_recorded


def announce(batch: Batch) -> None:
    """Announce the activities that are new, in item order; asks nothing where the insert has seen nobody listen."""
    if batch.is_heard:
        announce_recorded(lambda: list(_recorded(batch)), now=batch.now)


def _recorded(batch: Batch) -> Iterator[Recorded]:
    for arrival in batch.arrivals:
        item, outcome = arrival.item, batch.outcomes[arrival.position]
        if outcome.activity_id is not None and outcome.status is not Status.DUPLICATE:
            yield Recorded(
                activity_id=outcome.activity_id,
                source=batch.source.code,
                external_id=item.external_id,
                type=item.type,
                company_id=item.company_id,
                employee_id=item.employee_id,
                occurred_at=item.occurred_at,
                quantity=number(item.quantity),
                amount=number(item.amount),
                currency=item.currency if item.amount is not None else "",
                reverses=item.reverses,
                is_waiting=outcome.is_waiting,
                points=outcome.points,
            )
