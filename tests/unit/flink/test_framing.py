"""Frames in Python are those of Java, and what is none is refused."""

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
    records = list(zip(*found, strict=True))
    assert decode(framing.encode(records), columns) == found
    assert len(framing.encode(records)) <= len(frame)  # which may have a length in more bytes than it needs


@pytest.mark.parametrize("cut", range(1, 13))
def test_a_frame_that_was_cut_short_is_refused(cut):
    frame = framing.encode([(b"ann", None), (b"b", b"")])
    with pytest.raises(BadFrame):
        decode(frame[:-cut], 2)


@pytest.mark.parametrize("frame", ["dd7fffffff", "ddffffffff", "91c67fffffff", "91c6ffffffff", "9000", "91c0c0"])
def test_lengths_that_no_frame_has_are_refused(frame):
    with pytest.raises(BadFrame):
        decode(bytes.fromhex(frame), 1)


@pytest.mark.parametrize("frame", ["c0", "80", "9107", "91a161", "9191c0", "91c3", "91d50000"])
def test_messagepack_of_other_types_is_no_frame(frame):
    with pytest.raises(BadFrame, match="no frame"):
        decode(bytes.fromhex(frame), 1)


def test_fields_that_fill_no_record_are_refused():
    with pytest.raises(BadFrame, match="3 fields"):
        Frame(framing.encode([(b"a", b"b", b"c")]), 2)


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


RECORDS = st.lists(st.tuples(st.none() | st.binary(max_size=9), st.none() | st.binary(max_size=9)), max_size=30)


@given(RECORDS, st.integers(1, 40))
def test_frames_of_a_bounded_size_hold_the_records_in_their_order(records, max_bytes):
    fields = [field for record in records for field in record]
    frames = list(framing.encode_in_frames(fields, 2, max_bytes))
    assert [field for frame in frames for field in framing.fields(frame)] == fields
    assert all(len(frame) <= max_bytes or len(framing.fields(frame)) == 2 for frame in frames)


def test_records_of_very_different_sizes_fill_few_frames():
    sizes = [200_000 if number % 500 == 7 else 10 for number in range(5_000)]
    frames = list(framing.encode_in_frames([bytes(size) for size in sizes], 1, 500_000))
    assert max(map(len, frames)) <= 500_000
    assert len(frames) <= 3 * sum(sizes) / 500_000


class Counted(list):
    """Fields that count how many of them are read."""

    read = 0

    def __getitem__(self, place):
        found = super().__getitem__(place)
        self.read += len(found)
        return found


def test_frames_of_a_bounded_size_are_written_about_once():
    fields = Counted([bytes(1_000)] * 50_000)
    assert 40 < len(list(framing.encode_in_frames(fields, 1, 1_048_576))) < 60
    assert fields.read < 1.2 * len(fields)


@given(RECORDS)
def test_the_fields_of_a_frame_are_read_in_their_order(records):
    frame = framing.encode(records)
    assert framing.fields(frame) == [field for record in records for field in record]
