"""The last records of each partition of a topic: how far it has come, without a scan."""

import time
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

TAIL = 20
"""Offsets read from the end of a partition: transaction markers take offsets, so one is not enough."""


def tail(
    bootstrap: str, topic: str, *, committed: bool, offsets: int = TAIL, within_ms: int = 8000
) -> dict[int, list[Any]]:
    """Partition -> its records among the last `offsets`; an empty list where these are markers only.

    Raises KafkaError when the broker does not answer, or the end is not reached, within `within_ms`.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed" if committed else "read_uncommitted",
        enable_auto_commit=False,
        request_timeout_ms=within_ms,
        bootstrap_timeout_ms=within_ms,
        max_poll_records=1000,
    )
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        first, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        for each in partitions:
            consumer.seek(each, max(first[each], ends[each] - offsets))
        found: dict[int, list[Any]] = {each.partition: [] for each in partitions}
        deadline = time.monotonic() + within_ms / 1000
        while any(consumer.position(each, timeout_ms=within_ms) < ends[each] for each in partitions):
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"{topic} was not read to its end within {within_ms} ms")
            for partition, records in consumer.poll(timeout_ms=500).items():
                found[partition.partition] += [record for record in records if record.offset < ends[partition]]
        return found
    finally:
        consumer.close()
