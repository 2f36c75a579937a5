"""What makes a sample a reading: names, value, time and unit, by the same rules for every payload format."""

import json
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from payload_codecs.codec import Codec, Ignored, Item, Rejection, Sample
from payload_codecs.event_time import time_reader, whole_number
from payload_codecs.message import Message
from payload_codecs.valid_reading import ValidReading
from schemas.device_name import CONTROL_CHARACTERS
from schemas.glob import glob_of
from schemas.limits import MAX_CLOCK_SKEW_MS, MAX_NAME_LENGTH, MIN_EVENT_TIME_MS
from schemas.payload_format import Codec as Format
from schemas.payload_format import TimeFormat
from schemas.place import LEVEL, LOGIN
from schemas.reject_reasons import RejectReason
from schemas.source import Source
from schemas.unit_conversions import CONVERSIONS
from schemas.units import METRIC_UNITS, unit_code

Outcome = ValidReading | Rejection | Ignored

MAX_DETAIL = 300
"""Characters of a dead letter's detail."""

MAX_UNIT_LENGTH = 100
MAX_KNOWN = 100_000
"""Names of at most 200 characters that are remembered as valid: usually 20 MB, at most 100."""

MAX_FLOAT = 1.7976931348623157e308

_UNUSABLE = re.compile(rf"[{CONTROL_CHARACTERS}\\]")
"""In names. InfluxDB's line protocol cannot write one with a line break, or with a backslash at its end."""

_WITHOUT_METRIC = frozenset(
    {
        RejectReason.BAD_VALUE,
        RejectReason.BAD_TS,
        RejectReason.TS_OUT_OF_RANGE,
        RejectReason.BAD_SEQ,
        RejectReason.UNKNOWN_UNIT,
    }
)
"""Reasons whose detail is what was sent alone. Others name the metric, or have none yet."""

_EMPTY_IN_PAYLOAD = {
    Format.JSON: "the payload has an empty name among `devices`",
    Format.SENML_JSON: "the pack has no base name, which is the device",
    Format.SENML_CBOR: "the pack has no base name, which is the device",
    Format.LINE_PROTOCOL: "the point has no tag `device`, and the source names no other",
    Format.CLOUDEVENTS: "the event has no attribute `source`, and the source names no other",
}
"""Of formats with a place of their own for the device."""

_JSON_TYPES = (bool, int, float, list, dict, type(None))

_NUMBER = re.compile(r"[0-9eE+\-.]+")
_NUMBER_WITH_UNIT = re.compile(r"([+-]?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([^\s0-9.,+-].*)", re.DOTALL)


class _Quantity(msgspec.Struct, frozen=True, gc=False):
    """A valid metric with a unit that fits it: `value * factor + offset` is in `unit`."""

    metric: str
    unit: str | None
    factor: float = 1.0
    offset: float = 0.0


class _Refused(Exception):
    def __init__(self, reason: RejectReason, detail: str | None) -> None:
        self.reason = reason
        self.detail = detail


