"""SenML packs in JSON and CBOR (RFC 8428): lists of records that share base fields."""

import io
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, cast

import cbor2
import msgspec

from payload_codecs.codec import Item, Rejection, Sample
from payload_codecs.example import RECEIVED_AT_MS, Example
from payload_codecs.message import Message
from payload_codecs.senml_units import UCUM_OF_SENML, integral_of
from schemas.limits import MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH
from schemas.reject_reasons import RejectReason
from schemas.source import Source

SMALLEST_ABSOLUTE_TIME_S = 2**28
"""Smaller times are relative to now (section 4.5.3)."""

VERSION = 10

OWN_QUANTITIES = frozenset({"lat", "lon", "EL", "%EL"})
"""Units that name a quantity of their own: in section 5.1.3 one name has a humidity, a position and a battery level."""

SEPARATORS = ":/._-"
"""What joins a base name to the names behind it, and is no part of the device."""

LABELS = {
    -6: "bs", -5: "bv", -4: "bu", -3: "bt", -2: "bn", -1: "bver",
    0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
}  # fmt: skip
"""CBOR label -> JSON label (section 6, table 4)."""

_BASES = frozenset({"bs", "bv", "bu", "bt", "bn", "bver"})
_VALUES = ("v", "vs", "vb", "vd")

Record = Mapping[Any, Any]


class _NotSenml(Exception):
    """The pack as a whole cannot be read; the message says why."""


