"""Headrace's own JSON: a reading, a map of values, a bare map of values, or an array of any of these."""

from collections import Counter
from typing import Any

import msgspec

from payload_codecs.codec import Item, Rejection, Sample
from payload_codecs.example import Example
from payload_codecs.json_text import MAX_NESTING, NoJsonText, encoded, parsed
from payload_codecs.message import Message
from schemas.limits import MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH
from schemas.reject_reasons import RejectReason
from schemas.source import DEFAULT_SOURCE, Source

MAX_TYPED_BYTES = 2 * MAX_NESTING
"""A payload of this length cannot be nested deeper than MAX_NESTING."""

_SHARED = {"ts": RejectReason.BAD_TS, "seq": RejectReason.BAD_SEQ, "unit": RejectReason.UNKNOWN_UNIT}
"""Fields that stand beside the values of a map and apply to each of them."""

_RESERVED = frozenset({"metric", "value", "values", *_SHARED})
"""What is no metric in a bare map."""


class _Reading(msgspec.Struct, gc=False):
    """A single reading whose fields have the usual types. All other payloads go through json_text.py."""

    metric: str
    value: float | str
    ts: int | float | str | None = None
    unit: str | None = None
    seq: int | None = None
    values: None = None


class _ElementSample(Sample, gc=True):
    """A sample of an array, with the element that it was, for `original`."""

    element: Any = None


class _Map(msgspec.Struct, gc=False, omit_defaults=True):
    """A map of values as `original` writes it."""

    values: dict[Any, Any]
    ts: Any = None
    seq: Any = None
    unit: Any = None


_decode_reading = msgspec.json.Decoder(_Reading).decode


class HeadraceJson:
    """The codec `headrace`.

    Whatever RFC 8259 allows is read; of a name that stands twice in an object the last value counts. One byte order
    mark before and NULs after the text are passed over and counted in `passed_over`.

    Examples
    --------
    >>> codec = HeadraceJson()
    >>> message = Message(b'{"temperature":20.4,"humidity":78}', "pump-7")
    >>> [(sample.metric, sample.value) for sample in codec.decode(message)]
    [('temperature', 20.4), ('humidity', 78)]
    >>> codec.original(message, codec.decode(message)[0])
    b'{"values":{"temperature":20.4}}'
    """

    def __init__(self, source: Source = DEFAULT_SOURCE) -> None:
        self.source = source
        self.passed_over: Counter[str] = Counter()
        """Messages with a `byte order mark`, and with `NULs`."""

    def decode(self, message: Message) -> list[Item]:
        """Samples in the order of the payload; Rejections where none can be read."""
        payload = message.payload
        if len(payload) <= MAX_TYPED_BYTES:
            try:
                if not payload.isascii():
                    payload.decode()  # msgspec does not look at strings that it skips
                found = _decode_reading(payload)
                return [Sample(found.metric, found.value, found.ts, found.unit, found.seq)]
            except (ValueError, msgspec.MsgspecError, RecursionError):
                pass  # another form, or no JSON
        try:
            return _items(parsed(payload, self.passed_over))
        except NoJsonText as error:
            return [error.rejection]

    def original(self, message: Message, sample: Sample) -> bytes:
        """The element of an array, or the map with this one value."""
        if isinstance(sample, _ElementSample):
            return encoded(sample.element)
        return _of_one_value(sample.metric, sample.value, sample.time, sample.unit, sample.sequence)


def _items(document: Any) -> list[Item]:
    items = _array_items(document) if isinstance(document, list) else _element_items(document)
    if len(items) == 1 and isinstance(items[0], Rejection):
        items[0].original = None  # the payload
    return items


def _array_items(elements: list[Any]) -> list[Item]:
    if not elements:
        return [Rejection(RejectReason.EMPTY_ARRAY)]
    items: list[Item] = []
    for element in elements:
        items += _element_items(element)
        if len(items) > MAX_MESSAGE_ITEMS:
            return [_too_many_items()]
    return items


def _element_items(element: Any) -> list[Item]:
    if not isinstance(element, dict):
        alone = [element] if isinstance(element, list) else element  # its own elements would be read otherwise
        return [Rejection(RejectReason.NOT_A_READING, "not an object", encoded(alone))]
    if element.get("values") is not None:
        return _map_items(element, element["values"])
    if element.get("metric") is None and element.get("value") is None:
        values = {name: value for name, value in element.items() if name not in _RESERVED}
        if values:
            return _map_items(element, values)
    return [
        _ElementSample(
            element.get("metric"), element.get("value"), element.get("ts"), element.get("unit"), element.get("seq"),
            element=element,
        )
    ]  # fmt: skip


def _map_items(element: dict[str, Any], values: Any) -> list[Item]:
    if not isinstance(values, dict) or not values:
        return [Rejection(RejectReason.NO_VALUES, None, encoded(element))]
    if len(values) > MAX_MESSAGE_ITEMS:
        return [_too_many_items()]
    for name, reason in _SHARED.items():
        if _is_too_long_to_share(element.get(name)):
            return [Rejection(reason, f"{name} beside values is nested or too long", encoded(element))]
    ts, unit, seq = element.get("ts"), element.get("unit"), element.get("seq")
    return [
        _nested(name, value, ts, unit, seq) if type(value) is dict or type(value) is list
        else Sample(name, value, ts, unit, seq)
        for name, value in values.items()
    ]  # fmt: skip


def _is_too_long_to_share(field: Any) -> bool:
    """Each of 10,000 dead letters would have a copy of it."""
    if isinstance(field, msgspec.Raw):
        return len(bytes(field)) > MAX_NAME_LENGTH
    return isinstance(field, dict | list) or (isinstance(field, str) and len(field) > MAX_NAME_LENGTH)


def _nested(name: str, value: Any, ts: Any, unit: Any, seq: Any) -> Rejection:
    return Rejection(
        RejectReason.NESTED_VALUES, f"metric: {name[:MAX_NAME_LENGTH]}", _of_one_value(name, value, ts, unit, seq)
    )


def _too_many_items() -> Rejection:
    return Rejection(RejectReason.TOO_MANY_ITEMS, f"over {MAX_MESSAGE_ITEMS:,} items")


def _of_one_value(name: Any, value: Any, ts: Any, unit: Any, seq: Any) -> bytes:
    return encoded(_Map({name: value}, ts, seq, unit))


EXAMPLES = (
    Example(
        "A single reading.",
        'topic = "fleet/{device}/telemetry"',
        "fleet/pump-7/telemetry",
        b'{"metric":"temperature","value":21.4,"unit":"Cel","ts":1719800000123,"seq":17}',
        (Sample("temperature", 21.4, 1719800000123, "Cel", 17),),
    ),
    Example(
        "A map of values; a nested field is rejected alone.",
        'topic = "fleet/{device}/telemetry"',
        "fleet/pump-7/telemetry",
        b'{"ts":1719800000123,"values":{"temperature":21.4,"position":{"x":1},"humidity":78}}',
        (
            Sample("temperature", 21.4, 1719800000123),
            Rejection(RejectReason.NESTED_VALUES, "metric: position"),
            Sample("humidity", 78, 1719800000123),
        ),
    ),
    Example(
        "An array of bare maps.",
        'topic = "fleet/{device}/telemetry"',
        "fleet/pump-7/telemetry",
        b'[{"ts":1719800000123,"temperature":20.4},{"ts":1719800001123,"temperature":20.5}]',
        (Sample("temperature", 20.4, 1719800000123), Sample("temperature", 20.5, 1719800001123)),
    ),
)
