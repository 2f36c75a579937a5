"""Headrace's own JSON: what each kind of payload becomes."""

import json
import sys
import threading

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payload_codecs import headrace_json, json_text
from payload_codecs.codec import Item, Rejection, Sample
from payload_codecs.headrace_json import HeadraceJson
from payload_codecs.json_text import MAX_NESTING
from payload_codecs.validation import Validator
from schemas.limits import MAX_MESSAGE_ITEMS
from schemas.reject_reasons import RejectReason
from schemas.source import DEFAULT_SOURCE
from tests.unit.payload_codecs.json_messages import CODEC, MAX_BYTES, NOW_MS, T, message, outcomes, values, words


def level(**fields: object) -> str:
    return json.dumps({"metric": "level", "value": 21.4, "ts": T} | fields)


EXAMPLES = [reason for reason in RejectReason if reason.example is not None]


@pytest.mark.parametrize("reason", EXAMPLES)
def test_the_example_of_a_reason_gets_that_reason_and_its_payload_is_kept_whole(reason):
    (outcome,) = outcomes(reason.example)
    assert (outcome.reason, outcome.original) == (reason, None)


FORMS = {
    "a reading": '{"metric":"a","value":1}',
    "an array of readings": '[{"metric":"a","value":1},{"metric":"b","value":2}]',
    "a map of values": f'{{"ts":{T},"values":{{"a":1,"b":2}}}}',
    "an array of maps": '[{"ts":1719800000123,"values":{"a":1}},{"ts":1719800000124,"values":{"b":2}}]',
    "a bare map": '{"a":1,"b":2}',
    "an array of bare maps": '[{"a":1},{"b":2}]',
    "an array of all forms": '[{"a":1},{"values":{"b":2}},{"metric":"c","value":3}]',
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_becomes_a_reading_for_each_value(form):
    found = outcomes(FORMS[form])
    assert [(each.metric, each.value) for each in found] == [("a", 1), ("b", 2), ("c", 3)][: len(found)]


def test_the_fields_beside_values_apply_to_each_of_them():
    found = outcomes({"ts": T, "seq": 5, "unit": "°F", "values": {"temperature": 212, "boiler": 32}})
    assert [(each.event_time, each.sequence, each.unit) for each in found] == [(T, 5, "Cel")] * 2
    assert [each.value for each in found] == [100, pytest.approx(0, abs=1e-9)]


def test_ts_seq_and_unit_are_no_metrics_of_a_bare_map():
    (found,) = outcomes({"temperature": 20.4, "ts": T, "seq": 3, "unit": "Cel"})
    assert (found.metric, found.event_time, found.sequence, found.unit) == ("temperature", T, 3, "Cel")


@pytest.mark.parametrize("payload", ["{}", '{"ts":1719800000123}', '{"values":null}', '{"metric":null,"value":null}'])
def test_an_object_without_any_value_has_no_metric(payload):
    assert words(payload) == ["no_metric"]


def test_an_object_with_a_metric_or_a_value_is_a_reading_and_no_bare_map():
    assert words({"value": 1, "a": 2}) == ["no_metric"]
    assert words({"metric": "n", "a": 2}) == ["no_value"]


WHITE = [" ", "\n", "\r\n", "\t", "\r", " \n\t\r\n  ", "\n" * 1000]


@pytest.mark.parametrize("white", WHITE)
@pytest.mark.parametrize("form", FORMS)
def test_white_space_around_and_within_json_means_nothing(form, white):
    spread = FORMS[form].replace(",", f"{white},{white}").replace(":", f"{white}:{white}")
    assert values(f"{white}{spread}{white}") == values(FORMS[form])


@pytest.mark.parametrize("white", ["\f", "\v", "\u00a0", "\u2028", "\0"])
def test_what_json_does_not_take_for_white_space_is_refused(white):
    assert words(white + level()) == ["not_json"]


@pytest.mark.parametrize(
    "payload",
    [
        '{"metric":"a","value":1,"value":2}', '[{"metric":"a","value":1,"value":2}]', '{"values":{"a":1,"a":2}}',
        '{"values":{"a":1},"values":{"a":2}}', '{"a":1,"a":2}', '{"metric":7,"metric":"a","value":[],"value":2}',
        '{"metric":"a","value":1e999,"value":2}', '{"metric":"a","value":NaN,"v\\u0061lue":2}',
    ],
)  # fmt: skip
def test_of_a_name_that_stands_twice_the_last_value_counts(payload):
    assert values(payload) == {"a": 2}


@pytest.mark.parametrize(
    "payload",
    [
        '{"m\\u0065tric":"a","\\u0076alue":1}', '{"v\\u0061lues":{"\\u0061":1}}', '{"\\u0061":1}',
        '{"metric":"\\u0061","value":"\\u0031"}',
    ],
)  # fmt: skip
def test_names_and_texts_may_be_escaped(payload):
    assert values(payload) == {"a": 1}


NUMBERS = {
    "-0": 0, "1e3": 1000, "1E+3": 1000, "-0.5E-3": -0.0005, "4.9e-324": 5e-324, "1e-3000000000": 0,
    "1.7976931348623157e308": 1.7976931348623157e308, "12345678901234567890": 12345678901234567890.0,
    str(2**53 + 1): float(2**53), "0." + "3" * 2000: 1 / 3, "7" * 309 + "e-308": 7.777777777777778,
    "1" + "0" * 300: 1e300, "0." + "0" * 5000 + "1": 0, "0.1": 0.1,
}  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:30])
@pytest.mark.parametrize("form", ['{"metric":"n","value":%s}', '[{"metric":"n","value":%s}]', '{"values":{"n":%s}}'])
def test_a_number_is_read_in_any_notation(form, number):
    assert values(form % number) == {"n": NUMBERS[number]}


