"""The bridge's client delivers what paho alone delivers, however the network cuts it."""

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import _ConnectionState
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from connectors.mqtt_bridge.buffered_socket import BufferedSocket, BufferingClient
from connectors.mqtt_packets import PINGRESP, PUBACK_HEADER, USER_PROPERTY, PacketType, packet, puback, text_field
from tests.unit.connectors.listener_in_memory import publish

USER = bytes((USER_PROPERTY,)) + text_field("id") + text_field("7")
SUBSCRIPTION = b"\x0b\x85\x80\x01"

MESSAGES = st.builds(
    publish,
    payload=st.binary(max_size=300) | st.integers(16_370, 70_000).map(bytes),
    topic=st.sampled_from(["fleet/pump/telemetry", "größe/7", "a", "x" * 300, " /\x01"]),
    identifier=st.integers(1, 65535),
    qos=st.sampled_from([0, 1]),
    retain=st.booleans(),
    properties=st.sampled_from([b"", b"", b"", USER, SUBSCRIPTION, b"\x01\x01", b"\x02\0\0\0\x05"]),
)


class Broker:
    """A client of one class on a socket, and what it was given."""

    def __init__(self, client_class: Any) -> None:
        self.client: Any = client_class(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
        )
        self.far, near = socket.socketpair()
        near.setblocking(False)
        self.client._sock = BufferedSocket(near) if client_class is BufferingClient else near
        self.messages: list[Any] = []
        self.client.on_message = self._take

    def _take(self, client: Any, userdata: Any, message: Any) -> None:
        self.messages.append(
            (message.topic, message.payload, message.mid, message.qos, bool(message.retain), bool(message.dup))
        )

    def send(self, data: bytes) -> None:
        """In pieces that the socket takes, reading what has come."""
        for at in range(0, len(data), 10_000):
            self.far.sendall(data[at : at + 10_000])
            self.read()

    def read(self) -> None:
        while True:
            before, pending = len(self.messages), getattr(self.client.socket(), "pending", 0)
            assert self.client.loop_read() is MQTTErrorCode.MQTT_ERR_SUCCESS
            if len(self.messages) == before and not getattr(self.client.socket(), "pending", 0) and not pending:
                return

    def close(self) -> None:
        self.far.close()
        self.client.socket().close()


def delivered(client_class: Any, chunks: list[bytes]) -> list[Any]:
    broker = Broker(client_class)
    try:
        for chunk in chunks:
            broker.send(chunk)
        return broker.messages
    finally:
        broker.close()


@given(st.lists(MESSAGES, max_size=12), st.lists(st.integers(0, 5000), max_size=6))
def test_what_is_delivered_is_what_paho_delivers_whatever_the_cuts(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(messages)
    ends = sorted(min(cut, len(stream)) for cut in cuts)
    chunks = [stream[begin:end] for begin, end in zip([0, *ends], [*ends, len(stream)], strict=True)]
    found = delivered(BufferingClient, chunks)
    assert found == delivered(PahoClient, chunks)
    assert len(found) == len(messages)


def test_packets_between_messages_keep_their_place() -> None:
    stream = publish(b"1") + PINGRESP + publish(b"2", properties=USER) + publish(b"3") + PINGRESP
    assert [payload for _, payload, *_ in delivered(BufferingClient, [stream])] == [b"1", b"2", b"3"]


@pytest.mark.parametrize(
    "broken",
    [
        packet(PacketType.PUBLISH, b"\0", 2),
        packet(PacketType.PUBLISH, text_field("a") + b"\0\1\x09", 2),
        b"\x32\x80\x80\x80\x80\x01",
    ],
    ids=["no topic", "cut off in its properties", "a length of five bytes"],
)
def test_a_packet_that_is_no_message_is_left_to_paho(broken: bytes) -> None:
    near, far = socket.socketpair()
    with far:
        far.sendall(broken)
        buffered = BufferedSocket(near)
        assert buffered.take_publish() is None
        assert buffered.pending == len(broken)
        buffered.close()


def test_a_topic_that_is_not_utf8_is_left_to_paho() -> None:
    near, far = socket.socketpair()
    with far:
        far.sendall(packet(PacketType.PUBLISH, b"\0\1\xff\0\1\0x", 2))
        buffered = BufferedSocket(near)
        assert buffered.take_publish() is None
        buffered.close()


def test_the_end_of_the_connection_shows() -> None:
    broker = Broker(BufferingClient)
    broker.far.close()
    assert broker.client.loop_read() is MQTTErrorCode.MQTT_ERR_CONN_LOST


def test_a_message_that_nobody_takes_yet_is_not_acknowledged() -> None:
    """The bridge makes its session before Kafka is there, and the MQTT broker sends what it has queued at once."""
    broker = Broker(BufferingClient)
    broker.client.on_message = None
    broker.send(publish(b"queued", identifier=7, qos=1))
    broker.client.socket().flush()
    broker.far.setblocking(False)
    with pytest.raises(BlockingIOError):
        broker.far.recv(100)
    broker.close()


def test_acknowledgements_go_out_together_and_in_order() -> None:
    broker = Broker(BufferingClient)
    for mid in (7, 3, 65535):
        broker.client.ack(mid, 1)
    broker.client.socket().flush()
    assert broker.far.recv(100) == puback(7) + puback(3) + puback(65535)
    assert puback(7)[:2] == PUBACK_HEADER
    broker.close()


class Silent:
    """A client whose broker owes it an answer to a ping of long ago."""

    def __init__(self) -> None:
        self.broker = Broker(BufferingClient)
        client = self.broker.client
        client._state = _ConnectionState.MQTT_CS_CONNECTED
        client._keepalive, client._ping_t = 5, 1.0
        client._last_bytes_received = client._last_msg_out = 1.0


def test_a_broker_that_sends_messages_is_not_silent_though_a_ping_waits_behind_them() -> None:
    here = Silent()
    here.broker.far.sendall(publish(b"1"))
    here.broker.read()
    assert here.broker.client.loop_misc() is MQTTErrorCode.MQTT_ERR_SUCCESS
    assert here.broker.client.socket() is not None
    here.broker.close()


def test_a_broker_that_sends_nothing_is_silent() -> None:
    here = Silent()
    here.broker.client.loop_misc()
    assert here.broker.client.socket() is None
    here.broker.far.close()


def test_acknowledgements_need_no_ping_beside_them() -> None:
    here = Silent()
    here.broker.far.sendall(publish(b"1"))
    here.broker.read()
    here.broker.client.ack(1, 1)
    here.broker.client.loop_misc()
    here.broker.client.socket().flush()
    assert here.broker.far.recv(100) == puback(1)
    here.broker.close()
