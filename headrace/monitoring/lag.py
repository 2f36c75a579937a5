"""How many records each consumer group is behind.

Offsets count transaction markers and aborted records too, so behind the last record of a topic that is written in
transactions some are always left. Up to EXACT_OFFSETS of a partition are read, and the records among them counted; of
more the offsets are the figure, which errs by the markers.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from typing import Protocol

from connectors.kafka.clients import KafkaUnavailable, RecordsRemoved
from connectors.kafka.reading import Partition, PartitionBatch

EXACT_OFFSETS = 10_000
"""Of one partition. Reading so many takes a fraction of a second."""
READ_WITHIN_S = 5.0
"""Of all partitions; what was not read by then counts by its offsets."""

Committed = Mapping[tuple[str, Partition], int]
"""(group, partition) -> the offset that the group reads next."""


class Log(Protocol):
    """KafkaLog, or what stands for it in a test."""

    def first_offsets(self, partitions: Collection[Partition]) -> dict[Partition, int]: ...
    def committed_ends(self, partitions: Collection[Partition]) -> dict[Partition, int]: ...
    def read(self, starts: Mapping[Partition, int], ends: Mapping[Partition, int]) -> Iterator[PartitionBatch]: ...


def records_behind(
    log: Log, committed: Committed, ends: Mapping[Partition, int], now_s: Callable[[], float] = time.monotonic
) -> dict[tuple[str, Partition], int]:
    """For each group and partition of `committed` that has an end: the records that the group has not read.

    Records of open transactions are offsets between the committed end and the end; they count as such. What retention
    has removed is not behind any more.
    """
    known = {each: offset for each, offset in committed.items() if each[1] in ends}
    partitions = {partition for _, partition in known}
    first = log.first_offsets(partitions) if partitions else {}
    readable = log.committed_ends(partitions) if partitions else {}
    nexts = {each: max(offset, first[each[1]]) for each, offset in known.items()}
    starts = _starts(nexts, readable)
    found, reached = _read(log, starts, readable, now_s)

    def behind(partition: Partition, offset: int) -> int:
        end = max(ends[partition], readable[partition])
        if partition not in reached or offset < starts[partition]:
            return max(0, end - offset)
        records = sum(each >= offset for each in found[partition])
        return records + max(0, end - max(offset, reached[partition]))

    return {(group, partition): behind(partition, offset) for (group, partition), offset in nexts.items()}


def _starts(nexts: Committed, readable: Mapping[Partition, int]) -> dict[Partition, int]:
    """Where to begin to read each partition: the first offset of a group that is near its end."""
    starts: dict[Partition, int] = {}
    for (_, partition), offset in nexts.items():
        if 0 < readable[partition] - offset <= EXACT_OFFSETS:
            starts[partition] = min(offset, starts.get(partition, offset))
    return starts


def _read(
    log: Log, starts: Mapping[Partition, int], ends: Mapping[Partition, int], now_s: Callable[[], float]
) -> tuple[dict[Partition, list[int]], dict[Partition, int]]:
    """Offsets of the committed records, and up to where they were read."""
    found: dict[Partition, list[int]] = {each: [] for each in starts}
    reached = dict(starts)
    deadline = now_s() + READ_WITHIN_S
    # A broker that stalls, or retention between two questions: what is not read counts by its offsets.
    with suppress(KafkaUnavailable, RecordsRemoved):
        for batch in log.read(starts, ends) if starts else ():
            partition = (batch.topic, batch.partition)
            found[partition] += [record.offset for record in batch.records]
            reached[partition] = batch.end
            if now_s() > deadline:
                break
    return found, reached
