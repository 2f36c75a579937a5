"""`headrace score`: files as people have them, scored or refused in one line, and never a wrong number silently."""

import csv
import datetime as dt
import re
import resource
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from headrace.cli.main import app
from headrace.scoring.panels import MAX_PANELS
from jobs.scorer import make_scorer
from jobs.settings import JobSettings
from models.detectors import Batch
from stack.layout import REPOSITORY

AT_MS = 1_772_582_400_000
"""2026-03-04T00:00:00Z."""
AT = "2026-03-04T00:00:00Z"
NEVER = {"HEADRACE_JOB_DETECTOR": "gaussian"}


class Scored:
    """A run of the command."""

    def __init__(self, folder, content, name, options, env=None):
        self.path = folder / name
        if callable(content):
            content(self.path)
        elif content is not None:
            self.path.write_bytes(content if isinstance(content, bytes) else content.encode())
        table = folder / "out.csv"
        words = ["score", str(self.path), "--scores", str(table), *options]
        shown = CliRunner().invoke(app, words, env=env)
        assert shown.exception is None or isinstance(shown.exception, SystemExit), shown.exception
        self.exit_code, self.output, self.errors = shown.exit_code, shown.stdout, shown.stderr
        self.lines = self.output.splitlines()
        self.rows = list(csv.DictReader(table.open(newline=""))) if table.exists() else None

    @property
    def values(self):
        return [float(row["value"]) for row in self.rows]

    @property
    def times(self):
        return [row["time"] for row in self.rows]


@pytest.fixture
def score(tmp_path):
    def score(content, *options, name="data.csv", env=None):
        return Scored(tmp_path, content, name, options, env)

    return score


def iso(ms):
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def minutes(n, row):
    """A CSV file of n rows, a minute apart."""
    return "time,value\n" + "".join(f"{AT_MS + each * 60_000},{row(each)}\n" for each in range(n))


def noisy(n=600, at=500):
    rng = np.random.default_rng(7)
    values = rng.normal(20, 0.5, n).round(4)
    values[at] += 30
    return values.tolist()


def parquet(**columns):
    return lambda path: pq.write_table(pa.table(columns), path)


# What is read


def test_an_alert_is_a_line_with_time_series_range_value_and_kind(score):
    values = noisy()
    found = score("time,flow\n" + "".join(f"{AT_MS + n * 60_000},{each}\n" for n, each in enumerate(values)))
    alerts = [line for line in found.lines if "came" in line]
    assert len(alerts) == 1
    pattern = rf"{iso(AT_MS + 500 * 60_000)}  flow  {values[500]}  expected [0-9.]+ to [0-9.]+, came 49.86: [a-z]+"
    assert re.fullmatch(pattern, alerts[0]), alerts
    said = "600 readings of 1 series (200 without a score, while the series was young), 1 alert; not readings: none"
    assert found.lines[-1] == said


def test_the_table_holds_what_the_scorer_says_to_the_last_bit(score):
    values = noisy()
    found = score("time,flow\n" + "".join(f"{AT_MS + n * 60_000},{each}\n" for n, each in enumerate(values)))
    n, nothing = len(values), [0] * len(values)
    times = [AT_MS + each * 60_000 for each in range(n)]
    said = make_scorer(JobSettings()).step(Batch([("", "flow")] * n, times, values, nothing, list(range(n)), nothing))
    columns = {"score": said.scores, "threshold": said.thresholds, "expected_low": said.expected_low}
    columns["expected_high"] = said.expected_high
    assert found.values == values
    assert [row["is_anomaly"] == "true" for row in found.rows] == said.is_anomaly.tolist()
    for name, column in columns.items():
        assert np.array_equal([float(row[name] or "nan") for row in found.rows], column, equal_nan=True)
    assert [row["score"] == "" for row in found.rows] == np.isnan(said.scores).tolist()
    assert {row["kind"] for row in found.rows if row["is_anomaly"] == "false"} == {""}


def test_each_column_with_numbers_is_a_metric_and_the_others_are_named(score):
    found = score(f"time,a,b,note\n{AT},1,2.5,x\n", env=NEVER)
    assert [(row["metric"], row["value"]) for row in found.rows] == [("a", "1.0"), ("b", "2.5")]
    assert "not scored: note" in found.lines


