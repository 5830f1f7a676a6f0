"""The benchmark of single activities: it measures what it says, in pairs of windows, and counts nothing unlawful."""

import time
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import connection, transaction

from accounts import laws
from loyalty.activities import record_activities
from loyalty.ledger import expire_points
from loyalty.models import Activity, Posting, TierAssignment, Wallet
from loyalty.site.bench import TARGETS, tpcb
from loyalty.site.bench.by_hand import ByHand
from loyalty.site.bench.canon import canonical, differences
from loyalty.site.bench.clients import ClientError, Window, _repeat, clients
from loyalty.site.bench.club import a_club
from loyalty.site.bench.differential import a_stream, differential
from loyalty.site.bench.events import api_event, single_event
from loyalty.site.bench.flat import PAGES
from loyalty.site.bench.history import NOW, Size, a_history, use_up
from loyalty.site.bench.hot_wallet import spend
from loyalty.site.bench.pairs import Pairs, Rounds
from loyalty.site.bench.suite import MEASUREMENTS
from loyalty.site.bench.tpcb import yardstick
from tests.factories.world import record

TWO_SHORT = Rounds(2, 1)


@pytest.mark.django_db
def test_club_has_full_rules_that_pay_company_and_person() -> None:
    club = a_club(members=3)
    now = datetime(2026, 6, 15, 12, tzinfo=UTC)

    outcomes = record(*(club.purchase(0, number, now)[1] for number in range(40)), source=club.source, now=now)

    assert min(outcome.points for outcome in outcomes) > 0
    assert Wallet.objects.filter(kind="AVAILABLE", employee__isnull=False, balance__gt=0).count() == 3
    assert TierAssignment.objects.count() == 3
    assert Posting.objects.filter(award__rule_code__in=["rule-6", "rule-23"]).exists()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_pgbench_there", [True, False])
def test_single_events_are_measured_against_the_yardstick(
    is_pgbench_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    club = a_club(members=50)
    if not is_pgbench_there:
        monkeypatch.setattr(tpcb, "_pgbench", lambda: None)
    try:
        with yardstick(8) as measure:
            figures = [single_event(club, measure, TWO_SHORT), api_event(club, measure, TWO_SHORT)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history")

    assert [figure.name for figure in figures] == ["single_event", "api_event"]
    assert all(figure.value > 0 for figure in figures)
    assert all(("by pgbench" in figure.detail) == is_pgbench_there for figure in figures)
    assert Activity.objects.count() >= 2 * 8 * 2


@pytest.mark.django_db(transaction=True)
def test_client_that_fails_ends_the_measurement() -> None:
    def prepare(number: int) -> object:
        raise ZeroDivisionError(number)

    with pytest.raises(ClientError, match="ZeroDivisionError"), clients(2, prepare) as ours:  # type: ignore[arg-type]
        ours.work(1)


def test_every_figure_has_a_floor_a_goal_beyond_it_and_a_measurement() -> None:
    measured = [name for names in MEASUREMENTS.values() for name in names]

    assert sorted(measured) == sorted(TARGETS)
    for target in TARGETS.values():
        assert (target.goal > target.floor) == (target.better == "higher")


def test_ratio_of_pairs_is_the_median_of_each_pair_and_says_times_the_other_way_round() -> None:
    windows = tuple(Window(units, 2.0, 0.1, 0.2) for units in (20, 40, 60))

    pairs = Pairs(windows, (10.0, 10.0, 10.0), wal=1200)

    assert pairs.ratios == [1.0, 2.0, 3.0]
    assert pairs.ratio == 2.0
    assert pairs.times == 0.5
    assert "120 spends" in pairs.told("spend", "by others")
    assert "10 bytes of WAL" in pairs.told("spend", "by others")


def test_what_a_unit_takes_after_its_window_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 0.8, 1.6))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))

    assert _repeat(lambda: None, 1.0, Barrier(1)) == (2, pytest.approx(1.25))


@pytest.mark.django_db
def test_sql_by_hand_writes_the_very_rows_that_the_engine_writes() -> None:
    club = a_club(members=3, limit=9_000)
    items = [club.purchase(0, number * 131, NOW)[1] for number in range(400)]
    with transaction.atomic():
        for start in range(0, len(items), 100):
            record_activities(items[start : start + 100], source=club.source, now=NOW)
        ours = canonical()
        transaction.set_rollback(True)

    hand = ByHand(club)
    for start in range(0, len(items), 100):
        with transaction.atomic():
            hand.record(items[start : start + 100], now=NOW)
        _forget_what_was_sent()

    assert differences(ours, canonical()) == {}
    assert sum(ours["tiers"].values()) > 3
    assert any(", 0, 0)" in row for row in ours["awards"])
    assert [finding.law.code for finding in laws.verify() if finding.count] == []


def _forget_what_was_sent() -> None:
    """What the commit does outside of tests."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_sent, bench_event, bench_award")


@pytest.mark.django_db
def test_same_events_in_batches_of_any_size_end_in_the_same_state() -> None:
    club = a_club(members=3, limit=2_500)

    told = differential(club, events=240, batches=(1, 7, 97))

    assert "in batches of 1, 7, 97 end in the same rows" in told


@pytest.mark.django_db
def test_end_states_that_differ_by_one_activity_are_told_apart() -> None:
    club = a_club(members=3)
    items = a_stream(club, 24)
    states = []
    for some in (items, items[:-1], items):
        with transaction.atomic():
            record_activities(some, source=club.source, now=NOW)
            states.append(canonical())
            transaction.set_rollback(True)

    whole, less, again = states

    assert {"activities", "awards", "balances", "metrics"} <= differences(whole, less).keys()
    assert differences(whole, again) == {}


@pytest.mark.django_db
def test_history_is_lawful_as_built_as_spent_from_as_used_up_and_as_expired() -> None:
    history = a_history(Size(companies=4, owners=3, lots=6, postings=2, lots_a_day=3))

    spend(history, history.owners[0], 50)
    use_up(history, 0.5)
    lost = expire_points(now=NOW + (history.first_last_day - NOW.date()) * 2)

    assert [finding.law.code for finding in laws.verify() if finding.count] == []
    assert Posting.objects.filter(debit_wallet__kind="ISSUED").count() == 3 * 6 * 2
    assert (lost.wallets, lost.points) == (3, 3 * 3 * 20)
    for page in PAGES.values():
        assert page(history, 1) is not None
