"""Probabilities that come true, and the threshold that costs least."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.calibration import Calibration
from models.churn.costs import Costs, cheapest_threshold


def test_overconfident_margins_are_drawn_back():
    rng = np.random.default_rng(5)
    true = rng.normal(size=20_000)
    labels = (rng.random(20_000) < 1 / (1 + np.exp(-true))).astype(int)
    calibration = Calibration.fit(3 * true + 1, labels)
    assert calibration.slope == pytest.approx(1 / 3, abs=0.02)
    assert calibration.intercept == pytest.approx(-1 / 3, abs=0.05)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e3])
def test_margins_of_any_scale_give_the_same_probabilities(scale):
    rng = np.random.default_rng(5)
    true = rng.normal(size=2000)
    labels = (rng.random(2000) < 1 / (1 + np.exp(-true))).astype(int)
    expected = Calibration.fit(true, labels).probabilities(true)
    scaled = scale * true - 3
    assert Calibration.fit(scaled, labels).probabilities(scaled) == pytest.approx(expected, abs=1e-6)


def test_margins_that_are_all_alike_give_the_rate_of_all():
    labels = np.array([1] * 30 + [0] * 70)
    assert Calibration.fit(np.full(100, 2.0), labels).probabilities(np.array([2.0])) == pytest.approx(0.3, abs=1e-6)


def test_margins_that_point_the_wrong_way_become_the_rate_of_all():
    labels = np.array([1] * 30 + [0] * 70)
    calibration = Calibration.fit(-labels.astype(float), labels)
    assert calibration.probabilities(np.array([-5.0, 5.0])).tolist() == pytest.approx([0.3, 0.3])


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.35, 0.6, 0.9]), st.booleans()), min_size=1, max_size=30),
    st.sampled_from([0.2, 1.0, 5.0]),
)
def test_no_other_threshold_costs_less(rows, miss):
    probabilities = np.array([probability for probability, _ in rows])
    labels = np.array([int(left) for _, left in rows])
    costs = Costs(miss=miss)
    chosen = costs.of(labels, (probabilities >= cheapest_threshold(probabilities, labels, costs)).astype(int))
    others = [costs.of(labels, (probabilities >= other).astype(int)) for other in np.arange(0, 1.01, 0.05)]
    assert chosen <= min(others) + 1e-9


def test_a_dearer_miss_lowers_the_threshold():
    rng = np.random.default_rng(5)
    probabilities = rng.random(5000)
    labels = (rng.random(5000) < probabilities).astype(int)
    cheap, dear = (cheapest_threshold(probabilities, labels, Costs(miss=miss)) for miss in (1, 9))
    assert cheap == pytest.approx(0.5, abs=0.1)
    assert dear == pytest.approx(0.1, abs=0.07)
