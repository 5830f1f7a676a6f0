"""History judged again by a draft's rules, against only reading the same rows."""

import os
import time
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from accounts import arrays
from loyalty.activities import record_activities
from loyalty.models import RuleSet
from loyalty.replaying import suppose
from loyalty.site.bench.clients import Window
from loyalty.site.bench.club import Club
from loyalty.site.bench.figures import Figure, LawBrokenError, check_laws, figure
from loyalty.site.bench.history import settle
from loyalty.site.bench.pairs import in_pairs

_BATCH = 1_000
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


def history_replay(club: Club, *, activities: int, rounds: int) -> Figure:
    """Activities a second through a replay of the club's own 24 rules, in a process a processor, against reading them.

    Raises LawBrokenError where the replay does not give to the point what was given.
    """
    _record(club, activities)
    settle("loyalty_activity", "loyalty_evaluation", "loyalty_award")
    rule_set = RuleSet.objects.get()
    given = int(arrays.fetch("SELECT sum(granted) FROM loyalty_award")[0][0])
    processes = os.cpu_count() or 1

    def replay() -> Window:
        started = time.perf_counter()
        found = suppose(rule_set, from_=_BEGIN, now=timezone.now(), processes=processes)
        seconds = time.perf_counter() - started
        if (found.activities, sum(found.side.months.values())) != (activities, given):
            raise LawBrokenError(f"A replay gave {sum(found.side.months.values())} points of {given}.")
        return Window(activities, seconds, seconds, None)

    pairs = in_pairs(rounds, replay, lambda: _read(activities))
    check_laws()
    told = pairs.told("activity", "read")
    return figure(
        "history_replay", pairs.ratio, f"{processes} processes, 24 rules, to the point what was given; {told}"
    )


def _record(club: Club, activities: int) -> None:
    start = timezone.now() - timedelta(days=300)
    for first in range(0, activities, _BATCH):
        items = [
            club.purchase(30, number, start + timedelta(days=300) * number / activities)[1]
            for number in range(first, min(first + _BATCH, activities))
        ]
        record_activities(items, source=club.source, now=timezone.now())


def _read(activities: int) -> float:
    """Read every column of the activities by a cursor of Django's, as they come; return how many a second."""
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM loyalty_activity ORDER BY id")
        rows = cursor.fetchall()
    if len(rows) != activities:
        raise LawBrokenError(f"{len(rows)} of {activities} activities were read.")
    return len(rows) / (time.perf_counter() - started)
