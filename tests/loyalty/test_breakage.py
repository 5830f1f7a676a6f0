"""What is expected to expire: by what became of past months' points at the same age."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from loyalty.breakage import Expected, Went, forecast

NOW = date(2026, 11, 1)


def month(number: int) -> date:
    """The first day of a month, so many months before NOW where negative."""
    year, index = divmod(NOW.year * 12 + NOW.month - 1 + number, 12)
    return date(year, index + 1, 1)


def a_past(*, lost: int = 250, used_early: int = 500, used_late: int = 250, cohorts: int = 4) -> list[Went]:
    """Past months of 1,000 points each: some used at once, some after half a year, the rest lost after a year."""
    rows = []
    for number in range(cohorts):
        cohort = month(-20 - number)
        rows += [
            Went(cohort, cohort, used_early, 0),
            Went(cohort, month(-14 - number), used_late, 0),
            Went(cohort, month(-7 - number), 0, lost),
        ]
    return rows


def test_share_is_that_of_the_same_age() -> None:
    found = forecast({month(0): 1_000, month(-3): 1_000, month(-8): 1_000}, a_past(), month=NOW)

    assert found.cohorts == (
        Expected(month(-8), 1_000, 1.0, 1_000),
        Expected(month(-3), 1_000, 0.5, 500),
        Expected(month(0), 1_000, 0.25, 250),
    )
    assert (found.points, found.unknown, found.is_known) == (1_750, 0, True)


def test_too_little_history_says_nothing() -> None:
    few_months = forecast({month(0): 80}, a_past(cohorts=2), month=NOW)
    few_points = forecast({month(0): 80}, a_past(lost=1, used_early=1, used_late=1), month=NOW)
    nothing_expired = forecast({month(0): 80}, a_past(lost=0), month=NOW)
    nothing = forecast({month(0): 80}, [], month=NOW)

    for found in (few_months, few_points, nothing_expired, nothing):
        assert found.cohorts == (Expected(month(0), 80, None, None),)
        assert (found.points, found.unknown, found.is_known) == (0, 80, False)


def test_month_that_is_still_open_or_young_is_no_past() -> None:
    past = a_past(cohorts=3)
    young = [Went(month(-2), month(-1), 10_000, 0)]

    still_open = forecast({month(0): 100, past[0].cohort: 1}, past, month=NOW)
    without_young = forecast({month(0): 100}, past, month=NOW)

    assert still_open.unknown == 101
    assert forecast({month(0): 100}, [*past, *young], month=NOW) == without_young
    assert without_young.points == 25


def test_nothing_outstanding_expects_nothing() -> None:
    assert forecast({}, a_past(), month=NOW).cohorts == ()


months = st.integers(-40, 0).map(month)
wents = st.builds(Went, months, months, st.integers(-5_000, 5_000), st.integers(0, 5_000))


@given(outstanding=st.dictionaries(months, st.integers(0, 10**15)), went=st.lists(wents, max_size=40))
def test_never_below_zero_nor_above_what_is_outstanding(outstanding: dict[date, int], went: list[Went]) -> None:
    found = forecast(outstanding, went, month=NOW)

    for one in found.cohorts:
        assert one.points is None or 0 <= one.points <= outstanding[one.cohort]
    assert found.points + found.unknown <= sum(outstanding.values())
