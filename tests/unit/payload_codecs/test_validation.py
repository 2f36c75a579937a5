"""What makes a sample a reading, whatever format it came in."""

import math
from datetime import datetime
from decimal import Decimal
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payload_codecs.codec import Ignored, Rejection, Sample
from payload_codecs.message import Message
from payload_codecs.valid_reading import ItemPosition, ValidReading, encoded
from payload_codecs.validation import Outcome, Validator
from schemas.device_name import device_name_fault
from schemas.ignored_message import IgnoredReason
from schemas.limits import MAX_CLOCK_SKEW_MS, MIN_EVENT_TIME_MS
from schemas.reading import Reading
from schemas.reject_reasons import RejectReason
from schemas.source import Source
from schemas.unit_conversions import CONVERSIONS

NOW_MS = 1_790_000_000_000
T = 1_719_800_000_123
LATEST = NOW_MS + MAX_CLOCK_SKEW_MS


def source(**fields: object) -> Source:
    return Source(name="plant", topic=("plant/{device}",), **fields)


def message(device: str | None = "pump-7", received_at_ms: int = NOW_MS - 777) -> Message:
    return Message(b"payload", device, received_at_ms=received_at_ms, append_time_ms=NOW_MS)


def judge(sample: Sample, device: str | None = "pump-7", **fields: object) -> Outcome:
    """Twice by the same validator: the second time it knows the series."""
    validator = Validator(source(**fields))
    first, second = (validator.judge(message(device), sample) for _ in range(2))
    assert first == second
    return first


def level(**fields: object) -> Sample:
    return Sample(**({"metric": "level", "value": 21.4, "time": T} | fields))


def reason(outcome: Outcome) -> str | None:
    return outcome.reason.value if isinstance(outcome, Rejection) else None


def test_a_sample_becomes_a_reading_with_all_its_fields():
    sample = Sample("temperature", 21.4, T, "Cel", 17)
    assert judge(sample) == ValidReading("pump-7", "temperature", T, 21.4, "Cel", 17)


ANY_DEVICE = Source(name="plant", topic=("plant/#",), codec="line-protocol", time_format="ms")
"""A source whose payloads name their devices."""


def test_a_sample_that_names_its_device_is_of_that_device():
    validator = Validator(ANY_DEVICE)
    for device in (None, "pump-7", None):
        assert validator.judge(message(device), level(device="pump-8")).device == "pump-8"


@pytest.mark.parametrize("fields", [{}, {"device": "{login}"}, {"codec": "sparkplug-b", "device": "{device}"}])
def test_a_sample_names_no_device_where_the_topic_or_the_login_does(fields):
    validator = Validator(source(**fields))
    for _ in range(2):
        assert validator.judge(message(), level(device="pump-8")).device == "pump-7"
        assert reason(validator.judge(message(None), level(device="pump-8"))) == "no_device"


