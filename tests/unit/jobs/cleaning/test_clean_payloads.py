"""clean_telemetry: what each kind of payload becomes."""

import json
import math

import pytest

from schemas.reject_reasons import RejectReason
from tests.raw_messages import NOW_MS, Message
from tests.unit.jobs.cleaning.outcomes import Messages

MESSAGES = Messages("payloads")
sent = MESSAGES.sent

T = 1_719_800_000_123

EXAMPLES = {reason: sent(reason.example) for reason in RejectReason if reason.example is not None}


def reading(**fields: object) -> str:
    return json.dumps({"metric": "level", "value": 21.4, "ts": T} | fields)


def cases(*messages: Message) -> pytest.MarkDecorator:
    ids = [repr(message.payload)[2:50] for message in messages]
    return pytest.mark.parametrize("message", messages, ids=ids)


@pytest.mark.parametrize("reason", EXAMPLES)
def test_the_example_of_a_reason_gets_that_reason_and_one_dead_letter(outcomes, reason):
    letter = outcomes.dead_letter(EXAMPLES[reason])
    assert letter.reason == reason
    assert (letter.original or b"") == reason.example
    assert letter.original_size == len(reason.example)


SINGLE = sent('{"metric":"temperature","value":21.4,"unit":"Cel","ts":1719800000123,"seq":17}', "pump-7")
ARRAY = sent(f"[{reading()}, {reading(metric='flow')}]")
MAP = sent(json.dumps({"ts": T, "seq": 5, "values": {"temperature": 21.4, "humidity": "40"}}))


def test_an_object_becomes_a_reading_with_all_its_fields(outcomes):
    assert outcomes.reading(SINGLE).model_dump(exclude={"position"}) == {
        "schema_version": 1, "device": "pump-7", "metric": "temperature", "event_time": T,
        "value": 21.4, "unit": "Cel", "sequence": 17,
    }  # fmt: skip


def test_an_array_becomes_a_reading_for_each_element(outcomes):
    assert [(item.metric, item.position.item, item.position.items) for item in outcomes.of(ARRAY)] == [
        ("level", 0, 2), ("flow", 1, 2)
    ]  # fmt: skip


def test_a_map_of_values_becomes_a_reading_for_each_metric(outcomes):
    found = {(item.metric, item.value, item.event_time, item.sequence) for item in outcomes.of(MAP)}
    assert found == {("temperature", 21.4, T, 5), ("humidity", 40.0, T, 5)}


FAHRENHEIT = sent(reading(metric="temperature", value="212", unit="[degF]"))
HECTOPASCAL = sent(reading(metric="pressure", value=1013.25, unit="hPa"))
UNLISTED = sent(reading(metric="boiler", value=212, unit="[degF]"))
WITHOUT_UNIT = sent(reading(metric="temperature"))
UNLISTED_WITHOUT_UNIT = sent(reading(metric="boiler"))


@pytest.mark.parametrize(
    ("message", "value", "unit"),
    [(FAHRENHEIT, 100, "Cel"), (HECTOPASCAL, 101325, "Pa"), (UNLISTED, 100, "Cel"), (WITHOUT_UNIT, 21.4, "Cel")],
)
def test_values_are_converted_to_the_one_unit_of_their_metric(outcomes, message, value, unit):
    assert outcomes.reading(message).value == pytest.approx(value, abs=1e-9)
    assert outcomes.reading(message).unit == unit


def test_a_metric_that_is_not_listed_has_no_unit_when_none_was_sent(outcomes):
    assert outcomes.reading(UNLISTED_WITHOUT_UNIT).unit is None


FIRST, AGAIN, OTHER, FIRST_AGAIN = (sent(reading(value=value), "twice") for value in (1, 1.0, 2, "1"))
NEXT_MS = sent(reading(value=2, ts=T + 1), "twice")


def test_a_reading_that_comes_again_is_a_duplicate_and_counted(outcomes):
    assert outcomes.said_of(FIRST) == ["reading"]
    assert outcomes.said_of(AGAIN) == ["duplicate"]
    assert [item.occurrence for item in outcomes.of(AGAIN)] == [2]


