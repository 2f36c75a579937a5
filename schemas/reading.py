"""Readings: one value of one metric of one device at one instant, and what became of its copies."""

from pydantic import Field, FiniteFloat

from schemas.record import Position, Record


class Reading(Record):
    """A clean reading. Its identity, everywhere, is device, metric and event_time."""

    schema_version: int = 1
    device: str = Field(description="from the MQTT topic fleet/{device}/telemetry")
    metric: str = Field(description="what was measured, for example temperature")
    event_time: int = Field(
        ge=-(2**63), lt=2**63, description="ms since the epoch: ts of the payload, else when the bridge received it"
    )
    value: FiniteFloat = Field(description="finite, in the metric's one unit")
    unit: str | None = Field(None, description="UCUM code of the value after conversion; null when none was sent")
    sequence: int | None = Field(None, description="seq of the payload, if any")
    position: Position


class DuplicateReading(Reading):
    """A reading that came again with the same identity and the same value. Not stored a second time."""

    occurrence: int = Field(description="how often this identity has come, this time included: 2 or more")


class LateReading(Reading):
    """A reading that came behind the watermark of the windows. It is stored and scored like any other."""

    late_by_ms: int = Field(description="watermark minus event_time")
