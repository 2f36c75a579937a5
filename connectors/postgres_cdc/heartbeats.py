"""The heartbeat as it arrives in its topic: PostgreSQL, its log, the publication, the connector and Kafka all work."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from connectors.kafka.tail import tail
from connectors.postgres_cdc.tables import HEARTBEAT

LAST_OFFSETS = 50
"""A record has a transaction marker behind it, so the last record is among the last offsets."""
ANSWERS_WITHIN_MS = 10_000


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
    """None: none has arrived yet.

    Raises
    ------
    KafkaClientError
    """
    last = tail(bootstrap, HEARTBEAT, committed=True, offsets=LAST_OFFSETS, within_ms=ANSWERS_WITHIN_MS)
    records = last.get(0, [])
    return _read(records[-1].value) if records and records[-1].value is not None else None


def _read(value: bytes) -> Heartbeat:
    row: dict[str, Any] = orjson.loads(value)
    return Heartbeat(datetime.fromisoformat(row["beat_at"]).timestamp(), int(row["__source_lsn"]))
