"""`headrace publish` without servers: what is refused before anything is sent, and what `--check` says."""

import json

import pytest
from typer.testing import CliRunner

from headrace.cli.main import app
from headrace.csv_files.csv_readings import CsvOptions, CsvReadings
from headrace.csv_files.payloads import Payloads, require_device
from headrace.csv_files.text_file import TextFile
from headrace.errors import UnusableFile
from headrace.sources.preview import preview
from payload_codecs.valid_reading import ValidReading
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources

ROWS = "time;Temperature °C;Status\r\n04.03.2026 00:00;19,5;OK\r\n04.03.2026 00:05;;gap\r\n"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "data.csv").write_text(ROWS)

    def run(*options, device="pump-7", metric="temperature"):
        told = ["--device", device, "--metric", metric, *options, "--home", str(tmp_path / "home")]
        return CliRunner().invoke(app, ["publish", str(tmp_path / "data.csv"), *told])

    return run


@pytest.fixture
def payloads(tmp_path):
    (tmp_path / "data.csv").write_text("time,value\n" + "1,2.5\n" * 1000)
    with TextFile(tmp_path / "data.csv") as file:
        yield Payloads(CsvReadings.check(file, CsvOptions("temperature", unit="Cel")))


def test_a_check_reports_what_is_detected_and_sends_nothing(run):
    shown = run("--check", "--keep-time", "--time-zone", "Europe/Berlin")
    assert shown.exit_code == 0
    assert shown.output.splitlines() == [
        "data.csv: UTF-8, columns separated by semicolon",
        "values: column 'Temperature °C', decimal comma, in °C (from the column's name)",
        "times: column 'time', day/month/year, in Europe/Berlin where they name no zone",
        "rows: 1 to send, 1 without a value",
    ]


@pytest.mark.parametrize(
    "device", ["", " ", "hall/7", "pump+7", "#", "a\\b", "a\x00b", "a\nb", "x" * 201, "a\udc80", "a\u2028b"]
)
def test_a_device_that_cannot_be_is_one_line(run, device):
    shown = run(device=device)
    assert shown.exit_code == 1
    assert isinstance(shown.exception, SystemExit)
    assert shown.stderr.startswith("✘ --device ")
    assert len(shown.stderr.splitlines()) == 1
    assert "Nothing was sent" in shown.stderr


@pytest.mark.parametrize("device", ["pump-7", "Pumpe 7 (Süd)", "x" * 200, "$a", "泵", "a;b,c"])
def test_a_device_that_can_be_is_taken(device):
    require_device(device)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--unit", "furlong"), "unknown_unit"),
        (("--unit", "kW.h"), "wrong_unit"),
        (("--encoding", "no-such"), "no text encoding"),
        (("--value-column", "speed"), "no column 'speed'"),
        (("--header-line", "99"), "no header line"),
    ],
)
def test_an_option_that_does_not_fit_is_one_line(run, options, said):
    shown = run("--check", *options)
    assert shown.exit_code == 1
    assert said in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


def test_a_metric_that_would_be_rejected_is_one_line(run):
    shown = run("--check", metric="x" * 201)
    assert shown.exit_code == 1
    assert "bad_metric" in shown.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--separator", ";;"),
        ("--separator", '"'),
        ("--separator", "a"),
        ("--decimal", "dot"),
        ("--time-format", "iso8601"),
        ("--time-zone", "UTC"),
        ("--keep-time", "--time-format", "yyyy"),
        ("--keep-time", "--time-format", "%Q"),
        ("--keep-time", "--time-format", "%d%d"),
        ("--keep-time", "--time-zone", "Berlin"),
        ("--keep-time", "--time-zone", "Europe"),
        ("--keep-time", "--time-zone", "../etc/passwd"),
    ],
)
def test_an_option_that_cannot_be_is_named(run, options):
    shown = run("--check", *options)
    assert shown.exit_code == 2
    assert options[-2] in shown.stderr


def test_a_file_that_no_source_reads_is_not_sent(payloads):
    with pytest.raises(UnusableFile, match="no declared source reads fleet/pump/telemetry"):
        payloads.require_understood(Sources([Source(name="other", topic="plant/{device}")]), "pump")


def test_a_file_that_a_source_reads_as_something_else_is_not_sent(payloads):
    other = Source(name="other", topic="fleet/{metric}/{device}")
    with pytest.raises(UnusableFile, match="reads fleet/pump/telemetry as something else"):
        payloads.require_understood(Sources([other]), "pump")


def test_payloads_become_the_readings_of_the_file(payloads):
    payloads.require_understood(Sources([DEFAULT_SOURCE]), "pump")
    found = preview(Sources([DEFAULT_SOURCE]), "fleet/pump/telemetry", next(iter(payloads)), payloads.clock_ms())
    (reading,) = found.outcomes
    assert isinstance(reading, ValidReading)
    assert (reading.device, reading.metric, reading.value, reading.unit) == ("pump", "temperature", 2.5, "Cel")


def test_no_two_rows_without_times_share_a_millisecond(payloads):
    payloads.clock_ms = lambda: 5
    times = [json.loads(payload)["ts"] for payload in payloads]
    assert times == list(range(5, 1005))


def test_times_of_the_sending_never_run_far_ahead_of_the_clock(tmp_path):
    (tmp_path / "data.csv").write_text("value\n" + "1\n" * 1500)
    slept = []
    with TextFile(tmp_path / "data.csv") as file:
        readings = CsvReadings.check(file, CsvOptions("temperature"))
        payloads = Payloads(readings, clock_ms=lambda: int(1000 * sum(slept)), sleep=slept.append, max_ahead_ms=1000)
        ahead = [json.loads(payload)["ts"] - payloads.clock_ms() for payload in payloads]
    assert max(ahead) <= 1001
    assert sum(slept) == pytest.approx(0.5, abs=0.01)
