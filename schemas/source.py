"""Sources: which MQTT topics are read, and how their payloads become readings. sources.toml has one table for each."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from schemas.payload_format import (
    DEVICE_PLACES,
    NAMES_ITS_DEVICE,
    POINT_NAMES,
    SENML,
    TIME_FORMATS,
    Codec,
    TimeFormat,
)
from schemas.place import KEY, LEVEL, LOGIN, Expression, Place, is_constant, is_template
from schemas.topic_pattern import TopicPattern
from schemas.units import ACCEPTED_UNITS

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Dropped(StrEnum):
    """Kinds of values that a source may drop."""

    NULL = "null"
    TEXT = "text"
    BOOLEAN = "boolean"
    NESTED = "nested"


def _own_time_format(fields: Mapping[str, Any]) -> TimeFormat:
    codec = fields.get("data_codec" if fields.get("codec") is Codec.CLOUDEVENTS else "codec")
    return TimeFormat.MS if codec is None else TIME_FORMATS.get(codec, TimeFormat.MS)


def _several(given: Any) -> Any:
    return (given,) if isinstance(given, str) else given


def _of_all_metrics(given: Any) -> Any:
    return {"*": given} if isinstance(given, str) else given


def _topic_filters(given: tuple[str, ...]) -> tuple[str, ...]:
    for each in given:
        TopicPattern(each)
    return given


def _unit(given: str) -> str:
    if not any(given in codes for codes in ACCEPTED_UNITS.values()):
        raise ValueError("not an accepted UCUM code; docs/reference/units.md lists them")
    return given


def _words(given: Mapping[str, float]) -> Mapping[str, float]:
    seen: dict[str, tuple[str, float]] = {}
    for word, number in given.items():
        other, number_of_other = seen.setdefault(word.casefold(), (word, number))
        if number != number_of_other:
            raise ValueError(
                f"{word!r} and {other!r} are one word, in whatever case, and stand for two numbers: remove one of them"
            )
    return given


def _name(given: str) -> str:
    if NAME.fullmatch(given) is None:
        raise ValueError("a name has lower-case letters, digits, - and _, at most 63")
    return given


def _time_zone(given: str) -> str:
    try:
        ZoneInfo(given)
    except (KeyError, OSError, ValueError):  # not there; a folder; no name of a file
        raise ValueError("not a time zone of the IANA database, such as Europe/Berlin or UTC") from None
    return given


TopicFilters = Annotated[
    tuple[str, ...], BeforeValidator(_several), AfterValidator(_topic_filters), Field(min_length=1)
]
Globs = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_several)]
Unit = Annotated[str, AfterValidator(_unit)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Source(BaseModel):
    """One table `[[source]]` of sources.toml.

    A *place* says where something stands: a template over the named levels of the topic, such as `{line}-{device}`, or
    a JMESPath expression into the payload, such as `deviceInfo.devEui`; `'text'` is a constant there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, AfterValidator(_name)] = Field(
        description="identifies the source in the header `source`, in counters and in dead letters"
    )
    topic: TopicFilters = Field(
        description="MQTT topic filter, or a list of them; {device}, {metric} or another name stands for one level"
    )
    ignore: Annotated[tuple[str, ...], BeforeValidator(_several), AfterValidator(_topic_filters)] = Field(
        (), description="MQTT topic filters of messages that are passed over although `topic` matches them"
    )
    preset: str | None = Field(None, description="preset whose fields apply where the table does not state its own")
    codec: Codec = Field(Codec.HEADRACE, description="format of the payload")
    data_codec: Codec = Field(Codec.HEADRACE, description="format of the data of a CloudEvent")

    device: Place | None = Field(
        None, description="place of the device; without it the level {device}, or the format's own field"
    )
    devices: Expression | None = Field(
        None, description="JMESPath to an object that maps devices to an item or to a list of items"
    )
    items: Expression | None = Field(
        None, description="JMESPath to the list of items; without it the payload, or each element of an array"
    )
    values: Expression | None = Field(
        None, description="JMESPath, in an item, to an object that maps metrics to values; `@` is the item itself"
    )
    metric: Place | None = Field(
        None, description="place of the metric in an item; with `values` a template in which {key} is the field's name"
    )
    value: Expression | None = Field(None, description="JMESPath, in an item, to the value of `metric`")
    unit: Annotated[Mapping[str, Place], BeforeValidator(_of_all_metrics)] = Field(
        default_factory=dict,
        description="place of the unit, in the item or else in the payload; or a table of metrics (globs) and places",
    )
    sequence: Place | None = Field(None, description="place of the sequence number, in the item or in the payload")
    time: Place | None = Field(
        None, description="place of the event time, in the item or else in the payload; without it the time of arrival"
    )

    time_format: TimeFormat = Field(
        default_factory=lambda fields: _own_time_format(fields),
        description="how event times are written; without it as the format has them, or in ms",
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC", description="IANA name of the zone of ISO 8601 times that state none"
    )
    units: Mapping[str, Unit | Mapping[str, Unit]] = Field(
        default_factory=dict,
        description="unit as sent and its UCUM code; below the name of a metric: for that metric alone",
    )
    metric_units: Mapping[str, Unit] = Field(
        default_factory=dict, description="metric (a glob) and the UCUM code of values that are sent without a unit"
    )
    words: Annotated[Mapping[str, Number], AfterValidator(_words)] = Field(
        default_factory=dict,
        description="texts and booleans that stand for numbers, in any case: {on = 1, off = 0, true = 1, false = 0}",
    )
    decimal_comma: StrictBool = Field(False, description='read texts such as "21,4" as numbers')
    unit_in_value: StrictBool = Field(
        False, description='read texts such as "45%" or "21.4 °C" as a number with its unit'
    )

    drop: Annotated[tuple[Dropped, ...], BeforeValidator(_several)] = Field(
        (),
        description="kinds of values that are dropped, not rejected: null, text and boolean (those that stand for no "
        "number), nested",
    )
    include: Globs = Field((), description="globs of the metrics, as sent, that are kept; none: all")
    exclude: Globs = Field((), description="globs of the metrics, as sent, that are dropped")
    rename: Mapping[str, str] = Field(
        default_factory=dict,
        description="metric as sent (a glob) and its new name, in which each * is what a * of the glob matched; "
        "`unit` and `metric_units` know the new names",
    )
    flatten: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="separator that joins the names of nested objects; without it they are `nested_values`"
    )

    def __hash__(self) -> int:
        return hash(self.name)

    @model_validator(mode="after")
    def _fields_fit_together(self) -> "Source":
        for field, message in _contradictions(self):
            raise PydanticCustomError("contradiction", "{message}", {"field": field, "message": message})
        return self

    @cached_property
    def patterns(self) -> tuple[TopicPattern, ...]:
        """The topic filters with their names."""
        return tuple(map(TopicPattern, self.topic))

    @cached_property
    def ignored(self) -> tuple[TopicPattern, ...]:
        """The filters of topics that are passed over."""
        return tuple(map(TopicPattern, self.ignore))

    @property
    def payload_names_device(self) -> bool:
        """Whether the device is known only when the payload is decoded: the record's key is then the topic."""
        return self.device_template is None

    def levels(self, topic: str) -> Mapping[str, str]:
        """The named levels of a topic by the first filter that matches it; none where no filter does."""
        return next((levels for each in self.patterns if (levels := each.match(topic)) is not None), {})

    @cached_property
    def device_template(self) -> str | None:
        """What makes the device of the topic's levels or of the login; None where the payload names it."""
        if self.device is not None:
            return self.device if is_template(self.device) else None
        if self.devices is None and all("device" in pattern.names for pattern in self.patterns):
            return "{device}"
        return None


