"""Which readings come at a time that their series has had, for any order and cut of the readings."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headrace.scoring.times_seen import TimesSeen
from schemas.limits import MAX_EVENT_TIME_MS, MIN_TRAINING_TIME_MS

READINGS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 2)), max_size=120)


def parts_of(readings, cuts):
    columns = np.array(readings, np.int64).reshape(-1, 3)
    edges = [0, *sorted(min(cut, len(readings)) for cut in cuts), len(readings)]
    parts = [columns[start:end] for start, end in pairwise(edges)]
    return [(part[:, 0], MIN_TRAINING_TIME_MS + part[:, 1], part[:, 2].astype(float)) for part in parts]


@given(READINGS, st.lists(st.integers(0, 120), max_size=5))
def test_the_first_of_each_time_is_found_in_any_order_and_cut(readings, cuts):
    firsts, expected = {}, []
    for series, at, value in readings:
        expected.append(firsts.get((series, at), np.nan))
        firsts.setdefault((series, at), float(value))
    parts = parts_of(readings, cuts)
    seen = TimesSeen(lambda: iter(parts))
    found = np.concatenate([seen.first_values(*part) for part in parts])
    assert np.array_equal(found, expected, equal_nan=True)


def test_a_file_whose_times_move_on_is_not_read_again():
    def again():
        raise AssertionError("read again")

    seen = TimesSeen(again)
    for first in range(0, 1000, 100):
        times = MIN_TRAINING_TIME_MS + np.arange(first, first + 100)
        assert np.isnan(seen.first_values(np.arange(100) % 3, times, np.ones(100))).all()


def test_the_ends_of_the_times_and_of_the_series_are_told_apart():
    series = np.array([0, 0, 2**21 - 1, 2**21 - 1])
    times = np.array([MAX_EVENT_TIME_MS, MIN_TRAINING_TIME_MS] * 2)
    seen = TimesSeen(lambda: iter(()))
    assert np.isnan(seen.first_values(series, times, np.arange(4.0))).all()
    assert seen.first_values(series, times, np.zeros(4)).tolist() == [0, 1, 2, 3]
