"""Formats are imported when a source uses them."""

import pytest

from payload_codecs.registry import CODECS, NoCodec, codec_of, examples_of, stateless_codec_of
from schemas.payload_format import Codec
from schemas.source import DEFAULT_SOURCE, Source

FIELDS = {
    Codec.JSON: {"values": "@"},
    Codec.SCALAR: {"topic": "a/{device}/{metric}"},
}


@pytest.mark.parametrize("codec", CODECS)
def test_a_registered_format_has_a_codec_for_a_source(codec):
    source = Source(**{"name": "a", "topic": "a/{device}", "codec": codec, **FIELDS.get(codec, {})})
    assert type(codec_of(source)).__name__ == CODECS[codec][1]


@pytest.mark.parametrize("codec", sorted(set(Codec) - set(CODECS)))
def test_a_format_without_a_codec_is_named_with_those_that_have_one(codec):
    source = Source(name="line-4", topic="a/{device}", codec=codec)
    with pytest.raises(NoCodec, match=rf"source line-4: no codec decodes {codec}. Choose one of: .*scalar"):
        codec_of(source)


def test_the_examples_of_a_format_are_of_that_format():
    for codec in CODECS:
        assert {example.source.codec for example in examples_of(codec)} == {codec}


def test_the_default_source_has_a_codec_without_state():
    assert stateless_codec_of(DEFAULT_SOURCE) is not None
