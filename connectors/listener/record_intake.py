"""One payload becomes one Kafka record, with the headers and the key that the bridge gives it."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Protocol

from connectors.entrance_records import (
    DUPLICATE,
    QOS,
    RAW,
    RETAINED,
    TOPICS_REMEMBERED,
    Header,
    dead_letter,
    epoch_ms,
)
from connectors.origins import Origin, Origins
from connectors.time_of_receipt import DeviceClock
from schemas.reject_reasons import RejectReason
from schemas.sources import Sources
from schemas.topics import DEAD_LETTERS

STAGE = "listener"

MARKS = tuple((QOS[flags >> 1 & 1], RETAINED[flags & 1], DUPLICATE[flags >> 3]) for flags in range(16))
"""By the flags of PUBLISH: DUP, two bits of QoS, RETAIN (section 3.3.1)."""

PUBLISHED_ONCE = 0b0010
"""The flags of PUBLISH for payloads that come by HTTP and WebSocket: QoS 1, for they are acknowledged."""


class Confirmation(Protocol):
    """What `send` of a Kafka producer returns: done once the record is stored, or refused."""

    @property
    def is_done(self) -> bool: ...
    @property
    def exception(self) -> BaseException | None: ...


class Producer(Protocol):
    """What the listener needs of a Kafka producer."""

    def send(self, topic: str, value: bytes, key: bytes | None, headers: list[Header]) -> Confirmation: ...


class HeldDelivery:
    """Of a message that waits until its device's clock has a time for it: then it is what Kafka makes of it."""

    __slots__ = ("delivery", "flags", "headers", "origin", "payload")

    def __init__(self, origin: Origin, payload: bytes, flags: int, headers: Sequence[Header]) -> None:
        self.origin = origin
        self.payload = payload
        self.flags = flags
        self.headers = headers
        self.delivery: Confirmation | None = None

    @property
    def is_done(self) -> bool:
        return self.delivery is not None and self.delivery.is_done

    @property
    def exception(self) -> BaseException | None:
        return None if self.delivery is None else self.delivery.exception


class RecordIntake:
    """Hands payloads to Kafka. Used by every connection of a process, on the event loop's thread.

    Parameters
    ----------
    producer
        A producer of connectors.kafka.clients, or one in memory.
    max_payload_bytes
        A larger payload becomes a dead letter, where its sender cannot be told.
    """

    def __init__(
        self,
        producer: Producer,
        sources: Sources,
        max_payload_bytes: int,
        clock_ms: Callable[[], int] = epoch_ms,
        topics_remembered: int = TOPICS_REMEMBERED,
    ) -> None:
        self._producer = producer
        self._clock_ms = clock_ms
        self._origins = Origins(sources, capacity=topics_remembered)
        self._held: dict[DeviceClock, deque[HeldDelivery]] = {}
        self.max_payload_bytes = max_payload_bytes
        self.dead_letters: Counter[str] = Counter()
        self.ignored = 0
        """Payloads on topics that a source passes over by its own choice."""
        self.held = 0
        """Payloads that had to wait for the clock."""

    def origin(self, topic: str, login: str | None) -> Origin | None:
        """Of a topic, or None where no source reads it, or where its device can have no readings."""
        return self._origins.find(topic, self._clock_ms(), login)

    def ignores(self, topic: str) -> bool:
        """Whether a topic without an origin is one that a source passes over: its payload is not stored."""
        return self._origins.ignores(topic)

    def why_none(self, topic: str, login: str | None) -> str:
        """Why a topic has no origin, for a person."""
        return self._origins.why_none(topic, login)

    def store(
        self, origin: Origin, payload: bytes, flags: int = PUBLISHED_ONCE, headers: Sequence[Header] = ()
    ) -> Confirmation:
        """Hand a payload within the limit to Kafka; `flags` are those of PUBLISH, `headers` what comes beside ours.

        A message that may have no time of receipt yet is held, and everything of its device behind it: `release`
        hands it over.
        """
        held = self._held and self._held.get(origin.clock)
        received_at = None if held else origin.received_at(self._clock_ms(), payload)
        if received_at is not None:
            return self._send(origin, payload, flags, headers, received_at)
        self.held += 1
        delivery = HeldDelivery(origin, payload, flags, headers)
        self._held.setdefault(origin.clock, deque()).append(delivery)
        return delivery

    def release(self) -> None:
        """Hand over what was held, as far as the clock has moved on. Call it again and again."""
        for clock, held in tuple(self._held.items()):
            while held and self._hand_over(held[0]):
                held.popleft()
            if not held:
                del self._held[clock]

    def refuse(
        self, topic: str, login: str | None, payload: bytes, flags: int, too_large: str = ""
    ) -> tuple[Confirmation, int]:
        """The dead letter of a payload that no source reads, or of which `too_large` says what is; with its size."""
        now_ms = self._clock_ms()
        origin = self._origins.find(topic, now_ms, login) if too_large else None
        if origin is None:
            reason, detail, key, device = RejectReason.NO_DEVICE, self.why_none(topic, login), None, None
            headers = [("mqtt_topic", topic.encode()), *MARKS[flags], ("received_at", b"%d" % now_ms)]
        else:
            reason, detail, key, device = RejectReason.PAYLOAD_TOO_LARGE, too_large, origin.key, origin.device
            received_at = origin.received_at(now_ms, payload)
            headers = _headers(origin, flags, now_ms if received_at is None else received_at)
        refused = dead_letter(STAGE, reason, detail, device, payload, headers, now_ms)
        value = refused.model_dump_json().encode()
        self.dead_letters[reason.value] += 1
        return self._producer.send(DEAD_LETTERS.name, value, key, headers), len(value)

    def _hand_over(self, held: HeldDelivery) -> bool:
        received_at = held.origin.received_at(self._clock_ms(), held.payload)
        if received_at is not None:
            held.delivery = self._send(held.origin, held.payload, held.flags, held.headers, received_at)
        return received_at is not None

    def _send(
        self, origin: Origin, payload: bytes, flags: int, headers: Sequence[Header], received_at: int
    ) -> Confirmation:
        return self._producer.send(RAW, payload, origin.key, [*_headers(origin, flags, received_at), *headers])


def _headers(origin: Origin, flags: int, received_at: int) -> list[Header]:
    return [origin.source_header, origin.topic_header, *MARKS[flags], ("received_at", b"%d" % received_at)]