class Validator:
    """The rules of one source. Pure: it remembers only what it has computed before.

    Where the topic or the login makes the device, no payload changes it, whatever a codec reads there.

    Parameters
    ----------
    max_known
        Devices, and metrics with their units, that it remembers as valid.

    Examples
    --------
    >>> from schemas.source import DEFAULT_SOURCE
    >>> message = Message(b"...", "pump-7", received_at_ms=1719800000123, append_time_ms=1719800000200)
    >>> Validator(DEFAULT_SOURCE).judge(message, Sample("temperature", 212, unit="°F")).value
    100.0
    >>> Validator(DEFAULT_SOURCE).judge(message, Sample("temperature", "warm")).detail
    'value: warm'
    """

    def __init__(self, source: Source, max_known: int = MAX_KNOWN) -> None:
        self._max_known = max_known
        self.source = source
        self._read_time = time_reader(source)
        self._device_is_given = source.device_template is not None
        self._devices_have_devices = source.codec is Format.SPARKPLUG_B
        """The source's `device` is an edge node then, and the devices behind it are NODE/DEVICE."""
        self._takes_ms = source.time_format is TimeFormat.MS
        self._words = {word.casefold(): number for word, number in source.words.items()}
        self._metric_units = [(glob_of(glob), unit) for glob, unit in source.metric_units.items()]
        self._devices: set[str] = set()
        self._quantities: dict[str | None, dict[str, _Quantity]] = {}
        """By unit and metric as sent."""
        self._known = 0

    def readings(self, message: Message, codec: Codec) -> list[Outcome]:
        """What becomes of each item of a message, in their order."""
        return self.outcomes(message, codec.decode(message), codec.original)

    def outcomes(
        self, message: Message, items: Sequence[Item], original: Callable[[Message, Sample], bytes]
    ) -> list[Outcome]:
        """What becomes of items that were decoded. A rejected one of many has its own `original`.

        Of several samples of one series without times the first is a reading, at the time of the message. Every other
        one is `ambiguous_time`.
        """
        outcomes: list[Outcome] = []
        judged, undated = [], []
        for number, item in enumerate(items):
            outcome: Outcome | None = self.usual_reading(message, item)
            if outcome is None:
                outcome = self._judge_by_rules(message, item)
                judged.append(number)
            if isinstance(item, Sample) and item.time is None:
                undated.append(number)
            outcomes.append(outcome)
        if len(items) > 1:
            for number in (*judged, *_refuse_undated_copies(undated, outcomes)):
                outcome, item = outcomes[number], items[number]
                if isinstance(outcome, Rejection) and isinstance(item, Sample):
                    _name_metric(outcome, item.metric)
                    if outcome.original is None:
                        outcome.original = item.original or original(message, item)
        return outcomes

    def judge(self, message: Message, sample: Sample) -> Outcome:
        """A reading, or why a sample is none."""
        return self.usual_reading(message, sample) or self._judge_by_rules(message, sample)

    def usual_reading(self, message: Message, item: Item) -> ValidReading | None:
        """The reading of a series that is known, with fields of the usual types: the hot path.

        It only repeats what the rules have allowed before. None of any other item, which they still have to judge.
        """
        if type(item) is not Sample and not isinstance(item, Sample):
            return None
        value, time, sequence = item.value, item.time, item.sequence
        device = message.device if item.device is None else self._device_of(message, item.device)
        try:
            quantity = self._quantities[item.unit][item.metric]
            converted = value * quantity.factor + quantity.offset
            if (
                (type(value) is float or type(value) is int)
                and -MAX_FLOAT <= converted <= MAX_FLOAT
                and (time is None or (self._takes_ms and type(time) is int))
                and MIN_EVENT_TIME_MS
                <= (event_time := (message.received_at_ms or message.append_time_ms) if time is None else time)
                <= message.append_time_ms + MAX_CLOCK_SKEW_MS
                and (sequence is None or (type(sequence) is int and -(2**63) <= sequence < 2**63))
                and device in self._devices
            ):
                return ValidReading(device, quantity.metric, event_time, converted, quantity.unit, sequence)
        except (KeyError, TypeError, OverflowError):
            pass  # a series that is new, or a type that the rules judge
        return None

    def _judge_by_rules(self, message: Message, item: Item) -> Outcome:
        if not isinstance(item, Sample):
            return item if isinstance(item, Ignored) else _readable(item)
        try:
            return self._reading(message, item)
        except _Refused as refused:
            return _readable(Rejection(refused.reason, refused.detail, item.original))

    def _device_of(self, message: Message, sent: Any) -> Any:
        """The device of a sample: what the payload says, unless the topic or the login says it."""
        if sent is None:
            return message.device
        is_behind = self._devices_have_devices and isinstance(sent, str) and sent.startswith(f"{message.device}/")
        return message.device if self._device_is_given and not is_behind else sent

    def _reading(self, message: Message, sample: Sample) -> ValidReading:
        device = self._device(self._device_of(message, sample.device), message)
        metric = _metric(sample.metric)
        value, unit = self._value(metric, sample.value, sample.unit)
        event_time = self._event_time(message, sample.time)
        sequence = _sequence(sample.sequence)
        quantity = self._quantity(metric, unit)
        converted = value * quantity.factor + quantity.offset
        if not math.isfinite(converted):
            raise _Refused(RejectReason.BAD_VALUE, f"value: {_text(sample.value)}")
        return ValidReading(device, metric, event_time, converted, quantity.unit, sequence)

    def _device(self, device: Any, message: Message) -> str:
        if device is None or device == "":
            raise _Refused(RejectReason.NO_DEVICE, _what_is_empty(self.source, message))
        if not isinstance(device, str) or len(device) > MAX_NAME_LENGTH or _UNUSABLE.search(device):
            raise _Refused(RejectReason.BAD_DEVICE, f"device: {_text(device)}")
        if device not in self._devices:
            if len(self._devices) >= self._max_known:
                self._devices.clear()
            self._devices.add(device)
        return device

    def _value(self, metric: str, value: Any, unit: Any) -> tuple[float, Any]:
        """The number, and the unit that it is in."""
        if value is None:
            raise _Refused(RejectReason.NO_VALUE, f"metric: {metric}")
        number: float | None = None
        if isinstance(value, str | bool) and self._words:
            number = self._words.get(_text(value).strip().casefold())
        if number is None and isinstance(value, str):
            number, unit = self._number_in_text(value, unit)
        elif number is None and isinstance(value, int | float) and not isinstance(value, bool):
            number = _float(value)
        if number is None or not math.isfinite(number):
            raise _Refused(RejectReason.BAD_VALUE, f"value: {_text(value)}")
        return number, unit

    def _number_in_text(self, text: str, unit: Any) -> tuple[float | None, Any]:
        number = text.strip(" ")
        if (
            self.source.unit_in_value
            and len(text) <= MAX_UNIT_LENGTH
            and (found := _NUMBER_WITH_UNIT.fullmatch(number))
        ):
            number, unit = found[1], unit or found[2]
        if self.source.decimal_comma and "." not in number and number.count(",") == 1:
            number = number.replace(",", ".")
        return (_float(number) if _NUMBER.fullmatch(number) else None), unit

    def _event_time(self, message: Message, sent: Any) -> int:
        time = (message.received_at_ms or message.append_time_ms) if sent is None else self._read_time(sent)
        if time is None:
            raise _Refused(RejectReason.BAD_TS, f"ts: {_text(sent)}")
        if not MIN_EVENT_TIME_MS <= time <= message.append_time_ms + MAX_CLOCK_SKEW_MS:
            shown = time if sent is None or self._takes_ms else _text(sent)
            raise _Refused(RejectReason.TS_OUT_OF_RANGE, f"ts: {shown}")
        return time

    def _quantity(self, metric: str, unit: Any) -> _Quantity:
        if not isinstance(unit, str | None) or (unit is not None and len(unit) > MAX_UNIT_LENGTH):
            raise _Refused(RejectReason.UNKNOWN_UNIT, f"unit: {_text(unit)}")
        quantity = self._quantities.get(unit, {}).get(metric)
        if quantity is None:
            quantity = self._new_quantity(metric, unit)
            if self._known >= self._max_known:
                self._quantities.clear()
                self._known = 0
            self._quantities.setdefault(unit, {})[metric] = quantity
            self._known += 1
        return quantity

    def _new_quantity(self, metric: str, unit: str | None) -> _Quantity:
        own = METRIC_UNITS.get(metric)
        if unit is None or unit == "":
            unit = self._unit_of_metric(metric)
            if unit is None:
                return _Quantity(metric, own)
        code = self._code(metric, unit, own)
        if code is None:
            raise _Refused(RejectReason.UNKNOWN_UNIT, f"unit: {unit}")
        conversion = CONVERSIONS[code]
        if own is not None and conversion.unit != own:
            raise _Refused(RejectReason.WRONG_UNIT, f"unit: {unit}, but {metric} is in {own}")
        return _Quantity(metric, conversion.unit, conversion.factor, conversion.offset)

    def _unit_of_metric(self, metric: str) -> str | None:
        return next((unit for pattern, unit in self._metric_units if pattern.matches(metric)), None)

    def _code(self, metric: str, unit: str, own: str | None) -> str | None:
        """By the source's spellings of this metric, its spellings of all, and ours."""
        for spellings in (self.source.units.get(metric), self.source.units):
            if not isinstance(spellings, str | None) and isinstance(code := spellings.get(unit.strip()), str):
                return unit_code(code, own)
        return unit_code(unit, own)


