"""The time that stands in for one that a device does not send, of an entrance whose clock may be wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payload_codecs.message import STEP_MS, received_at_ms
from schemas.limits import MAX_CLOCK_SKEW_MS

APPEND_MS = 1_760_000_000_000
HOUR_MS = 3600 * 1000


def received(ahead_ms, append_ms=APPEND_MS):
    return received_at_ms(b"%d" % (append_ms + ahead_ms), append_ms)


@given(st.integers(-HOUR_MS, MAX_CLOCK_SKEW_MS))
def test_a_time_that_a_reading_may_have_is_left_alone(ahead_ms):
    assert received(ahead_ms) == APPEND_MS + ahead_ms


@given(st.integers(MAX_CLOCK_SKEW_MS + 1, 10**17))
def test_a_time_from_the_future_is_taken_back_to_shortly_before_the_append_time(ahead_ms):
    assert APPEND_MS - STEP_MS < received(ahead_ms) <= APPEND_MS


@pytest.mark.parametrize("hours", [1, 24, 24 * 400])
@given(st.integers(0, STEP_MS - 1))
def test_a_clock_that_is_whole_hours_ahead_leaves_the_true_time(hours, took_ms):
    assert received(hours * HOUR_MS - took_ms) == APPEND_MS - took_ms


@given(st.integers(MAX_CLOCK_SKEW_MS + STEP_MS, 10**15), st.sets(st.integers(0, STEP_MS - 1), min_size=2))
def test_times_of_one_batch_stay_apart(ahead_ms, within_ms):
    assert len({received(ahead_ms + each) for each in within_ms}) == len(within_ms)


@pytest.mark.parametrize("header", [None, b"", b"noon", b"-5", b"1.5", b"9" * 30])
def test_without_a_time_of_receipt_the_append_time_stands_in(header):
    assert received_at_ms(header, APPEND_MS) == APPEND_MS