def test_another_value_at_the_same_identity_is_a_conflict_and_the_first_stays(outcomes):
    assert outcomes.dead_letter(OTHER).reason == RejectReason.CONFLICTING_DUPLICATE
    assert outcomes.dead_letter(OTHER).detail == "level was 1.0, then 2.0"
    assert outcomes.said_of(FIRST_AGAIN) == ["duplicate"]


def test_the_same_series_one_millisecond_later_is_a_reading(outcomes):
    assert outcomes.reading(NEXT_MS).value == 2


MIXED = sent(f'[{reading()}, {{"value":1}}, 5, null, [1], {reading(metric="flow")}, {reading(value=3)}]')
ONE_BAD_VALUE = sent(f'{{"seq":5,"ts":"{T}","values":{{"a":1,"b \\"q\\"":"warm"}}}}')
QUOTED_TS = sent('{"ts":"say \\"noon\\"","values":{"a":1,"b":2}}')


def test_bad_items_do_not_touch_their_siblings(outcomes):
    assert outcomes.said_of(MIXED) == [
        "reading", "no_metric", "not_a_reading", "not_a_reading", "not_a_reading", "reading", "conflicting_duplicate"
    ]  # fmt: skip


def test_a_bad_item_of_many_is_kept_as_a_message_of_its_own(outcomes):
    letters = [item for item in outcomes.of(MIXED) if item.position.item in (1, 2)]
    assert [letter.original for letter in letters] == [b'{"value":1}', b"5"]
    (letter,) = (item for item in outcomes.of(ONE_BAD_VALUE) if hasattr(item, "reason"))
    assert json.loads(letter.original) == {"ts": str(T), "seq": 5, "values": {'b "q"': "warm"}}


def test_what_is_kept_of_a_bad_item_is_json_also_when_its_ts_has_quotes(outcomes):
    assert outcomes.said_of(QUOTED_TS) == ["bad_ts", "bad_ts"]
    assert [json.loads(letter.original)["ts"] for letter in outcomes.of(QUOTED_TS)] == ['say "noon"'] * 2


ODD_METRICS = [
    "two words", 'a "quoted" one', "it's", "a.b.c", "Größe µ", "温度 😀", "x]y", "a'][\"b", "$", "*", "?(@.x)", "a,b=c",
    "values", "ts", "NaN", "a: NaN, b", "/", "a|b", "%s",
]  # fmt: skip
ODD_READINGS = sent(json.dumps([{"metric": metric, "value": i, "ts": T} for i, metric in enumerate(ODD_METRICS)]))
ODD_KEYS = sent(json.dumps({"ts": T, "values": {metric: i for i, metric in enumerate(ODD_METRICS)}}))
ODD_KEYS_AS_UTF8 = sent(
    json.dumps({"ts": T, "values": {metric: i for i, metric in enumerate(ODD_METRICS)}}, ensure_ascii=False)
)


@cases(ODD_READINGS, ODD_KEYS, ODD_KEYS_AS_UTF8)
def test_metrics_are_any_text(outcomes, message):
    assert {item.metric: item.value for item in outcomes.of(message)} == {m: i for i, m in enumerate(ODD_METRICS)}


NO_NAMES = ["back\\slash", "ends with \\", "line\nbreak", "nul\0", "del\x7f", "x" * 201]


@cases(*(sent(reading(metric=metric)) for metric in NO_NAMES), *(sent(reading(metric=x)) for x in ([1], {"a": 1})))
def test_a_metric_that_influxdb_cannot_hold_is_refused(outcomes, message):
    assert outcomes.said_of(message) == ["bad_metric"]


BAD_KEYS = sent(json.dumps({"ts": T, "values": dict.fromkeys(NO_NAMES, 1) | {"": 1, "good": 2}}))


def test_bad_keys_of_values_are_refused_one_by_one(outcomes):
    assert sorted(outcomes.said_of(BAD_KEYS)) == ["bad_metric"] * len(NO_NAMES) + ["no_metric", "reading"]


