"""Frames in Python are those of Java, and what is none is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink import framing
from flink.framing import BadFrame, Frame
from stack.operators_jar import SOURCE

SHARED = [
    line.split()
    for line in (SOURCE / "src" / "test" / "resources" / "frames.txt").read_text().splitlines()
    if not line.startswith("#")
]
fields = st.none() | st.binary(max_size=20) | st.builds(bytes, st.integers(0, 100_000))


def decode(frame, columns):
    """All columns."""
    read = Frame(frame, columns)
    return [read.fields(column) for column in range(columns)]


def field(word):
    return {"null": None, "empty": b""}.get(word) if word in ("null", "empty") else bytes.fromhex(word)


@pytest.mark.parametrize(("frame", "words"), [(frame, words) for frame, *words in SHARED])
def test_frames_are_those_of_java(frame, words):
    records = [(field(word),) for word in words]
    assert framing.encode(records).hex() == frame
    assert decode(bytes.fromhex(frame), 1) == [[each for (each,) in records]]


@given(st.integers(1, 9).flatmap(lambda n: st.lists(st.lists(fields, min_size=n, max_size=n), min_size=1)))
def test_records_come_back_column_by_column(records):
    assert decode(framing.encode(records), len(records[0])) == list(map(list, zip(*records, strict=True)))


def test_a_frame_may_be_large_and_hold_many_records():
    records = [(b"x" * 8_388_608, None)] + [(b"%d" % n, b"") for n in range(50_000)]
    large, empty = decode(framing.encode(records), 2)
    assert (len(large[0]), large[-1], len(large)) == (8_388_608, b"49999", 50_001)
    assert empty == [None] + [b""] * 50_000


def test_no_records_are_a_frame_of_any_columns():
    assert decode(framing.encode([]), 7) == [[]] * 7


@given(st.binary(max_size=60), st.integers(1, 3))
def test_bytes_that_are_no_frame_are_refused_and_no_byte_is_passed_over(frame, columns):
    try:
        found = decode(frame, columns)
    except BadFrame:
        return
    assert framing.encode(list(zip(*found, strict=True))) == frame


@pytest.mark.parametrize("cut", range(1, 17))
def test_a_frame_that_was_cut_short_is_refused(cut):
    frame = framing.encode([(b"ann", None), (b"b", b"")])
    with pytest.raises(BadFrame):
        decode(frame[:-cut], 2)


@pytest.mark.parametrize("frame", ["7fffffff", "ffffffff", "00000001fffffffe", "000000020000000500000001" + "61" * 5])
def test_lengths_that_no_frame_has_are_refused(frame):
    with pytest.raises(BadFrame):
        decode(bytes.fromhex(frame), 1)


def of_one_column(*column):
    return Frame(framing.encode([(each,) for each in column]), 1)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_numbers_are_those_of_java(numbers):
    assert of_one_column(*(number.to_bytes(8, signed=True) for number in numbers)).numbers(0) == numbers


@pytest.mark.parametrize(
    "column", [[None], [b"1"], [bytes(8), b"12345678901"], [bytes(4), bytes(12)], [bytes(8), None]]
)
def test_a_column_that_is_no_column_of_numbers_is_refused(column):
    with pytest.raises(BadFrame, match="8 bytes"):
        of_one_column(*column).numbers(0)


def test_columns_of_all_kinds_stand_side_by_side():
    records = [(b"\1", b"a", bytes(7) + b"\7", "Zoë".encode()), (b"\0", None, b"\xff" * 8, None)]
    frame = Frame(framing.encode(records), 4)
    assert len(frame) == 2
    assert frame.booleans(0) == [True, False]
    assert frame.fields(1) == [b"a", None]
    assert frame.numbers(2) == [7, -1]
    assert frame.texts(3) == ["Zoë", None]


def test_a_boolean_may_not_be_null():
    with pytest.raises(BadFrame, match="1 bytes"):
        of_one_column(b"\1", None).booleans(0)


def test_the_lengths_of_a_frame_do_not_wrap_around():
    frame = np.array([3, 2**31 - 1, 2**31 - 1, 2], ">i4").tobytes()
    with pytest.raises(BadFrame):
        decode(frame, 1)


RECORDS = st.lists(st.tuples(st.none() | st.binary(max_size=9), st.none() | st.binary(max_size=9)), max_size=30)


@given(RECORDS, st.integers(1, 40))
def test_frames_of_a_bounded_size_hold_the_records_in_their_order(records, max_bytes):
    frames = [list(zip(*decode(frame, 2), strict=True)) for frame in framing.encode_in_frames(records, max_bytes)]
    assert [record for frame in frames for record in frame] == records
    for frame in frames:
        sizes = [sum(len(field or b"") for field in record) for record in frame]
        assert frame
        assert sum(sizes[:-1]) < max_bytes
    assert all(sum(len(field or b"") for record in frame for field in record) >= max_bytes for frame in frames[:-1])


@given(RECORDS)
def test_the_fields_of_a_small_frame_are_read_without_numpy_too(records):
    frame = framing.encode(records)
    assert framing.fields(frame) == [field for record in records for field in record]


@given(st.binary(max_size=40))
def test_bytes_that_are_no_small_frame_are_refused(frame):
    try:
        fields = framing.fields(frame)
    except BadFrame:
        return
    assert framing.encode([(field,) for field in fields]) == frame
