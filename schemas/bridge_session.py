"""What a bridge writes down of its MQTT session, so that a loss of it has a period, whoever asks."""

from pydantic import BaseModel, ConfigDict, Field

from schemas.record import Record

MAX_LOSSES = 100
"""The newest stay."""


class SessionLoss(BaseModel):
    """A session that the MQTT broker did not have any more: what it acknowledged in between may be missing."""

    model_config = ConfigDict(frozen=True)

    since: int = Field(description="ms since the epoch; what was published before is stored")
    until: int = Field(description="ms since the epoch; the broker keeps for the bridge what was published after")


class BridgeSession(Record):
    """The newest state of one session."""

    schema_version: int = 1
    client_id: str = Field(description="the client id, which identifies the session at the MQTT broker")
    instance: str = Field(description="identifies the bridge process that wrote it")
    started: int = Field(description="when that process started, in ms since the epoch")
    filters: tuple[str, ...] = Field(description="topic filters that the session is subscribed to")
    stored_until: int = Field(description="ms since the epoch; what was published before is in Kafka")
    losses: tuple[SessionLoss, ...] = Field((), description="the last sessions that were lost")
    broker_dropped: int | None = Field(
        None,
        description="messages that the MQTT broker counted as dropped, over its restarts and the bridge's; null: it "
        "has never said",
    )
    broker_dropped_at: int | None = Field(
        None, description="when the bridge last saw that figure grow, in ms since the epoch; null: never"
    )
    broker_counter: int | None = Field(
        None, description="the MQTT broker's own counter as it was last seen; it starts at 0 with the broker"
    )
