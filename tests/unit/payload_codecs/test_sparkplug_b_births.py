"""Sparkplug B: what births define, up to the limits, and what data may refer to."""

from itertools import pairwise

import pytest

from payload_codecs.codec import Ignored, Rejection
from payload_codecs.message import Message
from payload_codecs.sparkplug_b.codec import (
    MAX_REBIRTH_DOUBLINGS,
    PATIENT_REBIRTHS,
    REBIRTH,
    REBIRTH_EVERY_MS,
    SparkplugB,
)
from payload_codecs.sparkplug_b.data_types import BOOLEAN, BYTES, DATA_SET, DOUBLE, INT32, INT64, TEMPLATE
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from payload_codecs.sparkplug_b.session import MAX_DEFINITIONS, MAX_DEVICES, snapshot
from schemas.limits import MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH
from schemas.presets import preset_fields
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

PER_BIRTH = 10_000
PRESET = SparkplugB(Source.model_validate({**preset_fields("sparkplug-b"), "name": "plant"}))


def many(count: int, first: int = 0) -> list[dict]:
    return [{"name": f"m{n}", "alias": n, "datatype": DOUBLE, "double_value": 1.0} for n in range(first, first + count)]


def decode(state, kind, body, device=None, at=T, **headers):
    return CODEC.decode(message(kind, body, device, at, **headers), state)


# The limits


