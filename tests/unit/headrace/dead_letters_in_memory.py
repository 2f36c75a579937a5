"""Kafka in memory: a consumer and a transactional producer, for the constructors of headrace.dead_letters."""

from collections import namedtuple
from dataclasses import dataclass, field
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError, ProducerFencedError

from schemas.dead_letter import DeadLetter, bounded_original
from schemas.record import Position

At = namedtuple("At", "offset timestamp")
SEEN_MS = 1_719_800_000_000


@dataclass(frozen=True)
class Record:
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    topic: str = "dead-letters"


class Consumer:
    """Holds records, with holes where transaction markers would be."""

    def __init__(self, *records: Record, partitions: int = 2, ends: dict[int, int] | None = None) -> None:
        self._records = sorted(records, key=lambda each: (each.partition, each.offset))
        self._partitions = partitions
        self._ends = ends or {}
        self._positions: dict[TopicPartition, int] = {}
        self.is_silent = False

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self._partitions))

    def assign(self, partitions: list[TopicPartition]) -> None:
        self._positions = dict.fromkeys(partitions, 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._positions[partition] = offset

    def pause(self, *partitions: TopicPartition) -> None:
        pass

    def resume(self, *partitions: TopicPartition) -> None:
        pass

    def position(self, partition: TopicPartition, timeout_ms: int) -> int:
        return self._positions[partition]

    def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {each: min((r.offset for r in self._of(each)), default=0) for each in partitions}

    def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {each: self._end(each) for each in partitions}

    def offsets_for_times(self, times: dict[TopicPartition, int]) -> dict[TopicPartition, At | None]:
        later = {each: [r for r in self._of(each) if r.timestamp >= ms] for each, ms in times.items()}
        return {each: At(found[0].offset, found[0].timestamp) if found else None for each, found in later.items()}

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[Record]]:
        if self.is_silent:
            return {}
        found: dict[TopicPartition, list[Record]] = {}
        for each, position in self._positions.items():
            if records := [r for r in self._of(each) if r.offset >= position][:2]:
                found[each] = records
            self._positions[each] = records[-1].offset + 1 if records else self._end(each)
        return found

    def _of(self, partition: TopicPartition) -> list[Record]:
        return [each for each in self._records if each.partition == partition.partition]

    def _end(self, partition: TopicPartition) -> int:
        last = max((each.offset + 1 for each in self._of(partition)), default=0)
        return self._ends.get(partition.partition, last)


@dataclass
class Future:
    error: Exception | None = None

    def get(self, timeout: float) -> None:
        if self.error:
            raise self.error


@dataclass
class Producer:
    """Sent records are in `open` until the transaction is committed, and then in `committed`."""

    committed: list[tuple[str, bytes, bytes, Any]] = field(default_factory=list)
    open: list[tuple[str, bytes, bytes, Any]] | None = None
    transactions: int = 0
    refuses_number: int | None = None
    is_fenced: bool = False

    def begin_transaction(self) -> None:
        if self.is_fenced:
            raise ProducerFencedError
        self.open = []

    def send(self, topic: str, value: bytes, key: bytes, headers: Any = None) -> Future:
        self.open.append((topic, value, key, headers))
        is_refused = self.refuses_number == len(self.committed) + len(self.open)
        return Future(KafkaTimeoutError("no broker") if is_refused else None)

    def commit_transaction(self) -> None:
        self.committed += self.open
        self.open = None
        self.transactions += 1

    def abort_transaction(self) -> None:
        self.open = None


def letter(payload: bytes = b'{"metric":"temperature","value":"warm"}', **fields: Any) -> DeadLetter:
    """A letter of the cleaning: a bad value of pump-7."""
    given = {
        "reason": "bad_value", "stage": "clean_telemetry", "device": "pump-7", "first_seen": SEEN_MS,
        "headers": {"mqtt_topic": b"fleet/pump-7/telemetry", "received_at": b"1719799999000"},
        "position": Position(topic="telemetry.raw", partition=0, offset=7),
    }  # fmt: skip
    return DeadLetter(**(given | bounded_original(payload) | fields))


def record(offset: int, value: DeadLetter | bytes | None = None, partition: int = 0, after_ms: int = 0) -> Record:
    """The letter, or other bytes, as a record of dead-letters."""
    value = letter() if value is None else value
    content = value if isinstance(value, bytes) else value.model_dump_json().encode()
    return Record(partition, offset, SEEN_MS + after_ms, content)
