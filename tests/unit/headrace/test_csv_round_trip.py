"""Whatever can be told from a file is told right: rows written in any way become the same readings."""

import csv
import io
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.csv_files.csv_readings import CsvOptions, CsvReadings
from headrace.csv_files.table import SEPARATORS
from headrace.csv_files.text_file import TextFile
from schemas.errors import HeadraceError

FIRST_MS = 1_700_000_000_000
VALUES = st.floats(-1e12, 1e12, allow_nan=False).map(lambda value: round(value, 4)) | st.integers(-(10**9), 10**9)
TIMES = st.integers(0, 40_000_000).map(lambda step: FIRST_MS + 1000 * step)
ROWS = st.lists(st.tuples(TIMES, VALUES), min_size=1, max_size=60)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200) | st.just('a "b"\nc;d,e\t|')


def written_time(ms, kind):
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    match kind:
        case "iso":
            return moment.isoformat()
        case "east":
            return moment.astimezone(timezone(timedelta(hours=5, minutes=45))).isoformat(" ")
        case "comma":
            return moment.strftime("%Y-%m-%d %H:%M:%S,000")
        case "german":
            return moment.strftime("%d.%m.%Y %H:%M:%S")
        case "s":
            return str(ms // 1000)
    return str(ms)


def written_value(value, decimal, grouped):
    text = f"{value:,.4f}" if grouped else f"{value:.4f}"
    return text.translate(str.maketrans(",.", ".,")) if decimal == "," else text


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=ROWS,
    separator=st.sampled_from(sorted(SEPARATORS)),
    decimal=st.sampled_from([".", ","]),
    grouped=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    time=st.sampled_from(["iso", "east", "comma", "german", "s", "ms"]),
    note=TEXT,
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_rows_written_in_any_way_become_the_same_readings(
    tmp_path, rows, separator, decimal, grouped, encoding, end, time, note, quoting
):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerow(["time", "note", "value"])
    for ms, value in rows:
        writer.writerow([written_time(ms, time), f"x{note}", written_value(value, decimal, grouped)])
    path = tmp_path / "data.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    with TextFile(path) as file:
        options = CsvOptions("level", keep_time=True, separator=separator, time_zone="UTC")
        readings = list(CsvReadings.check(file, options))
        assert CsvReadings.check(file, CsvOptions("level", separator=separator)).numbers.decimal == decimal
    assert [(each.time_ms, each.value) for each in readings] == [(ms, float(f"{value:.4f}")) for ms, value in rows]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, separator=st.sampled_from(sorted(SEPARATORS)), decimal=st.sampled_from([".", ","]))
def test_the_separator_is_detected_whatever_the_decimal_separator_is(tmp_path, rows, separator, decimal):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(
        [["time", "value"], *((str(ms), written_value(value, decimal, False)) for ms, value in rows)]
    )
    path = tmp_path / "data.csv"
    path.write_text(text.getvalue(), newline="")
    with TextFile(path) as file:
        readings = CsvReadings.check(file, CsvOptions("level"))
        assert readings.table.separator == separator
        assert [each.value for each in readings] == [float(f"{value:.4f}") for _, value in rows]


def why_refused(path, options):
    try:
        with TextFile(path) as file:
            readings = CsvReadings.check(file, options)
            assert len(list(readings)) == len(readings) > 0
            return ""
    except HeadraceError as error:
        return str(error)


SNIPPETS = st.sampled_from(
    [*',;\t|\n\r"#1-e \x00\x1aé', "time", "value", "2.5", "1.234", "1,234", "sep=;\n", "\ufeff", "°C", "NaN", "device"]
) | st.sampled_from(["2026-03-04 00:00:00", "03/04/2026", "1772582400", "#datatype,double\n"])


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.lists(SNIPPETS, max_size=80).map("".join).map(str.encode)
    | st.lists(SNIPPETS, max_size=80).map(lambda found: "time,value\n" + "".join(found)).map(str.encode)
    | st.binary(max_size=2000),
    keep_time=st.booleans(),
    skip=st.booleans(),
)
def test_any_bytes_become_readings_or_one_line(tmp_path, content, keep_time, skip):
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    refused = why_refused(path, CsvOptions("level", keep_time=keep_time, skip_bad_rows=skip))
    assert "\n" not in refused
    assert len(refused) < 600


def test_a_long_file_is_streamed_in_memory_that_does_not_grow(tmp_path):
    path = tmp_path / "data.csv"
    with path.open("w") as file:
        file.write("time,value,note\n")
        file.writelines(f"2026-03-04 00:00:00,{number % 100}.5,{'x' * 2000}\n" for number in range(10_000))
    tracemalloc.start()
    try:
        with TextFile(path) as file:
            readings = CsvReadings.check(file, CsvOptions("level"))
            assert sum(1 for _ in readings) == len(readings) == 10_000
            assert file.size > 20_000_000
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
