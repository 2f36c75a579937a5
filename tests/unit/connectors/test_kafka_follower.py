"""FollowedTopic on a log in memory. On Kafka itself: tests/end_to_end/test_device_metadata.py."""

import threading

import pytest

from connectors.kafka.clients import KafkaUnavailable, MissingTopics
from connectors.kafka.follower import FollowedTopic
from connectors.kafka.reading import PartitionBatch
from schemas.topics import DEVICES

SOON_S = 30
ZERO, ONE = ((DEVICES.name, number) for number in (0, 1))


class InMemoryLog:
    """Partitions of texts, each at its offset; None is the marker of a transaction."""

    def __init__(self, **_):
        self.kept = {ZERO: ["a0"], ONE: []}
        self.first = {}
        self.errors = []
        self.closed = threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed.set()

    def partitions(self, topics):
        assert topics == [DEVICES.name]
        return list(self.kept)

    def first_offsets(self, partitions):
        return {each: self.first.get(each, 0) for each in partitions}

    def offsets_at(self, partitions, time_ms):
        """A record of this log is as old as its offset; None behind the last one."""
        return {each: time_ms if time_ms < len(self.kept[each]) else None for each in partitions}

    def committed_ends(self, partitions):
        if self.errors:
            raise self.errors.pop()
        return {each: len(self.kept[each]) for each in partitions}

    def read(self, starts, ends):
        for (topic, number), start in starts.items():
            if start < ends[each := (topic, number)]:
                found = self.kept[each][start : ends[each]]
                yield PartitionBatch(topic, number, start, ends[each], [text for text in found if text])


@pytest.fixture
def kafka():
    return InMemoryLog()


@pytest.fixture
def taken():
    return []


@pytest.fixture
def following(kafka, taken):
    return FollowedTopic(kafka, DEVICES, taken.extend, looks_every_s=0.001)


def test_each_look_gives_what_is_new_and_nothing_twice(kafka, taken, following):
    following.refresh()
    following.refresh()
    assert taken == ["a0"]
    kafka.kept[ZERO] += ["a1", None]
    kafka.kept[ONE] += ["b0"]
    following.refresh()
    following.refresh()
    assert taken == ["a0", "a1", "b0"]


def test_since_a_time_only_what_was_appended_since_is_read(kafka, taken):
    kafka.kept = {ZERO: ["a0", "a1", "a2"], ONE: ["b0"]}
    following = FollowedTopic(kafka, DEVICES, taken.extend, since_ms=1)
    following.refresh()
    assert taken == ["a1", "a2"]
    kafka.kept[ONE] += ["b1"]
    following.refresh()
    assert taken == ["a1", "a2", "b1"]


def test_what_compaction_took_is_not_asked_for(kafka, taken, following):
    kafka.kept[ZERO], kafka.first[ZERO] = ["gone", "a1"], 1
    following.refresh()
    assert taken == ["a1"]


def test_a_partition_that_is_added_is_read_from_its_beginning(kafka, taken, following):
    following.refresh()
    kafka.kept[DEVICES.name, 2] = ["c0"]
    following.refresh()
    assert taken == ["a0", "c0"]


def test_a_topic_that_was_made_anew_is_read_from_its_beginning(kafka, taken, following):
    kafka.kept[ZERO] = ["a0", "a1"]
    following.refresh()
    kafka.kept[ZERO] = ["b0"]
    following.refresh()
    assert taken == ["a0", "a1", "b0"]


def test_all_that_was_there_is_taken_before_start_returns(kafka, taken):
    kafka.kept[ZERO] = [f"a{number}" for number in range(1000)]
    following = FollowedTopic(kafka, DEVICES, taken.extend, looks_every_s=3600)
    following.start()
    assert len(taken) == 1000
    following.stop()
    assert kafka.closed.is_set()


@pytest.mark.parametrize("error", [MissingTopics, KafkaUnavailable])
def test_a_start_that_fails_closes_its_clients(kafka, following, error):
    kafka.kept = {} if error is MissingTopics else kafka.kept
    kafka.errors = [KafkaUnavailable("away")]
    with pytest.raises(error):
        following.start()
    assert kafka.closed.is_set()


def test_a_kafka_that_is_away_for_a_while_is_said_and_read_on_from_where_it_was(kafka, caplog):
    taken, came = [], threading.Event()

    def take(records):
        taken.extend(records)
        came.set()

    following = FollowedTopic(kafka, DEVICES, take, looks_every_s=0.001)
    following.start()
    came.clear()
    kafka.errors = [KafkaUnavailable("away"), KafkaUnavailable("away")]
    kafka.kept[ONE] = ["b0"]
    assert came.wait(SOON_S)
    following.stop()
    following.raise_if_ended()
    assert taken == ["a0", "b0"]
    assert "devices is not followed at the moment" in caplog.text


def test_an_error_of_what_takes_the_records_is_raised_to_who_asks(kafka):
    def take(records):
        if "b0" in records:
            raise ZeroDivisionError("on purpose")

    following = FollowedTopic(kafka, DEVICES, take, looks_every_s=0.001)
    following.start()
    following.raise_if_ended()
    kafka.kept[ONE] = ["b0"]
    assert kafka.closed.wait(SOON_S)
    with pytest.raises(ZeroDivisionError):
        following.raise_if_ended()