def test_a_column_of_devices_and_one_of_metrics_make_series(score):
    rows = [("p1", "flow", 1), ("p1", "level", 2), ("p2", "flow", 3), ("p1", "flow", 4)]
    lines = "".join(f"{iso(AT_MS + n)},{d},{m},{v}\n" for n, (d, m, v) in enumerate(rows))
    found = score(f"time,device,metric,value\n{lines}", env=NEVER)
    assert [(row["device"], row["metric"], float(row["value"])) for row in found.rows] == rows
    assert "4 readings of 3 series" in found.lines[-1]


def test_a_column_that_is_named_says_the_device_whatever_it_is_called(score):
    found = score(f"time,who,x\n{AT},a,1\n{AT},b,2\n", "--device-column", "who", env=NEVER)
    assert [row["device"] for row in found.rows] == ["a", "b"]


def test_names_of_two_columns_are_never_mixed_up(score):
    found = score(f"time,site,device,v\n{AT},a/b,c,1\n{AT},a,b/c,2\n", "--device-column", "site",
                  "--device-column", "device", env=NEVER)  # fmt: skip
    assert len({row["device"] for row in found.rows}) == 2
    assert "2 readings of 2 series" in found.lines[-1]


def test_values_in_two_units_are_two_series(score):
    found = score(f"time,value,unit\n{AT},20,C\n{AT},68,F\n", env=NEVER)
    assert "2 readings of 2 series" in found.lines[-1]


def test_german_files_and_zones_are_read(score):
    content = "zeit;wert\n25.10.2025 01:30;1.234,5\n13.11.2025 12:00;2,5\n".encode("cp1252")
    found = score(content, "--time-zone", "Europe/Berlin", env=NEVER)
    assert (found.values, found.times) == ([1234.5, 2.5], ["2025-10-24T23:30:00.000Z", "2025-11-13T11:00:00.000Z"])
    assert "times: column zeit, day/month/year, in Europe/Berlin where they name no zone" in found.lines


def test_a_column_whose_numbers_do_not_tell_is_written_as_the_others_are(score):
    found = score(f'time;a;b\n{AT};"1,234";2,5\n', env=NEVER)
    assert found.values == [1.234, 2.5]


def test_a_file_older_than_any_stream_is_scored(score):
    found = score("time,value\n1997-09-20T03:05:10Z,5\n", env=NEVER)
    assert found.times == ["1997-09-20T03:05:10.000Z"]


def test_a_line_of_units_is_no_reading(score):
    found = score(f"time,temperature,flow\nUTC,[°C],m3/h\n{AT},20.5,3\n", env=NEVER)
    assert found.values == [20.5, 3.0]
    assert any(line.startswith("line 2 holds units") for line in found.lines)


def test_numbers_of_a_column_called_sensor_are_values_where_there_are_no_others(score):
    found = score(f"time,sensor\n{AT},5\n", env=NEVER)
    assert found.values == [5.0]


# What is no reading


def test_what_is_no_reading_is_counted_and_named_with_its_line(score):
    good = "".join(f"{iso(AT_MS + n * 1000)},{n}.5,1\n" for n in range(60))
    bad = (
        f"{AT[:-1]}.900Z,nan,inf\nnever,1,2\n1850-01-01,1,2\n,1,2\n{AT},1\n2096-01-01,1,2\n{AT[:-1]}.700Z,1e400,#N/A\n"
    )
    found = score(f"time,a,b\n{good}{bad}", env=NEVER)
    assert found.exit_code == 0
    assert len(found.rows) == 120
    expected = [
        "left out: line 62 in column 'b': 'inf' is no number",
        "left out: line 63: 'never' is no time (ISO 8601)",
        "left out: line 64: '1850-01-01' is before 1990",
        "left out: line 65: it has no time",
        "left out: line 66: 2 cells where the header has 3",
        "left out: line 67: '2096-01-01' is over 5 minutes in the future",
        "left out: line 68 in column 'a': '1e400' is too large",
    ]
    assert [line for line in found.lines if line.startswith("left out")] == expected
    assert found.lines[-1].endswith("not readings: 2 without a value, 7 unusable")


def test_a_reading_that_comes_again_counts_once_and_another_value_for_its_time_not_at_all(score):
    rows = [(0, 1), (2, 3), (1, 2), (2, 3), (0, 9), (3, 4), (1, 2)]
    found = score("time,v\n" + "".join(f"{AT_MS + at},{v}\n" for at, v in rows), env=NEVER)
    assert found.values == [1, 3, 2, 4]
    assert "left out: line 5: 'v' has this reading already" in found.lines
    assert "left out: line 6: 'v' has 1 at this time already, and here 9" in found.lines
    assert found.lines[-1].endswith("not readings: 2 repeated, 1 with another value than the first of their time")


