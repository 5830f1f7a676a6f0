"""The main flow: activity, facts, rules, ledger, standing, outbox. One activity is a batch of one."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from accounts.together import atomic_together
from loyalty.activities.announcing import announce
from loyalty.activities.arrivals import insert_new, outcomes_of, refuse_foreign_currency
from loyalty.activities.configuration import configuration
from loyalty.activities.deriving import reaching
from loyalty.activities.items import ActivityItem, Batch, Outcome, check_items
from loyalty.activities.judging import Judging
from loyalty.activities.lanes import keep_to_lanes
from loyalty.activities.returns import Undoing
from loyalty.activities.scene import read_scene
from loyalty.activities.turns import OvertakenError, take_turns
from loyalty.models import Membership, Source
from loyalty.own_activities import internal_source
from loyalty.standing import TierMove


def record_activities(items: Sequence[ActivityItem], *, source: Source, now: datetime) -> list[Outcome]:
    """Record what happened, give points for it and raise or lower standings; one outcome an item, in item order.

    All items that are sound become rows in one transaction, in which every point, tier and message that follows from
    them is written too; the others come back rejected, with a code, the field and a sentence. An item that the source
    sent before changes nothing and gives the stored outcome. A return whose original is not there waits, and is applied
    right after it when it comes. Items of one call are judged in their order, and any split of a stream into calls ends
    in the same state.
    """
    while True:
        with suppress(OvertakenError), atomic_together():
            return _record(items, source, now)


def _record(items: Sequence[ActivityItem], source: Source, now: datetime) -> list[Outcome]:
    batch = check_items(items, source=source, now=now)
    refuse_foreign_currency(batch)
    keep_to_lanes(batch)
    insert_new(batch)
    _judge(batch)
    outcomes = outcomes_of(batch)
    announce(batch)
    return outcomes


def follow_moves(moves: Sequence[TierMove], now: datetime) -> None:
    """Record tiers that time, or somebody's decision, let a company reach, where rules ask for them.

    Called under the locks of the memberships, in whose transaction it is judged. It keeps to no lanes, which come
    before these: nobody else sends, or waits for, what follows.
    """
    known = configuration()
    rows = Membership.objects.filter(pk__in={move.membership_id for move in moves})
    programs = dict(rows.values_list("pk", "program"))
    reached = [reaching(move, programs[move.membership_id], known) for move in moves]
    items = [item for item in reached if item is not None]
    if items:
        batch = check_items(items, source=internal_source(), now=now)
        insert_new(batch)
        _judge(batch)
        announce(batch)


def _judge(batch: Batch) -> None:
    """Lock, read, work out in memory in the order of arrival, write."""
    if not batch.open:
        return
    scene = read_scene(batch)
    turns = take_turns(batch)
    judging = Judging(batch, scene, turns)
    judging.open()
    for turn in turns:
        if isinstance(turn, Undoing):
            judging.undo(turn)
        else:
            judging.judge(turn)
    judging.write()
