"""Sparkplug B values and times as readings: what a metric becomes in the end, or why it becomes none."""

import pytest

from payload_codecs.codec import Rejection, Sample
from payload_codecs.message import Message
from payload_codecs.sparkplug_b.codec import SparkplugB
from payload_codecs.sparkplug_b.data_types import (
    BOOLEAN,
    BYTES,
    DATE_TIME,
    DOUBLE,
    FILE,
    FLOAT,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    TEXT,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    UUID,
    OutOfRange,
    integer,
)
from payload_codecs.valid_reading import ValidReading
from payload_codecs.validation import Validator
from schemas.presets import preset_fields
from schemas.reject_reasons import RejectReason
from schemas.source import Source
from tests.unit.payload_codecs.sparkplug_messages import T, payload

FIELDS = {**preset_fields("sparkplug-b"), "name": "plant", "drop": []}


def outcomes_of(kind: str, *metrics: dict, time: int | None = T, node: str = "press", **source):
    """Of one message by the preset, with more fields of the source."""
    declared = Source.model_validate(FIELDS | source)
    codec = SparkplugB(declared)
    sent = Message(payload(*metrics, seq=0, time=time), f"plant/{node}", f"spBv1.0/plant/{kind}/{node}", {}, T, T, {})
    return Validator(declared).outcomes(sent, codec.decode(sent, codec.new_state()), codec.original)


def one(metric: dict, time: int | None = T, **source):
    _, outcome = outcomes_of("NBIRTH", {"name": "x"} | metric, time=time, **source)
    return outcome


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ({"datatype": UINT64, "long_value": 2**63 + 2**11}, float(2**63 + 2**11)),
        ({"datatype": UINT64, "long_value": 2**64 - 1}, float(2**64)),
        ({"datatype": INT64, "long_value": 2**63}, float(-(2**63))),
        ({"datatype": INT8, "int_value": 0x80}, -128.0),
        ({"datatype": INT16, "int_value": 2**32 - 300}, -300.0),
        ({"datatype": INT32, "long_value": 2**64 - 70_000}, -70_000.0),
        ({"datatype": BOOLEAN, "boolean_value": True}, 1.0),
        ({"datatype": BOOLEAN, "int_value": 1}, 1.0),
        ({"datatype": DATE_TIME, "long_value": T}, float(T)),
        ({"datatype": STRING, "string_value": "61.5"}, 61.5),
        ({"datatype": DOUBLE, "int_value": 4}, 4.0),
    ],
)
def test_a_number_becomes_a_reading_with_its_value(metric, value):
    outcome = one(metric)
    assert isinstance(outcome, ValidReading), outcome
    assert outcome.value == value


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ({"datatype": DOUBLE, "double_value": float("nan")}, RejectReason.BAD_VALUE),
        ({"datatype": FLOAT, "float_value": float("-inf")}, RejectReason.BAD_VALUE),
        ({"datatype": INT8, "int_value": 300}, RejectReason.BAD_VALUE),
        ({"datatype": UINT8, "int_value": 2**32 - 1}, RejectReason.BAD_VALUE),
        ({"datatype": DOUBLE, "long_value": 2**64 - 5}, RejectReason.BAD_VALUE),
        ({"datatype": STRING, "string_value": "warm"}, RejectReason.BAD_VALUE),
        ({"datatype": TEXT, "string_value": ""}, RejectReason.BAD_VALUE),
        ({"datatype": UUID, "string_value": "5f0c0e0a-0000-4000-8000-000000000001"}, RejectReason.BAD_VALUE),
        ({"datatype": BYTES, "bytes_value": b"\xff\x00"}, RejectReason.BAD_VALUE),
        ({"datatype": FILE, "bytes_value": b""}, RejectReason.BAD_VALUE),
        ({"datatype": DOUBLE, "is_null": True}, RejectReason.NO_VALUE),
    ],
)
def test_what_is_no_number_is_a_rejection_that_decodes_to_the_same_again(metric, reason):
    outcome = one(metric)
    assert isinstance(outcome, Rejection)
    assert outcome.reason == reason
    declared = Source.model_validate(FIELDS)
    codec = SparkplugB(declared)
    replayed = Message(outcome.original, "plant/press", "spBv1.0/plant/NBIRTH/press", {}, T, T, {"replays": b"1"})
    (again,) = Validator(declared).outcomes(replayed, codec.decode(replayed, codec.new_state()), codec.original)
    assert again.reason == outcome.reason
    assert again.detail.removeprefix("metric: x, ") == outcome.detail.removeprefix("metric: x, ")


