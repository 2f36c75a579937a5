"""clean_telemetry on long texts, many items and deep nesting, up to the largest payload that the bridge forwards.

All of them are in the one run of the session, which has no restarts: one payload that throws fails every test, and one
whose cost is quadratic takes the run past the time that it has.
"""

import json
from dataclasses import dataclass

import pytest

from connectors.mqtt_bridge.settings import BridgeSettings
from headrace.dead_letters.validation import PayloadValidation
from schemas.limits import MAX_MESSAGE_ITEMS
from schemas.reject_reasons import RejectReason
from tests.raw_messages import NOW_MS
from tests.unit.jobs.cleaning.outcomes import Messages

first_problem = PayloadValidation().first_problem
MESSAGES = Messages("large")
sent = MESSAGES.sent

T = 1_719_800_000_123
MAX_BYTES = BridgeSettings.model_fields["max_payload_bytes"].default

UNITS = {
    "letters": "x",
    "digits": "7",
    "spaces": " ",
    "escaped quotes": r"\"",
    "escaped backslashes": r"\\",
    "a letter and an escape": r"x\"",
    "unicode escapes": r"\u0041",
    "four bytes a character": "😀",
    "open braces": "{",
    "what looks like a pair": r"\":1,\"",
    "NaN": ":NaN,",
}
"""What a text is made of, as it stands between quotes in JSON."""


