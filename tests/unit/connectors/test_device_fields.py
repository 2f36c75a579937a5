"""Rows of the topic `devices` to fields of readings."""

import json
from collections import namedtuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.influxdb.device_fields import DeviceFields
from connectors.influxdb.points import point
from schemas.device import MAX_TEXT_LENGTH
from schemas.unavailable_values import PLACEHOLDER

Record = namedtuple("Record", "key value partition offset", defaults=(2, 17))
READING = {
    "device": "pump 7", "metric": "flow", "event_time": 1719800000123, "value": 21.5,
    "position": {"topic": "telemetry.raw", "partition": 0, "offset": 5},
}  # fmt: skip
BERLIN = {"device": "pump 7", "site": "Berlin", "model": "P-200", "owner": None}
KNOWN = ',site="Berlin",model="P-200"'


def row(device="pump 7", **columns):
    """As change capture writes it."""
    added = {"__deleted": "false", "__source_lsn": 4711, "__source_ts_ms": 1719800000000}
    return Record(device.encode(), json.dumps({"device": device, **columns, **added}).encode())


def tombstone(device="pump 7"):
    return Record(device.encode(), None)


@pytest.fixture
def fields():
    """The metadata of one device."""
    fields = DeviceFields()
    fields.take([row(**BERLIN)])
    return fields


def test_what_is_known_of_a_device_follows_the_value_of_its_readings(fields):
    line = point("telemetry.readings", json.dumps(READING).encode(), fields.of)
    assert line == rf"reading,device=pump\ 7,metric=flow value=21.5{KNOWN} 1719800000123"


def test_a_reading_of_a_device_that_is_not_known_has_its_value_alone(fields):
    line = point("telemetry.readings", json.dumps(READING | {"device": "other"}).encode(), fields.of)
    assert line == "reading,device=other,metric=flow value=21.5 1719800000123"


def test_of_two_rows_of_a_device_the_second_counts_in_one_batch_or_two(fields):
    moved = row(site="Köln", model="P-200", owner="ACME")
    fields.take([row(site="Bonn"), moved])
    assert fields.of("pump 7") == ',site="Köln",model="P-200",owner="ACME"'
    fields.take([row(site="Bonn")])
    assert fields.of("pump 7") == ',site="Bonn"'


def test_a_column_that_change_capture_could_not_read_gives_no_field(fields):
    unread = row(site=PLACEHOLDER, model="P-300", notes=[PLACEHOLDER])
    fields.take([Record(unread.key, unread.value.replace(b", ", b",").replace(b": ", b":"))])
    assert fields.of("pump 7") == ',model="P-300"'
    assert fields.unusable_rows == 0


def test_columns_that_are_null_or_missing_give_no_field(fields):
    fields.take([row(site=None, model="", power_kw=7.5)])
    assert fields.of("pump 7") == ',model=""'
    fields.take([row()])
    assert fields.of("pump 7") == ""


DELETED = row(**BERLIN)._replace(value=b'{"device":"pump 7","site":"Berlin","__deleted":"true"}')


@pytest.mark.parametrize("last", [tombstone(), DELETED])
def test_a_deleted_device_gives_no_fields_until_it_is_there_again(fields, last):
    fields.take([last])
    assert fields.of("pump 7") == ""
    fields.take([last, row(**BERLIN)])
    assert fields.of("pump 7") == KNOWN


def test_a_tombstone_of_a_device_that_was_not_known_is_no_error(fields):
    fields.take([tombstone("other")])
    assert (fields.of("other"), fields.unusable_rows) == ("", 0)


BAD = {
    "no bytes": (b"", "EOF"),
    "not JSON": (b'{"device":', "EOF"),
    "not UTF-8": (b'{"device":"\xff"}', "invalid"),
    "no object": (b"[]", "object"),
    "JSON's null": (b"null", "object"),
    "nested": (b'{"device":' + b"[" * 100_000, "recursion"),
    "no device": (b'{"site":"Bonn"}', "device: Field required"),
    "another's": (b'{"device":"other","site":"Bonn"}', "the row is that of 'other'"),
    "a number": (b'{"device":"pump 7","site":7}', "site: Input should be a valid string"),
    "huge": (b'{"device":"pump 7","owner":"%b"}' % (b"x" * (MAX_TEXT_LENGTH + 1)), "owner: String should have at most"),
    "a lone surrogate": (rb'{"device":"pump 7","owner":"\ud800"}', "Invalid JSON"),
    "no mark": (b'{"device":"pump 7","__deleted":"perhaps"}', "__deleted: Input should be a valid boolean"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_row_that_cannot_be_used_leaves_what_was_known_is_counted_and_said(fields, caplog, kind):
    value, words = BAD[kind]
    fields.take([Record(b"pump 7", value), row("next", site="Bonn")])
    assert (fields.of("pump 7"), fields.of("next")) == (KNOWN, ',site="Bonn"')
    assert fields.unusable_rows == 1
    assert words in caplog.text
    assert "devices[2] 17, device 'pump 7'" in caplog.text


@pytest.mark.parametrize("key", [None, b"\xff"])
def test_a_row_without_a_key_that_can_be_read_is_counted(fields, caplog, key):
    fields.take([row(**BERLIN)._replace(key=key)])
    assert fields.unusable_rows == 1
    assert fields.of("pump 7") == KNOWN


def test_many_bad_rows_of_a_batch_are_one_line_of_the_log(fields, caplog):
    fields.take([Record(b"x" * 10_000, b"x" * 10_000)] * 1000)
    (said,) = caplog.messages
    assert said.startswith("1000 rows cannot be used (1000 since the start)")
    assert len(said) < 1000


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=MAX_TEXT_LENGTH))
def test_any_text_stands_between_its_quotes(text):
    fields = DeviceFields()
    fields.take([row(site=text)])
    said = fields.of("pump 7").removeprefix(',site="').removesuffix('"')
    assert said.replace('\\"', "").replace("\\\\", "").count('"') == 0
    assert said.replace("\\\\", "\0").replace('\\"', '"').replace("\0", "\\") == text.replace("\0", "\\")


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["Bonn", "Köln", None]))), st.data())
def test_the_last_row_of_each_device_counts_however_batches_are_cut(changes, data):
    records = [row(device, site=site) if site else tombstone(device) for device, site in changes]
    cut = data.draw(st.integers(0, len(records)))
    fields = DeviceFields()
    fields.take(records[:cut])
    fields.take(records[cut:])
    last = dict(changes)
    assert {device: fields.of(device) for device in "ab"} == {
        device: f',site="{last[device]}"' if last.get(device) else "" for device in "ab"
    }