@pytest.mark.parametrize("data_type", [INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64])
def test_integers_come_back_from_every_way_in_which_they_can_be_written(data_type):
    signed = data_type <= INT64
    bits = 8 << ((data_type - 1) % 4)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    for number in {low, low + 1, -1, 0, 1, high - 1, high} - ({-1} if not signed else set()):
        for field, width in (("int_value", 32), ("long_value", 64)):
            for written in {bits, width} if bits <= width else set():
                assert integer(number % (1 << written), field, data_type) == number
    if bits < 64:
        with pytest.raises(OutOfRange):
            integer(1 << bits, "long_value", data_type)


def test_the_dead_letter_of_a_message_with_one_metric_names_it_although_the_message_has_an_alias():
    declared = Source.model_validate(FIELDS)
    codec, validator = SparkplugB(declared), Validator(declared)
    state = codec.new_state()
    for kind, body in (
        ("NBIRTH", payload({"name": "x", "alias": 1, "datatype": DOUBLE, "double_value": 1.0}, seq=0)),
        ("NDATA", payload({"alias": 1, "double_value": float("nan")}, seq=1)),
    ):
        sent = Message(body, "plant/press", f"spBv1.0/plant/{kind}/press", {}, T, T, {})
        outcomes = validator.outcomes(sent, codec.decode(sent, state), codec.original)
    (refused,) = outcomes
    assert isinstance(refused, Rejection)
    assert refused.original is not None
    again = Message(refused.original, "plant/press", "spBv1.0/plant/NDATA/press", {}, T, T, {"replays": b"1"})
    (item,) = codec.decode(again, codec.new_state())
    assert isinstance(item, Sample)
    assert (item.metric, item.time) == ("x", T)


# Times


@pytest.mark.parametrize("place", ["metric", "payload"])
@pytest.mark.parametrize("time", [T // 1000, 0, 1, 2**64 - 1])
def test_a_time_that_is_none_in_milliseconds_is_refused_and_not_guessed(place, time):
    metric = {"datatype": DOUBLE, "double_value": 1.0}
    outcome = one(metric | {"timestamp": time}) if place == "metric" else one(metric, time=time)
    assert isinstance(outcome, Rejection)
    assert outcome.reason == (RejectReason.BAD_TS if time > 2**63 else RejectReason.TS_OUT_OF_RANGE)


def test_a_source_may_say_that_its_times_are_in_seconds():
    outcome = one({"datatype": DOUBLE, "double_value": 1.0, "timestamp": T // 1000}, time=T // 1000, time_format="s")
    assert (outcome.event_time, outcome.value) == (T // 1000 * 1000, 1.0)


def test_without_any_time_the_time_of_arrival_counts():
    assert one({"datatype": DOUBLE, "double_value": 1.0}, time=None).event_time == T


def test_words_of_the_source_stand_for_texts():
    assert one({"datatype": STRING, "string_value": "Running"}, words={"running": 1}).value == 1.0


def test_an_unknown_unit_is_refused_and_can_be_mapped():
    def with_unit(**source):
        metric = {"datatype": DOUBLE, "double_value": 1.0, "properties": {"engUnit": "Bananen"}}
        return one(metric, **source)

    assert with_unit().reason == RejectReason.UNKNOWN_UNIT
    assert with_unit(units={"Bananen": "1"}).unit == "1"


@pytest.mark.parametrize(
    ("node", "is_read"), [("n" * 190, True), ("n" * 200, False), ("a\\b", False), ("Füll stand", True)]
)
def test_a_node_whose_name_is_no_device_is_refused(node, is_read):
    _, outcome = outcomes_of("NBIRTH", {"name": "x", "datatype": DOUBLE, "double_value": 1.0}, node=node)
    assert isinstance(outcome, ValidReading) is is_read
