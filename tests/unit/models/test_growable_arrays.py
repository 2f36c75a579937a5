"""Columns of series: pages of them, columns that become wider, and pages that do not fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detectors.growable_arrays import Column, SeriesColumns
from models.state_codec import UnreadableState


def columns(width=1):
    return SeriesColumns(
        n=Column(-1, np.int32), slots=Column(0.5, np.float64, width), sums=Column(0, np.int64, 2, is_derived=True)
    )


@given(st.lists(st.integers(1, 90), min_size=1, max_size=8), st.integers(1, 40))
def test_what_was_written_survives_growth_and_pages(steps, page_size):
    series, n = columns(), 0
    for step in steps:
        series.grow(n + step)
        np.testing.assert_array_equal(series["n"][n : n + step], -1)
        series["n"][n : n + step] = np.arange(n, n + step)
        n += step
    read = columns()
    for start in reversed(range(0, n, page_size)):
        read.load(start, series.page(start, min(start + page_size, n)))
    np.testing.assert_array_equal(read["n"][:n], np.arange(n))
    assert len(read) == len(series) == n


def test_pages_of_other_widths_fill_up_the_narrower():
    wide, narrow = columns(3), columns(1)
    wide.grow(2)
    narrow.grow(1)
    wide["slots"][:] = 7.0
    read = columns()
    read.load(1, wide.page(0, 2))
    read.load(0, narrow.page(0, 1))
    np.testing.assert_array_equal(read["slots"][:3], [[0.5, 0.5, 0.5], [7, 7, 7], [7, 7, 7]])


def test_derived_columns_are_in_no_page():
    assert set(columns().page(0, 0)) == {"n", "slots"}


def test_series_that_are_reset_are_filled_again():
    series = columns()
    series.grow(3)
    series["n"][:3] = 5
    series.reset(np.array([1]))
    assert series["n"][:3].tolist() == [5, -1, 5]


GOOD = {"n": np.zeros(2, np.int32), "slots": np.zeros((2, 1))}


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ({"n": GOOD["n"]}, "state has no slots"),
        (GOOD | {"n": np.zeros(3, np.int32)}, "2, 3 series"),
        (GOOD | {"slots": np.zeros(2)}, "slots of the state has 1 axes"),
        (GOOD | {"n": np.zeros(2)}, "n of the state has 1 axes of float64"),
    ],
)
def test_a_page_that_does_not_fit_is_unreadable(page, says):
    with pytest.raises(UnreadableState, match=says):
        columns().load(0, page)


def test_what_is_read_into_a_wide_column_widens_no_other():
    series, read = (SeriesColumns(wide=Column(0.0, np.float64, 5), narrow=Column(0.0, np.float64, 2)) for _ in range(2))
    series.grow(3)
    read.load(0, series.page(0, 3))
    assert [read[name].shape[1] for name in ("wide", "narrow")] == [5, 2]
