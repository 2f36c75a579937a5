"""One MQTT message becomes one Kafka record, and is acknowledged after Kafka has stored it."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from connectors.mqtt_bridge.acknowledgements import Acknowledgements, Confirmation
from connectors.mqtt_bridge.dead_letters import dead_letter
from connectors.mqtt_bridge.device_clock import Header, Source, Sources
from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.mqtt_bridge.topics import why_not
from schemas.reject_reasons import RejectReason
from schemas.topics import DEAD_LETTERS, TELEMETRY_RAW

RAW = TELEMETRY_RAW.name
QOS: tuple[Header, ...] = (("mqtt_qos", b"0"), ("mqtt_qos", b"1"), ("mqtt_qos", b"2"))
RETAINED: tuple[Header, Header] = (("mqtt_retained", b"0"), ("mqtt_retained", b"1"))
DUPLICATE: tuple[Header, Header] = (("mqtt_duplicate", b"0"), ("mqtt_duplicate", b"1"))


class Producer(Protocol):
    """What the bridge needs of a Kafka producer."""

    def send(self, topic: str, value: bytes, key: bytes | None, headers: list[Header]) -> Confirmation: ...


class Message(Protocol):
    """What the bridge needs of paho's MQTTMessage."""

    mid: int
    qos: int
    retain: bool
    dup: bool
    payload: bytes

    @property
    def topic(self) -> str: ...


class AcknowledgingClient(Protocol):
    """What the bridge needs of paho's client."""

    on_message: Any

    def ack(self, mid: int, qos: int) -> Any: ...


def epoch_ms() -> int:
    """The wall clock, in ms since the epoch."""
    return time.time_ns() // 1_000_000


class Bridge:
    """Takes messages, hands them to Kafka, and acknowledges them in the order of their receipt.

    All methods run on one thread, the network loop's. Confirmations are looked at, not called back: the producer's
    thread never touches the MQTT client, and acknowledgements go out many at a time.

    Parameters
    ----------
    client
        paho's client, or one in memory.
    producer
        A producer of connectors.kafka.clients, or one in memory.
    """

    def __init__(
        self,
        client: AcknowledgingClient,
        producer: Producer,
        settings: BridgeSettings,
        clock_ms: Callable[[], int] = epoch_ms,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._producer = producer
        self._settings = settings
        self._clock_ms = clock_ms
        self._monotonic_s = monotonic_s
        self._sources = Sources()
        self._waiting = Acknowledgements()
        self._moved_s = monotonic_s()
        self.received = 0
        self.acknowledged = 0
        self.dead_letters: Counter[str] = Counter()
        client.on_message = self.take

    @property
    def in_flight(self) -> int:
        """Messages that wait for Kafka."""
        return len(self._waiting)

    @property
    def bytes_in_flight(self) -> int:
        return self._waiting.bytes_waiting

    @property
    def has_room(self) -> bool:
        """False: read no more before Kafka has stored some. Receive Maximum does not count QoS 0 and lost sessions."""
        return (
            len(self._waiting) <= self._settings.max_inflight
            and self._waiting.bytes_waiting <= self._settings.max_inflight_bytes
        )

    @property
    def stalled_s(self) -> float:
        """How long Kafka has stored nothing while something waits."""
        return self._monotonic_s() - self._moved_s if self._waiting else 0.0

    def take(self, client: Any, userdata: Any, message: Message) -> None:
        """Hand one message to Kafka; paho's `on_message`."""
        self.received += 1
        try:
            topic = message.topic
        except UnicodeDecodeError:  # a broker has to refuse such a topic [MQTT-1.5.4-1]
            topic = "\N{REPLACEMENT CHARACTER}"
        source = self._sources.of(topic)
        if source is None or len(message.payload) > self._settings.max_payload_bytes:
            self._refuse(source, topic, message)
            return
        payload = message.payload
        received_at = source.received_at(self._clock_ms())
        headers = _headers(source.topic_header, message, received_at)
        self._waiting.received(message.mid, len(payload), self._producer.send(RAW, payload, source.key, headers))

    def acknowledge(self) -> None:
        """Acknowledge what Kafka has stored since. Raises RecordRefused where it refused a record for good."""
        before = len(self._waiting)
        for packet_identifier in self._waiting.release():
            self._client.ack(packet_identifier, 1)
            self.acknowledged += 1
        if not before or len(self._waiting) < before:
            self._moved_s = self._monotonic_s()

    def connection_lost(self) -> None:
        """The broker will send again what was not acknowledged."""
        self._waiting.connection_lost()

    def _refuse(self, source: Source | None, topic: str, message: Message) -> None:
        now_ms = self._clock_ms()
        if source is None:
            reason, detail, device, key = RejectReason.NO_DEVICE, why_not(topic), None, None
            topic_header, received_at = ("mqtt_topic", topic.encode(errors="replace")), now_ms
        else:
            reason, device, key = RejectReason.PAYLOAD_TOO_LARGE, source.device, source.key
            detail = f"{len(message.payload)} bytes, over {self._settings.max_payload_bytes}"
            topic_header, received_at = source.topic_header, source.received_at(now_ms)
        headers = _headers(topic_header, message, received_at)
        letter = dead_letter(reason, detail, device, message.payload, headers, received_at)
        value = letter.model_dump_json().encode()
        self.dead_letters[reason.value] += 1
        self._waiting.received(message.mid, len(value), self._producer.send(DEAD_LETTERS.name, value, key, headers))


def _headers(topic: Header, message: Message, received_at_ms: int) -> list[Header]:
    return [
        topic,
        QOS[message.qos],
        RETAINED[message.retain],
        DUPLICATE[message.dup],
        ("received_at", b"%d" % received_at_ms),
    ]
