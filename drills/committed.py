"""What the stream left in the topics, at read_committed; each look goes on where the last one ended."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from connectors.endpoints import Endpoints
from connectors.kafka.log import KafkaLog
from schemas.anomaly_score import AnomalyScore
from schemas.dead_letter import DeadLetter
from schemas.reading import Reading
from schemas.topics import (
    DEAD_LETTERS,
    TELEMETRY_ANOMALIES,
    TELEMETRY_DUPLICATES,
    TELEMETRY_LATE,
    TELEMETRY_READINGS,
    TELEMETRY_WINDOWS,
    Topic,
)
from schemas.window_summary import WindowSummary

TOPICS = (
    TELEMETRY_READINGS,
    TELEMETRY_ANOMALIES,
    TELEMETRY_DUPLICATES,
    TELEMETRY_LATE,
    TELEMETRY_WINDOWS,
    DEAD_LETTERS,
)
POISON = "poison"
"""Device, behind the prefix, of what a drill puts into a topic that is no record."""


class TopicTail:
    """Committed records of one topic since this object was made."""

    def __init__(self, bootstrap: str, topic: Topic) -> None:
        self._log = KafkaLog.connect(bootstrap)
        self._partitions = self._log.partitions([topic.name])
        self._read_to = self._log.committed_ends(self._partitions)

    def new(self) -> Iterator[Any]:
        """Committed records since the last call, up to the end as it is now."""
        for batch in self._log.read(self._read_to, self._log.committed_ends(self._partitions)):
            yield from batch.records
            self._read_to[batch.topic, batch.partition] = batch.end

    def close(self) -> None:
        """Ends the clients."""
        self._log.__exit__()


class CommittedOutputs:
    """Of the devices whose names begin with `prefix`: identities of readings and scores, order, copies, refusals."""

    def __init__(self, endpoints: Endpoints, prefix: str) -> None:
        self._tails = {topic.name: TopicTail(endpoints.kafka, topic) for topic in TOPICS}
        self._prefix = prefix.encode()
        self.readings: Counter[tuple[str, int]] = Counter()
        self.scores: Counter[tuple[str, int]] = Counter()
        self.detector_versions: set[int] = set()
        self.dead_letters: Counter[tuple[str, str]] = Counter()
        """Dead letters by stage and reason."""
        self.duplicates = 0
        self.late = 0
        self.newest_window_ms = 0
        """Start of the newest window that is closed."""
        self.out_of_order = 0
        self._newest: dict[str, int] = {}

    def update(self) -> None:
        """Reads what is new."""
        for value in self._new(TELEMETRY_READINGS):
            self._take_reading(value)
        for value in self._new(TELEMETRY_ANOMALIES):
            self._take_score(value)
        for record in self._tails[DEAD_LETTERS.name].new():
            self._take_letter(record)
        for value in self._new(TELEMETRY_WINDOWS):
            window = WindowSummary.model_validate_json(value)
            self.newest_window_ms = max(self.newest_window_ms, window.window_start)
        self.duplicates += sum(1 for _ in self._new(TELEMETRY_DUPLICATES))
        self.late += sum(1 for _ in self._new(TELEMETRY_LATE))

    def close(self) -> None:
        """Ends the consumers."""
        for tail in self._tails.values():
            tail.close()

    def _take_reading(self, value: bytes) -> None:
        reading = Reading.model_validate_json(value)
        self.readings[reading.device, reading.event_time] += 1
        newest = self._newest.get(reading.device, -1)
        if reading.event_time < newest:
            self.out_of_order += 1
        self._newest[reading.device] = max(newest, reading.event_time)

    def _take_score(self, value: bytes) -> None:
        score = AnomalyScore.model_validate_json(value)
        if score.position is None:  # of a missing series, and of no reading
            return
        self.scores[score.device, score.event_time] += 1
        self.detector_versions.add(score.detector_version)

    def _take_letter(self, record: Any) -> None:
        """A record without a device becomes a dead letter without a key: nobody else writes any now."""
        if record.key is None or record.key.startswith(self._prefix):
            dead_letter = DeadLetter.model_validate_json(record.value)
            self.dead_letters[dead_letter.stage, dead_letter.reason.value] += 1

    def _new(self, topic: Topic) -> Iterator[bytes]:
        """Values of this run's devices, by their key: poison, whose key is a device without numbers, is no record."""
        poison = self._prefix + POISON.encode()
        for record in self._tails[topic.name].new():
            if record.key is not None and record.key.startswith(self._prefix) and record.key != poison:
                yield record.value
