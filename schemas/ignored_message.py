"""Messages that hold no reading and are not meant to: what a source excludes, and a protocol's own messages."""

from enum import StrEnum

from pydantic import Field

from schemas.record import Position, Record


class IgnoredReason(StrEnum):
    """Why a message was passed over."""

    EXCLUDED = "excluded"
    """The source's include and exclude leave nothing of it."""
    PROTOCOL = "protocol"
    """It serves the protocol: a death certificate of an earlier session, a command, a host's state."""


class IgnoredMessage(Record):
    """A message of telemetry.raw without readings. `headrace balance` counts it; nothing else reads it."""

    schema_version: int = 1
    device: str | None = Field(None, description="from the topic, if it names one")
    source: str = Field(description="name of the declared source")
    reason: IgnoredReason
    detail: str | None = Field(None, description="which part of the source or of the protocol passes over it")
    position: Position