LONGEST = sent(reading(metric="😀" * 200), "😀" * 200)
DEVICES = ["pump 7", 'say "hello"', "it's", "Größe/😀", "a/b//c", "a,b=c d", "$", "'); DROP TABLE x; --"]


@cases(LONGEST, *(sent(reading(), device) for device in DEVICES))
def test_devices_are_any_text(outcomes, message):
    assert outcomes.reading(message).device == message.device


@cases(*(sent(reading(), device) for device in NO_NAMES))
def test_a_device_that_influxdb_cannot_hold_is_refused(outcomes, message):
    assert outcomes.said_of(message) == ["bad_device"]
    assert outcomes.dead_letter(message).device == message.device


NO_DEVICE = sent(reading(), "")


def test_a_message_without_a_device_is_refused(outcomes):
    assert outcomes.said_of(NO_DEVICE) == ["no_device"]


NUMBERS = {
    "21.4": 21.4, "-40": -40, "1e3": 1000, "-0.5E-3": -0.0005, '"21.4"': 21.4, '" 7 "': 7, '"-1.5e2"': -150,
    "4.9e-324": 5e-324, "1.7976931348623157e308": 1.7976931348623157e308,
    "12345678901234567890": 12345678901234567890.0,
    "0.1": 0.1, "123456789.123456789": 123456789.123456789,
}  # fmt: skip
SENT_NUMBERS = {text: sent(f'{{"metric":"n","ts":{T},"value":{text}}}') for text in NUMBERS}


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_comes_out_as_it_went_in(outcomes, text):
    assert outcomes.reading(SENT_NUMBERS[text]).value == NUMBERS[text]


NO_NUMBERS = [
    "NaN", "Infinity", "-Infinity", '"NaN"', '"-Infinity"', '"inf"', "1e999", '"1e999"', "true", '"true"', '""', '" "',
    '"21d"', '"0x1p3"', '"1_000"', '"21,4"', '"1 2"', '"٣"', "{}", '{"a":1}', "[]", "[1]", '"warm"',
]  # fmt: skip


@cases(*(sent(f'{{"metric":"n","ts":{T},"value":{text}}}') for text in NO_NUMBERS))
def test_what_is_no_finite_number_is_refused(outcomes, message):
    assert outcomes.said_of(message) == ["bad_value"]


ZEROS = sent(f'[{{"metric":"level","value":-0.0,"ts":{T}}},{{"metric":"level","value":0,"ts":{T}}}]')
ALONE = sent(f'{{"metric":"level","value":-0.0,"ts":{T}}}')
BIG = 2**53 + 1
BIG_INTEGERS = [
    sent(f'{{"metric":"counter","value":{BIG},"ts":{T}}}'),
    sent(f'[{{"metric":"counter","value":{BIG},"ts":{T}}}]'),
    sent(f'{{"ts":{T},"values":{{"counter":{BIG}}}}}'),
]
KEY_TWICE = [
    sent(f'{{"metric":"level","value":21,"value":22,"ts":{T}}}'),
    sent(f'[{{"metric":"level","value":21,"value":22,"ts":{T}}}]'),
    sent(f'{{"ts":{T},"values":{{"level":21,"level":22}}}}'),
    sent(f'{{"ts":{T},"values":{{"level":21}},"values":{{"level":22}}}}'),
]


def test_minus_zero_is_zero_and_so_the_same_reading_again(outcomes):
    assert outcomes.said_of(ZEROS) == ["reading", "duplicate"]
    assert [item.value for item in (*outcomes.of(ZEROS), outcomes.reading(ALONE))] == [0, 0, 0]


@cases(*BIG_INTEGERS)
def test_a_whole_number_above_two_to_the_53_is_the_nearest_double(outcomes, message):
    assert outcomes.reading(message).value == float(BIG)


@cases(*KEY_TWICE)
def test_of_a_key_that_stands_twice_the_last_value_counts(outcomes, message):
    assert outcomes.reading(message).value == 22


BURST = sent(json.dumps([{"metric": "level", "value": value} for value in (9.75, 10.05, 9.75, 9.8)]))


