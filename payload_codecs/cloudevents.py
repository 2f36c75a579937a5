"""CloudEvents 1.0 and 0.3: events whose data are in another format, one a message or in batches.

Specification: https://github.com/cloudevents/spec v1.0.2, with its JSON format and its bindings to Kafka, HTTP and
MQTT.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, ClassVar
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec.structs import replace

from payload_codecs.codec import Codec, Ignored, Item, Rejection, Sample
from payload_codecs.event_time import iso8601_ms
from payload_codecs.example import Example
from payload_codecs.message import Message
from payload_codecs.registry import stateless_codec_of
from schemas.limits import MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH
from schemas.payload_format import Codec as Format
from schemas.payload_format import TimeFormat
from schemas.reject_reasons import RejectReason
from schemas.source import Source

VERSIONS = ("1.0", "0.3")

PREFIXES = ("ce_", "ce-")
"""Of the headers of binary mode, in Kafka and in HTTP."""

_JSON_FORMATS = frozenset({Format.HEADRACE, Format.JSON, Format.SENML_JSON})

KEPT = ("specversion", "id", "source", "type", "subject", "time")
"""Attributes that the event of a single item keeps, as far as they are short."""

_JSON_TYPE = re.compile(r"[^/;]+/(?:[^;]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)

_OF_A_MS = {TimeFormat.US: 1000, TimeFormat.NS: 1_000_000}

Attributes = Mapping[str, Any]


class _NotAnEvent(Exception):
    """The message says why."""


class CloudEvents:
    """The items of each event's data, which the codec of the source's `data_codec` reads: our JSON by default.

    In binary mode the attributes are headers (`ce_id`, `ce_time`, ...; `ce-id` from HTTP) and the payload is the data.
    Without such headers the payload is an event in JSON, or an array of events. `time` is the time of items that have
    none of their own. The device is the attribute that the source names (`device = "subject"`), or the topic's; where
    neither has one, what the data say, or else the attribute `source`.
    """

    _EVENT: ClassVar = msgspec.json.Decoder(dict[str, msgspec.Raw])
    _BATCH: ClassVar = msgspec.json.Decoder(list[msgspec.Raw])

    def __init__(self, source: Source) -> None:
        named = source.device if source.device_template is None else None
        self._device = named
        self._default_device = "source" if named is None and source.device_template is None else None
        self._time_format = source.time_format
        self._data_is_json = source.data_codec in _JSON_FORMATS
        # With the template, so that the format of the data reads no device where the topic or the login makes it.
        data = {"codec": source.data_codec, "device": source.device_template}
        self._inner: Codec = stateless_codec_of(source.model_copy(update=data))

    def decode(self, message: Message) -> Sequence[Item]:
        """The items of all events, in their order."""
        try:
            headers = _attributes_of_headers(message.headers)
        except UnicodeDecodeError as error:
            return [Rejection(RejectReason.NOT_A_CLOUDEVENT, f"a header is no UTF-8: {error.reason}")]
        if "specversion" in headers:
            return self._limited(self._items_in_binary_mode(message, headers))
        if not message.payload:
            return [Rejection(RejectReason.EMPTY_PAYLOAD)]
        try:
            events, is_batch = self._events(message.payload.removeprefix(b"\xef\xbb\xbf").rstrip(b"\0"))
        except (msgspec.DecodeError, RecursionError) as error:
            return [Rejection(RejectReason.NOT_JSON, str(error))]
        if len(events) > MAX_MESSAGE_ITEMS:
            return [Rejection(RejectReason.TOO_MANY_ITEMS)]
        if not events:
            return [Rejection(RejectReason.EMPTY_ARRAY)]
        numbers = range(1, len(events) + 1) if is_batch else (None,)
        return self._limited(
            item for number, event in zip(numbers, events, strict=True) for item in self._items(event, number, message)
        )

    def original(self, message: Message, sample: Sample) -> bytes:
        """Of a message in binary mode: data of this sample alone. The others have their `original` from `decode`."""
        return self._inner.original(message, sample)

    def _limited(self, items: Iterable[Item]) -> Sequence[Item]:
        """The items. A message is ignored where each of its events is."""
        found: list[Item] = []
        ignored: list[Item] = []
        for item in items:
            (ignored if isinstance(item, Ignored) else found).append(item)
            if len(found) > MAX_MESSAGE_ITEMS:
                return [Rejection(RejectReason.TOO_MANY_ITEMS)]
        return found or ignored[:1]

    def _events(self, payload: bytes) -> tuple[list[msgspec.Raw], bool]:
        if payload.lstrip(b" \t\r\n").startswith(b"["):
            return self._BATCH.decode(payload), True
        return [msgspec.json.decode(payload, type=msgspec.Raw)], False

    def _items_in_binary_mode(self, message: Message, attributes: Attributes) -> Iterator[Item]:
        try:
            _check_version(attributes)
            yield from self._completed(self._inner.decode(message), attributes)
        except _NotAnEvent as error:
            yield Rejection(RejectReason.NOT_A_CLOUDEVENT, str(error))

    def _items(self, event: msgspec.Raw, number: int | None, message: Message) -> Iterator[Item]:
        alone = bytes(event) if number is None else b"[" + bytes(event) + b"]"
        try:
            attributes, data = self._parts(event)
            items = self._inner.decode(inner := replace(message, payload=data))
            for item in items:
                if not isinstance(item, Ignored):
                    item.original = self._event_of(item, inner, attributes) if len(items) > 1 else alone
            yield from self._completed(items, attributes)
        except _NotAnEvent as error:
            where = "" if number is None else f"event {number}: "
            yield Rejection(RejectReason.NOT_A_CLOUDEVENT, f"{where}{error}", alone)

    def _parts(self, event: msgspec.Raw) -> tuple[Attributes, bytes]:
        """The attributes, and the data as the bytes of their own format."""
        try:
            members = self._EVENT.decode(event)
            data, encoded = members.pop("data", None), members.pop("data_base64", None)
            attributes = {name: msgspec.json.decode(value) for name, value in members.items()}
            _check_version(attributes)
            return attributes, self._data(attributes, data, encoded)
        except msgspec.ValidationError:
            raise _NotAnEvent("is no JSON object, or has a number out of range") from None
        except (msgspec.DecodeError, RecursionError, ValueError) as error:  # ValueError: thousands of digits, no base64
            raise _NotAnEvent(str(error)) from None

    def _data(self, attributes: Attributes, data: msgspec.Raw | None, encoded: msgspec.Raw | None) -> bytes:
        """The bytes of the data (JSON format, sections 3.1 and 3.1.1)."""
        if encoded is not None:
            return _from_base64(msgspec.json.decode(encoded))
        if data is None:
            raise _NotAnEvent("has no data")
        if attributes.get("datacontentencoding") == "base64":  # of version 0.3
            return _from_base64(msgspec.json.decode(data))
        content_type = attributes.get("datacontenttype")
        is_json = content_type is None or _JSON_TYPE.fullmatch(str(content_type)) is not None
        if bytes(data).lstrip(b" \t\r\n").startswith(b'"') and not (is_json and self._data_is_json):
            return str(msgspec.json.decode(data)).encode()
        return bytes(data)

    def _event_of(self, item: Sample | Rejection, inner: Message, attributes: Attributes) -> bytes:
        """An event with this item alone."""
        original = item.original
        if original is None:
            original = self._inner.original(inner, item) if isinstance(item, Sample) else inner.payload
        names = KEPT if self._device is None else (*KEPT, self._device)
        kept = {name: attributes[name] for name in names if _is_short(attributes.get(name))}
        if self._data_is_json:
            data = {"data": msgspec.Raw(original)} if _is_json(original) else _in_base64(original)
        else:
            data = (
                {"datacontenttype": "text/plain", "data": original.decode()}
                if _is_text(original)
                else _in_base64(original)
            )
        return msgspec.json.encode({**kept, **data})

    def _completed(self, items: Iterable[Item], attributes: Attributes) -> Iterator[Item]:
        """The items with the event's device and, where they have no time, its time."""
        device = self._device_of(attributes)
        time = attributes.get("time")
        moment = None if time is None else self._moment(time)
        for item in items:
            if isinstance(item, Sample):
                if self._device is not None or item.device is None:
                    item.device = device
                if item.time is None and time is not None:
                    if moment is None:
                        detail = f"`time` of the event is no date and time of RFC 3339: {str(time)[:60]!r}"
                        yield Rejection(RejectReason.BAD_TS, detail, item.original)
                        continue
                    item.time = moment
            yield item

    def _device_of(self, attributes: Attributes) -> str | None:
        name = self._device or self._default_device
        if name is None or attributes.get(name) is None:
            return None
        device = str(attributes[name])
        if len(device) > MAX_NAME_LENGTH:
            raise _NotAnEvent(f"{name} has {len(device)} characters, a device {MAX_NAME_LENGTH}")
        return device

    def _moment(self, time: Any) -> float | str | None:
        """A time of RFC 3339 as the source writes times; None for what is none."""
        if not isinstance(time, str) or _DATE_TIME.fullmatch(time) is None:
            return None
        if self._time_format is TimeFormat.ISO8601:
            return time
        ms = iso8601_ms(time, UTC)
        if ms is None:  # 31 February
            return None
        return ms / 1000 if self._time_format is TimeFormat.S else ms * _OF_A_MS.get(self._time_format, 1)


