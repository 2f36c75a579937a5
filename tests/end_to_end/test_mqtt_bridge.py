"""The bridge on real brokers. Mosquitto and the bridge are the test's own; Kafka is the one of `broker`."""

import contextlib
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
import pytest
from kafka import KafkaConsumer, TopicPartition
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bench.free_port import free_port
from schemas.dead_letter import DeadLetter
from schemas.topics import DEAD_LETTERS, TELEMETRY_RAW
from tests.end_to_end.frozen_servers import frozen_kafka
from tests.end_to_end.waiting import until
from tests.mosquitto_server import MosquittoServer

pytestmark = pytest.mark.end_to_end

PATIENCE_S = 60


@dataclass
class Bridge:
    environment: dict[str, str]
    mqtt_port: int
    client_id: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:8]}")
    http_port: int = field(default_factory=free_port)

    def start(self, **more: str) -> None:
        own = {
            "HEADRACE_MQTT_HOST": "127.0.0.1",
            "HEADRACE_MQTT_PORT": str(self.mqtt_port),
            "HEADRACE_BRIDGE_CLIENT_ID": self.client_id,
            "HEADRACE_BRIDGE_HTTP_PORT": str(self.http_port),
            "HEADRACE_BRIDGE_STOP_WITHIN_S": "2",
        }
        command = [sys.executable, "-m", "connectors.mqtt_bridge"]
        self.process = subprocess.Popen(command, env=self.environment | own | more)

    def readiness(self) -> tuple[int, str]:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.http_port}/readyz", timeout=5)
        except httpx.HTTPError as error:
            return 0, str(error)
        return answer.status_code, answer.text

    def wait_until_ready(self) -> None:
        until(lambda: self.readiness()[0] == 200, "the bridge is ready")

    def metric(self, name: str) -> float:
        text = httpx.get(f"http://127.0.0.1:{self.http_port}/metrics", timeout=5).text
        found = [line.split()[1] for line in text.splitlines() if line.startswith(f"headrace_bridge_{name} ")]
        return float(found[0]) if found else 0.0

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[MosquittoServer]:
    server = MosquittoServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bridge(broker, mosquitto: MosquittoServer) -> Iterator[Bridge]:
    bridge = Bridge(broker.environment, mosquitto.port)
    yield bridge
    if bridge.process.poll() is None:
        bridge.process.kill()
        bridge.process.wait(10)


@pytest.fixture
def device() -> str:
    return f"pump {uuid.uuid4().hex[:8]}"


