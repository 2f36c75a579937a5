"""Decodes micro-batches of telemetry.raw: frames of messages to frames of readings and dead letters. Knows no Flink.

What a message holds is its codec's matter, what makes a reading valid is validation's (payload_codecs). Here each
message finds its source, and each item becomes a record with its position.
"""

import struct
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, starmap
from typing import Any

import msgspec

from flink import framing
from flink.framing import Frame
from jobs.operators.record_headers import RecordHeaders
from jobs.operators.telemetry_dead_letters import MessageFields, dead_letter
from payload_codecs.codec import Codec, Ignored, Item, Rejection, Sample
from payload_codecs.message import Message, received_at_ms
from payload_codecs.valid_reading import ItemPosition, ValidReading, encoded
from payload_codecs.validation import Outcome, Validator
from schemas.ignored_message import IgnoredMessage
from schemas.reject_reasons import RejectReason
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from schemas.topics import TELEMETRY_RAW

COLUMNS = 9
"""Of a message in a frame: those of the view `messages` behind its bucket."""
PARTITION, OFFSET, _APPENDED = 5, 6, 7
"""Columns with where a message stands, and when the broker stored it."""

MAX_FRAME_BYTES = 1024 * 1024
"""Of the items in one frame, about: a message of 256 KiB can become many MB of them."""

MAX_TRACEBACK_LENGTH = 4000
"""Characters of a traceback: the last ones, which have the exception."""

MAX_REMEMBERED_ROUTES = 100_000

READING, IGNORED, COMMAND = "reading", "ignored", "command"

_Item = tuple[Any, ...]
"""key, is_ignored, is_command, identity, value, record, original, headers, appended_ms.

A reading stands for its record at first. What is no reading has the first three and its record alone.
"""

ITEM_COLUMNS = 9
_RECORD = 5

_NO, _YES = b"\0", b"\1"
_pack_number = struct.Struct(">d").pack

Outcomes = Counter[tuple[str, str]]
"""Items by the name of their source and by what they became: `reading`, `ignored`, or the reason of a dead letter."""


class RawMessage(msgspec.Struct, gc=False):
    """A record of telemetry.raw as it crosses. `appended` is `appended_ms` in its 8 bytes."""

    key: bytes | None
    payload: bytes | None
    source: bytes | None
    topic: bytes | None
    received_at: bytes | None
    partition: int
    offset: int
    appended_ms: int
    appended: bytes | None
    headers: bytes | None


@dataclass(frozen=True, slots=True)
class Route:
    """What follows from the name of a source, a topic and a key. `device` is None where the payload names it."""

    source: Source
    codec: Codec
    validator: Validator
    device: str | None
    topic: str
    levels: Mapping[str, str]
    reading: tuple[str, str]


