"""Compressed Sparkplug B payloads: what they hold, and those that hold none."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payload_codecs.codec import Rejection
from payload_codecs.sparkplug_b.compression import COMPRESSED, MAX_BODY_BYTES
from payload_codecs.sparkplug_b.data_types import DOUBLE, STRING
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from payload_codecs.sparkplug_b.session import snapshot
from schemas.reject_reasons import RejectReason
from tests.unit.payload_codecs.sparkplug_messages import CODEC, T, born, by_alias, message, payload, reasons, values


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


FORMS = [gzip.compress, zlib.compress, raw_deflate]


def around(body: bytes, algorithm: str | None = "GZIP", **fields: int) -> bytes:
    outer = Payload(uuid=COMPRESSED, body=body, **fields)
    if algorithm is not None:
        outer.metrics.add(name="algorithm", datatype=STRING, string_value=algorithm)
    return outer.SerializeToString()


@pytest.mark.parametrize("compress", FORMS)
@pytest.mark.parametrize("algorithm", ["GZIP", "DEFLATE", "gzip", None])
def test_the_body_is_read_whatever_the_metric_of_the_algorithm_says(compress, algorithm):
    body = compress(payload(by_alias(2.0), seq=1))
    assert values(CODEC.decode(message("NDATA", around(body, algorithm)), born())) == {
        ("plant/press", "temperature"): 2.0
    }


def test_time_and_sequence_number_may_stand_outside():
    body = gzip.compress(payload(by_alias(2.0), time=None))
    (item,) = CODEC.decode(message("NDATA", around(body, timestamp=T - 9, seq=1)), born())
    assert (item.value, item.time) == (2.0, T - 9)


@pytest.mark.parametrize("inside", [lambda body: body, lambda body: around(zlib.compress(body))])
def test_a_message_that_is_compressed_as_a_whole_is_read(inside):
    body = gzip.compress(inside(payload(by_alias(2.0), seq=1)))
    assert values(CODEC.decode(message("NDATA", body), born())) == {("plant/press", "temperature"): 2.0}
    assert reasons(CODEC.decode(message("NDATA", body[:-5]), born())) == [RejectReason.NOT_SPARKPLUG]


def test_ten_thousand_metrics_fit_into_a_body():
    metrics = [{"name": f"line/{n}/" + "m" * 150, "datatype": DOUBLE, "double_value": n / 7} for n in range(10_000)]
    body = gzip.compress(payload(*metrics, seq=0))
    items = CODEC.decode(message("NBIRTH", around(body)), CODEC.new_state())
    assert len(values(items)) == 10_001


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (lambda: b"", "cut off"),
        (lambda: b"garbage", "neither GZIP nor DEFLATE"),
        (lambda: gzip.compress(b"x" * 100)[:-20], "cut off"),
        (lambda: gzip.compress(b"\xff\xff{json}"), "parsing"),
        (lambda: gzip.compress(bytes(100_000_000)), "over 4,194,304 bytes"),
    ],
    ids=["nothing", "neither", "the half of one", "no protobuf", "a bomb"],
)
def test_a_body_that_cannot_be_read_is_refused_whole_and_changes_no_session(body, why):
    state = born()
    before = snapshot(state)
    (item,) = CODEC.decode(message("NDATA", around(body())), state)
    assert isinstance(item, Rejection)
    assert (item.reason, why in item.detail) == (RejectReason.NOT_SPARKPLUG, True), item.detail
    assert snapshot(state) == before


@pytest.mark.parametrize("kind", ["NDATA", "NBIRTH"])
def test_a_small_message_that_becomes_very_many_metrics_is_refused_as_one(kind):
    body = payload(seq=1) + b"\x12\x00" * ((MAX_BODY_BYTES - 100) // 2)
    items = CODEC.decode(message(kind, around(gzip.compress(body))), born())
    assert reasons(items) == [RejectReason.TOO_MANY_ITEMS]


def test_a_body_at_the_limit_is_read():
    filler = {"name": "f", "datatype": STRING, "string_value": "x" * (MAX_BODY_BYTES - 1_000)}
    body = gzip.compress(payload(filler, by_alias(2.0), seq=1))
    assert ("plant/press", "temperature") in values(CODEC.decode(message("NDATA", around(body)), born()))


@given(st.binary(max_size=200), st.sampled_from(FORMS))
def test_any_body_gives_items(body, compress):
    for sent in (body, compress(body), compress(body)[:-1]):
        items = CODEC.decode(message("NDATA", around(sent)), born())
        assert items
        assert set(reasons(items)) <= {
            RejectReason.NOT_SPARKPLUG,
            RejectReason.UNKNOWN_METRIC,
            RejectReason.TOO_MANY_ITEMS,
        }
