"""What an entrance remembers of an MQTT topic: source, device, key, and the clock of its times of receipt."""

from collections import OrderedDict
from collections.abc import Callable

from connectors.entrance_records import TOPICS_REMEMBERED, Header
from connectors.time_of_receipt import MAX_LEAD_MS, MAX_WAIT_MS, DeviceClock
from schemas.device_name import device_name_fault
from schemas.payload_format import Codec
from schemas.place import fill_template, is_template
from schemas.sources import Routed, Sources

Series = tuple[str, str | None]
"""Key, and the metric where the topic names it: messages of two series are never the same reading."""


class Origin:
    """One MQTT topic that a source reads, of a device with a proper name: what its records have in common."""

    __slots__ = ("clock", "device", "identifier", "key", "series", "source", "source_header", "takes_attributes",
                 "topic_header")  # fmt: skip

    def __init__(self, routed: Routed, topic: str, identifier: int | None, clock: DeviceClock, series: Series) -> None:
        self.source = routed.source
        self.device = routed.device
        self.key = routed.key.encode()
        self.topic_header: Header = ("mqtt_topic", topic.encode())
        self.source_header: Header = ("source", routed.source.name.encode())
        self.identifier = identifier
        """Of the subscription whose copy counts, where several deliver this topic; else None."""
        self.clock = clock
        self.series = series
        self.takes_attributes = routed.source.codec is Codec.CLOUDEVENTS
        """Whether the attributes of a CloudEvent come beside the payload."""

    def received_at(self, now_ms: int, payload: bytes) -> int | None:
        """The time of receipt of the next message. None: the message has to wait."""
        return self.clock.next(now_ms, self.source, payload)


class Origins:
    """The last topics, at most `capacity`, and as many clocks; the longest silent one is forgotten first.

    Topics share a clock where their messages can be the same reading: those of one device, unless each names its
    metric. So a controller with 2,000 scalar topics is not held to 1,000 values a second.

    Parameters
    ----------
    sources
        What is read.
    identifier_of
        Topic -> identifier of the subscription whose copy of its messages counts, see the bridge's `Subscriptions`.
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
        self._origins: OrderedDict[tuple[str, str | None], Origin] = OrderedDict()
        self._clocks: dict[Series, tuple[DeviceClock, int]] = {}
        """Each with how many topics it serves."""
        self._forgotten_ms = 0
        """No forgotten clock was later: where a returning one goes on."""

    def __len__(self) -> int:
        return len(self._origins)

    def find(self, topic: str, now_ms: int, login: str | None = None) -> Origin | None:
        """The origin of a message, or None where no source reads the topic or the device has no proper name.

        Parameters
        ----------
        login
            The device that authenticated; None where the entrance does not know it.
        """
        origin = self._origins.get((topic, login))
        if origin is None:
            return self._meet(topic, now_ms, login)
        self._origins.move_to_end((topic, login))
        return origin

    def ignores(self, topic: str) -> bool:
        """Whether a topic for which `find` gave None is one that a source passes over by its own choice."""
        return self._sources.ignores(topic)

    def why_none(self, topic: str, login: str | None = None) -> str:
        """Why `find` gave None, for a person."""
        routed = self._sources.route(topic, login)
        if routed is None:
            return f"no source reads the topic; they read {', '.join(self._sources.filters)}"
        if _lacks_device(routed):
            return (
                f"the source {routed.source.name} takes the device from the login, and nobody is logged in: send it "
                "to the listener with a device's token"
            )
        if routed.device == "":
            return f"the device is empty: the topic has nothing at {routed.source.device_template}"
        return device_name_fault(routed.device or "") or "the topic is no UTF-8"

    def _meet(self, topic: str, now_ms: int, login: str | None) -> Origin | None:
        routed = self._sources.route(topic, login)
        if routed is None or _lacks_device(routed):
            return None
        if routed.device is not None and device_name_fault(routed.device):
            return None
        if len(self._origins) >= self._capacity:
            self._forget_one(now_ms)
        series = routed.key, _metric_of_topic(routed)
        clock, topics = self._clocks.get(series) or (DeviceClock(self._forgotten_ms), 0)
        self._clocks[series] = clock, topics + 1
        origin = self._origins[topic, login] = Origin(routed, topic, self._identifier_of(topic), clock, series)
        return origin

    def _forget_one(self, now_ms: int) -> None:
        """A clock stays for as long as one of its topics is remembered."""
        _, forgotten = self._origins.popitem(last=False)
        clock, topics = self._clocks.pop(forgotten.series)
        if topics > 1:
            self._clocks[forgotten.series] = clock, topics - 1
            return
        # What was given out before the clock was set back bounds nothing any more.
        is_void = self._forgotten_ms - now_ms > MAX_LEAD_MS + MAX_WAIT_MS
        self._forgotten_ms = clock.last_ms if is_void else max(self._forgotten_ms, clock.last_ms)


def _lacks_device(routed: Routed) -> bool:
    """Whether the source makes the device of the login, and there is none."""
    return routed.device is None and routed.source.device_template is not None


def _metric_of_topic(routed: Routed) -> str | None:
    """The metric, where the topic alone decides it; with `rename` two topics may come to one metric."""
    source = routed.source
    place = source.metric or "{metric}"
    if source.codec is not Codec.SCALAR or source.rename or not is_template(place):
        return None
    return fill_template(place, routed.levels)
