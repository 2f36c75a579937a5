"""The bridge watches what the MQTT broker drops: a Mosquitto of the test's own, and brokers that refuse to say."""

import logging
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from connectors.endpoints import Endpoints, StackSettings
from connectors.mqtt_bridge.drop_count import DropCount
from connectors.mqtt_bridge.drop_watch import DropWatch
from connectors.mqtt_broker_figures import MqttBrokerFigures, mqtt_broker_figures
from headrace.monitoring import alarms
from headrace.monitoring.mqtt import MqttFigures
from tests.end_to_end import waiting
from tests.mosquitto_server import MosquittoServer

until = partial(waiting.until, within_s=30)
SMALL_QUEUE = "allow_anonymous true\nmax_queued_messages 5\nmax_inflight_messages 1\nsys_interval 1\n"
UNKNOWN = MqttBrokerFigures(None, None, None, None, None)
NOBODY_READS_SYS = "allow_anonymous true\nsys_interval 1\nacl_file {}\n"
ACCEPTED = b"\x20\x03\x00\x00\x00"
"""CONNACK of MQTT 5: no session, success, no properties."""


def endpoints_of(port: int) -> Endpoints:
    return Endpoints.local(StackSettings()).model_copy(update={"mqtt_port": port})


@contextmanager
def mosquitto(folder: Path, more: str = SMALL_QUEUE) -> Iterator[MosquittoServer]:
    broker = MosquittoServer(folder, more)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def watch(port: int, count: DropCount) -> Iterator[DropWatch]:
    watching = DropWatch(endpoints_of(port), count)
    watching.start()
    try:
        yield watching
    finally:
        watching.stop()


def packet(kind: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([kind, len(body)]) + body


def text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()


def fill_a_queue(port: int, messages: int, client_id: str) -> None:
    """A persistent session of MQTT 3.1.1 that subscribes and leaves; then so many messages for it."""

    def connected(who: str, flags: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.sendall(packet(0x10, text("MQTT") + bytes([4, flags, 0, 60]) + text(who)))
        assert len(connection.recv(4, socket.MSG_WAITALL)) == 4
        return connection

    with connected(client_id, 0) as sleeper:
        sleeper.sendall(packet(0x82, b"\0\1" + text("a/b") + b"\1"))
        assert len(sleeper.recv(5, socket.MSG_WAITALL)) == 5
        sleeper.sendall(b"\xe0\0")
    with connected(f"{client_id}-publisher", 2) as publisher:
        for number in range(1, messages + 1):
            publisher.sendall(packet(0x32, text("a/b") + number.to_bytes(2, "big") + b"x"))
            assert len(publisher.recv(4, socket.MSG_WAITALL)) == 4


def test_drops_are_counted_over_restarts_of_the_broker(tmp_path: Path) -> None:
    count = DropCount()
    count.start_from(None)
    with mosquitto(tmp_path) as broker, watch(broker.port, count):
        until(lambda: count.total == 0, "0 is known")
        fill_a_queue(broker.port, 50, "first")
        until(lambda: (count.total or 0) > 0, "drops are seen")
        until(lambda: count.total == mqtt_broker_figures(endpoints_of(broker.port)).dropped, "all of them")
        before = count.total or 0
        assert before >= 40
        broker.stop()
        broker.forget_everything()
        broker.start()
        until(lambda: count.counter == 0, "the broker has started again")
        assert count.total == before
        fill_a_queue(broker.port, 50, "second")
        until(lambda: count.total == 2 * before, "the drops of both")


def test_a_broker_without_sys_topics_is_unknown_and_no_failure(tmp_path: Path) -> None:
    count = DropCount()
    count.start_from(None)
    with mosquitto(tmp_path, "allow_anonymous true\nsys_interval 0\n") as broker, watch(broker.port, count) as watching:
        figures = mqtt_broker_figures(endpoints_of(broker.port))
        assert figures == UNKNOWN
        assert not watching.given_up
        assert count.total is None
    (alarm,) = alarms.of_mqtt(MqttFigures(figures))
    assert "unknown" in alarm.wrong


class _Reading(socketserver.BaseRequestHandler):
    """A broker that takes connections, and answers SUBSCRIBE as the test says."""

    answer: bytes | None
    subscriptions = 0

    def handle(self) -> None:
        self.request.recv(1024)
        self.request.sendall(ACCEPTED)
        while (data := self.request.recv(1024)) and data[0] == 0x82:
            type(self).subscriptions += 1
            if self.answer is None:
                return
            topics = data.count(b"$SYS/")
            self.request.sendall(packet(0x90, data[2:4] + b"\0" + self.answer * topics))


@contextmanager
def broker_that_answers(answer: bytes | None) -> Iterator[tuple[int, type[_Reading]]]:
    handler = type("Reading", (_Reading,), {"answer": answer, "subscriptions": 0})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], handler
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "asked", "why"),
    [
        pytest.param(b"\x87", 1, "refuses the subscription", id="not authorised, as EMQX and HiveMQ do"),
        pytest.param(None, 3, "ends the connection", id="disconnected, as AWS IoT does"),
    ],
)
def test_a_broker_that_refuses_the_subscription_is_unknown_and_the_log_says_so_once(
    answer: bytes | None, asked: int, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    count = DropCount()
    count.start_from(None)
    with broker_that_answers(answer) as (port, handler):
        with watch(port, count) as watching:
            until(lambda: watching.given_up, "the watch has given up")
            until(lambda: not watching.runs, "it asks no more")
        assert handler.subscriptions == asked
        assert mqtt_broker_figures(endpoints_of(port)) == UNKNOWN
    assert count.total is None
    (line,) = [each.getMessage() for each in caplog.records if each.name.endswith("drop_watch")]
    assert "is unknown" in line
    assert why in line


def test_a_subscription_that_mosquittos_access_list_does_not_serve_is_unknown(tmp_path: Path) -> None:
    """Mosquitto 2.0 refuses it to MQTT 5 clients, or grants it and sends nothing."""
    (tmp_path / "acl").write_text("topic read fleet/#\n")
    count = DropCount()
    count.start_from(None)
    with mosquitto(tmp_path, NOBODY_READS_SYS.format(tmp_path / "acl")) as broker, watch(broker.port, count):
        assert mqtt_broker_figures(endpoints_of(broker.port)) == UNKNOWN
        assert count.total is None


def test_a_broker_that_is_away_at_first_is_watched_when_it_comes(tmp_path: Path) -> None:
    count = DropCount()
    count.start_from(None)
    broker = MosquittoServer(tmp_path, SMALL_QUEUE)
    with watch(broker.port, count):
        broker.start()
        try:
            until(lambda: count.total == 0, "0 is known")
        finally:
            broker.stop()
