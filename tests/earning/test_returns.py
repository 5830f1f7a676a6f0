"""Returns: points kept are the share of what is left, rounded down; any split of a return takes the same."""

from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loyalty.earning import MAX_POINTS, points_to_budget, points_to_reverse


@pytest.mark.parametrize(
    ("granted", "already", "remaining", "original", "points"),
    [
        (10, 0, "66.6667", "100", 4),
        (10, 4, "66.6667", "100", 0),
        (10, 4, "0", "100", 6),
        (10, 10, "0", "100", 0),
        (1, 0, "99.9999", "100", 1),
        (0, 0, "0", "100", 0),
        (7, 0, "1", "1", 0),
        (7, 0, "0", "1", 7),
        (7, 0, "0", "0", 7),
        (7, 7, "0", "0", 0),
        (10, 8, "50", "100", 0),
    ],
)
def test_return_takes_back_what_the_kept_share_does_not_cover(
    granted: int, already: int, remaining: str, original: str, points: int
) -> None:
    taken = points_to_reverse(
        granted=granted, already_reversed=already, remaining=Decimal(remaining), original=Decimal(original)
    )

    assert taken == points


def test_long_numbers_are_not_rounded() -> None:
    amount = Decimal("999999999999.9999")

    taken = points_to_reverse(granted=MAX_POINTS - 1, already_reversed=0, remaining=amount, original=amount)

    assert taken == 0


@given(
    granted=st.integers(0, MAX_POINTS),
    parts=st.lists(st.decimals(0, 10**9, places=4), min_size=1, max_size=8),
    kept=st.decimals(0, 10**9, places=4),
)
def test_any_split_of_a_return_takes_the_same_in_all(granted: int, parts: list[Decimal], kept: Decimal) -> None:
    original = sum(parts, kept)
    assume(original)

    reversed_ = 0
    for returned in accumulate(parts):
        reversed_ += points_to_reverse(
            granted=granted, already_reversed=reversed_, remaining=original - returned, original=original
        )
        assert 0 <= reversed_ <= granted

    at_once = points_to_reverse(granted=granted, already_reversed=0, remaining=kept, original=original)
    assert reversed_ == at_once
    assert kept or reversed_ == granted


@pytest.mark.parametrize(
    ("from_campaign", "granted", "before", "after", "points"),
    [
        (50, 100, 0, 100, 50),
        (50, 100, 0, 1, 0),
        (50, 100, 1, 2, 1),
        (50, 100, 2, 2, 0),
        (50, 100, 99, 100, 1),
        (100, 300, 0, 200, 66),
        (100, 300, 200, 300, 34),
        (0, 300, 0, 300, 0),
        (7, 0, 0, 0, 0),
        (1, 1, 0, 1, 1),
    ],
)
def test_budget_gets_back_the_share_that_the_campaign_added(
    from_campaign: int, granted: int, before: int, after: int, points: int
) -> None:
    freed = points_to_budget(from_campaign=from_campaign, granted=granted, reversed_before=before, reversed_after=after)

    assert freed == points
