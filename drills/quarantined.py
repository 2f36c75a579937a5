"""Fatal records, and what has to become of each: one dead letter with its position, bytes and error, and an alarm."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from connectors.kafka.log import KafkaLog
from drills.committed import TopicTail
from drills.record_fault import WAYS, fatal_number
from headrace.monitoring import alarms, quarantine
from schemas.dead_letter import DeadLetter
from schemas.reject_reasons import RejectReason
from schemas.topics import CUSTOMERS, INTERACTIONS, TELEMETRY_RAW, TELEMETRY_READINGS

DECODE_SESSIONS, RECOMMEND, SCORE_CHURN = (
    "clean_telemetry.decode-sessions",
    "recommend_items.shard-0",
    "score_churn.score",
)
OF_READINGS = {
    "clean_telemetry.decode": TELEMETRY_RAW.name,
    "score_anomalies.score": TELEMETRY_READINGS.name,
    "store_influxdb.write": TELEMETRY_READINGS.name,
    "store_redis.write": TELEMETRY_READINGS.name,
}
"""Operator -> the topic of the record that it fails on. These fail on a reading that a device sends."""
READ_FROM = OF_READINGS | {
    DECODE_SESSIONS: TELEMETRY_RAW.name, RECOMMEND: INTERACTIONS.name, SCORE_CHURN: CUSTOMERS.name,
}  # fmt: skip
"""Every operator in Python that reads records."""
Place = tuple[str, int, int]
"""Topic, partition and offset."""


@dataclass(frozen=True)
class FatalRecord:
    """One record that one operator fails on, in one way."""

    operator: str
    way: str

    def __str__(self) -> str:
        return f"the record that {self.way} in {self.operator}"

    @property
    def number(self) -> int:
        return fatal_number(self.operator, self.way)

    @property
    def stage(self) -> str:
        """The job, as its dead letters name it."""
        return self.operator.partition(".")[0]

    def is_in(self, dead_letter: DeadLetter) -> bool:
        return str(self.number).encode() in (dead_letter.original or b"")


RECORDS = tuple(FatalRecord(operator, way) for operator in READ_FROM for way in WAYS)


class QuarantinedDeadLetters:
    """The dead letters that fatal records became."""

    def __init__(self, tail: TopicTail) -> None:
        self._tail = tail
        self.found: dict[FatalRecord, list[DeadLetter]] = defaultdict(list)

    def are_complete(self, records: Iterable[FatalRecord]) -> bool:
        """Whether each of these has one by now."""
        for record in self._tail.new():
            dead_letter = DeadLetter.model_validate_json(record.value)
            for fatal in RECORDS:
                if fatal.is_in(dead_letter):
                    self.found[fatal].append(dead_letter)
        return all(self.found[each] for each in records)

    def positions(self) -> list[Place]:
        """Where the dead letters say that their records stand."""
        known = [
            dead_letter.position
            for dead_letters in self.found.values()
            for dead_letter in dead_letters
            if dead_letter.position
        ]
        return [(each.topic, each.partition, each.offset) for each in known]

    def problems(self, stored: dict[Place, bytes]) -> Iterator[str]:
        """One sentence for each thing that is not as it should be; `stored` is what stands at the positions."""
        for fatal in RECORDS:
            dead_letters = self.found[fatal]
            if len(dead_letters) != 1:
                yield f"{fatal} became {len(dead_letters)} dead letters, and not one"
            for dead_letter in dead_letters:
                yield from _wrong_with(fatal, dead_letter, stored)


def _wrong_with(fatal: FatalRecord, dead_letter: DeadLetter, stored: dict[Place, bytes]) -> Iterator[str]:
    if (dead_letter.stage, dead_letter.reason) != (fatal.stage, RejectReason.QUARANTINED):
        yield f"{fatal} became a dead letter {dead_letter.reason} of {dead_letter.stage}"
    at = dead_letter.position
    place = (at.topic, at.partition, at.offset) if at else None
    if place is None or place[0] != READ_FROM[fatal.operator] or stored.get(place) != dead_letter.original:
        yield f"the dead letter of {fatal} says {place}, where its bytes are not"
    expected = "ended without an exception" if fatal.way == "kills" else "ArithmeticError"
    if expected not in (dead_letter.detail or ""):
        yield f"the dead letter of {fatal} does not say {expected!r}: {dead_letter.detail!r}"


def records_at(bootstrap: str, positions: Iterable[Place]) -> dict[Place, bytes]:
    found: dict[Place, bytes] = {}
    with KafkaLog.connect(bootstrap) as log:
        for topic, partition, offset in positions:
            for batch in log.read({(topic, partition): offset}, {(topic, partition): offset + 1}):
                found |= {(topic, partition, each.offset): each.value for each in batch.records}
    return found


def without_alarm(bootstrap: str) -> list[str]:
    """The jobs of which `headrace status` does not say that they have quarantined records."""
    told = [alarm.wrong for alarm in alarms.of_quarantine(quarantine.collect(bootstrap))]
    stages = sorted({each.stage for each in RECORDS})
    return [
        f"no alarm says that {stage} has quarantined records"
        for stage in stages
        if not any(stage in each for each in told)
    ]
