"""What became of the messages of one `headrace publish`: by where they stand in telemetry.raw."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.kafka.reading import Partition, PartitionBatch
from headrace.reconciliation.offset_set import OffsetSet
from jobs.names import CLEAN_TELEMETRY
from schemas.topics import (
    DEAD_LETTERS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_IGNORED,
    TELEMETRY_RAW,
    TELEMETRY_READINGS,
)

OUTCOMES = {
    TELEMETRY_READINGS.name: "readings",
    TELEMETRY_DUPLICATES.name: "duplicates",
    TELEMETRY_IGNORED.name: "ignored",
    DEAD_LETTERS.name: "dead letters",
}
WITHOUT_PROGRESS_S = 60.0
"""Six checkpoints: a job that runs commits each time."""

JOB_ASKED_EVERY_S = 5.0
PAUSE_S = 0.5


class Log(Protocol):
    """What is asked of connectors.kafka.log.KafkaLog."""

    def partitions(self, topics: Any) -> list[Partition]: ...
    def committed_ends(self, partitions: Any) -> dict[Partition, int]: ...
    def read(self, starts: Any, ends: Any) -> Any: ...


@dataclass
class PublishOutcome:
    """Follows the topics from where they end now on: make it before the first message is sent.

    Parameters
    ----------
    marker
        Bytes that every message of ours holds, and no other.
    """

    log: Log
    marker: bytes
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Of the dead letters."""
    arrived: int = 0
    """Messages in telemetry.raw: more than were sent where MQTT delivered one twice."""

    def __post_init__(self) -> None:
        self._raw = self.log.partitions([TELEMETRY_RAW.name])
        self._outputs = self.log.partitions(list(OUTCOMES))
        self._read_to = self.log.committed_ends([*self._raw, *self._outputs])
        self._ours: defaultdict[int, OffsetSet] = defaultdict(OffsetSet)
        self._decided: defaultdict[int, OffsetSet] = defaultdict(OffsetSet)

    @property
    def decided(self) -> int:
        """Messages of which it is known what became of them."""
        return self.counts.total()

    def is_complete(self, sent: int) -> bool:
        """Whether all messages have come, and have left the cleaning."""
        return self.arrived >= sent and self.decided >= self.arrived

    def update(self) -> None:
        """Reads what is new. A message is in telemetry.raw before it is anywhere else, so its end is asked last."""
        output_ends = self.log.committed_ends(self._outputs)
        self._read(self._raw, self.log.committed_ends(self._raw), self._add_messages)
        self._read(self._outputs, output_ends, self._add_outcomes)

    def follow(
        self,
        sent: int,
        job_runs: Callable[[], bool],
        on_decided: Callable[[int], None] = lambda _: None,
        without_progress_s: float = WITHOUT_PROGRESS_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> str | None:
        """Updates until all is decided: None; else why it is not, once nothing has moved for so long."""
        moved_at = asked_at = clock()
        while True:
            before = self.arrived, self.decided
            self.update()
            on_decided(self.decided - before[1])
            if self.is_complete(sent):
                return None
            now = clock()
            if (self.arrived, self.decided) != before:
                moved_at = now
            elif now - asked_at >= JOB_ASKED_EVERY_S:
                asked_at = now
                if self.arrived >= sent and not job_runs():
                    return (
                        f"{CLEAN_TELEMETRY} does not run, so they wait in {TELEMETRY_RAW.name}:  "
                        f"headrace submit {CLEAN_TELEMETRY}"
                    )
            if now - moved_at > without_progress_s:
                return self._stalled(sent, without_progress_s)
            sleep(PAUSE_S)

    def _stalled(self, sent: int, without_progress_s: float) -> str:
        if self.arrived < sent:
            where = f"{sent - self.arrived:,} have not come from the broker to {TELEMETRY_RAW.name}"
        else:
            where = f"{CLEAN_TELEMETRY} has committed none of them"
        return f"{where} for {without_progress_s:.0f} s. See why:  headrace status"

    def _read(
        self, partitions: list[Partition], ends: dict[Partition, int], add: Callable[[PartitionBatch], None]
    ) -> None:
        starts = {each: self._read_to[each] for each in partitions}
        for batch in self.log.read(starts, ends):
            add(batch)
            self._read_to[batch.topic, batch.partition] = batch.end

    def _add_messages(self, batch: PartitionBatch) -> None:
        for record in batch.records:
            if self.marker in (record.value or b"") and self._ours[record.partition].add(record.offset):
                self.arrived += 1

    def _add_outcomes(self, batch: PartitionBatch) -> None:
        for record in batch.records:
            found = _parsed(record.value)
            position = found.get("position")
            if not isinstance(position, dict) or position.get("topic") != TELEMETRY_RAW.name:
                continue
            if batch.topic == DEAD_LETTERS.name and found.get("stage") != CLEAN_TELEMETRY:
                continue
            partition, offset = position.get("partition"), position.get("offset")
            if type(partition) is not int or type(offset) is not int or offset not in self._ours[partition]:
                continue
            if self._decided[partition].add(offset):
                self.counts[OUTCOMES[batch.topic]] += 1
                if batch.topic == DEAD_LETTERS.name:
                    self.reasons[str(found.get("reason"))] += 1


def _parsed(value: bytes | None) -> dict[str, Any]:
    """The fields of a record; none of what another producer wrote that is no JSON object."""
    try:
        found = json.loads(value or b"null")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def last_line(outcome: PublishOutcome, sent: int, device: str, unfinished: str | None) -> str:
    """How many became what, and where to look."""
    counts = outcome.counts
    words = f"{sent:,} sent: " + ", ".join(f"{counts[name]:,} {name}" for name in OUTCOMES.values())
    if undecided := max(sent, outcome.arrived) - outcome.decided:
        words += f", {undecided:,} not processed yet"
    if outcome.reasons:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in outcome.reasons.most_common())
        words += f" ({reasons}). See them:  headrace dlq ls --device {device}"
    return words + (f". {unfinished}" if unfinished else "")