def test_times_that_go_backwards_are_scored_in_the_order_of_the_file(score):
    found = score("time,v\n" + "".join(f"{AT_MS + n},{n}\n" for n in range(9, -1, -1)), env=NEVER)
    assert found.values == list(range(9, -1, -1))


def test_twenty_are_named_and_the_rest_is_counted(score):
    found = score(f"time,v\n{AT},5\n" + "x,1\n" * 5000, env=NEVER)
    named = [line for line in found.lines if line.startswith("left out")]
    assert (len(named), named[-1]) == (21, "left out: 4,980 more")


def test_a_constant_column_has_no_alert(score):
    found = score(minutes(1000, lambda n: 5), "--detector", "novelty")
    assert ", 0 alerts; " in found.lines[-1]


def test_five_hundred_columns_are_five_hundred_series(score):
    header = ",".join(f"m{n}" for n in range(500))
    row = ",".join(["1.5"] * 500)
    found = score(f"time,{header}\n{AT},{row}\n", env=NEVER)
    assert "500 readings of 500 series" in found.lines[-1]
    assert [row["metric"] for row in found.rows] == [f"m{n}" for n in range(500)]


def test_control_characters_of_a_name_do_not_reach_the_terminal(score):
    content = f"time,device,v\n{AT},\x1b[31mred,1\n{AT},\x1b[31mred,1\n"
    found = score(content, env=NEVER)
    assert "\x1b" not in found.output
    assert "has this reading already" in found.output


REFUSED = {
    "an empty file": (b"", "is empty"),
    "a header alone": ("time,value\n", "has no rows below its header line"),
    "blank lines": ("\n\n", "only blank lines"),
    "no times": ("a,b\n1,2\n", "which column holds the times"),
    "no numbers": (f"time,text\n{AT},a\n", "no column with numbers"),
    "blank values": (f"time,v\n{AT},\n", "has no number in v"),
    "two columns of one name": (f"time,a,a\n{AT},1,2\n", "has 2 columns 'a'"),
    "the day or the month first": ("time,v\n03/04/2026,1\n", "may have the day or the month first"),
    "a decimal or a thousands separator": (f"time;v\n{AT};1,234\n", "decimal or a thousands separator"),
    "an open quote": (f'time,v\n{AT},"1\n', "quotes do not match"),
    "a row that is no reading": ("time,v\n1850-01-01,1\n", "has no reading: 1 unusable. line 2: '1850-01-01'"),
    "a compressed file": (b"\x1f\x8b\x08\x00", "compressed with gzip"),
    "no Parquet": (b"PAR1nothing of the kind", "cannot be read as Parquet"),
}


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_scored_is_refused_in_one_line(score, content, said):
    found = score(content)
    assert (found.exit_code, found.rows) == (1, None)
    assert re.fullmatch(rf"✘ .*{re.escape(said)}.*\n", found.errors), found.errors
    assert len(found.errors) < 350


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nothing"):
        shown = CliRunner().invoke(app, ["score", str(path)])
        assert (shown.exit_code, shown.stderr.count("\n")) == (1, 1)


def test_a_failed_run_leaves_nothing_behind(score, tmp_path):
    score(f"time,v\n1850-01-01,1\n")  # noqa: F541
    assert [each.name for each in tmp_path.iterdir()] == ["data.csv"]


def test_more_series_than_a_job_lets_pass_are_no_devices(score):
    rows = "".join(f"{AT},id-{n},1\n" for n in range(60))
    found = score(f"time,device,v\n{rows}", env=NEVER | {"HEADRACE_JOB_MAX_SERIES": "50"})
    assert found.exit_code == 1
    assert "more than 50 series" in found.errors


WRONG = {
    "--detector": ["--detector", "nothing"],
    "--alerts-per-week": ["--alerts-per-week", "0"],
    "--plot": ["--plot", "chart.pdf"],
    "--separator": ["--separator", "ab"],
    "--time-zone": ["--time-zone", "Mars"],
    "--time-format": ["--time-format", "now"],
}


