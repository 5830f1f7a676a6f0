"""The main flow: activity, facts, rules, ledger, standing, outbox. One activity is a batch of one."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction

from loyalty.activities.arrivals import insert_new, outcomes_of, refuse_foreign_currency
from loyalty.activities.items import ActivityItem, Batch, Outcome, check_items
from loyalty.activities.judging import Judging
from loyalty.activities.returns import link_returns
from loyalty.activities.scene import read_scene
from loyalty.models import Source


def record_activities(items: Sequence[ActivityItem], *, source: Source, now: datetime) -> list[Outcome]:
    """Record what happened, give points for it and raise or lower standings; one outcome an item, in item order.

    All items that are sound become rows in one transaction, in which every point, tier and message that follows from
    them is written too; the others come back rejected, with a code, the field and a sentence. An item that the source
    sent before changes nothing and gives the stored outcome. Items of one call are judged in their order, and any split
    of a stream into calls ends in the same state.
    """
    with transaction.atomic():
        return [outcome for part in _parts(items) for outcome in _record(part, source, now)]


def _parts(items: Sequence[ActivityItem]) -> Iterator[Sequence[ActivityItem]]:
    """Part the items where an id comes again with other content: what became of the first decides on the second."""
    start = 0
    seen: dict[str, ActivityItem] = {}
    for position, item in enumerate(items):
        first = seen.setdefault(item.external_id, item)
        if first is not item and first != item:
            yield items[start:position]
            start, seen = position, {item.external_id: item}
    yield items[start:]


def _record(items: Sequence[ActivityItem], source: Source, now: datetime) -> list[Outcome]:
    batch = check_items(items, source=source, now=now)
    refuse_foreign_currency(batch)
    insert_new(batch)
    _judge(batch)
    return outcomes_of(batch)


def _judge(batch: Batch) -> None:
    """Lock, read, work out in memory in the order of arrival, write."""
    if not batch.open:
        return
    scene = read_scene(batch)
    undoings = link_returns(batch)
    judging = Judging(batch, scene, undoings)
    judging.open()
    for arrival in batch.recorded:
        if arrival.position in undoings:
            judging.undo(arrival, undoings[arrival.position])
        else:
            judging.judge(arrival)
    judging.write()
