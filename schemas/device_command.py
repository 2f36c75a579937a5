"""Commands to devices: what a payload format asks of its sender. The bridge publishes them."""

from pydantic import Field

from schemas.record import Position, Record


class DeviceCommand(Record):
    """An MQTT message for a device, for example Sparkplug's request for a rebirth."""

    schema_version: int = 1
    device: str | None = Field(None, description="key of the message that made it necessary")
    topic: str = Field(description="MQTT topic to publish to")
    payload: bytes = Field(description="base64 in JSON")
    source: str = Field(description="name of the declared source")
    position: Position = Field(description="of that message")
