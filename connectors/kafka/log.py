"""Reads on where an earlier look at the topics ended: what is committed, how far consumers are, what retention took."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from kafka.admin import OffsetSpec

from connectors.kafka.clients import KafkaUnavailable, admin, consumer, require_reachable
from connectors.kafka.reading import (
    STALLED_AFTER_S,
    Partition,
    PartitionBatch,
    as_kafka,
    as_pair,
    group_offsets,
    partitions_of,
    plain,
    read,
)
from schemas.topics import MAX_MESSAGE_BYTES, MIB

TIME_LIMIT_MS = 10_000

ATTEMPTS = 5


class KafkaLog:
    """The topics of one cluster, as a read_committed consumer sees them. A context manager, which closes its clients.

    Raises KafkaUnavailable when a broker stops in the middle of a read, for longer than `stalled_after_s`.
    """

    def __init__(self, consumer: Any, admin: Any, stalled_after_s: float = STALLED_AFTER_S) -> None:
        self._consumer = consumer
        self._admin = admin
        self._stalled_after_s = stalled_after_s

    @classmethod
    def connect(cls, bootstrap: str) -> "KafkaLog":
        """A log whose clients are connected.

        Raises
        ------
        KafkaUnavailable
            When no broker answers.
        """
        require_reachable(bootstrap)
        reader = consumer(bootstrap, partition_fetch_bytes=MAX_MESSAGE_BYTES, fetch_bytes=16 * MIB, timeout_ms=30_000)
        return cls(reader, admin(bootstrap, TIME_LIMIT_MS))

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
        return [each for topic in topics for each in partitions_of(self._consumer, topic)]

    def first_offsets(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Where each begins: above 0, retention has taken what was below."""
        return _of_all(self._consumer.beginning_offsets, partitions)

    def committed_ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Behind the last record of each that a read_committed consumer may see now."""
        return _of_all(self._consumer.end_offsets, partitions)

    def ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Behind the last record of each, open transactions included."""
        asked = dict.fromkeys(as_kafka(partitions), OffsetSpec.LATEST)
        return {as_pair(each): at.offset for each, at in self._admin.list_partition_offsets(asked).items()}

    def offsets_at(self, partitions: Collection[Partition], time_ms: int) -> dict[Partition, int | None]:
        """The first offset of each that was appended at `time_ms` or later; None if there is none."""
        found = self._consumer.offsets_for_times(dict.fromkeys(as_kafka(partitions), time_ms))
        return {as_pair(each): at.offset if at else None for each, at in found.items()}

    def group_offsets(self, groups: Collection[str] | None = None) -> dict[tuple[str, Partition], int]:
        """What consumer groups have committed: (group, partition) -> the offset they read next."""
        return group_offsets(self._admin, groups)

    def read(self, starts: Mapping[Partition, int], ends: Mapping[Partition, int]) -> Iterator[PartitionBatch]:
        """All committed records between, a few thousand at a time, the partitions side by side."""
        return read(self._consumer, starts, ends, self._stalled_after_s)


def _of_all(ask: Callable[[Any], Any], partitions: Collection[Partition]) -> dict[Partition, int]:
    """The answer for all partitions: kafka-python raises KeyError where the broker left one out, as a busy one may.

    Raises
    ------
    KafkaUnavailable
        When it does so again and again.
    """
    left_out = KeyError()
    for _ in range(ATTEMPTS):
        try:
            return plain(ask(as_kafka(partitions)))
        except KeyError as error:
            left_out = error
    raise KafkaUnavailable(f"Kafka did not give the offsets of {left_out}, asked {ATTEMPTS} times") from left_out
