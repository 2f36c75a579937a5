"""Payloads edited by an editor, jq and Python, and judged before they are sent."""

import json
import operator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.mqtt_bridge.settings import BridgeSettings
from headrace.dead_letters.edit import by_jq, by_python
from headrace.dead_letters.errors import EditFailed
from headrace.dead_letters.validation import PayloadValidation
from schemas.reject_reasons import RejectReason
from schemas.source import Source

MAX_BYTES = BridgeSettings.model_fields["max_payload_bytes"].default
NOW_MS = 1_790_000_000_000
first_problem = PayloadValidation().first_problem
WITH_EXAMPLE = [reason for reason in RejectReason if reason.example is not None]
READING = {"metric": "temperature", "value": 21.4, "unit": "Cel", "ts": 1719800000123, "seq": 17}


@pytest.mark.parametrize("reason", WITH_EXAMPLE)
def test_the_example_of_a_reason_has_that_problem(reason):
    assert first_problem(reason.example, NOW_MS).reason is reason


@pytest.mark.parametrize(
    "message",
    [
        READING,
        [READING, {"metric": "humidity", "value": "40"}],
        {"ts": "1719800000123", "values": {"temperature": 21.4, "humidity": "40"}},
        {"metric": "flow", "value": 1e300, "unit": "", "ts": 1719800000123.7, "seq": None},
        {"metric": "anything", "value": 1, "unit": "km/h", "extra": {"a": []}},
        {"metric": "anything", "value": "-" + "1" * 300, "extra": 'x\\"' * 60_000},
    ],
)
def test_a_message_of_the_contract_has_no_problem(message):
    assert first_problem(json.dumps(message).encode(), NOW_MS) is None
    assert first_problem(b"\r\n\t " + json.dumps(message, indent=1).encode() + b" \n", NOW_MS) is None


@pytest.mark.parametrize("number", ["-" + "1" * 300, "0." + "3" * 1000, "-" + "0." + "0" * 999 + "1"])
def test_a_number_of_at_most_a_thousand_digits_has_no_problem(number):
    assert first_problem(f'{{"metric":"t","value":{number}}}'.encode(), NOW_MS) is None


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"metric":"t","value":NaN}', "bad_value"),
        (b'{"metric":"t","value":1e999}', "bad_value"),
        (b'{"metric":"t","value":true}', "bad_value"),
        (b'{"metric":"t","value":[1]}', "bad_value"),
        (b'{"metric":"t","value":1,"ts":true}', "bad_ts"),
        (b'{"metric":"t","value":1,"ts":1790000300001}', "ts_out_of_range"),
        (b'{"metric":"t","value":1,"seq":{}}', "bad_seq"),
        (b'{"metric":"t","value":1,"unit":7}', "unknown_unit"),
        (b'{"metric":"t","value":1} and more', "not_json"),
        (b"[" * 5000, "not_json"),
        (b'{"metric":"t","value":' + b"9" * 1001 + b"}", "bad_value"),
        (b'[{"metric":"t","value":1},7]', "not_a_reading"),
        (b"[" + b"1," * 10_000 + b"1]", "too_many_items"),
        (b'{"values":7}', "no_values"),
        (b'{"values":{"t":null}}', "no_value"),
        (b'{"values":{"t":1,"u":{"x":1}}}', "nested_values"),
        (b'{"values":{"t":1,"u":[]}}', "nested_values"),
        (b'{"values":{"t":"warm","u":[]}}', "bad_value"),
        (b'{"values":{"' + b"t" * 50_001 + b'":1}}', "bad_metric"),
        (b'{"metric":"t","value":1e2147483648}', "bad_value"),
        (b'{"metric":"t","value":1e2147483647}', "bad_value"),
        (b'{"metric":"a\\\\b","value":1}', "bad_metric"),
    ],
)
def test_what_the_cleaning_refuses_is_seen_before(payload, reason):
    assert first_problem(payload, NOW_MS).reason == reason