HUGE = ["1e999", "-1e309", "1e3000000000", "123e2147483647", "1" * 400, "-" + "7" * (MAX_BYTES - 200), "1e" + "7" * 900]


@pytest.mark.parametrize("number", HUGE, ids=lambda number: number[:30])
def test_a_number_beyond_a_double_is_a_bad_value_of_its_own_item(number):
    assert words(f'{{"values":{{"a":1,"n":{number},"b":2}}}}') == ["reading", "bad_value", "reading"]
    assert outcomes(f'{{"metric":"n","value":{number}}}')[0].detail == f"value: {number}"[:300]


@pytest.mark.parametrize("number", HUGE, ids=lambda number: number[:30])
def test_a_number_beyond_a_double_in_an_unknown_field_means_nothing(number):
    assert words(f'{{"metric":"n","value":1,"note":{number}}}') == ["reading"]
    assert words(f'{{"metric":"n","value":1,"note":[{{"x":{number}}}]}}') == ["reading"]


NO_NUMBERS = [
    "NaN", "nan", "NAN", "-nan", "-NaN", "nan(ind)", "-nan(snan)", "inf", "-inf", "+inf", "Inf", "INF", "Infinity",
    "-Infinity", "infinity", "INFINITY",
]  # fmt: skip


@pytest.mark.parametrize("word", NO_NUMBERS)
def test_nan_and_infinity_reject_their_own_item_only(word):
    assert words(f'{{"values":{{"a":1,"n":{word},"b":2}}}}') == ["reading", "bad_value", "reading"]
    assert words(f'[{{"metric":"n","value": {word} }},{{"metric":"a","value":1}}]') == ["bad_value", "reading"]
    assert words(f'{{"a":{word},"b":2}}') == ["bad_value", "reading"]
    assert words(f'{{"metric":"n","value":1,"note":[{word},"{word}"]}}') == ["reading"]
    assert outcomes(f'{{"metric":"n","value":{word}}}')[0].detail == f"value: {word}"


@pytest.mark.parametrize("word", NO_NUMBERS)
def test_the_words_for_no_number_are_text_inside_a_string(word):
    assert values(json.dumps({"values": {f"a: {word}, b": 1, f'"{word}"': 2, "n": 3}})) == {
        f"a: {word}, b": 1, f'"{word}"': 2, "n": 3
    }  # fmt: skip


