"""Which class decodes a format. A format registers with one line, and is imported when a source uses it."""

from importlib import import_module
from typing import Any, cast

from payload_codecs.codec import Codec, Command, Item, StatefulCodec
from payload_codecs.example import Example
from payload_codecs.message import Message
from payload_codecs.selection import SelectedSamples, selects
from schemas.payload_format import Codec as Format
from schemas.source import Source

CODECS: dict[Format, tuple[str, str]] = {
    Format.HEADRACE: ("payload_codecs.headrace_json", "HeadraceJson"),
    Format.JSON: ("payload_codecs.mapped_json", "MappedJson"),
    Format.SCALAR: ("payload_codecs.scalar", "Scalar"),
    Format.SENML_JSON: ("payload_codecs.senml", "SenmlJson"),
    Format.SENML_CBOR: ("payload_codecs.senml", "SenmlCbor"),
    Format.LINE_PROTOCOL: ("payload_codecs.line_protocol", "LineProtocol"),
    Format.SPARKPLUG_B: ("payload_codecs.sparkplug_b.codec", "SparkplugB"),
    Format.CLOUDEVENTS: ("payload_codecs.cloudevents", "CloudEvents"),
}
"""Format -> module and class. The class takes a Source; the module's EXAMPLES are its test vectors."""

SELECT_THEMSELVES = frozenset({Format.JSON, Format.CLOUDEVENTS, Format.SPARKPLUG_B})
"""Formats that apply `include`, `exclude`, `rename` and `drop` themselves, CloudEvents by the codec of the data."""


KEEP_STATE = frozenset({Format.SPARKPLUG_B})
"""Formats whose codec is a StatefulCodec."""


def codec_of(source: Source) -> Codec | StatefulCodec[Any]:
    """The codec of a source, made for its settings."""
    module, name = CODECS[source.codec]
    codec = cast(Codec, getattr(import_module(module), name)(source))
    return SelectedSamples(codec, source) if selects(source) and source.codec not in SELECT_THEMSELVES else codec


def stateless_codec_of(source: Source) -> Codec:
    """The codec of a source whose format is not among KEEP_STATE."""
    return cast(Codec, codec_of(source))


class _EachMessageAlone:
    """A stateful codec as one without memory: each message is the first of its sender."""

    def __init__(self, codec: StatefulCodec[Any]) -> None:
        self._codec = codec
        self.original = codec.original

    def decode(self, message: Message) -> list[Item]:
        items = self._codec.decode(message, self._codec.new_state())
        return [item for item in items if not isinstance(item, Command)]


def lone_codec_of(source: Source) -> Codec:
    """The codec of a source for a message that is looked at alone, as people do."""
    codec: Any = codec_of(source)
    return _EachMessageAlone(codec) if source.codec in KEEP_STATE else cast(Codec, codec)


def examples_of(codec: Format) -> tuple[Example, ...]:
    """The test vectors of a format, in the order of its documentation."""
    module = import_module(CODECS[codec][0])
    return tuple(example for example in module.EXAMPLES if example.source.codec is codec)
