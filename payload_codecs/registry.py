"""Which class decodes a format. A format registers with one line, and is imported when a source uses it."""

from importlib import import_module
from typing import cast

from payload_codecs.codec import Codec, StatefulCodec
from payload_codecs.example import Example
from schemas.errors import TerminalError
from schemas.source import Codec as Format
from schemas.source import Source

CODECS: dict[Format, tuple[str, str]] = {
    Format.SCALAR: ("payload_codecs.scalar", "Scalar"),
    Format.SENML_JSON: ("payload_codecs.senml", "SenmlJson"),
    Format.SENML_CBOR: ("payload_codecs.senml", "SenmlCbor"),
    Format.LINE_PROTOCOL: ("payload_codecs.line_protocol", "LineProtocol"),
    Format.CLOUDEVENTS: ("payload_codecs.cloudevents", "CloudEvents"),
}
"""Format -> module and class. The class takes a Source; the module's EXAMPLES are its test vectors."""


class NoCodec(TerminalError):
    """A source names a format that this version does not decode."""


class UnusableSource(TerminalError):
    """A source has a setting that its format cannot follow."""


def codec_of(source: Source) -> Codec | StatefulCodec[object]:
    """The codec of a source, made for its settings.

    Raises
    ------
    NoCodec
        Where no class decodes the format.
    UnusableSource
        Where the format cannot follow one of the source's settings.
    """
    if source.codec not in CODECS:
        known = ", ".join(sorted(CODECS))
        raise NoCodec(f"source {source.name}: no codec decodes {source.codec}. Choose one of: {known}")
    module, name = CODECS[source.codec]
    try:
        return cast(Codec, getattr(import_module(module), name)(source))
    except ValueError as error:
        raise UnusableSource(f"source {source.name}: {error}") from error


def stateless_codec_of(source: Source) -> Codec:
    """The codec of a source whose format has no state.

    Raises
    ------
    UnusableSource
        Where the format has state.
    """
    codec = codec_of(source)
    if hasattr(codec, "new_state"):
        raise UnusableSource(
            f"source {source.name}: {source.codec} keeps state, and cannot stand inside another format"
        )
    return codec


def examples_of(codec: Format) -> tuple[Example, ...]:
    """The test vectors of a format, in the order of its documentation."""
    module = import_module(CODECS[codec][0])
    return tuple(example for example in module.EXAMPLES if example.source.codec is codec)