def _attributes_of_headers(headers: Mapping[str, bytes]) -> dict[str, str]:
    """The attributes of binary mode. Values from HTTP are percent-encoded (HTTP binding, section 3.1.3.2)."""
    attributes = {}
    for name, value in headers.items():
        if name[:3].lower() in PREFIXES:
            value = unquote_to_bytes(value) if name[2] == "-" else value
            attributes[name[3:].lower()] = value.decode()
    return attributes


def _check_version(attributes: Attributes) -> None:
    if "specversion" not in attributes:
        raise _NotAnEvent("has no `specversion`")
    version = attributes["specversion"]
    if not isinstance(version, str):
        raise _NotAnEvent(f'has a `specversion` that is no text; write it in quotes, "{VERSIONS[0]}"')
    if version not in VERSIONS:
        raise _NotAnEvent(f"is of version {version[:20]!r}; {' and '.join(VERSIONS)} are known")


def _from_base64(text: Any) -> bytes:
    if not isinstance(text, str):
        raise _NotAnEvent("has data in base64 that are no text")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise _NotAnEvent(f"has data that are no base64: {error}") from None


def _in_base64(data: bytes) -> dict[str, Any]:
    return {"data_base64": base64.b64encode(data).decode()}


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | bool) and len(str(value)) <= MAX_NAME_LENGTH


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return False
    return True


