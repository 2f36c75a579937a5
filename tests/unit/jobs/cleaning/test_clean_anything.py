"""clean_telemetry on what nobody thought of: some hundred generated payloads, all in the one run."""

import json
import math
import re
from dataclasses import dataclass
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connectors.mqtt_bridge.settings import BridgeSettings
from schemas.dead_letter import DeadLetter
from schemas.reject_reasons import RejectReason
from schemas.unit_conversions import CONVERSIONS
from schemas.units import METRIC_UNITS
from tests.raw_messages import NOW_MS
from tests.unit.jobs.cleaning.outcomes import Messages, Outcomes, cleaned, word

PAYLOADS = 300
MAX_BYTES = BridgeSettings.model_fields["max_payload_bytes"].default

LONG = 60
"""Payloads with something long in them."""

long_texts = st.builds(
    lambda unit, times: (unit * times)[:times],
    st.text(min_size=1, max_size=3)
    | st.sampled_from(["\\", '"', '\\"', "7", " ", "{", "[1]", ":", '":1,"', "NaN", "😀"]),
    st.integers(190, 210) | st.integers(1000, 60_000),
)
names = st.sampled_from(["temperature", "pressure", "n", "", "a b", 'q"', "values", "ts"]) | st.text(max_size=12)
numbers = st.floats() | st.integers() | st.integers(min_value=-(2**70), max_value=2**70)
texts = numbers.map(str) | st.text(max_size=8) | st.sampled_from(["NaN", "1e3", " 5", "0x10", "5f"])
scalars = st.none() | st.booleans() | numbers | texts
times = st.integers(1_262_000_000_000, NOW_MS + 400_000) | st.sampled_from([0, 1719800000, 1.7e12]) | scalars
units = st.sampled_from([*list(CONVERSIONS)[:40], "degrees", "|", ""]) | scalars
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4))
near_readings = st.fixed_dictionaries(
    {},
    optional={
        "metric": names | anything, "value": numbers | anything, "ts": times | anything,
        "unit": units | anything, "seq": st.integers() | anything,
    },
)  # fmt: skip
finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
good_readings = st.fixed_dictionaries(
    {
        "metric": st.sampled_from([*METRIC_UNITS, "n"]) | st.text(min_size=1, max_size=9),
        "value": finite | finite.map(str),
    },
    optional={
        "ts": st.integers(1_262_304_000_000, NOW_MS), "seq": st.integers(0, 2**63 - 1),
        "unit": st.sampled_from(sorted(CONVERSIONS)),
    },
)  # fmt: skip
maps = st.fixed_dictionaries(
    {"values": st.dictionaries(names, numbers | anything, max_size=6)}, optional={"ts": times, "seq": scalars}
)
mixtures = st.lists(good_readings | good_readings.map(json.dumps) | anything, max_size=5)
documents = near_readings | mixtures | st.lists(near_readings | anything, max_size=6) | maps | anything