_READ_BY: Mapping[str, set[Codec]] = {
    **{field: {Codec.JSON} for field in ("devices", "items", "values", "value", "sequence", "time", "flatten")},
    "metric": {Codec.JSON, Codec.SCALAR, Codec.LINE_PROTOCOL},
    "unit": {Codec.JSON, Codec.SCALAR},
}
"""Fields that some formats read only."""


def _contradictions(source: Source) -> Iterator[tuple[str, str]]:
    """Fields that do not fit to others, each with what to write instead."""
    formats = _formats(source)
    yield from _misplaced_fields(source, formats)
    if Codec.JSON in formats:
        yield from _incomplete_mapping(source)
    yield from _unknown_levels(source)
    yield from _against_the_format(source, formats)
    if _nothing_names_the_device(source):
        yield "topic", 'nothing names the device: write {device} for its level, or device = "..."'
    for glob, name in source.rename.items():
        if name.count("*") > glob.count("*"):
            yield "rename", f"{name!r} has more * than {glob!r}: each stands for what one of the glob matched"


def _misplaced_fields(source: Source, formats: Collection[Codec]) -> Iterator[tuple[str, str]]:
    for field, readers in _READ_BY.items():
        if getattr(source, field) and not readers.intersection(formats):
            yield field, f'is read with codec = {_or(readers)} only, and this source has codec = "{source.codec}"'
    for field, place in _places(source):
        if is_template(place) or Codec.JSON in formats:
            continue
        if field == "device" and source.codec not in DEVICE_PLACES:
            readers = {Codec.JSON, *DEVICE_PLACES}
            yield field, f"is a JMESPath into the payload, which is read with codec = {_or(readers)} only"
        elif field in ("metric", "unit") and Codec.SCALAR in formats and not is_constant(place):
            yield field, 'is a JMESPath into the payload, which is read with codec = "json" only'


