"""Lanes: whoever brings an activity and whoever finds that it is missing never pass each other unseen."""

import zlib
from collections.abc import Iterable

from accounts import arrays
from loyalty.activities.items import Batch

LOCK_SPACE = 0x4C616E65  # advisory locks of lanes are told from others by this first key
_LANES = 16


def keep_to_lanes(batch: Batch) -> None:
    """Lock the lanes in which the external ids of the batch lie: the first locks of all, in order, shared.

    Alone goes whoever may find that an id is missing: a return that may have to wait for its original, and an id that
    stands here with different content. Once it holds the lane, everything that was sent with that id is committed or
    comes later, and then sees who waits. Nothing else may be locked before, in the same transaction.
    """
    alone = {lane_of(batch.source.pk, external_id) for external_id in _missing(batch) | _ambiguous(batch)}
    lanes = sorted(alone | {lane_of(batch.source.pk, arrival.item.external_id) for arrival in batch.open})
    if lanes:
        arrays.run(
            """SELECT CASE WHEN alone THEN pg_advisory_xact_lock(%s, lane)
                           ELSE pg_advisory_xact_lock_shared(%s, lane) END
               FROM unnest(%s::integer[], %s::boolean[]) AS l(lane, alone)""",
            LOCK_SPACE,
            LOCK_SPACE,
            lanes,
            [lane in alone for lane in lanes],
        )


def _missing(batch: Batch) -> set[str]:
    """The originals that neither stand in the database nor come with this batch."""
    wanted = {arrival.item.reverses for arrival in batch.open if arrival.item.reverses}
    if not wanted:
        return wanted
    wanted -= {arrival.item.external_id for arrival in batch.first.values() if not arrival.item.reverses}
    return wanted - _recorded(batch.source.pk, wanted)


def _recorded(source_id: int, external_ids: Iterable[str]) -> set[str]:
    rows = arrays.fetch(
        "SELECT external_id FROM loyalty_activity WHERE source_id = %s AND external_id = ANY(%s)",
        source_id,
        list(external_ids),
    )
    return {external_id for (external_id,) in rows}


def _ambiguous(batch: Batch) -> set[str]:
    first = batch.first
    return {
        arrival.item.external_id
        for arrival in batch.open
        if arrival.payload_hash != first[arrival.item.external_id].payload_hash
    }


def lane_of(source_id: int, external_id: str) -> int:
    """Return the lane in which an id lies, the second key of its lock."""
    return (source_id * _LANES + zlib.crc32(external_id.encode()) % _LANES) % 2**31
