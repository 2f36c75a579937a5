"""Messages that the bridge refuses, as dead letters."""

from connectors.mqtt_bridge.origins import Header
from schemas.dead_letter import DeadLetter, bounded_original
from schemas.reject_reasons import RejectReason

STAGE = "mqtt_bridge"


def dead_letter(
    reason: RejectReason, detail: str, device: str | None, payload: bytes, headers: list[Header], first_seen_ms: int
) -> DeadLetter:
    """The dead letter of a message that never reached telemetry.raw, so it has no position."""
    return DeadLetter(
        reason=reason,
        detail=detail,
        stage=STAGE,
        device=device,
        headers=dict(headers),
        first_seen=first_seen_ms,
        **bounded_original(payload),  # type: ignore[arg-type]  # a dict of these very fields
    )
