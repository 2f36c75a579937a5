"""A scan ends: at the end of the topic, or with an error when Kafka is unavailable."""

import socket
from collections import namedtuple

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError, NodeNotReadyError

from connectors.kafka.clients import KafkaUnavailable
from connectors.kafka.scan import read_to_end, scan
from schemas.topics import INTERACTIONS

Record = namedtuple("Record", "offset")
TOPIC = "interactions"


class InMemoryConsumer:
    """Partitions with offsets from 0 to their ends. Each step of `polls` is partition -> offsets and the new position.

    What is no dict is raised; when no step is left, the broker is dead and polls return nothing.
    """

    def __init__(self, ends, *polls, answers_position=True):
        self.ends, self.polls, self.answers_position = ends, list(polls), answers_position
        self.positions = {}

    def partitions_for_topic(self, topic):
        return set(self.ends)

    def assign(self, partitions):
        self.positions = dict.fromkeys(partitions)

    def beginning_offsets(self, partitions):
        return dict.fromkeys(partitions, 0)

    def end_offsets(self, partitions):
        return {each: self.ends[each.partition] for each in partitions}

    def seek(self, partition, offset):
        self.positions[partition] = offset

    def poll(self, timeout_ms):
        step = self.polls.pop(0) if self.polls else {}
        if not isinstance(step, dict):
            raise step
        polled = {}
        for number, (offsets, position) in step.items():
            partition = TopicPartition(TOPIC, number)
            self.positions[partition] = position
            polled[partition] = [Record(offset) for offset in offsets]
        return polled

    def pause(self, *partitions):
        pass

    def resume(self, *partitions):
        pass

    def position(self, partition, timeout_ms):
        return self.positions[partition] if self.answers_position else None


def offsets_of(consumer):
    return [record.offset for record in read_to_end(consumer, TOPIC, stalled_after_s=0.01)]


def test_all_partitions_are_read_to_the_end_that_they_had_when_the_scan_began():
    consumer = InMemoryConsumer({0: 2, 1: 3}, {0: ([0, 1], 2)}, {1: ([0, 1, 2, 3, 4], 5)})
    assert offsets_of(consumer) == [0, 1, 0, 1, 2]


def test_transaction_markers_and_aborted_records_at_the_end_are_passed():
    assert offsets_of(InMemoryConsumer({0: 9}, {0: ([0], 1)}, {0: ([], 9)})) == [0]


def test_a_topic_that_does_not_exist_has_no_records():
    assert offsets_of(InMemoryConsumer({})) == []


def test_a_broker_that_dies_in_the_middle_of_a_scan_ends_it_with_an_error():
    consumer = InMemoryConsumer({0: 1000}, {0: ([0, 1], 2)})
    with pytest.raises(KafkaUnavailable, match="stopped sending interactions, 998 offsets before its end"):
        offsets_of(consumer)


def test_a_broker_that_does_not_tell_positions_ends_the_scan_with_an_error_too():
    with pytest.raises(KafkaUnavailable, match="1,000 offsets before its end"):
        offsets_of(InMemoryConsumer({0: 1000}, answers_position=False))


@pytest.mark.parametrize("error", [KafkaTimeoutError("late"), NodeNotReadyError("gone")])
def test_records_that_came_before_an_error_of_the_client_are_not_lost(error):
    records = read_to_end(InMemoryConsumer({0: 9}, {0: ([0, 1], 2)}, error), TOPIC, stalled_after_s=0.01)
    assert [next(records).offset, next(records).offset] == [0, 1]
    with pytest.raises(type(error)):
        next(records)


def test_an_address_where_nobody_listens_is_an_error_of_the_tree():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(KafkaUnavailable, match=f"{address} does not answer"):
        list(scan(address, INTERACTIONS))


def test_a_server_that_takes_connections_and_never_answers_is_an_error_of_the_tree():
    """Something listens there, and it is no broker: the client gives up in its time."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(KafkaUnavailable, match=f"{address} does not answer"):
            list(scan(address, INTERACTIONS, request_timeout_ms=700))
