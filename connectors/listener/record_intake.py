"""One payload becomes one Kafka record, with the headers and the key that the bridge gives it."""

from collections import Counter, OrderedDict
from collections.abc import Callable
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
    why_no_source,
)
from connectors.listener.device_clock import DeviceClock
from schemas.device_name import device_name_fault
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


class Route:
    """A topic that a source reads: everything that its records have in common."""

    __slots__ = ("clock", "device", "key", "source_header", "topic_header")

    def __init__(self, source: str, topic: str, device: str | None, key: bytes, clock: DeviceClock) -> None:
        self.device = device
        self.key = key
        self.clock = clock
        self.source_header: Header = ("source", source.encode())
        self.topic_header: Header = ("mqtt_topic", topic.encode())


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
        self._sources = sources
        self._clock_ms = clock_ms
        self._capacity = topics_remembered
        self._routes: OrderedDict[str, Route] = OrderedDict()
        self._clocks: OrderedDict[bytes, DeviceClock] = OrderedDict()
        self._forgotten_ms = 0
        """No forgotten clock was later: where a returning device goes on."""
        self.max_payload_bytes = max_payload_bytes
        self.dead_letters: Counter[str] = Counter()

    def route(self, topic: str) -> Route | None:
        """Of a topic, or None where no source reads it, or where its device can have no readings."""
        route = self._routes.get(topic)
        if route is not None:
            self._routes.move_to_end(topic)
            return route
        found = self._sources.route(topic)
        if found is None or (found.device is not None and device_name_fault(found.device)):
            return None
        key = found.key.encode()
        if len(self._routes) >= self._capacity:
            self._routes.popitem(last=False)
        route = self._routes[topic] = Route(found.source.name, topic, found.device, key, self._clock(key))
        return route

    def store(self, route: Route, payload: bytes, flags: int = PUBLISHED_ONCE) -> Confirmation:
        """Hand a payload within the limit to Kafka; `flags` are those of PUBLISH."""
        return self._producer.send(RAW, payload, route.key, self._headers(route, flags))

    def refuse(self, topic: str, route: Route | None, payload: bytes, flags: int) -> tuple[Confirmation, int]:
        """The dead letter of a payload that no source reads, or that is too large; with its size."""
        if route is None:
            reason, detail, key = RejectReason.NO_DEVICE, why_no_source(self._sources, topic), None
            headers = [("mqtt_topic", topic.encode()), *MARKS[flags], ("received_at", b"%d" % self._clock_ms())]
        else:
            reason, key = RejectReason.PAYLOAD_TOO_LARGE, route.key
            detail, headers = f"{len(payload)} bytes, over {self.max_payload_bytes}", self._headers(route, flags)
        device, first_seen_ms = route.device if route else None, int(headers[-1][1])
        letter = dead_letter(STAGE, reason, detail, device, payload, headers, first_seen_ms)
        value = letter.model_dump_json().encode()
        self.dead_letters[reason.value] += 1
        return self._producer.send(DEAD_LETTERS.name, value, key, headers), len(value)

    def _headers(self, route: Route, flags: int) -> list[Header]:
        received_at = route.clock.received_at(self._clock_ms())
        return [route.source_header, route.topic_header, *MARKS[flags], ("received_at", b"%d" % received_at)]

    def _clock(self, key: bytes) -> DeviceClock:
        clock = self._clocks.get(key)
        if clock is None:
            if len(self._clocks) >= self._capacity:
                _, forgotten = self._clocks.popitem(last=False)
                self._forgotten_ms = max(self._forgotten_ms, forgotten.last_ms)
            clock = self._clocks[key] = DeviceClock(self._forgotten_ms)
        self._clocks.move_to_end(key)
        return clock
