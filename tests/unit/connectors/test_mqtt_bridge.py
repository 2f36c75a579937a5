import hashlib
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.mqtt_bridge.acknowledgements import RecordRefused
from connectors.mqtt_bridge.bridge import Bridge
from connectors.mqtt_bridge.stored_until import MARGIN_MS
from schemas.dead_letter import MAX_ORIGINAL_BYTES, DeadLetter
from schemas.payload_format import Codec
from schemas.reject_reasons import RejectReason
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from tests.unit.connectors.in_memory import SETTINGS, Client, Clock, Message, Producer

NOW_MS = 1_719_800_000_000
FROM_THE_PAYLOAD: Any = {"device": "id", "metric": "name", "value": "value"}


class Setting:
    def __init__(self) -> None:
        self.client, self.producer, self.monotonic, self.wall = Client(), Producer(), Clock(0.0), Clock(NOW_MS)
        self.bridge = self.reading(DEFAULT_SOURCE)

    def reading(self, *sources: Source) -> Bridge:
        self.bridge = Bridge(
            self.client, self.producer, SETTINGS, Sources(sources), clock_ms=self.wall, monotonic_s=self.monotonic
        )
        return self.bridge

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
        "source": b"fleet",
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


@pytest.mark.parametrize("topic", ["fleet/a/status", "fleet//telemetry", "fleet/a/b/telemetry", "fleet/a\n/telemetry"])
def test_a_topic_that_names_no_device_of_a_source_is_a_dead_letter_and_acknowledged_once_stored(
    here: Setting, topic: str
) -> None:
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


def test_each_source_names_itself_in_the_header_and_the_first_that_matches_has_the_message(here: Setting) -> None:
    here.reading(
        Source(name="lines", topic="plant/{line}/{device}/torque", codec=Codec.SCALAR, metric="'torque'"),
        Source(name="plant", topic="plant/#", codec=Codec.JSON, **FROM_THE_PAYLOAD),
        DEFAULT_SOURCE,
    )
    here.take(
        Message(topic="plant/4/press-1/torque"), Message(topic="plant/4/press-1/status"), Message(topic="plant"),
        Message(topic="fleet/pump/telemetry"),
    )  # fmt: skip
    assert [dict(sent.headers)["source"] for sent in here.producer.sent] == [b"lines", b"plant", b"plant", b"fleet"]
    assert [sent.key for sent in here.producer.sent] == [b"press-1", b"plant/4/press-1/status", b"plant", b"pump"]
    assert {sent.topic for sent in here.producer.sent} == {"telemetry.raw"}


def test_of_a_message_that_two_subscriptions_deliver_one_copy_is_stored_and_both_are_acknowledged(
    here: Setting,
) -> None:
    bridge = here.reading(
        Source(name="one", topic="plant/{device}/a", codec=Codec.SCALAR, metric="'a'"),
        Source(name="two", topic="plant/4/{device}", codec=Codec.SCALAR, metric="'b'"),
    )
    first, second = (each.identifier for each in bridge._subscriptions.all)
    here.take(
        Message(topic="plant/4/a", mid=1, properties=SimpleNamespace(SubscriptionIdentifier=[second])),
        Message(topic="plant/4/a", mid=2, properties=SimpleNamespace(SubscriptionIdentifier=[first])),
        Message(topic="plant/4/b", mid=3, properties=SimpleNamespace(SubscriptionIdentifier=[second])),
    )
    assert [dict(sent.headers)["source"] for sent in here.producer.sent] == [b"one", b"two"]
    assert bridge.copies == 1
    here.producer.store()
    bridge.acknowledge()
    assert here.client.acknowledged == [1, 2, 3]


def test_a_device_that_only_the_payload_names_is_left_to_the_cleaning(here: Setting) -> None:
    here.reading(Source(name="gateway", topic="gateway/up", codec=Codec.JSON, **FROM_THE_PAYLOAD))
    here.take(Message(topic="gateway/up"))
    (sent,) = here.producer.sent
    assert (sent.topic, sent.key) == ("telemetry.raw", b"gateway/up")


def test_it_knows_up_to_when_everything_is_stored(here: Setting) -> None:
    here.take(Message(mid=1))
    here.bridge.caught_up()
    here.bridge.acknowledge()
    assert here.bridge.stored_until.time_ms == 0
    here.producer.store()
    here.bridge.acknowledge()
    assert here.bridge.stored_until.time_ms == NOW_MS - MARGIN_MS


def test_with_a_full_window_the_broker_may_hold_more(here: Setting) -> None:
    here.take(*(Message(mid=number) for number in range(1, 11)))
    here.bridge.caught_up()
    here.producer.store()
    here.bridge.acknowledge()
    assert here.bridge.stored_until.time_ms == 0


def test_a_topic_that_a_source_ignores_is_acknowledged_counted_and_no_dead_letter(here: Setting) -> None:
    bridge = here.reading(Source(name="plant", topic="plant/{device}/#", ignore=("plant/+/status",)))
    here.take(Message(topic="plant/a/status", mid=1), Message(topic="plant/a/b", mid=2))
    assert [sent.topic for sent in here.producer.sent] == ["telemetry.raw"]
    here.producer.store()
    bridge.acknowledge()
    assert (here.client.acknowledged, bridge.ignored) == ([1, 2], 1)


def test_a_source_that_takes_the_device_from_the_login_has_none_through_a_broker(here: Setting) -> None:
    here.reading(Source(name="board", topic="v1/me", device="{login}", codec=Codec.JSON, values="@"))
    here.take(Message(topic="v1/me"))
    letter = here.letter()
    assert (letter.reason, letter.device) == (RejectReason.NO_DEVICE, None)
    assert letter.detail is not None
    assert "takes the device from the login" in letter.detail
