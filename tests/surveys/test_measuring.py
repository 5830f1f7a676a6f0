"""Scores against values worked out by hand."""

import pytest

from surveys.measuring import Camps, camps, csat, mean, nps


def test_camps_are_parted_at_seven_and_nine() -> None:
    one_of_each = dict.fromkeys(range(11), 1)

    assert camps(one_of_each) == Camps(promoters=2, passives=2, detractors=7)


def test_nps_and_its_interval_are_those_of_a_calculation_by_hand() -> None:
    # 19 promoters, 8 passives, 9 detractors: n = 36, score = 100 x 10 / 36 = 27.78.
    # n' = 39, p = 19.75 / 39 = 0.506410, d = 9.75 / 39 = 0.25, p - d = 0.256410,
    # variance = 0.756410 - 0.065746 = 0.690664, standard error = sqrt(0.690664 / 39) = 0.133077,
    # reach = 1.959964 x 0.133077 = 0.260826: from -0.44 to 51.72.
    score = nps({10: 19, 8: 8, 3: 9})

    assert score is not None
    assert score.n == 36
    assert score.value == pytest.approx(27.7778, abs=0.0001)
    assert score.low == pytest.approx(-0.4416, abs=0.001)
    assert score.high == pytest.approx(51.7236, abs=0.001)


def test_interval_of_nothing_but_promoters_is_open_below_and_cut_above() -> None:
    # n' = 13, p = 10.75 / 13 = 0.826923, d = 0.75 / 13 = 0.057692, p - d = 0.769231,
    # variance = 0.884615 - 0.591716 = 0.292899, reach = 1.959964 x sqrt(0.022531) = 0.294195: 47.50 to 106.34, cut.
    score = nps({9: 10})

    assert score is not None
    assert score.value == 100
    assert score.low == pytest.approx(47.5036, abs=0.001)
    assert score.high == 100


@pytest.mark.parametrize(("count", "is_scored"), [(0, False), (4, False), (5, True)])
def test_few_answers_have_no_score(count: int, is_scored: bool) -> None:
    assert (nps({10: count}) is not None) is is_scored
    assert (csat({5: count}, high=5) is not None) is is_scored


def test_csat_is_the_share_of_the_two_highest_with_its_interval() -> None:
    # 8 of 10: z² = 3.841459, n' = 13.841459, p = (8 + 1.920730) / 13.841459 = 0.716740,
    # reach = 1.959964 x sqrt(0.716740 x 0.283260 / 13.841459) = 0.237373: from 47.94 to 95.41.
    score = csat({5: 5, 4: 3, 1: 2}, high=5)

    assert score is not None
    assert (score.value, score.n) == (80, 10)
    assert score.low == pytest.approx(47.937, abs=0.01)
    assert score.high == pytest.approx(95.411, abs=0.01)


def test_mean_counts_every_answer() -> None:
    assert mean({0: 1, 10: 3}) == 7.5
    assert mean({0: 0}) is None
