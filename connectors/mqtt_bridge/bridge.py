"""One MQTT message becomes one Kafka record, and is acknowledged after Kafka has stored it."""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Protocol

from connectors.cloudevent_attributes import TooManyAttributes, headers_of_user_properties
from connectors.entrance_records import DUPLICATE, QOS, RAW, RETAINED, Header, dead_letter, epoch_ms
from connectors.mqtt_bridge.acknowledgements import NOTHING_TO_ACKNOWLEDGE, Acknowledgements, Confirmation
from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.mqtt_bridge.stored_until import StoredUntil
from connectors.mqtt_bridge.subscriptions import Subscriptions
from connectors.origins import Origin, Origins
from connectors.time_of_receipt import MAX_LEAD_MS
from schemas.dead_letter import DeadLetter
from schemas.reject_reasons import RejectReason
from schemas.source import DEFAULT_SOURCE
from schemas.sources import Sources
from schemas.topics import DEAD_LETTERS

log = logging.getLogger(__name__)

STAGE = "mqtt_bridge"


class Producer(Protocol):
    """What the bridge needs of a Kafka producer."""

    def send(self, topic: str, value: bytes, key: bytes | None, headers: list[Header]) -> Confirmation: ...
    def poll(self) -> None: ...


class Message(Protocol):
    """What the bridge needs of paho's MQTTMessage."""

    mid: int
    qos: int
    retain: bool
    dup: bool
    payload: bytes
    properties: Any

    @property
    def topic(self) -> str: ...


class AcknowledgingClient(Protocol):
    """What the bridge needs of paho's client."""

    on_message: Any

    def ack(self, mid: int, qos: int) -> Any: ...


class _Stored:
    """Of a message that needs no record of its own."""

    is_done = True
    exception = None


_NEEDS_NO_RECORD = _Stored()


