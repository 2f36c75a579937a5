"""The interval of an experiment may be looked at after each user: errors stay what was promised."""

import math
from itertools import pairwise

import numpy as np
import pytest

from models.experiments.confidence_sequence import BEGINS_WITH, SEEN_IN_EACH, ConfidenceSequence, intervals

TIMES, USERS = 150, 1500


def simulated(rates, share, seed, users=USERS):
    draw = np.random.default_rng(seed)
    treated = draw.random(users) < share
    return list(
        zip(treated.tolist(), (draw.random(users) < np.where(treated, rates[1], rates[0])).tolist(), strict=True)
    )


@pytest.mark.parametrize(("rate", "share"), [(0.05, 0.5), (0.3, 0.5), (0.3, 0.2)])
def test_who_looks_after_each_user_is_wrong_in_5_percent_at_most(rate, share):
    wrong = sum(
        any(each.decides for each in intervals(simulated((rate, rate), share, seed), share)) for seed in range(TIMES)
    )
    # At most 5 % of 150 are 7.5; 14 and more of them have a probability of 2 % at exactly 5 %.
    assert wrong < 14


def test_a_t_test_under_the_same_looks_would_be_wrong_far_more_often():
    """What the sequence is for: without it the test above fails."""

    def ever_significant(seed):
        treated, outcome = map(np.array, zip(*simulated((0.3, 0.3), 0.5, seed), strict=True))
        n1, n0 = np.cumsum(treated), np.cumsum(~treated)
        with np.errstate(invalid="ignore", divide="ignore"):
            p1, p0 = np.cumsum(outcome * treated) / n1, np.cumsum(outcome * ~treated) / n0
            z = np.abs(p1 - p0) / np.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
        return (z[BEGINS_WITH:] > 1.96).any()

    assert sum(map(ever_significant, range(TIMES))) > 0.15 * TIMES


def test_a_true_difference_is_found_and_stays_inside():
    found = [intervals(simulated((0.1, 0.2), 0.5, seed), 0.5) for seed in range(40)]
    assert sum(any(each.low > 0 for each in curve) for curve in found) >= 36
    assert sum(all(each.low <= 0.1 <= each.high for each in curve) for curve in found) >= 36


def test_intervals_only_get_narrower():
    curve = intervals(simulated((0.3, 0.35), 0.5, 1), 0.5)
    assert all(a.low <= b.low and b.high <= a.high for a, b in pairwise(curve))


def test_nothing_is_said_before_there_is_something_to_say():
    sequence = ConfidenceSequence(0.5)
    for number in range(10 * BEGINS_WITH):
        sequence.take(number % 2 == 0, float(number % 2 == 0 and number < 4))
    assert sequence.interval.low == -math.inf
    assert not sequence.interval.decides
    for number in range(4 * SEEN_IN_EACH):
        sequence.take(number % 2 == 0, 1.0)
    assert math.isfinite(sequence.interval.low)


@pytest.mark.parametrize(("share", "alpha"), [(0, 0.05), (1, 0.05), (0.5, 0), (0.5, 1)])
def test_shares_and_errors_lie_between_0_and_1(share, alpha):
    with pytest.raises(ValueError, match="between 0 and 1"):
        ConfidenceSequence(share, alpha)
