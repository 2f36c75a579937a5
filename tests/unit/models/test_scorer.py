"""The scorer as one value: cuts, memory of series, and what it says of an outlier."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.detectors import NO_EPISODE, Batch, Scorer
from schemas.anomaly_kind import AnomalyKind
from tests.unit.models.series_batches import cut, readings, said_of_all

BATCH = readings(3000, n_series=3)
WHOLE = said_of_all(Scorer("half-space-trees", alerts_per_week=100), [BATCH])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(BATCH)), max_size=25))
def test_any_cuts_give_the_same_scores_thresholds_and_episodes(ends):
    assert said_of_all(Scorer("half-space-trees", alerts_per_week=100), cut(BATCH, ends)) == WHOLE


def test_the_readings_of_these_tests_do_raise_alarms():
    assert sum(said[2] for said in WHOLE.values()) >= 1


def test_learning_leaves_the_very_bytes_that_scoring_leaves():
    scored, learned = Scorer("half-space-trees", alerts_per_week=100), Scorer("half-space-trees", alerts_per_week=100)
    for batch in cut(BATCH, range(100, 3000, 100)):
        scored.step(batch)
        learned.learn(batch)
    assert scored.snapshot() == learned.snapshot()


def test_an_outlier_opens_an_episode_that_bears_its_event_time():
    n = 800
    values = np.random.default_rng(1).normal(20, 2, n)
    values[700:703] = 90.0
    zeros, keys = np.zeros(n, np.int64), [("pump", "pressure")] * n
    times = np.arange(n) * 300_000
    scored = Scorer("novelty").step(Batch(keys, times, values, zeros, np.arange(n), zeros))
    assert scored.is_anomaly.tolist() == (scored.episodes != NO_EPISODE).tolist()
    (alert,) = np.flatnonzero((scored.episodes == times) & (times >= times[600]))
    assert alert == 700
    assert set(scored.episodes[700:706].tolist()) == {times[700]}
    assert scored.episodes[740] == NO_EPISODE
    assert set(scored.kinds[scored.is_anomaly].tolist()) <= set(AnomalyKind) - {AnomalyKind.NONE}
    assert not scored.kinds[~scored.is_anomaly].any()


def test_columns_may_be_plain_lists():
    scored = Scorer("gaussian").step(Batch([("a", "b"), ("a", "b")], [1, 2], [0.5, 0.6], [0, 0], [4, 3], [0, 0]))
    assert scored.index.tolist() == [1, 0]


def test_all_series_are_known_after_a_restore():
    scorer, restored = Scorer("gaussian"), Scorer("gaussian")
    scorer.step(readings(100, n_series=4))
    restored.restore(scorer.snapshot())
    assert len(restored) == 4
