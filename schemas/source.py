"""Sources: which MQTT topics are read, and how their payloads become readings. sources.toml has one table for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from schemas.topic_pattern import TopicPattern


class Codec(StrEnum):
    """The payload formats, by the name that sources.toml uses. payload_codecs/registry.py has their codecs."""

    HEADRACE = "headrace"
    JSON = "json"
    SCALAR = "scalar"
    SENML_JSON = "senml-json"
    SENML_CBOR = "senml-cbor"
    LINE_PROTOCOL = "line-protocol"
    CLOUDEVENTS = "cloudevents"
    SPARKPLUG_B = "sparkplug-b"


class TimeFormat(StrEnum):
    """How a source writes event times."""

    MS = "ms"
    S = "s"
    US = "us"
    NS = "ns"
    ISO8601 = "iso8601"
    AUTO = "auto"


class Source(BaseModel):
    """One table `[[source]]` of sources.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="identifies the source in the header `source`, in counters and in dead letters")
    topic: str = Field(description="MQTT topic filter; {device}, {metric} or another name stands for one level")
    codec: Codec = Codec.HEADRACE
    time_format: TimeFormat = TimeFormat.MS

    @property
    def pattern(self) -> TopicPattern:
        """The topic filter with its names."""
        return TopicPattern(self.topic)


@dataclass(frozen=True)
class Routed:
    """What an entrance knows of a topic.

    Parameters
    ----------
    device
        From the topic's named levels; None where only the payload names it.
    key
        Of the record in telemetry.raw: messages of one key keep their order.
    levels
        The named levels.
    """

    source: Source
    device: str | None
    key: str
    levels: Mapping[str, str]


class Sources:
    """The declared sources, in their order: the first whose filter matches a topic has it."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = tuple(sources)
        self._patterns = tuple((source, source.pattern) for source in sources)

    def route(self, topic: str) -> Routed | None:
        """The source of a topic with its device and key, or None where no filter matches.

        Examples
        --------
        >>> Sources([DEFAULT_SOURCE]).route("fleet/pump-7/telemetry").device
        'pump-7'
        """
        for source, pattern in self._patterns:
            levels = pattern.match(topic)
            if levels is not None:
                device = levels.get("device")
                return Routed(source, device, device or topic, levels)
        return None

    @property
    def filters(self) -> tuple[str, ...]:
        """The topic filters to subscribe to, each once."""
        return tuple(dict.fromkeys(pattern.filter for _, pattern in self._patterns))


DEFAULT_SOURCE = Source(name="fleet", topic="fleet/{device}/telemetry")
"""What is read where no sources.toml is."""
