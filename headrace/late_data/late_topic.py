"""Late readings from where the last correction stopped, in batches, with offsets to commit."""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata
from pydantic import ValidationError

from connectors.kafka.clients import consumer
from connectors.kafka.reading import STALLED_AFTER_S, Partition, plain, read
from schemas.device_name import CONTROL_CHARACTERS
from schemas.limits import MAX_EVENT_TIME_MS, MAX_NAME_LENGTH
from schemas.reading import LateReading
from schemas.record import faults
from schemas.topics import TELEMETRY_LATE

log = logging.getLogger(__name__)

GROUP = "headrace-correct_windows"
BATCH = 10_000
"""Late readings that are held in memory at once."""
REQUEST_MS = 15_000
_CONTROL = re.compile(f"[{CONTROL_CHARACTERS}]")


@dataclass(frozen=True)
class LateRecord:
    """A late reading and where it stands in telemetry.late."""

    partition: int
    offset: int
    reading: LateReading


@dataclass(frozen=True)
class MalformedRecord:
    """A record of telemetry.late that is not a late reading, and why."""

    partition: int
    offset: int
    problem: str

    def __str__(self) -> str:
        return f"{TELEMETRY_LATE.name}[{self.partition}] offset {self.offset}: {self.problem}"


@dataclass
class LateBatch:
    """Late and malformed records, and partition -> the offset behind the batch."""

    records: list[LateRecord] = field(default_factory=list)
    malformed: list[MalformedRecord] = field(default_factory=list)
    next_offsets: dict[int, int] = field(default_factory=dict)


class LateTopic:
    """telemetry.late for one run: from the group's offsets, or from a time, to its end as it is at the start.

    No member of the group: partitions are assigned by hand, so that a command and the schedule never wait for each
    other. Both may then correct the same windows, to the same effect.
    """

    def __init__(self, consumer: Any, stalled_after_s: float = STALLED_AFTER_S) -> None:
        self._consumer = consumer
        self._stalled_after_s = stalled_after_s

    @classmethod
    def connect(cls, bootstrap: str) -> "LateTopic":
        """A reader whose consumer is connected.

        Raises
        ------
        KafkaUnavailable
            When no broker answers.
        """
        return cls(
            consumer(bootstrap, group=GROUP, start="earliest", timeout_ms=REQUEST_MS, max_records=2000), STALLED_AFTER_S
        )

    def __enter__(self) -> "LateTopic":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._consumer.close(autocommit=False)

    def batches(self, since_ms: int | None = None) -> Iterator[LateBatch]:
        """The late readings, batch by batch, up to the end of the topic at the start.

        Raises
        ------
        KafkaClientError
            When the broker does not answer, or stops sending records.
        """
        numbers = self._consumer.partitions_for_topic(TELEMETRY_LATE.name) or ()
        partitions = [TopicPartition(TELEMETRY_LATE.name, number) for number in sorted(numbers)]
        ends = self._consumer.end_offsets(partitions)
        yield from self._read(plain(self._starts(partitions, ends, since_ms)), plain(ends))

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Partition -> the first offset that is not done.

        Raises
        ------
        KafkaClientError
        """
        if offsets:
            self._consumer.commit(
                {
                    TopicPartition(TELEMETRY_LATE.name, number): OffsetAndMetadata(offset, "", -1)
                    for number, offset in offsets.items()
                },
                timeout_ms=REQUEST_MS,
            )

    def _starts(
        self, partitions: list[TopicPartition], ends: dict[TopicPartition, int], since_ms: int | None
    ) -> dict[TopicPartition, int]:
        first = self._consumer.beginning_offsets(partitions)
        if since_ms is not None:
            found = self._consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
            return {each: found[each].offset if found.get(each) else ends[each] for each in partitions}
        return {each: self._committed(each, first[each], ends[each]) for each in partitions}

    def _committed(self, partition: TopicPartition, first: int, end: int) -> int:
        committed = self._consumer.committed(partition, timeout_ms=REQUEST_MS)
        if committed is None or committed > end:  # never, or the topic was created again
            return first
        if committed < first:
            log.warning(
                "%s[%d] offsets %d-%d left the topic before their windows were corrected: the topic keeps records for "
                "so long only. Correct more often, or lengthen its retention in schemas/topics.py.",
                *partition, committed, first - 1,
                extra={"topic": partition.topic, "partition": partition.partition, "offset": committed},
            )  # fmt: skip
        return max(first, int(committed))

    def _read(self, starts: dict[Partition, int], ends: dict[Partition, int]) -> Iterator[LateBatch]:
        batch, reached = LateBatch(), {each: min(start, ends[each]) for each, start in starts.items()}
        for part in read(self._consumer, starts, ends, self._stalled_after_s):
            _add(batch, iter(part.records))
            reached[part.topic, part.partition] = part.end
            if len(batch.records) >= BATCH:
                yield _ended(batch, reached)
                batch = LateBatch()
        yield _ended(batch, reached)


def _ended(batch: LateBatch, reached: dict[Partition, int]) -> LateBatch:
    batch.next_offsets = {number: offset for (_, number), offset in reached.items()}
    return batch


def _add(batch: LateBatch, records: Iterator[Any]) -> None:
    for record in records:
        try:
            reading = LateReading.model_validate_json(record.value or b"")
            _require_plausible(reading)
        except ValueError as error:
            batch.malformed.append(MalformedRecord(record.partition, record.offset, _first_line(error)))
        else:
            batch.records.append(LateRecord(record.partition, record.offset, reading))


def _require_plausible(reading: LateReading) -> None:
    """What the cleaning has refused long ago can only come from a foreign producer, and no query takes it."""
    if not 0 <= reading.event_time < MAX_EVENT_TIME_MS:
        raise ValueError(f"event_time {reading.event_time} is not between 1970 and 2100")
    for name in (reading.device, reading.metric):
        if not 1 <= len(name) <= MAX_NAME_LENGTH or _CONTROL.search(name):
            raise ValueError(f"{name[:MAX_NAME_LENGTH]!r} is not a valid name of a device or a metric")


def _first_line(error: ValueError) -> str:
    return next(faults(error)) if isinstance(error, ValidationError) else str(error)
