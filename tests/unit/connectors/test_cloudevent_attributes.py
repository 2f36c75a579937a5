"""CloudEvents in binary mode, from what a device sends through an entrance and through the codec."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import mqtt_packets as packets
from connectors.cloudevent_attributes import (
    MAX_ATTRIBUTE_BYTES,
    MAX_ATTRIBUTES,
    TooManyAttributes,
    headers_of_http_fields,
    headers_of_user_properties,
)
from connectors.mqtt_bridge.bridge import Bridge
from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.mqtt_packets import text_field
from payload_codecs.message import Message
from payload_codecs.registry import stateless_codec_of
from schemas.dead_letter import DeadLetter
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from tests.unit.connectors import in_memory
from tests.unit.connectors.listener_in_memory import Listener, post, problem, publish

EVENTS = Source(name="events", topic="events/{metric}", codec="cloudevents", data_codec="scalar", device="subject")
SOURCES = Sources([EVENTS, DEFAULT_SOURCE])
TOPIC = "events/torque"
ATTRIBUTES = (
    ("specversion", "1.0"), ("id", "1"), ("source", "/hall/größe 4"), ("type", "com.example.reading"),
    ("subject", "press 1"), ("time", "2026-05-28T20:26:40.123Z"), ("X-Trace", "no attribute"),
)  # fmt: skip
KAFKA_HEADERS = {
    "ce_specversion": b"1.0", "ce_id": b"1", "ce_source": "/hall/größe 4".encode(),
    "ce_type": b"com.example.reading", "ce_subject": b"press 1", "ce_time": b"2026-05-28T20:26:40.123Z",
    "content-type": b"text/plain",
}  # fmt: skip


def from_the_listener_over_mqtt(folder, attributes=ATTRIBUTES, topic=TOPIC):
    listener = Listener(folder, SOURCES)
    connection, _ = listener.mqtt_connected()
    properties = b"\x03" + text_field("text/plain")
    properties += b"".join(bytes((packets.USER_PROPERTY,)) + text_field(a) + text_field(b) for a, b in attributes)
    connection.data_received(publish(b"12.5", topic, properties=properties))
    return listener.producer.sent


def from_the_listener_over_http(folder, attributes=ATTRIBUTES, topic=TOPIC):
    listener = Listener(folder, SOURCES)
    connection, _ = listener.http()
    fields = [f"{'' if name[0] == 'X' else 'ce-'}{name}: {percent_encoded(value)}" for name, value in attributes]
    connection.data_received(post(f"/telemetry/any?topic={topic}", b"12.5", "Content-Type: text/plain", *fields))
    return listener.producer.sent


def percent_encoded(value):
    """As the HTTP binding asks for, section 3.1.3.2."""
    return "".join(c if "!" <= c <= "~" and c not in '"%' else "".join(f"%{b:02X}" for b in c.encode()) for c in value)


def from_the_bridge(folder, attributes=ATTRIBUTES, topic=TOPIC):
    producer = in_memory.Producer()
    bridge = Bridge(in_memory.Client(), producer, BridgeSettings(http_port=0), SOURCES)
    properties = SimpleNamespace(UserProperty=list(attributes), ContentType="text/plain")
    bridge.take(None, None, in_memory.Message(b"12.5", topic, properties=properties))
    return producer.sent


ENTRANCES = pytest.mark.parametrize(
    "entrance", [from_the_listener_over_mqtt, from_the_listener_over_http, from_the_bridge]
)


@ENTRANCES
def test_an_event_in_binary_mode_is_a_sample_with_the_events_device_and_time(entrance, tmp_path):
    (sent,) = entrance(tmp_path)
    headers = dict(sent.headers)
    assert {name: headers[name] for name in KAFKA_HEADERS} == KAFKA_HEADERS
    assert not any("race" in name for name in headers)
    routed = SOURCES.route(TOPIC)
    (sample,) = stateless_codec_of(EVENTS).decode(Message(sent.value, None, TOPIC, routed.levels, headers=headers))
    assert (sample.device, sample.metric, sample.value) == ("press 1", "torque", 12.5)
    assert sample.time == 1_780_000_000_123


@ENTRANCES
def test_headers_of_other_sources_stay_as_they_are(entrance, tmp_path):
    (sent,) = entrance(tmp_path, topic="fleet/pump/telemetry")
    names = {"source", "mqtt_topic", "mqtt_qos", "mqtt_retained", "mqtt_duplicate", "received_at"}
    assert set(dict(sent.headers)) == names


@ENTRANCES
def test_an_attribute_cannot_take_the_place_of_a_header_of_ours(entrance, tmp_path):
    (sent,) = entrance(tmp_path, [*ATTRIBUTES[:2], ("source", "fleet"), ("receivedat", "1")])
    assert dict(sent.headers)["source"] == b"events"
    assert len(sent.headers) == len(dict(sent.headers))


@ENTRANCES
@pytest.mark.parametrize("topic", [TOPIC, "fleet/pump/telemetry"])
def test_no_device_can_mark_its_message_as_a_replay(entrance, topic, tmp_path):
    (sent,) = entrance(tmp_path, [*ATTRIBUTES, ("replays", "1"), ("ce_replays", "1"), ("Replays", "1")], topic=topic)
    assert not Message(sent.value, None, headers=dict(sent.headers)).is_replay


@pytest.mark.parametrize("entrance", [from_the_listener_over_mqtt, from_the_bridge])
@pytest.mark.parametrize(
    "more",
    [[(f"a{number}", "1") for number in range(MAX_ATTRIBUTES)], [("big", "x" * MAX_ATTRIBUTE_BYTES)]],
    ids=["many", "large"],
)
def test_more_attributes_than_a_record_has_room_for_are_a_dead_letter(entrance, more, tmp_path):
    (sent,) = entrance(tmp_path, [*ATTRIBUTES, *more])
    letter = DeadLetter.model_validate_json(sent.value)
    assert (sent.topic, letter.reason, letter.original) == ("dead-letters", "payload_too_large", b"12.5")
    assert "attributes" in letter.detail


def test_over_http_more_attributes_than_a_record_has_room_for_are_refused(tmp_path):
    listener = Listener(tmp_path, SOURCES)
    connection, transport = listener.http()
    fields = [f"ce-a{number}: 1" for number in range(MAX_ATTRIBUTES)]
    connection.data_received(post(f"/telemetry/any?topic={TOPIC}", b"12.5", "ce-specversion: 1.0", *fields))
    assert problem(transport.take())[0] == 431
    assert listener.producer.sent == []


@pytest.mark.parametrize("content_type", ["application/cloudevents+json", "Application/CloudEvents-batch+json; x=1"])
def test_in_structured_mode_the_attributes_stand_in_the_payload_alone(content_type):
    of_mqtt = headers_of_user_properties(ATTRIBUTES, content_type)
    of_http = headers_of_http_fields({b"ce-specversion": b"1.0", b"content-type": content_type.encode()})
    assert of_mqtt == of_http == [("content-type", content_type.encode())]


def test_user_properties_without_a_specversion_are_no_event():
    assert headers_of_user_properties(ATTRIBUTES[1:], None) == []


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=300)), max_size=80), st.none() | st.text(max_size=80))
def test_any_user_properties_become_bounded_headers_or_are_too_many(properties, content_type):
    try:
        headers = headers_of_user_properties([("specversion", "1.0"), *properties], content_type)
    except TooManyAttributes:
        return
    assert len({name for name, _ in headers}) == len(headers) <= MAX_ATTRIBUTES + 1
    assert sum(len(name) + len(value) for name, value in headers) <= MAX_ATTRIBUTE_BYTES
    assert all(name.startswith("ce_") or name == "content-type" for name, _ in headers)
