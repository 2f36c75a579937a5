"""The balance's arithmetic."""

import pytest

from headrace.accounting.ledger import Ledger
from schemas.dead_letter import DeadLetter
from schemas.reading import LateReading, Reading
from schemas.record import Position
from schemas.reject_reasons import RejectReason
from schemas.window_summary import WindowSummary


def position(offset: int, item: int = 0, items: int = 1) -> Position:
    return Position(topic="telemetry.raw", partition=0, offset=offset, item=item, items=items)


def reading(offset: int, item: int = 0, items: int = 1, event_time: int = 1000) -> Reading:
    return Reading(
        device="d", metric="m", event_time=event_time + offset, value=1.0, position=position(offset, item, items)
    )


def window(length: str, count: int) -> WindowSummary:
    return WindowSummary(
        device="d", metric="m", window=length, window_start=0, count=count, mean=1, min=1, max=1, stddev=0, last=1
    )


@pytest.fixture
def balanced() -> Ledger:
    """Offset 0: a reading. Offset 1: a reading and a dead letter. One of the readings is late."""
    ledger = Ledger()
    for offset in (0, 1):
        ledger.add_message(0, offset)
    ledger.add_reading(reading(0))
    ledger.add_reading(reading(1, 0, 2))
    ledger.add_dead_letter(
        DeadLetter(reason=RejectReason.BAD_VALUE, stage="clean_telemetry", position=position(1, 1, 2), first_seen=0)
    )
    ledger.add_late(LateReading(**reading(0).model_dump(), late_by_ms=1))
    for length in ("10s", "1m"):
        ledger.add_window(window(length, 1))
    return ledger


def test_a_ledger_in_which_each_item_left_once_has_no_differences(balanced):
    assert balanced.differences() == []
    assert (balanced.messages, balanced.items) == (2, 3)


def test_a_message_without_output_is_named_with_its_offset(balanced):
    balanced.add_message(0, 7)
    assert balanced.differences() == ["1 messages have not left clean_telemetry whole: telemetry.raw[0] 7"]


def test_a_missing_item_of_a_message_is_a_difference(balanced):
    balanced.add_message(0, 2)
    balanced.add_reading(reading(2, 0, 3))
    assert "have not left clean_telemetry whole: telemetry.raw[0] 2" in balanced.differences()[0]


def test_an_item_that_left_twice_is_a_difference(balanced):
    balanced.add_duplicate(reading(0))
    assert balanced.differences() == ["1 messages left clean_telemetry more than once: telemetry.raw[0] 0"]


def test_a_reading_in_no_window_and_not_late_is_a_difference(balanced):
    balanced.add_message(0, 2)
    balanced.add_reading(reading(2))
    assert balanced.differences() == [
        "3 readings, but 2 in windows of 10s or late",
        "3 readings, but 2 in windows of 1m or late",
    ]


def test_a_dead_letter_of_the_bridge_is_no_item_of_the_raw_topic(balanced):
    balanced.add_dead_letter(DeadLetter(reason=RejectReason.NO_DEVICE, stage="mqtt_bridge", first_seen=0))
    assert balanced.items == 3
    assert balanced.refused_elsewhere == {("mqtt_bridge", "no_device"): 1}


def test_the_newest_reading_of_a_series_is_by_event_time_and_not_by_arrival(balanced):
    balanced.add_reading(reading(9, event_time=500))
    assert balanced.newest["d", "m"] == (1001, 1.0)
