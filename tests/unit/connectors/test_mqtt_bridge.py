import hashlib

import pytest

from connectors.mqtt_bridge.acknowledgements import RecordRefused
from connectors.mqtt_bridge.bridge import Bridge
from schemas.dead_letter import MAX_ORIGINAL_BYTES, DeadLetter
from schemas.reject_reasons import RejectReason
from tests.unit.connectors.in_memory import SETTINGS, Client, Clock, Message, Producer

NOW_MS = 1_719_800_000_000


class Setting:
    def __init__(self) -> None:
        self.client, self.producer, self.monotonic = Client(), Producer(), Clock(0.0)
        self.bridge = Bridge(self.client, self.producer, SETTINGS, Clock(NOW_MS), self.monotonic)

    def take(self, *messages: Message) -> None:
        for message in messages:
            self.client.on_message(self.client, None, message)

    def letter(self, number: int = 0) -> DeadLetter:
        assert self.producer.sent[number].topic == "dead-letters"
        return DeadLetter.model_validate_json(self.producer.sent[number].value)


@pytest.fixture
def here() -> Setting:
    return Setting()


def test_a_message_becomes_a_record_with_its_bytes_untouched(here: Setting) -> None:
    here.take(Message(b"\xff\x00 not json", "fleet/größe 7/telemetry", mid=3))
    (sent,) = here.producer.sent
    assert (sent.topic, sent.key, sent.value) == ("telemetry.raw", "größe 7".encode(), b"\xff\x00 not json")
    assert dict(sent.headers) == {
        "mqtt_topic": "fleet/größe 7/telemetry".encode(),
        "mqtt_qos": b"1",
        "mqtt_retained": b"0",
        "mqtt_duplicate": b"0",
        "received_at": b"1719800000000",
    }


def test_an_empty_payload_is_a_record_too(here: Setting) -> None:
    here.take(Message(b""))
    assert here.producer.sent[0].value == b""


def test_headers_say_how_the_message_came(here: Setting) -> None:
    here.take(Message(retain=True), Message(dup=True), Message(qos=0, mid=0))
    retained, duplicate, at_most_once = (dict(sent.headers) for sent in here.producer.sent)
    assert retained["mqtt_retained"] == b"1"
    assert duplicate["mqtt_duplicate"] == b"1"
    assert at_most_once["mqtt_qos"] == b"0"


def test_two_messages_of_one_device_in_one_millisecond_have_two_times(here: Setting) -> None:
    here.take(Message(), Message(), Message(topic="fleet/other/telemetry"))
    times = [int(dict(sent.headers)["received_at"]) for sent in here.producer.sent]
    assert times == [NOW_MS, NOW_MS + 1, NOW_MS]


def test_nothing_is_acknowledged_before_it_is_stored(here: Setting) -> None:
    here.take(Message(mid=1), Message(mid=2))
    here.bridge.acknowledge()
    assert here.client.acknowledged == []
    here.producer.store(0)
    here.bridge.acknowledge()
    assert here.client.acknowledged == [1]


def test_acknowledged_in_the_order_of_receipt(here: Setting) -> None:
    here.take(Message(mid=7), Message(mid=3), Message(mid=5))
    here.producer.store(2)
    here.bridge.acknowledge()
    here.producer.store(0, 1)
    here.bridge.acknowledge()
    assert here.client.acknowledged == [7, 3, 5]


def test_messages_of_quality_0_are_stored_and_not_acknowledged(here: Setting) -> None:
    here.take(Message(qos=0, mid=0), Message(mid=1))
    here.producer.store()
    here.bridge.acknowledge()
    assert len(here.producer.sent) == 2
    assert here.client.acknowledged == [1]


def test_a_message_of_a_lost_connection_is_not_acknowledged_on_the_next(here: Setting) -> None:
    here.take(Message(mid=1))
    here.bridge.connection_lost()
    here.take(Message(mid=1, dup=True))
    here.producer.store(0)
    here.bridge.acknowledge()
    assert here.client.acknowledged == []
    here.producer.store(1)
    here.bridge.acknowledge()
    assert here.client.acknowledged == [1]