def test_a_node_at_its_limit_can_repeat_its_births_as_often_as_it_likes():
    state = CODEC.new_state()
    small = 500
    sizes = [*[PER_BIRTH] * (MAX_DEFINITIONS // PER_BIRTH - 1), *[small] * (PER_BIRTH // small)]
    births = [(f"d{number}", payload(*many(size), seq=number + 1)) for number, size in enumerate(sizes)]
    for device, birth in [*births, *births[-1:] * 100, births[0]]:
        assert reasons(decode(state, "DBIRTH", birth, device)) == []
    assert state.size == MAX_DEFINITIONS
    assert set(reasons(decode(state, "DBIRTH", payload(*many(3), seq=1), "one-more"))) == {RejectReason.TOO_MANY_ITEMS}
    assert state.size == MAX_DEFINITIONS


def test_a_birth_with_as_many_metrics_as_a_message_may_hold_is_read_and_says_that_the_node_is_online():
    items = decode(CODEC.new_state(), "NBIRTH", payload(*many(MAX_MESSAGE_ITEMS), seq=0))
    assert len(items) == MAX_MESSAGE_ITEMS + 1
    assert reasons(items) == []


def test_a_birth_over_the_limit_of_a_message_is_refused_but_its_aliases_are_known():
    state = CODEC.new_state()
    items = decode(state, "NBIRTH", payload(*many(MAX_MESSAGE_ITEMS + 1), seq=0))
    assert reasons(items) == [RejectReason.TOO_MANY_ITEMS]
    assert values(decode(state, "NDATA", payload(by_alias(2.0), seq=1))) == {("plant/press", "m7"): 2.0}


def test_a_device_that_died_makes_room_for_another_one():
    state = CODEC.new_state()
    for device in ("arm", "leg"):
        decode(state, "DBIRTH", payload(*many(3), seq=1), device)
        decode(state, "DDEATH", payload(seq=2), device)
    assert (state.size, state.definitions) == (0, {})


def test_one_edge_node_has_no_more_devices_than_the_limit_even_if_they_define_nothing():
    state = born()
    for number in range(MAX_DEVICES + 10):
        items = decode(state, "DBIRTH", payload(seq=number % 256), f"d{number}")
    assert len(state.definitions) == MAX_DEVICES + 1
    assert reasons(items) == [RejectReason.TOO_MANY_ITEMS]
    assert reasons(decode(state, "DBIRTH", payload(temperature(), seq=1), "d0")) == []


def test_the_progress_of_a_node_with_many_devices_stays_small():
    state = born()
    for number in range(1_000):
        decode(state, "DBIRTH", payload(seq=(number + 1) % 256), f"device {number}")
    assert len(snapshot(state).progress) < 200


def test_a_long_name_is_refused_and_costs_no_more_state_than_a_short_one():
    state = CODEC.new_state()
    name = "n" * 200_000
    decode(state, "NBIRTH", payload(temperature(name=name, alias=1, properties={"engUnit": "u" * 50_000}), seq=0))
    assert len(snapshot(state).definitions) < 2_000
    (item,) = decode(state, "NDATA", payload(by_alias(1.0, alias=1), seq=1))
    assert len(item.metric) == MAX_NAME_LENGTH + 1, "one more than validation allows"
    again = decode(state, "NDATA", payload({"name": name, "double_value": 1.0}, seq=2))
    assert [len(each.metric) for each in again] == [MAX_NAME_LENGTH + 1]


def test_the_members_of_a_template_with_a_long_name_do_not_each_repeat_it():
    made = Payload(timestamp=T, seq=0)
    template = made.metrics.add(name="t" * 100_000, datatype=TEMPLATE).template_value
    for number in range(9_000):
        template.metrics.add(name=f"m{number}", datatype=INT32, int_value=number)
    items = decode(CODEC.new_state(), "NBIRTH", made.SerializeToString())
    assert {len(each.metric) for each in items[1:]} == {MAX_NAME_LENGTH + 1}


@pytest.mark.parametrize("field", ["name", "unit", "value"])
def test_text_that_is_no_utf8_is_refused_by_itself_and_the_session_goes_on(field):
    made = Payload(timestamp=T, seq=0)
    made.metrics.add(name="good", alias=1, datatype=DOUBLE, double_value=1.0)
    bad = made.metrics.add(name="bad" if field != "name" else "XX", alias=2, datatype=DOUBLE, double_value=2.0)
    if field == "unit":
        bad.properties.keys.append("engUnit")
        bad.properties.values.add(string_value="XX")
    if field == "value":
        bad.string_value = "XX"
    state = CODEC.new_state()
    items = decode(state, "NBIRTH", made.SerializeToString().replace(b"XX", b"\xff\xb0"))
    assert values(items)["plant/press", "good"] == 1.0
    restored = CODEC.restore(CODEC.snapshot(state))
    assert values(decode(restored, "NDATA", payload(by_alias(3.0, 1), seq=1))) == {("plant/press", "good"): 3.0}
    assert snapshot(CODEC.restore(CODEC.snapshot(restored))) == snapshot(restored)


# Names and aliases


def test_a_metric_may_come_without_an_alias_and_later_with_one():
    state = born({"name": "flow", "datatype": DOUBLE, "double_value": 1.0})
    assert values(decode(state, "NDATA", payload({"name": "flow", "double_value": 2.0}, seq=1))) == {
        ("plant/press", "flow"): 2.0
    }
    decode(state, "NBIRTH", payload({"name": "flow", "alias": 4, "datatype": DOUBLE, "double_value": 3.0}, seq=0))
    assert values(decode(state, "NDATA", payload(by_alias(4.0, 4), seq=1))) == {("plant/press", "flow"): 4.0}


def test_a_later_birth_may_give_an_alias_to_another_metric():
    state = born(temperature(), temperature(name="flow", alias=8))
    decode(state, "NBIRTH", payload(temperature(alias=8), temperature(name="flow", alias=7), seq=0, bd_seq=3))
    assert values(decode(state, "NDATA", payload(by_alias(1.0, 7), by_alias(2.0, 8), seq=1))) == {
        ("plant/press", "flow"): 1.0, ("plant/press", "temperature"): 2.0
    }  # fmt: skip


def test_an_alias_that_a_birth_gives_to_two_metrics_means_neither():
    state = born(temperature(), temperature(name="flow"), temperature(name="speed", alias=9))
    items = decode(state, "NDATA", payload(by_alias(1.0), by_alias(2.0, 9), seq=1))
    assert values(items) == {("plant/press", "speed"): 2.0}
    assert reasons(items) == [RejectReason.UNKNOWN_METRIC]
    assert values(decode(state, "NDATA", payload({"name": "flow", "double_value": 5.0}, seq=2))) == {
        ("plant/press", "flow"): 5.0
    }, "its name is still known"


def test_a_metric_with_name_and_alias_is_read_with_the_data_type_of_its_birth():
    state = born({"name": "level", "alias": 3, "datatype": INT32, "int_value": 1})
    named = {"name": "level", "alias": 3, "int_value": 2**32 - 12}
    assert values(decode(state, "NDATA", payload(named, seq=1))) == {("plant/press", "level"): -12}


def test_a_data_type_in_a_data_message_goes_before_that_of_the_birth():
    state = born({"name": "total", "alias": 3, "datatype": INT32, "int_value": 1})
    wide = {"alias": 3, "datatype": INT64, "long_value": 2**40}
    assert values(decode(state, "NDATA", payload(wide, seq=1))) == {("plant/press", "total"): 2**40}


def test_metrics_of_the_protocol_are_no_readings_and_no_reason_for_a_rebirth():
    controls = [
        {"name": REBIRTH, "alias": 1, "datatype": BOOLEAN, "boolean_value": False},
        {"name": "Node Control/Scan Rate", "alias": 2, "datatype": INT32, "int_value": 500},
    ]
    state = born(*controls, temperature())
    told = [{"alias": 1, "boolean_value": False}, {"alias": 2, "int_value": 100}, {"name": "bdSeq", "long_value": 3}]
    items = decode(state, "NDATA", payload(*told, by_alias(2.0), seq=1))
    assert (values(items), len(items)) == ({("plant/press", "temperature"): 2.0}, 1)
    (item,) = decode(state, "NDATA", payload({"name": REBIRTH, "boolean_value": False}, seq=2))
    assert isinstance(item, Ignored)


def test_a_template_is_found_by_its_alias_and_its_members_by_their_names():
    made = Payload(timestamp=T, seq=0)
    motor = made.metrics.add(name="motor", alias=5, datatype=TEMPLATE).template_value
    motor.metrics.add(name="speed", datatype=INT32, int_value=900)
    inner = motor.metrics.add(name="bearing", datatype=TEMPLATE).template_value
    inner.metrics.add(name="wear", alias=6, datatype=DOUBLE, double_value=0.5)
    state = CODEC.new_state()
    assert values(decode(state, "NBIRTH", made.SerializeToString())) == {
        ("plant/press", "$online"): 1, ("plant/press", "motor/speed"): 900, ("plant/press", "motor/bearing/wear"): 0.5
    }  # fmt: skip
    data = Payload(timestamp=T, seq=1)
    data.metrics.add(alias=5).template_value.metrics.add(name="speed", int_value=2**32 - 1)
    data.metrics.add(alias=6, double_value=0.75)
    assert values(decode(state, "NDATA", data.SerializeToString())) == {
        ("plant/press", "motor/speed"): -1, ("plant/press", "motor/bearing/wear"): 0.75
    }  # fmt: skip


def test_the_instance_of_a_template_that_no_birth_defines_is_refused_whole():
    data = Payload(timestamp=T, seq=1)
    data.metrics.add(alias=5).template_value.metrics.add(name="speed", datatype=INT32, int_value=1)
    items = decode(born(), "NDATA", data.SerializeToString())
    assert (values(items), reasons(items)) == ({}, [RejectReason.UNKNOWN_METRIC])
    assert len(commands(items)) == 1


@pytest.mark.parametrize(
    "metric",
    [{"datatype": DATA_SET, "dataset_value": b"\x08\x01"}, {"datatype": 24, "bytes_value": b"\x01\x00\x00\x00"}],
)
def test_a_table_and_an_array_are_refused_each_time_and_can_be_excluded(metric):
    named = {"name": "table", "alias": 2} | metric
    state = born(temperature(), named)
    assert reasons(decode(state, "NDATA", payload(named, seq=1))) == [RejectReason.NESTED_VALUES]
    for choice in ({"exclude": ["table"]}, {"drop": ["nested"]}):
        codec = SparkplugB(Source.model_validate(SOURCE | choice))
        state = codec.new_state()
        items = codec.decode(message("NBIRTH", payload(temperature(), named, seq=0)), state)
        assert values(items) == {("plant/press", "$online"): 1, ("plant/press", "temperature"): 21.5}
        assert reasons(items) == []


def test_the_preset_passes_over_null_values_and_texts_of_a_birth():
    metrics = [
        temperature(), {"name": "empty", "datatype": DOUBLE, "is_null": True},
        {"name": "Properties/OS", "datatype": 12, "string_value": "Linux"},
        {"name": "Properties/UUID", "datatype": 15, "string_value": "5f0c0e0a-0000-4000-8000-000000000001"},
    ]  # fmt: skip
    items = PRESET.decode(message("NBIRTH", payload(*metrics, seq=0)), PRESET.new_state())
    assert (values(items), reasons(items)) == (
        {("plant/press", "$online"): 1, ("plant/press", "temperature"): 21.5}, []
    )  # fmt: skip


def test_a_quality_that_is_no_number_is_not_taken_for_a_bad_one():
    items = decode(CODEC.new_state(), "NBIRTH", payload(temperature(properties={"Quality": "Good"}), seq=0))
    assert values(items)["plant/press", "temperature"] == 21.5


# Sessions


def test_data_before_any_birth_are_read_where_they_say_name_and_type_and_a_birth_is_requested():
    items = decode(CODEC.new_state(), "NDATA", payload(temperature(), by_alias(1.0, 9), seq=4))
    assert values(items) == {("plant/press", "temperature"): 21.5}
    assert (reasons(items), len(commands(items))) == ([RejectReason.UNKNOWN_METRIC], 1)


@pytest.mark.parametrize("died", [False, True])
def test_data_by_alias_of_a_device_without_a_birth_are_refused_and_a_rebirth_is_requested(died):
    state = born()
    seq = 1
    if died:
        decode(state, "DBIRTH", payload(temperature(), seq=1), "arm")
        decode(state, "DDEATH", payload(seq=2), "arm")
        seq = 3
    items = decode(state, "DDATA", payload(by_alias(1.0), seq=seq), "arm")
    assert (reasons(items), len(commands(items))) == ([RejectReason.UNKNOWN_METRIC], 1)
    assert values(decode(state, "NDATA", payload(by_alias(2.0), seq=seq + 1))) == {("plant/press", "temperature"): 2.0}


@pytest.mark.parametrize(("current", "died"), [(4, 3), (0, 255), (3, 253), (70_000, 69_999)])
def test_the_late_death_of_an_earlier_session_is_passed_over(current, died):
    state = born(bd_seq=current)
    (item,) = decode(state, "NDEATH", payload(bd_seq=died))
    assert isinstance(item, Ignored)
    assert values(decode(state, "NDATA", payload(by_alias(1.0), seq=1))) != {}


@pytest.mark.parametrize(("current", "died"), [(3, 3), (3, 4), (255, 0), (255, 256), (70_000, 70_001)])
def test_the_death_of_this_session_or_of_a_later_one_whose_birth_is_missing_counts(current, died):
    assert values(decode(born(bd_seq=current), "NDEATH", payload(bd_seq=died))) == {("plant/press", "$online"): 0}


def test_a_second_death_says_nothing_of_devices_that_are_offline_already():
    state = born()
    decode(state, "DBIRTH", payload(seq=1), "arm")
    assert len(decode(state, "NDEATH", payload(bd_seq=3))) == 2
    assert len(decode(state, "NDEATH", payload(bd_seq=3))) == 1


def test_a_birth_may_begin_with_any_sequence_number():
    state = CODEC.new_state()
    decode(state, "NBIRTH", payload(temperature(), seq=41))
    assert values(decode(state, "NDATA", payload(by_alias(1.0), seq=42))) == {("plant/press", "temperature"): 1.0}


def test_a_rebirth_may_follow_a_death_within_one_session():
    state = born()
    decode(state, "NDEATH", payload(bd_seq=3))
    decode(state, "NBIRTH", payload(temperature(), seq=0, bd_seq=3))
    assert values(decode(state, "NDATA", payload(by_alias(1.0), seq=1))) == {("plant/press", "temperature"): 1.0}


def test_a_retained_birth_is_a_copy_of_an_old_one_and_changes_no_session():
    state = born()
    before = snapshot(state)
    old = payload(temperature(1.0, name="pressure"), seq=0, bd_seq=1)
    assert values(decode(state, "NBIRTH", old, mqtt_retained=b"1")) == {("plant/press", "pressure"): 1.0}
    assert snapshot(state) == before


@pytest.mark.parametrize(
    ("body", "reason"), [(b"", RejectReason.EMPTY_PAYLOAD), (b"\x82\x01\x00", RejectReason.NOT_SPARKPLUG)]
)
def test_a_birth_without_content_is_refused_and_ends_no_session(body, reason):
    state = born()
    before = snapshot(state)
    assert reasons(decode(state, "NBIRTH", body)) == [reason]
    assert snapshot(state) == before


def test_a_message_without_a_time_of_arrival_can_ask_for_a_rebirth_too():
    sent = Message(payload(by_alias(1.0), seq=9), None, "spBv1.0/plant/NDATA/press", {}, 0, T, {})
    (command,) = commands(CODEC.decode(sent, CODEC.new_state()))
    assert Payload.FromString(command.payload).timestamp == T


def test_a_node_that_never_answers_is_asked_less_and_less_often():
    state = CODEC.new_state()
    asked = [
        at for at in range(0, 4_000_000, 1_000)
        if commands(decode(state, "NDATA", payload(by_alias(1.0), seq=9), at=T + at))
    ]  # fmt: skip
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[: PATIENT_REBIRTHS - 1] == [REBIRTH_EVERY_MS] * (PATIENT_REBIRTHS - 1)
    assert pauses == sorted(pauses)
    assert pauses[-1] == REBIRTH_EVERY_MS << MAX_REBIRTH_DOUBLINGS


def test_a_node_whose_rebirths_do_not_help_is_asked_less_and_less_often_until_a_message_is_lost():
    state, at, asked = born(), T, 0
    for _ in range(600):
        at += 10_000
        if commands(decode(state, "NDATA", payload(by_alias(1.0, 99), seq=1), at=at)):
            asked += 1
            decode(state, "NBIRTH", payload(temperature(), seq=0, bd_seq=3), at=at)
    assert asked < 40
    at += 10_000
    decode(state, "NDATA", payload(by_alias(1.0), seq=1), at=at)
    assert len(commands(decode(state, "NDATA", payload(by_alias(1.0), seq=7), at=at))) == 1, "a new cause"


@pytest.mark.parametrize("topic", ["STATE/scada", "spBv1.0/STATE/scada", "spBv1.0/plant/STATE/scada"])
@pytest.mark.parametrize("body", [b"ONLINE", b'{"online":true,"timestamp":1790000000000}', b""])
def test_the_state_of_a_host_application_is_passed_over_in_every_version_of_its_topic(topic, body):
    state = born()
    before = snapshot(state)
    (item,) = CODEC.decode(Message(body, None, topic, {}, T, T, {}), state)
    assert isinstance(item, Ignored)
    assert snapshot(state) == before


@pytest.mark.parametrize(
    ("kind", "device"), [("NCMD", None), ("DCMD", "arm"), ("NDATA", "arm"), ("DDATA", None), ("NREBIRTH", None)]
)
def test_commands_and_unknown_message_types_are_passed_over_and_change_no_session(kind, device):
    state = born()
    before = snapshot(state)
    (item,) = decode(state, kind, payload({"name": REBIRTH, "datatype": BOOLEAN, "boolean_value": True}, seq=9), device)
    assert isinstance(item, Ignored)
    assert snapshot(state) == before


@pytest.mark.parametrize("device", ["arm.left", "Arm Left", "Füllstand-1", "装置", "a:b,c;d=e", "+", "n" * 150])
def test_a_device_is_called_as_its_topic_names_it(device):
    state = born()
    decode(state, "DBIRTH", payload(temperature(), seq=1), device)
    assert values(decode(state, "DDATA", payload(by_alias(2.0), seq=2), device)) == {
        (f"plant/press/{device}", "temperature"): 2.0
    }


@pytest.mark.parametrize("flag", [b"\x28\x01", b"\x30\x01"], ids=["is_historical", "is_transient"])
def test_historical_and_transient_values_are_readings_at_their_own_time(flag):
    metric = (
        Payload.FromString(payload(by_alias(2.0) | {"timestamp": T - 60_000})).metrics[0].SerializeToString() + flag
    )
    body = payload(seq=1) + b"\x12" + bytes([len(metric)]) + metric
    (item,) = decode(born(), "NDATA", body)
    assert (item.value, item.time) == (2.0, T - 60_000)


def test_a_binary_value_is_a_sample_that_validation_refuses():
    (item,) = decode(born(), "NDATA", payload({"name": "file", "datatype": BYTES, "bytes_value": b"\x00\x01"}, seq=1))
    assert not isinstance(item, Rejection)
    assert item.value == b"\x00\x01"


def test_an_alias_that_cannot_be_trusted_is_reported_with_the_name_that_it_had():
    state = born(temperature(), {"name": "Größe " * 40, "alias": 8, "datatype": DOUBLE, "double_value": 1.0})
    items = decode(state, "NDATA", payload(by_alias(22.0), by_alias(2.0, 8), by_alias(1.0, 9), seq=5))  # 1 to 4: lost
    details = [each.detail for each in items if isinstance(each, Rejection)]
    assert details == [
        "alias 7 ('temperature' by the last birth): no birth of this session is known",
        f"alias 8 ({('Größe ' * 40)[:100]!r} by the last birth): no birth of this session is known",
        "alias 9: no birth of this session is known",
    ]
    again = decode(CODEC.new_state(), "NDATA", items[0].original)
    assert [each.detail for each in again if isinstance(each, Rejection)] == [
        "alias 7: no birth of this session is known"
    ], "the name is for a person: a replay does not decode by it"


def test_an_alias_of_a_retained_message_is_reported_with_its_name_too():
    items = decode(born(), "NDATA", payload(by_alias(22.0), seq=1), mqtt_retained=b"1")
    assert "'temperature' by the last birth" in items[0].detail