def publish(port: int, topic: str, *payloads: bytes, qos: int = 1) -> None:
    """Return when the broker has acknowledged them."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for information in [client.publish(topic, payload, qos=qos) for payload in payloads]:
        information.wait_for_publish(PATIENCE_S)
    client.disconnect()
    client.loop_stop()


def unacknowledged(port: int, client_id: str, expected: int) -> list[bytes]:
    """What the broker still holds for this session, without acknowledging it."""
    held: list[bytes] = []
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
    )
    client.on_message = lambda _client, _userdata, message: held.append(message.payload)
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    client.loop_start()
    until(lambda: len(held) >= expected, f"{expected} messages are held, not {len(held)}")
    client.disconnect()
    client.loop_stop()
    return held


@dataclass
class Stored:
    """What came to Kafka since the test began."""

    bootstrap: str

    def __post_init__(self) -> None:
        with self._consumer() as consumer:
            topics = (TELEMETRY_RAW, DEAD_LETTERS)
            all_ = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
            self._began = consumer.end_offsets(all_)

    def records(self, topic: str, device: str, expected: int) -> list:
        """Records of this device, in order, once there are so many."""
        with self._consumer() as consumer:
            consumer.assign([partition for partition in self._began if partition.topic == topic])
            for partition in consumer.assignment():
                consumer.seek(partition, self._began[partition])
            found: list = []

            def enough() -> bool:
                found.extend(r for batch in consumer.poll(500).values() for r in batch if r.key == device.encode())
                return len(found) >= expected

            until(enough, f"{expected} records of {device!r} on {topic}")
            return found

    @contextlib.contextmanager
    def _consumer(self) -> Iterator[KafkaConsumer]:
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, group_id=None, enable_auto_commit=False)
        try:
            yield consumer
        finally:
            consumer.close()


@pytest.fixture
def stored(broker) -> Stored:
    return Stored(broker.endpoints.kafka)


def test_nothing_is_acknowledged_while_kafka_is_away(broker, stored, mosquitto, bridge, device) -> None:
    payloads = [b"%d" % number for number in range(50)]
    bridge.start()
    bridge.wait_until_ready()
    with frozen_kafka(broker):
        publish(mosquitto.port, f"fleet/{device}/telemetry", *payloads)
        until(lambda: bridge.metric("in_flight") == 50, "the bridge holds them")
        assert bridge.metric("acknowledged_total") == 0
        until(lambda: bridge.readiness()[0] == 503, "the bridge is not ready")
        bridge.end(signal.SIGKILL)
        assert unacknowledged(mosquitto.port, bridge.client_id, 50) == payloads
    bridge.start()
    values = [record.value for record in stored.records(TELEMETRY_RAW.name, device, 50)]
    # What a killed bridge had sent may be stored after all: then everything comes twice, in order both times.
    assert values[-50:] == payloads


def test_it_goes_on_in_order_when_kafka_is_back(broker, stored, mosquitto, bridge, device) -> None:
    payloads = [b"%d" % number for number in range(200)]
    bridge.start()
    bridge.wait_until_ready()
    with frozen_kafka(broker):
        publish(mosquitto.port, f"fleet/{device}/telemetry", *payloads)
    found = stored.records(TELEMETRY_RAW.name, device, 200)
    assert [record.value for record in found] == payloads
    times = [int(dict(record.headers)["received_at"]) for record in found]
    assert len(set(times)) == 200
    assert times == sorted(times)
    bridge.wait_until_ready()
    until(lambda: bridge.metric("acknowledged_total") == 200, "all are acknowledged")


def test_the_session_is_made_before_kafka_is_there(broker, stored, mosquitto, bridge, device) -> None:
    bridge.start(HEADRACE_KAFKA=f"127.0.0.1:{free_port()}")
    until(lambda: "waiting for Kafka" in bridge.readiness()[1], "the bridge says what it waits for")
    until(lambda: bridge.metric("connections_total") == 1, "it connected")
    # It leaves the broker once it has subscribed.
    until(lambda: "not connected" in bridge.readiness()[1], "it made its session")
    publish(mosquitto.port, f"fleet/{device}/telemetry", b"1", b"2")
    assert bridge.end() == 0
    bridge.start()
    assert [r.value for r in stored.records(TELEMETRY_RAW.name, device, 2)] == [b"1", b"2"]


@pytest.mark.parametrize("forgets", [False, True], ids=["and keeps the session", "and forgets the session"])
def test_it_subscribes_again_after_a_restart_of_the_mqtt_broker(
    broker, stored, mosquitto, bridge, device, forgets
) -> None:
    bridge.start()
    bridge.wait_until_ready()
    publish(mosquitto.port, f"fleet/{device}/telemetry", b"before")
    stored.records(TELEMETRY_RAW.name, device, 1)
    mosquitto.stop()
    until(lambda: bridge.readiness()[0] == 503, "the bridge has noticed")
    if forgets:
        mosquitto.forget_everything()
    mosquitto.start()
    bridge.wait_until_ready()
    publish(mosquitto.port, f"fleet/{device}/telemetry", b"after")
    found = stored.records(TELEMETRY_RAW.name, device, 2)
    assert [record.value for record in found] == [b"before", b"after"]


def test_what_it_refuses_is_a_dead_letter_and_acknowledged(broker, stored, mosquitto, bridge, device) -> None:
    bridge.start()
    bridge.wait_until_ready()
    publish(mosquitto.port, f"fleet/{device}/telemetry", bytes(256 * 1024), bytes(256 * 1024 + 1), bytes(6 << 20))
    (whole,) = stored.records(TELEMETRY_RAW.name, device, 1)
    assert len(whole.value) == 256 * 1024
    letters = [DeadLetter.model_validate_json(r.value) for r in stored.records(DEAD_LETTERS.name, device, 2)]
    assert [(letter.reason, letter.original_size, letter.replayable) for letter in letters] == [
        ("payload_too_large", 256 * 1024 + 1, True),
        ("payload_too_large", 6 << 20, False),
    ]
    publish(mosquitto.port, "fleet//telemetry", b"hello")
    until(lambda: bridge.metric("acknowledged_total") == 4, "all four are acknowledged")


def test_the_end_is_clean_though_kafka_is_away(broker, stored, mosquitto, bridge, device) -> None:
    bridge.start()
    bridge.wait_until_ready()
    with frozen_kafka(broker):
        publish(mosquitto.port, f"fleet/{device}/telemetry", b"1")
        until(lambda: bridge.metric("in_flight") == 1, "the bridge holds it")
        assert bridge.end() == 0
        assert unacknowledged(mosquitto.port, bridge.client_id, 1) == [b"1"]
    bridge.start()
    assert stored.records(TELEMETRY_RAW.name, device, 1)[0].value == b"1"
