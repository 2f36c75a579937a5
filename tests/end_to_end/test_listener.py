"""The listener as a process, in front of a real Kafka: published clients, kill -9, and a Kafka that answers nothing."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx
import paho.mqtt.client as mqtt
import pytest
from kafka import KafkaConsumer, TopicPartition
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from websockets.asyncio.client import connect as connect_websocket

from bench.free_port import free_port
from connectors.entrance_clock import EntranceClock
from connectors.entrance_records import epoch_ms
from connectors.kafka.clients import KeyPartitioner
from connectors.kafka.fast_producer import ready_fast_producer
from connectors.mqtt_packets import MQTT_5, PacketType, disconnect
from schemas.dead_letter import DeadLetter
from schemas.topics import DEAD_LETTERS, TELEMETRY_RAW
from tests.end_to_end.conftest import PORT_OFFSET, started
from tests.end_to_end.frozen_servers import frozen_kafka
from tests.end_to_end.waiting import until
from tests.unit.connectors.listener_in_memory import connect, publish

PATIENCE_S = 60
HOUR_MS = 60 * 60 * 1000
RAW = TELEMETRY_RAW.name
VERSIONS = pytest.mark.parametrize("version", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5])


@pytest.fixture(scope="module")
def kafka():
    """A Kafka that no other test is disturbed by when it is frozen."""
    with started(PORT_OFFSET + 400, "--only", "kafka") as kafka:
        yield kafka


@dataclass
class Listener:
    environment: dict[str, str]
    mqtt_port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    probes_port: int = field(default_factory=free_port)

    def start(self, **more: str) -> "Listener":
        own = {
            "HEADRACE_LISTENER_MQTT_PORT": str(self.mqtt_port),
            "HEADRACE_LISTENER_HTTP_PORT": str(self.http_port),
            "HEADRACE_LISTENER_PROBES_PORT": str(self.probes_port),
            "HEADRACE_LISTENER_ALLOW_ANONYMOUS": "true",
            "HEADRACE_LISTENER_STOP_WITHIN_S": "2",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "connectors.listener"], env=self.environment | own | more
        )
        return self

    def ready(self) -> "Listener":
        until(lambda: self.probe("readyz") == (200, "ready\n"), "the listener is ready")
        return self

    def probe(self, page: str) -> tuple[int, str]:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.probes_port}/{page}", timeout=5)
        except httpx.HTTPError as error:
            return 0, str(error)
        return answer.status_code, answer.text

    def metric(self, name: str) -> float:
        lines = self.probe("metrics")[1].splitlines()
        return float(next((line.split()[1] for line in lines if line.startswith(f"headrace_listener_{name} ")), 0))

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def listener(kafka) -> Iterator[Listener]:
    listener = Listener(kafka.environment)
    yield listener
    if listener.process.poll() is None:
        listener.end(signal.SIGKILL)


@pytest.fixture
def device() -> str:
    return f"pump {uuid.uuid4().hex[:8]}"


@pytest.fixture
def stored(kafka):
    """Records of a topic since the test began: each call reads those that are new."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.endpoints.kafka, group_id=None, enable_auto_commit=False)
    topics = (TELEMETRY_RAW, DEAD_LETTERS)
    consumer.assign([TopicPartition(each.name, number) for each in topics for number in range(each.partitions)])
    consumer.seek_to_end()
    for partition in consumer.assignment():
        consumer.position(partition)
    found: list = []

    def read(topic: str, expected: int) -> list:
        def enough() -> bool:
            found.extend(record for batch in consumer.poll(200).values() for record in batch)
            return sum(record.topic == topic for record in found) >= expected

        until(enough, f"{expected} records on {topic}")
        return [record for record in found if record.topic == topic]

    yield read
    consumer.close()


def paho(listener: Listener, version: MQTTProtocolVersion, client_id: str = "") -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=version)
    client.reconnect_delay_set(0.05, 0.2)
    client.connect("127.0.0.1", listener.mqtt_port)
    client.loop_start()
    return client


@VERSIONS
def test_paho_publishes_and_its_messages_are_in_kafka_in_order(listener, stored, device, version):
    listener.start().ready()
    client = paho(listener, version)
    payloads = [b"%d" % number for number in range(300)]
    sent = [client.publish(f"fleet/{device}/telemetry", payload, qos=1) for payload in payloads]
    for information in sent:
        information.wait_for_publish(PATIENCE_S)
    client.disconnect()
    client.loop_stop()
    records = stored(RAW, 300)
    assert [record.value for record in records] == payloads
    assert {record.key for record in records} == {device.encode()}
    times = [int(dict(record.headers)["received_at"]) for record in records]
    assert times == sorted(set(times))


@VERSIONS
def test_paho_is_refused_a_subscription_and_goes_on(listener, device, version):
    listener.start().ready()
    client, answers = paho(listener, version), []
    client.on_subscribe = lambda *arguments: answers.extend(arguments[3])
    until(client.is_connected, "it is connected")
    client.subscribe("fleet/#", 1)
    until(lambda: bool(answers), "its subscription is answered")
    assert answers[0].is_failure
    client.publish(f"fleet/{device}/telemetry", b"1", qos=1).wait_for_publish(PATIENCE_S)
    client.disconnect()
    client.loop_stop()