def test_of_samples_of_one_metric_without_times_in_one_message_the_first_has_its_time(outcomes):
    assert outcomes.said_of(BURST) == ["reading", *["ambiguous_time"] * 3]


OVERFLOW = sent(reading(metric="pressure", value=1e308, unit="GPa"))
NULL_VALUE = sent('{"metric":"n","value":null}')


def test_a_value_that_a_conversion_makes_infinite_is_refused(outcomes):
    assert outcomes.said_of(OVERFLOW) == ["bad_value"]


def test_null_is_no_value(outcomes):
    assert outcomes.said_of(NULL_VALUE) == ["no_value"]


EARLIEST, LATEST = 1_262_304_000_000, NOW_MS + 5 * 60 * 1000
IMPLAUSIBLE = [
    0,
    -1,
    1,
    T // 1000,
    EARLIEST - 1,
    LATEST + 1,
    NOW_MS + 365 * 86_400_000,
    T * 1000,
    10**18,
    -(10**18),
    "5",
]


@cases(*(sent(reading(ts=ts)) for ts in IMPLAUSIBLE))
def test_a_time_before_2010_or_ahead_of_the_broker_is_refused(outcomes, message):
    assert outcomes.said_of(message) == ["ts_out_of_range"]


@cases(*(sent(reading(ts=ts)) for ts in ("noon", "", True, {}, [1], {"a": 1}, 10**19, "2025-11-24T10:00:00Z", "1d")))
def test_a_ts_that_is_no_number_of_ms_is_refused(outcomes, message):
    assert outcomes.said_of(message) == ["bad_ts"]


TIMES = {T: T, f"{T}": T, T + 0.0: T, T + 0.25: T, EARLIEST: EARLIEST, LATEST: LATEST}
SENT_TIMES = [(sent(reading(ts=ts)), event_time) for ts, event_time in TIMES.items()]


@pytest.mark.parametrize(("message", "event_time"), SENT_TIMES)
def test_a_plausible_ts_is_the_event_time(outcomes, message, event_time):
    assert outcomes.reading(message).event_time == event_time


RECEIVED = {"received_at": b"%d" % (NOW_MS - 777)}
UNDATED = sent('{"metric":"n","value":1}', headers=RECEIVED)
UNDATED_MAP = sent('{"values":{"n":1}}', headers=RECEIVED)
NULL_TS = sent('{"metric":"n","value":1,"ts":null}', headers=RECEIVED)


@cases(UNDATED, UNDATED_MAP, NULL_TS)
def test_without_ts_the_event_time_is_when_the_bridge_received_it(outcomes, message):
    assert outcomes.reading(message).event_time == NOW_MS - 777


NO_HEADERS = sent('{"metric":"n","value":1}', headers=None)
OTHER_HEADERS = sent('{"metric":"n","value":1}', headers={"qos": b"1"})
ODD_RECEIVED_AT = sent('{"metric":"n","value":1}', headers={"received_at": b"\xff"})


@cases(NO_HEADERS, OTHER_HEADERS, ODD_RECEIVED_AT)
def test_without_ts_and_bridge_the_event_time_is_the_broker_s(outcomes, message):
    assert outcomes.reading(message).event_time == NOW_MS


@cases(*(sent(reading(seq=seq)) for seq in ("first", True, {}, [1], 10**19)))
def test_a_seq_that_is_no_number_is_refused(outcomes, message):
    assert outcomes.said_of(message) == ["bad_seq"]


UNITS = ["degrees", "cel", 5, True, {}, ["Cel"], "Cel=Cel;1.0;0.0|K", "|", "Cel;0;0", " "]


@cases(*(sent(reading(unit=unit)) for unit in UNITS))
def test_a_unit_that_is_not_on_the_list_is_refused(outcomes, message):
    assert outcomes.said_of(message) == ["unknown_unit"]


@cases(sent(reading(metric="temperature", unit="")), sent(reading(metric="temperature", unit=None)))
def test_an_empty_unit_is_no_unit(outcomes, message):
    assert outcomes.reading(message).unit == "Cel"