class _Unreadable(Exception):
    """A record cannot be read; its siblings can."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class SenmlSample(Sample, gc=False):
    """A value with the texts that make a record of its own of it.

    Parameters
    ----------
    base, name
        Base name and name of the record, as they stood.
    label
        Of the value: v, vb, vs or s.
    written_unit
        The unit as it stood.
    """

    base: str = ""
    name: str = ""
    label: str = "v"
    written_unit: str | None = None


class _Bases(msgspec.Struct):
    """The base fields in force: those of a record hold for it and for the records behind it (section 4.1)."""

    name: str = ""
    time: float = 0
    unit: str | None = None
    value: float | None = None
    sum: float | None = None

    def update(self, record: Record) -> None:
        """Take over the base fields of a record. Raises _NotSenml when one is invalid."""
        if "bn" in record:
            self.name = _short_text("bn", record["bn"])
        if "bu" in record:
            self.unit = _short_text("bu", record["bu"])
        if "bt" in record:
            self.time = _base_number("bt", record["bt"])
        if "bv" in record:
            self.value = _base_number("bv", record["bv"])
        if "bs" in record:
            self.sum = _base_number("bs", record["bs"])
        version = record.get("bver", VERSION)
        if type(version) is not int or not 0 < version <= VERSION:
            raise _NotSenml(f"bver is {_shown(version)}, and versions 1 to {VERSION} are known")


class Senml(ABC):
    """What JSON and CBOR share: base fields are resolved, and each record becomes the samples that it holds.

    A number (`v`, with the base value) is a sample. So is a boolean (`vb`), and a text (`vs`) for which the source has
    a number in `words`; any other text, and data (`vd`), is `bad_value`. A sum (`s`, with the base sum) is a sample of
    the metric `NAME.sum` in the unit times seconds. A record of base fields alone is no item.

    The metric is the name with its base name. With `device = "bn"`, or where neither the source nor the topic has a
    device, the base name without its last separator is the device, and the metric is the name behind it. A record
    without a name of its own is then named after its unit.

    Times are seconds. A time below 2**28 is relative to the message's arrival; without a time it is that.
    """

    def __init__(self, source: Source) -> None:
        self._device_is_base = source.device_template is None
        self._words = frozenset(word.casefold() for word in source.words)

    def decode(self, message: Message) -> Sequence[Item]:
        """The items of the pack; one rejection where it is no pack."""
        if not message.payload:
            return [Rejection(RejectReason.EMPTY_PAYLOAD)]
        records = self._records(message.payload)
        if isinstance(records, Rejection):
            return [records]
        if len(records) > 2 * MAX_MESSAGE_ITEMS:  # base fields need no more records than there are values
            return [Rejection(RejectReason.TOO_MANY_ITEMS)]
        try:
            items = list(self._items(records, message))
        except _NotSenml as error:
            return [Rejection(RejectReason.NOT_SENML, str(error))]
        if len(items) > MAX_MESSAGE_ITEMS:
            return [Rejection(RejectReason.TOO_MANY_ITEMS)]
        return items or [Rejection(RejectReason.NOT_SENML, "the pack has no record with a value")]

    def original(self, message: Message, sample: Sample) -> bytes:
        """A pack of one resolved record (section 4.6)."""
        sample = cast(SenmlSample, sample)  # decode makes no others
        fields = {
            "bn": sample.base or None,
            "n": sample.name or None,
            "u": sample.written_unit,
            "t": sample.time,
            sample.label: sample.value,
        }
        return self._encoded([{label: value for label, value in fields.items() if value is not None}])

    @abstractmethod
    def _records(self, payload: bytes) -> Sequence[Any] | Rejection:
        """The elements of the pack, each as `_record` reads and `_encoded` writes it."""

    @abstractmethod
    def _record(self, written: Any) -> Any:
        """An element with the labels of JSON. Raises _Unreadable."""

    @abstractmethod
    def _encoded(self, records: Sequence[Any]) -> bytes:
        """A pack of records with the labels of JSON, and of elements as `_records` has them."""

    def _items(self, records: Sequence[Any], message: Message) -> Iterator[Item]:
        bases = _Bases()
        for number, written in enumerate(records, 1):
            try:
                record = self._record(written)
                bases.update(record)
                if not record or record.keys() - _BASES:
                    yield from self._items_of(record, bases, message)
            except _Unreadable as error:
                yield Rejection(error.reason, f"record {number}: {error}", self._rejected(written, bases))

    def _rejected(self, written: Any, bases: _Bases) -> bytes:
        """The record as it stood, behind one of the base fields in force."""
        fields = {
            "bn": bases.name or None, "bt": bases.time or None, "bu": bases.unit, "bv": bases.value, "bs": bases.sum,
        }  # fmt: skip
        before = {label: value for label, value in fields.items() if value is not None}
        return self._encoded([before, written] if before else [written])

    def _items_of(self, record: Record, bases: _Bases, message: Message) -> Iterator[Item]:
        name, unit, time = _name(record, bases), _unit(record, bases), _time(record, bases, message)
        if must_understand := [label for label in record if isinstance(label, str) and label.endswith("_")]:
            raise _Unreadable(RejectReason.NOT_SENML, f"{_shown(must_understand[0])} must be understood and is not")
        ucum = None if unit is None else UCUM_OF_SENML.get(unit, unit)
        metric, device = self._metric_and_device(bases.name, name, unit)
        value = self._value(record, bases)
        integral = _sum(record, bases)
        if value is not None:
            yield SenmlSample(
                metric,
                value[1],
                time,
                ucum,
                device=device,
                base=bases.name,
                name=name,
                label=value[0],
                written_unit=unit,
            )
        if integral is not None:
            ucum = None if ucum is None else integral_of(ucum)
            yield SenmlSample(
                f"{metric}.sum", integral, time, ucum,
                device=device, base=bases.name, name=name, label="s", written_unit=unit,
            )  # fmt: skip
        if value is None and integral is None:
            raise _Unreadable(RejectReason.NO_VALUE, "has none of v, vs, vb, vd and s")

    def _metric_and_device(self, base: str, name: str, unit: str | None) -> tuple[str, str | None]:
        if self._device_is_base and base:
            return name or unit or "value", base.rstrip(SEPARATORS) or base
        own = f":{unit}" if not name and unit in OWN_QUANTITIES else ""
        return f"{base}{name}{own}", None

    def _value(self, record: Record, bases: _Bases) -> tuple[str, Any] | None:
        """The label and value of the one value field; None where a record has a sum alone."""
        labels = [label for label in _VALUES if label in record]
        if len(labels) > 1:
            raise _Unreadable(RejectReason.NOT_SENML, f"has both {labels[0]} and {labels[1]}")
        if not labels:
            has_sum = "s" in record or bases.sum is not None
            return None if has_sum or bases.value is None else ("v", bases.value)
        label, value = labels[0], record[labels[0]]
        if label == "v":
            return "v", _added("v", value, bases.value)
        if label == "vb" and isinstance(value, bool):
            return label, value
        if label == "vs" and isinstance(value, str) and value.strip().casefold() in self._words:
            return label, value
        kinds = {"vb": "no boolean", "vs": "a text", "vd": "data"}
        raise _Unreadable(RejectReason.BAD_VALUE, f"{label} is {kinds[label]}: {_shown(value)}")


class SenmlJson(Senml):
    """application/senml+json (section 5)."""

    _PACK: ClassVar = msgspec.json.Decoder(list[msgspec.Raw])
    _RECORD: ClassVar = msgspec.json.Decoder()

    def _records(self, payload: bytes) -> Sequence[Any] | Rejection:
        try:
            return self._PACK.decode(payload.removeprefix(b"\xef\xbb\xbf").rstrip(b"\0"))
        except msgspec.ValidationError as error:
            return Rejection(RejectReason.NOT_SENML, f"a pack is an array of records: {error}")
        except (msgspec.DecodeError, RecursionError) as error:
            return Rejection(RejectReason.NOT_JSON, str(error))

    def _record(self, written: Any) -> Any:
        try:
            record = self._RECORD.decode(written)
        except msgspec.ValidationError as error:
            raise _Unreadable(RejectReason.BAD_VALUE, str(error)) from error
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise _Unreadable(RejectReason.NOT_JSON, str(error)) from error
        if not isinstance(record, dict):
            raise _Unreadable(RejectReason.NOT_SENML, "is no object")
        return record

    def _encoded(self, records: Sequence[Any]) -> bytes:
        return msgspec.json.encode(records)


class SenmlCbor(Senml):
    """application/senml+cbor (section 6). Numbers may be decimal fractions; other tags are refused."""

    _MAX_DEPTH: ClassVar = 8  # a pack needs 3: array, record, decimal fraction

    def _records(self, payload: bytes) -> Sequence[Any] | Rejection:
        stream = io.BytesIO(payload)
        decoder = cbor2.CBORDecoder(stream, max_depth=self._MAX_DEPTH, semantic_decoders=_REFUSED_TAGS)
        try:
            pack = decoder.decode()
        except cbor2.CBORError as error:
            return Rejection(RejectReason.NOT_CBOR, _shortened(str(error)))
        if stream.tell() < len(payload):
            return Rejection(RejectReason.NOT_CBOR, f"{len(payload) - stream.tell()} bytes follow the data item")
        if not isinstance(pack, list):
            return Rejection(RejectReason.NOT_SENML, "a pack is an array of records")
        return pack

    def _record(self, written: Any) -> Any:
        if not isinstance(written, dict):
            raise _Unreadable(RejectReason.NOT_SENML, "is no map")
        return {LABELS.get(label, label) if type(label) is int else label: value for label, value in written.items()}

    def _encoded(self, records: Sequence[Any]) -> bytes:
        return cbor2.dumps([_numbered(record) for record in records])


_NUMBERS = {label: number for number, label in LABELS.items()}


def _numbered(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    return {_NUMBERS.get(label, label) if isinstance(label, str) else label: value for label, value in record.items()}


def _refuse(*_: Any) -> Any:
    raise ValueError("this tag has no place in SenML")


_REFUSED_TAGS = dict.fromkeys(
    (0, 1, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000), _refuse
)
"""Tags that cbor2 would turn into dates, patterns, addresses or shared values: work for whoever sends them to us."""


def _short_text(label: str, given: Any) -> str:
    if not isinstance(given, str):
        raise _NotSenml(f"{label} is no text: {_shown(given)}")
    if len(given) > MAX_NAME_LENGTH:
        raise _NotSenml(f"{label} has {len(given)} characters, {MAX_NAME_LENGTH} are allowed")
    return given


def _base_number(label: str, given: Any) -> float:
    number = _number(given)
    if number is None or not math.isfinite(number):
        raise _NotSenml(f"{label} is no finite number: {_shown(given)}")
    return number


def _number(given: Any) -> float | None:
    """A number of JSON or CBOR as a float, or as the int it was; None for what is none."""
    if type(given) is int:
        return given if -(2**63) <= given < 2**64 else _float(given)
    if type(given) is float:
        return given
    return _float(given) if isinstance(given, Decimal) else None


def _float(given: int | Decimal) -> float:
    try:
        return float(given)
    except OverflowError:
        return math.inf


def _added(label: str, given: Any, base: float | None) -> float:
    number = _number(given)
    if number is None:
        raise _Unreadable(RejectReason.BAD_VALUE, f"{label} is no number: {_shown(given)}")
    total = number if base is None else number + base
    if not math.isfinite(total):
        raise _Unreadable(RejectReason.BAD_VALUE, f"{label} is not finite")
    return total


def _sum(record: Record, bases: _Bases) -> float | None:
    if "s" not in record and bases.sum is None:
        return None
    return _added("s", record.get("s", 0), bases.sum)


def _name(record: Record, bases: _Bases) -> str:
    name = record.get("n", "")
    if not isinstance(name, str):
        raise _Unreadable(RejectReason.BAD_METRIC, f"n is no text: {_shown(name)}")
    if not name and not bases.name:
        raise _Unreadable(RejectReason.NO_METRIC, "has neither a name nor a base name")
    return name


def _unit(record: Record, bases: _Bases) -> str | None:
    unit = record.get("u", bases.unit)
    if unit is not None and not isinstance(unit, str):
        raise _Unreadable(RejectReason.UNKNOWN_UNIT, f"u is no text: {_shown(unit)}")
    return unit or None


def _time(record: Record, bases: _Bases, message: Message) -> float | None:
    """Seconds since the epoch; None for now."""
    given = _number(record.get("t", 0))
    if given is None or not math.isfinite(given + bases.time):
        raise _Unreadable(RejectReason.BAD_TS, f"t is no finite number: {_shown(record.get('t'))}")
    time = given + bases.time
    if time == 0:
        return None
    if time >= SMALLEST_ABSOLUTE_TIME_S:
        return time
    absolute = (message.received_at_ms + round(time * 1000)) / 1000
    if absolute < SMALLEST_ABSOLUTE_TIME_S:  # a record of it would be relative again
        raise _Unreadable(RejectReason.TS_OUT_OF_RANGE, f"t is {-time:.0f} s before the message")
    return absolute


def _shown(value: Any) -> str:
    return _shortened(repr(value)) if not isinstance(value, str | bytes) else _shortened(repr(value[:50]))


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


EXAMPLES = (
    Example(
        "The base name is the device. A boolean is a sample, a text is none.",
        'topic = "meters/#"\ncodec = "senml-json"\nwords = {true = 1, false = 0}',
        "meters/hall",
        b'[{"bn":"urn:dev:ow:10e2073a01080063:","bt":1780000000,"n":"voltage","u":"V","v":120.1},'
        b'{"n":"current","u":"A","t":-5,"v":1.2},{"n":"running","vb":true},{"n":"label","vs":"Machine Room"}]',
        (
            Sample("voltage", 120.1, 1780000000, "V", device="urn:dev:ow:10e2073a01080063"),
            Sample("current", 1.2, 1779999995, "A", device="urn:dev:ow:10e2073a01080063"),
            Sample("running", True, 1780000000, device="urn:dev:ow:10e2073a01080063"),
            Rejection(RejectReason.BAD_VALUE, "record 4: vs is a text: 'Machine Room'"),
        ),
    ),
    Example(
        "The topic names the device. A record without a time is of the message's arrival, a small time relative to it.",
        'topic = "plant/{device}/senml"\ncodec = "senml-json"',
        "plant/pump-7/senml",
        b'[{"n":"temperature","u":"Cel","v":23.1},{"n":"humidity","u":"%RH","v":40,"t":-2.5}]',
        (
            Sample("temperature", 23.1, unit="Cel"),
            Sample("humidity", 40, (RECEIVED_AT_MS - 2500) / 1000, "%"),
        ),
    ),
    Example(
        "A value with its integral over time: two samples.",
        'topic = "plant/{device}/senml"\ncodec = "senml-json"',
        "plant/pump-7/senml",
        b'[{"n":"power","u":"W","v":300,"s":86400.5,"t":1780000000}]',
        (Sample("power", 300, 1780000000, "W"), Sample("power.sum", 86400.5, 1780000000, "W.s")),
    ),
    Example(
        "A pack of two records in CBOR.",
        'topic = "plant/{line}/senml"\ncodec = "senml-cbor"',
        "plant/4/senml",
        cbor2.dumps([{-2: "pump-7/", -3: 1780000000, 0: "voltage", 1: "V", 2: 120.1}, {0: "current", 1: "A", 2: 1.2}]),
        (
            Sample("voltage", 120.1, 1780000000, "V", device="pump-7"),
            Sample("current", 1.2, 1780000000, "A", device="pump-7"),
        ),
    ),
)
