"""CSV files as people have them: read as they are meant, or refused in one line before anything is sent."""

import gzip
import io
import math
import os
import re
import zipfile
from datetime import UTC, datetime
from itertools import islice

import pytest

from headrace.csv_files.csv_readings import CsvOptions, CsvReadings
from headrace.csv_files.text_file import MAX_LINE, TextFile
from headrace.errors import UnusableFile

AT_MS = 1_772_582_400_000
"""2026-03-04T00:00:00Z."""


@pytest.fixture
def check(tmp_path):
    """Reads a file of bytes or text: readings as (value, time), and the report."""
    opened = []

    def check(content, encoding=None, **options):
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        file = TextFile(path, encoding)
        opened.append(file)
        return CsvReadings.check(file, CsvOptions(**({"metric": "level"} | options)))

    yield check
    for file in opened:
        file.__exit__(None, None, None)


def values(readings):
    return [each.value for each in readings]


def times(readings):
    return [each.time_ms for each in readings]


def assert_one_line(error):
    assert re.fullmatch(r".{20,330}", str(error.value))


READ = {
    "comma": ("time,value\n1,2.5\n2,3.5\n", [2.5, 3.5]),
    "semicolon and decimal comma": ("time;value\n1;2,5\n2;3,25\n", [2.5, 3.25]),
    "tab": ("time\tvalue\n1\t2.5\n", [2.5]),
    "vertical bar": ("time|value\n1|2.5\n", [2.5]),
    "one column": ("value\n2.5\n3.5\n", [2.5, 3.5]),
    "excel's line with the separator": ("sep=;\r\ntime;value\r\n1;2,5\r\n", [2.5]),
    "blank lines first": ("\n\r\n   \ntime,value\n1,2.5\n", [2.5]),
    "comments": ("# by logger 7, \"quoted\ntime,value\n1,2.5\n# a, \"b\n2,3.5\n", [2.5, 3.5]),
    "separators at the end of rows": ("time,value\n1,2.5,\n2,3.5,,\n", [2.5, 3.5]),
    "separators at the end of the header": ("time;value;\n1;2,5;\n2;3,5\n", [2.5, 3.5]),
    "rows of separators": ("time;value\n1;2,5\n;\n;;\n", [2.5]),
    "byte order mark": ("\ufefftime,value\n1,2.5\n", [2.5]),
    "two byte order marks": ("\ufeff\ufefftime,value\n1,2.5\n", [2.5]),
    "CR": ("time,value\r1,2.5\r2,3.5\r", [2.5, 3.5]),
    "CRLF and no end": ("time,value\r\n1,2.5\r\n2,3.5", [2.5, 3.5]),
    "control Z at the end": ("time,value\r\n1,2.5\r\n\x1a", [2.5]),
    "quoted line breaks": ('time,note,value\n1,"a\n# b, c\n\n",2.5\n2,"say ""x""",3.5\n', [2.5, 3.5]),
    "quoted numbers": ('"time","value"\n"1","2,5"\n"2","1.003,5"\n', [2.5, 1003.5]),
    "semicolons in a quoted cell": ('time,value,note\n1,2.5,"a;b;c"\n2,3.5,"d;e;f"\n', [2.5, 3.5]),
    "commas of milliseconds": ("time;value\n2026-03-04 00:00:00,123;2.5\n2026-03-04 00:00:01,123;3.5\n", [2.5, 3.5]),
    "blanks after separators": ("time, value\n1, 2.5\n", [2.5]),
    "thousands and decimals": ("time;value\n1;1.234,5\n2;1.234\n", [1234.5, 1234.0]),
    "thousands with commas": ('time,value\n1,"1,234.5"\n2,"1,234"\n', [1234.5, 1234.0]),
    "millions": ("time;value\n1;1.234.567\n2;2,5\n", [1234567.0, 2.5]),
    "blanks between thousands": ("time;value\n1;1\u202f234,5\n2;12 345,5\n3;1'234,5\n", [1234.5, 12345.5, 1234.5]),
    "three decimals behind a zero": ("time,value\n1,0.125\n2,1.125\n", [0.125, 1.125]),
    "exponents, signs": ("time,value\n1,1.5e3\n2,-2E-2\n3,+4\n4,\u22125\n5,.5\n6,5.\n", [1500, -0.02, 4, -5, 0.5, 5.0]),
    "percent": ("time,value\n1,45%\n2,46.5 %\n", [45.0, 46.5]),
    "gaps": ("time,value\n1,\n2,NaN\n3,null\n4,N/A\n5,-\n6,2.5\n", [2.5]),
    "quoted header": ('"time","value"\n1,2.5\n', [2.5]),
    "upper case": ("Time,VALUE\n1,2.5\n", [2.5]),
    "row numbers without a name": (",time,value\n0,1,2.5\n1,2,3.5\n", [2.5, 3.5]),
    "the only column with numbers": ("Zeit;Temperature;Status\n1;2,5;OK\n2;3,5;OK\n", [2.5, 3.5]),
    "influxdb's annotations": (
        "#group,false,false,true,false,true\n#datatype,string,long,dateTime:RFC3339,double,string\n"
        "#default,_result,,,,\n,result,table,_time,_value,_field\n,,0,2026-03-04T00:00:00Z,2.5,t\n"
        ",,0,2026-03-04T00:00:01Z,3.5,t\n",
        [2.5, 3.5],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_a_real_file_is_read_as_it_is_meant(check, kind):
    content, expected = READ[kind]
    readings = check(content)
    assert values(readings) == expected
    assert len(readings) == len(expected)


REFUSED = {
    "empty": (b"", "empty"),
    "header only": ("time,value\n", "no rows"),
    "only comments": ("# a\n\n# b\n", "no header line"),
    "no header": ("2026-03-04 00:00:00,2.5\n2026-03-04 00:00:01,2.5\n", "no column's name"),
    "header twice": ("time,value,value\n1,2,3\n", "2 columns 'value', 2 and 3"),
    "a column without a name": ("time,value,\n1,2.5,7\n", "column 3 has no name"),
    "short row": ("time,value\n1,2.5\n3\n4,5\n", "line 3: 1 cell where the header has 2"),
    "long row": ("time,value\n1,2.5\n1,19,65\n", "line 3: 3 cells where the header has 2"),
    "decimal comma between commas": ("time,value\n1,19,65\n2,19,66\n", "line 2: 3 cells"),
    "a point that may be either": ("time;value\n1;1.234\n2;5\n", "'1.234' may have a decimal or a thousands separator"),
    "a comma that may be either": ('time,value\n1,"1,234"\n', "'1,234' may have a decimal"),
    "point and comma": ("time;value\n1;1,5\n2;1.5\n", "line 3.* a decimal point, .*line 2.* a decimal comma"),
    "not a number": ("time,value\n1,2.5\n2,warm\n", "line 3: 'warm' is no number"),
    "no numbers at all": ("time,value\n1,on\n2,off\n", "line 2: 'on' is no number"),
    "infinite": ("time,value\n1,2.5\n2,inf\n", "'inf' is no number"),
    "too large": ("time,value\n1,2.5\n2,1e999\n", "too large"),
    "underscores": ("time,value\n1,2.5\n2,1_000\n", "'1_000' is no number"),
    "digits of another script": ("time,value\n1,2.5\n2,١٢\n", "is no number"),
    "wrong groups": ('time,value\n1,2.5\n2,"1,23"\n', "decimal comma"),
    "two units": ("time,value\n1,20 °C\n2,21 °C\n3,70 °F\n", "line 4: '70 °F' is no number with °C"),
    "quote without end": ('time,value\n1,2.5\n2,"3\n4,5\n', "line 3: the quotes do not match"),
    "header again": ("time,value\n1,2.5\ntime,value\n2,2.5\n", "line 3: the header line again"),
    "two columns with numbers": ("time,a,b\n1,2,3\n", "which column holds the value"),
    "lines above the header": ("version=13.0\ntime,value\n1,2.5\n2,3.5\n", "--header-line"),
    "a NUL behind a number": ("time,value\n1,2.5\0\n2,3.5\n", r"line 2: '2.5\\x00' is no number\."),
    "a NUL behind each number": ("time,value\n1,2.5\0\n2,3.5\0\n", r"line 2: '2.5\\x00' is no number"),
    "a control character within": ("time,value\n1,2.5 a\x1bb\n", r"line 2: '2.5 a\\x1bb' is no number"),
    "two separators alike": ("a,b;value\n1,5;2\n2,5;3\n", "comma and semicolon separate it alike"),
    "several devices": ("time,device,value\n1,a,2.5\n2,b,3.5\n", "column 'device' changes from 'a' to 'b'"),
    "several units": ("time,value,Units\n1,20,Cel\n2,70,F\n", "line 3: column 'Units' changes from 'Cel' to 'F'"),
    "several tables of influxdb": (
        "#datatype,string,long,dateTime:RFC3339,double,string\n,result,table,_time,_value,_field\n"
        ",,0,2026-03-04T00:00:00Z,2.5,t\n,,1,2026-03-04T00:00:01Z,3.5,h\n",
        "column 'table' changes",
    ),
    "gzip": (gzip.compress(b"time,value\n1,2.5\n"), "compressed with gzip"),
    "NULs": (b"time,value\n1,\x00\xff\x00\xff2.5\n" * 50, "NUL bytes"),
    "one byte that is not UTF-8": ("ö,ä,value\n1,é,2\n".encode() + b"1,\xe9,2\n", "line 3: a byte is not UTF-8"),
    "no values": ("time,value\n1,\n2,NaN\n", "no row with a value"),
    "a line without end": ("time,value\n" + "1" * (MAX_LINE + 5), "over 1,048,576 characters"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_cannot_be_told_is_refused_in_one_line(check, kind):
    content, said = REFUSED[kind]
    with pytest.raises(UnusableFile, match=said) as error:
        check(content)
    assert_one_line(error)


def test_a_zip_archive_is_named(check):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("a.csv", "time,value\n1,2\n")
    with pytest.raises(UnusableFile, match="zip archive"):
        check(archive.getvalue())


@pytest.mark.parametrize("make", [lambda at: at.mkdir(), os.mkfifo, lambda at: None, lambda at: at.symlink_to(at)])
def test_what_is_no_file_is_one_line(tmp_path, make):
    make(tmp_path / "data.csv")
    with pytest.raises(UnusableFile) as error:
        TextFile(tmp_path / "data.csv")
    assert_one_line(error)


KEPT = {
    "ISO with a zone": ("2026-03-04T01:00:00+01:00", {}),
    "ISO with blanks": ("2026-03-04 01:00:00 +0100", {}),
    "ISO in a word of the zone": ("2026-03-04 00:00:00 UTC", {}),
    "ISO in the zone that is said": ("2026-03-04 01:00:00", {"time_zone": "Europe/Berlin"}),
    "comma before milliseconds": ('"2026-03-04 00:00:00,000"', {}),
    "ISO at the end of the day": ("2026-03-03T24:00", {}),
    "a date alone": ("2026-03-04", {}),
    "seconds": ("1772582400", {}),
    "milliseconds": ("1772582400000", {}),
    "microseconds": ("1772582400000000", {}),
    "nanoseconds": ("1772582400000000000", {}),
    "seconds with a fraction": ("1772582400.000", {}),
    "day first": ("04.03.2026 00:00", {}),
    "year first with slashes": ("2026/03/04 00:00:00", {}),
    "a pattern": ("04/03/26 00.00", {"time_format": "%d/%m/%y %H.%M"}),
    "month first by a pattern": ("03/04/2026", {"time_format": "%m/%d/%Y"}),
    "half past midnight": ("04.03.2026 12:00:00 AM", {}),
}


@pytest.mark.parametrize("kind", KEPT)
def test_a_time_of_the_file_is_the_same_instant(check, kind):
    cell, options = KEPT[kind]
    assert times(check(f"time,value\n{cell},2.5\n", keep_time=True, **options)) == [AT_MS]


def test_one_date_tells_the_order_of_all(check):
    readings = check("time,value\n03/04/2026,1\n13/04/2026,2\n", keep_time=True)
    assert [datetime.fromtimestamp(each / 1000, UTC).strftime("%d.%m") for each in times(readings)] == [
        "03.04",
        "13.04",
    ]
    readings = check("time,value\n03/04/2026,1\n04/13/2026,2\n", keep_time=True)
    assert [datetime.fromtimestamp(each / 1000, UTC).strftime("%d.%m") for each in times(readings)] == [
        "04.03",
        "13.04",
    ]


BAD_TIMES = {
    "day or month first": ("03/04/2026 10:00", {}, "may have the day or the month first"),
    "day or month first with dashes": ("03-04-2026", {}, "may have the day or the month first"),
    "skipped by the clocks": ("2026-03-29 02:30", {"time_zone": "Europe/Berlin"}, "Europe/Berlin skips this time"),
    "twice in the night": ("2025-10-26 02:30", {"time_zone": "Europe/Berlin"}, "has this time twice"),
    "no date": ("12:30", {}, "is a time of day without its date"),
    "two digits of the year": ("04.03.26", {}, "is no time in a format that is known"),
    "a day of excel": ("46085.5", {}, "is no time in a format that is known"),
    "excel's scientific notation": ("1.77258E+12", {}, "is no time in a format that is known"),
    "no such day": ("2026-02-30 00:00", {}, "is no time"),
    "far ahead": ("2099-01-01 00:00", {}, "in the future"),
    "long ago": ("2001-01-01 00:00", {}, "before 2010"),
    "a fraction of a minute": ("2026-03-04T10:15.5Z", {}, "'2026-03-04T10:15.5Z' is no time"),
    "a fraction of an hour": ("2026-03-04 10.15", {}, "'2026-03-04 10.15' is no time"),
    "none": ("", {}, "no time"),
    "long": ("2026-03-04" + "0" * 5000, {}, "is no time"),
}


@pytest.mark.parametrize("kind", BAD_TIMES)
def test_a_time_that_cannot_be_told_is_refused_in_one_line(check, kind):
    cell, options, said = BAD_TIMES[kind]
    with pytest.raises(UnusableFile, match=said) as error:
        check(f"time,value\n{cell},2.5\n", keep_time=True, **options)
    assert_one_line(error)


def test_numbers_in_two_units_since_the_epoch_are_named_with_their_lines(check):
    content = "time,value\n1772582400,1\n1772582401,1\n1772582402000,2\n"
    lines = r"'1772582400' \(line 2\) is in s since 1970, '1772582402000' \(line 4\) in ms"
    with pytest.raises(UnusableFile, match=f"mixes units: {lines}") as error:
        check(content, keep_time=True)
    assert_one_line(error)
    assert "--time-format s" in str(error.value)
    readings = check(content, keep_time=True, time_format="s", skip_bad_rows=True)
    assert values(readings) == [1.0, 1.0]
    assert "left out: line 4: '1772582402000' is in ms since 1970, not in s" in readings.report()


SUGGESTED = {
    "03/04/2026": ["%d/%m/%Y", "%m/%d/%Y"],
    "03/04/2026 10:00": ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"],
    "03-04-2026 10:00:05": ["%d-%m-%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S"],
    "3/4/2026 1:30:00 PM": ["%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M:%S %p"],
    "3/4/2026  1:30 p.m.": ["%d/%m/%Y  %I:%M %p", "%m/%d/%Y  %I:%M %p"],
    "3/4/2026 1:30p.m.": ["%d/%m/%Y %I:%M%p", "%m/%d/%Y %I:%M%p"],
    "3/4/2026T10:00:05.250": ["%d/%m/%YT%H:%M:%S.%f", "%m/%d/%YT%H:%M:%S.%f"],
    "03/04/26 10:00": ["%d/%m/%y %H:%M", "%m/%d/%y %H:%M"],
    "04.03.26": ["%d.%m.%y"],
    "03-14-26 10:00": ["%m-%d-%y %H:%M"],
    "04-Mar-2026 10:00": ["%d-%b-%Y %H:%M"],
    "04 March 26": ["%d %B %y"],
    "26-01-31 10:00": ["%y-%m-%d %H:%M"],
}


@pytest.mark.parametrize("cell", SUGGESTED)
def test_a_time_format_that_is_suggested_fits_the_cell(check, cell):
    with pytest.raises(UnusableFile) as error:
        check(f"time,value\n{cell},2.5\n", keep_time=True)
    assert_one_line(error)
    assert re.findall("'(%[^']+)'", str(error.value)) == SUGGESTED[cell]
    for suggested in SUGGESTED[cell]:
        assert len(check(f"time,value\n{cell},2.5\n", keep_time=True, time_format=suggested)) == 1


def test_a_cell_with_a_percent_sign_does_not_spoil_the_suggestion(check):
    with pytest.raises(UnusableFile, match="is no time in a format that is known"):
        check("time,value\n%d/%m/26,2.5\n", keep_time=True)


def test_times_that_are_not_sent_do_not_matter(check):
    readings = check("time,value\n03/04/2026,2.5\nnoon,3.5\n")
    assert times(readings) == [None, None]
    assert "--keep-time" in "\n".join(readings.report())


def test_keep_time_needs_a_column_of_times(check):
    with pytest.raises(UnusableFile, match="--time-column"):
        check("when,value\nnoon,2.5\n", keep_time=True)


def test_a_column_of_times_is_found_by_what_it_holds(check):
    assert times(check("dd/MM HH:mm,value\n2026-03-04 00:00,2.5\n", keep_time=True)) == [AT_MS]


TWO_COLUMNS = {
    "a clock by what it holds": ("Date,Clock,level\n2026-03-04,00:00:00,1\n2026-03-04,13:30:00,2\n", {}),
    "found by their names": ("Date;Time;level\n04.03.2026;00:00;1\n04.03.2026;13:30;2\n", {}),
    "the clock first": ("Uhrzeit;Datum;level\n00:00;04.03.2026;1\n13:30;04.03.2026;2\n", {}),
    "AM and PM": ("Date,Time,level\n3/4/2026,12:00:00 AM,1\n3/4/2026,1:30:00 PM,2\n3/13/2026,1:30:00 PM,\n", {}),
    "AM and PM behind an ISO date": ("Date,Time,level\n2026-03-04,12:00 AM,1\n2026-03-04,1:30 PM,2\n", {}),
    "one digit of the hour": ("Date,Time,level\n2026-03-04,0:00,1\n2026-03-04,13:30,2\n", {}),
    "a zone": ("Date,Time,level\n2026-03-04,00:00:00Z,1\n2026-03-04,14:30:00+01:00,2\n", {}),
    "the column that is said": (
        "Date,Time,End,level\n2026-03-04,00:00,9:00,1\n2026-03-04,13:30,9:00,2\n",
        {"time_column": "date"},
    ),
    "the only other numbers": ("Date,Clock,Water\n2026-03-04,00:00:00,1\n2026-03-04,13:30:00,2\n", {}),
    "a pattern": ("Date,Time,level\n04-Mar-26,00.00,1\n04-Mar-26,13.30,2\n", {"time_format": "%d-%b-%y %H.%M"}),
    "two digits of the year": (
        "Date,Time,level\n03/04/26,00:00,1\n03/04/26,13:30,2\n",
        {"time_format": "%m/%d/%y %H:%M"},
    ),
    "a date without separators": (
        "Date,Time,level\n20260304,00:00,1\n20260304,13:30,2\n",
        {"time_format": "%Y%m%d %H:%M"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TWO_COLUMNS)
def test_a_date_and_a_clock_in_two_columns_are_one_time(check, kind):
    content, options = TWO_COLUMNS[kind]
    readings = check(content, keep_time=True, **options)
    assert times(readings) == [AT_MS, AT_MS + 13 * 3_600_000 + 30 * 60_000]
    first, second = readings.columns.time, readings.columns.clock
    header = readings.table.header
    assert f"columns {header[first]!r} and {header[second]!r}" in "\n".join(readings.report())


TIMES_WITHOUT_A_PART = {
    "a clock alone": ("Time,level\n13:30:00,1\n13:31:00,2\n", "line 2: '13:30:00' is a time of day without its date"),
    "a clock beside two dates": (
        "From,To,Time,level\n2026-03-04,2026-03-05,13:30,1\n",
        "'13:30' is a time of day without its date",
    ),
    "several values of a day": ("Date,level\n2026-03-04,1\n2026-03-04,2\n", "line 3: 2026-03-04 has a second value"),
    "several values of a day by a pattern": ("Date,level\n4 Mar 2026,1\n4 Mar 2026,2\n", "line 3: .* second value"),
    "a duration beside the date": ("Date,Duration,level\n2026-03-04,00:05,1\n2026-03-04,00:06,2\n", "second value"),
    "two clocks beside the date": (
        "Date,Start,End,level\n2026-03-04,13:00,14:00,1\n2026-03-04,14:00,15:00,2\n",
        "second value",
    ),
    "a row without its clock": ("Date,Time,level\n2026-03-04,13:00,1\n2026-03-04,,2\n", "it has no time of day"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TIMES_WITHOUT_A_PART)
def test_rows_of_one_day_do_not_collapse_into_midnight(check, kind):
    content, said = TIMES_WITHOUT_A_PART[kind]
    options = {"time_format": "%d %b %Y"} if "Mar" in content else {}
    with pytest.raises(UnusableFile, match=said) as error:
        check(content, keep_time=True, **options)
    assert_one_line(error)


def test_numbers_since_the_epoch_in_a_column_date_need_no_clock(check):
    readings = check("Date,Start,level\n1772582400,13:00,1\n1772582400,14:00,2\n", keep_time=True)
    assert (times(readings), readings.columns.clock) == ([AT_MS, AT_MS], None)


def test_a_value_a_day_is_read_and_may_be_there_twice(check):
    assert len(check("Date,level\n2026-03-04,1\n2026-03-05,2\n2026-03-05,2\n", keep_time=True)) == 3


ZONE_NAMES = {
    "UTC": ("2026-03-04 00:00 UTC", "%Y-%m-%d %H:%M %Z"),
    "GMT": ("2026-03-04 00:00 gmt", "%Y-%m-%d %H:%M %Z"),
    "Z": ("2026-03-04 00:00Z", "%Y-%m-%d %H:%M%Z"),
    "an offset": ("2026-03-03 19:00 -0500", "%Y-%m-%d %H:%M %Z"),
    "the name first": ("UTC 04 Mar 26 00:00", "%Z %d %b %y %H:%M"),
    "a literal Z": ("2026-03-04T00:00:00Z", "%Y-%m-%dT%H:%M:%SZ"),
    "a literal UTC": ("2026-03-04 00:00 UTC", "%Y-%m-%d %H:%M UTC"),
    "no name": ("2026-03-03 19:00", "%Y-%m-%d %H:%M"),
    "both": ("2026-03-03 19:00 -0500 UTC", "%Y-%m-%d %H:%M %z %Z"),
}


@pytest.mark.parametrize("kind", ZONE_NAMES)
def test_a_zone_that_a_pattern_reads_goes_before_the_zone_that_is_said(check, kind):
    cell, pattern = ZONE_NAMES[kind]
    readings = check(f"time,value\n{cell},1\n", keep_time=True, time_format=pattern, time_zone="America/New_York")
    assert times(readings) == [AT_MS]


@pytest.mark.parametrize("name", ["CET", "EST", "CST", "EDT", "Local", "UTCX"])
def test_a_zone_name_that_may_be_several_zones_is_refused(check, name):
    with pytest.raises(UnusableFile, match=f"'2026-03-04 00:00 {name}'.*only UTC, GMT and Z") as error:
        check(f"time,value\n2026-03-04 00:00 {name},1\n", keep_time=True, time_format="%Y-%m-%d %H:%M %Z")
    assert_one_line(error)


OPTIONS = {
    "separator": ("a,b;value\n1,5;2\n2,5;3\n", {"separator": ";"}, [2.0, 3.0]),
    "decimal comma": ("time;value\n1;1,234\n", {"decimal": ","}, [1.234]),
    "decimal point": ("time;value\n1;1,234\n", {"decimal": "."}, [1234.0]),
    "number of a column": ("time,value,value\n1,2,3\n", {"value_column": "3"}, [3.0]),
    "name of a column": ("time,a,b\n1,2,3\n", {"value_column": "B"}, [3.0]),
    "header line": ("version=13.0\ntime,value\n1,2.5\n2,3.5\n", {"header_line": 2}, [2.5, 3.5]),
    "metric that a column is named after": ("time,level,b\n1,2,3\n", {}, [2.0]),
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_every_detection_can_be_overridden(check, kind):
    content, options, expected = OPTIONS[kind]
    assert values(check(content, **options)) == expected


def test_a_column_that_is_not_there_is_named_with_those_that_are(check):
    with pytest.raises(UnusableFile, match="no column 'speed'; it has time, value"):
        check("time,value\n1,2\n", value_column="speed")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_names_are_read_in_every_encoding_that_is_detected(check, encoding):
    content = "time,Temperature °C\n" + "2026-03-04 00:00,2.5\n" * 20
    readings = check(content.encode(encoding), metric="temperature")
    assert readings.table.header == ["time", "Temperature °C"]
    assert (len(readings), readings.unit) == (20, "°C")


def test_a_guessed_encoding_is_reported_with_the_names_that_it_gives(check):
    report = "\n".join(check("time,Höhe\n1,2.5\n".encode("cp1252")).report())
    assert "a guess" in report
    assert "Höhe" in report
    assert "--encoding" in report


@pytest.mark.parametrize("encoding", ["no-such", "base64", "rot13", "undefined", "utf-8", "ascii", "utf-16", "idna"])
def test_a_wrong_encoding_is_one_line(check, encoding):
    with pytest.raises(UnusableFile) as error:
        check("time,Höhe\n1,2.5\n".encode("cp1252"), encoding=encoding)
    assert_one_line(error)


UNITS = {
    "line under the header": ("time,value\nUTC,[degF]\n1,70\n", "[degF]"),
    "brackets around it": ("time,value\n-,(°F)\n1,70\n", "°F"),
    "name of the column": ("time,temp [°F]\n1,70\n", "°F"),
    "letter at the name's end": ("time,temp_F\n1,70\n", "F"),
    "behind each number": ("time,value\n1,70 °F\n", "°F"),
    "column of units": ("time,value,unit\n1,70,[degF]\n", "[degF]"),
    "column of units in the plural": ("time,value,Units\n1,70,°F\n", "°F"),
    "column of units of measure": ("time,value,UoM\n1,70,degF\n", "degF"),
    "column of home assistant": ("time,value,unit_of_measurement\n1,70,°F\n", "°F"),
    "column of units in german": ("time;value;Einheit\n1;70;°F\n", "°F"),
    "nowhere": ("time,value\n1,70\n", None),
}


@pytest.mark.parametrize("kind", UNITS)
def test_a_unit_that_the_file_names_is_sent(check, kind):
    content, unit = UNITS[kind]
    readings = check(content, metric="temperature")
    assert (values(readings), readings.unit) == ([70.0], unit)
    assert unit is None or unit in "\n".join(readings.report())


def test_units_that_contradict_each_other_are_a_question(check):
    with pytest.raises(UnusableFile, match=r"several units: °F from the line .*, °C from the column's name"):
        check("time,t [°C]\n-,°F\n1,70\n", metric="temperature")
    assert check("time,t [°C]\n-,°F\n1,70\n", metric="temperature", unit="K").unit == "K"


SERIES = (
    "Sensor ID",
    "dev_eui",
    "DevEUI",
    "Device Name",
    "device-name",
    "deviceId",
    "Serial",
    "Serial No",
    "Node",
    "MAC Address",
)


@pytest.mark.parametrize("name", SERIES)
def test_two_devices_do_not_merge_into_one_series(check, name):
    with pytest.raises(UnusableFile, match=f"line 3: column '{name}' changes from 'a' to 'b'") as error:
        check(f"time,value,{name}\n1,2.5,a\n2,3.5,b\n")
    assert_one_line(error)
    assert values(check(f"time,value,{name}\n1,2.5,a\n2,3.5,a\n")) == [2.5, 3.5]


def test_a_column_of_values_may_be_called_units(check):
    assert values(check("time,Units\n1,2.5\n2,3.5\n")) == [2.5, 3.5]


def test_bad_rows_are_named_and_the_rest_is_read(check):
    readings = check("time,value\n1,2.5\n3\n4,warm\n5,3.5\n", skip_bad_rows=True)
    assert values(readings) == [2.5, 3.5]
    assert "left out: line 3: 1 cell where the header has 2" in readings.report()
    assert "left out: line 4: 'warm' is no number" in readings.report()


def test_many_bad_rows_are_counted(check):
    readings = check("time,value\n1,2.5\n" + "2,warm\n" * 5000, skip_bad_rows=True)
    assert readings.bad_count == 5000
    assert len(readings.report()) < 30
    assert readings.report()[-1] == "left out: 4,980 more"


def test_gaps_are_counted(check):
    assert check("time,value\n1,\n2,NaN\n3,2.5\n").gaps == 2


def test_lines_are_counted_as_an_editor_does(check):
    readings = check('\n# a\ntime,note,value\n1,"a\nb",2.5\n\n2,c,3.5\n')
    assert [each.line for each in readings] == [4, 7]


@pytest.mark.parametrize("change", ["append", "replace", "rewrite"])
def test_a_file_that_changes_after_its_check_is_not_sent(check, tmp_path, change):
    readings, path = check("time,value\n" + "1,2.5\n" * 3000), tmp_path / "data.csv"
    rows = iter(readings)
    if change == "append":
        with path.open("a") as file:
            file.write("1,9.5\n")
    elif change == "replace":
        (tmp_path / "new.csv").write_text("time,value\n" + "1,9.5\n" * 3000)
        (tmp_path / "new.csv").rename(path)
    else:
        path.write_text("time,value\n" + "1,9.5\n" * 3000)
        os.utime(path, ns=(1, 1))
    with pytest.raises(UnusableFile, match="has changed"):
        next(rows)


def test_a_file_that_changes_while_it_is_sent_is_noticed(check, tmp_path):
    rows = iter(check("time,value\n" + "1,2.5\n" * 5000))
    assert len(list(islice(rows, 500))) == 500
    with (tmp_path / "data.csv").open("a") as file:
        file.write("1,9.5\n")
    with pytest.raises(UnusableFile, match="has changed"):
        list(rows)


def test_every_value_is_finite_and_every_cell_of_any_length_ends_in_an_answer(check):
    cells = ["1" * 400, "9" * 101, "1.5" * 50, "1e5000", "-" * 90, "1" + "'000" * 20, ("1 " * 45) + "x", "." * 99]
    for cell in cells:
        readings = check(f'time,value\n1,2.5\n2,"{cell}"\n', skip_bad_rows=True)
        assert all(math.isfinite(value) for value in values(readings))