class Decoder:
    """Decodes the messages of some sources.

    Parameters
    ----------
    sources
        Those that are declared. A message that belongs to none of them is read as one of DEFAULT_SOURCE.
    codec_of
        The codec of a source; called once for each.
    """

    def __init__(self, sources: Sources, codec_of: Callable[[Source], Codec]) -> None:
        self._sources = sources
        self._by_name = {source.name: source for source in (DEFAULT_SOURCE, *sources.sources)}
        self._codecs = {name: codec_of(source) for name, source in self._by_name.items()}
        self._validators = {name: Validator(source) for name, source in self._by_name.items()}
        self._routes: dict[tuple[bytes | None, bytes | None, bytes | None], Route] = {}
        self._latest: tuple[bytes, Sequence[RawMessage]] = (b"", ())

    def positions(self, frame: bytes) -> tuple[list[int], list[int]]:
        """Partitions and offsets of the messages of a frame."""
        messages = self._raw_messages(frame)
        return [message.partition for message in messages], [message.offset for message in messages]

    def decode(self, frame: bytes, outcomes: Outcomes) -> Iterator[bytes]:
        """The items of a frame of messages, in frames and in their order. Counts them in `outcomes`.

        The frame has the columns of the view `messages`, those that are returned the columns of the view `items`.
        """
        fields: list[Any] = []
        readings: list[tuple[str, str]] = []
        for raw in self._raw_messages(frame):
            route = self._routes.get((raw.source, raw.topic, raw.key)) or self._route(raw)
            message = _message(raw, route)
            try:
                decoded = self._decoded(raw, route, message)
                if len(decoded) == 1 and (reading := route.validator.usual_reading(message, decoded[0])) is not None:
                    fields += _reading(raw, message, reading, message.payload, 0, 1)
                    readings.append(route.reading)
                    continue
                items, judged = _judged(raw, route, message, decoded)
            except Exception:  # that nobody expected costs this message, and no other
                failure = _failure()
                items, judged = [_dead_letter(raw, message, failure, 0, 1)], [failure]
            fields += chain.from_iterable(items)
            outcomes.update(_words(route, judged))
        outcomes.update(readings)
        fields += chain.from_iterable(self._further_items(outcomes))
        _write_records(fields)
        return framing.encode_in_frames(fields, ITEM_COLUMNS, MAX_FRAME_BYTES)

    def set_aside(self, frame: bytes, detail: str, outcomes: Outcomes) -> bytes:
        """The frame of dead letters of messages that are not decoded, since that failed. Counts them in `outcomes`."""
        rejection, items = Rejection(RejectReason.QUARANTINED, detail), []
        for raw in self._raw_messages(frame):
            route = self._route(raw)
            items.append(_dead_letter(raw, _message(raw, route), rejection, 0, 1))
            outcomes[route.source.name, str(rejection.reason)] += 1
        return framing.encode(items)

    def _raw_messages(self, frame: bytes) -> Sequence[RawMessage]:
        """Of a frame, which is taken apart once: the worker notes its positions before it decodes it."""
        if self._latest[0] is not frame:
            self._latest = frame, list(_raw_messages(frame))
        return self._latest[1]

    def _decoded(self, raw: RawMessage, route: Route, message: Message) -> Sequence[Item]:
        return route.codec.decode(message)

    def _further_items(self, outcomes: Outcomes) -> list[_Item]:
        """What crosses back of the batch beside its items."""
        return []

    def _route(self, raw: RawMessage) -> Route:
        """By the header that an entrance wrote, else by the topic; remembered."""
        if len(self._routes) >= MAX_REMEMBERED_ROUTES:
            self._routes.clear()
        route = self._routes[raw.source, raw.topic, raw.key] = self._new_route(raw)
        return route

    def _new_route(self, raw: RawMessage) -> Route:
        topic = text(raw.topic or b"")
        source = self._by_name.get(text(raw.source or b""))
        if source is None:
            routed = self._sources.route(topic) if topic else None
            source = routed.source if routed else DEFAULT_SOURCE
        device = None if raw.key is None or source.payload_names_device else text(raw.key)
        codec, validator = self._codecs[source.name], self._validators[source.name]
        return Route(source, codec, validator, device, topic, source.levels(topic), (source.name, READING))


def _raw_messages(frame: bytes) -> Iterator[RawMessage]:
    columns = Frame(frame, COLUMNS)
    numbers = map(columns.numbers, (PARTITION, OFFSET, _APPENDED))
    rest = map(columns.fields, (_APPENDED, _APPENDED + 1))
    return starmap(RawMessage, zip(*map(columns.fields, range(PARTITION)), *numbers, *rest, strict=True))


def _message(raw: RawMessage, route: Route) -> Message:
    appended_ms = raw.appended_ms
    received_ms = received_at_ms(raw.received_at, appended_ms)
    headers = RecordHeaders(raw.headers)
    return Message(raw.payload or b"", route.device, route.topic, route.levels, received_ms, appended_ms, headers)


def _judged(
    raw: RawMessage, route: Route, message: Message, decoded: Sequence[Item]
) -> tuple[list[_Item], list[Outcome]]:
    """What crosses back of a message, and its outcomes."""
    if not decoded:
        raise ValueError(f"the codec {route.source.codec} found no item in the message")
    judged = route.validator.outcomes(message, decoded, route.codec.original)
    if len(judged) == 1 and isinstance(reading := judged[0], ValidReading):
        return [_reading(raw, message, reading, message.payload, 0, 1)], judged
    return _placed(raw, message, route, decoded, judged), judged