EXAMPLES = (
    Example(
        "An event whose data are a number, on a topic that names the metric; its time is the sample's.",
        'topic = "events/{metric}"\ncodec = "cloudevents"\ndata_codec = "scalar"\ndevice = "subject"',
        "events/temperature",
        b'{"specversion":"1.0","id":"1","source":"/plant/4","type":"com.example.reading","subject":"press-1",'
        b'"time":"2026-05-28T20:26:40.123Z","data":61.5}',
        (Sample("temperature", 61.5, 1_780_000_000_123, device="press-1"),),
    ),
    Example(
        "A batch whose second event is none.",
        'topic = "events/#"\ncodec = "cloudevents"\ndata_codec = "line-protocol"\ntime_format = "ms"',
        "events/plant",
        b'[{"specversion":"1.0","id":"1","source":"press-1","type":"reading","datacontenttype":"text/plain",'
        b'"data":"press torque=12.5,speed=3i 1780000000123"},{"id":"2"}]',
        (
            Sample("press.torque", 12.5, 1780000000123, device="press-1"),
            Sample("press.speed", 3, 1780000000123, device="press-1"),
            Rejection(RejectReason.NOT_A_CLOUDEVENT, "event 2: has no `specversion`"),
        ),
    ),
    Example(
        "Binary mode: the attributes are headers, the payload is the data.",
        'topic = "events/{device}"\ncodec = "cloudevents"\ndata_codec = "senml-json"',
        "events/press-1",
        b'[{"n":"torque","u":"N","v":12.5}]',
        (Sample("torque", 12.5, 1780000000.123, "N"),),
        headers={"ce_specversion": b"1.0", "ce_time": b"2026-05-28T20:26:40.123Z"},
    ),
)