@pytest.mark.parametrize(("option", "words"), WRONG.items(), ids=WRONG)
def test_a_wrong_option_is_named(score, option, words):
    found = score(f"time,v\n{AT},1\n", *words)
    assert found.exit_code == 2
    assert f"Invalid value for {option}" in found.errors


def test_the_file_itself_is_never_written_over(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(f"time,v\n{AT},1\n")
    for option in ("--scores", "--plot"):
        link = tmp_path / f"link{option}.png"
        link.symlink_to(path)
        shown = CliRunner().invoke(app, ["score", str(path), option, str(link)])
        assert (shown.exit_code, path.read_text()) == (2, f"time,v\n{AT},1\n")


@pytest.mark.parametrize("option", ["--scores", "--plot"])
def test_a_full_disk_is_one_line_and_leaves_the_file_as_it_was(tmp_path, option):
    path, out = tmp_path / "data.csv", tmp_path / "out.svg"
    path.write_text("time,v\n" + "".join(f"{AT_MS + 1000 * n},{n % 7}.5\n" for n in range(900)))
    out.write_text("older")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        shown = CliRunner().invoke(app, ["score", str(path), option, str(out)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert isinstance(shown.exception, SystemExit), shown.exception
    assert shown.exit_code == 1
    assert re.fullmatch(r"✘ .*out.svg cannot be written: File too large. Nothing of it was kept\n", shown.stderr)
    assert out.read_text() == "older"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data.csv", "out.svg"]


def test_a_wrong_variable_is_not_the_fault_of_an_option(score):
    found = score(f"time,v\n{AT},1\n", env={"HEADRACE_JOB_ALERTS_PER_WEEK": "-1"})
    assert found.exit_code == 1
    assert "HEADRACE_JOB_ALERTS_PER_WEEK" in found.errors


# Parquet

MOMENTS = [dt.datetime(2026, 3, 4, 0, 0, n, 123_456) for n in range(3)]
STAMPS = {
    "s": pa.array(MOMENTS, pa.timestamp("s"), safe=False),
    "ms": pa.array(MOMENTS, pa.timestamp("ms"), safe=False),
    "us": pa.array(MOMENTS, pa.timestamp("us")),
    "ns": pa.array(MOMENTS, pa.timestamp("ns")),
    "a zone": pa.array(MOMENTS, pa.timestamp("ns", "America/New_York")),
    "text": pa.array([each.isoformat() + "Z" for each in MOMENTS]),
    "a dictionary": pa.array([each.isoformat() + "Z" for each in MOMENTS]).dictionary_encode(),
    "numbers": pa.array([AT_MS + n * 1000 + 123 for n in range(3)]),
    "fractions": pa.array([(AT_MS + n * 1000) / 1000 + 0.123 for n in range(3)]),
}


@pytest.mark.parametrize(("kind", "stamps"), STAMPS.items(), ids=STAMPS)
def test_parquet_times_of_every_type_are_the_same_moments(score, kind, stamps):
    found = score(parquet(time=stamps, v=[1, 2, 3]), name="data.parquet", env=NEVER)
    ms = 0 if kind == "s" else 123
    assert found.times == [iso(AT_MS + n * 1000 + ms) for n in range(3)]


def test_parquet_times_without_a_zone_are_in_the_one_that_is_said(score):
    stamps = pa.array([dt.datetime(2025, 10, 26, hour, 30) for hour in (1, 2, 3)])
    found = score(parquet(time=stamps, v=[1, 2, 3]), "--time-zone", "Europe/Berlin", name="d.parquet", env=NEVER)
    assert found.times == ["2025-10-25T23:30:00.000Z", "2025-10-26T02:30:00.000Z"]
    assert any("row 2: " in line and "has this time twice" in line for line in found.lines)


def test_parquet_dates_are_midnights(score):
    days = [dt.date(2026, 3, 4), dt.date(2026, 3, 5)]
    for type_ in (pa.date32(), pa.date64()):
        found = score(parquet(day=pa.array(days, type_), v=[1, 2]), name="d.parquet", env=NEVER)
        assert found.times == ["2026-03-04T00:00:00.000Z", "2026-03-05T00:00:00.000Z"]


def test_parquet_numbers_of_every_type_are_exact_or_left_out_with_their_rows(score):
    n = 4
    columns = {
        "time": pa.array([AT_MS + each for each in range(n)]),
        "whole": pa.array([1, None, 2**53, 4]),
        "decimal": pa.array([Decimal("0.1"), None, Decimal("123456789012345.123456789"), Decimal(3)]),
        "wild": pa.array([float("nan"), float("inf"), 0.1, -0.0]),
        "half": pa.array(np.array([0.5, 1, 2, 3], np.float16)),
        "nested": pa.array([{"x": 1}] * n),
        "list": pa.array([[1]] * n),
        "flag": pa.array([True] * n),
        "text": pa.array(["1"] * n),
        "a.b": pa.array([7] * n, pa.uint8()),
    }
    found = score(parquet(**columns), name="data.parquet", env=NEVER)
    values = {}
    for row in found.rows:
        values.setdefault(row["metric"], []).append(float(row["value"]))
    assert values == {
        "whole": [1, 2.0**53, 4], "decimal": [0.1, float("123456789012345.123456789"), 3],
        "wild": [0.1, 0], "half": [0.5, 1, 2, 3], "a.b": [7] * n,
    }  # fmt: skip
    assert "left out: row 2 in column 'wild': inf is no number" in found.lines
    assert found.lines[-1].endswith("not readings: 3 without a value, 1 unusable")
    assert any(line.startswith("not scored: nested (struct") for line in found.lines)


def test_a_parquet_row_without_a_time_or_with_an_impossible_one_is_left_out(score):
    stamps = pa.array([None, dt.datetime(1850, 1, 1), MOMENTS[0], dt.datetime(2096, 1, 1)])
    found = score(parquet(time=stamps, v=[1, 2, 3, 4]), name="data.parquet", env=NEVER)
    assert found.values == [3]
    left_out = [line for line in found.lines if line.startswith("left out")]
    assert [re.sub("'.*' ", "", each) for each in left_out] == [
        "left out: row 1: it has no time", "left out: row 2: is before 1990",
        "left out: row 4: is over 5 minutes in the future",
    ]  # fmt: skip


def test_parquet_and_csv_of_the_same_readings_have_the_same_scores(score):
    values = noisy()
    lines = "".join(f"{AT_MS + n},p{n % 2},{each},{each * 2}\n" for n, each in enumerate(values))
    of_csv = score(f"time,device,a,b\n{lines}").rows
    n = len(values)
    doubled = [each * 2 for each in values]
    columns = {"time": [AT_MS + each for each in range(n)], "device": [f"p{each % 2}" for each in range(n)]}
    assert score(parquet(**columns, a=values, b=doubled), name="data.parquet").rows == of_csv


PARQUET_REFUSED = {
    "no rows": ({"time": pa.array([], pa.timestamp("ms")), "v": pa.array([], pa.float64())}, "has no rows"),
    "no times": ({"v": [1.5]}, "which column holds the times"),
    "no numbers": ({"time": MOMENTS[:1], "v": [[1]]}, "has no column of numbers"),
    "nulls alone": ({"time": MOMENTS[:1], "v": pa.array([None], pa.int64())}, "has no reading"),
}


@pytest.mark.parametrize(("columns", "said"), PARQUET_REFUSED.values(), ids=PARQUET_REFUSED)
def test_a_parquet_file_that_cannot_be_scored_is_refused_in_one_line(score, columns, said):
    found = score(parquet(**columns), name="data.parquet")
    assert found.exit_code == 1
    assert re.fullmatch(rf"✘ .*{re.escape(said)}.*\n", found.errors), found.errors


def test_a_truncated_parquet_file_is_refused(score, tmp_path):
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"time": MOMENTS, "v": [1, 2, 3]}), whole)
    found = score(whole.read_bytes()[:-20], name="cut.parquet")
    assert found.exit_code == 1
    assert "cannot be read as Parquet" in found.errors


