"""Half-space trees in numpy against River's own objects."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import anomaly, compose, preprocessing

from models.detectors import UnreadableState, detector
from models.detectors.half_space_trees import HalfSpaceTreesFleet


def river_model(window_size=250):
    trees = anomaly.HalfSpaceTrees(n_trees=10, height=8, window_size=window_size, seed=42)
    return compose.Pipeline(preprocessing.MinMaxScaler(), trees)


def river_scores(models, rows, values):
    scores = []
    for row, value in zip(rows.tolist(), values.tolist(), strict=True):
        scores.append(models[row].score_one({"value": value}))
        models[row].learn_one({"value": value})
    return np.array(scores, float)


@pytest.mark.filterwarnings("ignore:invalid value encountered")  # River scales the very first reading by inf - inf
@pytest.mark.parametrize("name", ["half-space-trees", "river-half-space-trees"])
def test_scores_equal_those_of_rivers_own_loop(name):
    rng = np.random.default_rng(3)
    fleet, models, n_series = detector(name).make_fleet(), [river_model() for _ in range(6)], 6
    fleet.grow(n_series)
    n_scored = 0
    for n_batch in range(60):
        # every third batch is of two series only: many readings of one series in one batch
        rows = rng.integers(0, n_series if n_batch % 3 else 2, rng.integers(0, 130))
        values = rng.normal(20, 2, len(rows)) + 30 * (rng.random(len(rows)) < 0.01)
        values[rows == 3] = 5.0
        expected = river_scores(models, rows, values)
        np.testing.assert_array_equal(fleet.step(rows, values), expected)
        n_scored += np.count_nonzero(expected)
        if n_batch == 30:
            fleet = restored(name, fleet.snapshot())
    assert n_scored > 1000


def restored(name, state):
    fleet = detector(name).make_fleet()
    fleet.restore(state)
    return fleet


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.0, 1.0, 5e-324]), min_size=12, max_size=40),
    ends=st.lists(st.integers(0, 40), max_size=6),
)
def test_any_values_in_any_cuts_score_as_in_river(values, ends):
    values = np.array(values)
    fleet, zeros = HalfSpaceTreesFleet(window_size=5), np.zeros(len(values), np.int64)
    fleet.grow(1)
    parts = np.split(values, sorted(end for end in ends if end <= len(values)))
    scores = np.concatenate([fleet.step(zeros[: len(each)], each) for each in parts])
    np.testing.assert_array_equal(scores, river_scores([river_model(5)], zeros, values))


def test_a_series_takes_at_most_12_kb_of_memory():
    n_series = 500
    HalfSpaceTreesFleet()  # the trees' shape is shared by every fleet of the process
    tracemalloc.start()
    fleet = HalfSpaceTreesFleet()
    fleet.grow(n_series)
    fleet.step(np.tile(np.arange(n_series), 2), np.linspace(0, 1, 2 * n_series))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(fleet) == n_series
    assert taken / n_series <= 12_000


def test_a_frozen_series_takes_at_most_a_kilobyte():
    fleet = HalfSpaceTreesFleet()
    fleet.grow(128)
    for values in np.random.default_rng(1).normal(20, 2, (600, 128)):
        fleet.learn(np.arange(128), values)
    assert len(fleet.snapshot()) / 128 <= 1000


def test_state_of_other_trees_is_refused():
    with pytest.raises(UnreadableState, match="state is of trees"):
        HalfSpaceTreesFleet(window_size=100).restore(HalfSpaceTreesFleet().snapshot())
