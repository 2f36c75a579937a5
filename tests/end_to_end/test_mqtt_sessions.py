"""The bridge's session at a real Mosquitto of the test's own. Kafka is in memory: no stack is needed."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import SecretStr

from bench.free_port import free_port
from connectors.endpoints import Endpoints, StackSettings
from connectors.mqtt_bridge.bridge import Bridge
from connectors.mqtt_bridge.exit_status import NO_RESTART_HELPS
from connectors.mqtt_bridge.loop import NetworkLoop
from connectors.mqtt_bridge.session import BrokerRefuses, Session, mqtt_client
from connectors.mqtt_bridge.session_record import AnotherBridge, SessionMemory, SessionRecord
from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.mqtt_bridge.subscriptions import Subscriptions
from connectors.mqtt_broker_figures import mqtt_broker_figures
from headrace.publisher import Publisher
from payload_codecs.codec import Sample
from payload_codecs.message import Message
from payload_codecs.registry import stateless_codec_of
from schemas.bridge_session import BridgeSession
from schemas.payload_format import Codec
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from schemas.topics import BRIDGE_SESSIONS, TELEMETRY_RAW
from tests.end_to_end import waiting
from tests.mosquitto_server import ANYBODY, MosquittoServer
from tests.unit.connectors.in_memory import Confirmation, Producer, Sent

PATIENCE_S = 30
until = partial(waiting.until, within_s=PATIENCE_S)


class Topics:
    """What Kafka would hold, for all bridges of a test."""

    def __init__(self) -> None:
        self.records: list[Sent] = []
        self.sessions: dict[str, BridgeSession] = {}

    def producer(self) -> Producer:
        topics = self

        class Shared(Producer):
            def send(
                self, topic: str, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]]
            ) -> Confirmation:
                confirmation = super().send(topic, value, key, headers)
                if topic == BRIDGE_SESSIONS.name:
                    session = BridgeSession.model_validate_json(value)
                    topics.sessions[session.client_id] = session
                else:
                    topics.records.append(self.sent[-1])
                return confirmation

        return Shared(stores=True)

    @property
    def raw(self) -> list[Sent]:
        return [each for each in self.records if each.topic == TELEMETRY_RAW.name]


class RunningBridge:
    """All of a bridge but its process and Kafka, on a thread of its own."""

    def __init__(
        self, endpoints: Endpoints, topics: Topics, sources: Sources, client_id: str = "bridge", started_ms: int = 1
    ) -> None:
        settings = BridgeSettings(client_id=client_id, http_port=0, keepalive_s=5)
        subscriptions = Subscriptions(sources.filters)
        client, producer = mqtt_client(settings, endpoints), topics.producer()
        self.client = client
        self.session = Session(client, settings, subscriptions)
        memory = SessionMemory(self.session)
        self.loop = NetworkLoop(client, self.session)
        self.bridge = Bridge(client, producer, settings, sources, stored_until=memory.stored_until)
        self.session.when_lost = self.bridge.connection_lost
        self.record = SessionRecord(
            client_id, self.session, memory, producer, subscriptions.filters,
            found=topics.sessions.get(client_id), read=lambda: topics.sessions.get(client_id), started_ms=started_ms,
        )  # fmt: skip
        self.loop.every_second = self.record.keep
        self.error: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def runs(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        self.record.close()

    def _run(self) -> None:
        try:
            self.loop.run(self.bridge, until=self._stop.is_set)
        except Exception as error:  # the test looks at it
            self.error = error
            self.loop.leave()
            return
        self.loop.finish(self.bridge, 2)
        self.record.write()


class Here:
    def __init__(self, mosquitto: MosquittoServer) -> None:
        self.mosquitto, self.topics = mosquitto, Topics()
        self.endpoints = Endpoints.local(StackSettings()).model_copy(update={"mqtt_port": mosquitto.port})

    @contextmanager
    def bridge(self, *sources: Source, ready: bool = True, started_ms: int = 1) -> Iterator[RunningBridge]:
        running = RunningBridge(
            self.endpoints, self.topics, Sources(sources or (DEFAULT_SOURCE,)), started_ms=started_ms
        )
        try:
            if ready:
                until(lambda: running.session.subscribed, "the bridge is subscribed")
            yield running
        finally:
            running.stop()

    def publish(self, topic: str, *payloads: bytes) -> None:
        publish(self.mosquitto.port, topic, *payloads)

    def stored(self, count: int) -> list[bytes]:
        """Payloads in telemetry.raw, once there are so many and the broker has nothing more."""
        until(lambda: len(self.topics.raw) >= count, f"{count} records, there are {len(self.topics.raw)}")
        return [each.value for each in self.topics.raw]


def publish(port: int, topic: str, *payloads: bytes, properties: Properties | None = None) -> None:
    """Return when the broker has acknowledged them."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for information in [client.publish(topic, payload, qos=1, properties=properties) for payload in payloads]:
        information.wait_for_publish(PATIENCE_S)
    client.disconnect()
    client.loop_stop()


