"""What the cleaning will say about a payload: by its own codecs and validation, before the payload is sent.

The job has the last word: whether another value came before with the same identity, only its state knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headrace.dead_letters.replay_target import RECEIVED_AT
from payload_codecs.codec import Rejection
from payload_codecs.message import Message, received_at_ms
from payload_codecs.registry import lone_codec_of
from payload_codecs.validation import Validator
from schemas.reject_reasons import RejectReason
from schemas.source import DEFAULT_SOURCE, Source

SOURCE, MQTT_TOPIC = "source", "mqtt_topic"
"""Headers of telemetry.raw that the cleaning reads."""


@dataclass(frozen=True)
class ValidationProblem:
    """The first thing that is wrong, and in which item."""

    reason: RejectReason
    detail: str


class PayloadValidation:
    """The cleaning's rules for the declared sources.

    Parameters
    ----------
    sources
        Those that are declared, beside DEFAULT_SOURCE.
    """

    def __init__(self, sources: Sequence[Source] = ()) -> None:
        self._sources = {source.name: source for source in (DEFAULT_SOURCE, *sources)}

    def first_problem(
        self, payload: bytes, now_ms: int, key: bytes = b"device", headers: Mapping[str, bytes] | None = None
    ) -> ValidationProblem | None:
        """None where every item of a record of telemetry.raw is a reading.

        Also where only the job can tell, since its source is not declared here.
        """
        headers = headers or {}
        source = self._sources.get(headers.get(SOURCE, DEFAULT_SOURCE.name.encode()).decode("utf-8", "replace"))
        if source is None:
            return None
        message = _message(payload, now_ms, key, headers, source)
        outcomes = Validator(source).readings(message, lone_codec_of(source))
        for number, outcome in enumerate(outcomes):
            if isinstance(outcome, Rejection):
                detail = outcome.detail or outcome.reason.meaning
                return ValidationProblem(outcome.reason, detail if len(outcomes) == 1 else f"item {number}: {detail}")
        return None


def _message(payload: bytes, now_ms: int, key: bytes, headers: Mapping[str, bytes], source: Source) -> Message:
    topic = headers.get(MQTT_TOPIC, b"").decode("utf-8", "replace")
    return Message(
        payload,
        device=None if source.payload_names_device else key.decode("utf-8", "replace"),
        topic=topic,
        levels=source.levels(topic),
        received_at_ms=received_at_ms(headers.get(RECEIVED_AT), now_ms),
        append_time_ms=now_ms,
        headers=headers,
    )