NO_NAMES = ["back\\slash", "ends with \\", "line\nbreak", "nul\0", "del\x7f", "x" * 201, "half \ud800", "\udfff"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_no_store_can_hold_is_refused(name):
    assert reason(judge(level(metric=name))) == "bad_metric"
    assert reason(judge(level(), device=name)) == "bad_device"
    assert reason(Validator(ANY_DEVICE).judge(message(), level(device=name))) == "bad_device"
    judge(level(metric=name)).detail.encode()


def test_every_control_character_is_refused_in_metrics_and_devices_as_the_entrances_refuse_it():
    validator = Validator(source())
    for name in map("a{}b".format, map(chr, range(0x300))):
        is_control = category(name[1]) == "Cc"
        assert (device_name_fault(name) is not None) == is_control
        refused = [validator.judge(message(), level(metric=name)), validator.judge(message(name), level())]
        is_refused = is_control or name[1] == "\\"
        assert [reason(each) for each in refused] == (["bad_metric", "bad_device"] if is_refused else [None, None])


def test_a_known_metric_of_an_unusable_device_is_refused():
    validator = Validator(source())
    found = [validator.judge(message(device), level()) for device in ("pump-7", "back\\slash", "", None, "pump-7")]
    assert [reason(each) for each in found] == [None, "bad_device", "no_device", "no_device", None]


@pytest.mark.parametrize("name", ["x", "two words", "Größe µ", "😀" * 200, "a,b=c d", "'); DROP TABLE x; --", "\xa0"])
def test_a_name_is_any_other_text(name):
    assert judge(level(metric=name), device=name) == ValidReading(name, name, T, 21.4)


def test_without_a_device_or_a_metric_there_is_no_reading():
    assert reason(judge(level(), device=None)) == "no_device"
    assert reason(judge(level(), device="")) == "no_device"
    assert [reason(judge(level(metric=metric))) for metric in (None, "", [1], {"a": 1}, b"x")] == [
        "no_metric", "no_metric", "bad_metric", "bad_metric", "bad_metric"
    ]  # fmt: skip


def test_a_number_is_a_metric_as_it_stands_in_json():
    assert [judge(level(metric=metric)).metric for metric in (5, True, 1.5)] == ["5", "true", "1.5"]


NUMBERS = {
    21.4: 21.4, -40: -40, "21.4": 21.4, " 7 ": 7, "-1.5e2": -150, "+5": 5, 2**53 + 1: 2**53, 5e-324: 5e-324,
    10**300: 1e300, "0." + "3" * 100_000: 1 / 3,
}  # fmt: skip


@pytest.mark.parametrize("sent", NUMBERS, ids=lambda sent: repr(sent)[:20])
def test_a_number_comes_out_as_it_went_in(sent):
    assert judge(level(value=sent)).value == NUMBERS[sent]


def test_minus_zero_is_zero():
    assert [math.copysign(1, judge(level(value=zero)).value) for zero in (-0.0, 0, "-0")] == [1, 1, 1]


NO_NUMBERS = [
    math.nan, math.inf, -math.inf, 10**400, "NaN", "-nan", "-Infinity", "inf", "1e999", True, "true", "", " ", "21d",
    "0x1p3", "1_000", "21,4", "1 2", "٣", {}, {"a": 1}, [], [1], "warm", b"21.4", "45%", "ON", "7" * 100_000, "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("sent", NO_NUMBERS, ids=lambda sent: repr(sent)[:20])
def test_what_is_no_finite_number_is_refused(sent):
    found = judge(level(value=sent))
    assert found.reason is RejectReason.BAD_VALUE
    assert found.detail.startswith("value: ")
    assert len(found.detail.encode()) <= 2000


def test_words_are_numbers_where_the_source_says_so():
    words = {"on": 1, "off": 0, "TRUE": 1, "false": 0}
    assert [judge(level(value=sent), words=words).value for sent in ("ON", "Off", " off", True, False)] == [
        1,
        0,
        0,
        1,
        0,
    ]
    assert reason(judge(level(value="open"), words=words)) == "bad_value"
    assert reason(judge(level(value=True), words={"on": 1})) == "bad_value"
    assert judge(level(value="5"), words=words).value == 5


def test_a_decimal_comma_is_read_where_the_source_says_so():
    assert judge(level(value="21,4"), decimal_comma=True).value == 21.4
    assert [reason(judge(level(value=sent), decimal_comma=True)) for sent in ("1.234,5", "1,234,567", ",")] == [
        "bad_value"
    ] * 3  # fmt: skip


def test_a_unit_in_a_text_is_read_where_the_source_says_so():
    found = [judge(Sample("temperature", sent), unit_in_value=True) for sent in ("21.4 °C", "-2e1°C", "212 °F", "21.4")]
    assert [(each.value, each.unit) for each in found] == [
        (21.4, "Cel"), (-20, "Cel"), (pytest.approx(100), "Cel"), (21.4, "Cel")
    ]  # fmt: skip
    assert judge(Sample("humidity", "45%"), unit_in_value=True).value == 45
    assert judge(Sample("humidity", "45,5 %"), unit_in_value=True, decimal_comma=True).value == 45.5
    assert reason(judge(Sample("humidity", "45 furlongs"), unit_in_value=True)) == "unknown_unit"


@pytest.mark.parametrize("field", ["metric", "value", "time", "unit", "sequence", "device"])
def test_types_of_other_formats_are_refused_where_they_do_not_belong(field):
    for sent in (b"\xff", {b"\xff": 1}, {(1, 2): 3}, Decimal("NaN"), datetime(2026, 1, 1), object(), [object()]):
        assert isinstance(Validator(ANY_DEVICE).judge(message(), level(**{field: sent})), Rejection)


def test_null_is_no_value():
    found = judge(level(value=None))
    assert (found.reason, found.detail) == (RejectReason.NO_VALUE, "metric: level")


@pytest.mark.parametrize(
    ("metric", "value", "unit", "stored", "stored_unit"),
    [
        ("temperature", "212", "[degF]", 100, "Cel"), ("temperature", 212, "°F", 100, "Cel"),
        ("temperature", 212, "F", 100, "Cel"), ("temperature", 20, "C", 20, "Cel"),
        ("temperature", 20, "Cel ", 20, "Cel"), ("temperature", 20, "℃", 20, "Cel"),
        ("temperature", 20, None, 20, "Cel"), ("temperature", 20, "", 20, "Cel"),
        ("pressure", 1013.25, "hPa", 101_325, "Pa"), ("pressure", 29.92, "inHg", 101_320.7, "Pa"),
        ("boiler", 212, "degF", 100, "Cel"), ("boiler", 1, "F", 1, "F"), ("boiler", 1, None, 1, None),
        ("energy", 2, "kWh", 7_200_000, "J"), ("volume", 3, "m³", 3000, "L"), ("flow", 3.6, "m³/h ", 1, "L/s"),
        ("humidity", 40, "%RH", 40, "%"), ("acceleration", 1, "g", 9.80665, "m/s2"), ("dose", 1, "g", 0.001, "kg"),
        ("dust", 12, "µg/m³", 1.2e-8, "kg/m3"), ("rain", 3.6, "mm/h", 1e-6, "m/s"),
    ],
)  # fmt: skip
def test_values_are_converted_to_the_one_unit_of_their_metric(metric, value, unit, stored, stored_unit):
    found = judge(Sample(metric, value, T, unit))
    assert (found.value, found.unit) == (pytest.approx(stored, rel=1e-5), stored_unit)


@pytest.mark.parametrize(
    "unit", ["degrees", "cel", 5, True, {}, ["Cel"], "Cel=Cel;1.0;0.0|K", "|", " ", "x" * 250_000, b"Cel", "\ud800"]
)
def test_a_unit_that_is_not_on_the_list_is_refused(unit):
    found = judge(level(unit=unit))
    assert found.reason is RejectReason.UNKNOWN_UNIT
    assert found.detail.startswith("unit: ")


def test_a_unit_of_another_quantity_is_refused_with_the_metrics_own():
    found = judge(Sample("temperature", 1, T, "km/h"))
    assert (found.reason, found.detail) == (RejectReason.WRONG_UNIT, "unit: km/h, but temperature is in Cel")
    assert reason(judge(Sample("power", 1, T, "kWh"))) == "wrong_unit"


def test_a_source_has_spellings_of_its_own_and_units_of_metrics_that_are_sent_without():
    units = {"Grad": "Cel", "level": {"Grad": "deg"}}
    assert judge(Sample("temperature", 20, T, "Grad"), units=units).unit == "Cel"
    assert judge(level(unit="Grad"), units=units).unit == "deg"
    assert judge(Sample("line1.temp", 212, T), metric_units={"*.temp": "[degF]"}).value == pytest.approx(100)
    assert judge(Sample("line1.temp", 20, T, "Cel"), metric_units={"*.temp": "[degF]"}).value == 20


def test_a_value_that_a_conversion_makes_infinite_is_refused():
    assert reason(judge(Sample("pressure", 1e308, T, "GPa"))) == "bad_value"


@pytest.mark.parametrize(
    "time", [T, float(T), str(T), T + 0.25, f"{T}.9", MIN_EVENT_TIME_MS, LATEST, "1.719800000123e12"]
)
def test_a_plausible_time_is_the_event_time(time):
    assert judge(level(time=time)).event_time == int(float(time))


@pytest.mark.parametrize(
    "time", [0, -1, 1, T // 1000, MIN_EVENT_TIME_MS - 1, LATEST + 1, T * 1000, 10**18, -(10**18), "5", "1e-3000000000"]
)
def test_a_time_before_2010_or_ahead_of_the_broker_is_refused(time):
    found = judge(level(time=time))
    assert (found.reason, found.detail) == (RejectReason.TS_OUT_OF_RANGE, f"ts: {int(float(time))}")


@pytest.mark.parametrize(
    "time",
    ["noon", "", True, {}, [1], 10**19, 10**5000, 1e300, math.nan, "NaN", "2025-11-24T10:00:00Z", "1d", "1e3000000000",
     "7" * 100_000, b"1", "\ud800"],
    ids=lambda time: repr(time)[:20] if not isinstance(time, int) else "int",
)  # fmt: skip
def test_a_time_that_is_no_number_of_ms_is_refused(time):
    found = judge(level(time=time))
    assert found.reason is RejectReason.BAD_TS
    assert found.detail.startswith("ts: ")


def test_without_a_time_it_is_that_of_the_entrance_and_without_an_entrance_that_of_the_broker():
    sample = level(time=None)
    assert judge(sample).event_time == NOW_MS - 777
    assert Validator(source()).judge(message(received_at_ms=0), sample).event_time == NOW_MS


def test_an_entrance_whose_clock_is_wrong_gives_no_reading_a_wrong_time():
    validator = Validator(source())
    validator.judge(message(), level(time=None))
    for received_at_ms in (5, LATEST + 1):
        found = validator.judge(message(received_at_ms=received_at_ms), level(time=None))
        assert (found.reason, found.detail) == (RejectReason.TS_OUT_OF_RANGE, f"ts: {received_at_ms}")


def test_a_known_series_is_judged_by_the_rules_of_times_of_its_source():
    validator = Validator(source(time_format="s"))
    found = [validator.judge(message(), level(time=time)) for time in (T // 1000, T // 1000, T)]
    assert [reason(each) for each in found] == [None, None, "ts_out_of_range"]
    assert found[1].event_time == T // 1000 * 1000


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (17, 17), ("17", 17), (" 17 ", 17), (17.0, 17), ("17.0", 17), (1e3, 1000), ("1e3", 1000), (-0.0, 0),
        (-(2**63), -(2**63)), (2**63 - 1, 2**63 - 1), (None, None),
    ],
)  # fmt: skip
def test_a_sequence_is_a_whole_number(sent, kept):
    assert judge(level(sequence=sent)).sequence == kept


@pytest.mark.parametrize(
    "sent", ["first", True, {}, [1], 10**19, 2**63, "", math.nan, b"1", "7" * 100_000, 1.9, "1.9", -0.5, 1e-9]
)
def test_a_sequence_that_is_no_whole_number_is_refused(sent):
    assert reason(judge(level(sequence=sent))) == "bad_seq"


def test_the_first_thing_that_is_wrong_is_the_reason():
    wrong = Sample("", None, "noon", "furlong", "first")
    found = []
    for field, right in (("metric", "level"), ("value", 1), ("time", T), ("sequence", 1), ("unit", "m")):
        found.append(reason(judge(wrong)))
        setattr(wrong, field, right)
    assert [*found, reason(judge(wrong))] == ["no_metric", "no_value", "bad_ts", "bad_seq", "unknown_unit", None]


def test_a_rejected_sample_of_many_is_kept_alone_and_one_that_is_alone_is_the_payload():
    validator = Validator(source())
    bad, good = level(value="warm"), level()
    assert validator.outcomes(message(), [bad], lambda *_: b"alone")[0].original is None
    first, second, third = validator.outcomes(
        message(), [bad, good, level(value={}, original=b"own")], lambda *_: b"alone"
    )
    assert (first.original, second.value, third.original) == (b"alone", 21.4, b"own")


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"value": "warm"}, "metric: flow, value: warm"),
        ({"time": "noon"}, "metric: flow, ts: noon"),
        ({"time": 5}, "metric: flow, ts: 5"),
        ({"sequence": 1.9}, "metric: flow, seq: 1.9"),
        ({"unit": "furlong"}, "metric: flow, unit: furlong"),
        ({"value": None}, "metric: flow"),
        ({"value": "w" * 500}, "metric: flow, value: " + "w" * 279),
        ({"metric": 5, "value": "warm"}, "metric: 5, value: warm"),
    ],
)
def test_a_rejection_among_many_names_its_metric(fields, detail):
    samples = [level(), level(**{"metric": "flow"} | fields)]
    for _ in range(2):
        _, refused = Validator(source()).outcomes(message(), samples, lambda *_: b"")
        assert refused.detail == detail


