"""KafkaLog reads on, with a consumer in memory."""

from collections import namedtuple
from types import SimpleNamespace

import pytest
from kafka import TopicPartition

from connectors.kafka.clients import KafkaUnavailable
from connectors.kafka.log import KafkaLog
from connectors.kafka.reading import PartitionBatch

Record = namedtuple("Record", "offset")

READINGS = ("telemetry.readings", 0)


class InMemoryConsumer:
    """Answers each poll with the next step: partition -> records, and the position behind them."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.positions = {}
        self.paused = []

    def assign(self, partitions):
        """As KafkaConsumer: a partition that was assigned before stays paused."""
        self.positions = dict.fromkeys(partitions)
        self.paused = [each for each in self.paused if each in self.positions]

    def seek(self, partition, offset):
        self.positions[partition] = offset

    def poll(self, timeout_ms):
        assert set(self.positions) - set(self.paused)
        polled = {}
        for (partition, offsets), position in self.steps.pop(0) if self.steps else ():
            self.positions[TopicPartition(*partition)] = position
            if offsets:
                polled[TopicPartition(*partition)] = [Record(offset) for offset in offsets]
        return polled

    def position(self, partition, timeout_ms):
        return self.positions[partition]

    def pause(self, *partitions):
        self.paused += partitions

    def resume(self, *partitions):
        self.paused = [each for each in self.paused if each not in partitions]


def read(consumer, starts, ends):
    return list(KafkaLog(consumer, None, stalled_after_s=0.01).read(starts, ends))


def test_it_reads_from_where_it_is_told_to_the_end_it_is_told():
    consumer = InMemoryConsumer([((READINGS, [5, 6]), 7)], [((READINGS, [7, 8, 9]), 10)])
    assert read(consumer, {READINGS: 5}, {READINGS: 9}) == [
        PartitionBatch(*READINGS, 5, 7, [Record(5), Record(6)]),
        PartitionBatch(*READINGS, 7, 9, [Record(7), Record(8)]),
    ]


def test_offsets_of_markers_and_of_aborted_records_are_passed_without_records():
    consumer = InMemoryConsumer([((READINGS, []), 3)], [((READINGS, [4]), 6)])
    assert read(consumer, {READINGS: 0}, {READINGS: 6}) == [
        PartitionBatch(*READINGS, 0, 3, []),
        PartitionBatch(*READINGS, 3, 6, [Record(4)]),
    ]


def test_a_partition_that_is_at_its_end_is_not_read():
    assert read(InMemoryConsumer(), {READINGS: 6}, {READINGS: 6}) == []


def test_a_partition_that_reached_its_end_is_paused_while_others_are_read():
    other = ("telemetry.readings", 1)
    consumer = InMemoryConsumer([((READINGS, [0]), 1)], [((other, [0]), 1)])
    read(consumer, {READINGS: 0, other: 0}, {READINGS: 1, other: 1})
    assert consumer.paused == [TopicPartition(*READINGS), TopicPartition(*other)]


def test_a_partition_is_read_on_where_the_last_read_ended():
    log = KafkaLog(InMemoryConsumer([((READINGS, [0]), 1)], [((READINGS, [1]), 2)]), None, stalled_after_s=0.01)
    assert [batch.end for batch in log.read({READINGS: 0}, {READINGS: 1})] == [1]
    assert [batch.end for batch in log.read({READINGS: 1}, {READINGS: 2})] == [2]


def test_a_broker_that_stops_in_the_middle_is_not_waited_for_for_ever():
    consumer = InMemoryConsumer([((READINGS, [0]), 1)])
    with pytest.raises(KafkaUnavailable, match=r"stopped sending telemetry\.readings, 4 offsets before its end"):
        read(consumer, {READINGS: 0}, {READINGS: 5})


def test_groups_that_there_are_not_have_no_offsets():
    answered = {"headrace-a": {TopicPartition(*READINGS): SimpleNamespace(offset=7)}}
    asked = []

    def list_group_offsets(groups):
        asked.append(groups)
        return answered

    admin = SimpleNamespace(list_groups=lambda: [{"group_id": "headrace-a"}], list_group_offsets=list_group_offsets)
    log = KafkaLog(None, admin)
    assert log.group_offsets(["headrace-a", "headrace-b"]) == {("headrace-a", READINGS): 7}
    assert asked == [["headrace-a"]]
    assert log.group_offsets(["headrace-b"]) == {}


def test_no_kafka_is_unreachable():
    with pytest.raises(KafkaUnavailable, match=r"127.0.0.1:1 does not answer"):
        KafkaLog.connect("127.0.0.1:1")


class ForgetfulConsumer:
    """Leaves a partition out of its first answers, as kafka-python does."""

    def __init__(self, times):
        self.times = times

    def end_offsets(self, partitions):
        self.times -= 1
        if self.times >= 0:
            raise KeyError(partitions[0])
        return dict.fromkeys(partitions, 7)


def test_a_partition_that_the_broker_left_out_is_asked_for_again():
    assert KafkaLog(ForgetfulConsumer(2), None).committed_ends([("readings", 0)]) == {("readings", 0): 7}


def test_a_partition_that_the_broker_leaves_out_again_and_again_is_unavailable():
    with pytest.raises(KafkaUnavailable, match="did not give the offsets"):
        KafkaLog(ForgetfulConsumer(1000), None).committed_ends([("readings", 0)])
