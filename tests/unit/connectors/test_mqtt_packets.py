"""Packets of MQTT 3.1.1 and 5 as a receiving server reads them: whole, in pieces, and broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import mqtt_packets as packets
from connectors.mqtt_packets import (
    MQTT_3_1_1,
    MQTT_5,
    NEVER_EXPIRES,
    Connect,
    PacketError,
    PacketType,
    ReasonCode,
    packet,
    packet_body,
    text_field,
)
from tests.unit.connectors.listener_in_memory import connect, publish

MAX_BYTES = 1 << 20
VERSIONS = pytest.mark.parametrize("version", [MQTT_3_1_1, MQTT_5])


def body_of(encoded) -> tuple[int, int]:
    start, stop = packet_body(encoded, 0, MAX_BYTES)
    assert stop == len(encoded)
    return start, stop


def read_publish(encoded, version):
    start, stop = body_of(encoded)
    topic, identifier, at = packets.read_publish(encoded, encoded[0] & 0x0F, start, stop, version)
    return packets.topic_text(topic), identifier, encoded[at:stop]


def read_connect(encoded):
    return packets.read_connect(encoded, *body_of(encoded))


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, 262_144, 2_097_151, 2_097_152, 268_435_455])
def test_a_length_of_one_to_four_bytes_is_read(length):
    header = b"\x30" + packets.variable_integer(length)
    assert packet_body(header, 0, 268_435_455) == (len(header), len(header) + length)
    assert all(packet_body(header[:cut], 0, 268_435_455) is None for cut in range(1, len(header)))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"\x30\xff\xff\xff\xff\x01", ReasonCode.MALFORMED_PACKET),
        (b"\x30\xff\xff\xff\xff", ReasonCode.MALFORMED_PACKET),
        (b"\x30\x80\x00", ReasonCode.MALFORMED_PACKET),
        (b"\x30\x81\x80\x00", ReasonCode.MALFORMED_PACKET),
        (b"\x30\xff\xff\xff\x7f", ReasonCode.PACKET_TOO_LARGE),
        (b"\x30" + packets.variable_integer(MAX_BYTES + 1), ReasonCode.PACKET_TOO_LARGE),
    ],
)
def test_a_length_that_no_packet_may_have_is_refused_before_the_packet_is_there(header, reason):
    with pytest.raises(PacketError) as error:
        packet_body(header, 0, MAX_BYTES)
    assert error.value.reason is reason


TOPICS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=300)


@given(
    st.binary(max_size=400),
    TOPICS,
    st.integers(1, 65_535),
    st.sampled_from([MQTT_3_1_1, MQTT_5]),
    st.sampled_from([0, 1]),
    st.booleans(),
)
def test_a_publish_is_read_as_it_was_written(payload, topic, identifier, version, qos, retain):
    encoded = publish(payload, topic, identifier, version, qos, retain, dup=bool(qos))
    assert read_publish(encoded, version) == (topic, identifier if qos else 0, payload)


@VERSIONS
@pytest.mark.parametrize("size", [0, 1, 65_535, 256 * 1024, 256 * 1024 + 1])
@pytest.mark.parametrize("topic", ["a", "fleet/" + "ö" * 32_000, "x" * 65_535])
def test_large_payloads_and_long_topics_are_read(version, size, topic):
    payload = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert read_publish(publish(payload, topic, 65_535, version), version) == (topic, 65_535, payload)


@VERSIONS
def test_a_publish_that_is_cut_off_anywhere_before_its_payload_is_malformed(version):
    whole = publish(b"", "fleet/pump/telemetry", 7, version)
    body = whole[2:]
    for cut in range(len(body)):
        encoded = packet(PacketType.PUBLISH, body[:cut], 0x2)
        with pytest.raises(PacketError) as error:
            read_publish(encoded, version)
        assert error.value.reason is ReasonCode.MALFORMED_PACKET, cut


def property_(identifier, value):
    return bytes((identifier,)) + value


@pytest.mark.parametrize(
    ("encoded", "version", "reason"),
    [
        (publish(qos=2), MQTT_5, ReasonCode.QOS_NOT_SUPPORTED),
        (publish(qos=2, version=MQTT_3_1_1), MQTT_3_1_1, ReasonCode.QOS_NOT_SUPPORTED),
        (publish(qos=3), MQTT_5, ReasonCode.MALFORMED_PACKET),
        (publish(qos=0, dup=True), MQTT_5, ReasonCode.MALFORMED_PACKET),
        (publish(qos=0, dup=True, retain=True), MQTT_5, ReasonCode.MALFORMED_PACKET),
        (publish(identifier=0), MQTT_5, ReasonCode.PROTOCOL_ERROR),
        (publish(topic=""), MQTT_5, ReasonCode.TOPIC_NAME_INVALID),
        (publish(topic="fleet/+/telemetry"), MQTT_5, ReasonCode.TOPIC_NAME_INVALID),
        (publish(topic="fleet/#"), MQTT_5, ReasonCode.TOPIC_NAME_INVALID),
        (publish(topic="fleet/a\0b/telemetry"), MQTT_5, ReasonCode.MALFORMED_PACKET),
        (publish(properties=property_(0x23, b"\0\1")), MQTT_5, ReasonCode.TOPIC_ALIAS_INVALID),
        (publish(properties=property_(0x0B, b"\1")), MQTT_5, ReasonCode.MALFORMED_PACKET),
        (publish(properties=property_(0x01, b"\2")), MQTT_5, ReasonCode.PROTOCOL_ERROR),
        (publish(properties=property_(0x01, b"\1") * 2), MQTT_5, ReasonCode.PROTOCOL_ERROR),
        (publish(properties=property_(0x02, b"\0\0")), MQTT_5, ReasonCode.MALFORMED_PACKET),
        (publish(properties=property_(0x7F, b"")), MQTT_5, ReasonCode.MALFORMED_PACKET),
        (publish(properties=property_(0x26, text_field("a"))), MQTT_5, ReasonCode.MALFORMED_PACKET),
    ],
)
def test_a_publish_that_the_specification_forbids_has_its_reason(encoded, version, reason):
    with pytest.raises(PacketError) as error:
        read_publish(encoded, version)
    assert error.value.reason is reason


@pytest.mark.parametrize("topic", [b"\xff", b"fleet/\xed\xa0\x80/telemetry", b"\xc3"])
def test_a_topic_that_is_not_utf8_is_malformed(topic):
    with pytest.raises(PacketError) as error:
        packets.topic_text(topic)
    assert error.value.reason is ReasonCode.MALFORMED_PACKET


def test_every_property_of_a_publish_is_read_over():
    properties = b"".join(
        [
            property_(0x01, b"\1"),
            property_(0x02, b"\0\0\0\7"),
            property_(0x03, text_field("application/json")),
            property_(0x08, text_field("answers/here")),
            property_(0x09, b"\0\3abc"),
            property_(0x26, text_field("name") + text_field("value")) * 300,
        ]
    )
    assert read_publish(publish(b"x", properties=properties), MQTT_5) == ("fleet/pump/telemetry", 1, b"x")


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (connect(MQTT_3_1_1), Connect(4, "pump-client", True, 60, None, None, 0)),
        (connect(MQTT_3_1_1, clean=False), Connect(4, "pump-client", False, 60, None, None, NEVER_EXPIRES)),
        (connect(user="ö 7", password="p" * 60_000), Connect(5, "pump-client", True, 60, "ö 7", b"p" * 60_000, 0)),
        (connect(client="", properties=property_(0x11, b"\0\0\0\x0a")), Connect(5, "", True, 60, None, None, 10)),
    ],
)  # fmt: skip
def test_a_connect_is_read(encoded, expected):
    assert read_connect(encoded) == expected


def connect_with_flags(flags, rest=b"", version=MQTT_5, name="MQTT"):
    properties = b"\0" if version == MQTT_5 else b""
    return packet(
        PacketType.CONNECT, text_field(name) + bytes((version, flags, 0, 60)) + properties + text_field("client") + rest
    )


def test_a_will_is_read_over():
    will = b"\0" + text_field("fleet/pump/status") + text_field("gone" * 10_000)
    encoded = connect_with_flags(0b1100_0110 | 1 << 5, will + text_field("pump") + text_field("token"))
    found = read_connect(encoded)
    assert (found.user_name, found.password) == ("pump", b"token")


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (connect_with_flags(0x03), ReasonCode.MALFORMED_PACKET),
        (connect_with_flags(0x0A), ReasonCode.MALFORMED_PACKET),
        (connect_with_flags(0x22), ReasonCode.MALFORMED_PACKET),
        (connect_with_flags(0x1E, b"\0" + text_field("a") * 2), ReasonCode.MALFORMED_PACKET),
        (connect_with_flags(0x42, text_field("token"), MQTT_3_1_1), ReasonCode.MALFORMED_PACKET),
        (connect_with_flags(0x02, b"x"), ReasonCode.MALFORMED_PACKET),
        (connect_with_flags(0x82), ReasonCode.MALFORMED_PACKET),
        (connect_with_flags(0x02, version=6), ReasonCode.UNSUPPORTED_PROTOCOL_VERSION),
        (connect_with_flags(0x02, version=3, name="MQIsdp"), ReasonCode.UNSUPPORTED_PROTOCOL_VERSION),
        (connect_with_flags(0x02, name="HTTP"), ReasonCode.MALFORMED_PACKET),
        (connect(MQTT_3_1_1, client="", clean=False), ReasonCode.CLIENT_IDENTIFIER_NOT_VALID),
        (connect(properties=property_(0x15, text_field("SCRAM-SHA-256"))), ReasonCode.BAD_AUTHENTICATION_METHOD),
        (connect(properties=property_(0x16, b"\0\0")), ReasonCode.PROTOCOL_ERROR),
        (connect(properties=property_(0x21, b"\0\0")), ReasonCode.PROTOCOL_ERROR),
        (connect(properties=property_(0x27, b"\0\0\0\0")), ReasonCode.PROTOCOL_ERROR),
        (connect(properties=property_(0x24, b"\1")), ReasonCode.MALFORMED_PACKET),
        (connect(client="a\0b"), ReasonCode.MALFORMED_PACKET),
    ],
)
def test_a_connect_that_the_specification_forbids_has_its_reason(encoded, reason):
    with pytest.raises(PacketError) as error:
        read_connect(encoded)
    assert error.value.reason is reason


def subscribe(version, filters, packet_type=PacketType.SUBSCRIBE, identifier=9) -> bytes:
    options = b"\1" if packet_type == PacketType.SUBSCRIBE else b""
    body = identifier.to_bytes(2) + (b"\0" if version == MQTT_5 else b"")
    return packet(packet_type, body + b"".join(text_field(each) + options for each in filters), 0x2)


@VERSIONS
def test_filters_of_subscribe_and_unsubscribe_are_counted(version):
    filters = ["a/#", "b/+/c", "x" * 60_000]
    encoded = subscribe(version, filters)
    assert packets.read_subscribe(encoded, *body_of(encoded), version) == (b"\0\x09", 3)
    encoded = subscribe(version, filters, PacketType.UNSUBSCRIBE)
    assert packets.read_unsubscribe(encoded, *body_of(encoded), version) == (b"\0\x09", 3)


@VERSIONS
@pytest.mark.parametrize(("filters", "identifier"), [([], 9), (["a"], 0)])
def test_a_subscribe_without_a_filter_or_identifier_is_a_protocol_error(version, filters, identifier):
    encoded = subscribe(version, filters, identifier=identifier)
    with pytest.raises(PacketError) as error:
        packets.read_subscribe(encoded, *body_of(encoded), version)
    assert error.value.reason is ReasonCode.PROTOCOL_ERROR


def ends_well(read):
    """Whether it is read, or is refused with a reason: any other exception fails the test."""
    try:
        read()
    except PacketError as error:
        return error.reason >= ReasonCode.UNSPECIFIED_ERROR
    return True


@given(st.binary(max_size=200), st.integers(0, 15), st.sampled_from([MQTT_3_1_1, MQTT_5]))
def test_any_bytes_are_read_or_end_the_connection(body, flags, version):
    assert ends_well(lambda: packets.read_publish(body, flags, 0, len(body), version))
    assert ends_well(lambda: packets.read_connect(body, 0, len(body)))
    assert ends_well(lambda: packets.read_subscribe(body, 0, len(body), version))
    assert ends_well(lambda: packets.read_unsubscribe(body, 0, len(body), version))
    assert ends_well(lambda: packets.read_disconnect(body, 0, len(body), version))


@given(st.binary(max_size=120), st.sampled_from([b"\x00\x04MQTT\x05\x02\x00\x3c", b"\x00\x04MQTT\x04\xc2\x00\x3c"]))
def test_any_bytes_behind_a_connects_beginning_are_read_or_refused(rest, beginning):
    body = beginning + rest
    assert ends_well(lambda: packets.read_connect(body, 0, len(body)))


def test_no_field_is_read_behind_its_packet():
    encoded = publish(b"", "fleet/pump/telemetry", version=MQTT_3_1_1, qos=0) + b"more bytes of the next packet" * 9
    start, stop = packet_body(encoded, 0, MAX_BYTES)
    shorter = packet(PacketType.PUBLISH, encoded[start : stop - 4])
    joined = shorter + encoded
    start, stop = packet_body(joined, 0, MAX_BYTES)
    with pytest.raises(PacketError):
        packets.read_publish(joined, 0, start, stop, MQTT_3_1_1)