NOT_JSON = [
    f"{reading()} x", f"{reading()}{reading()}", f"{reading()}\n{reading()}", f"{reading()},", f"{reading()}]",
    "[" * 3000 + "]" * 3000, '{"a":' * 3000 + "1" + "}" * 3000, "[" * 3000,
    "\0", " \n ", "{'metric':'n','value':1}",
    '{"metric":"n","value":01}', '{"metric":"n","value":1,}', f"// why\n{reading()}", '{"metric":"a\nb","value":1}',
    '{"metric":"n","note":": NaN,"',
]  # fmt: skip


@cases(*(sent(text) for text in NOT_JSON))
def test_what_is_not_one_json_text_is_refused_with_its_bytes(outcomes, message):
    letter = outcomes.dead_letter(message)
    assert (letter.reason, letter.original) == (RejectReason.NOT_JSON, message.payload)


@cases(*(sent(text) for text in ("[[]]", "[null]", f"[[{reading()}]]", "true", "null", '"text"', "-1")))
def test_valid_json_without_a_reading_is_refused(outcomes, message):
    assert outcomes.said_of(message) == ["not_a_reading"]


JSON_IN_STRINGS = [reading(), reading()[:-1], '{"metric":"n","value":1 and more}', "{}", "{", '"', "\\", "{x}", " {x"]
STRINGS = sent(json.dumps([*JSON_IN_STRINGS, {"metric": "{n}", "value": 5}]))


def test_a_string_in_an_array_is_no_reading_also_when_it_holds_one(outcomes):
    *strings, last = outcomes.said_of(STRINGS)
    assert strings == ["not_a_reading"] * len(JSON_IN_STRINGS)
    assert last == "reading"
    kept = [json.loads(letter.original) for letter in outcomes.of(STRINGS)[:-1]]
    assert kept == JSON_IN_STRINGS


ESCAPED_BRACES = sent(rf'["\u007b\"metric\":\"n\",\"value\":1}}", "\u007B}}", {reading()}, ["{{"], {{"a":"{{"}}]')


def test_a_string_in_an_array_is_no_reading_also_when_its_brace_is_escaped(outcomes):
    assert outcomes.said_of(ESCAPED_BRACES) == ["not_a_reading"] * 2 + ["reading", "not_a_reading", "bad_value"]


LONG_WHOLE = sent('{"metric":"n","value":1' + "0" * 3000 + "}")
MARKED = sent("\ufeff" + reading())
PADDED = sent(reading() + "\0\0")
NAN_AMONG_OTHERS = sent(f'{{"ts":{T},"values":{{"a":1,"b":nan,"c":-Infinity,"d":2}}}}')


def test_a_number_that_no_double_holds_is_a_bad_value_and_not_bad_json(outcomes):
    assert outcomes.said_of(LONG_WHOLE) == ["bad_value"]


@cases(MARKED, PADDED)
def test_a_byte_order_mark_and_trailing_nuls_are_passed_over(outcomes, message):
    assert outcomes.said_of(message) == ["reading"]


def test_a_number_that_json_has_not_costs_its_own_item_alone(outcomes):
    assert outcomes.said_of(NAN_AMONG_OTHERS) == ["reading", "bad_value", "bad_value", "reading"]


WHITE = [" ", "\n", "\r\n", "\t", "\r", " \n\t\r\n  "]
PRETTY = json.dumps([{"metric": "level", "value": 1, "ts": T}, {"metric": "flow", "value": 2, "ts": T}], indent=2)
PRETTY_MAP = json.dumps({"ts": T, "values": {"level": 1, "flow": 2}}, indent="\t").replace("\n", "\r\n")
AROUND = [
    (sent(f"{before}{text}{after}"), n)
    for white in WHITE
    for before, after in ((white, ""), ("", white), (white, white))
    for text, n in ((reading(), 1), (f"[{reading()}]", 1), (PRETTY, 2), (PRETTY_MAP, 2))
]  # fmt: skip


@pytest.mark.parametrize(("message", "n"), AROUND)
def test_white_space_around_and_within_json_means_nothing(outcomes, message, n):
    assert outcomes.said_of(message) == ["reading"] * n


