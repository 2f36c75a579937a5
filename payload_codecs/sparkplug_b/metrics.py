"""Metrics of a payload: their names, through templates, and what each of them becomes."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from struct import Struct
from typing import Any

from payload_codecs.codec import Item, Rejection, Sample
from payload_codecs.sparkplug_b.data_types import (
    ARRAYS,
    BOOLEAN,
    BYTES,
    DOUBLE,
    INT64,
    TEXT,
    UINT64,
    OutOfRange,
    type_of,
    value_of,
)
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from payload_codecs.sparkplug_b.session import CONTROL, Definition
from schemas.limits import MAX_NAME_LENGTH
from schemas.reject_reasons import RejectReason

MAX_TEMPLATE_DEPTH = 8

_CUT = MAX_NAME_LENGTH + 1
"""A longer name is refused as soon as it is judged. Cut, it costs neither state nor time in each metric below it."""

_MAX_UNIT = 101
"""One more than validation allows."""

_CONTROLS = ("Node Control/", "Device Control/")
_NESTED = ("dataset_value", "template_value")
_GOOD = range(192, 256)
"""OPC's good qualities; Sparkplug names 192 (section 6.4.13)."""

_METRIC_FIELD = b"\x12"
_DOUBLE_FIELD = b"\x69"
"""Tags of the fields `metrics` and `double_value`."""

_pack_double = Struct("<d").pack

_NO_VALUE: list[Any] = []
"""Stands for a value that is no number: a table or an array."""

Keeps = Callable[[Sample], bool]


class _Refused(Exception):
    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def text(sent: str | bytes) -> str:
    """A text of protobuf. It is bytes where it is no UTF-8; the escapes make validation refuse it as a name."""
    return sent if isinstance(sent, str) else sent.decode("utf-8", "backslashreplace")


def flat(
    metrics: Any, templates: Callable[[int], str], instances: bool = False, prefix: str = "", depth: int = 0
) -> Iterator[tuple[Any, str]]:
    """Each metric with its name; those of a template's instance in place of the template (section 6.4.15).

    Parameters
    ----------
    templates
        The name of the template with an alias, or "".
    instances
        Whether the instances of templates come too, before their members: a birth defines them.
    """
    for metric in metrics:
        name = metric.name
        if name:
            name = (prefix + text(name))[:_CUT]
        if metric.HasField("template_value") and depth < MAX_TEMPLATE_DEPTH:
            if metric.template_value.is_definition:
                continue
            name = name or templates(metric.alias)
            if instances or not name:
                yield metric, name
            if name:
                yield from flat(metric.template_value.metrics, templates, instances, f"{name}/", depth + 1)
        else:
            yield metric, name


def defined(metric: Any, name: str) -> Definition | None:
    """What a metric says of itself: a name, and how its value is read."""
    if not name:
        return None
    if name == "bdSeq" or name.startswith(_CONTROLS):
        return Definition(name, CONTROL)
    data_type = type_of(metric)
    return None if data_type is None else Definition(name, data_type, _unit(metric))


def item(metric: Any, definition: Definition, payload_time_ms: int | None, device: str, keeps: Keeps) -> Item | None:
    """What becomes of a metric. None where the source does not keep it."""
    field = metric.WhichOneof("value")
    try:
        if metric.HasField("properties"):
            _refuse_bad_quality(metric)
        if field is None or metric.is_null:
            value = None
        else:
            value = value_of(metric, field, definition.data_type)
            # Not a type that a client states beside another field.
            if type(value) is not float and (field in _NESTED or definition.data_type in ARRAYS):
                raise _Refused(RejectReason.NESTED_VALUES, f"metric: {definition.name}")
    except (OutOfRange, _Refused) as error:
        return _rejection(metric, definition, payload_time_ms, device, keeps, error)
    time_ms = metric.timestamp if metric.HasField("timestamp") else payload_time_ms
    return Sample(definition.name, value, time_ms, definition.unit, device=device)


def unknown(
    metric: Any,
    name: str,
    certain: bool,
    payload_time_ms: int | None,
    device: str,
    keeps: Keeps,
    last_known: Definition | None = None,
) -> Item | None:
    """A metric that no birth defines. None where the source does not keep what has its name.

    Parameters
    ----------
    last_known
        What the alias meant by the last birth. It tells a person what to look for; nothing is decoded by it.
    """
    if name and not keeps(Sample(name, 0.0)):
        return None
    what = f"metric {name[:100]!r}" if name else f"alias {metric.alias}"
    if last_known is not None and not name:
        what += f" ({last_known.name[:100]!r} by the last birth)"
    why = "no birth has defined it" if certain else "no birth of this session is known"
    return Rejection(RejectReason.UNKNOWN_METRIC, f"{what}: {why}", _alone(metric, name, payload_time_ms), device)


