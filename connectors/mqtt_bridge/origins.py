"""What the bridge remembers of an MQTT topic: source, device, key, and when its last message came."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from connectors.entrance_records import TOPICS_REMEMBERED, Header, why_no_source
from connectors.mqtt_bridge.device_clock import MAX_LEAD_MS, MAX_WAIT_MS, time_of_receipt
from connectors.mqtt_bridge.own_time import has_own_time
from schemas.device_name import device_name_fault
from schemas.source import Source
from schemas.sources import Sources


class Origin:
    """One MQTT topic that a source reads, of a device with a proper name."""

    __slots__ = ("device", "has_own_time", "identifier", "key", "last_ms", "source_header", "topic_header")

    def __init__(
        self, source: Source, device: str | None, key: str, topic: str, identifier: int | None, last_ms: int
    ) -> None:
        self.device = device
        self.key = key.encode()
        self.topic_header: Header = ("mqtt_topic", topic.encode())
        self.source_header: Header = ("source", source.name.encode())
        self.has_own_time: Callable[[bytes], bool] = partial(has_own_time, source)
        self.identifier = identifier
        """Of the subscription whose copy counts, where several deliver this topic; else None."""
        self.last_ms = last_ms

    def received_at(self, now_ms: int, payload: bytes) -> int | None:
        """The time of receipt of the next message, see `time_of_receipt`. None: the message has to wait."""
        time_ms = time_of_receipt(now_ms, self.last_ms, lambda: self.has_own_time(payload))
        if time_ms is not None and not now_ms < time_ms < self.last_ms:
            self.last_ms = time_ms
        return time_ms


class Origins:
    """The last topics, at most `capacity`; the longest silent one is forgotten first.

    Parameters
    ----------
    sources
        What is read.
    identifier_of
        Topic -> identifier of the subscription whose copy of its messages counts, see `Subscriptions`.
    """

    def __init__(
        self,
        sources: Sources,
        identifier_of: Callable[[str], int | None] = lambda _: None,
        capacity: int = TOPICS_REMEMBERED,
    ) -> None:
        self._sources = sources
        self._identifier_of = identifier_of
        self._capacity = capacity
        self._origins: OrderedDict[str, Origin] = OrderedDict()
        self._forgotten_ms = 0
        """No forgotten topic had a later message: where a returning one goes on."""

    def __len__(self) -> int:
        return len(self._origins)

    def of(self, topic: str, now_ms: int) -> Origin | None:
        """The origin of a message, or None where no source reads the topic or the device has no proper name."""
        origin = self._origins.get(topic)
        if origin is None:
            return self._meet(topic, now_ms)
        self._origins.move_to_end(topic)
        return origin

    def ignores(self, topic: str) -> bool:
        """Whether a topic for which `of` gave None is one that a source passes over by its own choice."""
        return self._sources.ignores(topic)

    def why_none(self, topic: str) -> str:
        """Why `of` gave None, for a person."""
        return why_no_source(self._sources, topic)

    def _meet(self, topic: str, now_ms: int) -> Origin | None:
        routed = self._sources.route(topic)
        if routed is None or (routed.device is not None and device_name_fault(routed.device)):
            return None
        if len(self._origins) >= self._capacity:
            self._forget_one(now_ms)
        origin = Origin(routed.source, routed.device, routed.key, topic, self._identifier_of(topic), self._forgotten_ms)
        self._origins[topic] = origin
        return origin

    def _forget_one(self, now_ms: int) -> None:
        _, forgotten = self._origins.popitem(last=False)
        # What was given out before the clock was set back bounds nothing any more.
        is_void = self._forgotten_ms - now_ms > MAX_LEAD_MS + MAX_WAIT_MS
        self._forgotten_ms = forgotten.last_ms if is_void else max(self._forgotten_ms, forgotten.last_ms)
