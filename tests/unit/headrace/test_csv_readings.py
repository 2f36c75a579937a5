"""Anyone's CSV as payloads."""

import json

import pytest

from headrace.csv_readings import CsvReadings, UnusableFile


@pytest.fixture
def csv(tmp_path):
    def write(text: str):
        file = tmp_path / "data.csv"
        file.write_text(text)
        return file

    return write


def test_time_and_value_columns_are_found_by_name(csv):
    readings = CsvReadings.open(csv("timestamp,value\n2024-07-01 00:00:00,1.5\n"), "t", keep_time=True)
    assert [json.loads(payload) for payload in readings] == [{"metric": "t", "value": 1.5, "ts": 1719792000000}]


def test_without_keep_time_no_two_rows_share_a_millisecond(csv):
    readings = CsvReadings.open(csv("time,value\n" + "1,2\n" * 500), "t")
    times = [json.loads(payload)["ts"] for payload in readings]
    assert times == sorted(set(times))
    assert len(times) == len(readings) == 500


def test_a_value_that_is_no_number_is_sent_as_it_stands(csv):
    readings = CsvReadings.open(csv("time,value\n1,warm\n2,\n"), "t")
    assert [json.loads(payload)["value"] for payload in readings] == ["warm", ""]


def test_a_missing_column_is_named_with_those_that_exist(csv):
    with pytest.raises(UnusableFile, match=r"no column 'speed'; it has time, value"):
        CsvReadings.open(csv("time,value\n"), "t", value_column="speed")


def test_two_candidates_for_the_value_are_a_question(csv):
    with pytest.raises(UnusableFile, match=r"Say --value-column, one of time, a, b"):
        CsvReadings.open(csv("time,a,b\n"), "t")


def test_keep_time_without_a_time_column_is_refused(csv):
    with pytest.raises(UnusableFile, match=r"--keep-time needs --time-column"):
        CsvReadings.open(csv("when,value\n"), "t", keep_time=True)
