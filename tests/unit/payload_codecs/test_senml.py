"""SenML packs in JSON and in CBOR (RFC 8428)."""

import json
from decimal import Decimal

import cbor2
import pytest

from payload_codecs.codec import Rejection, Sample
from payload_codecs.example import plain_item
from payload_codecs.message import Message
from payload_codecs.senml import LABELS, SenmlCbor, SenmlJson
from payload_codecs.senml_units import UCUM_OF_SENML, integral_of
from schemas.limits import MAX_MESSAGE_ITEMS
from schemas.reject_reasons import RejectReason
from schemas.source import Source
from schemas.unit_conversions import CONVERSIONS

NOW = 1_780_000_000_500
NOT_ON_OUR_LIST = frozenset(
    [
        "Bspl",
        "C",
        "Gy",
        "H",
        "J/m",
        "NTU",
        "S",
        "Sv",
        "VAs",
        "Wb",
        "Wh/km",
        "cd/m2",
        "dBW",
        "dBm",
        "kVAh",
        "kat",
        "kvar",
        "kvarh",
        "m/h",
        "mol",
        "sr",
        "var",
        "varh",
        "vars",
    ]
)
NUMBERS = {label: number for number, label in LABELS.items()}


def in_json(pack):
    return json.dumps(pack).encode()


def in_cbor(pack):
    return cbor2.dumps([
        {NUMBERS.get(label, label): value for label, value in record.items()} if isinstance(record, dict) else record
        for record in pack
    ])  # fmt: skip


def decoded(payload, codec=SenmlJson, topic="meters/{device}", **fields):
    name = "senml-json" if codec is SenmlJson else "senml-cbor"
    source = Source(**{"name": "meters", "topic": topic, "codec": name, **fields})
    device = "m-1" if "{device}" in topic and source.device is None else None
    message = Message(payload, device, "meters/m-1", {"device": "m-1"}, NOW, NOW)
    return [plain_item(item) for item in codec(source).decode(message)]


@pytest.fixture(params=[(SenmlJson, in_json), (SenmlCbor, in_cbor)], ids=["JSON", "CBOR"])
def items(request):
    codec, written = request.param
    return lambda *pack, **fields: decoded(written(list(pack)), codec, **fields)


def test_base_fields_hold_for_their_record_and_those_behind_it(items):
    assert items(
        {"bn": "a/", "bt": 1.7e9, "bu": "Cel", "bv": 20, "n": "t", "v": 1.5},
        {"n": "u", "v": 2, "t": 60},
        {"n": "p", "u": "Pa", "v": -20.5, "t": -1},
        {"bn": "b/", "n": "t", "v": 0},
    ) == [
        Sample("a/t", 21.5, 1.7e9, "Cel"),
        Sample("a/u", 22, 1.7e9 + 60, "Cel"),
        Sample("a/p", -0.5, 1.7e9 - 1, "Pa"),
        Sample("b/t", 20, 1.7e9, "Cel"),
    ]


def test_a_record_of_base_fields_alone_is_no_item(items):
    assert items({"bn": "a/", "bver": 10}, {"n": "t", "v": 1}) == [Sample("a/t", 1)]
    assert [item.reason for item in items({"bn": "a/"})] == [RejectReason.NOT_SENML]
    assert [item.reason for item in items()] == [RejectReason.NOT_SENML]


def test_a_record_without_a_value_has_the_base_value(items):
    assert items({"bv": 20}, {"n": "t", "t": 1.7e9}) == [Sample("t", 20, 1.7e9)]


@pytest.mark.parametrize(
    ("given", "time"),
    [
        (0, None),
        (-5, 1_779_999_995.5),
        (-0.25, 1_780_000_000.25),
        (2**28 - 1, 2**28 - 1 + 1_780_000_000.5),
        (2**28, 2**28),
        (1_780_000_000.123, 1_780_000_000.123),
    ],
)
def test_a_time_below_2_to_the_28_is_relative_to_the_arrival(items, given, time):
    assert items({"n": "t", "v": 1, "t": given}) == [Sample("t", 1, time)]


def test_a_base_time_may_be_relative_too(items):
    assert items({"n": "t", "v": 1, "bt": -60, "t": 10}) == [Sample("t", 1, 1_779_999_950.5)]


