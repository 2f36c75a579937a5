"""The payload formats that a source may name, and what each says by itself of devices and times."""

import re
from enum import StrEnum


class Codec(StrEnum):
    """The payload formats, by the name that sources.toml uses. payload_codecs/registry.py has their codecs."""

    HEADRACE = "headrace"
    JSON = "json"
    SCALAR = "scalar"
    SENML_JSON = "senml-json"
    SENML_CBOR = "senml-cbor"
    LINE_PROTOCOL = "line-protocol"
    CLOUDEVENTS = "cloudevents"
    SPARKPLUG_B = "sparkplug-b"


class TimeFormat(StrEnum):
    """How a source writes event times."""

    MS = "ms"
    S = "s"
    US = "us"
    NS = "ns"
    ISO8601 = "iso8601"
    AUTO = "auto"


NAMES_ITS_DEVICE = frozenset(
    {Codec.SENML_JSON, Codec.SENML_CBOR, Codec.LINE_PROTOCOL, Codec.CLOUDEVENTS, Codec.SPARKPLUG_B}
)
"""Formats with a place of their own for the device."""


SENML = frozenset({Codec.SENML_JSON, Codec.SENML_CBOR})

TIME_FORMATS = {**dict.fromkeys(SENML, TimeFormat.S), Codec.LINE_PROTOCOL: TimeFormat.NS}
"""How a format writes event times where its source does not say."""

DEVICE_PLACES = {
    **dict.fromkeys(SENML, (re.compile("bn"), 'bn", the base name')),
    Codec.LINE_PROTOCOL: (re.compile(r'tags\.([A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")'), 'tags.NAME", the tag NAME'),
    Codec.CLOUDEVENTS: (re.compile("[a-z0-9]+"), 'subject" or another attribute of the event'),
}
"""What `device` may be in a format that names devices: the expression, and what to write."""

POINT_NAMES = frozenset({"measurement", "field"})
"""Names that the metric of a point of the line protocol has beside the topic's levels."""
