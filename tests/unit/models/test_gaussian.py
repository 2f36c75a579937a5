"""The default detector in numpy against River's own objects."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import anomaly

from models.detectors import UnreadableState
from models.detectors.gaussian import GaussianFleet


def river_scores(models, rows, values):
    scores = []
    for row, value in zip(rows.tolist(), values.tolist(), strict=True):
        scores.append(models[row].score_one(None, value))
        models[row].learn_one(None, value)
    return np.array(scores, float)


def test_scores_equal_those_of_rivers_own_loop():
    rng = np.random.default_rng(3)
    fleet, models, n_series = GaussianFleet(), [anomaly.GaussianScorer() for _ in range(6)], 6
    fleet.grow(n_series)
    for n_batch in range(80):
        # every third batch is of two series only: many readings of one series in one batch
        rows = rng.integers(0, n_series if n_batch % 3 else 2, rng.integers(0, 130))
        values = rng.normal(20, 2, len(rows)) + 30 * (rng.random(len(rows)) < 0.01)
        values[rows == 3] = 5.1
        np.testing.assert_array_equal(fleet.step(rows, values), river_scores(models, rows, values))
        if n_batch == 40:
            state, fleet = fleet.snapshot(), GaussianFleet()
            fleet.restore(state)
    assert all(model.gaussian.n_samples > 400 for model in models)


LARGE = float(np.finfo(np.float64).max)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(
        st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.0, 0.1, 1.0, 5e-324, LARGE, -LARGE]), min_size=6, max_size=40
    ),
    ends=st.lists(st.integers(0, 40), max_size=6),
)
def test_any_values_in_any_cuts_score_as_in_river(values, ends):
    values = np.array(values)
    fleet, zeros = GaussianFleet(grace_period=3), np.zeros(len(values), np.int64)
    fleet.grow(1)
    parts = np.split(values, sorted(end for end in ends if end <= len(values)))
    scores = np.concatenate([fleet.step(zeros[: len(each)], each) for each in parts])
    np.testing.assert_array_equal(scores, river_scores([anomaly.GaussianScorer(grace_period=3)], zeros, values))


def test_a_series_takes_at_most_30_bytes_of_memory():
    n_series = 10_000
    tracemalloc.start()
    fleet = GaussianFleet()
    fleet.grow(n_series)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / n_series <= 30


def test_state_of_another_grace_period_is_refused():
    with pytest.raises(UnreadableState, match="state is of parameters"):
        GaussianFleet(grace_period=50).restore(GaussianFleet().snapshot())
