"""The scoring rule of the Numenta Anomaly Benchmark, and what comes of every threshold."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.nab import oracle
from bench.nab.labelled_series import read_folder
from bench.nab.scoring import PROFILES, Outcome, f1, marks, outcome, precision, probation, recall, total
from bench.nab.sweep import NO_ALERT, Sweep, per_episode, per_reading

STANDARD, LOW_FP, LOW_FN = PROFILES.values()
CLOSES_AFTER = 3


def alerts(n, *places):
    flags = np.zeros(n, bool)
    flags[list(places)] = True
    return flags


def score(profile, n, windows, *places, scored_from=0):
    return profile(outcome(alerts(n, *places), marks(n, windows, scored_from)))


@pytest.mark.parametrize("profile", PROFILES.values())
def test_no_alert_is_worth_0_and_one_on_the_first_reading_of_each_window_100(profile):
    assert score(profile, 100, [(20, 29), (60, 69)]) == 0
    assert score(profile, 100, [(20, 29), (60, 69)], 20, 60) == pytest.approx(100)


def test_in_a_window_the_earliest_alert_counts_and_no_other():
    # Half way through a window of ten, y = -(29 - 25 + 1) / 10 = -.5: (2 / (1 + e^-2.5) - 1) / .98661 = .85980.
    assert score(STANDARD, 100, [(20, 29)], 25) == pytest.approx(100 * (0.85980 + 1) / 2, abs=1e-3)
    assert score(STANDARD, 100, [(20, 29)], 25, 26, 29) == score(STANDARD, 100, [(20, 29)], 25)


def test_a_false_alert_costs_more_the_farther_behind_a_window_it_is():
    # Three readings behind a window of ten, y = 3 / 9: 2 / (1 + e^(5 / 3)) - 1 = -.68230.
    assert score(STANDARD, 100, [(20, 29)], 20, 32) == pytest.approx(100 - 100 * 0.11 * 0.68230 / 2, abs=1e-3)
    assert score(STANDARD, 100, [(20, 29)], 20, 5) == pytest.approx(100 - 100 * 0.11 / 2)
    assert score(STANDARD, 100, [(20, 29)], 20, 90) == pytest.approx(100 - 100 * 0.11 / 2)


def test_the_profiles_weigh_false_alerts_twice_and_missed_windows_twice():
    assert score(LOW_FP, 100, [(20, 29)], 20, 5) == pytest.approx(100 - 100 * 0.22 / 2)
    assert score(LOW_FN, 100, [(20, 29), (60, 69)], 20) == pytest.approx(50)
    assert score(LOW_FN, 100, [(20, 29)], 20, 5) == pytest.approx(100 - 100 * 0.11 / 3)


def test_alerts_before_the_first_scored_reading_do_not_count():
    assert score(STANDARD, 100, [(20, 29)], 3, 14, 20, scored_from=15) == pytest.approx(100)
    # The window began before: its first scored reading gets what it is worth at its own place.
    late = outcome(alerts(100, 20, 25), marks(100, [(20, 29)], 25))
    assert late.credit == pytest.approx(0.85980, abs=1e-5)


def test_a_window_before_the_first_scored_reading_is_left_out():
    assert marks(100, [(2, 9), (60, 69)], 15).n_windows == 1
    assert score(STANDARD, 100, [(2, 9), (60, 69)], 60, scored_from=15) == pytest.approx(100)


def test_a_window_without_a_reading_is_missed():
    marked = marks(10, [(4, 3), (6, 7)], 0)
    assert marked.n_windows == 2
    assert STANDARD(outcome(alerts(10, 6), marked)) == pytest.approx(50)


def test_a_window_of_one_reading_has_readings_behind_it():
    assert outcome(alerts(10, 5), marks(10, [(4, 4)], 0)).penalty == pytest.approx(-0.98661, abs=1e-5)


def test_a_set_without_windows_has_no_score():
    assert math.isnan(score(STANDARD, 10, [], 3))
    assert math.isnan(f1(Outcome(n_false=1)))


def test_probation_is_15_percent_and_at_most_750_readings():
    assert [probation(n) for n in (0, 6, 7, 100, 4999, 5000, 10**6)] == [0, 0, 1, 15, 749, 750, 750]


def test_events_found_twice_are_found_once_and_not_false():
    found = outcome(alerts(100, 21, 25, 40, 41), marks(100, [(20, 29), (60, 69)], 0))
    assert (precision(found), recall(found), f1(found)) == (1 / 3, 1 / 2, 2 / 5)


def slow_outcome(flags, n, windows, scored_from):
    """The rule as its paper words it, one reading at a time."""

    def sigmoid(y):
        return -1.0 if y > 3 else 2 / (1 + math.exp(5 * y)) - 1

    credit, found, penalty, false = 0.0, 0, 0.0, 0
    for first, last in windows:
        hits = [place for place in range(max(first, scored_from), last + 1) if flags[place]]
        found += bool(hits)
        credit += sigmoid(-(last - hits[0] + 1) / (last - first + 1)) / sigmoid(-1) if hits else 0
    for place in range(scored_from, n):
        if flags[place] and not any(first <= place <= last for first, last in windows):
            before = [window for window in windows if window[1] < place]
            width = before[-1][1] - before[-1][0] if before else 1
            penalty += sigmoid((place - before[-1][1]) / max(width, 1)) if before else -1.0
            false += 1
    return credit, found, penalty, false


@st.composite
def labelled(draw):
    """Scores with ties, gaps and infinities; windows; and where scoring begins."""
    n = draw(st.integers(1, 60))
    some = st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0, 7.0, -3.0, math.nan, math.inf, -math.inf])
    scores = np.array(draw(st.lists(some | st.floats(-2, 2), min_size=n, max_size=n)))
    cuts = sorted(draw(st.sets(st.integers(0, n - 1), max_size=8)))
    windows = [(first, last) for first, last in zip(cuts[::2], cuts[1::2], strict=False)]
    return scores, windows, draw(st.integers(0, n))


@given(labelled())
def test_the_rule_is_that_of_the_paper(case):
    scores, windows, scored_from = case
    flags = scores > 0.3
    found = outcome(flags, marks(len(scores), windows, scored_from))
    expected = slow_outcome(flags, len(scores), windows, scored_from)
    assert (found.credit, found.n_found, found.penalty, found.n_false) == pytest.approx(expected, abs=2e-6)


def first_of_episodes(above):
    found, calm = np.zeros(len(above), bool), CLOSES_AFTER
    for place, flag in enumerate(above):
        found[place] = flag and calm >= CLOSES_AFTER
        calm = 0 if flag else calm + 1
    return found


def every_threshold(scores):
    finite = np.clip(scores[~np.isnan(scores)], -np.finfo(float).max, np.finfo(float).max)
    return np.unique(np.concatenate([finite, finite + 0.05, [NO_ALERT]]))


@pytest.mark.parametrize(("steps_of", "alerts_of"), [(per_reading, np.asarray), (per_episode, first_of_episodes)])
@given(case=st.lists(labelled(), min_size=1, max_size=3))
def test_a_sweep_gives_the_outcome_at_every_threshold_and_the_best_of_them(steps_of, alerts_of, case):
    marked = [marks(len(scores), windows, scored_from) for scores, windows, scored_from in case]
    sweep = Sweep([steps_of(scores, its) for (scores, *_), its in zip(case, marked, strict=True)])
    figures = []
    for threshold in every_threshold(np.concatenate([scores for scores, *_ in case])):
        flags = [
            alerts_of(np.clip(scores, -np.finfo(float).max, np.finfo(float).max) >= threshold) for scores, *_ in case
        ]
        expected = total(outcome(each, its) for each, its in zip(flags, marked, strict=True))
        found = sweep.at(threshold)
        assert (found.credit, found.penalty) == pytest.approx((expected.credit, expected.penalty), abs=1e-9)
        assert (found.n_found, found.n_false, found.n_windows) == (
            expected.n_found,
            expected.n_false,
            expected.n_windows,
        )
        figures.append(STANDARD(expected))
    threshold, best = sweep.best(STANDARD)
    if sweep.at(threshold).n_windows:
        assert best == pytest.approx(max(figures), abs=1e-9)
        assert STANDARD(sweep.at(threshold)) == pytest.approx(best, abs=1e-9)


def test_scores_that_are_all_the_same_have_two_outcomes():
    sweep = Sweep([per_reading(np.ones(50), marks(50, [(20, 29)], 7))])
    assert sweep.best(STANDARD) == (NO_ALERT, 0.0)
    assert (sweep.at(1.0).n_false, sweep.at(1.0).n_found, sweep.at(1.1).n_false) == (33, 1, 0)


def test_the_published_figures_come_out_to_four_decimals():
    folder = os.environ.get("HEADRACE_NAB")
    if not folder or oracle.published_scores(Path(folder)) is None:
        pytest.skip("HEADRACE_NAB names no folder with the benchmark's data and published scores")
    published = oracle.published_scores(Path(folder))
    found = oracle.figures(published, read_folder(Path(folder)))
    assert {name: round(figure, 4) for name, figure in found.items()} == oracle.EXPECTED