def test_every_key_is_in_the_partition_that_the_bridge_would_choose(listener, stored):
    listener.start().ready()
    client = paho(listener, MQTTProtocolVersion.MQTTv5)
    devices = [f"größe {number}" for number in range(200)]
    for information in [client.publish(f"fleet/{each}/telemetry", b"1", qos=1) for each in devices]:
        information.wait_for_publish(PATIENCE_S)
    client.disconnect()
    client.loop_stop()
    partitions = {record.key: record.partition for record in stored(RAW, 200)}

    class Cluster:
        def partitions_for_topic(self, topic: str) -> set[int]:
            return set(range(TELEMETRY_RAW.partitions))

    expected = KeyPartitioner()
    assert len(set(partitions.values())) == TELEMETRY_RAW.partitions
    assert partitions == {key: expected.partition(RAW, key, key, None, None, Cluster()) for key in partitions}


def test_http_and_websocket_payloads_are_stored_when_they_are_answered(listener, stored, device):
    listener.start().ready()
    answer = httpx.post(f"http://127.0.0.1:{listener.http_port}/telemetry/{device}", content=b"by http")
    assert answer.status_code == 204

    async def send() -> list[str | bytes]:
        url = f"ws://127.0.0.1:{listener.http_port}/telemetry/{quote(device)}?ids=1"
        async with connect_websocket(url) as websocket:
            await websocket.send("a\nby websocket")
            await websocket.send(b"b\n" + bytes(256 * 1024))
            return [await websocket.recv(), await websocket.recv()]

    assert asyncio.run(send()) == ['{"id":"a","status":"stored"}', '{"id":"b","status":"stored"}']
    values = [record.value for record in stored(RAW, 3)]
    assert values == [b"by http", b"by websocket", bytes(256 * 1024)]


def test_what_it_refuses_is_a_dead_letter_and_acknowledged(listener, stored, device):
    listener.start().ready()
    client = paho(listener, MQTTProtocolVersion.MQTTv5)
    for topic, payload in [(f"fleet/{device}/telemetry", bytes(256 * 1024 + 1)), ("boiler/7", b"hello")]:
        client.publish(topic, payload, qos=1).wait_for_publish(PATIENCE_S)
    client.disconnect()
    client.loop_stop()
    letters = [DeadLetter.model_validate_json(record.value) for record in stored(DEAD_LETTERS.name, 2)]
    assert {(letter.reason, letter.stage, letter.original_size) for letter in letters} == {
        ("payload_too_large", "listener", 256 * 1024 + 1),
        ("no_device", "listener", 5),
    }


@dataclass
class Sender:
    """A device with several messages in flight that sends again, in order, what was not acknowledged."""

    port: int
    topic: str
    messages: int
    in_flight: int = 20
    acknowledged: int = 0

    def run(self) -> None:
        while self.acknowledged < self.messages:
            with contextlib.suppress(OSError, EOFError), socket.create_connection(("127.0.0.1", self.port), 5) as peer:
                peer.settimeout(PATIENCE_S)
                self._connection(peer)
            time.sleep(0.02)

    def _connection(self, peer: socket.socket) -> None:
        peer.sendall(connect(client=self.topic))
        stream = peer.makefile("rb")
        header = stream.read(2)
        if len(header) < 2 or header[0] >> 4 != PacketType.CONNACK:
            raise EOFError
        stream.read(header[1])
        sent = self.acknowledged
        while self.acknowledged < self.messages:
            until_ = min(self.messages, self.acknowledged + self.in_flight)
            peer.sendall(b"".join(publish(b"%d" % n, self.topic, n % 65_535 + 1) for n in range(sent, until_)))
            sent = until_
            answer = stream.read(4)
            if len(answer) < 4:
                raise EOFError
            assert int.from_bytes(answer[2:]) == self.acknowledged % 65_535 + 1
            self.acknowledged += 1


def test_nothing_acknowledged_is_lost_when_the_listener_is_killed_under_load(listener, stored):
    listener.start().ready()
    devices = [f"killed-{uuid.uuid4().hex[:8]}" for _ in range(8)]
    senders = [Sender(listener.mqtt_port, f"fleet/{device}/telemetry", 1500) for device in devices]
    threads = [threading.Thread(target=sender.run, daemon=True) for sender in senders]
    for thread in threads:
        thread.start()
    for share in (1, 2):
        until(lambda: sum(sender.acknowledged for sender in senders) > share * 3000, "some are acknowledged")  # noqa: B023
        listener.end(signal.SIGKILL)
        listener.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert [sender.acknowledged for sender in senders] == [1500] * 8
    expected = {(device.encode(), b"%d" % number) for device in devices for number in range(1500)}
    records = stored(RAW, len(expected))
    while {(record.key, record.value) for record in records} != expected:  # what was sent again may be there twice
        records = stored(RAW, len(records) + 1)  # fails where nothing more comes


