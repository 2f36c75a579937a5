"""What messages become: by the sources, codecs and rules that clean_telemetry applies. Needs no server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from payload_codecs.codec import Command, Ignored, Item, Rejection
from payload_codecs.message import Message
from payload_codecs.registry import KEEP_STATE, codec_of
from payload_codecs.valid_reading import ValidReading
from payload_codecs.validation import Validator
from schemas.limits import PAYLOAD_BYTES
from schemas.reject_reasons import RejectReason
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


class Previews:
    """What messages become that follow each other. A format with state remembers its senders from one to the next."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._codecs: dict[str, Any] = {}
        self._states: dict[tuple[str, str], Any] = {}

    def preview(self, topic: str, payload: bytes, arrived_ms: int, login: str | None = None) -> Preview:
        """What the next message becomes, which arrives at this moment.

        Parameters
        ----------
        login
            Whom the entrance authenticated.
        """
        routed = self._sources.route(topic, login)
        if routed is None:
            return Preview(topic, None, self._sources.ignores(topic))
        source = routed.source
        if len(payload) > PAYLOAD_BYTES:
            too_large = Rejection(
                RejectReason.PAYLOAD_TOO_LARGE,
                f"over {PAYLOAD_BYTES:,} bytes, unless HEADRACE_BRIDGE_MAX_PAYLOAD_BYTES allows more",
            )
            return Preview(topic, source, key=routed.key, outcomes=[too_large])
        message = Message(payload, routed.device, topic, routed.levels, arrived_ms, arrived_ms)
        if source.name not in self._codecs:
            self._codecs[source.name] = codec_of(source)
        codec = self._codecs[source.name]
        outcomes = Validator(source).outcomes(message, self._decoded(source, codec, message), codec.original)
        return Preview(topic, source, key=routed.key, outcomes=outcomes)

    def _decoded(self, source: Source, codec: Any, message: Message) -> Sequence[Item]:
        if source.codec not in KEEP_STATE:
            return codec.decode(message)  # type: ignore[no-any-return]
        sender = source.name, codec.key(message)
        if sender not in self._states:
            self._states[sender] = codec.new_state()
        return [each for each in codec.decode(message, self._states[sender]) if not isinstance(each, Command)]


def preview(sources: Sources, topic: str, payload: bytes, arrived_ms: int, login: str | None = None) -> Preview:
    """What one message becomes by itself. Parameters as of `Previews.preview`."""
    return Previews(sources).preview(topic, payload, arrived_ms, login)
