"""The last records of each partition of a topic: how far it has come, without a scan."""

from contextlib import closing
from typing import Any

from connectors.kafka.clients import consumer
from connectors.kafka.reading import as_kafka, partitions_of, plain, read

TAIL = 20
"""Offsets read from the end of a partition: transaction markers take offsets, so one is not enough."""


def tail(
    bootstrap: str, topic: str, *, committed: bool, offsets: int = TAIL, within_ms: int = 8000
) -> dict[int, list[Any]]:
    """Partition -> its records among the last `offsets`; an empty list where these are markers only.

    Raises
    ------
    KafkaUnavailable
        When the broker does not answer, or sends nothing, within `within_ms`.
    """
    reader = consumer(bootstrap, committed=committed, start="earliest", timeout_ms=within_ms, max_records=1000)
    with closing(reader):
        partitions = partitions_of(reader, topic)
        first = plain(reader.beginning_offsets(as_kafka(partitions)))
        ends = plain(reader.end_offsets(as_kafka(partitions)))
        starts = {each: max(first[each], ends[each] - offsets) for each in partitions}
        found: dict[int, list[Any]] = {number: [] for _, number in partitions}
        for batch in read(reader, starts, ends, stalled_after_s=within_ms / 1000):
            found[batch.partition] += batch.records
    return found