def test_a_rejection_that_is_alone_says_what_was_wrong_only():
    (refused,) = Validator(source()).outcomes(message(), [level(value="warm")], lambda *_: b"")
    assert refused.detail == "value: warm"


@pytest.mark.parametrize(
    ("fields", "levels", "detail"),
    [
        ({}, {"device": ""}, "the topic's level {device} is empty"),
        (
            {"topic": "a/{line}/{x}", "device": "{line}{x}"},
            {"line": "", "x": ""},
            "the topic's level {line}, {x} is empty",
        ),
        ({}, {"device": "a"}, "the record has no key, which is the device"),
        ({"device": "{login}"}, {}, "nobody is logged in, and the source has its device from {login}"),
        ({"topic": "a/#", "codec": "json", "values": "v", "device": "dev.id"}, {}, "the payload has nothing at dev.id"),
        ({"topic": "a/#", "codec": "json", "values": "v", "devices": "@"}, {}, "an empty name among `devices`"),
        ({"topic": "a/#", "codec": "line-protocol"}, {}, "no tag `device`"),
        ({"topic": "a/#", "codec": "line-protocol", "device": "tags.host"}, {}, "nothing at tags.host"),
        ({"topic": "a/#", "codec": "senml-cbor"}, {}, "no base name"),
        ({"topic": "a/#", "codec": "cloudevents"}, {}, "no attribute `source`"),
        ({"topic": "a/#", "codec": "sparkplug-b"}, {}, "the payload names none"),
    ],
)
def test_without_a_device_the_detail_says_which_place_was_empty(fields, levels, detail):
    validator = Validator(Source(**{"name": "a", "topic": "a/{device}", **fields}))
    for device in (None, ""):
        refused = validator.judge(Message(b"", device, "a/x", levels, T, T), level())
        assert (refused.reason, detail in refused.detail) == (RejectReason.NO_DEVICE, True), refused.detail


