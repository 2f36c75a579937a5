"""Records of partitions up to an end: the one loop that polls, and what it does when a broker stops sending."""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition

from connectors.kafka.clients import KafkaUnavailable

Partition = tuple[str, int]
"""Topic and number."""

STALLED_AFTER_S = 60.0
"""Without any progress for so long, the broker is unavailable. A restart of a broker takes a few seconds."""

POSITION_WITHIN_MS = 10_000
POLL_MS = 500


@dataclass(frozen=True)
class PartitionBatch:
    """What a partition holds from `start` to before `end`. Transaction markers and aborted records take offsets too."""

    topic: str
    partition: int
    start: int
    end: int
    records: list[Any]


def read(
    consumer: Any,
    starts: Mapping[Partition, int],
    ends: Mapping[Partition, int],
    stalled_after_s: float = STALLED_AFTER_S,
) -> Iterator[PartitionBatch]:
    """What the consumer may see between, a few thousand records at a time, the partitions side by side.

    Positions are compared with the ends and records are not counted: a position passes transaction markers and aborted
    records. What the caller does with a batch does not count as a pause of the broker.

    Raises
    ------
    KafkaUnavailable
        When nothing has moved for `stalled_after_s`.
    """
    position = {each: start for each, start in starts.items() if start < ends[each]}
    partitions = as_kafka(position)
    consumer.assign(partitions)
    # A partition that the last read has paused stays so if it is assigned again.
    consumer.resume(*partitions)
    for each, start in position.items():
        consumer.seek(TopicPartition(*each), start)
    moved_at = time.monotonic()
    while position:
        polled = consumer.poll(timeout_ms=POLL_MS)
        batches = [batch for each in list(position) if (batch := _batch(consumer, each, polled, position, ends[each]))]
        for batch in batches:
            yield batch
            moved_at = time.monotonic()
        if time.monotonic() - moved_at > stalled_after_s:
            missing = sum(ends[each] - at for each, at in position.items())
            topics = ", ".join(sorted({topic for topic, _ in position}))
            raise KafkaUnavailable(f"Kafka stopped sending {topics}, {missing:,} offsets before its end")


def _batch(
    consumer: Any, each: Partition, polled: Any, position: dict[Partition, int], end: int
) -> PartitionBatch | None:
    """What the poll brought of a partition; one that is at its end leaves `position` and is not fetched again."""
    partition, start = TopicPartition(*each), position[each]
    found = consumer.position(partition, timeout_ms=POSITION_WITHIN_MS)
    records = [record for record in polled.get(partition, ()) if record.offset < end]
    # None: the broker has not answered in time. What was polled has come all the same.
    reached = min(found, end) if found is not None else (records[-1].offset + 1 if records else start)
    if reached == start:
        return None
    position[each] = reached
    if reached >= end:
        consumer.pause(partition)
        del position[each]
    return PartitionBatch(*each, start, reached, records)


def partitions_of(consumer: Any, topic: str) -> list[Partition]:
    """Those of a topic; none where there is no such topic."""
    return [(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]


def as_kafka(partitions: Collection[Partition]) -> list[TopicPartition]:
    """As the client names them."""
    return [TopicPartition(*each) for each in partitions]


def as_pair(partition: Any) -> Partition:
    """As we name it."""
    return (partition.topic, partition.partition)


def plain(offsets: Mapping[Any, int]) -> dict[Partition, int]:
    """Offsets by our names of partitions."""
    return {as_pair(each): offset for each, offset in offsets.items()}


def group_offsets(admin: Any, groups: Collection[str] | None = None) -> dict[tuple[str, Partition], int]:
    """What consumer groups have committed: (group, partition) -> the offset they read next. None: of all groups."""
    there = {group["group_id"] for group in admin.list_groups()}
    asked = sorted(there if groups is None else there.intersection(groups))
    committed = admin.list_group_offsets(asked) if asked else {}
    return {
        (group, as_pair(each)): at.offset
        for group, offsets in committed.items()
        for each, at in offsets.items()
        if at.offset >= 0
    }
