"""Turns: in which order a batch is judged, and what becomes of its returns and of those that waited for it."""

from collections.abc import Collection, Mapping

from accounts import arrays
from loyalty.activities.arrivals import insert_activities, settle_repeats
from loyalty.activities.items import ActivityItem, Arrival, Batch, Outcome, Status, used_for_another
from loyalty.activities.originals import Original, lock_originals, write_originals
from loyalty.activities.refusals import ReturnError
from loyalty.activities.returns import Undoing, undo
from loyalty.models import ReturnRefusal

Turn = Arrival | Undoing
"""An activity to be judged, or a return to be applied."""


Awaited = tuple[str, int]
"""What a return waits for: an activity of this external id and of this company."""


class OvertakenError(Exception):
    """Another call recorded one of the ids while this one waited: what was decided here no longer holds."""


def take_turns(batch: Batch) -> list[Turn]:
    """Insert the returns of the batch and say what is judged and what is undone, in its order; under all locks so far.

    A return undoes its original where that is there, and waits where it is not. What waited for an activity of the
    batch comes right after it, in order of arrival. A return that does not fit is rejected, and nothing is left of it;
    one that waited already stands, and is marked as refused. OvertakenError where the batch has to begin again.
    """
    inserted = {arrival.item.external_id for arrival in batch.open if arrival.activity_id}
    settle_repeats(batch, [arrival for arrival in batch.open if arrival.item.external_id not in inserted])
    pending = [arrival for arrival in batch.open if arrival.item.external_id not in inserted]
    if not pending and not batch.awaited:
        return [arrival for arrival in batch.open if arrival.activity_id]
    wanted = {_awaited(arrival) for arrival in pending if arrival.item.reverses}
    wanted |= {(a.item.external_id, a.item.company_id) for a in batch.open if a.item.external_id in batch.awaited}
    originals = lock_originals(batch.source.pk, wanted)
    waiting = _read_waiting(batch.source.pk, batch.awaited | {arrival.item.external_id for arrival in pending})
    ids = arrays.draw_ids(loyalty_activity=len(pending))["loyalty_activity"]
    drawn = {arrival.position: new_id for arrival, new_id in zip(pending, ids, strict=True)}
    turns = _Turns(batch, originals, waiting, drawn)
    for arrival in batch.open:
        turns.take(arrival)
    turns.write()
    return turns.order