@dataclass(frozen=True)
class Form:
    """A payload around a long text, and what its items become."""

    head: str
    tail: str
    became: tuple[str, ...]
    max_units: int = MAX_BYTES

    def filled(self, unit: str) -> str:
        room = MAX_BYTES - len(self.head) - len(self.tail)
        return self.head + unit * min(room // len(unit.encode()), self.max_units) + self.tail


FORMS = {
    "value": Form('{"metric":"n","value":"', '"}', ("bad_value",)),
    "value in an array": Form(
        '[{"metric":"a","value":1},{"metric":"n","value":"', '"},{"metric":"b","value":2}]',
        ("reading", "bad_value", "reading"),
    ),
    "value in values": Form('{"values":{"a":1,"b":"', '","c":2}}', ("reading", "bad_value", "reading")),
    "metric": Form('{"metric":"', '","value":1}', ("bad_metric",)),
    "metric in an array": Form('[{"metric":"', '","value":1},{"metric":"a","value":1}]', ("bad_metric", "reading")),
    "name in values": Form('{"values":{"!":1,"', '":2}}', ("reading", "bad_metric"), 200_000 // 8),
    "unit": Form('{"metric":"n","value":1,"unit":"', '"}', ("unknown_unit",)),
    "unit in an array": Form(
        '[{"metric":"n","value":1,"unit":"', '"},{"metric":"a","value":1}]', ("unknown_unit", "reading")
    ),
    "ts": Form('{"metric":"n","value":1,"ts":"', '"}', ("bad_ts",)),
    "seq": Form('{"metric":"n","value":1,"seq":"', '"}', ("bad_seq",)),
    "ts of values": Form('{"ts":"', '","values":{"a":1,"b":2}}', ("bad_ts",)),
    "seq of values": Form('{"seq":"', '","values":{"a":1,"b":2}}', ("bad_seq",)),
    "unknown field": Form('{"metric":"n","value":1,"note":"', '"}', ("reading",)),
    "unknown field beside values": Form('{"note":"', '","values":{"a":1,"b":2}}', ("reading", "reading")),
    "string in an array": Form('["', '",{"metric":"n","value":1}]', ("not_a_reading", "reading")),
}  # fmt: skip

LONG_TEXTS = {
    (form, unit): sent(shape.filled(text))
    for form, shape in FORMS.items()
    for unit, text in UNITS.items()
}  # fmt: skip


@pytest.mark.parametrize(("form", "unit"), LONG_TEXTS)
def test_a_text_may_be_as_long_as_the_largest_payload(outcomes, form, unit):
    # Sorted: the items of `values` come in the order of their names.
    assert sorted(outcomes.said_of(LONG_TEXTS[form, unit])) == sorted(FORMS[form].became)


@pytest.mark.parametrize(("form", "unit"), LONG_TEXTS)
def test_what_is_checked_before_a_replay_agrees_with_the_job(form, unit):
    problem = first_problem(LONG_TEXTS[form, unit].payload, NOW_MS)
    refused = [became for became in FORMS[form].became if became != "reading"]
    assert ([problem.reason] if problem else []) == refused


DIGITS = "7" * (MAX_BYTES - 100)
LONG_NUMBERS = {
    "one object": (sent(f'{{"metric":"n","value":{DIGITS}}}'), "bad_value"),
    "an array": (sent(f'[{{"metric":"n","value":{DIGITS}}}]'), "bad_value"),
    "values": (sent(f'{{"values":{{"n":{DIGITS}}}}}'), "bad_value"),
    "an exponent": (sent(f'{{"metric":"n","value":1e{DIGITS}}}'), "bad_value"),
    "ts": (sent(f'{{"metric":"n","value":1,"ts":{DIGITS}}}'), "bad_ts"),
    "seq": (sent(f'{{"seq":{DIGITS},"values":{{"n":1}}}}'), "bad_seq"),
    "a name in values": (sent(f'{{"values":{{"{"n" * (MAX_BYTES - 100)}":1}}}}'), "bad_metric"),
}
FRACTION = sent(f'{{"metric":"n","value":0.{DIGITS}}}')


@pytest.mark.parametrize("where", LONG_NUMBERS)
def test_a_number_or_name_as_long_as_the_payload_is_one_dead_letter_of_its_field(outcomes, where):
    message, reason = LONG_NUMBERS[where]
    letter = outcomes.dead_letter(message)
    assert (letter.reason, letter.original) == (reason, message.payload)
    assert first_problem(message.payload, NOW_MS).reason == reason


def test_a_fraction_may_be_as_long_as_the_payload(outcomes):
    assert outcomes.reading(FRACTION).value == 7 / 9


HUGE_EXPONENTS = {
    text: sent(f'{{"ts":{T},"values":{{"a":1,"n":{text}}}}}')
    for text in ("1e999999999", "-1e2147483647", "123e2147483647", '"1e99999"')
}
THIRDS = sent(f'{{"ts":{T},"values":{{"a":1,"n":0.{"3" * 900}}}}}')


@pytest.mark.parametrize("text", HUGE_EXPONENTS)
def test_a_huge_exponent_is_no_finite_number_and_its_sibling_is_a_reading(outcomes, text):
    assert outcomes.said_of(HUGE_EXPONENTS[text]) == ["reading", "bad_value"]


def test_a_fraction_of_hundreds_of_digits_is_read(outcomes):
    assert [item.value for item in outcomes.of(THIRDS)] == [1, 1 / 3]


FULL_DEPTH = MAX_BYTES // 2 - 100
DEEP = [
    "[" * FULL_DEPTH,
    "[" * FULL_DEPTH + "]" * FULL_DEPTH,
    '{"a":' * 40_000 + "1" + "}" * 40_000,
    '{"values":{"a":1,"b":' + "[" * 100_000 + "]" * 100_000 + "}}",
    '{"values":' * 20_000 + "1" + "}" * 20_000,
    '[{"metric":"n","value":' + "[" * 100_000 + "]" * 100_000 + "}]",
]
TOO_DEEP = [sent(text) for text in DEEP]
BRACES = '{"x":' * 990 + "1" + "}" * 990
BRACKETS = "[" * 990 + "]" * 990
DEEP_FIELDS = {
    "a value": (sent(f'{{"metric":"n","value":{BRACKETS}}}'), ["bad_value"]),
    "a value in an array": (
        sent(f'[{{"metric":"n","value":{BRACES}}},{{"metric":"a","value":1}}]'), ["bad_value", "reading"]
    ),
    "a metric": (sent(f'{{"metric":{BRACES},"value":1}}'), ["bad_metric"]),
    "an unknown field": (sent(f'{{"metric":"n","value":1,"note":{BRACKETS}}}'), ["reading"]),
    "a field of values": (
        sent(f'{{"values":{{"a":1,"b":{BRACES},"c":{BRACKETS}}}}}'), ["reading", "nested_values", "nested_values"]
    ),
    "beside values": (sent(f'{{"note":{BRACES},"values":{{"a":1}}}}'), ["reading"]),
    "an array": (sent(BRACKETS), ["not_a_reading"]),
}  # fmt: skip


@pytest.mark.parametrize("message", TOO_DEEP, ids=lambda message: repr(message.payload[:20]))
def test_what_is_nested_too_deep_is_one_dead_letter(outcomes, message):
    letter = outcomes.dead_letter(message)
    assert (letter.reason, letter.original) == (RejectReason.NOT_JSON, message.payload)


@pytest.mark.parametrize("where", DEEP_FIELDS)
def test_a_field_may_be_nested_as_deep_as_the_json_parser_allows(outcomes, where):
    message, became = DEEP_FIELDS[where]
    assert outcomes.said_of(message) == became


ROOM = MAX_BYTES - 400
WHITE = {"spaces": " " * ROOM, "line feeds": "\n" * ROOM, "all four": " \t\r\n" * (ROOM // 4)}
WHITE_SPACE = {
    (name, place): sent(text)
    for name, run in WHITE.items()
    for place, text in {
        "before": f'{run}{{"values":{{"a":1,"b":2}}}}',
        "after": f'{{"values":{{"a":1,"b":2}}}}{run}',
        "within values": f'{{"values":{run}{{"a":1,"b":2}}}}',
        "within the map": f'{{"values":{{"a"{run}:1,"b":2}}}}',
        "before an array": f'{run}[{{"metric":"a","value":1}},{{"metric":"b","value":2}}]',
        "within an array": f'[{run}{{"metric":"a","value":1}},{{"metric":"b","value":2}}]',
        "within an element": f'[{{"metric":"a",{run}"value":1}},{{"metric":"b","value":2}}]',
    }.items()
}  # fmt: skip


@pytest.mark.parametrize(("run", "place"), WHITE_SPACE)
def test_a_long_run_of_white_space_is_passed_over(outcomes, run, place):
    assert outcomes.said_of(WHITE_SPACE[run, place]) == ["reading", "reading"]


ONLY_WHITE = sent(" \n" * (MAX_BYTES // 2))
EMPTY_AND_WHITE = sent("[" + " \n" * (MAX_BYTES // 2 - 1) + "]")
BROKEN = [
    sent("[" + " " * ROOM + "x]"),
    sent("," * MAX_BYTES),
    sent(": " * (MAX_BYTES // 2)),
    sent('"' * MAX_BYTES),
    sent("\\" * MAX_BYTES),
    sent('{"a":1,' * (MAX_BYTES // 7)),
    sent('{"metric":"n","value":"' + "x" * ROOM),
    sent("[" + " NaN" * (ROOM // 4) + "]"),
    sent('{"values":{"a":"' + "\\" * ROOM),
]
MANY_NANS = sent("[" + ",".join(["NaN"] * (ROOM // 4)) + "]")


@pytest.mark.parametrize("message", [ONLY_WHITE, *BROKEN], ids=lambda message: repr(message.payload[:20]))
def test_a_large_payload_that_is_no_json_is_refused(outcomes, message):
    assert outcomes.said_of(message) == ["not_json"]


def test_a_large_array_without_elements_and_one_of_too_many_nans_are_one_item(outcomes):
    assert outcomes.said_of(EMPTY_AND_WHITE) == ["empty_array"]
    assert outcomes.said_of(MANY_NANS) == ["too_many_items"]


WIDTH = 9_900
OFTEN = 6
"""One such message took over 50 s while `values` was parsed anew for each of its names: the run has 300 s."""


def values(n: int, **fields: object) -> str:
    return json.dumps({"ts": T, "values": {f"metric {i:05}": i for i in range(n)} | fields}, separators=(",", ":"))


def array(n: int, *more: object) -> str:
    elements = [{"metric": "n", "value": i, "ts": T + i} for i in range(n)]
    return json.dumps([*elements, *more], separators=(",", ":"))


SHORT = [f'{{"m":{i}}}' for i in range(WIDTH)]
WIDE = [sent(values(WIDTH)) for _ in range(OFTEN)]
WIDE_AND_BAD = sent(json.dumps({"ts": T, "values": {f"metric {i:05}": "warm" for i in range(WIDTH)}}))
ARRAYS = [sent(array(5000)) for _ in range(2)]
SMALL_READINGS = sent("[" + ",".join(f'{{"metric":"{i}","value":1}}' for i in range(9_000)) + "]")
BARE_MAPS = sent(f"[{','.join(SHORT)}]")
BRACES_IN_STRINGS = [sent(array(4000, "{", "{}", f'{{"metric":"n","value":1,"ts":{T}}}')) for _ in range(2)]
AT_THE_LIMIT = sent("[" + ",".join(["{}"] * MAX_MESSAGE_ITEMS) + "]")
OVER_THE_LIMIT = [
    sent("[" + ",".join(["{}"] * (MAX_MESSAGE_ITEMS + 1)) + "]"),
    sent("[" + ",".join(["1"] * (MAX_MESSAGE_ITEMS + 1)) + "]"),
    sent("[" + ",".join(["[]"] * (MAX_BYTES // 3 - 1)) + "]"),
    sent(values(MAX_MESSAGE_ITEMS + 1)),
    sent(json.dumps({"values": {chr(0x4E00 + i): 1 for i in range(MAX_MESSAGE_ITEMS + 1)}}, ensure_ascii=False)),
]
VALUES_AT_THE_LIMIT = sent(values(MAX_MESSAGE_ITEMS))
SAME_NAME = sent('{"values":{' + ",".join(f'"a":{i}' for i in range(40_000)) + "}}")
LONG_TS = sent('{"ts":"' + "x" * 130_000 + '",' + values(5000).partition(",")[2])


def test_a_message_of_thousands_of_values_is_read_whole_and_its_cost_is_linear(outcomes):
    for message in WIDE:
        assert [(item.metric, item.value) for item in outcomes.of(message)] == [
            (f"metric {i:05}", i) for i in range(WIDTH)
        ]


def test_thousands_of_bad_values_are_as_many_dead_letters_each_alone(outcomes):
    letters = outcomes.of(WIDE_AND_BAD)
    assert {letter.reason for letter in letters} == {RejectReason.BAD_VALUE}
    assert [json.loads(letter.original)["values"] for letter in letters] == [
        {f"metric {i:05}": "warm"} for i in range(WIDTH)
    ]


def test_an_array_of_thousands_of_readings_is_read_whole_and_its_cost_is_linear(outcomes):
    for message in ARRAYS:
        assert [item.value for item in outcomes.of(message)] == list(range(5000))
    assert outcomes.said_of(SMALL_READINGS) == ["reading"] * 9_000
    assert outcomes.said_of(BARE_MAPS) == ["reading", *["ambiguous_time"] * (WIDTH - 1)]


def test_strings_among_thousands_of_readings_are_no_readings_and_the_cost_is_linear(outcomes):
    for message in BRACES_IN_STRINGS:
        assert outcomes.said_of(message) == ["reading"] * 4000 + ["not_a_reading"] * 3


def test_ten_thousand_items_are_the_limit(outcomes):
    assert outcomes.said_of(AT_THE_LIMIT) == ["no_metric"] * MAX_MESSAGE_ITEMS
    assert outcomes.said_of(VALUES_AT_THE_LIMIT) == ["reading"] * MAX_MESSAGE_ITEMS
    assert [outcomes.said_of(message) for message in OVER_THE_LIMIT] == [["too_many_items"]] * len(OVER_THE_LIMIT)


def test_of_a_name_that_stands_many_times_in_values_the_last_value_is_the_one_item(outcomes):
    assert outcomes.reading(SAME_NAME).value == 39_999


def test_a_long_ts_of_thousands_of_values_is_not_kept_with_each_of_them(outcomes):
    letter = outcomes.dead_letter(LONG_TS)
    assert (letter.reason, letter.original) == (RejectReason.BAD_TS, LONG_TS.payload)


def test_the_messages_of_this_file_are_such_as_the_bridge_forwards():
    numbers = [message for message, _ in LONG_NUMBERS.values()]
    large = [*LONG_TEXTS.values(), *numbers, *TOO_DEEP, *WHITE_SPACE.values(), *BROKEN, *WIDE, *ARRAYS]
    assert max(len(message.payload) for message in large) <= MAX_BYTES
