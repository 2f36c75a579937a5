"""Flagged readings in a row are one episode."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detectors.episodes import NO_EPISODE, Episodes


def follow(episodes, marks, rows=None, start=1):
    """Episodes of readings given as "!" (flagged) and "." (not), times from `start`; 0 means none."""
    rows = np.zeros(len(marks), np.int64) if rows is None else np.array(rows)
    episodes.grow(int(rows.max(initial=0)) + 1)
    flagged = np.array([mark == "!" for mark in marks], np.bool_)
    found = episodes.follow(rows, np.arange(start, start + len(marks)), flagged)
    return np.where(found == NO_EPISODE, 0, found).tolist()


def test_without_flagged_readings_there_is_no_episode():
    assert follow(Episodes(), "....") == [0, 0, 0, 0]


def test_an_episode_bears_the_time_of_its_first_flagged_reading():
    assert follow(Episodes(), ".!!!") == [0, 2, 2, 2]


def test_a_short_calm_does_not_end_an_episode():
    assert follow(Episodes(closes_after=3), "!..!..!") == [1, 1, 1, 1, 1, 1, 1]


def test_the_last_unflagged_reading_in_a_row_closes_the_episode():
    assert follow(Episodes(closes_after=3), "!....!") == [1, 1, 1, 0, 0, 6]


def test_an_episode_goes_on_in_the_next_batch():
    episodes = Episodes(closes_after=2)
    assert follow(episodes, "!.") == [1, 1]
    assert follow(episodes, "!..!", start=3) == [1, 1, 0, 6]


def test_series_have_episodes_of_their_own():
    assert follow(Episodes(closes_after=1), "!!.!", rows=[0, 1, 0, 1]) == [1, 2, 0, 2]


def test_an_episode_must_be_able_to_close():
    with pytest.raises(ValueError, match="closes_after"):
        Episodes(closes_after=0)


@given(st.text("!.", max_size=40), st.integers(0, 40))
def test_a_cut_changes_no_episode(marks, end):
    episodes = Episodes(closes_after=2)
    first = follow(episodes, marks[:end])
    assert first + follow(episodes, marks[end:], start=len(first) + 1) == follow(Episodes(closes_after=2), marks)
