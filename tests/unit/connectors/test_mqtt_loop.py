import socket
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.enums import CallbackAPIVersion

from connectors.mqtt_bridge import loop as module
from connectors.mqtt_bridge.bridge import Bridge
from connectors.mqtt_bridge.buffered_socket import BufferedSocket, BufferingClient
from connectors.mqtt_bridge.loop import NetworkLoop
from connectors.mqtt_bridge.session import Session
from tests.unit.connectors.in_memory import SETTINGS, SUBSCRIPTIONS, Client, Clock, Message, Producer


class SocketClient(Client):
    """Each byte that the broker sends is a message; each acknowledgement sends its identifier as a byte."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts, self.refusals = 0, 0
        self.broker: socket.socket | None = None
        self._socket: BufferedSocket | None = None

    def socket(self) -> BufferedSocket | None:
        return self._socket

    def reconnect(self) -> None:
        self.attempts += 1
        if self.attempts <= self.refusals:
            raise ConnectionRefusedError("nobody listens")
        self.broker, ours = socket.socketpair()
        ours.setblocking(False)
        self._socket = BufferedSocket(ours)

    def loop_read(self) -> None:
        assert self._socket is not None
        try:
            byte = self._socket.recv(1)
        except BlockingIOError:
            return
        if byte:
            self.on_message(self, None, Message(mid=byte[0]))
        else:
            self._close()
            self.on_disconnect(self, None, None, SimpleNamespace(value=0x80), None)

    def ack(self, mid: int, qos: int) -> None:
        super().ack(mid, qos)
        assert self._socket is not None
        self._socket.send(bytes([mid]))

    def loop_write(self) -> None:
        if self.disconnects:
            self._close()

    def loop_misc(self) -> None: ...

    def want_write(self) -> bool:
        return False

    def _close(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None


class Setting:
    def __init__(self) -> None:
        self.client, self.producer, self.clock = SocketClient(), Producer(), Clock(0.0)
        self.session = Session(self.client, SETTINGS, SUBSCRIPTIONS)
        self.bridge = Bridge(self.client, self.producer, SETTINGS)
        self.session.when_lost = self.bridge.connection_lost
        self.loop = NetworkLoop(self.client, self.session, self.clock)

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.loop.poll_once(self.bridge)

    def connect(self) -> socket.socket:
        self.turn()
        self.session.connected = self.session.subscribed = True
        assert self.client.broker is not None
        self.client.broker.settimeout(1)
        return self.client.broker


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setattr(module, "IDLE_S", 0.001)
    monkeypatch.setattr(module, "LOOK_AGAIN_S", 0.001)
    return Setting()


def test_messages_are_read_stored_and_acknowledged_in_one_write(here: Setting) -> None:
    broker = here.connect()
    broker.send(bytes([1, 2, 3]))
    here.turn(2)
    assert here.bridge.in_flight == 3
    here.producer.store()
    here.turn()
    assert broker.recv(10) == bytes([1, 2, 3])


def test_it_tries_again_for_ever_and_waits_longer_each_time(here: Setting) -> None:
    here.client.refusals = 1000
    moments = []
    for _ in range(4000):
        attempts = here.client.attempts
        here.loop._connect_when_due()
        if here.client.attempts > attempts:
            moments.append(here.clock.now)
        here.clock.now += 0.05
    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert [round(each, 1) for each in waits[:6]] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
    assert max(waits) == pytest.approx(module.MAX_RETRY_S, abs=0.15)
    assert len(moments) > 30


def test_it_connects_anew_after_the_broker_went_away(here: Setting) -> None:
    here.connect().close()
    here.turn()
    assert not here.session.connected
    here.clock.now += 10
    here.turn()
    assert here.client.attempts == 2


def test_a_message_of_the_old_connection_is_not_acknowledged_on_the_new(here: Setting) -> None:
    broker = here.connect()
    broker.send(bytes([9]))
    here.turn()
    broker.close()
    here.turn()
    here.clock.now += 10
    here.connect()
    here.producer.store()
    here.turn()
    assert here.client.acknowledged == []


def test_it_does_not_read_without_room(here: Setting) -> None:
    broker = here.connect()
    broker.send(bytes(range(1, 101)))
    here.turn(5)
    assert here.bridge.in_flight == SETTINGS.max_inflight + 1
    here.producer.store()
    here.turn(2)
    assert here.bridge.received == 2 * (SETTINGS.max_inflight + 1)


def test_at_the_end_it_reads_no_more_and_acknowledges_what_is_stored_in_time(here: Setting) -> None:
    broker = here.connect()
    broker.send(bytes([1, 2]))
    here.turn()
    broker.send(bytes([3]))
    here.producer.store()
    here.loop.finish(here.bridge, within_s=1)
    assert here.bridge.received == 2
    assert here.client.disconnects == 1
    assert broker.recv(10) == bytes([1, 2])


def test_at_the_end_nothing_is_acknowledged_that_kafka_has_not_stored(here: Setting) -> None:
    here.connect().send(bytes([1]))
    here.turn()
    here.clock.now = 100.0
    here.loop.finish(here.bridge, within_s=0)
    assert here.client.acknowledged == []
    assert here.client.disconnects == 1


def test_the_client_still_makes_its_sockets_where_we_wrap_them() -> None:
    assert callable(PahoClient._create_socket)
    with socket.create_server(("127.0.0.1", 0)) as server:
        client: Any = BufferingClient(CallbackAPIVersion.VERSION2)
        client.connect_async("127.0.0.1", server.getsockname()[1])
        client.reconnect()
        assert isinstance(client.socket(), BufferedSocket)
        client._sock_close()