def steal(port: int, client_id: str, clean_start: bool) -> None:
    """What `mosquitto_pub -i CLIENT_ID` does, with clean start."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", port, clean_start=clean_start, properties=None if clean_start else properties)
    client.loop_start()
    assert connected.wait(PATIENCE_S)
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[MosquittoServer]:
    broker = MosquittoServer(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def here(mosquitto: MosquittoServer) -> Here:
    return Here(mosquitto)


LINES = Source(name="lines", topic="plant/{line}/{device}/torque", codec=Codec.SCALAR, metric="'torque'")
PRESS = Source(name="press", topic="plant/4/{device}/{metric}", codec=Codec.SCALAR)
PLANT = Source(name="plant", topic="plant/#", codec=Codec.JSON, device="id", metric="name", value="value")


def test_a_topic_that_three_subscriptions_match_is_stored_once(here: Here) -> None:
    with here.bridge(LINES, PRESS, PLANT, DEFAULT_SOURCE) as running:
        here.publish("plant/4/press/torque", *(b"%d" % number for number in range(100)))
        here.publish("plant/4/press/speed", b"speed")
        here.publish("plant/status", b"status")
        here.publish("fleet/pump/telemetry", b"pump")
        until(lambda: running.bridge.acknowledged == 3 * 100 + 2 + 1 + 1, "every copy is acknowledged")
        assert here.stored(103) == [*(b"%d" % number for number in range(100)), b"speed", b"status", b"pump"]
        assert running.bridge.copies == 201
    sources = [dict(each.headers)["source"] for each in here.topics.raw]
    assert sources == [*[b"lines"] * 100, b"press", b"plant", b"fleet"]


EVENTS = Source(
    name="events", topic="events/{metric}", codec=Codec.CLOUDEVENTS, data_codec=Codec.SCALAR, device="subject"
)


def test_an_event_in_binary_mode_passes_a_real_broker_and_is_decoded(here: Here) -> None:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "text/plain"
    properties.UserProperty = [
        ("specversion", "1.0"), ("id", "1"), ("source", "/hall 4"), ("type", "com.example.reading"),
        ("subject", "größe 7"), ("time", "2026-05-28T20:26:40.123Z"),
    ]  # fmt: skip
    with here.bridge(EVENTS, DEFAULT_SOURCE):
        publish(here.mosquitto.port, "events/torque", b"12.5", properties=properties)
        here.publish("fleet/pump/telemetry", b"1")
        assert here.stored(2) == [b"12.5", b"1"]
    event, plain = here.topics.raw
    headers = dict(event.headers)
    assert headers["content-type"] == b"text/plain"
    assert not any(name.startswith("ce_") for name, _ in plain.headers)
    message = Message(event.value, None, "events/torque", EVENTS.levels("events/torque"), headers=headers)
    (sample,) = stateless_codec_of(EVENTS).decode(message)
    assert isinstance(sample, Sample)
    assert (sample.device, sample.metric, sample.value, sample.time) == ("größe 7", "torque", 12.5, 1_780_000_000_123)


def test_what_was_queued_for_an_earlier_list_of_filters_is_stored_at_least_once(here: Here) -> None:
    with here.bridge(LINES, PRESS):
        pass
    here.publish("plant/4/press/torque", b"1", b"2")
    with here.bridge(PLANT, LINES, PRESS):
        assert set(here.stored(2)) == {b"1", b"2"}


def test_a_filter_that_no_source_names_any_more_is_unsubscribed_from_the_persistent_session(here: Here) -> None:
    with here.bridge(PLANT, DEFAULT_SOURCE) as running:
        here.publish("plant/a", b"read")
        here.stored(1)
        until(lambda: "bridge" in here.topics.sessions, "its record is written")
        assert running.session.stale == frozenset()
    with here.bridge(DEFAULT_SOURCE) as running:
        until(lambda: not running.session.stale, "the old filter is unsubscribed")
    here.publish("plant/a", b"nobody's")
    here.publish("fleet/pump/telemetry", b"pump")
    with here.bridge(DEFAULT_SOURCE) as running:
        assert here.stored(2) == [b"read", b"pump"]
        assert running.bridge.received == 1
    assert here.topics.sessions["bridge"].filters == ("fleet/+/telemetry",)


def test_a_session_that_was_stolen_while_the_bridge_was_away_is_a_loss_of_that_time(here: Here) -> None:
    with here.bridge() as running:
        here.publish("fleet/pump/telemetry", b"before")
        here.stored(1)
        until(lambda: running.bridge.stored_until.time_ms > 0, "it has caught up")
    here.publish("fleet/pump/telemetry", *[b"lost"] * 100)
    lost_ms = int(time.time() * 1000)
    steal(here.mosquitto.port, "bridge", clean_start=True)
    with here.bridge() as running:
        until(lambda: running.record.sessions_lost == 1, "the loss is counted")
        here.publish("fleet/pump/telemetry", b"after")
        assert here.stored(2) == [b"before", b"after"]
    (loss,) = here.topics.sessions["bridge"].losses
    assert loss.since <= lost_ms <= loss.until


def test_a_session_that_is_stolen_from_a_bridge_at_work_is_a_loss_and_the_bridge_goes_on(here: Here) -> None:
    with here.bridge() as running:
        steal(here.mosquitto.port, "bridge", clean_start=True)
        until(lambda: running.record.sessions_lost == 1, "the loss is counted")
        here.publish("fleet/pump/telemetry", b"after")
        assert here.stored(1) == [b"after"]
        assert running.runs
    assert len(here.topics.sessions["bridge"].losses) == 1


def test_a_restart_of_the_broker_is_no_loss_and_a_broker_that_forgot_is_one(here: Here) -> None:
    with here.bridge() as running:
        for expected, forgets in ((0, False), (1, True)):
            connections = running.session.connections
            here.mosquitto.stop()
            if forgets:
                here.mosquitto.forget_everything()
            here.mosquitto.start()
            until(lambda: running.session.connections > connections and running.session.subscribed, "it is back")  # noqa: B023
            until(lambda: running.record.sessions_lost == expected, "losses are counted")  # noqa: B023


def test_of_two_bridges_with_one_client_id_the_second_stops_and_nothing_is_missing(here: Here) -> None:
    numbers = [b"%d" % number for number in range(300)]
    with here.bridge(started_ms=1) as first:
        until(lambda: "bridge" in here.topics.sessions, "its record is written")
        with here.bridge(ready=False, started_ms=2) as second:
            for number in numbers:
                here.publish("fleet/pump/telemetry", number)
                if not second.runs:
                    break
            until(lambda: not second.runs, "the second has stopped")
            assert isinstance(second.error, AnotherBridge)
        until(lambda: first.session.subscribed, "the first is subscribed")
        here.publish("fleet/pump/telemetry", *numbers)
        until(lambda: set(here.stored(300)) >= set(numbers), "all are stored")
        assert first.runs
        assert first.record.rivals >= 1
    assert here.topics.sessions["bridge"].losses == ()


@contextmanager
def a_broker_with_passwords(folder: Path, more: str = "") -> Iterator[Here]:
    passwords = folder / "passwords"
    passwords.touch()
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), "gateway", "right"], check=True)
    broker = MosquittoServer(folder, f"allow_anonymous false\npassword_file {passwords}\n{more}")
    broker.start()
    try:
        yield Here(broker)
    finally:
        broker.stop()


@pytest.mark.parametrize(("user", "password"), [(None, None), ("gateway", "wrong"), ("nobody", "right")])
def test_a_user_that_the_broker_does_not_know_ends_the_bridge_after_one_attempt(
    tmp_path: Path, user: str | None, password: str | None
) -> None:
    with a_broker_with_passwords(tmp_path) as here:
        given = {"mqtt_user": user, "mqtt_password": SecretStr(password) if password else None}
        here.endpoints = here.endpoints.model_copy(update=given)
        with here.bridge(ready=False) as running:
            until(lambda: not running.runs, "the bridge has ended")
            assert isinstance(running.error, BrokerRefuses)
            assert "HEADRACE_MQTT_USER" in str(running.error)
            assert running.session.connections == 0


def certificate(folder: Path, name: str) -> Path:
    """A key and a certificate for 127.0.0.1 that signs itself."""
    path = folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / f"{name}.key"), "-out", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


def test_messages_come_through_tls_with_user_and_password_after_a_restart_of_the_broker_too(tmp_path: Path) -> None:
    signed = certificate(tmp_path, "broker")
    with a_broker_with_passwords(tmp_path, f"certfile {signed}\nkeyfile {signed.with_suffix('.key')}\n") as here:
        given = {"mqtt_user": "gateway", "mqtt_password": SecretStr("right"), "mqtt_ca_file": signed}
        here.endpoints = here.endpoints.model_copy(update=given)
        with here.bridge() as running:
            publish_as(here.endpoints, "fleet/pump/telemetry", *(bytes(20_000) for _ in range(200)))
            assert len(here.stored(200)) == 200
            here.mosquitto.stop()
            here.mosquitto.start()
            until(lambda: running.session.connections == 2 and running.session.subscribed, "it is back")
            publish_as(here.endpoints, "fleet/pump/telemetry", *(bytes(20_000) for _ in range(20)))
            assert len(here.stored(220)) == 220
            assert running.runs


def test_a_certificate_that_nobody_we_trust_has_signed_ends_the_bridge(tmp_path: Path) -> None:
    signed, other = certificate(tmp_path, "broker"), certificate(tmp_path, "other")
    broker = MosquittoServer(tmp_path, f"{ANYBODY}certfile {signed}\nkeyfile {signed.with_suffix('.key')}\n")
    broker.start()
    try:
        here = Here(broker)
        here.endpoints = here.endpoints.model_copy(update={"mqtt_ca_file": other})
        with here.bridge(ready=False) as running:
            until(lambda: not running.runs, "the bridge has ended")
            assert isinstance(running.error, BrokerRefuses)
            assert "HEADRACE_MQTT_CA_FILE" in str(running.error)
    finally:
        broker.stop()


def publish_as(endpoints: Endpoints, topic: str, *payloads: bytes) -> None:
    publisher = Publisher(endpoints)
    for payload in payloads:
        publisher.publish("", payload, topic)
    publisher.close()


def test_the_broker_tells_its_clients_sessions_queue_and_drops(tmp_path: Path) -> None:
    broker = MosquittoServer(tmp_path, "allow_anonymous true\nmax_queued_messages 30\nsys_interval 1\n")
    broker.start()
    try:
        here = Here(broker)
        with here.bridge():
            pass
        here.publish("fleet/pump/telemetry", *[b"x" * 1000] * 200)
        until(lambda: (mqtt_broker_figures(here.endpoints).dropped or 0) > 0, "drops are counted")
        figures = mqtt_broker_figures(here.endpoints)
        assert 0 < (figures.waiting or 0) <= 50
        assert (figures.waiting or 0) + (figures.dropped or 0) == 200
        assert (figures.waiting_bytes or 0) > 1000 * (figures.waiting or 0)
        assert (figures.sessions or 0) >= 1
    finally:
        broker.stop()


def test_the_process_of_a_refused_bridge_ends_with_one_line_and_a_status_that_no_supervisor_restarts(
    tmp_path: Path,
) -> None:
    with a_broker_with_passwords(tmp_path) as here:
        environment = os.environ | {
            "HEADRACE_HOME": str(tmp_path / "home"),
            "HEADRACE_MQTT_PORT": str(here.mosquitto.port),
            "HEADRACE_MQTT_USER": "gateway",
            "HEADRACE_MQTT_PASSWORD": "not-to-be-shown",
            "HEADRACE_KAFKA": f"127.0.0.1:{free_port()}",
            "HEADRACE_BRIDGE_HTTP_PORT": "0",
        }
        command = [sys.executable, "-m", "connectors.mqtt_bridge"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == NO_RESTART_HELPS
    (line,) = [line for line in done.stderr.splitlines() if "CRITICAL" in line]
    assert "it does not know this user and password" in line or "this user may not connect" in line
    assert "not-to-be-shown" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_process_of_a_bridge_with_a_mistake_in_sources_toml_names_the_line(tmp_path: Path) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text('[[source]]\nname = "press"\ntopic = "plant/#/{device}"\n')
    environment = os.environ | {"HEADRACE_SOURCES": str(sources), "HEADRACE_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "connectors.mqtt_bridge"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == NO_RESTART_HELPS
    assert f"{sources}:3:" in done.stderr
    assert "Traceback" not in done.stderr
