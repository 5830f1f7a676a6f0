"""Tiers: which months count, when a tier starts and ends, and what time alone does."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Message
from loyalty.models import Membership, MetricBucket, Program, Tier, TierAssignment
from loyalty.standing import TierPlan, month_of, month_start, review_tiers
from tests.factories.world import (
    NOW,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_employee,
    balance,
    record,
)

CALENDAR_YEAR, ROLLING = Program.Window.CALENDAR_YEAR, Program.Window.ROLLING
TIERS = {"bronze": 0, "silver": 100, "gold": 500}
database = pytest.mark.django_db


def at(text: str, zone: str = "Europe/London") -> datetime:
    """A moment on a clock in a time zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def tiers_of(member: Membership) -> list[tuple[str, datetime, datetime | None]]:
    rows = TierAssignment.objects.filter(membership=member).order_by("starts_at", "pk")
    return list(rows.values_list("tier__code", "starts_at", "ends_at"))


def codes_of(member: Membership) -> list[str]:
    return [code for code, _starts_at, _ends_at in tiers_of(member)]


@pytest.mark.parametrize(
    ("moment", "zone", "month"),
    [
        (datetime(2026, 3, 31, 23, 30, tzinfo=UTC), "Europe/London", date(2026, 4, 1)),
        (datetime(2026, 3, 31, 22, 59, tzinfo=UTC), "Europe/London", date(2026, 3, 1)),
        (datetime(2026, 10, 31, 23, 59, tzinfo=UTC), "Europe/London", date(2026, 10, 1)),
        (datetime(2025, 12, 31, 15, 0, tzinfo=UTC), "Asia/Tokyo", date(2026, 1, 1)),
        (datetime(2026, 1, 1, 4, 59, tzinfo=UTC), "America/New_York", date(2025, 12, 1)),
        (datetime(2026, 1, 1, 5, 0, tzinfo=UTC), "America/New_York", date(2026, 1, 1)),
    ],
)
def test_month_is_the_one_on_the_programs_own_clock(moment: datetime, zone: str, month: date) -> None:
    assert month_start(month_of(moment, ZoneInfo(zone))) == month


def a_plan(window: str, months: int = 12) -> TierPlan:
    return TierPlan(1, ZoneInfo("Europe/London"), "spend", window, months, ())


def month(text: str) -> int:
    return month_of(at(f"{text}-15"), ZoneInfo("Europe/London"))


@pytest.mark.parametrize(
    ("window", "months", "spent_in", "asked_in", "counts"),
    [
        (ROLLING, 12, "2025-07", "2026-06", True),
        (ROLLING, 12, "2025-06", "2026-06", False),
        (ROLLING, 1, "2026-06", "2026-06", True),
        (ROLLING, 1, "2026-05", "2026-06", False),
        (ROLLING, 3, "2025-12", "2026-02", True),
        (ROLLING, 3, "2025-11", "2026-02", False),
        (ROLLING, 12, "2026-07", "2026-06", False),
        (CALENDAR_YEAR, 12, "2025-01", "2025-12", True),
        (CALENDAR_YEAR, 12, "2025-01", "2026-12", True),
        (CALENDAR_YEAR, 12, "2025-12", "2027-01", False),
        (CALENDAR_YEAR, 12, "2024-12", "2026-01", False),
    ],
)
def test_window_counts_its_months(window: str, months: int, spent_in: str, asked_in: str, counts: bool) -> None:
    plan = a_plan(window, months)

    value = plan.value({month(spent_in): Decimal(70)}, month(asked_in))

    assert value == (70 if counts else 0)
    if counts:
        assert plan.first_month(month(asked_in)) <= month(spent_in)


def test_calendar_year_counts_the_better_of_this_year_and_the_last() -> None:
    buckets = {month("2025-02"): Decimal(30), month("2025-11"): Decimal(40), month("2026-01"): Decimal(60)}

    assert a_plan(CALENDAR_YEAR).value(buckets, month("2026-03")) == 70
    assert a_plan(CALENDAR_YEAR).value(buckets, month("2027-03")) == 60