@cases(*(sent(f"{white}{reading()}") for white in ("\f", "\v", "\u00a0", "\u2028", "\0")))
def test_what_json_does_not_take_for_white_space_is_refused(outcomes, message):
    assert outcomes.said_of(message) == ["not_json"]


@cases(*(sent(text) for text in ("[]", " [ \n ] ", "\r\n\t[]")))
def test_an_array_without_elements_is_one_item(outcomes, message):
    assert outcomes.said_of(message) == ["empty_array"]


@cases(*(sent(f'{{"values":{text}}}') for text in ("7", '"x"', "[]", "[1]", "{}", "{ }")))
def test_values_that_are_no_map_are_refused(outcomes, message):
    assert outcomes.said_of(message) == ["no_values"]


NESTED = {
    "{}": {}, "[]": [], '{"x":1}': {"x": 1}, '[{"x":1}]': [{"x": 1}],
    '{"x":"{y}", "\\u0001":["\\u0001", "{"], "z":"\\u0001[", "":": \\"{"}':
        {"x": "{y}", "\x01": ["\x01", "{"], "z": "\x01[", "": ': "{'},
}  # fmt: skip
SENT_NESTED = {text: sent(f'{{"ts":{T},"seq":5,"values":{{"a":1,"b":{text},"c":2}}}}') for text in NESTED}


@pytest.mark.parametrize("text", NESTED)
def test_a_nested_field_of_values_is_a_dead_letter_of_its_own(outcomes, text):
    first, letter, last = outcomes.of(SENT_NESTED[text])
    assert ((first.metric, first.value), (last.metric, last.value)) == (("a", 1), ("c", 2))
    assert (letter.reason, letter.detail) == (RejectReason.NESTED_VALUES, "metric: b")
    assert json.loads(letter.original) == {"ts": T, "seq": 5, "values": {"b": NESTED[text]}}


PLUG = sent(f'{{"ts":{T}, "values":{{"power":12.5, "voltage":231.4, "update":{{"version":1678, "state":"idle"}}}}}}')
PLUG_STATES = sent(f'{{"ts":{T}, "values":{{"power":12.5, "current":null, "state":"ON", "lock":false, "link":255}}}}')


def test_the_numbers_beside_a_nested_field_and_beside_words_are_readings(outcomes):
    assert sorted(outcomes.said_of(PLUG)) == ["nested_values", "reading", "reading"]
    assert sorted(outcomes.said_of(PLUG_STATES)) == ["bad_value", "bad_value", "no_value", "reading", "reading"]


TEXTS_LIKE_JSON = ["{", "[", "{}", "[1]", '{"x":1}', "\x01", "\x01{", "\x01\x01[", " {", '":"{', 'a":{', "5"]
VALUES_LIKE_JSON = sent(json.dumps({"ts": T, "values": {f"m{i:02}": text for i, text in enumerate(TEXTS_LIKE_JSON)}}))
NAMES_LIKE_JSON = sent(json.dumps({"ts": T, "values": {"{": 1, " {": 2, "[": 3, ":": "{", '":"{': 4, "}": {}}}))


def test_a_text_in_values_is_a_bad_value_also_when_it_looks_nested(outcomes):
    *letters, last = outcomes.of(VALUES_LIKE_JSON)
    assert {letter.reason for letter in letters} == {RejectReason.BAD_VALUE}
    kept = [json.loads(letter.original)["values"][f"m{i:02}"] for i, letter in enumerate(letters)]
    assert kept == TEXTS_LIKE_JSON[:-1]
    assert last.value == 5


def test_a_name_in_values_may_look_nested(outcomes):
    found = {item.metric: item.value for item in outcomes.of(NAMES_LIKE_JSON) if not hasattr(item, "reason")}
    assert found == {"{": 1, " {": 2, "[": 3, '":"{': 4}
    assert sorted(outcomes.said_of(NAMES_LIKE_JSON)) == ["bad_value", "nested_values", *["reading"] * 4]


@cases(*(sent(f'{{"values":{{"a":1,"b":2}},"{name}":{{}}}}') for name in ("ts", "seq")))
def test_a_map_whose_ts_or_seq_is_an_object_is_refused_as_one_item(outcomes, message):
    assert outcomes.said_of(message) in (["bad_ts"], ["bad_seq"])


