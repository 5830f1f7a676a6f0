"""Batches of a thousand activities: against SQL written by hand, against the yardstick, and sent for a second time."""

from collections.abc import Callable
from datetime import datetime
from itertools import count

from django.utils import timezone

from loyalty.activities import ActivityItem, Status, record_activities
from loyalty.site.bench.by_hand import ByHand
from loyalty.site.bench.clients import ClientError, Unit, clients
from loyalty.site.bench.club import Club
from loyalty.site.bench.figures import Figure, check_laws, figure
from loyalty.site.bench.pairs import Rounds, in_pairs
from loyalty.site.bench.tpcb import Yardstick

BATCH = 1_000
CLIENTS = 4
_LINES = 18
"""An invoice's, as in the real file: a thousand of its lines are of fifty companies."""


def batch_full(club: Club, rounds: Rounds) -> Figure:
    """Activities a second in batches, full rules, against set-based SQL that is written for these very rules."""

    def by_hand(_number: int) -> Unit:
        hand, numbers = ByHand(club), count()
        return lambda: hand.record(_purchases(club, 1, next(numbers)), now=timezone.now())

    with clients(1, _recording(club)) as ours, clients(1, by_hand) as theirs:
        pairs = in_pairs(
            rounds.count,
            lambda: ours.work(rounds.seconds).of(BATCH),
            lambda: theirs.work(rounds.seconds).of(BATCH).rate,
        )
    check_laws()
    return figure("batch_full", pairs.ratio, f"{BATCH:,} a batch; {pairs.told('event', 'by SQL written by hand')}")


def batch_xt(club: Club, yardstick: Yardstick, rounds: Rounds) -> Figure:
    """The same by four clients at once, each with the customers of its share, as files are imported."""
    shares = [Club(club.source, club.members[number::CLIENTS]) for number in range(CLIENTS)]

    with clients(CLIENTS, lambda number: _recording(shares[number])(10 + number)) as ours:
        pairs = in_pairs(
            rounds.count,
            lambda: ours.work(rounds.seconds).of(BATCH),
            lambda: yardstick.rate(rounds.seconds),
        )
    check_laws()
    return figure("batch_xt", pairs.ratio, f"{CLIENTS} clients; {pairs.told('event', f'by {yardstick.name}')}")


def replay_duplicates(club: Club, rounds: Rounds) -> Figure:
    """Activities a second that were recorded before, against new ones."""

    def repeating(_number: int) -> Unit:
        batches = [_purchases(club, 20, number) for number in range(10)]
        for batch in batches:
            _record(batch, club, Status.RECORDED)
        numbers = count()
        return lambda: _record(batches[next(numbers) % len(batches)], club, Status.DUPLICATE)

    with clients(1, repeating) as ours, clients(1, lambda _number: _recording(club)(21)) as new:
        pairs = in_pairs(
            rounds.count,
            lambda: ours.work(rounds.seconds).of(BATCH),
            lambda: new.work(rounds.seconds).of(BATCH).rate,
        )
    check_laws()
    return figure("replay_duplicates", pairs.ratio, f"{BATCH:,} a batch; {pairs.told('repeat', 'new ones')}")


def _recording(club: Club) -> Callable[[int], Unit]:
    def prepare(number: int) -> Unit:
        numbers = count()
        return lambda: _record(_purchases(club, number, next(numbers)), club, Status.RECORDED)

    return prepare


def _purchases(club: Club, client: int, batch: int) -> list[ActivityItem]:
    at = timezone.now()
    return [club.purchase(client, number, at, lines=_LINES)[1] for number in range(batch * BATCH, (batch + 1) * BATCH)]


def _record(items: list[ActivityItem], club: Club, expected: Status, *, now: datetime | None = None) -> None:
    outcomes = record_activities(items, source=club.source, now=now or timezone.now())
    if any(outcome.status is not expected for outcome in outcomes):
        raise ClientError(repr(next(outcome for outcome in outcomes if outcome.status is not expected)))
