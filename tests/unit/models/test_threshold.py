"""The adaptive threshold judges a score by those before it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detectors.surprise import score_at, surprise_of
from models.detectors.threshold import UNREACHABLE, AdaptiveThreshold


def judge(scores, **settings):
    threshold = AdaptiveThreshold(**{"bounded": False, "warm_up": 20, "n_deviations": 4.0, **settings})
    threshold.grow(1)
    return threshold.judge(np.zeros(len(scores), np.int64), np.array(scores, float))


def usual(n):
    return np.random.default_rng(1).normal(1.0, 0.1, n)


def test_a_score_far_above_the_usual_is_flagged_and_no_other():
    _, flagged = judge([*usual(200), 3.0, *usual(50)], n_deviations=5.0)
    assert np.flatnonzero(flagged).tolist() == [200]


def test_the_threshold_of_a_reading_does_not_know_its_score():
    calm, wild = judge([*usual(100), 1.0])[0], judge([*usual(100), 99.0])[0]
    assert calm[-1] == wild[-1]


def test_nothing_is_flagged_before_the_warm_up_is_over():
    thresholds, flagged = judge([*usual(19), 50.0, 1e9])
    assert not flagged[:20].any()
    assert (thresholds[:20] == UNREACHABLE).all()
    assert flagged[20]


def test_scores_of_the_grace_period_are_not_learned():
    after_grace = judge([*usual(100)])[0][-1]
    assert judge([*np.zeros(50), *usual(100)], grace=50)[0][-1] == after_grace


def test_a_wild_score_does_not_blind_the_series():
    _, flagged = judge([*usual(200), 1e12, 3.0])
    assert flagged[-2:].all()


def test_a_level_that_changed_for_good_is_accepted():
    _, flagged = judge([*usual(600), *(usual(600) + 2.0)])
    assert flagged[600]
    assert not flagged[-100:].any()


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_neither_flagged_nor_learned(score):
    thresholds, flagged = judge([*usual(100), score, 1.0])
    assert not flagged[100]
    assert thresholds[101] == thresholds[100]


def test_a_score_that_never_moved_is_not_flagged_for_a_rounding_error():
    _, flagged = judge([*np.full(300, 0.3), 0.3 + 1e-9])
    assert not flagged.any()


def test_the_threshold_of_bounded_scores_stays_below_their_end():
    thresholds, flagged = judge([*np.random.default_rng(1).random(400), 1.0 - 1e-12], bounded=True)
    assert (thresholds[20:] < 1.0).all()
    assert flagged[-1]


@given(st.floats(0.0, 1.0 - 2.0**-53))
def test_surprise_can_be_taken_back(score):
    assert score_at(surprise_of(np.array([score])))[0] == pytest.approx(score, abs=1e-15)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_surprise_rises_with_the_score(one, other):
    low, high = sorted((one, other))
    assert surprise_of(np.array([low]))[0] <= surprise_of(np.array([high]))[0]


@given(st.lists(st.sampled_from([0.5, 1.0, 1.1, 9.0, np.nan]), max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_cuts_change_no_threshold(scores, ends):
    threshold, rows = AdaptiveThreshold(bounded=False, warm_up=5), np.zeros(len(scores), np.int64)
    threshold.grow(1)
    parts = np.split(np.array(scores, float), sorted(end for end in ends if end <= len(scores)))
    judged = [threshold.judge(rows[: len(each)], each)[0] for each in parts]
    np.testing.assert_array_equal(np.concatenate(judged), judge(scores, warm_up=5, n_deviations=5.0)[0])