NOT_JSON = [
    f"{level()} x", f"{level()}{level()}", f"{level()}\n{level()}", f"{level()},", f"{level()}]", "\0", " \n ",
    "{'metric':'n','value':1}", '{"metric":"n","value":01}', '{"metric":"n","value":1,}', f"// why\n{level()}",
    '{"metric":"a\nb","value":1}', '{"metric":"n","note":": NaN,"', '{"metric":"n","value":nano}', "[1,,2]",
    '{"metric":"n","value":undefined}', '{"metric":"n","value":1 NaN}', '{NaN:1}', '{"a":NaN', "NaN NaN",
    "\ufeff" * 2 + level(),
    '{"metric":"n","value":"\\q"}', '{"metric":"n","value":"\\u12g4"}', '{"metric":"n","value":+1}',
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_JSON)
def test_what_is_not_one_json_text_is_one_rejection(text):
    assert words(text) == ["not_json"]


@pytest.mark.parametrize(
    "text", ["true", "null", '"text"', "-1", "[null]", "[[]]", f"[[{level()}]]", f"[{json.dumps(level())}]"]
)
def test_valid_json_without_an_object_is_no_reading(text):
    assert words(text) == ["not_a_reading"]


@pytest.mark.parametrize("invalid", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80"])
def test_bytes_that_are_no_utf8_are_refused_also_in_unknown_fields_and_names(invalid):
    assert words(b'{"metric":"n","value":1,"note":"%s"}' % invalid) == ["invalid_utf8"]
    assert words(b'{"metric":"n","value":1,"%s":1}' % invalid) == ["invalid_utf8"]
    assert words(b'{"metric":"%s","value":1}' % invalid) == ["invalid_utf8"]
    assert words(b'{"values":{"%s":1}}' % invalid) == ["invalid_utf8"]


def test_names_with_lone_surrogates_are_refused_one_by_one():
    found = outcomes('{"values":{"\\ud800":1,"\\ud801":2,"x\\udfff":3,"\\ud83d\\ude00":4,"n":5}}')
    assert [each.detail for each in found[:3]] == ["metric: \\ud800", "metric: \\ud801", "metric: x\\udfff"]
    assert [(each.metric, each.value) for each in found[3:]] == [("😀", 4), ("n", 5)]
    assert words('{"metric":"n","value":1,"note":"\\ud800"}') == ["reading"]


def test_a_byte_order_mark_and_nuls_behind_the_text_are_passed_over_and_counted():
    codec = HeadraceJson()
    for payload in (b"\xef\xbb\xbf" + level().encode(), level().encode() + b"\0\0\n", level().encode()):
        (found,) = Validator(DEFAULT_SOURCE).readings(message(payload), codec)
        assert found.value == 21.4
    assert codec.passed_over == {"byte order mark": 1, "NULs": 1}


MIXED = f'[{level()}, {{"value":1}}, 5, null, [1], {level(metric="flow")}, {{"values":{{}}}}, "{{}}"]'


def test_bad_items_do_not_touch_their_siblings():
    assert words(MIXED) == [
        "reading", "no_metric", "not_a_reading", "not_a_reading", "not_a_reading", "reading", "no_values",
        "not_a_reading",
    ]  # fmt: skip


def test_a_bad_item_of_many_is_kept_alone():
    kept = [each.original for each in outcomes(MIXED) if isinstance(each, Rejection)]
    assert kept == [b'{"value":1}', b"5", b"null", b"[[1]]", b'{"values":{}}', b'"{}"']
    _, bad = outcomes(f'{{"seq":5,"ts":{T},"values":{{"a":1,"b \\"q\\"":"warm"}}}}')
    assert json.loads(bad.original) == {"ts": T, "seq": 5, "values": {'b "q"': "warm"}}


def test_what_is_kept_of_an_element_has_its_unknown_fields():
    bad, _ = outcomes('[{"metric":"n","value":"warm","site":"north"},{"metric":"n","value":1}]')
    assert json.loads(bad.original) == {"metric": "n", "value": "warm", "site": "north"}


NESTED = ["{}", "[]", '{"x":1}', '[{"x":NaN}]', '{"x":"\\ud800"}', "[" * 1000 + "]" * 1000]


@pytest.mark.parametrize("text", NESTED, ids=lambda text: text[:20])
@pytest.mark.parametrize("form", ['{"ts":1719800000123,"values":{"a":1,"b":%s,"c":2}}', '{"a":1,"b":%s,"c":2}'])
def test_a_nested_field_is_a_rejection_of_its_own_and_its_siblings_live(form, text):
    first, nested, last = outcomes(form % text)
    assert ((first.metric, first.value), (last.metric, last.value)) == (("a", 1), ("c", 2))
    assert (nested.reason, nested.detail) == (RejectReason.NESTED_VALUES, "metric: b")
    assert [each.reason for each in outcomes(nested.original)] == [RejectReason.NESTED_VALUES]


def test_states_and_texts_beside_numbers_are_rejections_of_their_own():
    plug = {"ts": T, "values": {"power": 12.5, "current": None, "state": "ON", "lock": False, "link": 255}}
    assert words(plug) == ["reading", "no_value", "bad_value", "bad_value", "reading"]


@pytest.mark.parametrize("text", ["7", '"x"', "[]", "[1]", "{}", "{ }", '[{"id":"a","v":1}]', "true"])
def test_values_that_are_no_map_are_refused(text):
    assert words(f'{{"values":{text}}}') == ["no_values"]


@pytest.mark.parametrize("name", ["ts", "seq", "unit"])
@pytest.mark.parametrize("field", ["{}", "[1]", '"' + "x" * 100_000 + '"', "7" * 100_000])
def test_a_long_or_nested_field_beside_values_is_one_rejection_not_one_for_each_value(name, field):
    payload = f'{{"{name}":{field},"values":{{{",".join(f"""{json.dumps(f"m{i}")}:1""" for i in range(5000))}}}}}'
    assert words(payload) in (["bad_ts"], ["bad_seq"], ["unknown_unit"])


ODD_NAMES = [
    "two words", 'a "quoted" one', "it's", "a.b.c", "Größe µ", "温度 😀", "x]y", "a'][\"b", "$", "*", "?(@.x)", "a,b=c",
    "NaN", "a: NaN, b", "/", "a|b", "%s", "{", " {", "[", ":", '":"{', "}", "\ufffd", "device", "element",
]  # fmt: skip


@pytest.mark.parametrize("ascii_only", [True, False])
def test_metrics_are_any_text(ascii_only):
    expected = {name: float(i) for i, name in enumerate(ODD_NAMES)}
    elements = [{"metric": name, "value": value} for name, value in expected.items()]
    for document in (elements, {"values": expected}, expected, [expected]):
        assert values(json.dumps(document, ensure_ascii=ascii_only)) == expected


def test_samples_of_one_metric_without_times_in_one_message_are_ambiguous_but_for_the_first():
    burst = [{"metric": "acceleration", "value": value} for value in (9.75, 10.05, 9.75, 9.8)]
    assert words(burst) == ["reading", *["ambiguous_time"] * 3]
    assert words([{"a": 1, "b": 1}, {"a": 2}, {"values": {"b": 3}}]) == ["reading"] * 2 + ["ambiguous_time"] * 2
    assert outcomes(burst)[1].original == b'{"metric":"acceleration","value":10.05}'


def test_samples_of_one_metric_with_times_are_readings():
    assert words([{"metric": "a", "value": i, "ts": T + i} for i in range(50)]) == ["reading"] * 50


@pytest.mark.parametrize(
    "payload",
    [
        "[" * MAX_BYTES, "[" * (MAX_BYTES // 2) + "]" * (MAX_BYTES // 2), '{"a":' * 40_000 + "1" + "}" * 40_000,
        '{"values":{"a":1,"b":' + "[" * 100_000 + "]" * 100_000 + "}}", '{"values":' * 20_000 + "1" + "}" * 20_000,
        '[{"metric":"n","value":' + "[" * 100_000 + "]" * 100_000 + "}]", "[" * MAX_NESTING + "[]" + "]" * MAX_NESTING,
        '{"metric":"n","value":1,"note":' + "[" * MAX_NESTING + "]" * MAX_NESTING + "}",
    ],
    ids=lambda payload: payload[:20],
)  # fmt: skip
def test_what_is_nested_too_deep_is_one_rejection(payload):
    (found,) = outcomes(payload)
    assert (found.reason, found.detail) == (RejectReason.NOT_JSON, "nested over 1,024 deep")


@pytest.mark.parametrize("opening", ["[", '{"x":'])
@pytest.mark.parametrize("other", ["", ',"other":NaN'])
def test_a_field_may_be_nested_as_deep_as_the_limit_on_both_paths(opening, other):
    n = MAX_NESTING - 2
    deep = opening * n + ("1" if opening != "[" else "") + ("]" if opening == "[" else "}") * n
    assert words(f'{{"metric":"n","value":1,"note":{deep}{other}}}') == ["reading"]
    assert words(f'[{{"metric":"n","value":{deep}{other}}},{{"metric":"a","value":1}}]') == ["bad_value", "reading"]
    assert words(f'{{"metric":{deep},"value":1{other}}}') == ["bad_metric"]
    assert [each.original is None for each in outcomes(f"[{deep}{other.replace('other', '')[4:]}]")] == [True]


def test_deep_payloads_in_several_threads_leave_the_recursion_limit_as_it_was():
    limit = sys.getrecursionlimit()
    payload = '{"metric":"n","value":1,"note":[NaN,' + "[" * 1000 + "]" * 1000 + "]}"
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.extend(w for _ in range(30) for w in words(payload))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["reading"] * 120
    assert sys.getrecursionlimit() == limit


LONG_UNITS = ["x", "7", " ", r"\"", r"\\", r"x\"", r"\u0041", "😀", "{", r"\":1,\"", ":NaN,"]
LONG_FORMS = {
    '{"metric":"n","value":"%s"}': ["bad_value"],
    '[{"metric":"a","value":1},{"metric":"n","value":"%s"}]': ["reading", "bad_value"],
    '{"values":{"a":1,"b":"%s","c":2}}': ["reading", "bad_value", "reading"],
    '{"metric":"%s","value":1}': ["bad_metric"],
    '{"values":{"!":1,"%s":2}}': ["reading", "bad_metric"],
    '{"metric":"n","value":1,"unit":"%s"}': ["unknown_unit"],
    '{"metric":"n","value":1,"ts":"%s"}': ["bad_ts"],
    '{"metric":"n","value":1,"seq":"%s"}': ["bad_seq"],
    '{"metric":"n","value":1,"note":"%s"}': ["reading"],
    '{"note":"%s","values":{"a":1,"b":NaN}}': ["reading", "bad_value"],
    '["%s",{"metric":"n","value":1}]': ["not_a_reading", "reading"],
}  # fmt: skip


@pytest.mark.parametrize("unit", LONG_UNITS)
@pytest.mark.parametrize("form", LONG_FORMS)
def test_a_text_may_be_as_long_as_the_largest_payload(form, unit):
    text = unit * ((MAX_BYTES - len(form)) // len(unit.encode()))
    expected = LONG_FORMS[form] if unit != " " or "unit" not in form else ["unknown_unit"]
    assert words(form % text) == expected


BROKEN = [
    "[" + " " * (MAX_BYTES - 3) + "x]", "," * MAX_BYTES, ": " * (MAX_BYTES // 2), '"' * MAX_BYTES, "\\" * MAX_BYTES,
    '{"a":1,' * (MAX_BYTES // 7), '{"metric":"n","value":"' + "x" * (MAX_BYTES - 30),
    "[" + " NaN" * (MAX_BYTES // 4 - 2) + "]",
    '{"values":{"a":"' + "\\" * (MAX_BYTES - 17), '"' + '\\"' * (MAX_BYTES // 2 - 1) + "\\", "nan" * (MAX_BYTES // 3),
    "[" + "+-" * (MAX_BYTES // 2 - 1) + "]", "[nan(" + "x" * (MAX_BYTES - 8) + "]", " \n" * (MAX_BYTES // 2),
]  # fmt: skip


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: repr(text[:20]))
def test_a_large_payload_that_is_no_json_is_refused_and_its_cost_is_linear(text):
    """The quadratic cost of one of these is minutes: the run's own time limit is the assertion."""
    assert len(text) <= MAX_BYTES
    assert words(text) == ["not_json"]


def test_ten_thousand_items_are_the_limit():
    n = MAX_MESSAGE_ITEMS
    assert words([{}] * n) == ["no_metric"] * n
    assert words({"values": {f"m{i}": i for i in range(n)}}) == ["reading"] * n
    assert words([{f"m{i}": i for i in range(n // 2)}] * 2) == ["reading"] * (n // 2) + ["ambiguous_time"] * (n // 2)
    for over in (
        [{}] * (n + 1), [1] * (n + 1), {"values": {f"m{i}": i for i in range(n + 1)}},
        {f"m{i}": i for i in range(n + 1)},
        [{f"m{i}": i for i in range(n // 2 + 1)}] * 2,
    ):  # fmt: skip
        assert words(over) == ["too_many_items"]
    assert words('{"values":{' + ",".join(f'"a":{i}' for i in range(40_000)) + "}}") == ["reading"]


def test_thousands_of_bad_values_are_kept_each_alone():
    found = outcomes({"ts": T, "values": {f"m{i}": "warm" for i in range(9_900)}})
    assert [json.loads(each.original)["values"] for each in found] == [{f"m{i}": "warm"} for i in range(9_900)]
    assert max(len(each.original) for each in found) < 100


texts = st.text(max_size=8) | st.sampled_from(
    ["a", "metric", "value", "values", "ts", "seq", "unit", "\ud800", "Cel", "5"]
)
numbers = st.floats() | st.integers() | st.integers(-(2**70), 2**70) | st.integers(0, 10).map(lambda n: T + n)
scalars = st.none() | st.booleans() | numbers | texts
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
readings = st.fixed_dictionaries(
    {"metric": texts | trees, "value": numbers | trees},
    optional={"ts": numbers | trees, "seq": numbers | trees, "unit": texts | trees, "note": trees, "values": trees},
)
documents = readings | st.lists(readings | trees, max_size=4) | trees


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """As some encoder would write it, now and then damaged."""
    text = json.dumps(draw(documents), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    payload = text.encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 4)) == 0:
        cut = draw(st.integers(0, len(payload)))
        payload = payload[:cut] + draw(st.binary(max_size=3)) + payload[cut + draw(st.integers(0, 2)) :]
    return payload


def slowly(payload: bytes) -> list[Item]:
    """The items by the exact path alone."""
    try:
        return headrace_json._items(json_text.parse_exactly(payload.decode()))
    except UnicodeDecodeError:
        return [Rejection(RejectReason.INVALID_UTF8)]
    except json_text.NoJsonText:
        return [Rejection(RejectReason.NOT_JSON)]


def judged(payload: bytes, items: list[Item]) -> list[object]:
    found = Validator(DEFAULT_SOURCE).outcomes(message(payload), items, CODEC.original)
    return [each.reason if isinstance(each, Rejection) else msgspec.to_builtins(each) for each in found]


@settings(max_examples=400, deadline=None)
@given(payloads())
def test_the_fast_paths_give_what_the_exact_path_gives(payload):
    if payload and not payload.endswith(b"\0") and not payload.startswith(b"\xef\xbb\xbf"):
        assert judged(payload, CODEC.decode(message(payload))) == judged(payload, slowly(payload))


@settings(max_examples=300, deadline=None)
@given(payloads() | st.binary(max_size=40))
def test_any_bytes_give_items_and_each_original_decodes_to_its_item_again(payload):
    items = CODEC.decode(message(payload))
    found = Validator(DEFAULT_SOURCE).outcomes(message(payload), items, CODEC.original)
    assert len(found) == len(items) >= 1
    for item, outcome in zip(items, found, strict=True):
        if isinstance(item, Sample):
            (again,) = Validator(DEFAULT_SOURCE).readings(message(CODEC.original(message(payload), item)), CODEC)
        elif item.original is not None:
            (again,) = outcomes(item.original)
        else:
            continue
        if not (isinstance(outcome, Rejection) and outcome.reason is RejectReason.AMBIGUOUS_TIME):
            assert _told(again) == _told(outcome)


def _told(outcome: object) -> object:
    return outcome.reason if isinstance(outcome, Rejection) else msgspec.to_builtins(outcome)


def test_the_event_time_without_ts_is_when_the_message_was_received():
    for payload in ('{"metric":"n","value":1}', '{"values":{"n":1}}', '{"n":1}', '{"metric":"n","value":1,"ts":null}'):
        assert [each.event_time for each in outcomes(payload)] == [NOW_MS - 777]
