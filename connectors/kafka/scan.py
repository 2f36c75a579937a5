"""Reads whole topics as a read_committed consumer sees them: what is really there, never a counter."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.kafka.clients import KafkaUnavailable, reachable
from schemas.topics import MAX_MESSAGE_BYTES, Topic

REQUEST_TIMEOUT_MS = 10_000
STALLED_AFTER_S = 60.0
"""Without any progress for so long, the broker is unavailable. A restart of a broker takes a few seconds."""


def scan(
    bootstrap: str,
    topic: Topic,
    stalled_after_s: float = STALLED_AFTER_S,
    request_timeout_ms: int = REQUEST_TIMEOUT_MS,
) -> Iterator[Any]:
    """Every committed record of the topic up to its end as it was when the scan began.

    Raises Unreachable when no broker answers, or when one stops answering in the middle.
    """
    if not reachable(bootstrap):
        raise KafkaUnavailable(f"Kafka at {bootstrap} does not answer")
    try:
        with closing(_consumer(bootstrap, request_timeout_ms)) as consumer:
            yield from read_to_end(consumer, topic.name, stalled_after_s)
    except KafkaError as error:
        raise KafkaUnavailable(f"Kafka at {bootstrap} does not answer while {topic.name} is read: {error!r}") from error


def read_to_end(consumer: Any, topic: str, stalled_after_s: float) -> Iterator[Any]:
    """As `scan`, with a consumer of the caller's. Raises Unreachable, and KafkaError as the consumer does."""
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    if not partitions:
        return
    consumer.assign(partitions)
    position, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    for partition, offset in position.items():
        consumer.seek(partition, offset)
    moved_at = time.monotonic()
    # The position passes aborted records and transaction markers; counting records would not end.
    while any(position[each] < ends[each] for each in partitions):
        for partition, records in consumer.poll(timeout_ms=500).items():
            yield from (record for record in records if record.offset < ends[partition])
            moved_at = time.monotonic()  # what the caller did with the records does not count
        reached = {each: _position(consumer, each, position[each]) for each in partitions}
        if reached != position:
            position, moved_at = reached, time.monotonic()
        elif time.monotonic() - moved_at > stalled_after_s:
            missing = sum(max(ends[each] - position[each], 0) for each in partitions)
            raise KafkaUnavailable(f"Kafka stopped sending {topic}, {missing:,} offsets before its end")


def _position(consumer: Any, partition: TopicPartition, known: int) -> int:
    """The known one where the broker has not answered in time."""
    found = consumer.position(partition, timeout_ms=REQUEST_TIMEOUT_MS)
    return known if found is None else int(found)


def _consumer(bootstrap: str, request_timeout_ms: int) -> KafkaConsumer:
    return KafkaConsumer(
        bootstrap_servers=bootstrap,
        bootstrap_timeout_ms=request_timeout_ms,
        request_timeout_ms=request_timeout_ms,
        isolation_level="read_committed",
        enable_auto_commit=False,
        # Retention may take the first offsets while they are read; Kafka's "latest" would pass over all the others.
        auto_offset_reset="earliest",
        group_id=None,
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        fetch_max_bytes=4 * MAX_MESSAGE_BYTES,
        max_poll_records=5000,
    )
