"""Figures of Kafka: how far consumers are behind, how much is late, how new the newest reading is."""

import json
from collections import defaultdict
from dataclasses import dataclass, field

from connectors.kafka.clients import KafkaClientError
from connectors.kafka.log import KafkaLog
from connectors.kafka.tail import tail
from headrace.monitoring.lag import records_behind
from schemas.topics import TELEMETRY_LATE, TELEMETRY_READINGS, TOPICS

TIME_LIMIT_MS = 8000


@dataclass(frozen=True)
class TopicFigures:
    """Offsets, but for the lags, count transaction markers too: figures for an alarm, never for the balance."""

    lags: dict[tuple[str, str], int] = field(default_factory=dict)
    """(consumer group, topic): records behind the end (headrace/monitoring/lag.py)."""
    kept: dict[str, int] = field(default_factory=dict)
    """Topic: offsets it still holds."""
    gone: dict[str, int] = field(default_factory=dict)
    """Topic: offsets that retention has removed."""
    newest_event_ms: int | None = None
    """Event time of the newest of the last readings of each partition."""

    @property
    def late_share(self) -> float:
        readings = self.kept.get(TELEMETRY_READINGS.name, 0)
        return self.kept.get(TELEMETRY_LATE.name, 0) / readings if readings else 0.0


def collect(bootstrap: str) -> TopicFigures:
    """Read lag, sizes and newest event time of the topics.

    Raises
    ------
    KafkaClientError
        When the broker does not answer.
    """
    with KafkaLog.connect(bootstrap) as log:
        partitions = log.partitions([topic.name for topic in TOPICS])
        # Before the ends: a group that reads on meanwhile is not in front of them.
        committed = log.group_offsets()
        first, ends = log.first_offsets(partitions), log.ends(partitions)
        kept: dict[str, int] = defaultdict(int)
        gone: dict[str, int] = defaultdict(int)
        lags: dict[tuple[str, str], int] = defaultdict(int)
        for each in partitions:
            kept[each[0]] += ends[each] - first[each]
            gone[each[0]] += first[each]
        for (group, (topic, _)), records in records_behind(log, committed, ends).items():
            lags[group, topic] += records
    return TopicFigures(dict(lags), dict(kept), dict(gone), _newest_event_ms(bootstrap))


def _newest_event_ms(bootstrap: str) -> int | None:
    try:
        last = tail(bootstrap, TELEMETRY_READINGS.name, committed=False, within_ms=TIME_LIMIT_MS)
    except KafkaClientError:
        return None
    return max((_event_time(record.value) for records in last.values() for record in records), default=None)


def _event_time(value: bytes | None) -> int:
    try:
        return int(json.loads(value or b"")["event_time"])
    except (ValueError, KeyError, TypeError):
        return 0
