"""How many records a consumer group is behind, with a topic in memory."""

from collections import namedtuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.clients import KafkaUnavailable, RecordsRemoved
from connectors.kafka.reading import PartitionBatch
from headrace.monitoring.lag import EXACT_OFFSETS, READ_WITHIN_S, records_behind

Record = namedtuple("Record", "offset")

READINGS = ("telemetry.readings", 0)
SCORES = ("telemetry.anomalies", 2)


class InMemoryLog:
    """Partitions as texts, a letter an offset: r is a record, m a marker, a an aborted record, o one of an open
    transaction. `first`: what retention has left. `fails_at`: after how many offsets reading stops, and how."""

    def __init__(self, partitions, first=0, a_batch=3, fails_after=None, failure=None):
        self.partitions, self.first, self.a_batch = partitions, first, a_batch
        self.fails_after, self.failure = fails_after, failure
        self.reads = []

    def first_offsets(self, partitions):
        return dict.fromkeys(partitions, self.first)

    def committed_ends(self, partitions):
        return {each: len(self.partitions[each].partition("o")[0]) for each in partitions}

    def ends(self):
        return {each: len(offsets) for each, offsets in self.partitions.items()}

    def read(self, starts, ends):
        self.reads.append(dict(starts))
        for partition, start in starts.items():
            topic, number = partition
            for at in range(start, ends[partition], self.a_batch):
                if self.fails_after is not None and at - start >= self.fails_after:
                    raise self.failure
                end = min(at + self.a_batch, ends[partition])
                held = self.partitions[partition]
                yield PartitionBatch(
                    topic, number, at, end, [Record(each) for each in range(at, end) if held[each] == "r"]
                )


def behind(text, offset, **log):
    kafka = InMemoryLog({READINGS: text}, **log)
    return records_behind(kafka, {("store", READINGS): offset}, kafka.ends())["store", READINGS]


@pytest.mark.parametrize(
    ("offsets", "offset", "records"),
    [
        ("rrrm", 3, 0),
        ("rrrmmmm", 3, 0),
        ("rmrmrm", 5, 0),
        ("rrrmaaaam", 3, 0),
        ("rrrm" + "a" * 4000 + "m", 3, 0),
        ("rrrm", 4, 0),
        ("rrr", 3, 0),
        ("", 0, 0),
        ("rrrm", 2, 1),
        ("rrrm", 0, 3),
        ("rmrmaamrm", 1, 2),
        ("rrrmoo", 3, 2),
        ("rrrmoo", 5, 1),
        ("rrrmoo", 6, 0),
    ],
)
def test_only_records_count_and_neither_markers_nor_what_was_aborted(offsets, offset, records):
    assert behind(offsets, offset) == records


@given(st.text("rma", max_size=200), st.text("o", max_size=5), st.data())
def test_groups_of_a_partition_are_each_as_far_behind_as_if_they_were_alone(committed, opened, data):
    offsets = data.draw(st.lists(st.integers(0, len(committed)), min_size=1, max_size=4))
    kafka = InMemoryLog({READINGS: committed + opened})
    found = records_behind(kafka, {(str(n), READINGS): at for n, at in enumerate(offsets)}, kafka.ends())
    assert found == {(str(n), READINGS): committed[at:].count("r") + len(opened) for n, at in enumerate(offsets)}
    assert len(kafka.reads) <= 1


def test_of_a_long_way_behind_nothing_is_read_and_offsets_are_the_figure():
    kafka = InMemoryLog({READINGS: "rm" * EXACT_OFFSETS, SCORES: "rm"})
    committed = {("slow", READINGS): 0, ("quick", READINGS): 2 * EXACT_OFFSETS - 1, ("slow", SCORES): 1}
    found = records_behind(kafka, committed, kafka.ends())
    assert found == {("slow", READINGS): 2 * EXACT_OFFSETS, ("quick", READINGS): 0, ("slow", SCORES): 0}
    assert kafka.reads == [{READINGS: 2 * EXACT_OFFSETS - 1, SCORES: 1}]


def test_what_retention_has_removed_is_not_behind():
    assert behind("rrrmrrm", 1, first=4) == 2
    assert behind("rrrm", 1, first=4) == 0


@pytest.mark.parametrize("failure", [KafkaUnavailable("Kafka sends nothing more"), RecordsRemoved()])
def test_what_could_not_be_read_counts_by_its_offsets(failure):
    assert behind("rmrmrm" + "rm" * 3, 0, a_batch=6, fails_after=6, failure=failure) == 3 + 6
    assert behind("rmrm", 0, fails_after=0, failure=failure) == 4


def test_reading_ends_with_its_time_and_the_rest_counts_by_its_offsets():
    clock = iter([0.0, READ_WITHIN_S - 1, READ_WITHIN_S + 1])
    kafka = InMemoryLog({READINGS: "rm" * 30}, a_batch=20)
    found = records_behind(kafka, {("store", READINGS): 0}, kafka.ends(), now_s=lambda: next(clock))
    assert found == {("store", READINGS): 10 + 10 + 20}


def test_partitions_that_are_none_of_ours_are_left_out():
    kafka = InMemoryLog({READINGS: "rm"})
    assert records_behind(kafka, {("store", ("somebody.elses", 0)): 0}, kafka.ends()) == {}
