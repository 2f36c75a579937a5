"""What an MQTT connection of the listener answers, and when; the producer in memory stores when the test says."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.listener.connections import RECORD_BYTES
from connectors.mqtt_packets import (
    MQTT_3_1_1,
    MQTT_5,
    PacketType,
    ReasonCode,
    packet,
    puback,
    text_field,
)
from connectors.time_of_receipt import MAX_LEAD_MS
from schemas.dead_letter import DeadLetter
from schemas.source import Source
from schemas.sources import Sources
from tests.unit.connectors.listener_in_memory import NOW_MS, Listener, connect, publish

VERSIONS = pytest.mark.parametrize("version", [MQTT_3_1_1, MQTT_5])
PINGREQ, PINGRESP = b"\xc0\0", b"\xd0\0"


@pytest.fixture
def listener(tmp_path):
    return Listener(tmp_path)


def disconnected(reason):
    return bytes((0xE0, 1, reason))


def expiry(seconds):
    return b"\x11" + seconds.to_bytes(4)


@VERSIONS
def test_a_message_becomes_a_record_with_its_bytes_untouched(listener, version):
    connection, _ = listener.mqtt_connected(version)
    connection.data_received(publish(b"\xff\0 not json", "fleet/größe 7/telemetry", 3, version))
    (sent,) = listener.producer.sent
    assert (sent.topic, sent.key, sent.value) == ("telemetry.raw", "größe 7".encode(), b"\xff\0 not json")
    assert dict(sent.headers) == {
        "source": b"fleet",
        "mqtt_topic": "fleet/größe 7/telemetry".encode(),
        "mqtt_qos": b"1",
        "mqtt_retained": b"0",
        "mqtt_duplicate": b"0",
        "received_at": b"%d" % NOW_MS,
    }


def test_headers_say_how_the_message_came(listener):
    connection, _ = listener.mqtt_connected()
    connection.data_received(publish(retain=True) + publish(dup=True, identifier=2) + publish(qos=0))
    retained, duplicate, at_most_once = (dict(sent.headers) for sent in listener.producer.sent)
    assert retained["mqtt_retained"] == b"1"
    assert duplicate["mqtt_duplicate"] == b"1"
    assert at_most_once["mqtt_qos"] == b"0"


def test_two_messages_of_one_device_in_one_millisecond_have_two_times(listener):
    connection, _ = listener.mqtt_connected()
    topics = ["fleet/pump/telemetry", "fleet/pump/telemetry", "fleet/other/telemetry"]
    connection.data_received(b"".join(publish(topic=topic) for topic in topics))
    times = [int(dict(sent.headers)["received_at"]) for sent in listener.producer.sent]
    assert times == [NOW_MS, NOW_MS + 1, NOW_MS]


@VERSIONS
def test_nothing_is_acknowledged_before_it_is_stored_and_then_in_order_of_receipt(listener, version):
    connection, transport = listener.mqtt_connected(version)
    connection.data_received(b"".join(publish(identifier=number, version=version) for number in (7, 3, 5)))
    listener.store(2)
    assert transport.take() == b""
    listener.store(0, 1)
    assert transport.take() == puback(7) + puback(3) + puback(5)


def test_each_connection_is_acknowledged_by_itself(listener):
    (one, one_transport), (two, two_transport) = (
        listener.mqtt_connected(client="1"),
        listener.mqtt_connected(client="2"),
    )
    one.data_received(publish(identifier=1))
    two.data_received(publish(identifier=2))
    listener.store(1)
    assert (one_transport.take(), two_transport.take()) == (b"", puback(2))


def test_messages_of_quality_0_are_stored_and_not_acknowledged(listener):
    connection, transport = listener.mqtt_connected()
    connection.data_received(publish(qos=0) + publish(identifier=4))
    listener.store()
    assert transport.take() == puback(4)
    assert listener.connections.waiting_bytes == 0


PACKETS = [publish(bytes([65 + number]) * size, identifier=number + 1) for number, size in enumerate((0, 1, 127, 300))]


@given(st.lists(st.integers(0, len(b"".join(PACKETS)) + 60), max_size=30))
def test_packets_may_be_cut_anywhere(tmp_path_factory, cuts):
    listener = Listener(tmp_path_factory.mktemp("cut"))
    connection, transport = listener.mqtt()
    stream = connect() + b"".join(PACKETS) + PINGREQ
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    for begin, end in pairwise(edges):
        connection.data_received(stream[begin:end])
    listener.store()
    assert [len(sent.value) for sent in listener.producer.sent] == [0, 1, 127, 300]
    assert transport.take().endswith(PINGRESP + b"".join(puback(number) for number in range(1, 5)))
    assert listener.connections.waiting_bytes == 0


@VERSIONS
def test_packets_may_come_byte_by_byte(listener, version):
    connection, transport = listener.mqtt()
    for byte in connect(version) + publish(b"x" * 3000, version=version) + PINGREQ:
        connection.data_received(bytes((byte,)))
    listener.store()
    assert listener.producer.sent[0].value == b"x" * 3000
    assert transport.take().endswith(PINGRESP + puback(1))


def test_a_payload_of_256_kib_comes_in_small_pieces_and_copies_its_bytes_once(listener):
    """Linear: the pieces are joined when the packet is whole, and not at each piece."""
    connection, _ = listener.mqtt_connected()
    encoded = publish(bytes(256 * 1024))
    for begin in range(0, len(encoded), 64):
        connection.data_received(encoded[begin : begin + 64])
    assert len(listener.producer.sent[0].value) == 256 * 1024


@VERSIONS
def test_a_payload_over_the_limit_is_a_dead_letter_of_its_device_and_acknowledged_once_stored(listener, version):
    connection, transport = listener.mqtt_connected(version)
    payload = bytes(256 * 1024 + 1)
    connection.data_received(publish(payload, identifier=9, version=version))
    (sent,) = listener.producer.sent
    letter = DeadLetter.model_validate_json(sent.value)
    assert (sent.topic, sent.key) == ("dead-letters", b"pump")
    assert (letter.reason, letter.stage, letter.device, letter.original) == (
        "payload_too_large", "listener", "pump", payload,
    )  # fmt: skip
    assert letter.detail == "262145 bytes, over 262144"
    assert transport.take() == b""
    listener.store()
    assert transport.take() == puback(9)


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("boiler/7", "no source reads the topic"),
        ("fleet//telemetry", "the device is empty: the topic has nothing at {device}"),
        ("fleet/" + "x" * 201 + "/telemetry", "201 characters, over 200"),
        ("fleet/a\x07b/telemetry", "a control character"),
        ("$SYS/x", "no source reads the topic"),
    ],
)
def test_a_topic_without_a_device_that_readings_can_have_is_a_dead_letter(listener, topic, why):
    connection, transport = listener.mqtt_connected()
    connection.data_received(publish(b"x", topic, 4, retain=True))
    letter = DeadLetter.model_validate_json(listener.producer.sent[0].value)
    assert (letter.reason, letter.device, letter.original, letter.first_seen) == ("no_device", None, b"x", NOW_MS)
    assert why in letter.detail
    assert letter.headers["mqtt_topic"] == topic.encode()
    assert letter.headers["mqtt_retained"] == b"1"
    listener.store()
    assert transport.take() == puback(4)


def test_a_source_without_a_device_in_its_topic_has_the_topic_as_key(listener):
    connection, _ = listener.mqtt_connected()
    connection.data_received(publish(topic="plant/4/torque"))
    assert listener.producer.sent[0].key == b"plant/4/torque"
    assert dict(listener.producer.sent[0].headers)["source"] == b"plant"


@VERSIONS
def test_a_subscription_is_refused_in_its_suback(listener, version):
    connection, transport = listener.mqtt_connected(version)
    properties = b"\0" if version == MQTT_5 else b""
    filters = text_field("a/#") + b"\1" + text_field("b") + b"\0"
    connection.data_received(packet(PacketType.SUBSCRIBE, b"\0\x09" + properties + filters, 0x2))
    answer = b"\x90\x05\0\x09\0\x83\x83" if version == MQTT_5 else b"\x90\x04\0\x09\x80\x80"
    assert transport.take() == answer
    connection.data_received(packet(PacketType.UNSUBSCRIBE, b"\0\x0a" + properties + text_field("a/#"), 0x2))
    assert transport.take() == (b"\xb0\x04\0\x0a\0\x11" if version == MQTT_5 else b"\xb0\x02\0\x0a")
    assert not transport.closing


BROKEN = [
    (publish(qos=2), ReasonCode.QOS_NOT_SUPPORTED),
    (publish(topic="fleet/+/telemetry"), ReasonCode.TOPIC_NAME_INVALID),
    (publish(qos=0, dup=True), ReasonCode.MALFORMED_PACKET),
    (connect(), ReasonCode.PROTOCOL_ERROR),
    (packet(PacketType.AUTH, b"\x18\0"), ReasonCode.PROTOCOL_ERROR),
    (packet(PacketType.PUBREL, b"\0\1", 0x2), ReasonCode.PROTOCOL_ERROR),
    (packet(PacketType.PUBACK, b"\0\1"), ReasonCode.PROTOCOL_ERROR),
    (packet(PacketType.CONNACK, b"\0\0"), ReasonCode.PROTOCOL_ERROR),
    (b"\0\0", ReasonCode.PROTOCOL_ERROR),
    (packet(PacketType.PINGREQ, b"", 0x1), ReasonCode.MALFORMED_PACKET),
    (packet(PacketType.PINGREQ, b"x"), ReasonCode.MALFORMED_PACKET),
    (packet(PacketType.SUBSCRIBE, b"\0\1\0" + text_field("a") + b"\0"), ReasonCode.MALFORMED_PACKET),
    (packet(PacketType.SUBSCRIBE, b"\0\1\0" + text_field("a") + b"\3", 0x2), ReasonCode.MALFORMED_PACKET),
    (packet(PacketType.DISCONNECT, b"\0\5\x11\0\0\0\1"), ReasonCode.PROTOCOL_ERROR),
    (b"\x30" + b"\xff" * 4, ReasonCode.MALFORMED_PACKET),
    (b"\x32\xff\xff\xff\x7f", ReasonCode.PACKET_TOO_LARGE),
]


@pytest.mark.parametrize(("encoded", "reason"), BROKEN)
def test_a_packet_that_is_not_allowed_ends_the_connection_with_its_reason_and_nothing_else(listener, encoded, reason):
    connection, transport = listener.mqtt_connected()
    connection.data_received(publish(identifier=1) + encoded + publish(identifier=2))
    assert transport.take() == disconnected(reason)
    assert transport.closing
    assert listener.connections.ended == {reason.name.lower(): 1}
    listener.store()
    assert len(listener.producer.sent) == 1  # what came before was taken; it is not acknowledged, so it comes again
    assert listener.connections.waiting_bytes == 0


def test_in_mqtt_3_1_1_the_connection_ends_without_a_word(listener):
    connection, transport = listener.mqtt_connected(MQTT_3_1_1)
    connection.data_received(publish(qos=2, version=MQTT_3_1_1))
    assert (transport.take(), transport.closing) == (b"", True)


@pytest.mark.parametrize("first", [publish(), PINGREQ, b"\xff\xff", b"GET / HTTP/1.1\r\n\r\n", bytes(100)])
def test_a_first_packet_that_is_not_connect_ends_the_connection_without_a_word(listener, first):
    connection, transport = listener.mqtt()
    connection.data_received(first)
    assert (transport.take(), transport.closing) == (b"", True)


@pytest.mark.parametrize(
    ("encoded", "answer"),
    [
        (connect(6), b"\x20\x02\0\x01"),
        (packet(PacketType.CONNECT, text_field("MQIsdp") + b"\3\2\0\x3c" + text_field("c")), b"\x20\x02\0\x01"),
        (connect(MQTT_3_1_1, client="", clean=False), b"\x20\x02\0\x02"),
        (connect(properties=b"\x15" + text_field("SCRAM")), b"\x20\x03\0\x8c\0"),
        (connect(client="a\0"), b"\x20\x03\0\x81\0"),
        (connect(MQTT_3_1_1, client="a\0"), b""),
    ],
)
def test_a_client_that_cannot_connect_is_told_in_its_version(listener, encoded, answer):
    connection, transport = listener.mqtt()
    connection.data_received(encoded)
    assert (transport.take(), transport.closing) == (answer, True)


def test_the_first_packet_may_not_be_large(listener):
    connection, transport = listener.mqtt()
    connection.data_received(b"\x10" + b"\x81\x80\x04")
    assert transport.closing


def test_connack_says_what_the_server_does_not_do(listener):
    connection, transport = listener.mqtt()
    connection.data_received(connect())
    properties = b"\x21\0\x64\x24\1\x27\0\x10\0\0\x28\0\x29\0\x2a\0"
    assert transport.take() == b"\x20" + bytes((3 + len(properties), 0, 0, len(properties))) + properties


def test_a_client_without_an_identifier_is_given_one(listener):
    connection, transport = listener.mqtt()
    connection.data_received(connect(client=""))
    assert b"\x12\0\x1dheadrace-" in transport.take()


def test_a_second_connection_of_a_client_takes_over(listener):
    first, first_transport = listener.mqtt_connected()
    listener.mqtt_connected()
    assert first_transport.take() == disconnected(ReasonCode.SESSION_TAKEN_OVER)
    first.connection_lost(None)
    _, third_transport = listener.mqtt_connected(client="another")
    assert not third_transport.closing


def test_a_device_cannot_take_over_the_connection_of_another(tmp_path):
    listener = Listener(tmp_path, allow_anonymous=False)
    tokens = {device: listener.token(device) for device in ("pump", "valve")}
    _, pump = listener.mqtt_connected(client="x", user="pump", password=tokens["pump"])
    listener.mqtt_connected(client="x", user="valve", password=tokens["valve"])
    assert not pump.closing


@pytest.mark.parametrize(
    ("version", "properties", "after_s", "present"),
    [
        (MQTT_5, b"", 0, 0),
        (MQTT_5, expiry(60), 59, 1),
        (MQTT_5, expiry(60), 61, 0),
        (MQTT_5, expiry(0xFFFFFFFF), 1e9, 1),
        (MQTT_3_1_1, b"", 1e9, 1),
    ],
)
def test_a_session_is_remembered_for_as_long_as_the_client_asked(listener, version, properties, after_s, present):
    options = {"version": version, "clean": False, "properties": properties}
    for expected in (0, present):
        connection, transport = listener.mqtt()
        connection.data_received(connect(**options))
        assert transport.take()[2] == expected
        connection.data_received(b"\xe0\0")
        connection.connection_lost(None)
        listener.monotonic.now += after_s


def test_a_client_that_is_silent_for_longer_than_one_and_a_half_keep_alives_is_disconnected(listener):
    connection, transport = listener.mqtt_connected(keep_alive_s=10)
    listener.sweep_at(14.9)
    connection.data_received(PINGREQ)
    assert transport.take() == PINGRESP
    listener.sweep_at(29.8)
    assert not transport.closing
    listener.sweep_at(30.0)
    assert transport.take() == disconnected(ReasonCode.KEEP_ALIVE_TIMEOUT)


def test_a_keep_alive_of_0_has_no_limit(listener):
    _, transport = listener.mqtt_connected(keep_alive_s=0)
    listener.sweep_at(1e9)
    assert not transport.closing


def test_a_connection_that_does_not_connect_is_ended_though_bytes_trickle(listener):
    connection, transport = listener.mqtt()
    for second, byte in enumerate(connect()[:11]):
        listener.sweep_at(second)
        connection.data_received(bytes((byte,)))
    assert transport.closing is (second > 10)
    listener.sweep_at(10.1)
    assert transport.closing


def test_a_peer_that_does_not_read_its_last_packet_is_cut_off(listener):
    connection, transport = listener.mqtt_connected()
    connection.data_received(publish(qos=2))
    listener.sweep_at(4.9)
    assert not transport.aborted
    listener.sweep_at(5.1)
    assert transport.aborted


@VERSIONS
def test_a_client_with_more_messages_than_receive_maximum_is_not_read_until_some_are_stored(tmp_path, version):
    listener = Listener(tmp_path, receive_maximum=3)
    connection, transport = listener.mqtt_connected(version)
    connection.data_received(b"".join(publish(identifier=n, version=version) for n in range(1, 6)))
    assert not transport.reading
    listener.sweep_at(1e6)
    assert not transport.closing  # it cannot be heard
    listener.store(0, 1)
    assert transport.reading
    listener.store()
    assert transport.take() == b"".join(puback(n) for n in range(1, 6))


def test_nothing_is_read_of_anybody_beyond_the_bound_of_bytes_and_pings_are_answered_below_it(tmp_path):
    listener = Listener(tmp_path, max_waiting_bytes=1 << 20)
    (one, first), (two, second) = listener.mqtt_connected(client="1"), listener.mqtt_connected(client="2")
    quarter = bytes(256 * 1024 - RECORD_BYTES)
    one.data_received(b"".join(publish(quarter, identifier=n) for n in range(1, 5)))
    two.data_received(PINGREQ)
    assert second.take() == PINGRESP
    assert first.reading
    two.data_received(publish(b"x"))
    assert not second.reading
    one.data_received(PINGREQ)
    assert not first.reading
    listener.store(0)
    assert first.reading
    assert second.reading
    listener.store()
    assert listener.connections.waiting_bytes == 0


def test_what_is_not_whole_yet_counts_against_the_bound(tmp_path):
    listener = Listener(tmp_path, max_waiting_bytes=1 << 20)
    opened = [listener.mqtt_connected(client=str(number)) for number in range(6)]
    whole = publish(bytes(256 * 1024))
    for connection, _ in opened:
        connection.data_received(whole[:200_000])
    assert not opened[-1][1].reading
    for connection, _ in opened:
        connection.connection_lost(None)
    assert listener.connections.waiting_bytes == 0


def test_what_a_lost_connection_sent_counts_until_kafka_has_it(listener):
    connection, transport = listener.mqtt_connected()
    connection.data_received(publish(bytes(1000)))
    transport.closing = True
    connection.connection_lost(None)
    assert listener.connections.waiting_bytes == 1000 + RECORD_BYTES
    listener.store()
    assert listener.connections.waiting_bytes == 0


def test_small_records_of_devices_that_reconnect_again_and_again_count_with_all_that_they_take(tmp_path):
    listener = Listener(tmp_path, max_waiting_bytes=1 << 20)
    for _ in range(1100):
        connection, transport = listener.mqtt()
        if transport.aborted:
            break
        connection.data_received(connect() + publish(b"x"))
        transport.closing = True
        connection.connection_lost(None)
    assert listener.connections.received["mqtt"] == 1024
    assert listener.connections.ended["full"] == 1
    listener.store()
    assert not listener.mqtt()[1].aborted


def test_a_client_that_does_not_read_its_acknowledgements_is_not_read(listener):
    connection, transport = listener.mqtt_connected()
    connection.pause_writing()
    assert not transport.reading
    connection.resume_writing()
    assert transport.reading


def test_a_record_that_kafka_refuses_is_not_acknowledged_and_ends_connection_and_process(listener):
    connection, transport = listener.mqtt_connected()
    connection.data_received(publish(identifier=1) + publish(identifier=2) + publish(identifier=3))
    error = RuntimeError("denied")
    listener.producer.store(0, 2)
    listener.producer.refuse(1, error)
    listener.connections.release()
    assert transport.take() == disconnected(ReasonCode.UNSPECIFIED_ERROR)
    assert listener.connections.refused is error
    assert listener.connections.waiting_bytes == 0


def test_confirmations_are_looked_at_only_while_something_waits(listener):
    connection, _ = listener.mqtt_connected()
    assert listener.scheduled == []
    connection.data_received(publish() * 2)
    assert len(listener.scheduled) == 1
    listener.scheduled.pop()()
    assert len(listener.scheduled) == 1
    listener.producer.store()
    listener.scheduled.pop()()
    assert listener.scheduled == []


def test_a_stall_of_kafka_is_measured(listener):
    connection, _ = listener.mqtt_connected()
    listener.monotonic.now = 100.0
    assert listener.connections.stalled_s == 0
    connection.data_received(publish())
    listener.monotonic.now = 111.0
    listener.connections.release()
    assert listener.connections.stalled_s == 11.0
    listener.store()
    assert listener.connections.stalled_s == 0


def test_more_connections_than_allowed_are_closed_at_once(tmp_path):
    listener = Listener(tmp_path, max_connections=2)
    transports = [listener.mqtt()[1] for _ in range(3)]
    assert [transport.aborted for transport in transports] == [False, False, True]


def test_at_the_end_nothing_more_is_read_and_clients_are_told(listener):
    _, transport = listener.mqtt_connected()
    listener.connections.stop()
    assert not transport.reading
    listener.connections.end_all()
    assert transport.take() == disconnected(ReasonCode.SERVER_SHUTTING_DOWN)


IGNORING = Sources([Source(name="plant", topic="plant/{device}/#", ignore=("plant/+/status",))])


@VERSIONS
def test_a_topic_that_a_source_ignores_is_acknowledged_and_counted_and_no_record(tmp_path, version):
    listener = Listener(tmp_path, IGNORING)
    connection, transport = listener.mqtt_connected(version)
    connection.data_received(
        publish(topic="plant/a/b", identifier=1, version=version)
        + publish(topic="plant/a/status", identifier=2, version=version)
        + publish(topic="plant/a/status", qos=0, version=version)
    )
    assert [sent.topic for sent in listener.producer.sent] == ["telemetry.raw"]
    assert transport.take() == b""  # in the order of receipt
    listener.store()
    assert transport.take() == puback(1) + puback(2)
    assert listener.intake.ignored == 2


BOARD = Source(name="board", topic="v1/devices/me/telemetry", device="{login}", codec="json",
               values="@")  # fmt: skip


@pytest.mark.parametrize("token_is_user", [False, True], ids=["name and token", "token as name"])
def test_a_source_that_takes_the_device_from_the_login_has_the_device_of_the_token(tmp_path, token_is_user):
    listener = Listener(tmp_path, Sources([BOARD]), allow_anonymous=False)
    for device in ("press-1", "press-2"):
        token = listener.token(device)
        shown = {"user": token} if token_is_user else {"user": device, "password": token}
        connection, _ = listener.mqtt_connected(client=device, **shown)
        connection.data_received(publish(topic="v1/devices/me/telemetry"))
    assert [(sent.topic, sent.key) for sent in listener.producer.sent] == [
        ("telemetry.raw", b"press-1"), ("telemetry.raw", b"press-2"),
    ]  # fmt: skip


def test_a_source_that_takes_the_device_from_the_login_has_none_of_a_client_without_a_token(tmp_path):
    listener = Listener(tmp_path, Sources([BOARD]))
    connection, _ = listener.mqtt_connected(user="press-1")
    connection.data_received(publish(topic="v1/devices/me/telemetry"))
    letter = DeadLetter.model_validate_json(listener.producer.sent[0].value)
    assert letter.reason == "no_device"
    assert "takes the device from the login" in letter.detail


def test_a_user_name_that_is_no_token_lets_nobody_in(tmp_path):
    listener = Listener(tmp_path, allow_anonymous=False)
    listener.token("pump")
    for user in ("pump", "x" * 43):
        connection, transport = listener.mqtt()
        connection.data_received(connect(user=user))
        assert transport.take() == b"\x20\x03\0\x87\0"


def test_messages_that_wait_for_their_devices_clock_are_acknowledged_in_order_once_they_are_stored(tmp_path):
    listener = Listener(tmp_path, receive_maximum=65535)
    connection, transport = listener.mqtt_connected()
    for number in range(1, MAX_LEAD_MS + 4):
        connection.data_received(publish(b"21.4", identifier=number))
    connection.data_received(publish(b"21.4", "fleet/other/telemetry", 5000))
    assert len(listener.producer.sent) == MAX_LEAD_MS + 2
    listener.store()
    assert transport.take() == b"".join(puback(number) for number in range(1, MAX_LEAD_MS + 2))
    listener.wall.now += 2
    listener.connections.release()
    assert transport.take() == b""
    listener.store()
    assert transport.take() == b"".join(puback(number) for number in (MAX_LEAD_MS + 2, MAX_LEAD_MS + 3, 5000))
    assert listener.connections.waiting == 0
