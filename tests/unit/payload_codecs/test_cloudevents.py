"""CloudEvents in structured, batched and binary mode."""

import base64
import json

import pytest

from payload_codecs.cloudevents import CloudEvents
from payload_codecs.codec import Rejection, Sample
from payload_codecs.example import plain_item
from payload_codecs.message import Message
from schemas.limits import MAX_MESSAGE_ITEMS
from schemas.reject_reasons import RejectReason
from schemas.source import Source

READING = {"metric": "torque", "value": 4.1}
TIME = "2026-05-28T20:26:40.123Z"
TIME_MS = 1_780_000_000_123


def event(**members):
    return {"specversion": "1.0", "id": "1", "source": "/plant/4", "type": "reading", "data": READING, **members}


def decode(payload, headers=None, topic="events/{device}", **fields):
    source = Source(**{"name": "events", "topic": topic, "codec": "cloudevents", **fields})
    payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return CloudEvents(source).decode(
        Message(payload, None, "events/press-1", {"device": "press-1"}, headers=headers or {})
    )


def decoded(*given, **fields):
    return [plain_item(item) for item in decode(*given, **fields)]


def reasons(*given, **fields):
    return [item.reason for item in decode(*given, **fields) if isinstance(item, Rejection)]


def test_the_data_of_an_event_are_our_json_unless_the_source_says_otherwise():
    assert decoded(event()) == [Sample("torque", 4.1)]
    assert decoded(event(data=17.5), topic="events/{device}/{metric}", data_codec="scalar") == [Sample(None, 17.5)]
    assert decoded(event(data=[{"n": "a", "v": 1}]), data_codec="senml-json") == [Sample("a", 1)]


@pytest.mark.parametrize("version", [1.0, 1, 0.3, None, True, ["1.0"], {}])
def test_a_version_that_is_no_text_is_rejected_with_what_to_write(version):
    (rejected,) = decode(event(specversion=version))
    assert rejected.reason is RejectReason.NOT_A_CLOUDEVENT
    assert rejected.detail == 'has a `specversion` that is no text; write it in quotes, "1.0"'


def test_a_version_that_is_not_known_is_named():
    (rejected,) = decode(event(specversion="2.0"))
    assert rejected.detail == "is of version '2.0'; 1.0 and 0.3 are known"


@pytest.mark.parametrize(
    ("time_format", "time"),
    [
        ("ms", TIME_MS),
        ("s", TIME_MS / 1000),
        ("us", TIME_MS * 1000),
        ("ns", TIME_MS * 1_000_000),
        ("auto", TIME_MS),
        ("iso8601", TIME),
    ],
)
def test_the_time_of_an_event_is_that_of_items_without_one_as_its_source_writes_times(time_format, time):
    data = {"ts": 5, "values": {"a": 1}}
    assert decoded(event(time=TIME), time_format=time_format) == [Sample("torque", 4.1, time)]
    assert decoded(event(time=TIME, data=data), time_format=time_format) == [Sample("a", 1, 5)]


@pytest.mark.parametrize(
    "time", ["2026-05-28T22:26:40.123+02:00", "2026-05-28t20:26:40.123z", "2026-05-28T20:26:40.123999Z"]
)
def test_times_of_rfc_3339_are_read(time):
    assert decoded(event(time=time)) == [Sample("torque", 4.1, TIME_MS)]


@pytest.mark.parametrize(
    "time",
    ["noon", "1780000000123", 1780000000123, "2026-02-31T00:00:00Z", "2026-05-28T20:26:40", "2026-05-28", [], ""],
)
def test_an_event_with_a_time_that_is_none_is_rejected_unless_its_items_have_their_own(time):
    assert reasons(event(time=time)) == [RejectReason.BAD_TS]
    assert decoded(event(time=time, data={**READING, "ts": 5})) == [Sample("torque", 4.1, 5)]


def test_an_attribute_may_be_the_device():
    assert decoded(event(subject="press-2"), device="subject")[0].device == "press-2"
    assert decoded(event(deviceid="press-2"), device="deviceid")[0].device == "press-2"
    assert decoded(event(), device="subject")[0].device is None
    assert decoded(event(), topic="events/#")[0].device == "/plant/4"
    assert decoded(event())[0].device is None  # the topic's


def test_a_device_in_the_data_comes_before_the_source_of_the_event():
    line = event(data="m,device=press-3 f=1", datacontenttype="text/plain")
    assert decoded(line, topic="events/#", data_codec="line-protocol")[0].device == "press-3"
    assert decoded(line, topic="events/#", data_codec="line-protocol", device="source")[0].device == "/plant/4"


