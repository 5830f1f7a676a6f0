"""Points that expire: the job over many wallets, against a plain UPDATE of the same lots."""

import time
from datetime import timedelta

from django.db import connection

from loyalty.ledger import expire_points
from loyalty.site.bench.clients import Window, watched
from loyalty.site.bench.figures import Figure, check_laws, figure
from loyalty.site.bench.history import NOW, Size, a_history, settle
from loyalty.site.bench.pairs import in_pairs

LOTS_A_WALLET = 5
"""As many of a wallet's lots end on one day."""

_COLUMNS = "id, wallet_id, available_on, expires_on, extended_to, earned, remaining, expired"


def expiry(*, wallets: int, rounds: int) -> Figure:
    """Lots a second that the job expires, a day's lots of all `wallets` a round, against a plain UPDATE of as many."""
    history = a_history(Size(companies=wallets, owners=wallets, lots=rounds * LOTS_A_WALLET, lots_a_day=LOTS_A_WALLET))
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_lot (LIKE loyalty_lot INCLUDING ALL) WITH (fillfactor = 80)")
        cursor.execute(f"INSERT INTO bench_lot ({_COLUMNS}) SELECT {_COLUMNS} FROM loyalty_lot")  # noqa: S608 (names are code)
    settle("bench_lot")
    days = [history.first_last_day + timedelta(days=number) for number in range(rounds)]
    ours, theirs = iter(days), iter(days)

    def expire() -> Window:
        day_after = next(ours) + timedelta(days=1)
        return watched(lambda: expire_points(now=NOW + (day_after - NOW.date())).points // 20)

    def update() -> float:
        day = next(theirs)
        started = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE bench_lot SET expired = expired + remaining, remaining = 0 WHERE expires_on = %s", [day]
            )
            touched: int = cursor.rowcount
        return touched / (time.perf_counter() - started)

    pairs = in_pairs(rounds, expire, update)
    check_laws()
    return figure("expiry", pairs.ratio, f"{LOTS_A_WALLET} a wallet; {pairs.told('lot', 'by UPDATE')}")