class Bridge:
    """Takes messages, hands them to Kafka, and acknowledges them in the order of their receipt.

    All methods run on one thread, the network loop's. Confirmations are looked at, not called back: the producer's
    thread never touches the MQTT client, and acknowledgements go out many at a time.

    Parameters
    ----------
    client
        paho's client, or one in memory.
    producer
        A FastProducer, or one in memory.
    sources
        What is read; the first whose filter matches a topic has it.
    clock_ms, monotonic_s
        The wall clock in ms, which gives the times of receipt, and one that is never set.
    """

    def __init__(
        self,
        client: AcknowledgingClient,
        producer: Producer,
        settings: BridgeSettings,
        sources: Sources = Sources([DEFAULT_SOURCE]),  # noqa: B008  # immutable
        clock_ms: Callable[[], int] = epoch_ms,
        monotonic_s: Callable[[], float] = time.monotonic,
        stored_until: StoredUntil | None = None,
    ) -> None:
        self._client = client
        self._producer = producer
        self._settings = settings
        self._clock_ms = clock_ms
        self._monotonic_s = monotonic_s
        self._subscriptions = Subscriptions(sources.filters, settings.share_group)
        self._origins = Origins(sources, self._subscriptions.identifier_of)
        self._held: deque[Message] = deque()
        """Read, and waiting for the clock: the first is of a device whose times are as far ahead as they may be."""
        self._latest_ms = 0
        self._waiting = Acknowledgements()
        self._moved_s = monotonic_s()
        self.stored_until = stored_until or StoredUntil()
        self.received = 0
        self.acknowledged = 0
        self.copies = 0
        """Not made records, since another subscription delivers the same message."""
        self.ignored = 0
        """On topics that a source passes over by its own choice."""
        self.held = 0
        """Messages that had to wait for the clock."""
        self.clock_set_back = 0
        """How often the wall clock went back by more than a message may be ahead of it."""
        self.dead_letters: Counter[str] = Counter()
        client.on_message = self.take

    @property
    def in_flight(self) -> int:
        """Messages that wait for Kafka, or for the clock."""
        return len(self._waiting) + len(self._held)

    @property
    def bytes_in_flight(self) -> int:
        return self._waiting.bytes_waiting

    @property
    def has_room(self) -> bool:
        """False: read no more before Kafka has stored some. Receive Maximum does not count QoS 0 and lost sessions."""
        return (
            not self._held
            and len(self._waiting) <= self._settings.max_inflight
            and self._waiting.bytes_waiting <= self._settings.max_inflight_bytes
        )

    @property
    def stalled_s(self) -> float:
        """How long Kafka has stored nothing while something waits."""
        return self._monotonic_s() - self._moved_s if self._waiting else 0.0

    def take(self, client: Any, userdata: Any, message: Message) -> None:
        """Hand one message to Kafka; paho's `on_message`."""
        self.received += 1
        if self._held or not self._hand_over(message):
            self._held.append(message)
            self.held += 1

    def acknowledge(self) -> None:
        """Acknowledge what Kafka has stored since. Raises RecordRefused where it refused a record for good."""
        while self._held and self._hand_over(self._held[0]):
            self._held.popleft()
        self._producer.poll()
        before = len(self._waiting)
        for packet_identifier in self._waiting.release():
            self._client.ack(packet_identifier, 1)
            self.acknowledged += 1
        if not before or len(self._waiting) < before:
            self._moved_s = self._monotonic_s()

        self.stored_until.stored(self.received - self.in_flight)

    def caught_up(self) -> None:
        """The broker has nothing more for us at this moment, unless the window is full."""
        if len(self._waiting) < self._settings.max_inflight and not self._held:
            self.stored_until.caught_up(self.received, self._clock_ms())

    def connection_lost(self) -> None:
        """The broker will send again what was not acknowledged."""
        self._waiting.connection_lost()
        for message in self._held:
            message.mid = NOTHING_TO_ACKNOWLEDGE

    def _hand_over(self, message: Message) -> bool:
        """Whether the message is with Kafka's client now; False: it has to wait for the clock."""
        try:
            topic = message.topic
        except UnicodeDecodeError:  # a broker has to refuse such a topic [MQTT-1.5.4-1]
            topic = "\N{REPLACEMENT CHARACTER}"
        now_ms, payload = self._clock_ms(), message.payload
        if now_ms < self._latest_ms:
            self._clock_went_back(now_ms)
        self._latest_ms = now_ms
        origin = self._origins.find(topic, now_ms)
        if origin is None:
            self._pass_over(topic, message, now_ms)
            return True
        if origin.identifier is not None and self._is_copy(message, origin.identifier):
            self.copies += 1
            self._waiting.received(message.mid, 0, _NEEDS_NO_RECORD)
            return True
        received_at = origin.received_at(now_ms, payload)
        if received_at is None:
            return False
        headers = _headers(origin, message, received_at)
        if len(payload) > self._settings.max_payload_bytes:
            self._refuse_size(
                f"{len(payload)} bytes, over {self._settings.max_payload_bytes}", origin, message, headers
            )
            return True
        if origin.takes_attributes:
            try:
                headers += _attributes(message)
            except TooManyAttributes as error:
                self._refuse_size(str(error), origin, message, headers)
                return True
        self._waiting.received(message.mid, len(payload), self._producer.send(RAW, payload, origin.key, headers))
        return True

    def _is_copy(self, message: Message, counting: int) -> bool:
        identifiers = getattr(message.properties, "SubscriptionIdentifier", ())
        return self._subscriptions.is_copy(identifiers, counting)

    def _clock_went_back(self, now_ms: int) -> None:
        by_ms = self._latest_ms - now_ms
        if by_ms > MAX_LEAD_MS:
            self.clock_set_back += 1
            log.warning("The clock of this host was set back by %.1f s. See ADR 29 for what that means.", by_ms / 1000)

    def _pass_over(self, topic: str, message: Message, now_ms: int) -> None:
        if self._origins.ignores(topic):
            self.ignored += 1
            self._waiting.received(message.mid, 0, _NEEDS_NO_RECORD)
        else:
            self._refuse_topic(topic, message, now_ms)

    def _refuse_topic(self, topic: str, message: Message, now_ms: int) -> None:
        headers = [("mqtt_topic", topic.encode(errors="replace")), *_marks(message, now_ms)]
        detail = self._origins.why_none(topic)
        refused = dead_letter(STAGE, RejectReason.NO_DEVICE, detail, None, message.payload, headers, now_ms)
        self._send_dead_letter(refused, message, None, headers)

    def _refuse_size(self, detail: str, origin: Origin, message: Message, headers: list[Header]) -> None:
        reason, received_at = RejectReason.PAYLOAD_TOO_LARGE, int(headers[-1][1])
        refused = dead_letter(STAGE, reason, detail, origin.device, message.payload, headers, received_at)
        self._send_dead_letter(refused, message, origin.key, headers)

    def _send_dead_letter(
        self, refused: DeadLetter, message: Message, key: bytes | None, headers: list[Header]
    ) -> None:
        value = refused.model_dump_json().encode()
        self.dead_letters[refused.reason] += 1
        self._waiting.received(message.mid, len(value), self._producer.send(DEAD_LETTERS.name, value, key, headers))


def _headers(origin: Origin, message: Message, received_at_ms: int) -> list[Header]:
    return [origin.source_header, origin.topic_header, *_marks(message, received_at_ms)]


def _attributes(message: Message) -> list[Header]:
    """Of a CloudEvent in binary mode. Raises TooManyAttributes."""
    properties = message.properties
    return headers_of_user_properties(getattr(properties, "UserProperty", ()), getattr(properties, "ContentType", None))


def _marks(message: Message, received_at_ms: int) -> list[Header]:
    return [
        QOS[message.qos],
        RETAINED[message.retain],
        DUPLICATE[message.dup],
        ("received_at", b"%d" % received_at_ms),
    ]
