"""Figures of Kafka: how far consumers are behind, how much is late, how new the newest reading is."""

import json
from collections import defaultdict
from dataclasses import dataclass, field

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from connectors.kafka.log import KafkaLog, Partition
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
    """Raises KafkaError, Unreachable: the broker does not answer."""
    admin = KafkaAdminClient(
        bootstrap_servers=bootstrap, bootstrap_timeout_ms=TIME_LIMIT_MS, request_timeout_ms=TIME_LIMIT_MS
    )
    try:
        partitions = _partitions(admin)
        # Before the ends: a group that reads on meanwhile is not in front of them.
        committed = _committed(admin)
        first = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
        end = {
            each: at.offset
            for each, at in admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST)).items()
        }
        kept: dict[str, int] = defaultdict(int)
        gone: dict[str, int] = defaultdict(int)
        for each in partitions:
            kept[each.topic] += end[each] - first[each].offset
            gone[each.topic] += first[each].offset
        return TopicFigures(_lags(bootstrap, committed, end), dict(kept), dict(gone), _newest_event_ms(bootstrap))
    finally:
        admin.close()


def _partitions(admin: KafkaAdminClient) -> list[TopicPartition]:
    there = set(admin.list_topics())
    return [
        TopicPartition(topic.name, index)
        for topic in TOPICS
        if topic.name in there
        for index in range(topic.partitions)
    ]


def _committed(admin: KafkaAdminClient) -> dict[tuple[str, Partition], int]:
    groups = [group["group_id"] for group in admin.list_groups()]
    return {
        (group, (partition.topic, partition.partition)): at.offset
        for group, offsets in (admin.list_group_offsets(groups) if groups else {}).items()
        for partition, at in offsets.items()
        if at.offset >= 0
    }


def _lags(
    bootstrap: str, committed: dict[tuple[str, Partition], int], end: dict[TopicPartition, int]
) -> dict[tuple[str, str], int]:
    ends = {(partition.topic, partition.partition): offset for partition, offset in end.items()}
    lags: dict[tuple[str, str], int] = defaultdict(int)
    with KafkaLog.connect(bootstrap) as log:
        for (group, (topic, _)), records in records_behind(log, committed, ends).items():
            lags[group, topic] += records
    return dict(lags)


def _newest_event_ms(bootstrap: str) -> int | None:
    try:
        last = tail(bootstrap, TELEMETRY_READINGS.name, committed=False, within_ms=TIME_LIMIT_MS)
    except KafkaError:
        return None
    return max((_event_time(record.value) for records in last.values() for record in records), default=None)


def _event_time(value: bytes | None) -> int:
    try:
        return int(json.loads(value or b"")["event_time"])
    except (ValueError, KeyError, TypeError):
        return 0
