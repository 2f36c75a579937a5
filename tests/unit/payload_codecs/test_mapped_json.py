"""JSON of any shape, by where a source says that its parts are."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from payload_codecs.codec import Ignored, Rejection, Sample
from payload_codecs.mapped_json import MappedJson, _Root
from payload_codecs.message import Message
from schemas.limits import MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH
from schemas.source import Source
from schemas.sources import Sources

TIME = 1_796_029_924_000
TOPIC = "plant/4/press-1"


def source(**fields):
    return Source(**{"name": "a", "topic": "plant/{line}/{device}", "codec": "json", **fields})


REPLAYED = {"replays": b"1"}


def message(payload, of=None, topic=TOPIC, headers=None):
    payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    routed = Sources([of or source(values="@")]).route(topic)
    return Message(payload, routed.device, topic, routed.levels, TIME, TIME, headers or {})


def decoded(payload, headers=None, **fields):
    of = source(**fields)
    return list(MappedJson(of).decode(message(payload, of, fields.get("topic", TOPIC), headers)))


def pairs(payload, **fields):
    return [(item.metric, item.value) for item in decoded(payload, **fields)]


def reasons(payload, **fields):
    return [item.reason for item in decoded(payload, **fields) if isinstance(item, Rejection)]


def test_a_gateway_of_a_plc_has_a_time_and_a_quality_for_each_value():
    payload = {
        "timestamp": TIME,
        "values": [
            {"id": "Line1.Temp", "v": 61.5, "q": True, "t": TIME - 5},
            {"id": "Line1.Speed", "v": 3, "q": True},
            {"id": "Line1.Broken", "v": 0, "q": False, "t": TIME},
        ],
    }
    found = decoded(payload, items="values[?q]", metric="id", value="v", time="t || timestamp")
    assert [(each.metric, each.value, each.time) for each in found] == [
        ("Line1.Temp", 61.5, TIME - 5),
        ("Line1.Speed", 3, TIME),
    ]


def test_values_are_an_object_of_metrics_in_the_order_of_the_payload():
    assert pairs({"b": 1, "a": 2.5}, values="@") == [("b", 1), ("a", 2.5)]


def test_each_element_of_an_array_is_an_item():
    payload = [{"ts": 1, "values": {"t": 1}}, {"ts": 2, "values": {"t": 2}}, {"t": 3}]
    found = decoded(payload, values="values || @", time="ts")
    assert [(each.metric, each.value, each.time) for each in found] == [("t", 1, 1), ("t", 2, 2), ("t", 3, None)]


def test_devices_are_the_names_of_an_object():
    payload = {"A": [{"ts": 1, "values": {"t": 1}}], "B": {"values": {"t": 2}}}
    found = decoded(payload, topic="gateway", devices="@", values="values", time="ts")
    assert [(each.device, each.value, each.time) for each in found] == [("A", 1, 1), ("B", 2, None)]


def test_a_device_in_the_payload_may_be_a_number():
    [found] = decoded({"id": 7, "t": 1}, topic="x", device="id", values="@", include="t")
    assert found.device == "7"


def test_a_device_stands_beside_the_items_or_in_them():
    payload = {"gateway": "g", "list": [{"id": "a", "v": 1}, {"v": 2}]}
    found = decoded(payload, topic="x", device="id || gateway", items="list", metric="'t'", value="v")
    assert [each.device for each in found] == ["a", "g"]


def test_a_metric_can_be_made_of_the_topic_and_the_fields_name():
    assert pairs({"t": 1}, values="@", metric="{line}.{key}") == [("4.t", 1)]
    assert pairs({"v": 1}, metric="{line}", value="v") == [("4", 1)]


def test_units_of_some_metrics_stand_elsewhere_in_the_payload():
    payload = {"unit": "C", "in": {"temp": 1, "hum": 2}}
    found = decoded(payload, values="@", flatten=".", unit={"*.temp": "unit"}, exclude="unit")
    assert [(each.metric, each.unit) for each in found] == [("in.temp", "C"), ("in.hum", None)]


def test_one_unit_for_all_metrics():
    assert [each.unit for each in decoded({"u": "V", "v": {"a": 1, "b": 2}}, values="v", unit="u")] == ["V", "V"]


def test_a_sequence_number_is_read():
    assert decoded({"n": 17, "v": {"t": 1}}, values="v", sequence="n")[0].sequence == 17


def test_nested_fields_are_rejected_alone():
    found = decoded({"power": 12.5, "update": {"state": "idle"}, "list": [1], "voltage": 231}, values="@")
    assert [type(each) for each in found] == [Sample, Rejection, Rejection, Sample]
    assert found[1].reason == found[2].reason == "nested_values"


def test_nested_fields_are_flattened_on_request_in_their_order():
    payload = {"a": {"x": 1, "y": {"z": 2}}, "l": [3, {"m": 4}], "e": {}, "b": 5}
    assert pairs(payload, values="@", flatten="_") == [("a_x", 1), ("a_y_z", 2), ("l_0", 3), ("l_1_m", 4), ("b", 5)]


def test_names_are_included_excluded_and_renamed_as_they_are_after_flattening():
    payload = {"s": {"Temperature": 1, "Id": "x", "Humidity": 2}, "Time": 3}
    fields = {"include": "s.*", "exclude": "*.Id", "rename": {"*.Temperature": "temperature"}}
    assert pairs(payload, values="@", flatten=".", **fields) == [("temperature", 1), ("s.Humidity", 2)]


def test_a_message_of_which_nothing_is_kept_is_ignored():
    [found] = decoded({"a": 1, "b": None}, values="@", exclude="a", drop="null")
    assert isinstance(found, Ignored)
    assert found.reason == "excluded"


def test_only_what_stands_for_no_number_is_dropped():
    payload = {
        "null": None, "word": "idle", "on": " ON ", "number": "21.4", "comma": "21,4", "percent": "45%",
        "date": "2026-11-30", "true": True, "nested": {"a": 1},
    }  # fmt: skip
    kept = [name for name, _ in pairs(payload, values="@", drop=["null", "text", "boolean", "nested"], words={"on": 1})]
    assert kept == ["on", "number", "comma", "percent"]
    assert "true" in dict(pairs(payload, values="@", drop=["nested", "boolean"], words={"TRUE": 1}))


def test_without_drop_everything_is_a_sample_for_validation_to_judge():
    assert pairs({"a": None, "b": "idle", "c": False}, values="@") == [("a", None), ("b", "idle"), ("c", False)]


@pytest.mark.parametrize(
    ("payload", "fields", "reason"),
    [
        (b"", {"values": "@"}, "empty_payload"),
        (b'{"a":', {"values": "@"}, "not_json"),
        (b'{"a":"\xff"}', {"values": "@"}, "invalid_utf8"),
        (b"[]", {"values": "@"}, "no_values"),
        (b"{}", {"values": "@"}, "no_values"),
        (b"21.4", {"values": "@"}, "no_values"),
        (b"null", {"values": "@"}, "no_values"),
        (b'{"a":1}', {"values": "b"}, "no_values"),
        (b'{"a":1}', {"items": "b", "values": "@"}, "no_values"),
        (b'{"a":1}', {"devices": "a", "values": "@", "topic": "x"}, "no_values"),
        (b'{"a":1}', {"values": "@", "time": "length(a)"}, "no_values"),
        (b'{"a":1}', {"items": "length(a)", "values": "@"}, "no_values"),
        (b'{"a":1,"t":{}}', {"values": "@", "time": "t"}, "no_values"),
        (b'{"v":{}}', {"metric": "'m'", "value": "v"}, "nested_values"),
    ],
)
def test_what_cannot_be_read_is_one_rejection_with_its_reason(payload, fields, reason):
    assert reasons(payload, **fields) == [reason]
    assert len(decoded(payload, **fields)) == 1


def test_an_item_that_an_expression_does_not_fit_costs_no_sibling():
    found = decoded([{"n": "x", "v": 1}, {"n": 3, "v": 2}], metric="'m'", value="v", sequence="abs(n)")
    assert [type(each) for each in found] == [Rejection, Sample]


def test_a_byte_order_mark_and_nuls_are_passed_over():
    assert pairs(b'\xef\xbb\xbf\r\n {"a":1}\n\0\0', values="@") == [("a", 1)]


def test_numbers_that_json_has_none_for_cost_no_sibling():
    found = decoded(b'{"a":nan,"b":2}', values="@")
    assert [each.metric for each in found] == ["a", "b"]
    assert found[1].value == 2


def test_as_many_items_as_a_message_may_hold_are_read_and_one_more_is_not():
    values = {str(number): number for number in range(MAX_MESSAGE_ITEMS)}
    assert len(pairs(values, values="@")) == MAX_MESSAGE_ITEMS
    assert reasons(values | {"x": 1}, values="@") == ["too_many_items"]
    assert reasons({"nested": values | {"x": 1}}, values="@", flatten=".") == ["too_many_items"]
    assert reasons([{"v": 1}] * (MAX_MESSAGE_ITEMS + 1), metric="'m'", value="v") == ["too_many_items"]


def test_names_of_deep_objects_are_not_joined_beyond_the_longest_name():
    nested: object = 1
    for _ in range(800):
        nested = {"k" * 200: nested, "leaf": 1}
    found = decoded(nested, values="@", flatten=".", drop="nested")
    assert sum(len(each.metric) for each in found) < 3 * MAX_NAME_LENGTH


def test_an_expression_into_the_whole_payload_is_looked_up_once():
    root = _Root({"times": [1, 2]}, {})
    looked_up = []

    def get(value):
        looked_up.append(value)

    assert [root.find(get) for _ in range(3)] == [None, None, None]
    assert looked_up == [root.value]


def test_an_expression_that_does_not_fit_an_item_is_looked_up_in_the_whole_payload():
    found = decoded({"ts": [3, 5], "list": [{"v": 1}]}, items="list", metric="'m'", value="v", time="max(ts)")
    assert [each.time for each in found] == [5]


def test_an_expression_that_fits_neither_is_tried_once_on_the_whole_payload():
    root = _Root({"a": 1}, {})
    tried = []

    def get(value):
        tried.append(value)
        raise TypeError("does not fit")

    for _ in range(3):
        with pytest.raises(TypeError, match="does not fit"):
            root.find(get)
    assert len(tried) == 1


SAMPLE_VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=30) | st.floats(
    allow_nan=False, allow_infinity=False
)  # fmt: skip


@given(st.lists(st.dictionaries(st.text(max_size=10), SAMPLE_VALUES, min_size=1, max_size=4), min_size=1, max_size=4))
def test_the_original_of_each_sample_decodes_to_it_again(items):
    of = source(items="list", values="@", time="time", unit="u", rename={"a*": "b*"})
    codec = MappedJson(of)
    whole = message({"time": TIME, "u": "V", "list": items}, of)
    for sample in codec.decode(whole):
        again = codec.decode(message(codec.original(whole, sample), of, headers=REPLAYED))
        assert again == [sample]


def test_the_original_of_a_rejection_holds_it_alone():
    found = decoded([{"t": TIME, "v": {"a": {"deep": 1}, "b": 2}}, {"t": TIME, "v": {"b": 3}}], values="v", time="t")
    assert json.loads(found[0].original) == {"$sample": {"metric": "a", "value": {"deep": 1}, "time": TIME}}
    assert reasons(found[0].original, headers=REPLAYED, values="v", time="t") == ["nested_values"]


def test_an_original_that_a_person_has_changed_is_a_sample():
    assert pairs(b'{"$sample":{"metric":"a","value":5}}', headers=REPLAYED, values="v") == [("a", 5)]
    assert reasons(b'{"$sample":[]}', headers=REPLAYED, values="v") == ["not_a_reading"]
    assert reasons(b'{"$sample":{"metrik":"a"}}', headers=REPLAYED, values="v") == ["not_a_reading"]


OF_ANOTHER_DEVICE = b'{"$sample":{"metric":"a","value":5,"device":"press-2"}}'
SENT = [("$sample.metric", "a"), ("$sample.value", 5), ("$sample.device", "press-2")]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"values": "@"}, []),
        ({"values": "v"}, []),
        ({"values": "@", "flatten": "."}, SENT),
        ({"items": "@.list", "metric": "id", "value": "v"}, []),
    ],
)  # fmt: skip
def test_what_a_device_sends_as_an_original_is_a_field_like_others(fields, found):
    assert [(*pair, None) for pair in found] == [
        (item.metric, item.value, item.device)
        for item in decoded(OF_ANOTHER_DEVICE, **fields)
        if hasattr(item, "value")
    ]


@pytest.mark.parametrize("fields", [{"values": "@"}, {"values": "v"}, {"items": "a", "metric": "b", "value": "v"}])
def test_what_a_device_sends_as_an_original_is_rejected_for_the_same_reason_when_it_is_replayed(fields):
    (item,) = decoded(OF_ANOTHER_DEVICE, **fields)
    assert reasons(item.original, headers=REPLAYED, **fields) == [item.reason]


def test_a_single_sample_in_a_field_of_that_name_is_itself_again():
    fields = {"values": "@", "flatten": "."}
    (sample,) = decoded(b'{"$sample":{"value":5}}', **fields)
    assert (sample.metric, sample.value) == ("$sample.value", 5)
    assert pairs(sample.original, headers=REPLAYED, **fields) == [("$sample.value", 5)]


def test_originals_of_many_rejections_are_together_not_much_longer_than_the_payload():
    for payload in ([{"x": {"a": number}} for number in range(9_000)], {str(n): [n] for n in range(9_000)}):
        text = json.dumps(payload).encode()
        found = decoded(text, values="@")
        assert len(found) == 9_000
        assert sum(len(each.original) for each in found) < 10 * len(text)


MAPPINGS = st.sampled_from(
    [
        {"values": "@"},
        {"values": "@", "flatten": ".", "rename": {"*.*": "*"}, "exclude": ["*a*b*"], "drop": ["null", "text"]},
        {"values": "values || @", "time": "ts || max(@)", "unit": {"*": "u"}, "sequence": "n"},
        {"items": "list[?q]", "metric": "id", "value": "v", "time": "t || ts"},
        {"items": "sort_by(list, &v)", "metric": "to_string(@)", "value": "sum(list)"},
        {"topic": "x", "devices": "@", "values": "@", "flatten": "/"},
        {"topic": "x", "device": "id", "values": "@"},
    ]
)
NAMES = (
    st.sampled_from(["a", "ts", "u", "n", "list", "q", "id", "v", "t", "values", "$sample", "metric", ""]) | st.text()
)
ANY_JSON = st.recursive(
    SAMPLE_VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
).map(lambda value: json.dumps(value).encode())


@given(ANY_JSON | st.binary(max_size=200), MAPPINGS)
@example(b"[" * 5000, {"values": "@", "flatten": "."})
@example(b'{"a":' * 1000 + b"1" + b"}" * 1000, {"values": "@", "flatten": "."})
@example(b'{"a":' * 1000 + b"1" + b"}" * 1000, {"values": "@"})
@example(b'{"a":1e400}', {"items": "ceil(a)", "values": "@"})
@example(b'{"list":[{"v":1,"id":{}}]}', {"items": "list", "metric": "id", "value": "v"})
@example(b'{"\\ud800":1,"b":{"\\udfff":[]}}', {"values": "@"})
@example(b'{"$sample":{"metric":{},"value":1,"time":[[]]}}', {"values": "@"})
def test_any_bytes_give_samples_or_rejections(payload, fields):
    of = source(**fields)
    codec = MappedJson(of)
    whole = message(payload, of, fields.get("topic", TOPIC))
    assert codec.decode(message(payload, of, fields.get("topic", TOPIC), REPLAYED))
    found = codec.decode(whole)
    assert found
    assert all(isinstance(item, Sample | Rejection | Ignored) for item in found)
    for item in found:
        if isinstance(item, Sample):
            assert isinstance(codec.original(whole, item), bytes)


FIELDS = SAMPLE_VALUES | st.builds(lambda text: text * 200, st.text(min_size=1, max_size=9)) | st.lists(st.just(1))


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("m", "v", "t", "u", "n", "d"), FIELDS)),
    st.sampled_from([{}, {"rename": {"a*": "b*"}}, {"exclude": ("a*",)}, {"drop": ("text",)}]),
)
@example({"m": "flow", "v": 1.5, "t": TIME, "u": "V", "n": 7, "d": "press"}, {})
@example({"m": "flow", "v": 1, "t": "noon", "u": "V" * 1001}, {})
@example({"m": "abc", "v": 1}, {"rename": {"a*": "b*"}})
@example({"m": "abc", "v": 1}, {"exclude": ("a*",)})
def test_a_payload_that_is_one_item_is_read_as_an_array_of_it(item, kept):
    of = {
        "metric": "m",
        "value": "v",
        "time": "t",
        "unit": "u",
        "sequence": "n",
        "device": "d",
        "topic": "all/#",
        **kept,
    }
    alone, in_array = (decoded(payload, **of) for payload in (item, [item]))
    assert alone == in_array
