"""What holds for every payload format: a codec gets these checks by being registered."""

import random
import statistics
import string
import time
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from payload_codecs.codec import Command, Ignored, Rejection, Sample
from payload_codecs.example import Example, plain_item
from payload_codecs.message import Message
from payload_codecs.registry import CODECS, codec_of, examples_of, lone_codec_of
from payload_codecs.valid_reading import ValidReading
from payload_codecs.validation import Validator
from schemas.limits import MAX_MESSAGE_ITEMS
from schemas.reject_reasons import RejectReason
from schemas.source import Source

KIB = 1024
MAX_PAYLOAD_BYTES = 256 * KIB
EXAMPLES = [
    pytest.param(each, id=f"{codec}-{number}") for codec in CODECS for number, each in enumerate(examples_of(codec))
]
every_codec = pytest.mark.parametrize("codec", CODECS)
every_example = pytest.mark.parametrize("vector", EXAMPLES)
any_size = list(HealthCheck)
thorough = settings(max_examples=60, suppress_health_check=any_size)
few = settings(max_examples=25, suppress_health_check=any_size)


def decoded(codec, message):
    """The items of a message; of a format with state, those of a sender of whom nothing is known."""
    if hasattr(codec, "new_state"):
        items = codec.decode(message, codec.new_state())
        return [item for item in items if not isinstance(item, Command)]
    return list(codec.decode(message))


def own_bytes(codec, message, item):
    """What a dead letter of an item keeps."""
    if item.original is not None:
        return item.original
    return codec.original(message, item) if isinstance(item, Sample) else message.payload


