"""Sparkplug B: births define, data refer to them, deaths end them."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payload_codecs.codec import Command, Ignored, Rejection, Sample, StateSnapshot, UnreadableCodecState
from payload_codecs.message import Message
from payload_codecs.sparkplug_b.codec import REBIRTH, REBIRTH_EVERY_MS, SparkplugB
from payload_codecs.sparkplug_b.data_types import (
    BOOLEAN,
    DATA_SET,
    DOUBLE,
    FLOAT,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    TEMPLATE,
    UINT32,
    UINT64,
)
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from payload_codecs.sparkplug_b.session import MAX_DEFINITIONS, snapshot
from schemas.ignored_message import IgnoredReason
from schemas.reject_reasons import RejectReason
from schemas.source import Source
from tests.unit.payload_codecs.sparkplug_messages import (
    CODEC,
    SOURCE,
    T,
    born,
    by_alias,
    commands,
    message,
    payload,
    reasons,
    temperature,
    values,
)


def test_a_birth_gives_its_values_and_says_that_the_node_is_online():
    controls = {"name": REBIRTH, "datatype": BOOLEAN, "boolean_value": False}
    items = CODEC.decode(message("NBIRTH", payload(temperature(), controls, seq=0, bd_seq=3)), CODEC.new_state())
    assert values(items) == {("plant/press", "$online"): 1, ("plant/press", "temperature"): 21.5}
    assert {item.time for item in items} == {T}


def test_data_refer_to_a_birth_by_alias():
    items = CODEC.decode(message("NDATA", payload(by_alias(22.5), seq=1)), born())
    assert [(item.metric, item.value, item.time) for item in items] == [("temperature", 22.5, T)]


def test_a_device_has_definitions_of_its_own():
    state = born()
    CODEC.decode(message("DBIRTH", payload(temperature(1.0, name="torque"), seq=1), "arm"), state)
    items = CODEC.decode(message("DDATA", payload(by_alias(2.0), seq=2), "arm"), state)
    assert values(items) == {("plant/press/arm", "torque"): 2.0}
    items = CODEC.decode(message("NDATA", payload(by_alias(3.0), seq=3)), state)
    assert values(items) == {("plant/press", "temperature"): 3.0}


def test_a_metric_has_a_time_of_its_own_and_historical_values_are_readings():
    late = by_alias(5.0) | {"timestamp": T - 3_600_000, "is_historical": True}
    (item,) = CODEC.decode(message("NDATA", payload(late, seq=1)), born())
    assert (item.value, item.time) == (5.0, T - 3_600_000)


def test_without_a_birth_data_by_alias_are_refused_and_a_rebirth_is_requested_once():
    state = CODEC.new_state()
    body = payload(by_alias(1.0), temperature(2.0, alias=8), seq=9)
    items = CODEC.decode(message("NDATA", body), state)
    assert reasons(items) == [RejectReason.UNKNOWN_METRIC]
    assert values(items) == {("plant/press", "temperature"): 2.0}, "a metric that says name and type needs no birth"
    (command,) = commands(items)
    assert command.topic == "spBv1.0/plant/NCMD/press"
    (metric,) = Payload.FromString(command.payload).metrics
    assert (metric.name, metric.boolean_value, metric.datatype) == (REBIRTH, True, BOOLEAN)
    assert commands(CODEC.decode(message("NDATA", body, at=T + 1), state)) == []
    assert len(commands(CODEC.decode(message("NDATA", body, at=T + REBIRTH_EVERY_MS), state))) == 1
    assert len(commands(CODEC.decode(message("NDATA", body, at=T - 86_400_000), state))) == 1, "the clock was set back"


def test_after_a_gap_no_alias_is_trusted_until_the_next_birth():
    state = born()
    items = CODEC.decode(message("NDATA", payload(by_alias(1.0), seq=5)), state)
    assert reasons(items) == [RejectReason.UNKNOWN_METRIC]
    assert len(commands(items)) == 1
    assert reasons(CODEC.decode(message("NDATA", payload(by_alias(1.0), seq=6)), state)) == [
        RejectReason.UNKNOWN_METRIC
    ]
    rebirth = payload(temperature(alias=7, name="pressure"), seq=0, bd_seq=3)
    CODEC.decode(message("NBIRTH", rebirth), state)
    assert values(CODEC.decode(message("NDATA", payload(by_alias(4.0), seq=1)), state)) == {
        ("plant/press", "pressure"): 4.0
    }


def test_the_sequence_number_wraps_at_256_and_a_repeated_message_is_no_gap():
    state = born()
    for number in [*range(1, 256), 0, 0, 1]:
        items = CODEC.decode(message("NDATA", payload(by_alias(number), seq=number)), state)
        assert values(items) == {("plant/press", "temperature"): number}


def test_a_death_says_that_the_node_and_its_devices_are_offline_at_the_time_of_its_arrival():
    state = born()
    CODEC.decode(message("DBIRTH", payload(seq=1), "arm"), state)
    items = CODEC.decode(message("NDEATH", payload(bd_seq=3, time=T - 1_000_000)), state)
    assert values(items) == {("plant/press", "$online"): 0, ("plant/press/arm", "$online"): 0}
    assert {item.time for item in items} == {None}
    assert reasons(CODEC.decode(message("NDATA", payload(by_alias(1.0), seq=2)), state)) == [
        RejectReason.UNKNOWN_METRIC
    ]


def test_the_death_of_an_earlier_session_is_passed_over():
    state = born(bd_seq=4)
    (item,) = CODEC.decode(message("NDEATH", payload(bd_seq=3)), state)
    assert isinstance(item, Ignored)
    assert values(CODEC.decode(message("NDATA", payload(by_alias(1.0), seq=1)), state)) != {}


def test_a_device_that_dies_is_offline_alone():
    state = born()
    CODEC.decode(message("DBIRTH", payload(seq=1), "arm"), state)
    assert values(CODEC.decode(message("DDEATH", payload(seq=2), "arm"), state)) == {("plant/press/arm", "$online"): 0}
    assert values(CODEC.decode(message("NDEATH", payload(bd_seq=3)), state)) == {("plant/press", "$online"): 0}


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"datatype": INT8, "int_value": 0xFF}, -1),
        ({"datatype": INT8, "int_value": 0xFFFF_FFFF}, -1),
        ({"datatype": INT16, "int_value": 0x8000}, -32768),
        ({"datatype": INT32, "int_value": 0xFFFF_FFFE}, -2),
        ({"datatype": INT64, "long_value": 2**64 - 5}, -5),
        ({"datatype": INT32, "long_value": 2**64 - 5}, -5),
        ({"datatype": UINT32, "long_value": 2**32 - 1}, 2**32 - 1),
        ({"datatype": UINT64, "long_value": 2**64 - 1}, 2**64 - 1),
        ({"datatype": FLOAT, "float_value": 0.5}, 0.5),
        ({"datatype": BOOLEAN, "boolean_value": True}, True),
        ({"datatype": STRING, "string_value": "open"}, "open"),
        ({"datatype": DOUBLE, "is_null": True}, None),
        ({"datatype": DOUBLE}, None),
    ],
)
def test_each_data_type_is_read_as_the_specification_writes_it(fields, value):
    state = born()
    items = CODEC.decode(message("NDATA", payload({"name": "x"} | fields, seq=1)), state)
    assert values(items) == {("plant/press", "x"): value}
    assert type(items[0].value) is type(value)


def test_units_come_from_engineering_units_and_bad_quality_is_no_reading():
    metrics = [
        temperature(properties={"engUnit": "degC", "Quality": 192}),
        temperature(name="b", properties={"Quality": 500}),
        temperature(name="c", properties={"Quality": 0}),
    ]
    items = CODEC.decode(message("NBIRTH", payload(*metrics, seq=0, bd_seq=1)), CODEC.new_state())
    assert [item.unit for item in items if isinstance(item, Sample)] == [None, "degC"]
    assert [(item.reason, item.detail) for item in items if isinstance(item, Rejection)] == [
        (RejectReason.BAD_VALUE, "metric: b, quality: 500"), (RejectReason.BAD_VALUE, "metric: c, quality: 0")
    ]  # fmt: skip


def test_a_template_is_its_members_and_a_data_set_is_refused():
    made = Payload(timestamp=T, seq=0)
    motor = made.metrics.add(name="motor", datatype=TEMPLATE)
    motor.template_value.metrics.add(name="speed", alias=11, datatype=INT32, int_value=900)
    definition = made.metrics.add(name="_types_/Motor", datatype=TEMPLATE)
    definition.template_value.is_definition = True
    definition.template_value.metrics.add(name="speed", datatype=INT32)
    made.metrics.add(name="table", datatype=DATA_SET, dataset_value=b"\x08\x01")
    state = CODEC.new_state()
    items = CODEC.decode(message("NBIRTH", made.SerializeToString()), state)
    assert values(items) == {("plant/press", "$online"): 1, ("plant/press", "motor/speed"): 900}
    assert reasons(items) == [RejectReason.NESTED_VALUES]
    data = CODEC.decode(message("NDATA", payload({"alias": 11, "int_value": 901}, seq=1)), state)
    assert values(data) == {("plant/press", "motor/speed"): 901}


@pytest.mark.parametrize("kind", ["NCMD", "STATE", "NOTHING"])
def test_messages_that_are_not_for_us_are_counted_and_passed_over(kind):
    (item,) = CODEC.decode(message(kind, payload(temperature())), born())
    assert isinstance(item, Ignored)


@pytest.mark.parametrize(
    "topic", ["", "spBv1.0", "spBv1.0/a/NDATA", "other/a/NDATA/b", "spBv1.0//NDATA/b", "a/b/c/d/e/f"]
)
def test_a_topic_that_is_no_sparkplug_topic_is_refused(topic):
    assert reasons(CODEC.decode(Message(b"", None, topic), CODEC.new_state())) == [RejectReason.NO_DEVICE]


def test_bytes_that_are_no_protobuf_are_refused_and_change_nothing():
    state = born()
    before = snapshot(state)
    assert reasons(CODEC.decode(message("NDATA", b"\xff\xff{json}"), state)) == [RejectReason.NOT_SPARKPLUG]
    assert snapshot(state) == before


def test_a_replayed_dead_letter_changes_no_state_and_trusts_no_alias():
    state = born()
    before = snapshot(state)
    birth = message("NBIRTH", payload(temperature(1.0, name="other"), seq=0, bd_seq=9), replays=b"1")
    assert values(CODEC.decode(birth, state)) == {("plant/press", "other"): 1.0}
    data = message("NDATA", payload(by_alias(1.0), seq=77), replays=b"1")
    assert reasons(CODEC.decode(data, state)) == [RejectReason.UNKNOWN_METRIC]
    assert snapshot(state) == before


@pytest.mark.parametrize("value", [1.5, -7, 2**64 - 1, True, "text", None, b"bytes"])
def test_the_original_of_an_item_decodes_to_it_without_any_birth(value):
    sample = Sample("speed", value, T + 5, "rpm", device="plant/press")
    again = message("NDATA", CODEC.original(message("NDATA", b""), sample), replays=b"1")
    (item,) = CODEC.decode(again, CODEC.new_state())
    assert (item.metric, item.value, item.time, item.unit, item.device) == ("speed", value, T + 5, "rpm", "plant/press")


@pytest.mark.parametrize("unit", [None, "rpm", "u" * 100])
@pytest.mark.parametrize("time", [None, 0, T, 2**64 - 1])
@pytest.mark.parametrize("name", ["speed", "n" * 127, "ü" * 200, ""])
def test_the_original_of_a_number_is_what_protobuf_itself_writes(name, time, unit):
    (metric,) = Payload.FromString(CODEC.original(message("NDATA", b""), Sample(name, -0.5, time, unit))).metrics
    expected = Payload().metrics.add(name=name, datatype=DOUBLE, double_value=-0.5)
    if time is not None:
        expected.timestamp = time
    if unit is not None:
        expected.properties.keys.append("engUnit")
        expected.properties.values.add(string_value=unit)
    assert metric == expected


def test_the_original_of_a_refused_metric_names_it():
    items = CODEC.decode(message("NBIRTH", payload(temperature(properties={"Quality": 0}), seq=0)), CODEC.new_state())
    (refused,) = (item for item in items if isinstance(item, Rejection))
    (metric,) = Payload.FromString(refused.original).metrics
    assert (metric.name, metric.double_value, metric.HasField("alias")) == ("temperature", 21.5, False)
    assert metric.timestamp == T, "of the payload: a replay must not move the value to another time"


def test_a_restored_session_goes_on_where_it_was():
    state = born()
    CODEC.decode(message("DBIRTH", payload(temperature(name="torque"), seq=1), "arm"), state)
    restored = CODEC.restore(CODEC.snapshot(state))
    data = message("DDATA", payload(by_alias(2.0), seq=2), "arm")
    assert CODEC.decode(data, restored) == CODEC.decode(data, state)
    assert snapshot(restored) == snapshot(state)


def test_a_session_is_restored_whose_state_names_devices_that_are_online():
    """As savepoints have it that were taken before deaths forgot devices."""
    before = snapshot(born())
    version, progress = msgspec.msgpack.decode(before.progress)
    del progress["dead"], progress["rebirths_requested"]
    older = before._replace(progress=msgspec.msgpack.encode((version, progress | {"online": ["", "arm"]})))
    assert snapshot(CODEC.restore(older)) == before


def test_data_change_only_the_small_part_of_a_snapshot():
    state = born()
    before, revision = snapshot(state), state.revision
    CODEC.decode(message("NDATA", payload(by_alias(2.0), seq=1)), state)
    after = snapshot(state)
    assert (after.definitions, state.revision) == (before.definitions, revision)
    assert after.progress != before.progress


@pytest.mark.parametrize("stored", [(b"", b""), (b"\x92\x02\x80", b"\x92\x02\x80"), (b"garbage", b"\xc1")])
def test_a_snapshot_that_cannot_be_read_says_so(stored):
    with pytest.raises(UnreadableCodecState, match="Sparkplug session"):
        CODEC.restore(StateSnapshot(*stored))


def test_one_edge_node_defines_no_more_metrics_than_the_limit():
    state = CODEC.new_state()
    per_birth = 9_000
    for device in range(MAX_DEFINITIONS // per_birth + 2):
        metrics = [{"name": f"m{n}", "alias": n, "datatype": DOUBLE, "double_value": 1.0} for n in range(per_birth)]
        items = CODEC.decode(message("DBIRTH", payload(*metrics, seq=device), f"d{device}"), state)
    assert state.size == MAX_DEFINITIONS
    assert set(reasons(items)) == {RejectReason.TOO_MANY_ITEMS}


def test_over_ten_thousand_metrics_in_a_message_are_refused_as_one():
    items = CODEC.decode(message("NDATA", payload(*(by_alias(1.0) for _ in range(10_001)), seq=1)), born())
    assert reasons(items) == [RejectReason.TOO_MANY_ITEMS]


def test_a_source_chooses_metrics_by_their_names_in_the_birth():
    codec = SparkplugB(Source.model_validate(SOURCE | {"exclude": ["temp*", "$online"]}))
    state = codec.new_state()
    birth = payload(temperature(), temperature(name="flow", alias=8), seq=0)
    assert values(codec.decode(message("NBIRTH", birth), state)) == {("plant/press", "flow"): 21.5}
    (item,) = codec.decode(message("NDATA", payload(by_alias(1.0), seq=1)), state)
    assert isinstance(item, Ignored)
    assert item.reason == IgnoredReason.EXCLUDED


KINDS = ["NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH", "NCMD"]
metrics_strategy = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=300), "alias": st.integers(0, 2**64 - 1), "datatype": st.integers(0, 2**32 - 1),
        "timestamp": st.integers(0, 2**64 - 1), "is_null": st.booleans(), "is_historical": st.booleans(),
    },
)  # fmt: skip
value_strategy = st.one_of(
    st.just({}), st.builds(lambda v: {"int_value": v}, st.integers(0, 2**32 - 1)),
    st.builds(lambda v: {"double_value": v}, st.floats()), st.builds(lambda v: {"float_value": v}, st.floats(width=32)),
    st.builds(lambda v: {"string_value": v}, st.text()), st.builds(lambda v: {"bytes_value": v}, st.binary()),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS), st.lists(st.builds(dict.__or__, metrics_strategy, value_strategy), max_size=5),
            st.none() | st.integers(0, 255), st.binary(max_size=30),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_any_course_of_messages_gives_items_and_a_state_that_can_be_restored(course):
    state = CODEC.new_state()
    for kind, metrics, seq, garbage in course:
        device = "arm" if kind.startswith("D") else None
        for body in (payload(*metrics, seq=seq), garbage):
            items = CODEC.decode(message(kind, body, device), state)
            assert any(not isinstance(item, Command) for item in items)
    assert snapshot(CODEC.restore(snapshot(state))) == snapshot(state)