@st.composite
def encoded(draw: st.DrawFn) -> bytes:
    """A document as some encoder would write it, now and then damaged."""
    chosen = draw(good_readings if draw(st.booleans()) else documents)
    document = json.dumps(chosen, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    payload = document.encode("utf-8", "replace")
    if draw(st.integers(0, 5)) == 0:
        cut = draw(st.integers(0, len(payload)))
        payload = payload[:cut] + draw(st.binary(max_size=3)) + payload[cut + draw(st.integers(0, 2)) :]
    return payload


@st.composite
def long_encoded(draw: st.DrawFn) -> bytes:
    """A document with a long text as value, name, field or white space, in each of the forms."""
    text, number = draw(long_texts), draw(finite)
    long_reading = {
        "metric": "n",
        "value": number,
        draw(st.sampled_from(["metric", "value", "unit", "ts", "seq", "x", "x"])): text,
    }
    document = draw(
        st.sampled_from(
            [
                long_reading,
                [long_reading, {"metric": "a", "value": 1}, text],
                {"values": {"a": 1, "b": text, "c": number}},
                {"values": {"a": 1, text: number, "c": [text]}},
                {"ts": text, "values": {"a": 1, "b": {"x": text}}},
            ]
        )
    )
    payload = json.dumps(document, ensure_ascii=draw(st.booleans())).encode("utf-8", "replace")
    white = draw(st.sampled_from([b"", b" ", b"\n", b"\r\n\t"])) * draw(st.sampled_from([1, 1000, 50_000]))
    payload = white + payload if draw(st.booleans()) else payload + white
    return payload[: draw(st.sampled_from([MAX_BYTES, MAX_BYTES, len(payload) // 2]))]


payloads = encoded() | encoded() | encoded() | st.text(max_size=30).map(str.encode) | st.binary(max_size=30)


def generated() -> list[bytes]:
    found: list[bytes] = []

    def collect(payload: bytes) -> None:
        found.append(payload)

    for strategy, count in ((payloads, PAYLOADS), (long_encoded(), LONG)):
        generate = settings(
            max_examples=count, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None
        )
        generate(given(strategy)(collect))()
    return found


@cache
def messages() -> Messages:
    """Made when they are wanted: every process of the unit tests imports this module."""
    found = Messages("anything")
    for payload in generated():
        found.sent(payload)
    return found


@pytest.fixture(scope="module")
def outcomes():
    return Outcomes(messages(), cleaned(messages()))


@dataclass(frozen=True)
class Expected:
    """What the specification says of one reading, read by another parser than the job's."""

    metric: str
    value: float
    event_time: int
    unit: str | None
    sequence: int | None


def expected(payload: bytes) -> Expected | None:
    """The reading of a payload that is one beyond any doubt; None for all else."""
    try:
        document = json.loads(payload.decode(), parse_constant=_refuse, object_pairs_hook=_distinct)
    except ValueError:
        return None
    if not isinstance(document, dict) or "values" in document:
        return None
    metric, value, unit = document.get("metric"), _number(document.get("value")), document.get("unit")
    ts, seq = document.get("ts"), document.get("seq")
    if not isinstance(metric, str) or not re.fullmatch(r"[^\x00-\x1f\x7f-\x9f\\\ud800-\udfff]{1,200}", metric):
        return None
    if value is None or not _whole(ts, 1_262_304_000_000, NOW_MS) or not _whole(seq, 0, 2**63 - 1):
        return None
    if not (unit is None or isinstance(unit, str)):
        return None
    return _converted(metric, value, NOW_MS if ts is None else ts, unit or None, seq)


def _converted(metric: str, value: float, event_time: int, unit: str | None, seq: int | None) -> Expected | None:
    own = METRIC_UNITS.get(metric)
    if unit is None or unit == own:
        return Expected(metric, value, event_time, own, seq)
    conversion = CONVERSIONS.get(unit)
    if conversion is None or own not in (None, conversion.unit):
        return None
    converted = value * conversion.factor + conversion.offset
    return Expected(metric, converted, event_time, conversion.unit, seq) if math.isfinite(converted) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", value):
        return None
    return float(value) if math.isfinite(float(value)) else None


def _whole(value: object, low: int, high: int) -> bool:
    return value is None or (type(value) is int and low <= value <= high)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def test_every_generated_payload_leaves_with_each_item_once(outcomes):
    for message in outcomes.messages:
        positions = [(item.position.item, item.position.items) for item in outcomes.of(message)]
        assert positions, message.payload
        assert positions == [(i, positions[0][1]) for i in range(positions[0][1])], message.payload


def test_every_reason_is_on_the_closed_list_and_bytes_of_single_items_are_kept(outcomes):
    for message in outcomes.messages:
        for item in outcomes.of(message):
            if isinstance(item, DeadLetter):
                assert item.reason in RejectReason
                assert item.original_size == len(item.original or b"")
                assert item.position.items > 1 or (item.original or b"") == message.payload, message.payload


def test_every_payload_that_is_a_reading_beyond_doubt_is_that_reading(outcomes):
    judged = [(message, expected(message.payload)) for message in outcomes.messages]
    certain = [(message, reading) for message, reading in judged if reading]
    assert len(certain) > PAYLOADS // 20
    for message, reading in certain:
        assert outcomes.said_of(message) == ["reading"], message.payload
        found = outcomes.reading(message)
        assert found.value == reading.value or math.isclose(found.value, reading.value, rel_tol=1e-12)
        assert Expected(found.metric, reading.value, found.event_time, found.unit, found.sequence) == reading


def test_nothing_is_a_reading_that_has_no_finite_value_in_its_payload(outcomes):
    for message in outcomes.messages:
        for item in outcomes.of(message):
            if word(item) == "reading":
                assert math.isfinite(item.value), message.payload
                assert item.metric, message.payload


def test_each_element_of_an_array_that_is_no_object_is_no_reading(outcomes):
    arrays = 0
    for message in outcomes.messages:
        try:
            document = json.loads(message.payload.decode(), parse_constant=_refuse)
        except ValueError:
            continue
        if isinstance(document, list) and document:
            arrays += 1
            said = outcomes.said_of(message)
            assert said.count("not_a_reading") == sum(not isinstance(element, dict) for element in document)
    assert arrays > 5
