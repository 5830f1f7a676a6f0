"""Benefits as calculations: what changes between versions, what is more generous, how long a tier holds."""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from loyalty.benefits import PlainCell, difference
from loyalty.benefits.ahead import Fall, fall_of, next_turn
from loyalty.benefits.words import generosity, left_in_words, next_start, times
from loyalty.earning import Period
from loyalty.models import Program
from loyalty.standing import TierPlan
from loyalty.standing.windows import TierStep

ROLES = {0: "", 1: "accountant", 2: "owner"}
SEGMENTS = {0: "", 7: "Key accounts"}
BENEFITS = {1: "Tax seminar", 2: "Direct line"}
TIERS = {1: "Silver", 2: "Gold"}


def cell(
    rank: int, role: int, benefit: int, quota: int | None = None, period: Period = Period.YEAR, segment: int = 0
) -> PlainCell:
    """A cell with the words of its numbers."""
    return PlainCell(
        (rank, role, segment, benefit),
        TIERS[rank],
        ROLES[role],
        SEGMENTS[segment],
        BENEFITS[benefit],
        quota,
        period,
    )


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        ([], [], []),
        ([cell(2, 1, 1, 2)], [cell(2, 1, 1, 2)], []),
        ([], [cell(2, 1, 1, 2)], ["Gold, accountant: “Tax seminar” is new, 2 a year."]),
        ([], [cell(1, 0, 2)], ["Silver, the company: “Direct line” is new, as often as wanted."]),
        ([cell(2, 1, 1, 2)], [], ["Gold, accountant: “Tax seminar” is no longer given."]),
        (
            [cell(2, 1, 1, 2)],
            [cell(2, 1, 1, 4)],
            ["Gold, accountant: “Tax seminar” from 2 a year to 4 a year."],
        ),
        (
            [cell(2, 1, 1, 2)],
            [cell(2, 1, 1, 2, Period.MONTH)],
            ["Gold, accountant: “Tax seminar” from 2 a year to 2 a month."],
        ),
        (
            [cell(2, 1, 1, 2)],
            [cell(2, 1, 1)],
            ["Gold, accountant: “Tax seminar” from 2 a year to as often as wanted."],
        ),
        (  # where anything goes, the period says nothing
            [cell(2, 1, 1, None, Period.YEAR)],
            [cell(2, 1, 1, None, Period.MONTH)],
            [],
        ),
        (  # a segment's cell is another cell than the general one
            [cell(2, 1, 1, 2)],
            [cell(2, 1, 1, 2), cell(2, 1, 1, 4, segment=7), cell(2, 0, 2, segment=7)],
            [
                "Gold, the company, Key accounts: “Direct line” is new, as often as wanted.",
                "Gold, accountant, Key accounts: “Tax seminar” is new, 4 a year.",
            ],
        ),
        (  # in the order of the matrix: tiers down, roles across
            [cell(2, 2, 2)],
            [cell(2, 1, 1, 1, Period.EVER), cell(1, 2, 1, 3, Period.QUARTER)],
            [
                "Silver, owner: “Tax seminar” is new, 3 a quarter.",
                "Gold, accountant: “Tax seminar” is new, 1 in all.",
                "Gold, owner: “Direct line” is no longer given.",
            ],
        ),
    ],
)
def test_difference_says_every_change_and_nothing_else(
    old: list[PlainCell], new: list[PlainCell], sentences: list[str]
) -> None:
    assert difference(old, new) == sentences


def test_quotas_stand_in_order_of_what_they_let_through() -> None:
    quotas: list[tuple[int | None, Period]] = [
        (9, Period.EVER),
        (1, Period.YEAR),
        (3, Period.YEAR),
        (1, Period.QUARTER),
        (11, Period.YEAR),
        (1, Period.MONTH),
        (1, Period.WEEK),
        (1, Period.DAY),
        (None, Period.EVER),
    ]

    shuffled = [*quotas[4:], *quotas[:4]]

    assert sorted(shuffled, key=lambda quota: generosity(*quota)) == quotas


