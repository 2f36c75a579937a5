"""Records of telemetry.raw, as tests of the cleaning send them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flink import framing

NOW_MS = 1_764_000_000_000
"""When the broker stored what a test does not date: 24 November 2025."""


@dataclass(frozen=True)
class Message:
    """A record of telemetry.raw."""

    payload: bytes | None
    device: str | None = "pump-1"
    headers: dict[str, bytes] | None = field(default_factory=dict)
    append_ms: int = NOW_MS


def gathered(messages: Sequence[Message]) -> bytes:
    """The frame of the messages, with the offsets 0, 1, 2..., as clean_telemetry gathers them."""
    return framing.encode([_fields(message, offset) for offset, message in enumerate(messages)])


def _fields(message: Message, offset: int) -> tuple[framing.Field, ...]:
    headers = message.headers or {}
    frame = framing.encode([(name.encode(), value) for name, value in headers.items()])
    return (
        None if message.device is None else message.device.encode("utf-8", "replace"), message.payload,
        headers.get("source"), headers.get("mqtt_topic"), headers.get("received_at"),
        _number(0), _number(offset), _number(message.append_ms), None if message.headers is None else frame,
    )  # fmt: skip


def _number(number: int) -> bytes:
    return number.to_bytes(8, "big", signed=True)
