"""The records that every entrance writes: the MQTT bridge and the listener, in the same form."""

import time

from schemas.dead_letter import DeadLetter, bounded_original
from schemas.reject_reasons import RejectReason
from schemas.topics import TELEMETRY_RAW

Header = tuple[str, bytes]

RAW = TELEMETRY_RAW.name

FRAMING_BYTES = 128 * 1024
"""Room for an MQTT topic of 64 KiB, the key and the headers in a record of telemetry.raw."""

MAX_PAYLOAD_BYTES = TELEMETRY_RAW.max_message_bytes - FRAMING_BYTES
"""The largest payload that an entrance can be set to take."""

TOPICS_REMEMBERED = 100_000

QOS: tuple[Header, ...] = (("mqtt_qos", b"0"), ("mqtt_qos", b"1"), ("mqtt_qos", b"2"))
RETAINED: tuple[Header, Header] = (("mqtt_retained", b"0"), ("mqtt_retained", b"1"))
DUPLICATE: tuple[Header, Header] = (("mqtt_duplicate", b"0"), ("mqtt_duplicate", b"1"))


def epoch_ms() -> int:
    """The wall clock, in ms since the epoch."""
    return time.time_ns() // 1_000_000


def dead_letter(
    stage: str,
    reason: RejectReason,
    detail: str,
    device: str | None,
    payload: bytes,
    headers: list[Header],
    first_seen_ms: int,
) -> DeadLetter:
    """The dead letter of a message that never reached telemetry.raw, so it has no position."""
    return DeadLetter(
        reason=reason,
        detail=detail,
        stage=stage,
        device=device,
        headers=dict(headers),
        first_seen=first_seen_ms,
        **bounded_original(payload),  # type: ignore[arg-type]  # a dict of these very fields
    )