def test_what_a_codec_rejects_or_ignores_is_not_judged():
    items = [Rejection(RejectReason.NESTED_VALUES, "metric: \ud800" + "x" * 500), Ignored(IgnoredReason.PROTOCOL)]
    nested, ignored = Validator(source()).outcomes(message(), items, lambda *_: b"")
    assert nested.detail == "metric: \\ud800" + "x" * 291
    assert ignored is items[1]


def test_samples_of_one_series_without_times_are_ambiguous_but_for_the_first():
    validator = Validator(ANY_DEVICE)
    samples = [
        level(time=None),
        level(time=None, value=7),
        level(time=None, device="pump-8"),
        level(time=T),
        level(time=None),
    ]
    for _ in range(2):
        found = validator.outcomes(message(), samples, lambda _, sample: repr(sample.value).encode())
        assert [reason(each) for each in found] == [None, "ambiguous_time", None, None, "ambiguous_time"]
        assert (found[1].detail, found[1].original) == ("metric: level", b"7")


def test_of_samples_without_times_one_that_is_refused_does_not_take_the_first_ones_place():
    found = Validator(source()).outcomes(message(), [level(time=None, value="x"), level(time=None)], lambda *_: b"")
    assert [reason(each) for each in found] == ["bad_value", None]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
metrics = st.sampled_from(["temperature", "level", "x"]) | anything
units = st.sampled_from([*CONVERSIONS, "°F", "kWh"]) | anything
times = st.integers(MIN_EVENT_TIME_MS - 10, LATEST + 10) | anything


