"""How much of a topic's retention its oldest unread records have used up: beyond it Kafka removes them unread."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from kafka import TopicPartition
from kafka.admin import ConfigResource, OffsetSpec

from connectors.kafka.clients import KafkaUnavailable, admin_client, consumer
from connectors.kafka.reading import group_offsets, read
from schemas.topics import TOPICS

TIME_LIMIT_MS = 8000
SHARE = 0.5
"""Of a limit. Younger or smaller than this is not looked at closely."""
FETCH_BYTES = 64 * 1024


@dataclass(frozen=True)
class Limits:
    """Of one topic, as the broker has them; the size is that of one partition. None: unlimited."""

    retention_ms: int | None
    retention_bytes: int | None


@dataclass(frozen=True)
class Unread:
    """What one consumer group has not read of one partition."""

    group: str
    topic: str
    partition: int
    limits: Limits
    age_ms: int = 0
    """Of the oldest unread record, by the broker's clock; 0 where it is younger than SHARE of the limit."""
    size_bytes: int = 0
    """Estimated from the partition's size and the share of its offsets that is unread."""
    dropped: int = 0
    """Offsets that were removed before the group came to them."""

    @property
    def age_share(self) -> float:
        return self.age_ms / self.limits.retention_ms if self.limits.retention_ms else 0.0

    @property
    def size_share(self) -> float:
        return self.size_bytes / self.limits.retention_bytes if self.limits.retention_bytes else 0.0


def collect(bootstrap: str) -> list[Unread]:
    """Of every group that has committed an offset, and is behind.

    Raises
    ------
    KafkaClientError
    """
    with admin_client(bootstrap, TIME_LIMIT_MS) as admin:
        return list(unread(admin, partial(_first_timestamp, bootstrap), time.time_ns() // 1_000_000))


def unread(
    admin: Any, first_timestamp: Callable[[TopicPartition, int, int], int | None], now_ms: int
) -> Iterator[Unread]:
    """As `collect`; `first_timestamp` is that of the first record from one offset to another, None without any."""
    there = set(admin.list_topics())
    topics = [topic.name for topic in TOPICS if topic.name in there]
    limits, sizes, committed = _limits(admin, topics), _sizes(admin, topics), _committed(admin, topics)
    partitions = {at for _, at in committed}
    first = _offsets(admin, dict.fromkeys(partitions, OffsetSpec.EARLIEST))
    end = _offsets(admin, dict.fromkeys(partitions, OffsetSpec.LATEST))
    young = _offsets(
        admin, {at: now_ms - int(SHARE * ms) for at in partitions if (ms := limits[at.topic].retention_ms)}
    )
    for (group, at), offset in sorted(committed.items()):
        if offset >= end[at]:
            continue
        oldest = max(offset, first[at])
        # Kafka's time index says cheaply that a record is young; the age of the others is read from the record.
        is_young = at not in young or 0 <= young[at] <= oldest
        stored_ms = None if is_young else first_timestamp(at, oldest, end[at])
        yield Unread(
            group,
            at.topic,
            at.partition,
            limits[at.topic],
            age_ms=0 if stored_ms is None else max(0, now_ms - stored_ms),
            size_bytes=sizes.get(at, 0) * (end[at] - oldest) // max(1, end[at] - first[at]),
            dropped=max(0, first[at] - offset),
        )


def _limits(admin: Any, topics: Iterable[str]) -> dict[str, Limits]:
    resources = [ConfigResource("topic", name) for name in topics]
    described = admin.describe_configs(resources, config_filter="all")["topic"] if resources else {}

    def limit(name: str, key: str) -> int | None:
        value = int(described[name][key]["value"])
        return value if value >= 0 else None

    return {name: Limits(limit(name, "retention.ms"), limit(name, "retention.bytes")) for name in described}


def _sizes(admin: Any, topics: list[str]) -> dict[TopicPartition, int]:
    """Of the largest replica."""
    sizes: dict[TopicPartition, int] = {}
    for broker in admin.describe_log_dirs(topics) if topics else []:
        for folder in broker["log_dirs"]:
            for topic in folder["topics"]:
                for each in topic["partitions"]:
                    at = TopicPartition(topic["name"], each["partition_index"])
                    sizes[at] = max(sizes.get(at, 0), int(each["partition_size"]))
    return sizes


def _committed(admin: Any, topics: list[str]) -> dict[tuple[str, TopicPartition], int]:
    return {
        (group, TopicPartition(*at)): offset for (group, at), offset in group_offsets(admin).items() if at[0] in topics
    }


def _offsets(admin: Any, wanted: Mapping[TopicPartition, Any]) -> dict[TopicPartition, int]:
    return {at: found.offset for at, found in admin.list_partition_offsets(wanted).items()} if wanted else {}


def _first_timestamp(bootstrap: str, at: TopicPartition, offset: int, end: int) -> int | None:
    """Ms since the epoch of the first record from `offset`; None where there are transaction markers only."""
    reader = consumer(
        bootstrap, committed=False, start="earliest", timeout_ms=TIME_LIMIT_MS, max_records=1,
        partition_fetch_bytes=FETCH_BYTES,
    )  # fmt: skip
    with closing(reader), suppress(KafkaUnavailable):  # an answer that does not come is an age that is not known
        span = {(at.topic, at.partition): offset}, {(at.topic, at.partition): end}
        for batch in read(reader, *span, stalled_after_s=TIME_LIMIT_MS / 1000):
            if batch.records:
                return int(batch.records[0].timestamp)
    return None
