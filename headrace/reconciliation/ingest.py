"""Takes batches of the topics into the ledger: the one place that knows what each topic says."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pydantic import ValidationError

from connectors.kafka.reading import PartitionBatch
from headrace.reconciliation.ledger import Ledger
from headrace.reconciliation.reading_record import ReadingRecord
from jobs.names import CLEAN_TELEMETRY
from schemas.dead_letter import DeadLetter
from schemas.ignored_message import IgnoredMessage
from schemas.reading import DuplicateReading, LateReading, Reading
from schemas.record import Position, Record
from schemas.topics import (
    DEAD_LETTERS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_IGNORED,
    TELEMETRY_LATE,
    TELEMETRY_RAW,
    TELEMETRY_READINGS,
    TELEMETRY_WINDOWS,
)
from schemas.window_summary import WINDOWS_MS, WindowSummary

TOPICS = tuple(
    topic.name
    for topic in (
        TELEMETRY_RAW,
        TELEMETRY_READINGS,
        TELEMETRY_DUPLICATES,
        TELEMETRY_IGNORED,
        DEAD_LETTERS,
        TELEMETRY_LATE,
        TELEMETRY_WINDOWS,
    )
)
"""What a balance reads."""

AnyRecord = TypeVar("AnyRecord", bound=Record)


class Ingest:
    """Adds batches in any order of the topics; within a partition they come in the order of offsets."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._add_by_topic: dict[str, Callable[[PartitionBatch], None]] = {
            TELEMETRY_RAW.name: self._messages,
            TELEMETRY_READINGS.name: self._readings,
            TELEMETRY_DUPLICATES.name: self._duplicates,
            TELEMETRY_IGNORED.name: self._ignored,
            DEAD_LETTERS.name: self._dead_letters,
            TELEMETRY_LATE.name: self._late,
            TELEMETRY_WINDOWS.name: self._windows,
        }

    def add(self, batch: PartitionBatch) -> None:
        """Adds it, and moves the position of its partition."""
        self._add_by_topic[batch.topic](batch)
        partition = (batch.topic, batch.partition)
        self._ledger.positions[partition] = batch.end
        if batch.records:
            self._ledger.last_records[partition] = batch.records[-1].offset

    def _messages(self, batch: PartitionBatch) -> None:
        self._ledger.totals.messages += len(batch.records)
        offsets = [record.offset for record in batch.records]
        self._ledger.messages.passed(batch.partition, batch.start, batch.end, offsets)

    def _readings(self, batch: PartitionBatch) -> None:
        readings, items = [], []
        for record, reading in self._parsed(batch, Reading):
            number = self._ledger.series.number(reading.device, reading.metric)
            readings.append(
                ReadingRecord(
                    number, reading.event_time, reading.value, record.partition, record.offset, record.timestamp
                )
            )
            items.append(reading.position)
        self._ledger.totals.readings += len(readings)
        self._add_items(items)
        self._ledger.windows.add_readings(readings)
        self._ledger.points.add_readings(readings)
        self._ledger.states.add_readings(readings)

    def _duplicates(self, batch: PartitionBatch) -> None:
        items = [reading.position for _, reading in self._parsed(batch, DuplicateReading)]
        self._ledger.totals.duplicates += len(items)
        self._add_items(items)

    def _ignored(self, batch: PartitionBatch) -> None:
        items = [message.position for _, message in self._parsed(batch, IgnoredMessage)]
        self._ledger.totals.ignored += len(items)
        self._add_items(items)

    def _dead_letters(self, batch: PartitionBatch) -> None:
        items: list[Position] = []
        refused: dict[str, list[tuple[int, int]]] = {"store_influxdb": [], "store_redis": []}
        for _, letter in self._parsed(batch, DeadLetter):
            position = letter.position
            if letter.stage == CLEAN_TELEMETRY and position is not None:
                self._ledger.totals.rejected[str(letter.reason)] += 1
                items.append(position)
                continue
            self._ledger.totals.refused_elsewhere[letter.stage, str(letter.reason)] += 1
            if letter.stage in refused and position is not None and position.topic == TELEMETRY_READINGS.name:
                refused[letter.stage].append((position.partition, position.offset))
        self._add_items(items)
        self._ledger.points.add_refused(refused["store_influxdb"])
        self._ledger.states.add_refused(refused["store_redis"])

    def _late(self, batch: PartitionBatch) -> None:
        number = self._ledger.series.number
        late = [(number(each.device, each.metric), each.event_time) for _, each in self._parsed(batch, LateReading)]
        self._ledger.totals.late += len(late)
        self._ledger.windows.add_late(late)

    def _windows(self, batch: PartitionBatch) -> None:
        windows = []
        for record, window in self._parsed(batch, WindowSummary):
            if window.corrected:
                continue  # its readings were counted when it closed, or are late
            if window.window not in WINDOWS_MS:
                self._ledger.add_unreadable(batch.topic, batch.partition, record.offset)
                continue
            number = self._ledger.series.number(window.device, window.metric)
            windows.append((number, window.window, window.window_start, window.count))
            self._ledger.totals.windowed[window.window] += window.count
        self._ledger.windows.add_windows(windows)

    def _add_items(self, items: list[Position]) -> None:
        # Only the cleaning reads telemetry.raw. What has no place there was written by somebody else.
        self._ledger.messages.add_items(item for item in items if item.topic == TELEMETRY_RAW.name)

    def _parsed(self, batch: PartitionBatch, schema: type[AnyRecord]) -> Iterator[tuple[Any, AnyRecord]]:
        """Kafka's record and ours. One that is none of ours is written down: it stands for no item of any message."""
        for record in batch.records:
            try:
                parsed = schema.model_validate_json(record.value or b"")
            except ValidationError:
                self._ledger.add_unreadable(batch.topic, batch.partition, record.offset)
            else:
                yield record, parsed
