"""The Decoder: sources, positions, failures of codecs, and frames that do not grow without a bound."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flink.framing import Frame
from jobs.operators import telemetry_decoder
from jobs.operators.telemetry_decoder import MAX_FRAME_BYTES, MAX_TRACEBACK_LENGTH, Decoder
from payload_codecs.codec import Ignored, Rejection, Sample
from payload_codecs.registry import stateless_codec_of
from schemas.dead_letter import DeadLetter
from schemas.ignored_message import IgnoredMessage, IgnoredReason
from schemas.payload_format import Codec
from schemas.reading import Reading
from schemas.reject_reasons import RejectReason
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from tests.raw_messages import NOW_MS, Message, gathered
from tests.unit.jobs.cleaning.outcomes import crossed

PLANT = Source(name="plant", topic=("plant/{line}/{device}/{metric}",), codec=Codec.SCALAR, metric="{metric}")
NAMED = Source(name="named", topic=("meters/#",), codec=Codec.JSON, device="id", values="@")


class Scripted:
    """A codec that gives for each payload what a test says, or raises it."""

    def __init__(self, answers):
        self.answers, self.messages, self.originals = answers, [], 0

    def decode(self, message):
        self.messages.append(message)
        answer = self.answers.get(message.payload, [Sample("level", 1)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def original(self, message, sample):
        self.originals += 1
        return b"alone: " + str(sample.metric).encode()


def decoded(*messages, codec=None, sources=()):
    """The items of messages, and the counted outcomes."""
    outcomes = Counter()
    decoder = Decoder(Sources(sources), stateless_codec_of if codec is None else lambda source: codec)
    return list(crossed(decoder.decode(gathered(messages), outcomes))), outcomes


def record(item):
    if item.identity is not None:
        return Reading.model_validate_json(item.record)
    return (IgnoredMessage if item.is_ignored else DeadLetter).model_validate_json(item.record)


def test_a_reading_crosses_with_its_identity_and_what_its_conflict_would_be_made_of():
    headers = {"qos": b"1"}
    payload = b'{"metric":"level","value":2.5,"ts":%d,"seq":7,"unit":"m"}' % NOW_MS
    frames = list(
        Decoder(Sources(()), stateless_codec_of).decode(gathered([Message(payload, "p", headers)]), Counter())
    )
    frame = Frame(frames[0], columns=9)
    assert (frame.fields(0), frame.fields(3)) == ([b"p"], [b"level\0%d" % NOW_MS])
    assert frame.fields(4) == [bytes.fromhex("4004000000000000")]
    assert (frame.fields(6), frame.numbers(8)) == ([payload], [NOW_MS])
    assert Reading.model_validate_json(frame.fields(5)[0]).model_dump(exclude={"position"}) == {
        "schema_version": 1, "device": "p", "metric": "level", "event_time": NOW_MS, "value": 2.5, "unit": "m",
        "sequence": 7,
    }  # fmt: skip


def test_items_leave_in_their_order_with_their_positions():
    messages = [Message(json.dumps({"values": {f"m{i}": i for i in range(n)}}).encode()) for n in (3, 1, 2)]
    items, _ = decoded(*messages)
    places = [record(item).position for item in items]
    assert [(at.offset, at.item, at.items) for at in places] == [
        (0, 0, 3), (0, 1, 3), (0, 2, 3), (1, 0, 1), (2, 0, 2), (2, 1, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "source"),
    [
        ({"source": b"plant"}, "plant"),
        ({"source": b"plant", "mqtt_topic": b"fleet/p/telemetry"}, "plant"),
        ({"mqtt_topic": b"plant/4/press/torque"}, "plant"),
        ({"source": b"gone", "mqtt_topic": b"plant/4/press/torque"}, "plant"),
        ({"mqtt_topic": b"nobody/knows"}, "fleet"),
        ({"source": b"\xff"}, "fleet"),
        ({}, "fleet"),
        (None, "fleet"),
    ],
)
def test_the_source_is_that_of_the_header_else_of_the_topic_else_the_default(headers, source):
    _, outcomes = decoded(Message(b"x", "press", headers), codec=Scripted({}), sources=[PLANT])
    assert list(outcomes) == [(source, "reading")]


def test_a_codec_is_given_what_is_known_of_the_message():
    codec = Scripted({})
    headers = {"mqtt_topic": b"plant/4/press/torque", "received_at": b"%d" % (NOW_MS - 5), "empty": b""}
    decoded(Message(b"x", "press", headers), Message(None, None, None), codec=codec, sources=[PLANT])
    known, unknown = codec.messages
    assert (known.payload, known.device, known.topic) == (b"x", "press", "plant/4/press/torque")
    assert known.levels == {"line": "4", "device": "press", "metric": "torque"}
    assert (known.received_at_ms, known.append_time_ms, dict(known.headers)) == (NOW_MS - 5, NOW_MS, headers)
    assert (unknown.payload, unknown.device, unknown.topic, dict(unknown.headers)) == (b"", None, "", {})


@pytest.mark.parametrize("received_at", [b"", b"\xff", b"-1", b"1e3", b" 1", b"9" * 5000])
def test_a_received_at_that_is_none_is_passed_over(received_at):
    codec = Scripted({})
    decoded(Message(b"x", "p", {"received_at": received_at}), codec=codec)
    assert codec.messages[0].received_at_ms == NOW_MS


def test_the_key_of_a_payload_that_names_its_device_is_no_device():
    codec = Scripted({b"x": [Sample("level", 1, device="meter-7")]})
    items, _ = decoded(Message(b"x", "meters/a", {"source": b"named"}), codec=codec, sources=[NAMED])
    assert codec.messages[0].device is None
    assert (items[0].key, record(items[0]).device) == (b"meter-7", "meter-7")


@pytest.mark.parametrize("error", [KeyError("mass"), RecursionError(), ValueError("\ud800"), MemoryError("x" * 9000)])
def test_a_message_on_which_its_codec_raises_is_a_dead_letter_with_the_traceback_and_its_siblings_live(error):
    items, outcomes = decoded(
        Message(b"before"), Message(b"raises", headers={"replays": b"1"}), Message(b"after"),
        codec=Scripted({b"raises": error}),
    )  # fmt: skip
    first, letter, last = map(record, items)
    assert (letter.reason, letter.original, letter.replays) == (RejectReason.DECODER_FAILED, b"raises", 1)
    assert type(error).__name__ in letter.detail or len(letter.detail) == MAX_TRACEBACK_LENGTH
    assert [first.position.offset, letter.position.offset, last.position.offset] == [0, 1, 2]
    assert outcomes == {("fleet", "reading"): 2, ("fleet", "decoder_failed"): 1}


def test_a_traceback_names_the_line_of_the_codec():
    items, _ = decoded(Message(b"raises"), codec=Scripted({b"raises": KeyError("mass")}))
    assert "in decode\n    raise answer\nKeyError: 'mass'" in record(items[0]).detail


def test_a_sample_on_which_the_validation_raises_costs_its_whole_message_and_no_other():
    class Unprintable:
        def __repr__(self):
            raise OSError("no text")

    bad = [Sample("level", 1), Sample(Unprintable(), Unprintable())]
    items, outcomes = decoded(Message(b"bad"), Message(b"good"), codec=Scripted({b"bad": bad}))
    assert outcomes.total() == len(items) == 2
    assert outcomes["fleet", "reading"] == 1


def test_a_codec_that_finds_nothing_at_all_has_failed():
    items, _ = decoded(Message(b"nothing"), codec=Scripted({b"nothing": []}))
    assert record(items[0]).reason == RejectReason.DECODER_FAILED


def test_a_rejected_item_among_others_keeps_its_own_bytes_and_a_single_one_the_payload():
    among = [Sample("level", 1), Rejection(RejectReason.BAD_VALUE, "value: x", b"own")]
    items, _ = decoded(
        Message(b"among"), Message(b"alone"),
        codec=Scripted({b"among": among, b"alone": [Rejection(RejectReason.BAD_VALUE)]}),
    )  # fmt: skip
    assert [item.original for item in items[:1]] == [b"alone: level"]
    assert [record(item).original for item in items[1:]] == [b"own", b"alone"]


def test_bytes_of_a_single_reading_are_the_payload_and_no_codec_makes_them():
    codec = Scripted({})
    items, _ = decoded(Message(b"payload"), codec=codec)
    assert (items[0].original, codec.originals) == (b"payload", 0)


def test_an_ignored_message_says_its_source_and_why():
    codec = Scripted({b"x": [Ignored(IgnoredReason.PROTOCOL, "NDEATH of an old session")]})
    items, outcomes = decoded(Message(b"x", "press"), codec=codec)
    ignored = record(items[0])
    assert (ignored.device, ignored.source, ignored.reason) == ("press", DEFAULT_SOURCE.name, "protocol")
    assert ignored.detail == "NDEATH of an old session"
    assert outcomes == {("fleet", "ignored"): 1}


def test_a_message_without_a_key_has_none_in_its_dead_letter():
    items, _ = decoded(Message(b'{"metric":"n","value":1}', None))
    assert (items[0].key, record(items[0]).device, record(items[0]).reason) == (None, None, "no_device")


def test_the_items_of_one_large_message_are_cut_into_frames_of_a_bounded_size():
    device, n = "d" * 200, 9_900
    payload = json.dumps({"ts": NOW_MS, "values": {f"metric {i:05}": i for i in range(n)}}).encode()
    topic = f"fleet/{device}/telemetry".encode()
    frames = list(
        Decoder(Sources(()), stateless_codec_of).decode(
            gathered([Message(payload, device, {"mqtt_topic": topic})]), Counter()
        )
    )
    assert sum(len(Frame(frame, columns=9)) for frame in frames) == n
    assert max(map(len, frames)) < MAX_FRAME_BYTES * 1.1
    assert len(frames) > 5


def test_routes_are_remembered_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(telemetry_decoder, "MAX_REMEMBERED_ROUTES", 10)
    decoder = Decoder(Sources(()), stateless_codec_of)
    messages = [Message(b'{"metric":"n","value":1}', "p", {"mqtt_topic": b"t/%d" % n}) for n in range(1000)]
    assert sum(1 for _ in crossed(decoder.decode(gathered(messages), Counter()))) == 1000
    assert len(decoder._routes) <= 10


LONG = st.builds(lambda unit, n: unit * n, st.binary(min_size=1, max_size=4), st.integers(1, 60_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60) | LONG, max_size=6), st.sampled_from([DEFAULT_SOURCE, PLANT]))
def test_of_any_bytes_every_item_leaves_once_and_is_counted(payloads, source):
    name = {"source": source.name.encode(), "mqtt_topic": b"plant/4/press/torque"}
    items, outcomes = decoded(*(Message(payload, "press", name) for payload in payloads), sources=[PLANT])
    places = [record(item).position for item in items]
    for offset in range(len(payloads)):
        of_message = [at for at in places if at.offset == offset]
        assert [at.item for at in of_message] == list(range(of_message[0].items))
    assert outcomes.total() == len(items)
