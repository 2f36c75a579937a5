"""Which late readings a correction reads, and what it does with records that are none."""

from collections import namedtuple

import pytest
from kafka import TopicPartition

from headrace.late_data import late_topic
from headrace.late_data.late_topic import LateTopic

Record = namedtuple("Record", "topic partition offset value timestamp")
Found = namedtuple("Found", "offset")

LATE = (
    '{"device":"d","metric":"m","event_time":%d,"value":1.5,"late_by_ms":7,'
    '"position":{"topic":"telemetry.raw","partition":0,"offset":3}}'
)


class InMemoryConsumer:
    """telemetry.late with one partition a list of values; a value of None is a transaction marker."""

    def __init__(self, *partitions, first=0, committed=None):
        self.partitions = [TopicPartition("telemetry.late", number) for number in range(len(partitions))]
        self.values = dict(zip(self.partitions, partitions, strict=True))
        self.first = first
        self.committed_offset = committed
        self.positions = {}
        self.ended_at = {}
        self.commits = []

    def partitions_for_topic(self, topic):
        return {partition.partition for partition in self.partitions}

    def assign(self, partitions):
        assert set(partitions) <= set(self.partitions)
        self.positions = {}

    def beginning_offsets(self, partitions):
        return dict.fromkeys(partitions, self.first)

    def end_offsets(self, partitions):
        self.ended_at = {each: self.first + len(self.values[each]) for each in partitions}
        return dict(self.ended_at)

    def offsets_for_times(self, times):
        return {
            each: next((Found(at) for at in range(self.first, self.ended_at[each]) if at >= time), None)
            for each, time in times.items()
        }

    def committed(self, partition, timeout_ms):
        return self.committed_offset

    def seek(self, partition, offset):
        self.positions[partition] = offset

    def pause(self, *partitions):
        pass

    def resume(self, *partitions):
        pass

    def position(self, partition, timeout_ms):
        return self.positions[partition]

    def poll(self, timeout_ms):
        polled = {}
        for each, position in list(self.positions.items()):
            values = self.values[each]
            self.positions[each] = self.first + len(values)
            records = [
                Record(each.topic, each.partition, offset, value, offset)
                for offset, value in enumerate(values, self.first)
                if offset >= position and value is not None
            ]
            if records:
                polled[each] = records
        return polled

    def commit(self, offsets, timeout_ms):
        self.commits.append({at.partition: each.offset for at, each in offsets.items()})


def value(event_time=1_790_000_000_000):
    return (LATE % event_time).encode()


def read(consumer, since_ms=None):
    batches = list(LateTopic(consumer).batches(since_ms))
    return [arrival.offset for batch in batches for arrival in batch.records], batches


def test_without_an_earlier_run_everything_is_read_and_markers_are_passed():
    offsets, batches = read(InMemoryConsumer([value(), None, value(), None], []))
    assert offsets == [0, 2]
    assert batches[-1].next_offsets == {0: 4, 1: 0}


def test_a_run_goes_on_where_the_last_one_stopped():
    offsets, _ = read(InMemoryConsumer([value()] * 4, committed=3))
    assert offsets == [3]


def test_records_that_left_the_topic_uncorrected_are_said(caplog):
    offsets, _ = read(InMemoryConsumer([value()] * 2, first=10, committed=3))
    assert offsets == [10, 11]
    assert "telemetry.late[0] offsets 3-9 left the topic before their windows were corrected" in caplog.text


def test_offsets_of_a_topic_that_was_made_anew_are_not_used():
    offsets, _ = read(InMemoryConsumer([value()], committed=50))
    assert offsets == [0]


def test_looking_back_starts_at_a_time():
    offsets, _ = read(InMemoryConsumer([value()] * 4, [value()], committed=0), since_ms=2)
    assert offsets == [2, 3]


def test_what_is_stored_while_a_run_reads_is_left_for_the_next():
    consumer = InMemoryConsumer([value(), value()])
    batches = LateTopic(consumer).batches()
    ends = consumer.end_offsets

    def end_offsets(partitions):
        found = ends(partitions)
        consumer.values[consumer.partitions[0]].append(value())
        return found

    consumer.end_offsets = end_offsets  # type: ignore[method-assign]
    (batch,) = batches
    assert ([each.offset for each in batch.records], batch.next_offsets) == ([0, 1], {0: 2})


def test_a_long_backlog_comes_in_batches(monkeypatch):
    monkeypatch.setattr(late_topic, "BATCH", 2)
    _, batches = read(InMemoryConsumer([value()] * 3))
    assert [len(batch.records) for batch in batches] == [3, 0]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "value"),
        (b"{}", "device: Field required"),
        (b"[]", "value"),
        (value().replace(b'"late_by_ms":7', b'"late_by_ms":"x"'), "late_by_ms"),
        (value(10**18), "event_time 1000000000000000000 is not between"),
        (value(-1), "event_time -1 is not between"),
        (value().replace(b'"d"', b'"a\\nb"'), "is not a valid name"),
        (value().replace(b'"m"', b'"\\u0000"'), "is not a valid name"),
        (value().replace(b'"m"', b'""'), "is not a valid name"),
        (value().replace(b'"d"', b'"' + b"x" * 201 + b'"'), "is not a valid name"),
    ],
)
def test_what_is_no_late_reading_is_named_with_its_offset(bad, words):
    offsets, (batch,) = read(InMemoryConsumer([bad, value()]))
    assert offsets == [1]
    (named,) = batch.malformed
    assert str(named).startswith("telemetry.late[0] offset 0: ")
    assert words in named.problem


def test_offsets_are_committed_by_partition():
    consumer = InMemoryConsumer([value()])
    LateTopic(consumer).commit({0: 7, 2: 1})
    LateTopic(consumer).commit({})
    assert consumer.commits == [{0: 7, 2: 1}]