def alone(name: str, value: Any, time_ms: int | None, unit: str | None) -> bytes:
    """A payload of one metric with its name and type, and no sequence number."""
    if type(value) is float:
        # Of each reading of a message: written as protobuf does, at a quarter of what its objects cost.
        metric = _named(name, unit) + _timed(time_ms) + _DOUBLE_FIELD + _pack_double(value)
        size = len(metric)
        return _METRIC_FIELD + (_varint(size) if size > 127 else bytes((size,))) + metric
    payload = Payload()
    metric = payload.metrics.add()
    metric.MergeFromString(_named(name, unit) + _timed(time_ms))
    _set_value(metric, value)
    return bytes(payload.SerializeToString())


@lru_cache(20_000)
def _named(name: str, unit: str | None) -> bytes:
    """The fields of a metric without time and value, of the data type Double."""
    metric = Payload().metrics.add(name=name, datatype=DOUBLE)
    if unit is not None:
        metric.properties.keys.append("engUnit")
        metric.properties.values.add(string_value=unit)
    return bytes(metric.SerializeToString())


@lru_cache(1_000)
def _timed(time_ms: int | None) -> bytes:
    return b"" if time_ms is None else bytes(Payload().metrics.add(timestamp=time_ms).SerializeToString())


def _varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes((low | 128,)) + _varint(rest) if rest else bytes((low,))


def number(metric: Any) -> int:
    """Of a metric that counts, such as bdSeq."""
    return int(metric.long_value if metric.HasField("long_value") else metric.int_value)


def _refuse_bad_quality(metric: Any) -> None:
    quality = _property(metric, "Quality")
    if quality is None or quality.WhichOneof("value") not in ("int_value", "long_value"):
        return
    if number(quality) not in _GOOD:
        raise _Refused(RejectReason.BAD_VALUE, f"quality: {number(quality)}")


def _rejection(
    metric: Any, definition: Definition, payload_time_ms: int | None, device: str, keeps: Keeps, error: Exception
) -> Item | None:
    reason = error.reason if isinstance(error, _Refused) else RejectReason.BAD_VALUE
    if not keeps(Sample(definition.name, _NO_VALUE if reason is RejectReason.NESTED_VALUES else 0.0)):
        return None
    original = _alone(metric, definition.name, payload_time_ms, definition.data_type)
    detail = str(error) if reason is not RejectReason.BAD_VALUE else f"metric: {definition.name[:_CUT]}, {error}"
    return Rejection(reason, detail, original, device)


def _alone(metric: Any, name: str, payload_time_ms: int | None, data_type: int | None = None) -> bytes:
    """A payload of this metric alone, with its name and time, and its data type where that is known."""
    payload = Payload()
    payload.metrics.add().CopyFrom(metric)
    copy = payload.metrics[0]
    if name:
        copy.name = name
    if payload_time_ms is not None and not copy.HasField("timestamp"):
        copy.timestamp = payload_time_ms
    if data_type is not None:
        copy.datatype = metric.datatype or data_type
        copy.ClearField("alias")
    return bytes(payload.SerializeToString())


def _property(metric: Any, key: str) -> Any:
    properties = metric.properties
    for name, value in zip(properties.keys, properties.values, strict=False):
        if name == key and not value.is_null:
            return value
    return None


def _unit(metric: Any) -> str | None:
    value = _property(metric, "engUnit") if metric.HasField("properties") else None
    return None if value is None else text(value.string_value)[:_MAX_UNIT] or None


def _set_value(metric: Any, value: Any) -> None:
    if value is None:
        metric.is_null, metric.datatype = True, DOUBLE
    elif isinstance(value, bool):
        metric.datatype, metric.boolean_value = BOOLEAN, value
    elif isinstance(value, int):
        metric.datatype, metric.long_value = (INT64 if value < 0 else UINT64), value & (2**64 - 1)
    elif isinstance(value, float):
        metric.datatype, metric.double_value = DOUBLE, value
    elif isinstance(value, bytes):
        metric.datatype, metric.bytes_value = BYTES, value
    else:
        metric.datatype, metric.string_value = TEXT, str(value)
