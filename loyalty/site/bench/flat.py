"""What must not grow with history: spending and pages, in a database of long history against one of a short one."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from itertools import count

from accounts.actors import Actor
from loyalty.company_figures import earned_since, months_of, people_with_points, year_start
from loyalty.figures import days_of
from loyalty.selectors import standing_of
from loyalty.site.bench.clients import Clients, Unit, clients
from loyalty.site.bench.databases import Databases
from loyalty.site.bench.figures import Figure, figure
from loyalty.site.bench.history import NOW, History, Size, a_history, check_laws_of_many, settle, use_up
from loyalty.site.bench.hot_wallet import spend
from loyalty.site.bench.pairs import Pairs, Rounds, in_pairs
from loyalty.statement import balances_of, statement

SMALL = Size(companies=10_000, owners=100, lots=100)
LARGE = Size(companies=10_000, owners=10_000, lots=500, postings=2)
QUICK_SMALL = Size(companies=500, owners=100, lots=60)
QUICK_LARGE = Size(companies=500, owners=500, lots=120, postings=2)
USED = 0.3
"""The part of the large world's lots that is used up, and not vacuumed, before `flat_spend_bloat`."""

Page = Callable[[History, int], object]


def flat(databases: Databases, small: Size, large: Size, rounds: Rounds) -> list[Figure]:
    """How many times longer the same takes in the large world than in the small one; in more and shorter windows."""
    with databases.fresh("small") as small_name:
        short = a_history(small)
        settle()
        with databases.fresh("large") as large_name:
            long = a_history(large)
            settle()

            def compared(prepare: Callable[[History], Unit], seconds: float) -> Pairs:
                with ExitStack() as stack:
                    sides: list[Clients] = []
                    for name, history in ((small_name, short), (large_name, long)):
                        databases.use(name)
                        sides.append(stack.enter_context(clients(1, _prepared(prepare, history))))
                    near, far = sides
                    return in_pairs(2 * rounds.count, lambda: far.work(seconds), lambda: near.work(seconds).rate)

            pages = {name: compared(_reading(page), rounds.seconds / 4) for name, page in PAGES.items()}
            briefly = rounds.seconds / 16  # both must end before the short history has no lots left
            fresh = compared(_spending, briefly)
            use_up(long, USED)
            bloated = compared(_spending, briefly)
            for name in (small_name, large_name):
                databases.use(name)
                check_laws_of_many()
    return [
        _of_spends("flat_spend", fresh, short, long),
        _of_spends("flat_spend_bloat", bloated, short, long),
        _of_pages(pages),
    ]


def _prepared(prepare: Callable[[History], Unit], history: History) -> Callable[[int], Unit]:
    return lambda _number: prepare(history)


def _spending(history: History) -> Unit:
    """Look at a balance, then spend what three lots hold, out of one wallet after the other."""
    turns = count()

    def unit() -> None:
        owner = history.owners[next(turns) * 7919 % len(history.owners)]
        balances_of([owner], today=NOW.date(), expiring_until=NOW.date() + timedelta(days=60))
        spend(history, owner, 50)

    return unit


def _of_spends(name: str, pairs: Pairs, short: History, long: History) -> Figure:
    told = pairs.told("spend", f"with {short.lots:,} lots", as_times=True)
    return figure(name, pairs.times, f"with {long.lots:,} lots; {told}")


def _reading(page: Page) -> Callable[[History], Unit]:
    def prepare(history: History) -> Unit:
        turns = count()

        def unit() -> None:
            page(history, next(turns) * 7919 % len(history.owners))

        return unit

    return prepare


def _home(history: History, number: int) -> object:
    owner, membership = history.owners[number], history.memberships[number]
    return (
        balances_of([owner], today=NOW.date(), expiring_until=NOW.date() + timedelta(days=60)),
        standing_of(membership, at=NOW),
        statement(owner, count=5),
    )


def _statement(history: History, number: int) -> object:
    return statement(history.owners[number])


def _company(history: History, number: int) -> object:
    membership = history.memberships[number]
    actor = Actor(
        at=NOW, employee_id=history.admin_ids[number], company_id=membership.company_id, is_company_admin=True
    )
    people = [person.pk for person in people_with_points(actor, membership)[:25]]
    return (
        balances_of([history.owners[number]], today=NOW.date(), expiring_until=NOW.date() + timedelta(days=60)),
        months_of(membership, at=NOW),
        earned_since(membership, people, since=year_start(membership, at=NOW)),
    )


def _manager(history: History, _number: int) -> object:
    return days_of(history.program, since=NOW.date() - timedelta(days=60), now=NOW)


PAGES: Mapping[str, Page] = {"home": _home, "statement": _statement, "company": _company, "manager": _manager}
"""What each page reads of points; the slowest of them is the figure."""


def _of_pages(pages: Mapping[str, Pairs]) -> Figure:
    worst = max(pages, key=lambda name: pages[name].times)
    told = ", ".join(f"{name} {pairs.times:.2f} ({1_000 / pairs.ours[0].rate:.1f} ms)" for name, pairs in pages.items())
    return figure(
        "flat_pages",
        pages[worst].times,
        f"{told}; {worst}: {pages[worst].told('page', 'with the short history', as_times=True)}",
    )
