"""Which source has a topic, and with it the device and the key of its messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.payload_format import Codec
from schemas.place import LOGIN, fill_template
from schemas.source import Source
from schemas.topic_pattern import TopicPattern


@dataclass(frozen=True)
class Routed:
    """What an entrance knows of a topic.

    Parameters
    ----------
    device
        From the topic's named levels, or the login; None where only the payload names it.
    key
        Of the record in telemetry.raw: messages of one key keep their order. The device; the topic where that is None.
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
        self._patterns = tuple((source, pattern) for source in sources for pattern in source.patterns)

    def route(self, topic: str, login: str | None = None) -> Routed | None:
        """The source of a topic with its device and key, or None where none has it.

        Parameters
        ----------
        login
            Whom the entrance authenticated, for sources with `device = "{login}"`.

        Examples
        --------
        >>> from schemas.source import DEFAULT_SOURCE
        >>> Sources([DEFAULT_SOURCE]).route("fleet/pump-7/telemetry").device
        'pump-7'
        """
        for source, pattern in self._patterns:
            levels = pattern.match(topic)
            if levels is not None and not _matches(source.ignored, topic):
                return _routed(source, topic, levels if login is None else {**levels, LOGIN: login})
        return None

    def ignores(self, topic: str) -> bool:
        """Whether a topic that `route` has no source for is one that a source passes over by its own choice."""
        return any(_matches(source.ignored, topic) for source in self.sources)

    @property
    def filters(self) -> tuple[str, ...]:
        """The topic filters to subscribe to, each once."""
        return tuple(dict.fromkeys(pattern.filter for _, pattern in self._patterns))

    @property
    def ask_devices(self) -> bool:
        """Whether a source's format sends commands to its devices."""
        return any(source.codec is Codec.SPARKPLUG_B for source in self.sources)

    def __getitem__(self, name: str) -> Source:
        return next(source for source in self.sources if source.name == name)


def _routed(source: Source, topic: str, levels: Mapping[str, str]) -> Routed:
    template = source.device_template
    device = None if template is None else fill_template(template, levels)
    return Routed(source, device, device or topic, levels)


def _matches(patterns: Iterable[TopicPattern], topic: str) -> bool:
    return any(pattern.match(topic) is not None for pattern in patterns)
