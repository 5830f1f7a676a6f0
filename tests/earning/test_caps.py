"""Limits: where their periods start, and how they cut."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.wording import PLAIN
from loyalty.earning import Cap, CapSubject, Period, cap_sentence, cut, period_start


@pytest.mark.parametrize(
    ("period", "day", "start"),
    [
        (Period.DAY, date(2026, 6, 15), date(2026, 6, 15)),
        (Period.WEEK, date(2026, 6, 15), date(2026, 6, 15)),
        (Period.WEEK, date(2026, 6, 21), date(2026, 6, 15)),
        (Period.WEEK, date(2026, 6, 22), date(2026, 6, 22)),
        (Period.WEEK, date(2027, 1, 1), date(2026, 12, 28)),
        (Period.WEEK, date(2024, 3, 3), date(2024, 2, 26)),
        (Period.MONTH, date(2024, 2, 29), date(2024, 2, 1)),
        (Period.MONTH, date(2026, 12, 31), date(2026, 12, 1)),
        (Period.QUARTER, date(2026, 1, 1), date(2026, 1, 1)),
        (Period.QUARTER, date(2026, 3, 31), date(2026, 1, 1)),
        (Period.QUARTER, date(2026, 4, 1), date(2026, 4, 1)),
        (Period.QUARTER, date(2026, 9, 30), date(2026, 7, 1)),
        (Period.QUARTER, date(2026, 12, 31), date(2026, 10, 1)),
        (Period.YEAR, date(2026, 1, 1), date(2026, 1, 1)),
        (Period.YEAR, date(2026, 12, 31), date(2026, 1, 1)),
        (Period.EVER, date(2026, 6, 15), date.min),
    ],
)
def test_period_starts_on_its_first_day(period: Period, day: date, start: date) -> None:
    assert period_start(period, day) == start


@given(period=st.sampled_from([*Period]), day=st.dates(min_value=date(1970, 1, 1), max_value=date(2200, 1, 1)))
def test_day_lies_in_the_period_that_starts_before_it(period: Period, day: date) -> None:
    start = period_start(period, day)

    assert start <= day
    assert period_start(period, start) == start
    before = period_start(period, day - timedelta(days=1))
    assert before == start or start == day


@pytest.mark.parametrize(
    ("points", "left", "passes"),
    [(60, [], 60), (60, [100], 60), (60, [60], 60), (60, [100, 40], 40), (60, [0, 40], 0), (60, [-5], 0), (0, [9], 0)],
)
def test_points_are_cut_to_what_the_tightest_limit_has_left(points: int, left: Sequence[int], passes: int) -> None:
    assert cut(points, left) == passes


@given(points=st.lists(st.integers(0, 1_000), max_size=20), limit=st.integers(0, 2_000))
def test_limit_lets_through_the_same_sum_however_points_arrive(points: list[int], limit: int) -> None:
    passed: list[int] = []
    for each in points:
        passed.append(cut(each, [limit - sum(passed)]))

    assert sum(passed) == min(limit, sum(points))


@pytest.mark.parametrize(
    ("cap", "sentence"),
    [
        (Cap(CapSubject.COMPANY, Period.MONTH, 500), "at most 500 points a month per company"),
        (Cap(CapSubject.EMPLOYEE, Period.DAY, 1500), "at most 1,500 points a day per person"),
        (Cap(CapSubject.PROGRAM, Period.EVER, 9), "at most 9 points in all for all companies together"),
        (Cap(CapSubject.PROGRAM, Period.QUARTER, 9), "at most 9 points a quarter for all companies together"),
    ],
)
def test_limit_reads_as_a_sentence(cap: Cap, sentence: str) -> None:
    assert cap_sentence(cap, PLAIN) == sentence
