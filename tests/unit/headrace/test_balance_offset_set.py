"""OffsetSet against Python's own set."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from headrace.reconciliation.offset_set import CHUNK, OffsetSet

# Few offsets on both sides of the border of a chunk, so that chunks do become full.
offsets = st.integers(0, 3 * CHUNK)
ranges = st.tuples(offsets, offsets).map(sorted)
calls = st.lists(st.one_of(offsets, ranges), max_size=12)


def both(drawn):
    """The set under test, and Python's."""
    tested, plain = OffsetSet(), set()
    for each in drawn:
        if isinstance(each, int):
            assert tested.add(each) == (each not in plain)
            plain.add(each)
        else:
            tested.add_range(*each)
            plain.update(range(*each))
    return tested, plain


@given(calls)
def test_what_was_put_in_is_in_and_nothing_else(drawn):
    tested, plain = both(drawn)
    assert {offset for offset in range(3 * CHUNK + 1) if offset in tested} == plain


@given(calls, offsets)
def test_the_holes_are_what_is_not_in_as_ranges_that_do_not_touch(drawn, end):
    tested, plain = both(drawn)
    holes = list(tested.holes(end))
    assert {offset for first, last in holes for offset in range(first, last + 1)} == set(range(end)) - plain
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(holes))


def test_a_million_offsets_in_any_order_of_chunks_take_no_room():
    filled = OffsetSet()
    for first in (*range(CHUNK, 250 * CHUNK, CHUNK), 0):
        filled.add_range(first, first + CHUNK)
    assert (filled.full_chunks, filled.masks) == (250, {})
