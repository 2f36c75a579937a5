"""The listener's settings: HEADRACE_LISTENER_MQTT_PORT and so on."""

import ipaddress
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.endpoints import (
    LISTENER_HTTP_PORT,
    LISTENER_MQTT_PORT,
    LISTENER_PROBES_PORT,
    LOOPBACK,
    StackSettings,
    moved_port,
)
from connectors.entrance_records import MAX_PAYLOAD_BYTES
from schemas.limits import PAYLOAD_BYTES
from schemas.setting import stated_default

TOKENS_FILE = "device-tokens.jsonl"


class ListenerSettings(BaseSettings):
    """How one listener process works. Kafka's address is among the endpoints."""

    READ_BY: ClassVar[str] = "the listener; `headrace device` reads where the tokens are"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_LISTENER_", frozen=True, extra="ignore")

    host: str = Field(LOOPBACK, description="Address that the ports for devices listen on.")
    mqtt_port: int = Field(
        description="Port for MQTT 3.1.1 and 5. Several processes share it.",
        **moved_port(LISTENER_MQTT_PORT),
    )
    http_port: int = Field(
        description="Port for HTTP and WebSocket. Several processes share it.",
        **moved_port(LISTENER_HTTP_PORT),
    )
    probes_host: str = Field(LOOPBACK, description="Address that `/healthz`, `/readyz` and `/metrics` listen on.")
    probes_port: int = Field(
        description="Port of `/healthz`, `/readyz` and `/metrics`; each process needs its own.",
        **moved_port(LISTENER_PROBES_PORT),
    )
    tokens_file: Path = Field(
        default_factory=lambda: StackSettings().secrets / TOKENS_FILE,
        description="File with the hashed tokens of devices, which `headrace device` writes. Changes count at once.",
        json_schema_extra=stated_default(f"the file {TOKENS_FILE} in the stack's folder secrets"),
    )
    allow_anonymous: bool = Field(
        False,
        description="Let devices in without a token, each as the device that its topic names. Only on a loopback "
        "address, for trials.",
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file with the certificate chain for TLS on both ports. None: no TLS."
    )
    tls_key: Path | None = Field(None, description="PEM file with the private key of the certificate.")
    http_topic: str = Field(
        "fleet/{device}/telemetry",
        pattern=r"^[^+#{}\x00]*\{device\}[^+#{}\x00]*$",
        description="MQTT topic as which a payload counts that comes by HTTP or WebSocket.",
    )
    max_payload_bytes: int = Field(
        PAYLOAD_BYTES,
        ge=1,
        le=MAX_PAYLOAD_BYTES,
        description="Largest payload in bytes. A larger one becomes a dead letter (MQTT) or is refused (HTTP, "
        "WebSocket).",
    )
    max_packet_bytes: int = Field(
        1024 * 1024, ge=1024, le=268_435_455, description="MQTT Maximum Packet Size; a larger one ends the connection."
    )
    receive_maximum: int = Field(
        100,
        ge=1,
        le=65535,
        description="Messages of one connection that wait for Kafka; MQTT 5 Receive Maximum. A connection with more "
        "is not read.",
    )
    max_waiting_bytes: int = Field(
        64 * 1024 * 1024,
        ge=1024 * 1024,
        description="Bytes of all connections that wait for Kafka, 1 KiB more for each record, or are not whole yet. "
        "Beyond it nothing is read.",
    )
    max_connections: int = Field(10_000, ge=1, description="Connections of one process; more are closed at once.")
    connect_within_s: float = Field(
        10.0, gt=0, description="Seconds in which a new connection must send CONNECT, or a whole HTTP request."
    )
    linger_ms: int = Field(
        20, ge=0, le=1000, description="Milliseconds that a record waits for others to share its Kafka batch."
    )
    stop_within_s: float = Field(
        5.0, ge=0, description="Seconds after SIGTERM in which what waits may still be acknowledged."
    )

    @model_validator(mode="after")
    def _anonymous_on_loopback_only(self) -> Self:
        if self.allow_anonymous and not _is_loopback(self.host):
            raise ValueError(
                f"devices without a token are let in on a loopback address only, and the host is {self.host}: "
                "unset HEADRACE_LISTENER_ALLOW_ANONYMOUS, and make tokens with  headrace device add"
            )
        return self

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TLS needs HEADRACE_LISTENER_TLS_CERTIFICATE and HEADRACE_LISTENER_TLS_KEY, or neither")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
