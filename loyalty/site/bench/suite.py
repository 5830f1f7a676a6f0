"""All measurements, each in a database of its own: which figures there are, and how large they are measured."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loyalty.site.bench import flat as worlds
from loyalty.site.bench.batches import CLIENTS as BATCH_CLIENTS
from loyalty.site.bench.batches import batch_full, batch_xt, replay_duplicates
from loyalty.site.bench.club import a_club
from loyalty.site.bench.databases import Databases
from loyalty.site.bench.differential import differential
from loyalty.site.bench.events import CLIENTS, api_event, single_event
from loyalty.site.bench.expiry import expiry
from loyalty.site.bench.figures import Figure
from loyalty.site.bench.history_replay import history_replay
from loyalty.site.bench.hot_wallet import hot_wallet
from loyalty.site.bench.pairs import QUICK, WHOLE, Rounds
from loyalty.site.bench.real_file import real_file
from loyalty.site.bench.tiers import tiers
from loyalty.site.bench.tpcb import yardstick


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how large is measured; `data` is the file of real invoices, `folder` takes what is made on the way."""

    databases: Databases
    data: Path
    folder: Path
    quick: bool

    @property
    def rounds(self) -> Rounds:
        """How long is measured."""
        return QUICK if self.quick else WHOLE


def _real_file(setting: Setting, wanted: Collection[str]) -> Iterator[Figure]:
    with setting.databases.fresh("file"):
        yield real_file(setting.data, folder=setting.folder, quick=setting.quick)


def _events(setting: Setting, wanted: Collection[str]) -> Iterator[Figure]:
    with setting.databases.fresh("yardstick"), yardstick(CLIENTS) as pgbench, setting.databases.fresh("events"):
        club = a_club(members=500 if setting.quick else 5_000)
        for measure in (single_event, api_event):
            if measure.__name__ in wanted:
                yield measure(club, pgbench, setting.rounds)


def _batches(setting: Setting, wanted: Collection[str]) -> Iterator[Figure]:
    with setting.databases.fresh("yardstick"), yardstick(BATCH_CLIENTS) as pgbench, setting.databases.fresh("batches"):
        club = a_club(members=1_000 if setting.quick else 5_000)
        if "batch_full" in wanted:
            yield batch_full(club, setting.rounds)
        if "batch_xt" in wanted:
            yield batch_xt(club, pgbench, setting.rounds)
        if "replay_duplicates" in wanted:
            yield replay_duplicates(club, setting.rounds)


def _hot_wallet(setting: Setting, wanted: Collection[str]) -> Iterator[Figure]:
    with setting.databases.fresh("yardstick"), yardstick(CLIENTS) as pgbench, setting.databases.fresh("hot"):
        yield hot_wallet(pgbench, setting.rounds)


def _flat(setting: Setting, wanted: Collection[str]) -> Iterator[Figure]:
    small, large = (worlds.QUICK_SMALL, worlds.QUICK_LARGE) if setting.quick else (worlds.SMALL, worlds.LARGE)
    yield from worlds.flat(setting.databases, small, large, setting.rounds)


def _expiry(setting: Setting, wanted: Collection[str]) -> Iterator[Figure]:
    with setting.databases.fresh("expiry"):
        yield expiry(wallets=1_000 if setting.quick else 5_000, rounds=setting.rounds.count)


def _tiers(setting: Setting, wanted: Collection[str]) -> Iterator[Figure]:
    with setting.databases.fresh("tiers"):
        yield tiers(memberships=10_000 if setting.quick else 100_000, rounds=setting.rounds.count // 2)


def _history_replay(setting: Setting, wanted: Collection[str]) -> Iterator[Figure]:
    with setting.databases.fresh("replay"):
        activities, members, rounds = (4_000, 200, 2) if setting.quick else (100_000, 5_000, 4)
        yield history_replay(a_club(members=members), activities=activities, rounds=rounds)


Measurement = Callable[[Setting, Collection[str]], Iterator[Figure]]

MEASUREMENTS: Mapping[Measurement, tuple[str, ...]] = {
    _real_file: ("real_file",),
    _events: ("single_event", "api_event"),
    _batches: ("batch_full", "batch_xt", "replay_duplicates"),
    _hot_wallet: ("hot_wallet",),
    _flat: ("flat_spend", "flat_spend_bloat", "flat_pages"),
    _expiry: ("expiry",),
    _tiers: ("tiers",),
    _history_replay: ("history_replay",),
}
"""What measures which figures, in the order of the table."""


def prove(setting: Setting) -> str:
    """Carry out the differential test and say what it compared."""
    with setting.databases.fresh("splits"):
        return differential(a_club(members=7, limit=2_500), events=200 if setting.quick else 2_000)


def measure(setting: Setting, wanted: Collection[str]) -> Iterator[Figure]:
    """Measure the figures of those names, in the order of the table; others that come of the same work are left out."""
    for measurement, names in MEASUREMENTS.items():
        if set(names) & set(wanted):
            yield from (found for found in measurement(setting, wanted) if found.name in wanted)