@pytest.mark.parametrize(
    ("period", "day", "following"),
    [
        (Period.DAY, date(2026, 12, 31), date(2027, 1, 1)),
        (Period.WEEK, date(2026, 6, 17), date(2026, 6, 22)),
        (Period.MONTH, date(2026, 2, 1), date(2026, 3, 1)),
        (Period.QUARTER, date(2026, 11, 30), date(2027, 1, 1)),
        (Period.YEAR, date(2026, 1, 1), date(2027, 1, 1)),
        (Period.EVER, date(2026, 1, 1), None),
    ],
)
def test_quota_starts_again_with_the_next_period(period: Period, day: date, following: date | None) -> None:
    assert next_start(period, day) == following


def test_quotas_are_said_in_words() -> None:
    assert [times(quota, period) for quota, period in ((1, Period.DAY), (2, Period.WEEK), (None, Period.YEAR))] == [
        "1 a day", "2 a week", "as often as wanted",
    ]  # fmt: skip
    assert [left_in_words(2, 4, period) for period in (Period.YEAR, Period.QUARTER, Period.EVER)] == [
        "2 of 4 left this year", "2 of 4 left this quarter", "2 of 4 left",
    ]  # fmt: skip


BASIC = TierStep(1, "basic", "Basic", 1, Decimal(0))
SILVER = TierStep(2, "silver", "Silver", 2, Decimal(500))
GOLD = TierStep(3, "gold", "Gold", 3, Decimal(1000))


def plan(window: str, months: int = 12) -> TierPlan:
    """Three tiers over a window."""
    return TierPlan(1, ZoneInfo("Europe/London"), "spend", window, months, (BASIC, SILVER, GOLD))


def month(year: int, number: int) -> int:
    """A month as a whole number."""
    return year * 12 + number - 1


ROLLING, YEAR = Program.Window.ROLLING, Program.Window.CALENDAR_YEAR
NOW = month(2026, 6)


@pytest.mark.parametrize(
    ("tier_plan", "step", "counted", "fall"),
    [
        # the lowest tier asks nothing, so it holds
        (plan(ROLLING), BASIC, {}, None),
        # what was bought last June counts until May, and is gone in June
        (
            plan(ROLLING),
            SILVER,
            {month(2025, 7): 600},
            Fall(month(2026, 7), BASIC, Decimal(0), Decimal(500)),
        ),
        # this month's counts eleven months more
        (plan(ROLLING), GOLD, {NOW: 1000}, Fall(month(2027, 6), BASIC, Decimal(0), Decimal(1000))),
        # the first part of it goes, the rest is Silver
        (
            plan(ROLLING),
            GOLD,
            {month(2025, 9): 400, month(2026, 1): 700},
            Fall(month(2026, 9), SILVER, Decimal(700), Decimal(300)),
        ),
        # a window of one month turns at its end
        (plan(ROLLING, 1), SILVER, {NOW: 900}, Fall(month(2026, 7), BASIC, Decimal(0), Decimal(500))),
        # reached this year: safe to the end of the next one
        (plan(YEAR), GOLD, {NOW: 1200}, Fall(month(2028, 1), BASIC, Decimal(0), Decimal(1000))),
        # reached last year, and not yet again
        (
            plan(YEAR),
            GOLD,
            {month(2025, 3): 1200, NOW: 650},
            Fall(month(2027, 1), SILVER, Decimal(650), Decimal(350)),
        ),
    ],
)
def test_tier_holds_until_its_window_no_longer_supports_it(
    tier_plan: TierPlan, step: TierStep, counted: dict[int, int], fall: Fall | None
) -> None:
    buckets = {number: Decimal(value) for number, value in counted.items()}

    assert fall_of(tier_plan, step, buckets, month=NOW) == fall


def test_last_day_of_a_tier_is_the_day_before_the_turn() -> None:
    assert Fall(month(2027, 1), None, Decimal(0), Decimal(1)).last_day == date(2026, 12, 31)
    assert Fall(month(2026, 3), None, Decimal(0), Decimal(1)).last_day == date(2026, 2, 28)


def test_windows_turn_with_the_month_or_the_year() -> None:
    assert next_turn(plan(ROLLING), month(2026, 12)) == month(2027, 1)
    assert next_turn(plan(YEAR), month(2026, 12)) == month(2027, 1)
    assert next_turn(plan(YEAR), month(2026, 1)) == month(2027, 1)
