"""Windows as tables: which months count, when time lowers a tier, how long grace lasts; no database."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from loyalty.models import Program
from loyalty.standing import TierPlan, month_of, month_start
from loyalty.standing.windows import People, TierStep

ROLLING, YEAR = Program.Window.ROLLING, Program.Window.CALENDAR_YEAR
OWN_YEAR, FOR_EVER = Program.Window.MEMBERSHIP_YEAR, Program.Window.FOR_EVER
LONDON = ZoneInfo("Europe/London")
BRONZE = TierStep(1, "bronze", "Bronze", 1, Decimal(0))
SILVER = TierStep(2, "silver", "Silver", 2, Decimal(100))
CLUB = TierStep(9, "club", "Club", 3, Decimal(0), is_earned=False)
GOLD = TierStep(3, "gold", "Gold", 4, Decimal(500))


def month(text: str) -> int:
    year, number = text.split("-")
    return int(year) * 12 + int(number) - 1


def a_plan(window: str, *, joined: str = "2024-03-15", months: int = 12, grace: int = 0, fall: str = "") -> TierPlan:
    """Bronze, Silver, Gold, and a club that is not earned."""
    plan = TierPlan(
        1, LONDON, "spend", window, months, (BRONZE, SILVER, CLUB, GOLD), fall or Program.Fall.TO_EARNED, grace
    )
    return plan.of_member(datetime.fromisoformat(joined).replace(tzinfo=LONDON))


@pytest.mark.parametrize(
    ("joined", "spent_in", "asked_in", "counts"),
    [
        # the first year begins with the joining month, whatever the day
        ("2024-03-01T00:00", "2024-03", "2024-03", True),
        ("2024-03-31T23:59", "2024-03", "2025-02", True),
        # it holds to the end of the next one
        ("2024-03-15T12:00", "2024-03", "2026-02", True),
        ("2024-03-15T12:00", "2025-02", "2026-02", True),
        ("2024-03-15T12:00", "2025-02", "2026-03", False),
        ("2024-03-15T12:00", "2025-03", "2026-03", True),
        # whoever joined on a leap day has a year from February on
        ("2024-02-29T10:00", "2024-02", "2026-01", True),
        ("2024-02-29T10:00", "2025-01", "2026-02", False),
        ("2024-02-29T10:00", "2025-02", "2027-01", True),
        # January: the calendar year
        ("2024-01-31T10:00", "2024-12", "2025-12", True),
        ("2024-01-31T10:00", "2024-12", "2026-01", False),
        # December
        ("2024-12-31T23:00", "2025-11", "2026-11", True),
        ("2024-12-31T23:00", "2025-11", "2026-12", False),
    ],
)
def test_year_of_membership_begins_with_the_joining_month(
    joined: str, spent_in: str, asked_in: str, counts: bool
) -> None:
    plan = a_plan(OWN_YEAR, joined=joined)

    assert plan.value({month(spent_in): Decimal(70)}, month(asked_in)) == (70 if counts else 0)
    if counts:
        assert plan.first_month(month(asked_in)) <= month(spent_in)


@pytest.mark.parametrize(
    ("joined_at", "zone", "begins"),
    [
        # shortly before midnight in London is the next month in Tokyo, also when the clocks go forward
        (datetime(2026, 3, 31, 22, 59, tzinfo=UTC), "Europe/London", date(2026, 3, 1)),
        (datetime(2026, 3, 31, 23, 0, tzinfo=UTC), "Europe/London", date(2026, 4, 1)),
        (datetime(2026, 10, 31, 23, 59, tzinfo=UTC), "Europe/London", date(2026, 10, 1)),
        (datetime(2026, 2, 28, 15, 0, tzinfo=UTC), "Asia/Tokyo", date(2026, 3, 1)),
        (datetime(2024, 2, 29, 14, 59, tzinfo=UTC), "Asia/Tokyo", date(2024, 2, 1)),
        (datetime(2027, 1, 1, 4, 59, tzinfo=UTC), "America/New_York", date(2026, 12, 1)),
    ],
)
def test_joining_month_is_the_one_on_the_programs_own_clock(joined_at: datetime, zone: str, begins: date) -> None:
    plan = replace(a_plan(OWN_YEAR), zone=ZoneInfo(zone)).of_member(joined_at)

    assert month_start(plan.spans(plan.joined)[0][0]) == begins
    assert plan.moment(plan.joined) == datetime.combine(begins, datetime.min.time(), ZoneInfo(zone))


def test_for_ever_counts_all_since_joining_and_time_takes_nothing() -> None:
    plan = a_plan(FOR_EVER)
    buckets = {month("2024-03"): Decimal(40), month("2031-07"): Decimal(60), month("2040-01"): Decimal(5)}

    assert plan.value(buckets, month("2039-12")) == 100
    assert plan.value(buckets, month("2040-01")) == 105
    assert plan.fall_month(month("2039-12")) is plan.next_fall_month(month("2039-12")) is None
    assert month_start(plan.first_month(month("2039-12"))) == date(2024, 3, 1)


def test_value_is_the_better_of_two_years_of_membership_and_never_their_sum() -> None:
    buckets = {month("2024-04"): Decimal(30), month("2025-02"): Decimal(40), month("2025-03"): Decimal(60)}

    assert a_plan(OWN_YEAR).value(buckets, month("2025-03")) == 70
    assert a_plan(OWN_YEAR).value(buckets, month("2026-03")) == 60


@pytest.mark.parametrize(
    ("window", "grace", "asked_in", "turn", "following"),
    [
        (ROLLING, 0, "2026-06", "2026-06", "2026-07"),
        (ROLLING, 2, "2026-06", "2026-06", "2026-07"),
        (YEAR, 0, "2026-06", "2026-01", "2027-01"),
        (YEAR, 3, "2026-03", "2025-04", "2026-04"),
        (YEAR, 3, "2026-04", "2026-04", "2027-04"),
        (YEAR, 11, "2026-11", "2025-12", "2026-12"),
        (OWN_YEAR, 0, "2026-02", "2025-03", "2026-03"),
        (OWN_YEAR, 0, "2026-03", "2026-03", "2027-03"),
        (OWN_YEAR, 2, "2026-04", "2025-05", "2026-05"),
        (OWN_YEAR, 2, "2026-05", "2026-05", "2027-05"),
    ],
)
def test_tiers_fall_once_a_period_after_its_grace(
    window: str, grace: int, asked_in: str, turn: str, following: str
) -> None:
    plan = a_plan(window, grace=grace)

    assert plan.fall_month(month(asked_in)) == month(turn)
    assert plan.next_fall_month(month(asked_in)) == month(following)


@pytest.mark.parametrize(
    ("window", "months", "spent_in", "last_kept", "first_lost"),
    [
        (ROLLING, 3, "2025-11", "2026-03", "2026-04"),
        (YEAR, 12, "2025-06", "2027-02", "2027-03"),
        (OWN_YEAR, 12, "2025-06", "2027-04", "2027-05"),
    ],
)
def test_two_months_of_grace_keep_a_tier_so_much_longer(
    window: str, months: int, spent_in: str, last_kept: str, first_lost: str
) -> None:
    plan = a_plan(window, months=months, grace=2)
    buckets = {month(spent_in): Decimal(500)}

    assert plan.kept_value(buckets, month(last_kept)) == 500
    assert plan.value(buckets, month(last_kept)) == 0
    assert plan.kept_value(buckets, month(first_lost)) == 0
    assert plan.first_kept_month(month(last_kept)) <= month(spent_in)


@pytest.mark.parametrize(
    ("fall", "held", "due", "to"),
    [
        (Program.Fall.TO_EARNED, GOLD, BRONZE, BRONZE),
        (Program.Fall.TO_EARNED, SILVER, None, None),
        (Program.Fall.ONE_STEP, GOLD, BRONZE, SILVER),
        (Program.Fall.ONE_STEP, GOLD, None, SILVER),
        (Program.Fall.ONE_STEP, SILVER, BRONZE, BRONZE),
        (Program.Fall.ONE_STEP, BRONZE, None, None),
    ],
)
def test_fall_goes_to_what_is_earned_or_one_step_and_never_into_a_tier_that_is_not_earned(
    fall: str, held: TierStep, due: TierStep | None, to: TierStep | None
) -> None:
    assert a_plan(ROLLING, fall=fall).fall_to(held, due) == to


def test_no_value_earns_a_tier_that_is_not_earned() -> None:
    plan = a_plan(ROLLING)

    assert plan.step_for(Decimal(499)) == SILVER
    assert plan.step_above(SILVER.rank) == GOLD


@dataclass(frozen=True)
class Stay:
    """A segment, from a day to another."""

    code: str
    starts_at: datetime
    ends_at: datetime

    def holds_at(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


@pytest.mark.parametrize(
    ("day", "value", "tier"),
    [
        ("2026-01-31", 60, BRONZE),  # in no segment yet
        ("2026-02-01", 60, SILVER),  # small: from 50
        ("2026-03-01", 40, SILVER),  # start-up, too: from 40, the lower counts
        ("2026-03-31", 39, BRONZE),
        ("2026-04-01", 60, BRONZE),  # start-up is over, small asks nothing of Gold
        ("2026-04-01", 500, GOLD),
        ("2026-03-01", 300, GOLD),  # and a start-up's Gold is 300
    ],
)
def test_lowest_threshold_of_the_companys_segments_of_the_moment_counts(day: str, value: int, tier: TierStep) -> None:
    favours: Mapping[str, Mapping[int, Decimal]] = {
        "small": {SILVER.id: Decimal(50)},
        "start-up": {SILVER.id: Decimal(40), GOLD.id: Decimal(300)},
        "large": {SILVER.id: Decimal(1)},
    }
    at = {day: datetime.fromisoformat(day).replace(tzinfo=LONDON) for day in ("2026-02-01", "2026-03-01", "2026-04-01")}
    stays = [
        Stay("small", at["2026-02-01"], at["2026-04-01"]),
        Stay("start-up", at["2026-03-01"], at["2026-04-01"]),
    ]
    plan = replace(a_plan(ROLLING), favours=favours).of_member(at["2026-02-01"], stays)

    step = plan.step_for(Decimal(value), datetime.fromisoformat(day).replace(tzinfo=LONDON))

    assert step is not None
    assert step.id == tier.id


def test_segments_higher_threshold_takes_nothing_away() -> None:
    plan = replace(a_plan(ROLLING), favours={"large": {SILVER.id: Decimal(900)}})
    always = Stay("large", datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    at = datetime(2026, 6, 1, tzinfo=UTC)

    assert plan.of_member(at, [always]).step_for(Decimal(100), at) == SILVER


def test_people_are_counted_once_over_all_months_of_a_window() -> None:
    people = People()
    for text, person, count in [("2026-01", 7, 2), ("2026-02", 7, 1), ("2026-02", 8, 1), ("2026-05", 9, 1)]:
        people.add(month(text), person, count)
    plan = a_plan(ROLLING, months=3)

    assert plan.value(people, month("2026-03")) == 2
    assert [people[month(text)] for text in ("2026-01", "2026-02")] == [1, 2]
    assert plan.value(people, month("2026-05")) == 1
    people.add(month("2026-02"), 8, -1)
    assert plan.value(people, month("2026-03")) == 1
    people.add(month("2026-01"), 7, -2)
    assert plan.value(people, month("2026-03")) == 1


def test_month_of_a_moment_in_an_hour_that_comes_twice_is_one_month() -> None:
    first = datetime(2026, 10, 25, 1, 30, tzinfo=LONDON)
    second = first.replace(fold=1)

    assert month_of(first, LONDON) == month_of(second, LONDON) == month("2026-10")