def _refuse_undated_copies(undated: Sequence[int], outcomes: list[Outcome]) -> list[int]:
    """Samples of one series without times would have one event time, and nobody can know when each was measured."""
    seen: set[tuple[str, str]] = set()
    refused = []
    for number in undated:
        outcome = outcomes[number]
        if isinstance(outcome, ValidReading):
            series = (outcome.device, outcome.metric)
            if series in seen:
                outcomes[number] = Rejection(RejectReason.AMBIGUOUS_TIME, f"metric: {outcome.metric}")
                refused.append(number)
            seen.add(series)
    return refused


def _name_metric(rejection: Rejection, metric: Any) -> None:
    """Say which of many samples was refused, where its detail has only what was wrong. The detail is cut again."""
    if rejection.reason in _WITHOUT_METRIC:
        rejection.detail = f"metric: {_text(metric)}, {rejection.detail}"[:MAX_DETAIL]


def _what_is_empty(source: Source, message: Message) -> str:
    """Where the device of a source comes from, when there was none."""
    template = source.device_template
    if template is None and source.device is None:
        return _EMPTY_IN_PAYLOAD.get(source.codec, "the payload names none")
    if template is None:
        return f"the payload has nothing at {source.device}, where the source has its device"
    names = LEVEL.findall(template)
    if LOGIN in names:
        return "nobody is logged in, and the source has its device from {login}: send with a device's token"
    empty = [f"{{{name}}}" for name in names if not message.levels.get(name)]
    return f"the topic's level {', '.join(empty)} is empty" if empty else "the record has no key, which is the device"


