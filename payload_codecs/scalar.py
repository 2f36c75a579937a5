"""A bare number or word, such as `21.5` on home/kitchen/temperature: the topic says what it measures."""

import re
from typing import Any

import jmespath

from payload_codecs.codec import Item, Rejection, Sample
from payload_codecs.example import Example
from payload_codecs.message import Message
from schemas.glob import glob_of
from schemas.limits import MAX_NAME_LENGTH
from schemas.place import fill_template, is_template
from schemas.reject_reasons import RejectReason
from schemas.source import Source

_NUMBER = re.compile(rb"[-+]?(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][-+]?+[0-9]++)?+")
_CONSTANTS = {"true": True, "false": False, "null": None}
_AROUND = " \t\r\n\0"


class Scalar:
    """One sample a message: the payload is its value.

    The metric is the level `{metric}` of the topic, or what the source's `metric` makes of the levels; the unit is the
    source's `unit`, a template or a constant. The payload has no time: the sample's is that of its arrival. White space
    and NULs around the value, and a byte order mark before it, are passed over. `true`, `false` and `null` are those of
    JSON; any other text is a sample too, for which the source may have a number (`words`).
    """

    def __init__(self, source: Source) -> None:
        self._metric = _place(source.metric or "{metric}")
        self._units = tuple((glob_of(glob), _place(place)) for glob, place in source.unit.items())

    def decode(self, message: Message) -> list[Item]:
        """One sample, or one rejection of what is no text."""
        metric = self._at(self._metric, message)
        try:
            value = _value(message.payload)
        except UnicodeDecodeError as error:
            return [Rejection(RejectReason.INVALID_UTF8, f"byte {error.start} is no UTF-8")]
        if value == "":
            return [Rejection(RejectReason.EMPTY_PAYLOAD)]
        return [Sample(metric, value, unit=self._unit(metric, message))]

    def original(self, message: Message, sample: Sample) -> bytes:
        """The message's payload: it holds nothing else."""
        return message.payload

    def _unit(self, metric: str | None, message: Message) -> str | None:
        if metric is None or len(metric) > MAX_NAME_LENGTH:
            return None
        for glob, place in self._units:
            if glob.matches(metric):
                return self._at(place, message)
        return None

    def _at(self, place: str | tuple[str], message: Message) -> str | None:
        return fill_template(place, message.levels) if isinstance(place, str) else place[0]


def _place(given: str) -> str | tuple[str]:
    """A template, or a constant as a tuple of one."""
    return given if is_template(given) else (jmespath.search(given, None),)


def _value(payload: bytes) -> Any:
    bare = payload.strip(_AROUND.encode())
    if _NUMBER.fullmatch(bare):
        return float(bare)
    text = payload.decode().removeprefix("\ufeff").strip(_AROUND)
    if _NUMBER.fullmatch(text.encode()):
        return float(text)
    return _CONSTANTS.get(text, text)


EXAMPLES = (
    Example(
        "The last level of the topic is the metric.",
        'topic = "home/{device}/{metric}"\ncodec = "scalar"',
        "home/kitchen/temperature",
        b"21.5",
        (Sample("temperature", 21.5),),
    ),
    Example(
        "The metric is made of two levels, and the source states the unit.",
        'topic = "plant/{line}/{device}/{metric}"\ncodec = "scalar"\nmetric = "{line}.{metric}"\n'
        'unit = {"*.torque" = "\'N.m\'", "*.temperature" = "\'Cel\'"}',
        "plant/4/press-1/temperature",
        b" 6.15e1\r\n",
        (Sample("4.temperature", 61.5, unit="Cel"),),
    ),
    Example(
        "A word is a sample; `words` says which number it stands for.",
        'topic = "home/{device}/{metric}"\ncodec = "scalar"\nwords = {on = 1, off = 0}',
        "home/lamp/state",
        b"ON",
        (Sample("state", "ON"),),
    ),
    Example(
        "A deleted retained message has no payload.",
        'topic = "home/{device}/{metric}"\ncodec = "scalar"',
        "home/kitchen/temperature",
        b"",
        (Rejection(RejectReason.EMPTY_PAYLOAD),),
    ),
)