def test_a_bad_event_of_a_batch_is_rejected_alone_with_its_bytes():
    first, rejected, last = decode([event(), {"id": "2"}, event(data={"metric": "b", "value": 2})])
    assert [first.metric, last.metric] == ["torque", "b"]
    assert (rejected.reason, rejected.original) == (RejectReason.NOT_A_CLOUDEVENT, b'[{"id": "2"}]')
    assert rejected.detail == "event 2: has no `specversion`"


@pytest.mark.parametrize("prefix", ["ce_", "ce-", "CE-", "Ce_"])
def test_in_binary_mode_the_attributes_are_headers(prefix):
    headers = {
        f"{prefix}specversion": b"1.0",
        f"{prefix}time": TIME.encode(),
        f"{prefix}subject": b"press-2",
        "content-type": b"application/json",
    }
    assert decoded(READING, headers, device="subject") == [Sample("torque", 4.1, TIME_MS, device="press-2")]


def test_headers_of_http_are_percent_encoded_and_those_of_kafka_are_not():
    device = [
        decoded(READING, {f"{prefix}specversion": b"1.0", f"{prefix}subject": b"a%20%C3%BC"}, device="subject")[
            0
        ].device
        for prefix in ("ce-", "ce_")
    ]
    assert device == ["a ü", "a%20%C3%BC"]


def test_a_header_that_is_no_utf8_is_no_attribute():
    assert reasons(READING, {"ce_specversion": b"1.0", "ce_subject": b"\xff"}) == [RejectReason.NOT_A_CLOUDEVENT]


@pytest.mark.parametrize(
    "members",
    [
        {"data": None, "data_base64": base64.b64encode(b"m f=1").decode()},
        {"data": "m f=1", "datacontenttype": "text/plain"},
        {"data": "m f=1"},
        {"specversion": "0.3", "datacontentencoding": "base64", "data": base64.b64encode(b"m f=1").decode()},
    ],
)
def test_data_that_are_no_json_are_a_text_or_base64(members):
    given = {name: value for name, value in event(**members).items() if value is not None}
    assert decoded(given, data_codec="line-protocol") == [Sample("m.f", 1.0)]


def test_json_in_a_text_is_read_where_the_content_type_says_that_it_is_a_text():
    text = json.dumps(READING)
    assert decoded(event(data=text, datacontenttype="text/plain")) == [Sample("torque", 4.1)]
    json_type = "application/vnd.plant+json; charset=utf-8"
    assert reasons(event(data=text, datacontenttype=json_type)) == [RejectReason.NOT_A_READING]


@pytest.mark.parametrize(
    "given",
    [
        5, "text", None, {}, READING, {"specversion": "1.0"}, {"specversion": 1, "data": 1},
        {"specversion": "2.0", "data": 1}, event(data_base64="%%%"), event(data_base64=7), event(source="s" * 201),
    ],
)  # fmt: skip
def test_what_is_no_event_is_rejected(given):
    assert reasons(given, topic="events/#") == [RejectReason.NOT_A_CLOUDEVENT]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", RejectReason.EMPTY_PAYLOAD),
        (b"[]", RejectReason.EMPTY_ARRAY),
        (b"{", RejectReason.NOT_JSON),
        (b"\xff", RejectReason.NOT_JSON),
        (b"[" * 100_000, RejectReason.NOT_JSON),
    ],
)
def test_a_payload_that_is_no_json_is_one_rejection(payload, reason):
    assert reasons(payload) == [reason]


def test_an_item_of_many_is_an_event_of_its_own_with_the_attributes_that_are_short():
    data = {"values": {"a": 1, "b": {"x": 1}}}
    sample, rejected = decode(event(time=TIME, subject="s" * 300, data=data))
    kept = {name: value for name, value in event(time=TIME).items() if name != "data"}
    assert json.loads(sample.original) == {**kept, "data": {"values": {"a": 1}}}
    assert json.loads(rejected.original)["data"] == {"values": {"b": {"x": 1}}}


def test_more_items_than_a_message_may_have_are_too_many():
    half = event(data=[{"metric": "a", "value": 1}] * (MAX_MESSAGE_ITEMS // 2))
    assert len(decode([half, half])) == MAX_MESSAGE_ITEMS
    assert reasons([half, half, event()]) == [RejectReason.TOO_MANY_ITEMS]