def _or(codecs: Iterable[Codec]) -> str:
    return " or ".join(f'"{codec}"' for codec in sorted(codecs))


def _against_the_format(source: Source, formats: Collection[Codec]) -> Iterator[tuple[str, str]]:
    if source.codec in DEVICE_PLACES and source.device is not None and not is_template(source.device):
        expression, example = DEVICE_PLACES[source.codec]
        if expression.fullmatch(source.device) is None:
            yield "device", f'is no place of a device in {source.codec}: write "{example}'
    if Codec.LINE_PROTOCOL in formats and source.metric and not _is_template_of_a_point(source.metric):
        yield "metric", "is a template of {measurement}, {field} and levels of the topic, with {field} once at most"
    if SENML & set(formats) and source.time_format is not TimeFormat.S:
        yield "time_format", "does not go with SenML, whose times are seconds: remove it"
    if source.codec is Codec.CLOUDEVENTS and source.data_codec in (Codec.CLOUDEVENTS, Codec.SPARKPLUG_B):
        yield "data_codec", f"is no format of an event's data: {source.data_codec}"
    names_metric = source.metric is not None or all("metric" in pattern.names for pattern in source.patterns)
    if Codec.SCALAR in formats and not names_metric:
        yield "metric", "a scalar has no name: write {metric} for its level of the topic, or metric = \"'NAME'\""


def _is_template_of_a_point(metric: str) -> bool:
    return is_template(metric) and metric.count("{field}") <= 1


def _incomplete_mapping(source: Source) -> Iterator[tuple[str, str]]:
    if source.devices and source.items:
        yield "items", "does not go with `devices`, which has the items below each device: remove one of them"
    if source.values and source.value:
        yield "value", "does not go with `values`, which has a metric in each field: remove one of them"
    if not source.values and not (source.metric and source.value):
        yield "codec", 'codec = "json" needs `values`, such as values = "@", or both `metric` and `value`'
    if source.values and source.metric and KEY not in LEVEL.findall(source.metric):
        yield "metric", 'beside `values`, contains {key}, the field\'s name: metric = "{key}" is the default'


def _unknown_levels(source: Source) -> Iterator[tuple[str, str]]:
    for pattern in source.patterns:
        for name in {LOGIN, KEY}.intersection(pattern.names):
            yield "topic", f"{{{name}}} has a meaning of its own: give this level another name"
        for field, place in _places(source):
            for name in set(LEVEL.findall(place)).difference(pattern.names, _own_names(source, field)):
                known = ", ".join(f"{{{each}}}" for each in pattern.names) or "no named level"
                yield field, f"{{{name}}} is no level of {pattern.pattern!r}, which has {known}"


def _own_names(source: Source, field: str) -> Collection[str]:
    """What a template of a field knows beside the levels."""
    if field == "device":
        return {LOGIN}
    if field == "metric":
        return {KEY} if source.values else POINT_NAMES if Codec.LINE_PROTOCOL in _formats(source) else ()
    return ()


def _formats(source: Source) -> Collection[Codec]:
    """The formats of a payload, from the outside to the inside."""
    return (source.codec, source.data_codec) if source.codec is Codec.CLOUDEVENTS else (source.codec,)


def _places(source: Source) -> Iterator[tuple[str, str]]:
    for field in ("device", "metric", "sequence", "time"):
        if place := getattr(source, field):
            yield field, place
    yield from (("unit", place) for place in source.unit.values())


def _nothing_names_the_device(source: Source) -> bool:
    return source.payload_names_device and not (source.device or source.devices or source.codec in NAMES_ITS_DEVICE)


DEFAULT_SOURCE = Source(name="fleet", topic=("fleet/{device}/telemetry",))
"""What is read where no sources.toml is."""