BRACKETS_IN_STRINGS = sent('{"ts":1719800000123,"values":{"a{b":"[1]","c\\"}[":2,"d":"x\\":1"}}')
MAP_IN_ARRAY = sent('[{"values":{"a":1}}]')
NULL_VALUES = sent('{"values":null}')
CALLED_VALUES = sent(reading(metric="values"))


def test_brackets_and_colons_inside_strings_are_text(outcomes):
    found = {
        (getattr(item, "metric", None), getattr(item, "reason", None)) for item in outcomes.of(BRACKETS_IN_STRINGS)
    }
    assert found == {('c"}[', None), (None, "bad_value")}
    assert len(outcomes.of(BRACKETS_IN_STRINGS)) == 3


def test_an_array_takes_maps_of_values_too(outcomes):
    assert outcomes.reading(MAP_IN_ARRAY).metric == "a"


def test_values_that_are_null_are_as_good_as_absent(outcomes):
    assert outcomes.said_of(NULL_VALUES) == ["no_metric"]


def test_a_metric_may_be_called_values(outcomes):
    assert outcomes.reading(CALLED_VALUES).metric == "values"


NO_BYTES = sent(None)
INVALID = sent(b'{"metric":"n","value":1}\xff')
REPLACEMENT = sent(reading(metric="real \ufffd"))


def test_a_record_without_a_value_is_an_empty_payload(outcomes):
    assert outcomes.dead_letter(NO_BYTES).reason == RejectReason.EMPTY_PAYLOAD


def test_bytes_that_are_no_utf8_are_kept_as_they_came(outcomes):
    assert outcomes.dead_letter(INVALID).original == INVALID.payload


def test_a_replacement_character_that_was_sent_is_text(outcomes):
    assert outcomes.reading(REPLACEMENT).metric == "real \ufffd"


FULL = sent(json.dumps([{"metric": "n", "value": i, "ts": T + i} for i in range(5000)], separators=(",", ":")))
TOO_MANY = sent("[" + ",".join(["{}"] * 10_001) + "]")
WIDE = sent(json.dumps({"ts": T, "values": {f"metric {i}": i for i in range(500)}}))
LONG_TEXT = sent(reading(note="x" * 250_000))


def test_a_message_of_thousands_of_readings_leaves_whole(outcomes):
    assert [item.value for item in outcomes.of(FULL)] == list(range(5000))
    assert sorted(item.value for item in outcomes.of(WIDE)) == list(range(500))


def test_a_message_of_more_than_ten_thousand_readings_is_one_dead_letter(outcomes):
    assert outcomes.said_of(TOO_MANY) == ["too_many_items"]


def test_a_reading_may_be_wrapped_in_a_large_message(outcomes):
    assert outcomes.reading(LONG_TEXT).value == 21.4


FROM_AFAR = sent("warm", headers={"mqtt_topic": b"fleet/x/telemetry", "replays": b"2", "raw": b"\xff\0"})


def test_a_dead_letter_tells_where_it_came_from(outcomes):
    letter = outcomes.dead_letter(FROM_AFAR)
    assert letter.headers == FROM_AFAR.headers
    assert (letter.replays, letter.first_seen, letter.stage) == (2, NOW_MS, "clean_telemetry")
    assert (letter.position.topic, letter.position.partition) == ("telemetry.raw", 0)


def test_every_item_of_every_message_leaves_exactly_once(outcomes):
    for message in outcomes.messages:
        positions = [item.position for item in outcomes.of(message)]
        items = positions[0].items if positions else 0
        assert [p.item for p in positions] == list(range(max(items, 1))), message.payload[:200]
        assert {p.items for p in positions} == {items}


def test_every_reading_is_finite_and_plausible(outcomes):
    for message in outcomes.messages:
        for item in outcomes.of(message):
            if not hasattr(item, "reason"):
                assert math.isfinite(item.value)
                assert EARLIEST <= item.event_time <= message.append_ms + 5 * 60 * 1000
