"""One wallet that everybody spends from: how fast, never overdrawn, and that it would be without its lock."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, transaction

from accounts.together import atomic_together
from loyalty.gathering import Gathering
from loyalty.ledger import Book, InsufficientPointsError, Owner
from loyalty.models import Transaction
from loyalty.site.bench.clients import Unit, clients
from loyalty.site.bench.figures import Figure, LawBrokenError, check_laws, figure
from loyalty.site.bench.history import NOW, History, Size, a_history, settle
from loyalty.site.bench.pairs import Rounds, in_pairs
from loyalty.site.bench.tpcb import Yardstick

CLIENTS = 8
MOST_SPENDS = 100
"""Spends that share a commit at the most, as of redemptions."""
REDEEMERS = 64
_TO_SHARE = 200
"""Points that all redeemers together cannot leave in the wallet."""


def hot_wallet(yardstick: Yardstick, rounds: Rounds) -> Figure:
    """Spends a second of one point each out of one wallet, by eight clients; then 64 redeemers empty another.

    As in production there is a process a processor, the clients are spread over their threads, and those of one process
    share commits, as redemptions do. Raises LawBrokenError where more was spent than was there, or where the unlocked
    control did not overspend: then the first would say nothing.
    """
    rich = a_history(Size(companies=2, owners=2, lots=3, points=10**9))
    plenty, little = rich.owners
    settle()
    spending, threads = _spending(rich, plenty), -(-CLIENTS // (os.cpu_count() or 1))
    with clients(CLIENTS, lambda _number: spending, threads=threads) as ours:
        pairs = in_pairs(rounds.count, lambda: ours.work(rounds.seconds), lambda: yardstick.rate(rounds.seconds))
    spent = _empty(rich, little)
    overspent = _control()
    check_laws()
    return figure(
        "hot_wallet",
        pairs.ratio,
        f"{CLIENTS} clients; {pairs.told('spend', f'by {yardstick.name}')}; {REDEEMERS} redeemers got {spent} of "
        f"{_TO_SHARE} points, and without a lock {overspent} of {_TO_SHARE}",
    )


def spend(history: History, owner: Owner, points: int) -> None:
    """Spend points as a redemption does; InsufficientPointsError where there are fewer."""
    [refusal] = _spend_all(history, [(owner, points)])
    if refusal is not None:
        raise refusal


def _spending(history: History, owner: Owner) -> Callable[[], None]:
    """Return what spends a point of the owner's, together with those who do so at the same time in this process."""

    def spend_all(_program_id: int, owners: Sequence[Owner]) -> list[InsufficientPointsError | None]:
        return _spend_all(history, [(owner, 1) for owner in owners])

    gathered = Gathering(spend_all, most=MOST_SPENDS)

    def spend_one() -> None:
        [refusal] = gathered(history.program.pk, [owner])
        if refusal is not None:
            raise refusal

    return spend_one


def _spend_all(history: History, spends: Sequence[tuple[Owner, int]]) -> list[InsufficientPointsError | None]:
    """Spend points one time after the other in one transaction, as redemptions do; return what each was refused for."""
    refusals: list[InsufficientPointsError | None] = []
    with atomic_together():
        book = Book(now=NOW, programs=[history.program])
        owners = {owner for owner, _points in spends}
        book.open(owners, spenders=owners, spends=len(spends))
        for owner, points in spends:
            try:
                book.spend(book.begin(Transaction.Kind.REDEEM, owner), owner, points, at=NOW)
            except InsufficientPointsError as refusal:
                refusals.append(refusal)
            else:
                refusals.append(None)
        book.write()
    return refusals


def _empty(history: History, owner: Owner) -> int:
    """Let 64 redeemers take one point at a time of the few that are left in a wallet; return how many they got."""
    with transaction.atomic():
        book = Book(now=NOW, programs=[history.program])
        book.open([owner], spenders=[owner])
        book.spend(book.begin(Transaction.Kind.REDEEM, owner), owner, book.available(owner) - _TO_SHARE, at=NOW)
        book.write()

    spending = _spending(history, owner)

    def redeem() -> bool:
        try:
            spending()
        except InsufficientPointsError:
            return False
        return True

    taken = _taken_by_all(redeem)
    if taken != _TO_SHARE:
        raise LawBrokenError(f"Redeemers were given {taken} points of {_TO_SHARE}.")
    return taken


def _control() -> int:
    """Let as many take points the way that a lock forbids: read how many there are, then write one less."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_unlocked AS SELECT %s AS points", [_TO_SHARE])

    def take() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT points FROM bench_unlocked")
            points = cursor.fetchone()[0]
            if points > 0:
                cursor.execute("UPDATE bench_unlocked SET points = %s", [points - 1])
        return bool(points > 0)

    taken = _taken_by_all(take)
    if taken <= _TO_SHARE:
        raise LawBrokenError(f"Without a lock {taken} points of {_TO_SHARE} were taken: the check proves nothing.")
    return taken


def _taken_by_all(take: Callable[[], bool]) -> int:
    """Let all redeemers `take` until nobody gets any more, or too many did; return how many were told they got one."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_taken (number int)")

    def prepare(number: int) -> Unit:
        def unit() -> None:
            if take():
                with connection.cursor() as cursor:
                    cursor.execute("INSERT INTO bench_taken VALUES (%s)", [number])

        return unit

    taken = -1
    with clients(REDEEMERS, prepare, threads=REDEEMERS // 2) as redeemers, connection.cursor() as cursor:
        while taken < (taken := _count(cursor)) <= _TO_SHARE:
            redeemers.work(1)
        cursor.execute("DROP TABLE bench_taken")
    return taken


def _count(cursor: Any) -> int:
    cursor.execute("SELECT count(*) FROM bench_taken")
    return int(cursor.fetchone()[0])
