"""Reads dead-letters as a read_committed consumer, one batch in memory at a time."""

import contextlib
from collections.abc import Iterator
from typing import Any

from kafka import TopicPartition

from connectors.kafka import clients
from connectors.kafka.reading import STALLED_AFTER_S, plain, read
from headrace.dead_letters.errors import NoSuchDeadLetter
from headrace.dead_letters.filters import Filters
from headrace.dead_letters.stored_dead_letter import DeadLetterId, StoredDeadLetter
from schemas.topics import DEAD_LETTERS, MIB, Topic


class Records:
    """The committed records of one topic.

    Parameters
    ----------
    consumer
        A consumer without a group, read_committed, or one in memory.
    """

    def __init__(self, consumer: Any, topic: Topic, stalled_after_s: float = STALLED_AFTER_S) -> None:
        self._consumer = consumer
        self._stalled_after_s = stalled_after_s
        self.partitions = [
            TopicPartition(topic.name, n) for n in sorted(consumer.partitions_for_topic(topic.name) or ())
        ]

    def firsts(self) -> dict[TopicPartition, int]:
        """The first offset that each partition still has."""
        return dict(self._consumer.beginning_offsets(self.partitions))

    def since(self, ms: int) -> dict[TopicPartition, tuple[int, int] | None]:
        """Offset and time of the first record at or after `ms`, None where there is none."""
        found = self._consumer.offsets_for_times(dict.fromkeys(self.partitions, ms))
        return {
            each: (found[each].offset, found[each].timestamp) if found.get(each) else None for each in self.partitions
        }

    def read(self, since_ms: int | None = None, until_ms: int | None = None) -> Iterator[Any]:
        """Every record of this time (by the broker's clock), up to the end as it is now."""
        ends = dict(self._consumer.end_offsets(self.partitions))
        starts = self.firsts()
        if since_ms:
            starts = {each: at[0] if at else ends[each] for each, at in self.since(since_ms).items()}
        if until_ms is not None:
            ends |= {each: min(ends[each], at[0]) for each, at in self.since(until_ms).items() if at}
        yield from self._between(starts, ends)

    def at(self, partition: int, offset: int) -> Any:
        """The record that stands exactly there, or None."""
        there = [each for each in self.partitions if each.partition == partition]
        if not there or not self.firsts()[there[0]] <= offset < self._consumer.end_offsets(there)[there[0]]:
            return None
        return next(self._between({there[0]: offset}, {there[0]: offset + 1}), None)

    def _between(self, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]) -> Iterator[Any]:
        for batch in read(self._consumer, plain(starts), plain(ends), self._stalled_after_s):
            yield from batch.records


class DeadLetterReader:
    """The dead letters that are kept."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def read(self, filters: Filters) -> Iterator[StoredDeadLetter]:
        """Those that the filters take; of one device in the order in which they were refused."""
        for record in self._records.read(filters.since_ms, filters.until_ms):
            kept = StoredDeadLetter.of(record)
            if filters.match(kept):
                yield kept

    def one(self, id_: DeadLetterId) -> StoredDeadLetter:
        """One dead letter.

        Raises
        ------
        NoSuchDeadLetter
            When there is none with this identifier; says why, as far as is known.
        """
        record = self._records.at(id_.partition, id_.offset)
        if record is None:
            raise NoSuchDeadLetter(self._why_missing(id_))
        return StoredDeadLetter.of(record)

    def gone(self) -> dict[int, int]:
        """Partition -> how many of its first offsets retention has removed. Transaction markers take offsets too."""
        return {each.partition: first for each, first in self._records.firsts().items()}

    def first_ms(self) -> int | None:
        """When the oldest that is kept became a dead letter."""
        return min((at[1] for at in self._records.since(0).values() if at), default=None)

    def _why_missing(self, id_: DeadLetterId) -> str:
        first = self.gone().get(id_.partition)
        if first is not None and id_.offset < first:
            return f"The dead letter {id_} has left by retention: partition {id_.partition} begins at offset {first}"
        return f"There is no dead letter {id_}. See those that there are:  headrace dlq ls"


@contextlib.contextmanager
def committed(bootstrap: str, topic: Topic = DEAD_LETTERS) -> Iterator[Records]:
    """The records of a topic, for as long as the context lasts.

    Raises
    ------
    KafkaClientError
    """
    clients.require_reachable(bootstrap)
    # Retention may remove what we stand on: go on with what is left. A record that is larger than a fetch comes alone.
    consumer = clients.consumer(
        bootstrap, start="earliest", max_records=500, partition_fetch_bytes=1 * MIB, fetch_bytes=8 * MIB
    )
    with contextlib.closing(consumer):
        yield Records(consumer, topic)
