"""Names of series to rows: what a dict would say, without an object for each."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detectors.series_index import MAX_RECENT, PAGE_SERIES, SeriesIndex, distinct, series_key, series_name
from models.state_codec import UnreadableState

keys = st.tuples(st.text(max_size=200), st.text(max_size=200))
names = st.binary(max_size=3)


def collides(name):
    """One of three hashes."""
    return len(name) % 3


@given(st.lists(keys, max_size=20))
def test_a_series_has_a_name_of_its_own(some):
    assert [series_key(series_name(key)) for key in some] == some
    assert len(set(map(series_name, some))) == len(set(some))


@given(st.lists(st.sampled_from([("a", "b"), ("ab", ""), ("", "ab"), ("a", "c")]), max_size=20))
def test_each_key_of_a_batch_is_numbered_once(some):
    found, which = distinct(some)
    assert [found[number] for number in which.tolist()] == some
    assert found == list(dict.fromkeys(some))


@pytest.mark.parametrize("hash_of", [hash, collides])
@given(batches=st.lists(st.tuples(st.sets(names, max_size=8), st.sets(st.integers(0, 30), max_size=4)), max_size=8))
def test_an_index_gives_each_series_one_row_until_it_is_forgotten(hash_of, batches):
    index, expected = SeriesIndex(hash_of), {}
    for batch, forgotten in batches:
        batch = sorted(batch)
        rows = index.rows(batch)
        for name, row in zip(batch, rows.tolist(), strict=True):
            if name not in expected:
                free = min(set(range(len(expected) + 1)) - set(expected.values()))
                expected[name] = free
            assert expected[name] == row
        leaving = [row for row in sorted(forgotten) if row in expected.values()]
        index.forget(np.array(leaving, np.int64))
        expected = {name: row for name, row in expected.items() if row not in leaving}
        assert len(index) == len(expected)


@given(st.lists(st.lists(st.integers(0, 12), max_size=20), max_size=8), st.sets(st.integers(0, 12)))
def test_keys_find_their_rows_however_often_they_come_and_also_when_others_were_forgotten(batches, forgotten):
    index, expected = SeriesIndex(), {}
    for number, batch in enumerate(batches):
        some = [(f"device-{n}", "flow") for n in batch]
        rows = index.rows_of(some)
        for key, row in zip(some, rows.tolist(), strict=True):
            assert expected.setdefault(key, row) == row
        assert len(set(expected.values())) == len(expected)
        if number == 2:
            gone = [row for row in expected.values() if row in forgotten]
            index.forget(np.array(gone, np.int64))
            expected = {key: row for key, row in expected.items() if row not in gone}


def test_more_series_than_are_found_by_their_keys_have_their_rows_nevertheless():
    index, n = SeriesIndex(), MAX_RECENT * 2 + 10
    some = [(f"device-{number}", "flow") for number in range(n)]
    for start in range(0, n, 1000):
        assert index.rows_of(some[start : start + 1000]).tolist() == list(range(start, min(start + 1000, n)))
    np.testing.assert_array_equal(index.rows_of(some), np.arange(n))
    np.testing.assert_array_equal(index.rows_of(some[::-1]), np.arange(n)[::-1])


@pytest.mark.parametrize("hash_of", [hash, collides])
def test_pages_of_an_index_give_it_again(hash_of):
    n = 2 * PAGE_SERIES + 40
    index, read = SeriesIndex(hash_of), SeriesIndex(hash_of)
    some = [
        b"device-%d\xffmetric" % number if number % 5 else b"" * number + bytes([number % 251]) * number
        for number in range(n)
    ]
    rows = index.rows(some)
    gone = np.array([0, 7, PAGE_SERIES, n - 1])
    index.forget(gone)
    read.skip(n)
    for start in (PAGE_SERIES, 0, 2 * PAGE_SERIES):
        read.load(start, index.names(start, min(start + PAGE_SERIES, n)))
    kept = np.setdiff1d(rows, gone)
    np.testing.assert_array_equal(read.rows([some[row] for row in kept.tolist()]), kept)
    np.testing.assert_array_equal(read.rows([b"new-1", b"new-2", b"new-3", b"new-4", b"new-5"]), [*gone, n])


def test_a_series_is_no_python_object():
    index, n = SeriesIndex(), 400 * PAGE_SERIES
    before = sys.getallocatedblocks()
    for start in range(0, n, 1000):
        index.rows_of([(f"device-{number}", "flow") for number in range(start, min(start + 1000, n))])
    assert len(index) == n
    assert sys.getallocatedblocks() - before < 4 * MAX_RECENT + n / 10


def test_names_that_do_not_fill_their_text_are_unreadable():
    index = SeriesIndex()
    index.rows([b"a", b"bc"])
    page = index.names(0, 2)
    with pytest.raises(UnreadableState, match="do not end with their text"):
        SeriesIndex().load(0, page | {"text": page["text"][:-1]})
