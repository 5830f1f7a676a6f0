"""The differential test: the same events in batches of any size end in the same state, and that is lawful."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import transaction

from loyalty.activities import ActivityItem, record_activities
from loyalty.site.bench.canon import Canon, canonical, differences
from loyalty.site.bench.club import Club
from loyalty.site.bench.figures import check_laws

BATCHES = (1, 7, 997, 20_000)
_NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


class SplitsDifferError(Exception):
    """Two ways to split the same events into batches ended in different states."""


def differential(club: Club, *, events: int, batches: Sequence[int] = BATCHES) -> str:
    """Record the same events in batches of each size, putting all back in between; say what was compared.

    Raises SplitsDifferError and LawBrokenError.
    """
    items = a_stream(club, events)
    first, *others = [_end_state(club, items, size) for size in batches]
    for size, other in zip(batches[1:], others, strict=True):
        if different := differences(first, other):
            raise SplitsDifferError(f"Batches of {batches[0]} and of {size}: {different}")
    kinds = {kind: sum(rows.values()) for kind, rows in first.items()}
    return (
        f"{events:,} events in batches of {', '.join(map(str, batches))} end in the same rows: {kinds}; all laws hold"
    )


def a_stream(club: Club, events: int) -> list[ActivityItem]:
    """Purchases over some months, of each six two that are returned, some in part and some before they come, and some
    sent twice.
    """
    items: list[ActivityItem] = []
    for number in range(events):
        at = _NOW - timedelta(days=97 * number % 300, hours=number % 24)
        _member, item = club.purchase(40, number * 131, at)
        match number % 6:
            case 2 if items:
                items.append(_return_of(item, f"R{number:06}", part=1))
                items.append(item)
            case 4:
                items.append(item)
                items.append(_return_of(item, f"R{number:06}", part=2))
            case 5:
                items += [item, items[-3]]
            case _:
                items.append(item)
    return items[:events]


def _return_of(item: ActivityItem, external_id: str, *, part: int) -> ActivityItem:
    amount = None if item.amount is None else round(item.amount / part, 2)
    return replace(
        item,
        external_id=external_id,
        reverses=item.external_id,
        occurred_at=item.occurred_at + timedelta(hours=1),
        amount=amount,
        quantity=None,
    )


def _end_state(club: Club, items: Sequence[ActivityItem], size: int) -> Canon:
    with transaction.atomic():
        for start in range(0, len(items), size):
            record_activities(items[start : start + size], source=club.source, now=_NOW)
        state = canonical()
        check_laws()
        transaction.set_rollback(True)
    return state