def test_a_damaged_page_of_a_parquet_file_is_refused(score, tmp_path):
    whole = tmp_path / "whole.parquet"
    pq.write_table(
        pa.table({"time": [AT_MS + n for n in range(9000)], "v": np.random.default_rng(1).random(9000)}), whole
    )
    content = bytearray(whole.read_bytes())
    content[2000:60_000] = b"\xff" * 58_000
    found = score(bytes(content), name="damaged.parquet")
    assert found.exit_code == 1
    assert "cannot be read as Parquet" in found.errors


def test_options_of_csv_files_are_refused_for_parquet(score):
    found = score(parquet(time=MOMENTS, v=[1, 2, 3]), "--decimal", "comma", name="data.parquet")
    assert found.exit_code == 2
    assert "--decimal" in found.errors


# The picture


def drawn(score, tmp_path, content, name, detector="gaussian"):
    path = tmp_path / name
    found = score(content, "--plot", str(path), "--detector", detector)
    assert found.exit_code == 0, found.errors
    return path


def blue(pixels):
    return (abs(pixels[..., :3] - np.array([0x1F, 0x5F, 0xA8]) / 255) < 0.1).all(axis=-1)


def red(pixels):
    return (abs(pixels[..., :3] - np.array([0xC0, 0x26, 0x2D]) / 255) < 0.1).all(axis=-1)


