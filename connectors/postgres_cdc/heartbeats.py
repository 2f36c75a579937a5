"""The heartbeat as it arrives in its topic: PostgreSQL, its log, the publication, the connector and Kafka all work."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from connectors.postgres_cdc.tables import HEARTBEAT

LAST_OFFSETS = 50
"""A record has a transaction marker behind it, so the last record is among the last offsets."""
MAX_POLL_MS = 500
ANSWERS_WITHIN_S = 10


@dataclass(frozen=True)
class Heartbeat:
    """The newest one.

    Parameters
    ----------
    beat_at
        When it was written, by PostgreSQL's clock: seconds since the epoch.
    position
        Of PostgreSQL's log. Every change before it is in its topic too.
    """

    beat_at: float
    position: int


def newest(bootstrap: str) -> Heartbeat | None:
    """None: none has arrived yet. Raises KafkaError."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False, group_id=None
    )
    try:
        if not consumer.partitions_for_topic(HEARTBEAT):
            return None
        partition = TopicPartition(HEARTBEAT, 0)
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        begin = consumer.beginning_offsets([partition])[partition]
        consumer.seek(partition, max(begin, end - LAST_OFFSETS))
        found = None
        until = time.monotonic() + ANSWERS_WITHIN_S
        while consumer.position(partition) < end:
            if time.monotonic() > until:
                raise KafkaTimeoutError(f"no answer within {ANSWERS_WITHIN_S} s")
            for records in consumer.poll(timeout_ms=MAX_POLL_MS).values():
                found = records[-1]
        return None if found is None or found.value is None else _read(found.value)
    finally:
        consumer.close()


def _read(value: bytes) -> Heartbeat:
    row: dict[str, Any] = orjson.loads(value)
    return Heartbeat(datetime.fromisoformat(row["beat_at"]).timestamp(), int(row["__source_lsn"]))
