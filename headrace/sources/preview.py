"""What messages become: by the sources, codecs and rules that clean_telemetry applies. Needs no server."""

from collections.abc import Sequence
from dataclasses import dataclass

from payload_codecs.codec import Ignored, Rejection
from payload_codecs.message import Message
from payload_codecs.registry import lone_codec_of
from payload_codecs.valid_reading import ValidReading
from payload_codecs.validation import Validator
from schemas.source import Source
from schemas.sources import Sources

Outcome = ValidReading | Rejection | Ignored


@dataclass(frozen=True)
class Preview:
    """One message, and what becomes of each of its items.

    Parameters
    ----------
    source
        None where no source reads the topic.
    passed_over
        Whether a source passes over the topic by its own choice.
    key
        Of the record in telemetry.raw.
    """

    topic: str
    source: Source | None
    passed_over: bool = False
    key: str | None = None
    outcomes: Sequence[Outcome] = ()

    @property
    def readings(self) -> list[ValidReading]:
        return [each for each in self.outcomes if isinstance(each, ValidReading)]

    @property
    def rejections(self) -> list[Rejection]:
        return [each for each in self.outcomes if isinstance(each, Rejection)]

    @property
    def ignored(self) -> Ignored | None:
        return next((each for each in self.outcomes if isinstance(each, Ignored)), None)

    @property
    def is_usable(self) -> bool:
        """Whether a source reads the topic and nothing of the message is rejected."""
        return self.source is not None and not self.rejections


def preview(sources: Sources, topic: str, payload: bytes, arrived_ms: int, login: str | None = None) -> Preview:
    """What one message becomes that arrives at this moment.

    Parameters
    ----------
    login
        Whom the entrance authenticated.
    """
    routed = sources.route(topic, login)
    if routed is None:
        return Preview(topic, None, sources.ignores(topic))
    source = routed.source
    message = Message(payload, routed.device, topic, routed.levels, arrived_ms, arrived_ms)
    outcomes = Validator(source).readings(message, lone_codec_of(source))
    return Preview(topic, source, key=routed.key, outcomes=outcomes)