class _Turns:
    """A walk over a batch in item order: everything is decided in memory, then written at once."""

    def __init__(
        self,
        batch: Batch,
        originals: dict[str, Original],
        waiting: Mapping[Awaited, list[Arrival]],
        drawn: dict[int, int],
    ) -> None:
        """`waiting` are returns by what they wait for; `drawn` are ids for arrivals that have none."""
        self.order: list[Turn] = []
        self._batch = batch
        self._originals = originals
        self._waiting = dict(waiting)
        self._drawn = drawn
        self._places = {arrival.activity_id: arrival.position for arrival in batch.open if arrival.activity_id}
        self._taken: dict[str, Arrival] = {}
        self._applied: list[Undoing] = []
        self._refused: list[tuple[Arrival, ReturnError]] = []

    def take(self, arrival: Arrival) -> None:
        """Decide on one arrival; a repeat of what came earlier in the batch is passed over."""
        external_id = arrival.item.external_id
        if arrival.activity_id:
            self._judge(arrival)
        elif external_id in self._taken:
            if arrival.payload_hash != self._taken[external_id].payload_hash:
                self._batch.settle(arrival, Outcome(Status.REJECTED, error=used_for_another()))
        elif arrival.position in self._drawn:
            if arrival.item.reverses:
                self._take_return(arrival)
            else:
                self._insert(arrival)
                self._judge(arrival)

    def write(self) -> None:
        """Insert what was taken, and write what became of every return."""
        taken = self._taken.values()
        if insert_activities(self._batch, taken) < len(taken):
            raise OvertakenError
        waiting = [arrival for arrival in taken if arrival in self._waiting.get(_awaited(arrival), ())]
        source_id, now = self._batch.source.pk, self._batch.now
        arrays.insert(
            "loyalty_returnlink",
            {
                "activity_id": "bigint",
                "original_id": "bigint",
                "applied_at": "timestamptz",
                "awaited_source_id": "bigint",
                "awaited_external_id": "text",
                "refusal": "text",
            },
            [
                *((one.arrival.activity_id, one.original.activity_id, now, None, "", "") for one in self._applied),
                *((one.activity_id, None, None, source_id, one.item.reverses, "") for one in waiting),
                *((one.activity_id, None, None, None, "", error.refusal) for one, error in self._refused),
            ],
            then="""ON CONFLICT (activity_id) DO UPDATE
                    SET original_id = excluded.original_id, applied_at = excluded.applied_at,
                        awaited_source_id = excluded.awaited_source_id,
                        awaited_external_id = excluded.awaited_external_id, refusal = excluded.refusal""",
        )
        write_originals(self._originals.values())
        for arrival in waiting:
            self._batch.settle(arrival, Outcome(Status.WAITING, arrival.activity_id, is_waiting=True))
        for arrival, error in self._refused:
            if arrival.position >= 0:
                self._batch.settle(arrival, Outcome(Status.REJECTED, arrival.activity_id, error=error.error))
        settled = [
            *((one.arrival, None) for one in self._applied),
            *((one, error.error) for one, error in self._refused),
        ]
        self._batch.released = {arrival.activity_id: (arrival, error) for arrival, error in settled}

    def _take_return(self, arrival: Arrival) -> None:
        item = arrival.item
        original = self._original_of(arrival)
        try:
            if item.reverses == item.external_id:
                raise ReturnError(ReturnRefusal.RETURN_OF_RETURN)
            undoing = None if original is None else undo(arrival, original)
        except ReturnError as error:
            self._batch.settle(arrival, Outcome(Status.REJECTED, error=error.error))
            return
        self._insert(arrival)
        if undoing is None:
            self._waiting.setdefault(_awaited(arrival), []).append(arrival)
        else:
            self._apply(undoing)
        self._release(arrival)

    def _original_of(self, arrival: Arrival) -> Original | None:
        """What a return undoes, if it is there by now; another company's activity is as good as none."""
        original = self._originals.get(arrival.item.reverses)
        if original is None or original.company_id != arrival.item.company_id:
            return None
        return None if self._places.get(original.activity_id, -1) > arrival.position else original

    def _insert(self, arrival: Arrival) -> None:
        arrival.activity_id = self._drawn[arrival.position]
        self._taken[arrival.item.external_id] = arrival
        self._originals[arrival.item.external_id] = Original.from_arrival(arrival)

    def _judge(self, arrival: Arrival) -> None:
        self.order.append(arrival)
        self._release(arrival)

    def _release(self, arrival: Arrival) -> None:
        """Settle what its company's returns have waited for; another company's go on waiting, for nothing."""
        external_id, company_id = arrival.item.external_id, arrival.item.company_id
        for waiting in self._waiting.pop((external_id, company_id), ()):
            try:
                self._apply(undo(waiting, self._originals[external_id]))
            except ReturnError as error:
                self._refused.append((waiting, error))

    def _apply(self, undoing: Undoing) -> None:
        self.order.append(undoing)
        self._applied.append(undoing)


def _awaited(arrival: Arrival) -> Awaited:
    return arrival.item.reverses, arrival.item.company_id


def _read_waiting(source_id: int, external_ids: Collection[str]) -> dict[Awaited, list[Arrival]]:
    """Return the returns that wait for activities of these ids, in order of arrival; the lanes keep others away."""
    waiting: dict[Awaited, list[Arrival]] = {}
    for awaited, activity_id, external_id, type_id, company_id, occurred_at, amount, quantity, currency in arrays.fetch(
        """SELECT l.awaited_external_id, a.id, a.external_id, a.type_id, a.company_id, a.occurred_at, a.amount,
                  a.quantity, a.currency
           FROM loyalty_returnlink l JOIN loyalty_activity a ON a.id = l.activity_id
           WHERE l.awaited_source_id = %s AND l.awaited_external_id = ANY(%s) ORDER BY a.id""",
        source_id,
        list(external_ids),
    ):
        item = ActivityItem(
            external_id=external_id,
            type="",
            company_id=company_id,
            occurred_at=occurred_at,
            amount=amount,
            quantity=quantity,
            currency=currency,
            reverses=awaited,
        )
        arrival = Arrival(-1, item, type_id, b"", {}, activity_id)
        waiting.setdefault(_awaited(arrival), []).append(arrival)
    return waiting
