"""Readings without `ts` and what became of them, without a stack."""

import json

from connectors.time_of_receipt import MAX_LEAD_MS
from drills.undated import UndatedOutputs, UndatedStream
from headrace.polling import wait_until
from schemas.dead_letter import DeadLetter
from schemas.reading import Reading
from schemas.record import Position
from schemas.reject_reasons import RejectReason

NOW_MS = 1_760_000_000_000


class Record:
    def __init__(self, key, value):
        self.key, self.value = key, value


class Tail:
    def __init__(self, *records):
        self._records = list(records)

    def new(self):
        records, self._records = self._records, []
        return records


class RecordingPublisher:
    def __init__(self):
        self.published = []

    def publish(self, device, payload):
        self.published.append((device, json.loads(payload)))

    def close(self, within_s):
        pass


def reading(number, ahead_ms=0, device="a"):
    position = Position(topic="telemetry.raw", partition=0, offset=number)
    made = Reading(device=device, metric="counter", event_time=NOW_MS + ahead_ms, value=number, position=position)
    return Record(device.encode(), made.model_dump_json().encode())


def refused(device="a"):
    dead_letter = DeadLetter(reason=RejectReason.TS_OUT_OF_RANGE, stage="clean_telemetry", first_seen=NOW_MS)
    return Record(device.encode(), dead_letter.model_dump_json().encode())


def problems(sent, *readings, dead_letters=()):
    outputs = UndatedOutputs(Tail(*readings), Tail(*dead_letters), ["a"])
    outputs.update()
    return list(outputs.problems(sent, NOW_MS))


def test_every_reading_once_is_no_problem():
    assert problems(2, reading(0), reading(1), reading(9, device="another")) == []


def test_a_reading_that_is_missing_is_told_with_the_dead_letters():
    (told,) = problems(2, reading(0), dead_letters=[refused(), refused("another")])
    assert told.startswith("1 of 2 readings without ts are not in telemetry.readings (1 ts_out_of_range)")


def test_a_reading_that_came_twice_is_told():
    (told,) = problems(1, reading(0), reading(0))
    assert "more than once" in told


def test_a_reading_from_the_future_is_told():
    assert problems(1, reading(0, MAX_LEAD_MS)) == []
    (told,) = problems(1, reading(0, 3600 * 1000))
    assert told == "a reading without ts is 3,600 s ahead of the clock"


def test_the_devices_send_numbers_in_turn_and_no_time():
    publisher = RecordingPublisher()
    stream = UndatedStream(publisher, ["a", "b"], messages_per_s=0)
    stream.start()
    wait_until("some readings", lambda: stream.sent > 3, within_s=10)
    stream.finish()
    assert publisher.published[:3] == [
        ("a", {"metric": "counter", "value": 0}), ("b", {"metric": "counter", "value": 1}),
        ("a", {"metric": "counter", "value": 2}),
    ]  # fmt: skip
    assert len(publisher.published) == stream.sent
