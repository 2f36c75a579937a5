"""The generic checks: what holds for every detector of the catalogue, and for any other of River."""

import numpy as np
import pytest

from models.detectors import DETECTORS, Scorer, UnreadableState, detector
from tests.unit.models.series_batches import cut, part, random_ends, readings, said_of_all

NAMES = [*DETECTORS, "river:anomaly:StandardAbsoluteDeviation", "river:anomaly:HalfSpaceTrees"]
every_detector = pytest.mark.parametrize("name", NAMES)

N = 2400  # of five series: each fills its first window and flags a while after it


@every_detector
def test_a_reading_is_scored_before_it_is_learned(name):
    rows, values = np.zeros(750, np.int64), np.random.default_rng(1).normal(0.5, 0.1, 750)
    values[-1] = 0.9  # strange, and the reading with which half-space trees turn their window
    scored_first, learned_first = detector(name).make_fleet(), detector(name).make_fleet()
    scored_first.grow(1)
    learned_first.grow(1)
    learned_first.learn(rows, values)
    assert scored_first.step(rows, values)[-1] != learned_first.step(rows[-1:], values[-1:])[0]


@every_detector
def test_the_result_does_not_depend_on_where_batches_are_cut(name):
    batch = readings(N)
    whole = said_of_all(Scorer(name), [batch])
    assert len(whole) == N
    assert said_of_all(Scorer(name), cut(batch, random_ends(N, 60))) == whole
    assert said_of_all(Scorer(name), cut(batch, range(1, N))) == whole


@every_detector
def test_learning_a_journal_leaves_the_state_that_scoring_left(name):
    scored, replayed = Scorer(name), Scorer(name)
    *journal, then = cut(readings(N), random_ends(N, 20))
    for batch in journal:
        scored.step(batch)
        replayed.learn(batch)
    # Not the bytes: River's Gaussian carries a random generator that it never asks.
    assert said_of_all(scored, [then]) == said_of_all(replayed, [then])


@every_detector
def test_a_series_that_is_reset_is_like_a_new_one_and_the_others_go_on(name):
    rows, values = np.arange(1200) % 3, np.random.default_rng(1).normal(20, 2, 1200)
    fleet, undisturbed, new = (detector(name).make_fleet() for _ in range(3))
    for each in (fleet, undisturbed, new):
        each.grow(3)
    fleet.learn(rows, values)
    undisturbed.learn(rows, values)
    fleet.reset(np.array([1]))
    said = fleet.step(rows, values)
    np.testing.assert_array_equal(said[rows == 1], new.step(rows, values)[rows == 1])
    np.testing.assert_array_equal(said[rows != 1], undisturbed.step(rows, values)[rows != 1])


@every_detector
def test_a_part_of_a_fleets_state_is_that_of_its_series(name):
    rows, values = np.arange(1200) % 4, np.random.default_rng(1).normal(20, 2, 1200)
    fleet, read = detector(name).make_fleet(), detector(name).make_fleet()
    fleet.grow(4)
    fleet.learn(rows, values)
    read.restore(fleet.snapshot(2, 4), 2)
    read.restore(fleet.snapshot(0, 2), 0)
    np.testing.assert_array_equal(read.step(rows, values), fleet.step(rows, values))


@every_detector
def test_a_fleet_that_learns_is_where_a_fleet_that_scores_is(name):
    rows = np.random.default_rng(1).integers(0, 5, N)
    values = np.random.default_rng(2).normal(0, 1, N)
    scoring, learning = detector(name).make_fleet(), detector(name).make_fleet()
    scoring.grow(5)
    learning.grow(5)
    scoring.step(rows, values)
    learning.learn(rows, values)
    np.testing.assert_array_equal(scoring.step(rows, values), learning.step(rows, values))


@every_detector
def test_a_restored_scorer_continues_as_if_nothing_had_happened(name):
    first, then = cut(readings(N), [N // 2])
    kept, restored = Scorer(name), Scorer(name)
    kept.step(first)
    restored.restore(kept.snapshot())
    assert said_of_all(restored, [then]) == said_of_all(kept, [then])


@every_detector
def test_snapshot_and_journal_give_the_state_of_a_run_without_a_stop(name):
    batches = list(cut(readings(N), random_ends(N, 30)))
    unbroken, restored = Scorer(name), Scorer(name)
    for batch in batches[:12]:
        unbroken.step(batch)
    restored.restore(unbroken.snapshot())
    for batch in batches[12:20]:
        unbroken.step(batch)
        restored.learn(batch)
    assert said_of_all(restored, batches[20:]) == said_of_all(unbroken, batches[20:])


@every_detector
def test_unreadable_state_is_refused_and_the_scorer_stays_as_it_was(name):
    scorer = Scorer(name)
    scorer.step(readings(50))
    good = scorer.snapshot()
    foreign = Scorer("gaussian" if name != "gaussian" else "half-space-trees").snapshot()
    for bad in (b"", b"\x00" * 40, good[:-1], good[:40] + b"\xff" + good[41:], foreign):
        with pytest.raises(UnreadableState):
            scorer.restore(bad)
    assert scorer.snapshot() == good


@every_detector
def test_state_of_another_version_is_refused(name, monkeypatch):
    scorer = Scorer(name)
    old, version = scorer.snapshot(), scorer.detector_version
    monkeypatch.setattr(type(scorer._fleet), "version", 99)
    with pytest.raises(UnreadableState, match=rf"version {version}, this code reads .* version 99"):
        scorer.restore(old)


@every_detector
def test_an_empty_batch_gives_an_empty_answer(name):
    scorer = Scorer(name)
    assert len(scorer.step(readings(0))) == 0
    scorer.step(readings(10))
    assert len(scorer.step(readings(0))) == 0


@every_detector
def test_a_series_that_comes_later_is_scored_like_one_that_was_there_first(name):
    batch = readings(N, n_series=2)
    late = Scorer(name)
    late.step(part(readings(300, n_series=1), slice(None)))  # device-0 has a past
    of_the_other = np.array([key == ("device-1", "temperature") for key in batch.keys])
    alone = said_of_all(Scorer(name), [part(batch, of_the_other)])
    assert said_of_all(late, cut(part(batch, of_the_other), random_ends(int(of_the_other.sum()), 9))) == alone


@every_detector
def test_a_constant_series_gives_finite_scores_and_no_anomaly(name):
    scored = Scorer(name).step(readings(900, n_series=1))
    assert np.isnan(scored.scores[:200]).all()
    assert (np.abs(scored.scores[500:]) < 0.5).all()
    assert np.array_equal(np.isnan(scored.thresholds), np.isnan(scored.scores))
    assert not scored.is_anomaly.any()


def test_an_unknown_detector_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="half-space-trees"):
        Scorer("magic")


@pytest.mark.parametrize(
    "name", ["river:anomaly:Nothing", "river:nowhere:Gone", "river:anomaly:QuantileFilter", "river:"]
)
def test_a_river_class_that_cannot_detect_is_refused_at_once(name):
    with pytest.raises(ValueError, match="no River detector"):
        Scorer(name)