@database
def test_upgrade_starts_when_the_activity_occurred() -> None:
    member = a_member(a_program(tiers=TIERS))
    crossed_at = NOW - timedelta(days=10)

    record(a_purchase(member.company, 100, occurred_at=crossed_at))

    assert tiers_of(member) == [("bronze", member.starts_at, crossed_at), ("silver", crossed_at, None)]


@database
def test_upgrade_by_a_late_arrival_starts_no_earlier_than_the_tier_it_replaces() -> None:
    member = a_member(a_program(tiers=TIERS))
    silver_at = NOW - timedelta(days=5)

    record(a_purchase(member.company, 100, occurred_at=silver_at))
    record(a_purchase(member.company, 400, occurred_at=NOW - timedelta(days=10)))

    assert tiers_of(member) == [
        ("bronze", member.starts_at, silver_at),
        ("silver", silver_at, silver_at),
        ("gold", silver_at, None),
    ]


@database
def test_late_arrival_is_judged_by_the_tier_of_its_own_moment() -> None:
    program = a_program(tiers=TIERS)
    is_silver = {"fact": "standing.tier", "op": "eq", "value": "silver"}
    a_rule_set(program, [{"condition": is_silver, "formula": {"kind": "fixed", "points": 7}}])
    member = a_member(program)
    silver_at = NOW - timedelta(days=5)
    record(a_purchase(member.company, 100, occurred_at=silver_at))

    before, since = record(
        a_purchase(member.company, 1, occurred_at=silver_at - timedelta(microseconds=1)),
        a_purchase(member.company, 1, occurred_at=silver_at),
    )

    assert (before.points, since.points) == (0, 7)


@database
def test_return_that_falls_below_the_threshold_ends_the_tier_when_it_occurred() -> None:
    member = a_member(a_program(tiers=TIERS))
    bought_at, returned_at = NOW - timedelta(days=9), NOW - timedelta(days=2)
    purchase = a_purchase(member.company, 100, occurred_at=bought_at)
    record(purchase)

    record(a_purchase(member.company, "0.01", occurred_at=returned_at, reverses=purchase.external_id))

    assert tiers_of(member) == [
        ("bronze", member.starts_at, bought_at),
        ("silver", bought_at, returned_at),
        ("bronze", returned_at, None),
    ]
    assert MetricBucket.objects.get().value == Decimal("99.99")


@database
def test_return_that_leaves_the_threshold_met_changes_no_tier() -> None:
    member = a_member(a_program(tiers=TIERS))
    purchase = a_purchase(member.company, 120)
    record(purchase)

    record(a_purchase(member.company, 20, reverses=purchase.external_id))

    assert codes_of(member) == ["bronze", "silver"]


@database
def test_return_comes_out_of_the_month_of_its_original() -> None:
    member = a_member(a_program(tiers=TIERS))
    purchase = a_purchase(member.company, 100, occurred_at=at("2026-03-31T23:30"))
    record(purchase)

    record(a_purchase(member.company, 30, occurred_at=NOW, reverses=purchase.external_id))

    assert list(MetricBucket.objects.values_list("month", "value")) == [(date(2026, 3, 1), Decimal(70))]


@database
def test_return_of_what_no_longer_counts_leaves_the_tier_alone() -> None:
    member = a_member(a_program(tiers=TIERS, tier_months=1))
    old = a_purchase(member.company, 100, occurred_at=at("2026-04-10"))
    record(old)
    record(a_purchase(member.company, 100, occurred_at=at("2026-06-10")))

    record(a_purchase(member.company, 100, occurred_at=at("2026-06-11"), reverses=old.external_id))

    assert codes_of(member) == ["bronze", "silver"]


@database
@pytest.mark.parametrize(
    ("now", "tier"),
    [
        (at("2026-06-30T23:59:59"), "silver"),
        (at("2026-07-01T00:00"), "bronze"),
        (at("2026-08-20"), "bronze"),
    ],
)
def test_rolling_tier_falls_when_its_months_are_over(now: datetime, tier: str) -> None:
    member = a_member(a_program(tiers=TIERS, tier_months=3))
    record(a_purchase(member.company, 100, occurred_at=at("2026-04-30T23:59:59")))

    review_tiers(now=now)

    last = tiers_of(member)[-1]
    assert last[0] == tier
    if tier == "bronze":
        assert last[1] == at(f"{now:%Y-%m}-01")


