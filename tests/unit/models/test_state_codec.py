"""State bytes hold plain arrays and JSON, whole or not at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.state_codec import State, UnreadableState, decode, encode

STATE = State(
    "example", 3, {"names": ["a", "ü"]}, {"x": np.arange(6.0).reshape(2, 3), "none": np.empty((0, 4), np.int16)}
)


either_form = pytest.mark.parametrize("compressed", [True, False])


@either_form
def test_a_state_comes_back_as_it_was(compressed):
    back = decode(encode(STATE, compressed), "example", 3)
    assert back.values == STATE.values
    for name, array in STATE.arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array)
        assert back.arrays[name].dtype == array.dtype
        assert back.arrays[name].flags.writeable


@pytest.mark.parametrize(("kind", "version"), [("example", 4), ("other", 3)])
def test_another_kind_or_version_is_refused(kind, version):
    with pytest.raises(UnreadableState, match="state is example version 3"):
        decode(encode(STATE), kind, version)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(foreign):
    with pytest.raises(UnreadableState):
        decode(foreign, "example", 3)


@either_form
@given(st.integers(0, 1000), st.integers(1, 255))
def test_one_changed_byte_is_noticed(compressed, place, change):
    damaged = bytearray(encode(STATE, compressed))
    damaged[place % len(damaged)] ^= change
    with pytest.raises(UnreadableState):
        decode(bytes(damaged), "example", 3)


def test_objects_that_would_need_pickle_are_refused():
    with pytest.raises(UnreadableState):
        decode(encode(State("example", 3, {}, {"x": np.array([None])})), "example", 3)
