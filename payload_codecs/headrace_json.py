"""Headrace's own JSON: a reading, a map of values, a bare map of values, or an array of any of these."""

import json
import math
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import orjson

from payload_codecs.codec import Item, Rejection, Sample
from payload_codecs.message import Message
from schemas.limits import MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH
from schemas.reject_reasons import RejectReason
from schemas.source import DEFAULT_SOURCE, Source

MAX_NESTING = 1024
"""Levels of arrays and objects (RFC 8259, section 9, leaves the limit to the parser). orjson's own limit."""

MAX_TYPED_BYTES = 2 * MAX_NESTING
"""A payload of this length cannot be nested deeper than MAX_NESTING."""

_BOM = b"\xef\xbb\xbf"
_PADDING = b"\0 \t\n\r"
_SHARED = {"ts": RejectReason.BAD_TS, "seq": RejectReason.BAD_SEQ, "unit": RejectReason.UNKNOWN_UNIT}
"""Fields that stand beside the values of a map and apply to each of them."""

_RESERVED = frozenset({"metric", "value", "values", *_SHARED})
"""What is no metric in a bare map."""

_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|([\[{])|[\]}]', re.DOTALL)
_NO_NUMBER = re.compile(
    r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|(?<![\w.+-])([+-]?(?:nan(?:\(\w*\))?|inf(?:inity)?))(?![\w.+-])', re.I | re.S
)
"""A string, or what encoders write for numbers that JSON has none for: C's printf, Python, Java, JavaScript."""

_FLOAT = re.compile(rb"[0-9eE+\-.]+")

_RECURSION_LIMIT = threading.Lock()
"""The limit is one for all threads."""

Result = TypeVar("Result")


class _Reading(msgspec.Struct, gc=False):
    """A single reading whose fields have the usual types. All other payloads go through `_document`."""

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
_encode = msgspec.json.Encoder().encode


class _NotJson(ValueError):
    pass


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
        if not payload:
            return [Rejection(RejectReason.EMPTY_PAYLOAD)]
        try:
            return _items(self._document(payload))
        except UnicodeDecodeError as error:
            return [Rejection(RejectReason.INVALID_UTF8, f"byte {error.start} is not UTF-8")]
        except _NotJson as error:
            return [Rejection(RejectReason.NOT_JSON, str(error))]

    def original(self, message: Message, sample: Sample) -> bytes:
        """The element of an array, or the map with this one value."""
        if isinstance(sample, _ElementSample):
            return _encoded(sample.element)
        return _of_one_value(sample.metric, sample.value, sample.time, sample.unit, sample.sequence)

    def _document(self, payload: bytes) -> Any:
        """The parsed text. Numbers that no double holds and NaN are a msgspec.Raw with their text."""
        try:
            return orjson.loads(payload)
        except orjson.JSONDecodeError:
            return _parse_exactly(self._without_padding(payload).decode())

    def _without_padding(self, payload: bytes) -> bytes:
        if payload.startswith(_BOM):
            self.passed_over["byte order mark"] += 1
            payload = payload.removeprefix(_BOM)
        stripped = payload.rstrip(_PADDING)
        if b"\0" in payload[len(stripped) :]:
            self.passed_over["NULs"] += 1
            payload = stripped
        return payload


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
        return [Rejection(RejectReason.NOT_A_READING, "not an object", _encoded(alone))]
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
        return [Rejection(RejectReason.NO_VALUES, None, _encoded(element))]
    if len(values) > MAX_MESSAGE_ITEMS:
        return [_too_many_items()]
    for name, reason in _SHARED.items():
        if _is_too_long_to_share(element.get(name)):
            return [Rejection(reason, f"{name} beside values is nested or too long", _encoded(element))]
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
    return Rejection(RejectReason.NESTED_VALUES, f"metric: {name}", _of_one_value(name, value, ts, unit, seq))


def _too_many_items() -> Rejection:
    return Rejection(RejectReason.TOO_MANY_ITEMS, f"over {MAX_MESSAGE_ITEMS:,} items")


def _of_one_value(name: Any, value: Any, ts: Any, unit: Any, seq: Any) -> bytes:
    return _encoded(_Map({name: value}, ts, seq, unit))


def _encoded(document: Any) -> bytes:
    try:
        return _encode(document)
    except (UnicodeEncodeError, RecursionError):
        return _with_deep_stack(lambda: json.dumps(document, default=_for_json, separators=(",", ":"))).encode()


def _for_json(value: Any) -> Any:
    """Of a map its fields; NaN or an infinity, which json writes as such."""
    if isinstance(value, _Map):
        return {field: given for field in value.__struct_fields__ if (given := getattr(value, field)) is not None}
    text = bytes(value)
    return float(text) if _FLOAT.fullmatch(text) else math.nan


def _parse_exactly(text: str) -> Any:
    """By the standard library, which keeps lone surrogates and shows each number as it stands.

    Raises _NotJson.
    """
    if text.count("[") + text.count("{") > MAX_NESTING and _nesting(text) > MAX_NESTING:
        raise _NotJson(f"nested over {MAX_NESTING:,} deep")
    words: list[str] = []
    only_nan = _NO_NUMBER.sub(lambda found: _keep(found, words), text)
    spelled = iter(words)
    try:
        return _with_deep_stack(
            lambda: json.loads(
                only_nan,
                parse_constant=lambda _: msgspec.Raw(next(spelled).encode()),
                parse_float=_float, parse_int=_whole,
            )
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise _NotJson(str(error)) from None


def _keep(found: re.Match[str], words: list[str]) -> str:
    if found[1] is None:
        return found[0]
    words.append(found[1])
    return "NaN"


def _nesting(text: str) -> int:
    depth = deepest = 0
    for found in _BRACKET.finditer(text):
        if found[1]:
            depth += 1
            deepest = max(deepest, depth)
        elif found[0] in "]}":
            depth -= 1
    return deepest


def _float(text: str) -> float | msgspec.Raw:
    number = float(text)
    return number if math.isfinite(number) else msgspec.Raw(text.encode())


def _whole(text: str) -> int | float | msgspec.Raw:
    """A whole number of 64 bits, else the nearest double: what orjson gives."""
    number = int(text) if len(text) <= 20 else _float(text)
    return number if not isinstance(number, int) or -(2**63) <= number < 2**64 else _float(text)


def _with_deep_stack(function: Callable[[], Result]) -> Result:
    """Calls it with room for MAX_NESTING levels: json and msgspec recurse, and the limit counts the callers' frames."""
    with _RECURSION_LIMIT:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + 2 * MAX_NESTING)
        try:
            return function()
        finally:
            sys.setrecursionlimit(limit)