def test_a_time_that_is_relative_and_before_1978_is_out_of_range(items):
    assert [item.reason for item in items({"n": "t", "v": 1, "t": -1_700_000_000})] == [RejectReason.TS_OUT_OF_RANGE]


def test_text_and_data_are_no_readings_and_booleans_are_samples(items):
    given = items({"n": "a", "vs": "21.4"}, {"n": "b", "vb": True}, {"n": "c", "vd": "aGkgCg"}, {"n": "d", "v": 1})
    assert [item.reason if isinstance(item, Rejection) else item.value for item in given] == [
        RejectReason.BAD_VALUE, True, RejectReason.BAD_VALUE, 1,
    ]  # fmt: skip


def test_a_text_is_a_sample_where_the_source_has_a_number_for_it(items):
    assert items({"n": "a", "vs": " On "}, words={"on": 1}) == [Sample("a", " On ")]


def test_a_sum_is_a_sample_of_its_own(items):
    assert items({"bs": 100, "n": "p", "u": "W", "v": 5, "s": 20}, {"n": "q", "u": "l/s"}) == [
        Sample("p", 5, None, "W"),
        Sample("p.sum", 120, None, "W.s"),
        Sample("q.sum", 100, None, "l"),
    ]


def test_the_base_name_is_the_device_where_the_source_says_so(items):
    pack = ({"bn": "urn:dev:ow:10e2:", "n": "voltage", "v": 1}, {"v": 2, "u": "%RH"}, {"v": 3})
    expected = [("urn:dev:ow:10e2", "voltage"), ("urn:dev:ow:10e2", "%RH"), ("urn:dev:ow:10e2", "value")]
    assert [(each.device, each.metric) for each in items(*pack, device="bn")] == expected
    assert [(each.device, each.metric) for each in items(*pack, topic="meters/#")] == expected


def test_position_and_battery_of_one_name_are_metrics_of_their_own(items):
    units = [
        {"bn": "car-1", "bu": "%RH", "v": 20},
        {"u": "lon", "v": 24.3},
        {"u": "lat", "v": 60.1},
        {"u": "%EL", "v": 98},
    ]
    assert [(each.metric, each.unit) for each in items(*units)] == [
        ("car-1", "%"), ("car-1:lon", "deg"), ("car-1:lat", "deg"), ("car-1:%EL", "%"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"n": "a", "v": "1"}, RejectReason.BAD_VALUE),
        ({"n": "a", "v": True}, RejectReason.BAD_VALUE),
        ({"n": "a", "v": None}, RejectReason.BAD_VALUE),
        ({"n": "a", "v": [1]}, RejectReason.BAD_VALUE),
        ({"n": "a", "vb": 1}, RejectReason.BAD_VALUE),
        ({"n": "a", "v": 1, "vs": "b"}, RejectReason.NOT_SENML),
        ({"n": "a", "v": 1, "new_": 2}, RejectReason.NOT_SENML),
        ({"n": "a"}, RejectReason.NO_VALUE),
        ({}, RejectReason.NO_METRIC),
        ({"v": 1}, RejectReason.NO_METRIC),
        ({"n": 7, "v": 1}, RejectReason.BAD_METRIC),
        ({"n": "a", "v": 1, "u": 7}, RejectReason.UNKNOWN_UNIT),
        ({"n": "a", "v": 1, "t": "noon"}, RejectReason.BAD_TS),
        (7, RejectReason.NOT_SENML),
    ],
)
def test_a_record_that_cannot_be_read_takes_no_sibling_with_it(items, record, reason):
    before, rejected, after = items({"n": "x", "v": 1}, record, {"n": "y", "v": 2})
    assert (before, after) == (Sample("x", 1), Sample("y", 2))
    assert rejected.reason is reason
    assert rejected.detail.startswith("record 2: ")


@pytest.mark.parametrize(
    "base", [{"bn": 1}, {"bt": "noon"}, {"bu": 5}, {"bv": True}, {"bver": 11}, {"bver": 0}, {"bn": "b" * 201}]
)
def test_a_base_field_that_cannot_be_read_is_the_end_of_the_pack(items, base):
    assert [item.reason for item in items({"n": "a", "v": 1}, base, {"n": "b", "v": 2})] == [RejectReason.NOT_SENML]


