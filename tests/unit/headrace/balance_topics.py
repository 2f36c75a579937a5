"""Topics and stores in memory, for tests of the balance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

from connectors.kafka.reading import PartitionBatch
from headrace.reconciliation.ingest import Ingest
from headrace.reconciliation.ledger import Ledger
from headrace.reconciliation.stores import Point
from schemas.dead_letter import DeadLetter
from schemas.ignored_message import IgnoredMessage
from schemas.reading import DuplicateReading, LateReading, Reading
from schemas.record import Position, Record
from schemas.window_summary import WindowSummary

RAW, READINGS, DUPLICATES = "telemetry.raw", "telemetry.readings", "telemetry.duplicates"
IGNORED, LETTERS, LATE, WINDOWS = "telemetry.ignored", "dead-letters", "telemetry.late", "telemetry.windows"

APPENDED_MS = 1_790_000_000_000


def position(offset: int, item: int = 0, items: int = 1, partition: int = 0, topic: str = RAW) -> Position:
    return Position(topic=topic, partition=partition, offset=offset, item=item, items=items)


def reading(at: Position, device: str = "pump", metric: str = "flow", time: int = 1000, value: float = 1.0) -> Reading:
    return Reading(device=device, metric=metric, event_time=time, value=value, position=at)


def duplicate(at: Position) -> DuplicateReading:
    return DuplicateReading(**reading(at).model_dump(), occurrence=2)


def ignored(at: Position) -> IgnoredMessage:
    return IgnoredMessage(source="zigbee", reason="excluded", position=at)


def late(of: Reading) -> LateReading:
    return LateReading(**of.model_dump(), late_by_ms=1)


def letter(at: Position | None, stage: str = "clean_telemetry", reason: str = "bad_value") -> DeadLetter:
    return DeadLetter(reason=reason, stage=stage, position=at, first_seen=0)


def window(length: str, start: int, count: int, device: str = "pump", corrected: bool = False) -> WindowSummary:
    statistics = {"mean": 1, "min": 1, "max": 1, "stddev": 0, "last": 1}
    return WindowSummary(
        device=device, metric="flow", window=length, window_start=start, count=count, corrected=corrected, **statistics
    )


def kafka_record(topic: str, partition: int, offset: int, value: Record | bytes) -> SimpleNamespace:
    """With what kafka-python's record has and the balance reads."""
    encoded = value if isinstance(value, bytes) else value.model_dump_json().encode()
    return SimpleNamespace(topic=topic, partition=partition, offset=offset, timestamp=APPENDED_MS, value=encoded)


@dataclass
class Topics:
    """Writes one record after the other into a ledger, as a scan of the topics would."""

    ledger: Ledger

    def holds(self, topic: str, *values: Record | bytes, partition: int = 0, before: int = 0) -> None:
        """Appends records; `before` offsets ahead of them are transaction markers."""
        start = self.ledger.positions.get((topic, partition), 0)
        records = [kafka_record(topic, partition, start + before + place, value) for place, value in enumerate(values)]
        Ingest(self.ledger).add(PartitionBatch(topic, partition, start, start + before + len(values), records))

    def messages(self, count: int, partition: int = 0) -> None:
        """Messages of telemetry.raw."""
        self.holds(RAW, *[b"{}"] * count, partition=partition)


@dataclass
class InMemoryPoints:
    """InfluxDB's readings."""

    held: dict[tuple[str, str, int], float] = field(default_factory=dict)
    since_ms: int = 0
    asked: list[tuple[int, int]] = field(default_factory=list)

    def points(self, start_ms: int, stop_ms: int) -> Iterator[Point]:
        self.asked.append((start_ms, stop_ms))
        return (Point(*identity, value) for identity, value in self.held.items() if start_ms <= identity[2] < stop_ms)

    def kept_since_ms(self) -> int:
        return self.since_ms

    def store(self, *readings: Reading) -> None:
        """As store_influxdb does: the last value of an identity stays."""
        self.held |= {(each.device, each.metric, each.event_time): each.value for each in readings}


@dataclass
class InMemoryStates:
    """Redis' state of each series."""

    held: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def states(self, series: Sequence[tuple[str, str]]) -> Sequence[str | None]:
        self.asked += series
        return [self.held.get(each) for each in series]

    def store(self, device: str, metric: str, time: int, value: float) -> None:
        self.held[device, metric] = f'{{"value":{value},"ts":{time},"score":null,"score_ts":null,"is_anomaly":null}}'
