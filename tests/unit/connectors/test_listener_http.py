"""Payloads by HTTP and WebSocket: one answer each, in order, after Kafka has the record."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from connectors.listener.connections import Connections
from connectors.listener.probes import ProbeConnection, Probes
from connectors.listener.status import Status
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from tests.unit.connectors.listener_in_memory import NOW_MS, Listener, Transport, post, problem

STORED = b"HTTP/1.1 204 No Content\r\n\r\n"
CLOSE = "Connection: close"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture
def listener(tmp_path):
    return Listener(tmp_path)


def posted(listener, *requests):
    connection, transport = listener.http()
    connection.data_received(b"".join(requests))
    return connection, transport


def test_a_payload_is_answered_after_it_is_stored(listener):
    _, transport = posted(listener, post("/telemetry/gr%C3%B6%C3%9Fe%207", b'{"metric":"t","value":1}'))
    (sent,) = listener.producer.sent
    assert (sent.topic, sent.key, sent.value) == ("telemetry.raw", "größe 7".encode(), b'{"metric":"t","value":1}')
    assert dict(sent.headers) == {
        "source": b"fleet",
        "mqtt_topic": "fleet/größe 7/telemetry".encode(),
        "mqtt_qos": b"1",
        "mqtt_retained": b"0",
        "mqtt_duplicate": b"0",
        "received_at": b"%d" % NOW_MS,
    }
    assert transport.take() == b""
    listener.store()
    assert transport.take() == STORED


def test_a_topic_in_the_url_names_another_source(listener):
    posted(listener, post("/telemetry/pump?topic=plant/4/torque"))
    assert dict(listener.producer.sent[0].headers)["mqtt_topic"] == b"plant/4/torque"
    assert dict(listener.producer.sent[0].headers)["source"] == b"plant"


def test_pipelined_requests_are_answered_in_order(listener):
    _, transport = posted(listener, post(body=b"1"), post(body=b"2"), post("/telemetry/pump?topic=nowhere"), post())
    assert [sent.value for sent in listener.producer.sent] == [b"1", b"2"]
    listener.store(1)
    assert transport.take() == b""
    listener.store(0)
    assert transport.take().startswith(STORED + STORED + b"HTTP/1.1 404")
    assert transport.ended  # a head was refused: what comes behind it is not read


@pytest.mark.parametrize("size", [0, 1, 70_000, 256 * 1024])
def test_a_body_of_any_size_up_to_the_limit_comes_with_a_length_or_in_chunks(listener, size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[at : at + 999]), body[at : at + 999]) for at in range(0, size, 999))
    chunked = post(body=b"").replace(b"Content-Length: 0", CHUNKED.encode()) + chunks + b"0\r\n\r\n"
    posted(listener, post(body=body), chunked)
    assert [sent.value for sent in listener.producer.sent] == [body, body]
    listener.store()
    assert listener.connections.waiting_bytes == 0


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused_while_it_is_read(listener, chunked):
    body = bytes(256 * 1024 + 1)
    request = post(body=body)
    if chunked:
        head = post(body=b"").replace(b"Content-Length: 0", CHUNKED.encode())
        request = head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    connection, transport = listener.http()
    for at in range(0, len(request), 10_000):
        connection.data_received(request[at : at + 10_000])
    assert problem(transport.take()) == (413, "the payload is over 262144 bytes")
    assert transport.ended
    assert listener.producer.sent == []
    connection.connection_lost(None)
    assert listener.connections.waiting_bytes == 0


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post("/"), 404),
        (post("/telemetry"), 404),
        (post("/telemetry/pump?topic=boiler/7"), 404),
        (post("/telemetry/"), 400),
        (post("/telemetry/a/b"), 400),
        (post("/telemetry/a%2Fb"), 400),
        (post("/telemetry/%23"), 400),
        (post("/telemetry/a%00b"), 400),
        (post("/telemetry/" + "x" * 201), 400),
        (post("/telemetry/%FF"), 400),
        (post("/telemetry/pump?unit=Cel"), 400),
        (post("/telemetry/pump?topic=fleet/%2B/telemetry"), 400),
        (post("/telemetry/pump?topic="), 400),
        (post("/telemetry/pump", method="PUT"), 405),
        (post("/telemetry/pump", b"", method="GET"), 405),
        (post("/telemetry/pump?" + "x" * 17_000), 431),
        (post("/telemetry/pump", b"", f"X-Long: {'x' * 17_000}"), 431),
        (b"nonsense\r\n\r\n", 400),
        (post("/telemetry/pump").replace(b"Content-Length: 4", b"Content-Length: four"), 400),
        (post("/telemetry/pump", b"", "Connection: Upgrade", "Upgrade: h2c"), 400),
    ],
)
def test_a_request_that_cannot_be_used_is_told_why(listener, request_, status):
    _, transport = posted(listener, request_)
    assert problem(transport.take())[0] == status
    assert transport.ended
    assert listener.producer.sent == []


@given(st.binary(max_size=300), st.sampled_from([b"", b"POST /telemetry/pump HTTP/1.1\r\n", post()[:-4]]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, garbage, beginning):
    connection, transport = Listener(tmp_path_factory.mktemp("bytes")).http()
    connection.data_received(beginning + garbage)
    assert transport.written[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 405", b"HTTP/1.1 413")


def test_a_client_that_asks_first_is_told_to_go_on(listener):
    connection, transport = listener.http()
    request = post("/telemetry/pump", b"21.4", "Expect: 100-continue")
    connection.data_received(request[:-4])
    assert transport.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.data_received(request[-4:])
    listener.store()
    assert transport.take() == STORED


@pytest.mark.parametrize("request_", [post().replace(b"HTTP/1.1", b"HTTP/1.0"), post("/telemetry/pump", b"", CLOSE)])
def test_the_last_response_closes_the_connection(listener, request_):
    _, transport = posted(listener, request_)
    listener.store()
    assert transport.take().startswith(b"HTTP/1.1 204 No Content\r\nConnection: close")
    assert transport.ended


def test_a_client_that_closes_its_side_still_gets_its_answer(listener):
    connection, transport = posted(listener, post())
    assert connection.eof_received()
    listener.store()
    assert transport.take() == STORED
    assert transport.ended


def test_a_client_that_waits_for_kafka_is_not_silent(listener):
    _, transport = posted(listener, post())
    listener.sweep_at(10_000)
    assert not transport.closing
    listener.store()
    listener.sweep_at(10_074)
    assert not transport.closing
    listener.sweep_at(10_076)
    assert transport.closing


def test_a_request_whose_head_trickles_in_is_ended(listener):
    connection, transport = listener.http()
    for second, byte in enumerate(post()[:20]):
        if not transport.closing:
            connection.data_received(bytes((byte,)))
            listener.sweep_at(second)
    assert transport.closing


def test_a_record_that_kafka_refuses_is_answered_with_503(listener):
    _, transport = posted(listener, post())
    listener.producer.refuse(0, RuntimeError("denied"))
    listener.connections.release()
    assert problem(transport.take()) == (503, "the payload is not stored: send it again")


def basic(device, token):
    return "Authorization: Basic " + base64.b64encode(f"{device}:{token}".encode()).decode()


def test_a_device_shows_its_token_and_posts_as_nobody_else(tmp_path):
    listener = Listener(tmp_path, allow_anonymous=False)
    token = listener.token("pump")
    for shown in (f"Authorization: Bearer {token}", basic("pump", token)):
        posted(listener, post("/telemetry/pump", b"1", shown))
    assert len(listener.producer.sent) == 2
    for shown in (f"Authorization: Bearer {token}x", basic("valve", token), basic("pump", "x"), "X-Token: a",
                  "Authorization: Bearer ", "Authorization: Basic !", f"Authorization: {token}"):  # fmt: skip
        _, transport = posted(listener, post("/telemetry/pump", b"1", shown))
        written = transport.take()
        assert problem(written)[0] == 401, shown
        assert b"WWW-Authenticate: Bearer" in written
    for target in ("/telemetry/valve", "/telemetry/pump?topic=fleet/valve/telemetry"):
        _, transport = posted(listener, post(target, b"1", f"Authorization: Bearer {token}"))
        assert problem(transport.take())[0] == 403
    assert len(listener.producer.sent) == 2


def test_a_second_request_of_a_connection_is_judged_by_its_own_token_and_device(tmp_path):
    listener = Listener(tmp_path, allow_anonymous=False)
    one, two = listener.token("pump"), listener.token("valve")
    _, transport = posted(
        listener,
        post("/telemetry/pump", b"1", f"Authorization: Bearer {one}"),
        post("/telemetry/pump", b"2", f"Authorization: Bearer {two}"),
    )
    listener.store()
    assert transport.take().startswith(STORED + b"HTTP/1.1 403")


class Client:
    """The published protocol of `websockets`, without network, against the listener."""

    def __init__(self, listener, target="/telemetry/pump"):
        self.protocol = ClientProtocol(parse_uri(f"ws://listener{target}"))
        self.connection, self.transport = listener.http()
        self.protocol.send_request(self.protocol.connect())
        self.exchange()

    def exchange(self):
        for data in self.protocol.data_to_send():
            if data and not self.transport.closing:
                self.connection.data_received(data)
        self.protocol.receive_data(self.transport.take())

    def send(self, payload, **options):
        self.protocol.send_binary(payload, **options)
        self.exchange()

    def frames(self):
        self.exchange()
        return [event for event in self.protocol.events_received() if hasattr(event, "opcode")]

    def acknowledgements(self):
        return [json.loads(frame.data) for frame in self.frames() if frame.opcode is Opcode.TEXT]


def stored(identifier):
    return {"id": identifier, "status": "stored"}


def test_each_message_of_a_websocket_is_acknowledged_by_its_number_once_stored_and_in_order(listener):
    client = Client(listener)
    assert client.protocol.state is State.OPEN
    for payload in (b"1", b"", b"3"):
        client.send(payload)
    assert [sent.value for sent in listener.producer.sent] == [b"1", b"", b"3"]
    listener.store(2)
    assert client.acknowledgements() == []
    listener.store(0, 1)
    assert client.acknowledgements() == [stored(1), stored(2), stored(3)]


def test_a_client_may_choose_its_ids(listener):
    client = Client(listener, "/telemetry/pump?ids=1")
    client.send("größe\n21.4\nmore".encode())
    listener.store()
    assert listener.producer.sent[0].value == b"21.4\nmore"
    assert client.acknowledgements() == [stored("größe")]


@pytest.mark.parametrize("message", [b"21.4", b"\n21.4", b"x" * 65 + b"\n21.4", b"\xff\n21.4"])
def test_a_message_without_its_id_ends_the_websocket(listener, message):
    client = Client(listener, "/telemetry/pump?ids=1")
    client.send(message)
    client.exchange()
    assert client.protocol.close_rcvd.code == 1008
    assert listener.producer.sent == []


def test_a_message_may_come_in_fragments_and_bytes(listener):
    client = Client(listener)
    client.protocol.send_binary(b"a" * 100_000, fin=False)
    client.protocol.send_continuation(b"b" * 100_000, fin=False)
    client.protocol.send_continuation(b"c" * 60_000, fin=True)
    for data in client.protocol.data_to_send():
        for at in range(0, len(data), 777):
            client.connection.data_received(data[at : at + 777])
    assert listener.producer.sent[0].value == b"a" * 100_000 + b"b" * 100_000 + b"c" * 60_000
    listener.store()
    assert listener.connections.waiting_bytes == 0


@pytest.mark.parametrize(("size", "taken"), [(256 * 1024, True), (256 * 1024 + 1, False)])
def test_a_message_over_the_limit_ends_the_websocket(listener, size, taken):
    client = Client(listener)
    client.send(bytes(size))
    client.exchange()
    assert len(listener.producer.sent) == taken
    assert (client.protocol.state is State.OPEN) is taken
    if not taken:
        assert client.protocol.close_rcvd.code == 1009


def test_a_websocket_that_shows_no_life_is_asked_and_then_ended(listener):
    client = Client(listener)
    listener.sweep_at(31)
    assert [frame.opcode for frame in client.frames()] == [Opcode.PING]  # and the client answers
    client.exchange()
    listener.sweep_at(80)
    client.frames()
    client.exchange()
    listener.sweep_at(92)
    assert not client.transport.closing
    client.protocol.data_to_send()  # from here on it answers nothing
    listener.sweep_at(160)
    assert client.transport.closing


def test_a_websocket_is_opened_with_a_token_for_its_device_only(tmp_path):
    listener = Listener(tmp_path, allow_anonymous=False)
    client = Client(listener)
    assert client.protocol.state is State.CONNECTING
    assert client.protocol.handshake_exc is not None or client.transport.ended
    assert listener.connections.received == {}


def test_a_websocket_ends_when_kafka_refuses_a_record(listener):
    client = Client(listener)
    client.send(b"1")
    listener.producer.refuse(0, RuntimeError("denied"))
    listener.connections.release()
    client.protocol.receive_data(client.transport.take())
    assert client.protocol.close_rcvd.code == 1011


class Asked:
    """The probes of a listener that comes up."""

    def __init__(self, listener):
        self.status, self._listener = Status("kafka:9092"), listener
        self._connections = Connections(listener.settings, lambda *_: None)

    def __call__(self, path, method="GET"):
        connection, transport = ProbeConnection(self._connections, Probes(self.status)), Transport()
        connection.connection_made(transport)
        connection.data_received(post(path, b"", method=method))
        head, _, body = transport.take().partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def begin(self):
        self.status.connections = self._listener.connections
        self.status.intake, self.status.tokens = self._listener.intake, self._listener.tokens


@pytest.fixture
def probe(listener):
    return Asked(listener)


def test_it_is_alive_and_not_ready_before_kafka_is_there(probe):
    assert probe("/healthz") == (200, "ok\n")
    assert probe("/readyz") == (503, "waiting for Kafka at kafka:9092 and its topics\n")
    assert "headrace_listener_ready 0.0" in probe("/metrics")[1]
    assert probe("/")[0] == 404
    assert probe("/healthz", "POST")[0] == 405


def test_it_is_not_ready_while_kafka_is_away(probe, listener):
    probe.begin()
    assert probe("/readyz") == (200, "ready\n")
    probe.status.kafka_reachable = False
    assert probe("/readyz") == (503, "Kafka at kafka:9092 does not answer\n")
    posted(listener, post())
    listener.monotonic.now = 11
    assert probe("/readyz") == (503, "Kafka has stored nothing for 11 s\n")


def test_metrics_count_what_came_what_was_stored_and_what_was_refused(probe, listener):
    probe.begin()
    posted(listener, post(body=b"12345"), post())
    listener.store(0)
    connection, _ = listener.mqtt_connected()
    connection.data_received(b"\0\0")
    text = probe("/metrics")[1]
    for line in (
        'headrace_listener_received_total{protocol="http"} 2.0',
        'headrace_listener_stored_total{protocol="http"} 1.0',
        'headrace_listener_ended_total{reason="protocol_error"} 1.0',
        "headrace_listener_waiting 1.0",
        "headrace_listener_waiting_bytes 1028.0",
        "headrace_listener_connections 2.0",
    ):
        assert line in text


IGNORING = Sources([Source(name="plant", topic="plant/{device}/#", ignore=("plant/+/status",)), DEFAULT_SOURCE])


def test_a_payload_on_a_topic_that_a_source_ignores_is_answered_and_no_record(tmp_path):
    listener = Listener(tmp_path, IGNORING)
    _, transport = posted(listener, post(), post("/telemetry/pump?topic=plant/a/status"))
    assert transport.take() == b""
    listener.store()
    assert transport.take() == STORED + STORED
    assert (len(listener.producer.sent), listener.intake.ignored) == (1, 1)


def test_messages_of_a_websocket_on_a_topic_that_a_source_ignores_are_acknowledged(tmp_path):
    listener = Listener(tmp_path, IGNORING)
    client = Client(listener, "/telemetry/pump?topic=plant/a/status")
    client.send(b"1")
    client.send(b"2")
    assert client.acknowledgements() == [stored(1), stored(2)]
    assert (listener.producer.sent, listener.intake.ignored) == ([], 2)


def test_a_source_that_takes_the_device_from_the_login_has_the_device_of_the_token(tmp_path):
    board = Source(name="board", topic="v1/devices/me/telemetry", device="{login}", codec="json", values="@")
    listener = Listener(tmp_path, Sources([board]), allow_anonymous=False)
    requests = [
        post("/telemetry/any?topic=v1/devices/me/telemetry", b"{}", basic(device, listener.token(device)))
        for device in ("press-1", "press-2")
    ]
    posted(listener, *requests)  # on one connection
    assert [sent.key for sent in listener.producer.sent] == [b"press-1", b"press-2"]
