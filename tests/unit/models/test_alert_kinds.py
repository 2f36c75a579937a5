"""Kinds of alerts: which fault is said to be which, one alert for each, and what is stuck."""

from collections import Counter
from functools import cache

import numpy as np
import pytest

from bench.alert_kinds import alerts_of
from bench.planted_faults import BASES
from models.detectors import NO_EPISODE, Batch, Scorer
from schemas.anomaly_kind import AnomalyKind

SEEDS = range(4)


SOON = {AnomalyKind.SPIKE: 2, AnomalyKind.LEVEL: 60, AnomalyKind.VARIANCE: 100, AnomalyKind.DRIFT: 300}
"""Readings. A change may come in the rest behind a false alert."""


@cache
def alerts_of_all(fault):
    return [alerts_of(base, fault, seed) for base in BASES for seed in SEEDS]


@pytest.mark.parametrize("fault", SOON)
def test_a_fault_is_found_soon(fault):
    first = [alerts[0][0] for alerts in alerts_of_all(fault) if alerts]
    assert len(first) == len(BASES) * len(SEEDS)
    assert max(first) <= SOON[fault]


def test_most_spikes_are_said_to_be_spikes():
    first = Counter(alerts[0][1] for alerts in alerts_of_all(AnomalyKind.SPIKE))
    assert first[AnomalyKind.SPIKE] >= 10


def test_a_lasting_change_of_level_is_one_alert_nearly_always_and_then_learned():
    alerts = alerts_of_all(AnomalyKind.LEVEL)
    assert Counter(len(each) for each in alerts)[1] >= 8
    assert all(len(each) <= 3 for each in alerts)
    last = Counter(each[0][2] for each in alerts)
    assert last[AnomalyKind.LEVEL] >= 6
    behind = [place for each in alerts for place, *_ in each if place > 1000]
    assert len(behind) <= 3


def scored_alone(values, period_ms=300_000):
    n = len(values)
    times, zeros = np.arange(n) * period_ms, np.zeros(n, np.int64)
    return times, Scorer("novelty").step(Batch([("pump", "flow")] * n, times, values, zeros, np.arange(n), zeros))


def noisy(n, seed=1):
    return np.random.default_rng(seed).normal(20, 2, n)


def test_a_stuck_sensor_is_one_alert_of_kind_stuck_until_its_value_changes():
    values = noisy(6000)
    values[4000:5500] = values[4000]
    _, scored = scored_alone(values)
    episodes = np.unique(scored.episodes[4000:][scored.episodes[4000:] != NO_EPISODE])
    assert len(episodes) == 1
    flagged = np.flatnonzero(scored.episodes == episodes[0])
    assert 4000 < flagged[0] <= 4030
    assert flagged.tolist() == list(range(flagged[0], 5500))
    assert set(scored.kinds[flagged].tolist()) == {AnomalyKind.STUCK}
    assert scored.is_anomaly[flagged].all()
    assert (scored.episodes[5500:] == NO_EPISODE).all()


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_stuck_sensor_of_any_family_is_said_to_be_stuck(base, seed):
    first, *others = alerts_of(base, AnomalyKind.STUCK, seed)
    assert first[1:] == (AnomalyKind.STUCK, AnomalyKind.STUCK)
    assert first[0] <= 40
    assert len(others) <= 1


def test_a_switch_that_stays_for_far_longer_than_ever_is_stuck():
    random = np.random.default_rng(2)
    values = (np.cumsum(random.random(8000) < 0.2) % 2).astype(float)
    values[6000:7000] = values[5999]
    _, scored = scored_alone(values)
    (episode,) = np.unique(scored.episodes[scored.kinds == AnomalyKind.STUCK])
    assert 6030 <= episode // 300_000 <= 6120
    assert not (scored.kinds[7000:] == AnomalyKind.STUCK).any()


@pytest.mark.parametrize(
    "values",
    [
        np.full(5000, 7.0),
        np.repeat([7.0, 9.0], 2500),
        np.round(noisy(5000)),
        (noisy(5000) > 20).astype(float),
        (noisy(5000) > 25).astype(float),
        np.round(20 + 5 * np.sin(np.arange(5000) / 45)),
        np.repeat(noisy(250), 20),
    ],
    ids=["constant", "two settings", "rounded", "binary", "rare event", "rounded season", "each value twenty times"],
)
def test_a_series_that_repeats_itself_by_nature_is_not_stuck(values):
    _, scored = scored_alone(values)
    assert not (scored.kinds == AnomalyKind.STUCK).any()


def test_the_same_run_is_usual_once_it_has_come_twice():
    values = noisy(12_000)
    for start in range(2000, 12_000, 1000):
        values[start : start + 150] = 0.0
    _, scored = scored_alone(values)
    episodes = np.unique(scored.episodes[scored.kinds == AnomalyKind.STUCK]) // 300_000
    assert 1 <= len(episodes) <= 2
    assert episodes.max() < 4000


def test_a_young_series_is_not_stuck():
    values = np.append(noisy(25), np.full(400, 7.0))
    assert not (scored_alone(values)[1].kinds == AnomalyKind.STUCK).any()


def test_any_cuts_leave_the_same_stuck_episodes():
    values = noisy(3000)
    values[2000:2500] = values[2000]
    times, whole = scored_alone(values)
    scorer, zeros = Scorer("novelty"), np.zeros(3000, np.int64)
    parts = []
    for start in range(0, 3000, 37):
        place = slice(start, min(start + 37, 3000))
        numbers = np.arange(3000)[place]
        keys = [("pump", "flow")] * len(numbers)
        parts.append(scorer.step(Batch(keys, times[place], values[place], zeros[place], numbers, zeros[place])))
    for name in ("episodes", "kinds", "thresholds"):
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))
