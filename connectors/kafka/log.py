"""Reads on where an earlier look at the topics ended: what is committed, how far consumers are, what retention took."""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from connectors.kafka.clients import KafkaUnavailable, reachable
from schemas.topics import MAX_MESSAGE_BYTES, MIB

TIME_LIMIT_MS = 10_000
STALLED_AFTER_S = 60.0
RECORDS_A_POLL = 5000

Partition = tuple[str, int]
"""Topic and number."""


@dataclass(frozen=True)
class Batch:
    """What a partition holds from `start` to before `end`. Transaction markers and aborted records take offsets too."""

    topic: str
    partition: int
    start: int
    end: int
    records: list[Any]


class KafkaLog:
    """The topics of one cluster, as a read_committed consumer sees them. A context manager, which closes its clients.

    Raises Unreachable when a broker stops in the middle of a read, for longer than `stalled_after_s`.
    """

    def __init__(self, consumer: Any, admin: Any, stalled_after_s: float = STALLED_AFTER_S) -> None:
        self._consumer = consumer
        self._admin = admin
        self._stalled_after_s = stalled_after_s

    @classmethod
    def connect(cls, bootstrap: str) -> "KafkaLog":
        """Raises Unreachable when no broker answers."""
        if not reachable(bootstrap):
            raise KafkaUnavailable(f"Kafka at {bootstrap} does not answer")
        try:
            return cls(_consumer(bootstrap), _admin(bootstrap))
        except KafkaError as error:
            raise KafkaUnavailable(f"Kafka at {bootstrap} does not answer: {error}") from error

    def __enter__(self) -> "KafkaLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()
        self._admin.close()

    @property
    def cluster(self) -> str:
        """The cluster's own identifier: another one is another history."""
        return str(self._admin.describe_cluster()["cluster_id"])

    def partitions(self, topics: Collection[str]) -> list[Partition]:
        """Of the topics that there are."""
        return [
            (topic, number) for topic in topics for number in sorted(self._consumer.partitions_for_topic(topic) or ())
        ]

    def first_offsets(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Where each begins: above 0, retention has taken what was below."""
        return _plain(self._consumer.beginning_offsets(_kafkas(partitions)))

    def committed_ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Behind the last record of each that a read_committed consumer may see now."""
        return _plain(self._consumer.end_offsets(_kafkas(partitions)))

    def ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Behind the last record of each, open transactions included."""
        asked = dict.fromkeys(_kafkas(partitions), OffsetSpec.LATEST)
        return {_pair(each): at.offset for each, at in self._admin.list_partition_offsets(asked).items()}

    def offsets_at(self, partitions: Collection[Partition], time_ms: int) -> dict[Partition, int | None]:
        """The first offset of each that was appended at `time_ms` or later; None if there is none."""
        found = self._consumer.offsets_for_times(dict.fromkeys(_kafkas(partitions), time_ms))
        return {_pair(each): at.offset if at else None for each, at in found.items()}

    def group_offsets(self, groups: Collection[str]) -> dict[tuple[str, Partition], int]:
        """What consumer groups have committed: (group, partition) -> the offset they read next."""
        there = {group["group_id"] for group in self._admin.list_groups()}
        asked = sorted(there.intersection(groups))
        committed = self._admin.list_group_offsets(asked) if asked else {}
        return {
            (group, _pair(each)): at.offset
            for group, offsets in committed.items()
            for each, at in offsets.items()
            if at.offset >= 0
        }

    def read(self, starts: Mapping[Partition, int], ends: Mapping[Partition, int]) -> Iterator[Batch]:
        """All committed records between, a few thousand at a time, the partitions side by side."""
        position = {each: start for each, start in starts.items() if start < ends[each]}
        self._consumer.assign(_kafkas(position))
        # A partition that the last read has paused stays so if it is assigned again.
        self._consumer.resume(*_kafkas(position))
        for each, start in position.items():
            self._consumer.seek(TopicPartition(*each), start)
        moved_at = time.monotonic()
        while position:
            polled = self._consumer.poll(timeout_ms=500)
            batches = [batch for each in list(position) if (batch := self._batch(each, polled, position, ends[each]))]
            for batch in batches:
                yield batch
                moved_at = time.monotonic()
            if time.monotonic() - moved_at > self._stalled_after_s:
                raise KafkaUnavailable(f"Kafka sends nothing more of {sorted(position)}, before their ends")

    def _batch(self, each: Partition, polled: Any, position: dict[Partition, int], end: int) -> Batch | None:
        """What the poll brought of a partition; one that is at its end leaves `position` and is not fetched again."""
        partition = TopicPartition(*each)
        start, reached = position[each], min(self._consumer.position(partition), end)
        if reached == start:
            return None
        position[each] = reached
        if reached >= end:
            self._consumer.pause(partition)
            del position[each]
        records = [record for record in polled.get(partition, ()) if record.offset < end]
        return Batch(*each, start, reached, records)


def _kafkas(partitions: Collection[Partition]) -> list[TopicPartition]:
    return [TopicPartition(*each) for each in partitions]


def _pair(partition: Any) -> Partition:
    return (partition.topic, partition.partition)


def _plain(offsets: Mapping[Any, int]) -> dict[Partition, int]:
    return {_pair(each): offset for each, offset in offsets.items()}


def _consumer(bootstrap: str) -> KafkaConsumer:
    return KafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        group_id=None,
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        # The broker cuts an answer here, so this bounds what is held of the history at any time.
        fetch_max_bytes=16 * MIB,
        max_poll_records=RECORDS_A_POLL,
        # Kafka's 30 s are what a broker that is back would wait for a reader that follows it.
        reconnect_backoff_max_ms=1000,
        metrics_enabled=False,
    )


def _admin(bootstrap: str) -> KafkaAdminClient:
    return KafkaAdminClient(
        bootstrap_servers=bootstrap, bootstrap_timeout_ms=TIME_LIMIT_MS, request_timeout_ms=TIME_LIMIT_MS
    )