@database
@pytest.mark.parametrize(("now", "tier"), [(at("2027-12-31T23:59:59"), "silver"), (at("2028-01-01T00:00"), "bronze")])
def test_calendar_year_tier_holds_to_the_end_of_the_next_year(now: datetime, tier: str) -> None:
    member = a_member(a_program(tiers=TIERS, tier_window=CALENDAR_YEAR))
    record(a_purchase(member.company, 100, occurred_at=at("2026-01-01T00:00")))

    review_tiers(now=now)

    assert tiers_of(member)[-1][0] == tier


@database
def test_year_turns_on_the_programs_own_clock() -> None:
    member = a_member(a_program(tiers=TIERS, tier_window=CALENDAR_YEAR, time_zone="Asia/Tokyo"))
    record(a_purchase(member.company, 100, occurred_at=at("2025-12-31T23:59", "Asia/Tokyo")))

    assert review_tiers(now=datetime(2026, 12, 31, 14, 59, tzinfo=UTC)) == 0
    assert review_tiers(now=datetime(2026, 12, 31, 15, 0, tzinfo=UTC)) == 1
    assert tiers_of(member)[-1] == ("bronze", at("2027-01-01T00:00", "Asia/Tokyo"), None)


@database
def test_second_review_changes_nothing() -> None:
    program = a_program(tiers=TIERS, tier_months=1)
    members = [a_member(program) for _ in range(3)]
    for member in members[:2]:
        record(a_purchase(member.company, 100))
    later = NOW + timedelta(days=60)

    first = review_tiers(now=later)
    rows = list(TierAssignment.objects.order_by("pk").values())
    second = review_tiers(now=later)

    assert (first, second) == (2, 0)
    assert list(TierAssignment.objects.order_by("pk").values()) == rows


@database
def test_review_leaves_out_members_who_have_left() -> None:
    member = a_member(a_program(tiers=TIERS, tier_months=1))
    record(a_purchase(member.company, 100))
    Membership.objects.filter(pk=member.pk).update(ends_at=NOW + timedelta(days=1))

    assert review_tiers(now=NOW + timedelta(days=60)) == 0
    assert codes_of(member) == ["bronze", "silver"]


@database
@pytest.mark.parametrize("source", ["CHOSEN", "INVITED", "PAID", "NEGOTIATED"])
def test_tier_that_was_not_earned_is_neither_reviewed_nor_lost_by_a_return(source: str) -> None:
    program = a_program(tiers=TIERS, tier_months=1)
    member = a_member(program)
    TierAssignment.objects.all().delete()
    gold = Tier.objects.get(program=program, code="gold")
    TierAssignment.objects.create(membership=member, tier=gold, source=source, starts_at=member.starts_at)
    purchase = a_purchase(member.company, 600)

    record(purchase, a_purchase(member.company, None, reverses=purchase.external_id))
    review_tiers(now=NOW + timedelta(days=90))

    assert codes_of(member) == ["gold"]


@database
def test_spend_below_the_lowest_threshold_means_no_tier() -> None:
    member = a_member(a_program(tiers={"partner": 100}))
    purchase = a_purchase(member.company, 100)

    record(purchase)
    record(a_purchase(member.company, 1, reverses=purchase.external_id))

    assert tiers_of(member) == [("partner", NOW, NOW)]
    record(a_purchase(member.company, 1))
    assert codes_of(member) == ["partner", "partner"]


@database
def test_company_hears_of_the_tier_it_reached_in_every_program() -> None:
    company = a_company()
    buyer = an_employee(company)
    for _ in range(2):
        a_member(a_program(tiers=TIERS), company)

    record(a_purchase(company, 600))

    told = Message.objects.filter(employee=buyer, kind="tier-reached")
    assert list(told.values_list("facts__tier", flat=True)) == ["Gold", "Gold"]


@database
def test_evidence_tells_which_activity_and_spend_brought_the_tier() -> None:
    member = a_member(a_program(tiers=TIERS))

    [outcome] = record(a_purchase(member.company, "100.50"))

    assert TierAssignment.objects.latest("pk").evidence == {
        "metric": "spend",
        "value": "100.5",
        "from": "2025-07-01",
        "to": "2026-06-01",
        "activity": outcome.activity_id,
    }
    assert balance(member) == 0
