"""The bridge's settings: HEADRACE_BRIDGE_CLIENT_ID and so on."""

from typing import ClassVar, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.endpoints import BRIDGE_HTTP_PORT, LOOPBACK, moved_port
from connectors.entrance_records import MAX_PAYLOAD_BYTES
from schemas.limits import PAYLOAD_BYTES

DAY_S = 24 * 60 * 60


class BridgeSettings(BaseSettings):
    """How one bridge process works. The brokers' addresses are among the endpoints."""

    READ_BY: ClassVar[str] = "the bridge from MQTT to Kafka; `headrace dlq` reads the payload limit"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_BRIDGE_", frozen=True, extra="ignore")

    client_id: str = Field(
        "headrace-bridge",
        min_length=1,
        description="Client id, which identifies the persistent session at the MQTT broker.",
    )
    share_group: str | None = Field(
        None,
        pattern=r"^[^/+#\x00]+$",
        description="Name of the MQTT 5 share group, if several bridges share the load. Messages of one device may "
        "then overtake each other, and each bridge needs a client id of its own.",
    )
    max_inflight: int = Field(1000, ge=1, le=65535, description="MQTT 5 Receive Maximum: messages that wait for Kafka.")
    max_payload_bytes: int = Field(
        PAYLOAD_BYTES,
        ge=1,
        le=MAX_PAYLOAD_BYTES,
        description="Largest payload in bytes. A larger one becomes a dead letter.",
    )
    session_expiry_s: int = Field(
        7 * DAY_S,
        ge=1,
        le=2**32 - 1,
        description="Seconds that the broker keeps the session and its queue while the bridge is not connected.",
    )
    keepalive_s: int = Field(30, ge=5, le=65535, description="MQTT keep-alive interval in seconds.")
    linger_ms: int = Field(
        20, ge=0, le=1000, description="Milliseconds that a record waits for others to share its Kafka batch."
    )
    http_host: str = Field(LOOPBACK, description="Address that the HTTP port listens on.")
    http_port: int = Field(
        description="Port of `/healthz`, `/readyz` and `/metrics`. 0 takes a free port.",
        **moved_port(BRIDGE_HTTP_PORT),
    )
    stop_within_s: float = Field(
        5.0, ge=0, description="Seconds after SIGTERM in which in-flight messages may still be acknowledged."
    )

    @property
    def max_inflight_bytes(self) -> int:
        return self.max_inflight * self.max_payload_bytes

    @model_validator(mode="after")
    def _members_of_a_group_have_names(self) -> Self:
        if self.share_group and "client_id" not in self.model_fields_set:
            raise ValueError("each member of a share group needs its own HEADRACE_BRIDGE_CLIENT_ID")
        return self
