"""include, exclude, rename and drop, for every format that does not apply them itself."""

import pytest

from payload_codecs.codec import Ignored, Sample
from payload_codecs.message import Message
from payload_codecs.registry import stateless_codec_of
from payload_codecs.selection import Selection
from schemas.limits import MAX_NAME_LENGTH
from schemas.source import Source

PAYLOAD = b'{"ts":1719800000123,"values":{"t":21.4,"secret":1,"state":"idle","none":null,"nested":{}}}'


def source(**fields):
    return Source(**{"name": "a", "topic": "a/{device}", **fields})


def decoded(payload=PAYLOAD, **fields):
    codec = stateless_codec_of(source(**fields))
    message = Message(payload, "x", "a/x", {"device": "x"})
    return message, codec, codec.decode(message)


def test_our_json_is_selected_from_and_renamed():
    _, _, found = decoded(include=["t", "s*"], exclude="secret", rename={"t": "temperature"}, drop=["text", "null"])
    assert [(each.metric, each.value) for each in found if isinstance(each, Sample)] == [("temperature", 21.4)]


def test_the_original_of_a_renamed_sample_has_the_name_that_was_sent():
    message, codec, found = decoded(include="t", rename={"t": "temperature"})
    payload = codec.original(message, found[0])
    assert payload == b'{"values":{"t":21.4},"ts":1719800000123}'
    assert [each.metric for each in codec.decode(Message(payload, "x", "a/x"))] == ["temperature"]


def test_a_message_of_which_nothing_is_kept_is_ignored():
    _, _, found = decoded(b'{"values":{"secret":1}}', exclude="*")
    assert [type(each) for each in found] == [Ignored]


def test_what_cannot_be_read_is_still_rejected():
    _, _, found = decoded(b"{", exclude="*")
    assert [each.reason for each in found] == ["not_json"]


def test_scalars_and_line_protocol_are_selected_from():
    _, _, found = decoded(b"weather,site=a t=1,secret=2", codec="line-protocol", exclude="*secret")
    assert [each.metric for each in found] == ["weather.t"]
    _, _, found = decoded(b"1", codec="scalar", metric="{device}", rename={"x": "y"})
    assert [each.metric for each in found] == ["y"]


def test_a_cloudevent_is_selected_from_once():
    event = b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"values":{"t":1}}}'
    _, _, found = decoded(event, codec="cloudevents", rename={"*": "a*"})
    assert [each.metric for each in found] == ["at"]


def test_a_name_that_is_too_long_is_left_to_validation():
    name = "a" * (MAX_NAME_LENGTH + 1)
    assert Selection(source(exclude="*")).name(name) == name


@pytest.mark.parametrize("text", ["21.4", " -3", "+.5", "45%", "21,4", "1e5", "21.4 °C", "1 m3/h"[:3]])
def test_texts_that_may_be_numbers_are_no_text_to_drop(text):
    assert not Selection(source(drop="text")).drops(text)


@pytest.mark.parametrize("text", ["", "idle", "2026-11-30T09:12:04", "0T00:15:08", "192.0.2.7", "1-2", "x1", "9" * 101])
def test_other_texts_are(text):
    assert Selection(source(drop="text")).drops(text)
