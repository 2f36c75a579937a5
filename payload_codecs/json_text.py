"""JSON texts of devices: whatever RFC 8259 allows is read, and what encoders write beyond it costs its item alone."""

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

from payload_codecs.codec import Rejection
from schemas.reject_reasons import RejectReason

MAX_NESTING = 1024
"""Levels of arrays and objects (RFC 8259, section 9, leaves the limit to the parser). orjson's own limit."""

_BOM = b"\xef\xbb\xbf"
_PADDING = b"\0 \t\n\r"

_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|([\[{])|[\]}]', re.DOTALL)
_NO_NUMBER = re.compile(
    r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|(?<![\w.+-])([+-]?(?:nan(?:\(\w*\))?|inf(?:inity)?))(?![\w.+-])', re.I | re.S
)
"""A string, or what encoders write for numbers that JSON has none for: C's printf, Python, Java, JavaScript."""

_FLOAT = re.compile(rb"[0-9eE+\-.]+")

_RECURSION_LIMIT = threading.Lock()
"""The limit is one for all threads."""

Result = TypeVar("Result")

_encode = msgspec.json.Encoder().encode


class NoJsonText(ValueError):
    """Raised for a payload that is no JSON text, and made a rejection by the codec.

    Terminal: the bytes stay the same.
    """

    def __init__(self, reason: RejectReason, detail: str | None = None) -> None:
        super().__init__(detail)
        self.rejection = Rejection(reason, detail)


def parsed(payload: bytes, passed_over: Counter[str]) -> Any:
    """The value of a JSON text. Numbers that no double holds, and NaN, are a msgspec.Raw with their text.

    One byte order mark before and NULs after the text are passed over. Of a name that stands twice in an object the
    last value counts.

    Parameters
    ----------
    passed_over
        Counts messages with a `byte order mark`, and with `NULs`.

    Raises
    ------
    NoJsonText
        Also where the payload is empty, or no UTF-8.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        if not payload:
            raise NoJsonText(RejectReason.EMPTY_PAYLOAD) from None
    try:
        text = _without_padding(payload, passed_over).decode()
    except UnicodeDecodeError as error:
        raise NoJsonText(RejectReason.INVALID_UTF8, f"byte {error.start} is not UTF-8") from None
    return parse_exactly(text)


def _without_padding(payload: bytes, passed_over: Counter[str]) -> bytes:
    if payload.startswith(_BOM):
        passed_over["byte order mark"] += 1
        payload = payload.removeprefix(_BOM)
    stripped = payload.rstrip(_PADDING)
    if b"\0" in payload[len(stripped) :]:
        passed_over["NULs"] += 1
        payload = stripped
    return payload


def encoded(document: Any) -> bytes:
    """JSON of what `parsed` gave, or of a msgspec.Struct with such fields."""
    try:
        return _encode(document)
    except (UnicodeEncodeError, RecursionError):
        return _with_deep_stack(lambda: json.dumps(document, default=_for_json, separators=(",", ":"))).encode()


def _for_json(value: Any) -> Any:
    """Of a struct its fields; NaN or an infinity, which json writes as such."""
    if isinstance(value, msgspec.Struct):
        return {field: given for field in value.__struct_fields__ if (given := getattr(value, field)) is not None}
    text = bytes(value)
    return float(text) if _FLOAT.fullmatch(text) else math.nan


def parse_exactly(text: str) -> Any:
    """By the standard library, which keeps lone surrogates and shows each number as it stands.

    Raises NoJsonText when the text is not JSON.
    """
    if text.count("[") + text.count("{") > MAX_NESTING and _nesting(text) > MAX_NESTING:
        raise NoJsonText(RejectReason.NOT_JSON, f"nested over {MAX_NESTING:,} deep")
    words: list[str] = []
    only_nan = _NO_NUMBER.sub(lambda found: _keep(found, words), text)
    spelled = iter(words)
    try:
        return _with_deep_stack(
            lambda: json.loads(
                only_nan,
                parse_constant=lambda _: msgspec.Raw(next(spelled, "NaN").encode()),
                parse_float=_float, parse_int=_whole,
            )
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise NoJsonText(RejectReason.NOT_JSON, str(error)) from None


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