@pytest.mark.parametrize("topic", ["fleet/a/status", "fleet//telemetry", "fleet/a/b/telemetry"])
def test_a_topic_without_device_is_a_dead_letter_and_acknowledged_once_stored(here: Setting, topic: str) -> None:
    here.take(Message(b"x", topic, mid=4, retain=True))
    letter = here.letter()
    assert (letter.reason, letter.stage, letter.device, letter.position) == ("no_device", "mqtt_bridge", None, None)
    assert (letter.original, letter.first_seen, letter.replayable) == (b"x", NOW_MS, True)
    assert letter.headers["mqtt_topic"] == topic.encode()
    assert letter.headers["mqtt_retained"] == b"1"
    assert here.producer.sent[0].key is None
    here.bridge.acknowledge()
    assert here.client.acknowledged == []
    here.producer.store()
    here.bridge.acknowledge()
    assert here.client.acknowledged == [4]


def test_a_payload_over_the_limit_is_a_dead_letter_of_its_device(here: Setting) -> None:
    here.take(Message(bytes(100)), Message(bytes(101)))
    assert here.producer.sent[0].topic == "telemetry.raw"
    letter = here.letter(1)
    assert (letter.reason, letter.device, letter.original_size) == (RejectReason.PAYLOAD_TOO_LARGE, "pump", 101)
    assert letter.detail == "101 bytes, over 100"
    assert here.producer.sent[1].key == b"pump"
    assert here.bridge.dead_letters == {"payload_too_large": 1}


def test_of_a_huge_payload_the_dead_letter_keeps_head_and_hash(here: Setting) -> None:
    payload = bytes(MAX_ORIGINAL_BYTES + 1)
    here.take(Message(payload))
    letter = here.letter()
    assert letter.original_sha256 == hashlib.sha256(payload).hexdigest()
    assert not letter.replayable
    assert here.bridge.bytes_in_flight < 100_000


def test_a_topic_that_is_not_utf8_is_a_dead_letter(here: Setting) -> None:
    class Malformed(Message):
        @property  # type: ignore[override]
        def topic(self) -> str:
            return b"fleet/\xff/telemetry".decode()

        @topic.setter
        def topic(self, _: str) -> None:
            pass

    here.take(Malformed())
    assert here.letter().reason == "no_device"


def test_a_record_that_kafka_refuses_for_good_stops_the_bridge(here: Setting) -> None:
    here.take(Message(mid=1), Message(mid=2))
    here.producer.store(1)
    here.producer.refuse(0, RuntimeError("TopicAuthorizationFailed"))
    with pytest.raises(RecordRefused, match="TopicAuthorizationFailed"):
        here.bridge.acknowledge()
    assert here.client.acknowledged == []


def test_there_is_room_for_a_full_window_and_no_more(here: Setting) -> None:
    here.take(*(Message(mid=number) for number in range(1, 11)))
    assert here.bridge.has_room, "the receive maximum alone must not stop us reading PINGRESP"
    here.take(Message(qos=0, mid=0))
    assert not here.bridge.has_room
    here.producer.store()
    here.bridge.acknowledge()
    assert here.bridge.has_room


def test_lost_connections_do_not_make_room(here: Setting) -> None:
    here.take(*(Message(mid=number) for number in range(1, 12)))
    here.bridge.connection_lost()
    assert not here.bridge.has_room


def test_there_is_no_room_over_the_bytes_of_a_full_window(here: Setting) -> None:
    here.take(Message(bytes(2000)))
    assert here.bridge.in_flight == 1
    assert not here.bridge.has_room


def test_it_stalls_while_kafka_stores_nothing_and_something_waits(here: Setting) -> None:
    here.bridge.acknowledge()
    here.monotonic.now = 50.0
    here.bridge.acknowledge()
    here.take(Message())
    here.bridge.acknowledge()
    here.monotonic.now = 62.0
    assert here.bridge.stalled_s == 12.0
    here.producer.store()
    here.bridge.acknowledge()
    assert here.bridge.stalled_s == 0.0
