"""Takes the balance: one scan of the topics, then a look into the stores."""

from dataclasses import dataclass

from connectors.endpoints import Endpoints
from connectors.kafka_scan import scan
from headrace.accounting.broker import dropped_messages
from headrace.accounting.ledger import Ledger
from headrace.accounting.stores import influxdb_differences, redis_differences
from schemas.dead_letter import DeadLetter
from schemas.reading import DuplicateReading, LateReading, Reading
from schemas.topics import (
    DEAD_LETTERS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_LATE,
    TELEMETRY_RAW,
    TELEMETRY_READINGS,
    TELEMETRY_WINDOWS,
)
from schemas.window_summary import WindowSummary


@dataclass(frozen=True)
class Balance:
    """Sums and the differences; without differences, nothing was lost and nothing came twice."""

    ledger: Ledger
    differences: list[str]
    broker_dropped: int

    @property
    def holds(self) -> bool:
        return not self.differences

    def as_json(self) -> dict[str, object]:
        ledger = self.ledger
        return {
            "holds": self.holds,
            "messages": ledger.messages,
            "items": ledger.items,
            "readings": ledger.readings,
            "duplicates": ledger.duplicates,
            "dead_letters": dict(ledger.rejected),
            "dead_letters_elsewhere": {f"{s}: {r}": n for (s, r), n in ledger.refused_elsewhere.items()},
            "late": ledger.late,
            "windowed": dict(ledger.windowed),
            "broker_dropped": self.broker_dropped,
            "differences": self.differences,
        }


def take(endpoints: Endpoints) -> Balance:
    """Scans everything. While the pipeline still works, what is under way shows as differences."""
    ledger = read_topics(endpoints.kafka)
    dropped = dropped_messages(endpoints)
    differences = ledger.differences()
    if dropped:
        differences.append(f"the MQTT broker has dropped {dropped} messages")
    # Stores only once the topics agree: a store that is behind them has nothing to say yet.
    if not differences:
        differences = influxdb_differences(endpoints, ledger) + redis_differences(endpoints, ledger)
    return Balance(ledger, differences, dropped)


def read_topics(bootstrap: str) -> Ledger:
    """The ledger of what is committed, each topic as it is when its turn comes."""
    ledger = Ledger()
    for record in scan(bootstrap, TELEMETRY_RAW):
        ledger.add_message(record.partition, record.offset)
    for record in scan(bootstrap, TELEMETRY_READINGS):
        ledger.add_reading(Reading.model_validate_json(record.value))
    for record in scan(bootstrap, TELEMETRY_DUPLICATES):
        ledger.add_duplicate(DuplicateReading.model_validate_json(record.value))
    for record in scan(bootstrap, DEAD_LETTERS):
        ledger.add_dead_letter(DeadLetter.model_validate_json(record.value))
    for record in scan(bootstrap, TELEMETRY_LATE):
        ledger.add_late(LateReading.model_validate_json(record.value))
    for record in scan(bootstrap, TELEMETRY_WINDOWS):
        ledger.add_window(WindowSummary.model_validate_json(record.value))
    return ledger
