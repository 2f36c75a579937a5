"""Reads whole topics as a read_committed consumer sees them: what is really there, never a counter."""

from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from schemas.topics import LARGEST_MESSAGE_BYTES, Topic


def scan(bootstrap: str, topic: Topic) -> Iterator[Any]:
    """Every committed record of the topic up to its end as it was when the scan began."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        group_id=None,
        max_partition_fetch_bytes=LARGEST_MESSAGE_BYTES,
        fetch_max_bytes=4 * LARGEST_MESSAGE_BYTES,
        max_poll_records=5000,
    )
    try:
        partitions = [TopicPartition(topic.name, number) for number in consumer.partitions_for_topic(topic.name) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        # The position passes aborted records and transaction markers; counting records would not end.
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for partition, records in consumer.poll(timeout_ms=500).items():
                yield from (record for record in records if record.offset < ends[partition])
    finally:
        consumer.close()