def _metric(sent: Any) -> str:
    """Numbers and booleans are names too, as they stand in JSON."""
    if sent is None or sent == "":
        raise _Refused(RejectReason.NO_METRIC, None)
    metric = _text(sent)
    if not isinstance(sent, str | int | float) or len(metric) > MAX_NAME_LENGTH or _UNUSABLE.search(metric):
        raise _Refused(RejectReason.BAD_METRIC, f"metric: {metric}")
    return metric


def _sequence(sent: Any) -> int | None:
    """A whole number, however it is written. Of a fraction nothing is cut, unlike of a time: 1.9 is no 1."""
    if sent is None:
        return None
    sequence = whole_number(sent)
    if sequence is None or Decimal(str(sent).strip(" ")) != sequence:
        raise _Refused(RejectReason.BAD_SEQ, f"seq: {_text(sent)}")
    return sequence


def _float(number: str | float) -> float | None:
    try:
        return float(number)
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    """What was sent, as text for a person."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, default=_plain) if isinstance(value, _JSON_TYPES) else _plain(value)
    except (RecursionError, TypeError, ValueError):
        return f"a value of type {type(value).__name__}"


def _plain(value: Any) -> str:
    """Of what JSON has no type for: a number as it was written, bytes, and the types of other formats."""
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return value.hex() if isinstance(value, bytes | bytearray) else str(value)


def _readable(rejection: Rejection) -> Rejection:
    """With a detail that is cut, and without lone surrogates, which no UTF-8 text holds."""
    if rejection.detail is not None:
        rejection.detail = rejection.detail[:MAX_DETAIL].encode("utf-8", "backslashreplace").decode()
    return rejection
