"""What the bridge remembers of a device: its key, and when its last message came."""

from collections import OrderedDict

from connectors.mqtt_bridge.topics import device_of

Header = tuple[str, bytes]

DEVICES_REMEMBERED = 100_000


class Source:
    """One MQTT topic that names a device."""

    __slots__ = ("device", "key", "last_ms", "topic_header")

    def __init__(self, device: str, topic: str, last_ms: int) -> None:
        self.device = device
        self.key = device.encode()
        self.topic_header: Header = ("mqtt_topic", topic.encode())
        self.last_ms = last_ms

    def received_at(self, now_ms: int) -> int:
        """`now_ms`, or 1 ms after this device's last message: strictly increasing.

        It stands in as event time where a payload has none, and two messages of one device in one millisecond must
        not get one identity.
        """
        self.last_ms = now_ms if now_ms > self.last_ms else self.last_ms + 1
        return self.last_ms


class Sources:
    """The sources of the last devices, at most `capacity`; the longest silent one is forgotten first."""

    def __init__(self, capacity: int = DEVICES_REMEMBERED) -> None:
        self._capacity = capacity
        self._sources: OrderedDict[str, Source] = OrderedDict()
        self._forgotten_ms = 0
        """No forgotten device had a later message: where a returning one goes on."""

    def of(self, topic: str) -> Source | None:
        """The source of an MQTT topic, or None where the topic names no device."""
        source = self._sources.get(topic)
        if source is None:
            return self._meet(topic)
        self._sources.move_to_end(topic)
        return source

    def _meet(self, topic: str) -> Source | None:
        device = device_of(topic)
        if device is None:
            return None
        if len(self._sources) >= self._capacity:
            _, forgotten = self._sources.popitem(last=False)
            self._forgotten_ms = max(self._forgotten_ms, forgotten.last_ms)
        source = self._sources[topic] = Source(device, topic, self._forgotten_ms)
        return source