def test_an_unknown_field_is_passed_over(items):
    assert items({"n": "a", "v": 1, "ut": 60, "new": {"x": [1]}}) == [Sample("a", 1)]


def test_more_records_than_items_are_too_many(items):
    assert len(items(*[{"n": "a", "v": 1}] * MAX_MESSAGE_ITEMS)) == MAX_MESSAGE_ITEMS
    assert [item.reason for item in items(*[{"n": "a", "v": 1}] * (MAX_MESSAGE_ITEMS + 1))] == [
        RejectReason.TOO_MANY_ITEMS
    ]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", RejectReason.EMPTY_PAYLOAD),
        (b'{"n":"a","v":1}', RejectReason.NOT_SENML),
        (b'[{"n":"a"', RejectReason.NOT_JSON),
        (b"[" * 100_000, RejectReason.NOT_JSON),
        (b'[{"n":"a","v":1e400}]', RejectReason.BAD_VALUE),
        (b'[{"n":"a","v":1,"u":"\xff"}]', RejectReason.NOT_JSON),
    ],
)
def test_json_that_is_no_pack_is_one_rejection(payload, reason):
    assert [item.reason for item in decoded(payload)] == [reason]


def test_a_byte_order_mark_and_nuls_are_passed_over():
    assert decoded(b'\xef\xbb\xbf[{"n":"a","v":1}]\0\0') == [Sample("a", 1)]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (cbor2.dumps({0: "a", 2: 1}), RejectReason.NOT_SENML),
        (in_cbor([{"n": "a", "v": 1}]) + b"\x00", RejectReason.NOT_CBOR),
        (in_cbor([{"n": "a", "v": 1}])[:-1], RejectReason.NOT_CBOR),
        (b"\x81" * 100_000, RejectReason.NOT_CBOR),
        (b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", RejectReason.NOT_CBOR),
        (cbor2.dumps([{0: "a", 2: cbor2.CBORTag(35, "(a+)+$")}]), RejectReason.NOT_CBOR),
        (b"\x81\xd8\x1c\x81\xd8\x1d\x00", RejectReason.NOT_CBOR),
        (cbor2.dumps([{0: "a", 2: float("nan")}]), RejectReason.BAD_VALUE),
        (cbor2.dumps([{0: "a", 2: 10**400}]), RejectReason.BAD_VALUE),
    ],
)
def test_cbor_that_is_no_pack_is_one_rejection(payload, reason):
    assert [item.reason for item in decoded(payload, SenmlCbor)] == [reason]


def test_cbor_numbers_may_be_decimal_fractions_and_arrays_of_no_stated_length():
    assert decoded(cbor2.dumps([{0: "a", 2: Decimal("273.15")}]), SenmlCbor) == [Sample("a", 273.15)]
    assert decoded(b"\x9f" + cbor2.dumps({0: "a", 2: 1.5}) + b"\xff", SenmlCbor) == [Sample("a", 1.5)]


def test_the_example_of_the_rfc_in_cbor_is_that_in_json():
    pack = [
        {"bn": "urn:dev:ow:10e2073a0108006:", "bt": 1.276020076001e9, "bu": "A", "bver": 5},
        {"n": "voltage", "u": "V", "v": 120.1},
        {"n": "current", "t": -5, "v": 1.2},
        {"n": "current", "v": 1.7},
    ]
    assert decoded(in_cbor(pack), SenmlCbor) == decoded(in_json(pack))
    assert decoded(in_json(pack))[1].time == pytest.approx(1276020071.001)


def test_a_percent_of_senml_is_a_ratio_and_its_byte_no_bel():
    assert [UCUM_OF_SENML[unit] for unit in ("%", "%RH", "/100", "B", "C", "1/min")] == [
        "1",
        "%",
        "%",
        "By",
        "A.s",
        "/min",
    ]


def test_the_units_of_the_registry_are_accepted_but_those_of_quantities_that_are_not_on_our_list():
    refused = {unit for unit, ucum in UCUM_OF_SENML.items() if ucum not in CONVERSIONS}
    assert refused == NOT_ON_OUR_LIST
    assert {integral_of("W"), integral_of("l/s"), integral_of("m/s")} <= set(CONVERSIONS)