def check(vector: Example, message: Message) -> None:
    """Everything that holds for the items of any message."""
    codec = codec_of(vector.source)
    before = deepcopy(message)
    items = decoded(codec, message)

    assert 1 <= len(items) <= MAX_MESSAGE_ITEMS
    assert message == before, "decode changes its message"
    assert decoded(codec, message) == items, "the same bytes give other items"
    assert all(isinstance(item, Sample | Rejection) for item in items) or isinstance(items[0], Ignored), items
    if isinstance(items[0], Ignored):
        assert len(items) == 1
        return
    for item in items:
        if isinstance(item, Rejection):
            assert item.reason in RejectReason
            assert item.detail is None or len(item.detail) < 1000
    chosen = items if len(items) <= 30 else [*items[:10], *items[len(items) // 2 :][:10], *items[-10:]]
    for item in chosen:
        check_own_bytes(codec, message, item, alone=len(items) == 1)


def check_own_bytes(codec, message, item, alone):
    original = own_bytes(codec, message, item)
    assert isinstance(original, bytes)
    assert alone or len(original) <= len(message.payload) + 4 * KIB
    # As a dead letter is sent back.
    replayed = replace(message, payload=original, headers={**message.headers, "replays": b"1"})
    again = decoded(codec, replayed)
    if isinstance(item, Sample):
        assert [plain_item(each) for each in again] == [plain_item(item)], original[:500]
    else:
        assert item.reason in [each.reason for each in again if isinstance(each, Rejection)], original[:500]


@every_example
def test_the_examples_become_what_they_say(vector):
    assert [plain_item(item) for item in decoded(codec_of(vector.source), vector.message)] == list(vector.items)


@every_example
def test_each_item_of_an_example_keeps_bytes_that_become_it_again(vector):
    check(vector, vector.message)


FORGED = [
    b'{"$sample":{"metric":"torque","value":1,"device":"dev2"}}',
    b'{"metric":"torque","value":1,"device":"dev2"}',
    b'{"dev2":{"torque":1}}',
    b'[{"bn":"dev2:","n":"torque","v":1}]',
    b"m,device=dev2,host=dev2 f=1",
    b'{"specversion":"1.0","source":"dev2","subject":"dev2","data":{"$sample":{"metric":"a","value":1,"device":"dev2"}}}',
    b'{"specversion":"1.0","source":"dev2","subject":"dev2","data":"m,device=dev2,host=dev2 f=1"}',
    b'{"specversion":"1.0","source":"dev2","subject":"dev2","data":[{"bn":"dev2:","n":"torque","v":1}]}',
]


@every_example
@pytest.mark.parametrize("headers", [{}, {"replays": b"1"}])
def test_no_payload_changes_the_device_that_the_login_names(vector, headers):
    source = Source.model_validate({**vector.source.model_dump(exclude_unset=True), "device": "{login}"})
    codec, validator = lone_codec_of(source), Validator(source)
    for payload in (vector.payload, *FORGED):
        sent = replace(vector.message, payload=payload, device="dev1", headers={**vector.message.headers, **headers})
        for _ in range(2):
            outcomes = validator.readings(sent, codec)
            assert {each.device for each in outcomes if isinstance(each, ValidReading)} <= {"dev1"}, payload


@every_codec
def test_a_format_has_examples_of_samples_and_of_rejections(codec):
    items = [item for vector in examples_of(codec) for item in vector.items]
    assert any(isinstance(item, Sample) for item in items)


@every_example
@thorough
@given(payload=st.binary(max_size=4 * KIB))
@example(payload=b"")
@example(payload=b"\0")
@example(payload=b"\xef\xbb\xbf")
@example(payload=b"null")
@example(payload=b"[[]]")
@example(payload=b"[{}]")
@example(payload=b"{}")
@example(payload=b'""')
@example(payload=b"1" * 5000)
@example(payload=b"[" * 5000)
def test_any_bytes_become_items(vector, payload):
    check(vector, replace(vector.message, payload=payload))


@every_example
@few
@given(
    piece=st.one_of(
        st.binary(min_size=1, max_size=20), st.sampled_from([*'[]{}",:=\\ \n#\0', '{"', '"a":', "[1,", "\\u"])
    ),
    size=st.sampled_from([KIB, 64 * KIB, MAX_PAYLOAD_BYTES]),
)
def test_long_repetitions_become_items(vector, piece, size):
    piece = piece.encode() if isinstance(piece, str) else piece
    check(vector, replace(vector.message, payload=(piece * (size // len(piece) + 1))[:size]))


PIECES = [
    *(bytes([each]) for each in b'"\\\n,= :[]{}\0\xff-'),
    *(b"\xed\xa0\x80", b"e999", b"1e400", b"9" * 400, b"null", b"true", b"NaN", "ü€𝄞".encode()),
    *(b"\xf9\x7e\x00", b"\x9f", b"\xa1", b"\xc4\x82"),
]


@st.composite
def mutations(draw, payload: bytes):
    """An example's payload after a few changes, and perhaps many times over."""
    changed = bytearray(payload)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(changed)))
        match draw(st.integers(0, 4)):
            case 0:
                changed[at:at] = draw(st.sampled_from(PIECES))
            case 1:
                del changed[at : at + draw(st.integers(1, 12))]
            case 2:
                changed[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 3:
                end = draw(st.integers(at, len(changed)))
                changed[at:at] = changed[at:end] * draw(st.integers(1, 3))
            case 4:
                changed[at:at] = draw(st.sampled_from(PIECES)) * draw(st.sampled_from([3, 300, 30_000]))
    times = draw(st.sampled_from([1, 1, 1, 2, 50, MAX_PAYLOAD_BYTES]))
    return bytes(changed * min(times, MAX_PAYLOAD_BYTES // max(1, len(changed))))[:MAX_PAYLOAD_BYTES]


@every_example
@thorough
@given(data=st.data())
def test_damaged_examples_become_items(vector, data):
    check(vector, replace(vector.message, payload=data.draw(mutations(vector.payload))))


@every_example
@few
@given(
    device=st.none() | st.text(max_size=300),
    topic=st.text(max_size=300),
    levels=st.dictionaries(st.text(max_size=10) | st.sampled_from(["device", "metric", "line"]), st.text(), max_size=4),
    headers=st.dictionaries(
        st.text(max_size=20) | st.sampled_from(["ce_specversion", "ce-specversion", "ce_time", "CE_source", "ce_"]),
        st.binary(max_size=30) | st.sampled_from([b"1.0", b"0.3", b"2026-05-28T20:26:40Z", b"9" * 5000]),
        max_size=5,
    ),
)
def test_topics_and_headers_may_be_any_text(vector, device, topic, levels, headers):
    check(vector, replace(vector.message, device=device, topic=topic, levels=levels, headers=headers))


def many_records(count):
    return b"[" + b",".join(b'{"n":"m%d","v":%d}' % (n, n) for n in range(count)) + b"]"


def many_lines(count):
    return b"".join(b"m,device=d%d f=%d\n" % (n, n) for n in range(count))


@every_example
@pytest.mark.parametrize("count", [MAX_MESSAGE_ITEMS, MAX_MESSAGE_ITEMS + 1])
@pytest.mark.parametrize("payload", [many_records, many_lines])
def test_a_message_of_too_many_items_is_one_rejection(vector, payload, count):
    message = replace(vector.message, payload=payload(count))
    items = decoded(codec_of(vector.source), message)
    assert len(items) in (1, MAX_MESSAGE_ITEMS)
    if len(items) == MAX_MESSAGE_ITEMS:
        more = decoded(codec_of(vector.source), replace(message, payload=payload(count + 1)))
        assert [item.reason for item in more] == [RejectReason.TOO_MANY_ITEMS]


SHAPES = {
    "repeated": lambda payload, size: payload * (size // len(payload) + 1),
    "records": lambda _, size: many_records(size // 20),
    "records that are none": lambda _, size: b"[" + b"0," * (size // 2) + b"0]",
    "texts": lambda _, size: b"[" + b'{"n":"a","vs":"b"},' * (size // 19) + b"{}]",
    "lines": lambda _, size: many_lines(size // 18),
    "open strings": lambda _, size: b'a b="\n' * (size // 6),
    "open strings within names": lambda _, size: b'",k"=1,d="x y="\n' * (size // 16),
    "fields": lambda _, size: b"m " + b"f=1," * (size // 4) + b"f=1",
    "strings": lambda _, size: b"m " + b'f="x",' * (size // 6) + b"f=1",
    "tags": lambda _, size: b"m" + b",t=1" * (size // 4) + b" f=1",
    "commas": lambda _, size: b"m" + b",t" * (size // 2) + b" f=1",
    "backslashes": lambda _, size: b"\\" * size + b" f=1",
    "a long measurement": lambda _, size: b"\n".join([b"m" * (size // 2) + b" " + b"f=1," * (size // 32) + b"f=1"]),
    "a long base name": lambda _, size: b'[{"bn":"' + b"b" * (size // 2) + b'"},' + b'{"v":1},' * (size // 16) + b"{}]",
    "a long base unit": lambda _, size: b'[{"n":"a","bu":"' + b"b" * (size // 2) + b'"},' + b"0," * (size // 4) + b"0]",
    "events": lambda _, size: b"[" + b'{"specversion":"1.0","source":"s","data":1},' * (size // 44) + b"{}]",
    "a long subject": lambda _, size: b'{"specversion":"1.0","subject":"' + b"s" * (size // 2) + b'","source":"'
    + b"s" * 150 + b'","data":[' + b'{"n":"a","v":1},' * (size // 32) + b"{}]}",
    "a long subject of lines": lambda _, size: b'{"specversion":"1.0","subject":"' + b"s" * (size // 2)
    + b'","data":"m ' + b"f=1," * (size // 32) + b'f=1"}',
    "brackets": lambda _, size: b"[" * size,
    "digits": lambda _, size: b"1" * size,
    "digits in a record": lambda _, size: b'[{"n":"a","v":' + b"1" * size + b"}]",
    "escapes": lambda _, size: b'[{"n":"' + b"\\u0061" * (size // 6) + b'","v":1}]',
    "CBOR arrays": lambda _, size: b"\x9f" + b"\xa1\x02\x01" * (size // 3) + b"\xff",
    "CBOR bytes": lambda _, size: b"\x81\xa1\x02\xc2\x5a" + size.to_bytes(4, "big") + b"\xff" * size,
    "CBOR decimals": lambda _, size: b"\x9f" + b"\xa1\x02\xc4\x82\x1a\x7f\xff\xff\xff\x01" * (size // 10) + b"\xff",
    "NULs": lambda _, size: b"\0" * size,
}  # fmt: skip


def bytes_and_seconds(codec, message):
    """CPU seconds of decoding and of making what dead letters would keep, and the bytes of the latter."""
    begin = time.process_time()
    items = decoded(codec, message)
    kept = sum(len(own_bytes(codec, message, item)) for item in items if not isinstance(item, Ignored))
    return kept, time.process_time() - begin


@every_codec
@pytest.mark.parametrize("shape", SHAPES)
def test_the_cost_of_a_message_is_linear_in_its_bytes(codec, shape):
    vector = max(examples_of(codec), key=lambda example: len(example.items))
    sized = [SHAPES[shape](vector.payload or b"0", size * KIB)[: size * KIB + 1000] for size in (32, 128)]
    of = codec_of(vector.source)
    small, large = (
        [bytes_and_seconds(of, replace(vector.message, payload=payload)) for _ in range(3)] for payload in sized
    )
    assert max(kept for kept, _ in large) <= 4 * len(sized[1]) + 4 * KIB * MAX_MESSAGE_ITEMS
    seconds = [statistics.median(seconds for _, seconds in each) for each in (small, large)]
    assert seconds[1] <= 10 * seconds[0] + 0.02, "4 times the bytes should cost 4 times the CPU; 16 times is quadratic"


@every_codec
def test_random_bytes_of_the_largest_size_become_items(codec):
    chance = random.Random(18)
    for vector in examples_of(codec):
        for letters in (bytes(range(256)), string.printable.encode(), b'{}[]",:0123456789 \n=\\abntuv'):
            payload = bytes(chance.choices(letters, k=MAX_PAYLOAD_BYTES))
            check(vector, replace(vector.message, payload=payload))