def test_a_frozen_kafka_withholds_puback_while_pings_are_answered_and_all_goes_on_after_it(
    kafka, listener, stored, device
):
    listener.start().ready()
    with socket.create_connection(("127.0.0.1", listener.mqtt_port), 5) as peer:
        peer.settimeout(PATIENCE_S)
        peer.sendall(connect(MQTT_5))
        peer.recv(100)
        with frozen_kafka(kafka):
            payloads = [b"%d" % number for number in range(50)]
            topic = f"fleet/{device}/telemetry"
            peer.sendall(b"".join(publish(each, topic, n) for n, each in enumerate(payloads, 1)))
            until(lambda: listener.metric("waiting") == 50, "the listener holds them")
            peer.sendall(b"\xc0\0")
            assert peer.recv(100) == b"\xd0\0"  # and no PUBACK before it
            with socket.create_connection(("127.0.0.1", listener.mqtt_port), 5) as other:
                other.settimeout(PATIENCE_S)
                other.sendall(connect(MQTT_5, client="other"))
                assert other.recv(100)[:1] == b"\x20"
            until(lambda: "stored nothing" in listener.probe("readyz")[1], "the listener is not ready")
            assert listener.probe("healthz")[0] == 200
        answers = b""
        while len(answers) < 200:
            answers += peer.recv(1000)
        assert [int.from_bytes(answers[at : at + 2]) for at in range(2, 200, 4)] == list(range(1, 51))
    assert [record.value for record in stored(RAW, 50)] == payloads
    listener.ready()


def test_it_ends_with_0_though_kafka_is_away_and_tells_its_clients(kafka, listener, device):
    listener.start().ready()
    with socket.create_connection(("127.0.0.1", listener.mqtt_port), 5) as peer, frozen_kafka(kafka):
        peer.settimeout(PATIENCE_S)
        peer.sendall(connect(MQTT_5))
        peer.recv(100)
        peer.sendall(publish(b"1", f"fleet/{device}/telemetry"))
        until(lambda: listener.metric("waiting") == 1, "the listener holds it")
        assert listener.end() == 0
        assert peer.recv(100) == disconnect(0x8B)


def test_no_device_is_let_in_before_kafka_is_there(listener):
    listener.start(HEADRACE_KAFKA=f"127.0.0.1:{free_port()}")
    until(lambda: "waiting for Kafka" in listener.probe("readyz")[1], "the listener says what it waits for")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.mqtt_port), 5)
    assert listener.end() == 0


def test_two_processes_share_the_ports(kafka, listener, device):
    other = Listener(kafka.environment, listener.mqtt_port, listener.http_port)
    listener.start().ready()
    other.start()
    try:
        other.ready()
        for _ in range(60):
            url = f"http://127.0.0.1:{listener.http_port}/telemetry/{device}"
            assert httpx.post(url, content=b"1").status_code == 204
        taken = [each.metric('received_total{protocol="http"}') for each in (listener, other)]
        assert sum(taken) == 60
        assert min(taken) > 0
    finally:
        other.end()


def test_a_device_with_a_token_publishes_and_is_disconnected_when_it_is_revoked(kafka, listener, device):
    shown = kafka.headrace("device", "add", device).stdout
    name, token = shown.rstrip("\n").split("\t")
    assert name == device
    listener.start(HEADRACE_LISTENER_ALLOW_ANONYMOUS="false").ready()
    url = f"http://127.0.0.1:{listener.http_port}/telemetry/{device}"
    assert httpx.post(url, content=b"1").status_code == 401
    assert httpx.post(url, content=b"1", headers={"Authorization": f"Bearer {token}"}).status_code == 204
    with socket.create_connection(("127.0.0.1", listener.mqtt_port), 5) as peer:
        peer.settimeout(PATIENCE_S)
        peer.sendall(connect(MQTT_5, user=device, password=token))
        assert peer.recv(100)[3] == 0
        assert device in kafka.headrace("device", "ls").stdout
        kafka.headrace("device", "revoke", device)
        assert peer.recv(100) == disconnect(0x87)
    assert os.stat(kafka.home / "secrets" / "device-tokens.jsonl").st_mode & 0o777 == 0o600


def test_a_wrong_clock_of_the_host_is_corrected_by_the_append_times_of_kafka(kafka, device):
    clock = EntranceClock(lambda: epoch_ms() + HOUR_MS)
    address = kafka.endpoints.kafka
    producer = ready_fast_producer(address, [TELEMETRY_RAW], client_id="test", linger_ms=5, clock=clock)
    assert clock() - epoch_ms() > HOUR_MS - 1000
    sent = producer.send(RAW, b"1", device.encode(), [])

    def is_stored() -> bool:
        producer.poll()
        return sent.is_done

    until(is_stored, "the record is stored")
    assert abs(clock() - epoch_ms()) < PATIENCE_S * 1000