def test_a_payload_is_judged_as_its_source_would():
    seconds = Source(name="plant", topic=("plant/{device}",), time_format="s")
    validation = PayloadValidation([seconds])
    payload = b'{"metric":"t","value":1,"ts":1719800000}'
    assert validation.first_problem(payload, NOW_MS).reason == "ts_out_of_range"
    assert validation.first_problem(payload, NOW_MS, headers={"source": b"plant"}) is None


def test_a_payload_of_a_source_that_is_not_declared_is_not_judged():
    assert first_problem(b"warm", NOW_MS, headers={"source": b"elsewhere"}) is None


def test_a_device_that_cannot_be_used_is_a_problem():
    assert first_problem(b'{"t":1}', NOW_MS, key=b"back\\slash").reason == "bad_device"


def test_a_problem_in_an_array_names_the_item():
    assert first_problem(b'[{"metric":"t","value":1},{"metric":"t"}]', NOW_MS).detail == "item 1: metric: t"


long_texts = st.builds(
    operator.mul,
    st.text(min_size=1, max_size=3) | st.sampled_from(["\\", '"', "7", " ", "{", "[", "-", "e", "😀"]),
    st.sampled_from([200, 201, 1000, 50_000, 50_001, MAX_BYTES // 4]),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | long_texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metric", "value", "ts", "seq", "unit", "values"]) | st.text() | long_texts,
            inner,
            max_size=4,
        )
    ),
)

large = st.builds(
    lambda head, unit, times, tail: head + unit * times + tail,
    st.sampled_from([b"", b'{"metric":"t","value":', b'{"values":{"t":1,"u":', b'[{"metric":"', b'{"ts":"']),
    st.sampled_from([b"[", b"7", b"-", b" ", b"\n", b'"', b"\\", b'\\"', b'{"values":', b"1,", b'"a":1,', b"\xff"]),
    st.sampled_from([999, 1000, 1001, 20_000]),
    st.sampled_from([b"", b"}", b"}}", b'"}', b"]", b'":1}}']),
)


@settings(suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow], deadline=None)
@given(st.binary(max_size=40) | large | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_payload_is_judged_and_never_raises(payload):
    problem = first_problem(payload, NOW_MS)
    assert problem is None or isinstance(problem.reason, RejectReason)


def test_python_changes_the_parsed_payload():
    assert by_python('payload | {"value": 21.4}')(b'{"metric":"t","value":"warm"}') == b'{"metric":"t","value":21.4}'


def test_python_has_the_text_of_what_is_no_json():
    assert by_python('payload + "}"')(b'{"metric":"t"') == b'{"metric":"t"}'


def test_python_can_take_out_bytes_that_are_no_utf8():
    assert by_python(r'payload.replace("\udcff", "")')(b'{"metric":"t\xff"}') == b'{"metric":"t"}'


def test_python_has_json_and_math():
    assert by_python("json.loads(json.dumps([math.floor(payload)]))")(b"2.5") == b"[2]"


@pytest.mark.parametrize(
    ("expression", "payload"),
    [
        ('payload["metrics"]', b"{}"),
        ("payload", b"\xff"),  # bytes that are no UTF-8 are still there
        ("float('nan')", b"1"),
        ("{1, 2}", b"1"),
        ("subprocess", b"1"),
    ],
)
def test_an_expression_that_fails_on_a_payload_says_how(expression, payload):
    with pytest.raises(EditFailed, match="--python fails on this payload: "):
        by_python(expression)(payload)


@pytest.mark.parametrize("statement", ["payload['value'] = 1", "import os", ""])
def test_a_statement_is_refused_before_anything_is_read(statement):
    with pytest.raises(EditFailed, match="one expression"):
        by_python(statement)


def test_without_jq_the_line_that_installs_it_is_said(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EditFailed, match=r"apt-get install jq.*--python"):
        by_jq(".")