def test_a_png_shows_values_range_and_alert(score, tmp_path):
    values = noisy()
    contents = [minutes(n, lambda each: values[each]) for n in (500, 600)]
    calm, pixels = (imread(drawn(score, tmp_path, each, "chart.png", "novelty")) for each in contents)
    assert blue(pixels).sum() > 500
    assert red(pixels).sum() > 1.8 * red(calm).sum() > 0  # the legend has one mark, the alert is another
    edges = [pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]]
    assert all((edge[..., :3] > 0.98).all() for edge in edges)


def test_an_svg_keeps_names_of_any_script_as_text(score, tmp_path):
    names = ["顧客 <a>&amp;", "درجة", "🙂", "$a$ b_$1$"]
    rows = "".join(f"{AT_MS + n}," + ",".join([f"{n % 3}.5"] * 4) + "\n" for n in range(300))
    text = drawn(score, tmp_path, f"time,{','.join(names)}\n{rows}", "chart.svg").read_text()
    for name in ("顧客 &lt;a&gt;&amp;amp;", "درجة", "🙂", "$a$ b_$1$"):
        assert f">{name}</text>" in text


def test_many_series_have_a_panel_each_up_to_a_number_and_those_with_alerts_come_first(score, tmp_path):
    rng = np.random.default_rng(3)
    values = rng.normal(5, 1, (400, 60)).round(3)
    values[350, 59] += 500
    rows = "".join(f"{AT_MS + n * 60_000},{','.join(map(str, row))}\n" for n, row in enumerate(values.tolist()))
    content = f"time,{','.join(f'm{n}' for n in range(60))}\n{rows}"
    text = drawn(score, tmp_path, content, "chart.svg", "novelty").read_text()
    assert len(re.findall(r">m\d+</text>", text)) == MAX_PANELS
    assert ">m59</text>" in text
    assert "24 of 60 series: those with the most alerts" in text


EXTREME = {
    "one reading": lambda n: "5.5",
    "the end of the floats": lambda n: f"{-1 if n % 2 else 1}e308",
    "denormals": lambda n: f"{n % 3}e-320",
    "a constant": lambda n: "1e300",
}


@pytest.mark.parametrize(("name", "value"), EXTREME.items(), ids=EXTREME)
def test_values_of_any_magnitude_are_drawn(score, tmp_path, name, value):
    content = minutes(1 if name == "one reading" else 250, value)
    assert blue(imread(drawn(score, tmp_path, content, "chart.png"))).sum() > 20


def test_the_picture_of_a_long_series_is_small(score, tmp_path):
    sizes = [
        drawn(score, tmp_path, minutes(n, lambda each: f"{each % 97}.5"), f"{n}.svg").stat().st_size
        for n in (2000, 20_000)
    ]
    assert sizes[1] < 1.5 * sizes[0]


def test_both_outputs_may_not_be_one_file(score, tmp_path):
    path = str(tmp_path / "out.png")
    shown = CliRunner().invoke(app, ["score", __file__, "--scores", path, "--plot", path])
    assert shown.exit_code == 2
    assert not Path(path).exists()


PAGE = REPOSITORY / "docs" / "how-to" / "score_file.md"


def test_the_how_to_page_shows_what_the_command_prints_and_draws(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    python, command, output = (
        re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)[1] for language in ("python", "sh", "text")
    )
    exec(python, {})
    shown = CliRunner().invoke(app, command.split()[1:])
    assert shown.stdout == output
    drawn, stored = ((folder / name).read_text() for folder, name in (
        (tmp_path, "plant.svg"), (PAGE.parent, "score_file.svg"),
    ))  # fmt: skip
    assert re.findall(r"<text.*?</text>", drawn) == re.findall(r"<text.*?</text>", stored)
