"""Formats are imported when a source uses them."""

import pytest

from payload_codecs.registry import CODECS, KEEP_STATE, codec_of, examples_of
from schemas.payload_format import Codec
from schemas.source import Source

FIELDS = {
    Codec.JSON: {"values": "@"},
    Codec.SCALAR: {"topic": "a/{device}/{metric}"},
}


def source_of(codec):
    return Source(**{"name": "a", "topic": "a/{device}", "codec": codec, **FIELDS.get(codec, {})})


@pytest.mark.parametrize("codec", Codec)
def test_every_format_has_a_codec_for_a_source(codec):
    assert type(codec_of(source_of(codec))).__name__ == CODECS[codec][1]


@pytest.mark.parametrize("codec", Codec)
def test_the_registry_knows_which_formats_keep_state(codec):
    assert hasattr(codec_of(source_of(codec)), "new_state") == (codec in KEEP_STATE)


def test_the_examples_of_a_format_are_of_that_format():
    for codec in CODECS:
        assert {example.source.codec for example in examples_of(codec)} == {codec}
