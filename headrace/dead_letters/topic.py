"""Reads dead-letters as a read_committed consumer, one batch in memory at a time."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.kafka import clients
from headrace.dead_letters.errors import DeadLettersUnavailable, NoSuchDeadLetter
from headrace.dead_letters.filters import Filters
from headrace.dead_letters.letter import DeadLetterId, StoredDeadLetter
from schemas.topics import DEAD_LETTERS, Topic

SILENT_S = 30.0
"""A broker that gives nothing and moves no position for so long is away."""


class Records:
    """The committed records of one topic.

    Parameters
    ----------
    consumer
        A KafkaConsumer without a group, read_committed, or one in memory.
    """

    def __init__(self, consumer: Any, topic: Topic, silent_s: float = SILENT_S) -> None:
        self._consumer = consumer
        self._silent_s = silent_s
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
        left = [each for each in starts if starts[each] < ends[each]]
        self._consumer.assign(left)
        for each in left:
            self._consumer.seek(each, starts[each])
        quiet_since = time.monotonic()
        before: list[int] = []
        # The position passes aborted records and transaction markers; counting records would not end.
        while (
            left
            and (positions := [self._consumer.position(each) for each in left])
            and any(position < ends[each] for position, each in zip(positions, left, strict=True))
        ):
            batches = self._consumer.poll(timeout_ms=500)
            if batches or positions != before:
                quiet_since, before = time.monotonic(), positions
            elif time.monotonic() - quiet_since > self._silent_s:
                raise DeadLettersUnavailable(
                    f"Kafka has given nothing for {self._silent_s:.0f} s. Look:  headrace logs kafka"
                )
            for each, records in batches.items():
                yield from (record for record in records if record.offset < ends[each])


class DeadLetterReader:
    """The letters that are kept."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def read(self, filters: Filters) -> Iterator[StoredDeadLetter]:
        """Those that the filters take; of one device in the order in which they were refused."""
        for record in self._records.read(filters.since_ms, filters.until_ms):
            kept = StoredDeadLetter.of(record)
            if filters.take(kept):
                yield kept

    def one(self, id_: DeadLetterId) -> StoredDeadLetter:
        """Raises NoSuchDeadLetter, with what is known of why."""
        record = self._records.at(id_.partition, id_.offset)
        if record is None:
            raise NoSuchDeadLetter(self._why_missing(id_))
        return StoredDeadLetter.of(record)

    def gone(self) -> dict[int, int]:
        """Partition -> how many of its first offsets retention has removed. Transaction markers take offsets too."""
        return {each.partition: first for each, first in self._records.firsts().items()}

    def first_ms(self) -> int | None:
        """When the oldest that is kept became a letter."""
        return min((at[1] for at in self._records.since(0).values() if at), default=None)

    def _why_missing(self, id_: DeadLetterId) -> str:
        first = self.gone().get(id_.partition)
        if first is not None and id_.offset < first:
            return f"The letter {id_} has left by retention: partition {id_.partition} begins at offset {first}"
        return f"There is no letter {id_}. See those that there are:  headrace dlq ls"


@contextlib.contextmanager
def committed(bootstrap: str, topic: Topic = DEAD_LETTERS) -> Iterator[Records]:
    """The records of a topic, for as long as the context lasts.

    Raises DeadLettersUnavailable, also for errors inside of it.
    """
    with kafka_unavailable(bootstrap):
        require_answer(bootstrap)
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=10_000,
            isolation_level="read_committed",
            # Retention may remove what we stand on: go on with what is left.
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            group_id=None,
            # A larger record comes alone. These bound the memory of a scan.
            max_partition_fetch_bytes=2**20,
            fetch_max_bytes=2**23,
            max_poll_records=500,
        )
        try:
            yield Records(consumer, topic)
        finally:
            consumer.close()


def require_answer(bootstrap: str) -> None:
    """Asked before a client is made, which would try for 10 s and log each time. Raises DeadLettersUnavailable."""
    if not clients.reachable(bootstrap):
        raise DeadLettersUnavailable(f"Kafka at {bootstrap} does not answer. Start it:  headrace up")


@contextlib.contextmanager
def kafka_unavailable(bootstrap: str) -> Iterator[None]:
    """Errors of the client as one line for a person."""
    try:
        yield
    except clients.MissingTopics as error:
        raise DeadLettersUnavailable(str(error)) from error
    except (KafkaError, clients.KafkaClientError) as error:
        raise DeadLettersUnavailable(f"Kafka at {bootstrap} fails: {error}. Look:  headrace status") from error
