"""Event times in each format that a source may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payload_codecs.event_time import time_reader
from schemas.limits import MAX_EVENT_TIME_MS, MIN_EVENT_TIME_MS
from schemas.source import Source

T = 1_719_800_000_123
ISO = "2024-07-01T02:13:20.123"


def read(time_format: str, sent: object, time_zone: str = "UTC") -> int | None:
    source = Source(name="plant", topic=("plant/{device}",), time_format=time_format, time_zone=time_zone)
    return time_reader(source)(sent)


@pytest.mark.parametrize(
    ("time_format", "sent"),
    [
        ("ms", T), ("ms", T + 0.9), ("ms", f" {T} "), ("s", T / 1000), ("s", "1719800000.123"),
        ("s", "1.719800000123e9"),
        ("us", T * 1000), ("us", T * 1000 + 999), ("us", f"{T}999"), ("ns", T * 10**6), ("ns", f"{T}999999"),
        ("iso8601", f"{ISO}Z"), ("iso8601", ISO), ("iso8601", "2024-07-01T02:13:20,123456789Z"),
        ("iso8601", "2024-07-01 04:13:20.123+02:00"), ("iso8601", "20240701T021320.123Z"),
        ("iso8601", "2024-W27-1T02:13:20.123Z"), ("iso8601", " 2024-07-01t02:13:20.123z "),
        ("auto", T / 1000), ("auto", T), ("auto", T * 1000), ("auto", T * 10**6), ("auto", str(T)), ("auto", f"{ISO}Z"),
        ("auto", "1719800000.123"),
    ],
)  # fmt: skip
def test_a_time_is_read_in_the_format_of_its_source(time_format, sent):
    assert read(time_format, sent) == T


@pytest.mark.parametrize("time_format", ["ms", "s", "us", "ns", "iso8601", "auto"])
@pytest.mark.parametrize(
    "sent",
    [
        "noon",
        "",
        " ",
        "Z",
        True,
        None,
        [1],
        {},
        b"1",
        "2024-07-01",
        "24-07-01T00:00",
        "2024-13-01T00:00:00Z",
        "NaN",
    ],
)
def test_what_is_no_time_is_refused_in_each_format(time_format, sent):
    assert read(time_format, sent) is None


def test_a_number_is_no_iso_time_and_an_iso_time_no_number():
    for time_format, sent in (("iso8601", T), ("iso8601", str(T)), ("ms", f"{ISO}Z"), ("s", f"{ISO}Z")):
        assert read(time_format, sent) is None


def test_a_time_without_an_offset_is_in_the_zone_of_its_source():
    assert read("iso8601", "2024-07-01T04:13:20.123", "Europe/Berlin") == T
    assert read("iso8601", f"{ISO}Z", "Europe/Berlin") == T
    assert read("auto", "2024-01-01 01:00:00", "Europe/Berlin") == 1_704_067_200_000


@pytest.mark.parametrize("sent", ["2024-10-27T02:30:00", "2024-03-31T02:30:00"])
def test_a_local_time_that_is_there_twice_or_never_is_no_time(sent):
    assert read("iso8601", sent, "Europe/Berlin") is None
    assert read("iso8601", f"{sent}+01:00", "Europe/Berlin")


@pytest.mark.parametrize(
    "sent",
    ["2024-07-01T02:13,5Z", "2024-07-01T02:13.5", "2024-07-01T0213.5Z", "2024-07-01T02.5Z", "2024-07-01 02,5+02:00"],
)
def test_a_fraction_of_a_minute_or_an_hour_is_no_time_rather_than_a_wrong_one(sent):
    assert read("iso8601", sent) is None
    assert read("auto", sent) is None


@pytest.mark.parametrize("clock", ["24:00", "24:00:00", "2400", "24:00:00.000", "24"])
def test_24_00_is_the_end_of_its_day(clock):
    assert read("iso8601", f"2024-06-30T{clock}Z") == read("iso8601", "2024-07-01T00:00Z")
    assert read("iso8601", f"2024-06-30T{clock}", "Europe/Berlin") == read("iso8601", "2024-07-01T00:00+02:00")


@pytest.mark.parametrize(
    "sent",
    [
        "2024-06-30T24:01Z",
        "2024-06-30T24:00:00.001Z",
        "2024-06-30T25:00Z",
        "9999-12-31T24:00Z",
        "2016-12-31T23:59:60Z",
        "2024-W27T02:13Z",
        "2024-W53-1T02:13Z",
        "2024-183T02:13Z",
        "2024-07-01X02:13 Z",
    ],
)
def test_what_iso_8601_does_not_allow_or_ms_since_1970_cannot_say_is_no_time(sent):
    assert read("iso8601", sent) is None


@pytest.mark.parametrize("sent", [0, 1, 10**6, 5 * 10**9, 10**11, 10**14, 10**17, 2**63 - 1, -T])
def test_auto_leaves_a_number_that_is_between_2010_and_2100_in_no_unit_out_of_range(sent):
    assert read("auto", sent) == sent
    assert not MIN_EVENT_TIME_MS <= sent <= MAX_EVENT_TIME_MS


@given(st.integers(MIN_EVENT_TIME_MS, MAX_EVENT_TIME_MS))
def test_auto_finds_each_time_from_2010_to_2100_in_each_unit(time_ms):
    assert {read("auto", time_ms * 10**zeros) for zeros in (0, 3, 6)} == {time_ms}
    assert read("auto", f"{time_ms // 1000}.{time_ms % 1000:03}") == time_ms
    assert read("s", time_ms / 1000) == time_ms


@given(st.text(max_size=30) | st.floats() | st.integers() | st.datetimes().map(lambda moment: moment.isoformat()))
def test_anything_is_a_time_or_none_and_never_raises(sent):
    for time_format in ("ms", "s", "us", "ns", "iso8601", "auto"):
        assert isinstance(read(time_format, sent), int | None)
