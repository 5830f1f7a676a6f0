"""The benchmark of single activities: it measures what it says, in pairs of windows, and counts nothing unlawful."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from loyalty.models import Activity, Posting, TierAssignment, Wallet
from loyalty.site.bench import a_club, api_event, single_event, tpcb, yardstick
from loyalty.site.bench.clients import ClientError, clients
from loyalty.site.bench.events import Rounds
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