def _placed(
    raw: RawMessage, message: Message, route: Route, decoded: Sequence[Item], judged: Sequence[Outcome]
) -> list[_Item]:
    """What crosses back of each item of many, or of one that is no reading."""
    n = len(judged)
    items = []
    for number, (item, outcome) in enumerate(zip(decoded, judged, strict=True)):
        if isinstance(outcome, ValidReading):
            items.append(_reading(raw, message, outcome, _original(route.codec, message, item), number, n))
        elif isinstance(outcome, Rejection):
            items.append(_dead_letter(raw, message, outcome, number, n))
        else:
            items.append(_ignored(raw, message, route.source, outcome))
    return items


def _reading(raw: RawMessage, message: Message, reading: ValidReading, original: bytes, number: int, n: int) -> _Item:
    """With what SQL makes a dead letter of, if the same reading came before with another value."""
    reading.position = ItemPosition(TELEMETRY_RAW.name, raw.partition, raw.offset, number, n)
    identity = f"{reading.metric}\0{reading.event_time}".encode()
    key = raw.key if reading.device is message.device else reading.device.encode()
    return key, _NO, _NO, identity, _pack_number(reading.value), reading, original, raw.headers, raw.appended


def _original(codec: Codec, message: Message, item: Item) -> bytes:
    """Of a reading among others: a message of its own."""
    if isinstance(item, Sample):
        return codec.original(message, item) if item.original is None else item.original
    raise TypeError(f"a reading came of {item!r}, which is no sample")


def _ignored(raw: RawMessage, message: Message, source: Source, ignored: Ignored) -> _Item:
    """The fields of schemas.ignored_message.IgnoredMessage."""
    record = {
        "schema_version": IgnoredMessage.SCHEMA_VERSION, "source": source.name, "reason": ignored.reason,
        "position": ItemPosition(TELEMETRY_RAW.name, raw.partition, raw.offset),
    }  # fmt: skip
    optional = {"device": message.device, "detail": ignored.detail}
    record |= {name: given for name, given in optional.items() if given is not None}
    return raw.key, _YES, _NO, None, None, msgspec.json.encode(record), None, None, None


def command_item(raw: RawMessage, record: bytes) -> _Item:
    """What crosses back of a command to the sender of a message."""
    return raw.key, _NO, _YES, None, None, record, None, None, None


def _dead_letter(raw: RawMessage, message: Message, rejection: Rejection, number: int, n: int) -> _Item:
    key = None if raw.key is None else text(raw.key)
    origin = MessageFields(key, message.payload, message.headers, raw.appended_ms)
    position = ItemPosition(TELEMETRY_RAW.name, raw.partition, raw.offset, number, n)
    return raw.key, _NO, _NO, None, None, dead_letter(rejection, origin, position), None, None, None


def _words(route: Route, judged: Sequence[Outcome]) -> Iterator[tuple[str, str]]:
    name = route.source.name
    for outcome in judged:
        if isinstance(outcome, ValidReading):
            yield route.reading
        else:
            yield name, str(outcome.reason) if isinstance(outcome, Rejection) else IGNORED


def _failure() -> Rejection:
    """With the exception that is being handled."""
    trace = traceback.format_exc()[-MAX_TRACEBACK_LENGTH:]
    return Rejection(RejectReason.DECODER_FAILED, trace.encode("utf-8", "backslashreplace").decode())


def _write_records(fields: list[Any]) -> None:
    """Put the JSON of readings in their place: one call for a batch costs half as much as one for each."""
    records = fields[_RECORD::ITEM_COLUMNS]
    readings = [record for record in records if type(record) is ValidReading]
    written = iter(encoded(readings))
    fields[_RECORD::ITEM_COLUMNS] = [next(written) if type(each) is ValidReading else each for each in records]


def text(of: bytes) -> str:
    """As text; bytes that are none of UTF-8 as U+FFFD."""
    return of.decode("utf-8", "replace")
