"""Reads whole topics as a read_committed consumer sees them: what is really there, never a counter."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from connectors.kafka.clients import consumer, require_reachable
from connectors.kafka.reading import STALLED_AFTER_S, as_kafka, partitions_of, plain, read
from schemas.topics import MAX_MESSAGE_BYTES, Topic

REQUEST_TIMEOUT_MS = 10_000


def scan(
    bootstrap: str,
    topic: Topic,
    stalled_after_s: float = STALLED_AFTER_S,
    request_timeout_ms: int = REQUEST_TIMEOUT_MS,
) -> Iterator[Any]:
    """Every committed record of the topic up to its end as it was when the scan began.

    Raises
    ------
    KafkaUnavailable
        When no broker answers, or when one stops answering in the middle.
    """
    require_reachable(bootstrap)
    reader = consumer(
        bootstrap,
        # Retention may take the first offsets while they are read; Kafka's "latest" would pass over all the others.
        start="earliest",
        timeout_ms=request_timeout_ms,
        partition_fetch_bytes=MAX_MESSAGE_BYTES,
        fetch_bytes=4 * MAX_MESSAGE_BYTES,
    )
    with closing(reader):
        yield from read_to_end(reader, topic.name, stalled_after_s)


def read_to_end(consumer: Any, topic: str, stalled_after_s: float) -> Iterator[Any]:
    """As `scan`, with a consumer of the caller's."""
    partitions = partitions_of(consumer, topic)
    if not partitions:
        return
    starts, ends = (plain(asked(as_kafka(partitions))) for asked in (consumer.beginning_offsets, consumer.end_offsets))
    for batch in read(consumer, starts, ends, stalled_after_s):
        yield from batch.records
