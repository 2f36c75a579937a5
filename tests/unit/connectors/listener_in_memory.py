"""A listener without network: transports and a producer in memory, and clocks that tests move."""

import json
from pathlib import Path
from typing import Any

from connectors import mqtt_packets as packets
from connectors.listener.connections import Connection, Connections
from connectors.listener.device_tokens import DeviceTokens, add_devices
from connectors.listener.http_telemetry import TelemetryHttpConnection
from connectors.listener.mqtt_connection import MqttConnection, MqttSessions
from connectors.listener.record_intake import RecordIntake
from connectors.listener.settings import ListenerSettings
from connectors.mqtt_packets import MQTT_5, PacketType, packet, text_field
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from tests.unit.connectors.in_memory import Clock, Producer

NOW_MS = 1_719_800_000_000
SOURCES = Sources(
    [DEFAULT_SOURCE, Source(name="plant", topic="plant/{line}/{metric}", codec="json", device="id", values="@")]
)


class Transport:
    """What was written, and whether it is read and open."""

    def __init__(self) -> None:
        self.written = b""
        self.reading = True
        self.closing = False
        self.ended = False
        self.aborted = False

    def write(self, data: bytes) -> None:
        assert not self.closing
        self.written += data

    def take(self) -> bytes:
        written, self.written = self.written, b""
        return written

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def get_extra_info(self, name: str) -> Any:
        return None


class Listener:
    """One process of the listener."""

    def __init__(self, folder: Path, sources: Sources = SOURCES, **settings: Any) -> None:
        self.producer = Producer()
        self.monotonic = Clock(0.0)
        self.scheduled: list[Any] = []
        self.settings = ListenerSettings(
            **{"tokens_file": folder / "tokens.jsonl", "allow_anonymous": True, "mqtt_port": 0, "http_port": 0}
            | settings
        )
        self.wall = Clock(NOW_MS)
        self.intake = RecordIntake(self.producer, sources, self.settings.max_payload_bytes, self.wall)
        self.connections = Connections(
            self.settings,
            lambda delay_s, call: self.scheduled.append(call),
            self.intake.release,
            monotonic_s=self.monotonic,
        )
        self.tokens = DeviceTokens(self.settings.tokens_file, self.settings.allow_anonymous)
        self.sessions = MqttSessions(self.monotonic)

    def token(self, device: str, *topics: str) -> str:
        ((_, token),) = add_devices(self.settings.tokens_file, [device], topics, "2026-11-30")
        self.tokens.reload()
        return token

    def mqtt(self) -> tuple[MqttConnection, Transport]:
        return self._opened(MqttConnection(self.connections, self.intake, self.tokens, self.sessions))

    def mqtt_connected(self, version: int = MQTT_5, **options: Any) -> tuple[MqttConnection, Transport]:
        connection, transport = self.mqtt()
        connection.data_received(connect(version, **options))
        assert transport.take()[:1] == b"\x20"
        return connection, transport

    def http(self) -> tuple[TelemetryHttpConnection, Transport]:
        return self._opened(TelemetryHttpConnection(self.connections, self.intake, self.tokens))

    def store(self, *numbers: int) -> None:
        """Kafka has stored these records, or all."""
        self.producer.store(*numbers)
        self.connections.release()

    def sweep_at(self, now_s: float) -> None:
        self.monotonic.now = now_s
        self.connections.sweep(self.tokens.reload())

    def _opened(self, connection: Connection) -> tuple[Any, Transport]:
        transport = Transport()
        connection.connection_made(transport)
        return connection, transport


def connect(
    version: int = MQTT_5,
    client: str = "pump-client",
    clean: bool = True,
    keep_alive_s: int = 60,
    user: str | None = None,
    password: str | None = None,
    properties: bytes = b"",
) -> bytes:
    flags = clean << 1 | (user is not None) << 7 | (password is not None) << 6
    body = text_field("MQTT") + bytes((version, flags)) + keep_alive_s.to_bytes(2)
    if version == MQTT_5:
        body += packets.variable_integer(len(properties)) + properties
    body += text_field(client) + b"".join(text_field(each) for each in (user, password) if each is not None)
    return packet(PacketType.CONNECT, body)


def publish(
    payload: bytes = b"21.4",
    topic: str = "fleet/pump/telemetry",
    identifier: int = 1,
    version: int = MQTT_5,
    qos: int = 1,
    retain: bool = False,
    dup: bool = False,
    properties: bytes = b"",
) -> bytes:
    body = text_field(topic) + (identifier.to_bytes(2) if qos else b"")
    if version == MQTT_5:
        body += packets.variable_integer(len(properties)) + properties
    return packet(PacketType.PUBLISH, body + payload, dup << 3 | qos << 1 | retain)


def post(target: str = "/telemetry/pump", body: bytes = b"21.4", *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: listener", f"Content-Length: {len(body)}", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


def problem(written: bytes) -> tuple[int, str]:
    """Status and detail of the one response."""
    head, _, body = written.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["detail"]