@given(st.lists(st.builds(Sample, metrics, anything | st.floats(), times, units, anything), max_size=5), st.booleans())
def test_any_samples_are_judged_and_never_raise_and_a_reading_is_one_of_the_schema(samples, known):
    validator = Validator(source())
    for _ in range(1 + known):
        outcomes = validator.outcomes(message(), samples, lambda *_: b"alone")
    readings = [each for each in outcomes if isinstance(each, ValidReading)]
    for number, each in enumerate(readings):
        each.position = ItemPosition("telemetry.raw", 3, 2**40, number, len(readings))
    for each, record in zip(readings, encoded(readings), strict=True):
        stored = Reading.model_validate_json(record)
        assert stored.model_dump() == {
            "schema_version": 1, "device": each.device, "metric": each.metric, "event_time": each.event_time,
            "value": each.value, "unit": each.unit, "sequence": each.sequence,
            "position": {"topic": "telemetry.raw", "partition": 3, "offset": 2**40,
                         "item": each.position.item, "items": each.position.items},
        }  # fmt: skip


def test_a_validator_that_forgets_judges_on():
    validator = Validator(ANY_DEVICE, max_known=10)
    for number in range(100):
        sample = Sample(f"metric {number}", 1, T, device=f"device {number}")
        assert validator.judge(message(), sample) == validator.judge(message(), sample)
        assert isinstance(validator.judge(message(), Sample("text", "5", T)), ValidReading)
