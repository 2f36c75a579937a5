"""Records that jobs have quarantined of late, from the newest dead letters."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from connectors.kafka.tail import tail
from headrace.monitoring.topics import TIME_LIMIT_MS
from schemas.reject_reasons import RejectReason
from schemas.topics import DEAD_LETTERS

RECENT_S = 24 * 3600
NEWEST = 200
"""Dead letters of each partition: no scan, so that a flood of other ones may hide a quarantined record."""


@dataclass(frozen=True)
class QuarantineFigures:
    """Of the last day."""

    by_stage: dict[str, int] = field(default_factory=dict)
    newest: str | None = None
    """The identifier of the newest dead letter among them, as `headrace dlq show` takes it."""


def collect(bootstrap: str) -> QuarantineFigures:
    """Count the quarantined records by stage.

    Raises
    ------
    KafkaClientError
        When the broker does not answer.
    """
    last = tail(bootstrap, DEAD_LETTERS.name, committed=True, offsets=NEWEST, within_ms=TIME_LIMIT_MS)
    return figures((record for records in last.values() for record in records), time.time_ns() // 1_000_000)


def figures(records: Iterable[Any], now_ms: int) -> QuarantineFigures:
    """Of records of dead-letters."""
    recent = [record for record in records if record.timestamp >= now_ms - RECENT_S * 1000]
    found = [(record, stage) for record in recent if (stage := _stage_of_quarantined(record.value)) is not None]
    if not found:
        return QuarantineFigures()
    newest, _ = max(found, key=lambda each: each[0].timestamp)
    return QuarantineFigures(dict(Counter(stage for _, stage in found)), f"{newest.partition}:{newest.offset}")


def _stage_of_quarantined(value: bytes | None) -> str | None:
    """None for any other record. Most are told apart without a parse: a payload in base64 has no quotation mark."""
    if value is None or b"quarantined" not in value:
        return None
    try:
        letter = json.loads(value)
        return str(letter["stage"]) if letter["reason"] == RejectReason.QUARANTINED else None
    except (ValueError, KeyError, TypeError):
        return None
