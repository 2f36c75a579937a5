"""`headrace score` says of a file what the jobs say of it when it is published: bit for bit."""

import csv
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from headrace.cli.main import app
from headrace.csv_files.csv_readings import CsvOptions, CsvReadings
from headrace.csv_files.payloads import Payloads
from headrace.csv_files.text_file import TextFile
from headrace.scoring.alert_lines import iso_times
from jobs import clean_telemetry, score_anomalies
from jobs.settings import JobSettings
from schemas.topics import (
    DEAD_LETTERS,
    TELEMETRY_ANOMALIES,
    TELEMETRY_COMMANDS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_IGNORED,
    TELEMETRY_READINGS,
)
from tests.raw_messages import NOW_MS, Message

CLEANED = (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, DEAD_LETTERS, TELEMETRY_COMMANDS)
SETTINGS = JobSettings(detector="novelty", alerts_per_week=20, buckets=2, micro_batch_ms=50, snapshot_every=7)
N = 4000


def written(path):
    """Two events, a gap of 40 days (longer than a series may be silent), blanks, times that come again and go back."""
    rng = np.random.default_rng(4)
    values = 20 + np.sin(np.arange(N) / 30) + rng.normal(0, 0.1, N)
    values[2500] += 9
    values[3700:3720] -= 5
    lines = ["time,load"]
    for n, value in enumerate(values.tolist()):
        time_ms = NOW_MS - 90 * 86_400_000 + n * 60_000 + (40 * 86_400_000 if n >= 3000 else 0)
        lines.append(f"{iso_times(np.array([time_ms]))[0]},{'' if n % 501 == 7 else repr(value)}")
    lines[1001], lines[1002] = lines[1002], lines[1001]
    lines[1500:1500] = [lines[1400], lines[1401].partition(",")[0] + ",7.25"]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return written(tmp_path_factory.mktemp("file") / "load.csv")


@pytest.fixture(scope="module")
def published(file, file_tables):
    """The scores of both jobs, from the payloads that `headrace publish --keep-time` sends."""
    with TextFile(file) as text:
        options = CsvOptions("load", keep_time=True)
        messages = [Message(payload, "pump-1") for payload in Payloads(CsvReadings.check(text, options))]
    cleaning = file_tables("clean_telemetry", **clean_telemetry.OPTIONS)
    cleaning.raw_source(messages)
    for topic in CLEANED:
        cleaning.bytes_sink(topic)
    cleaning.execute(
        clean_telemetry.build(cleaning.tables, SETTINGS, SETTINGS.declared_sources().sources), timeout_s=120
    )
    assert len(cleaning.records(TELEMETRY_DUPLICATES)) == len(cleaning.records(DEAD_LETTERS)) == 1
    scoring = file_tables("score_anomalies")
    scoring.bytes_source("readings", TELEMETRY_READINGS, cleaning.records(TELEMETRY_READINGS))
    for topic in (TELEMETRY_ANOMALIES, DEAD_LETTERS):
        scoring.bytes_sink(topic)
    scoring.execute(score_anomalies.build(scoring.tables, SETTINGS), timeout_s=120)
    return sorted(scoring.records(TELEMETRY_ANOMALIES), key=lambda score: score.position.offset)


@pytest.fixture(scope="module")
def scored(file, tmp_path_factory):
    """What the command prints, and the rows of its table."""
    table = tmp_path_factory.mktemp("scores") / "scores.csv"
    options = ["--scores", str(table), "--alerts-per-week", "20"]
    shown = CliRunner().invoke(app, ["score", str(file), *options])
    assert shown.exit_code == 0, shown.output
    with table.open(newline="") as lines:
        return shown.output.splitlines(), list(csv.DictReader(lines))


def test_every_score_of_a_file_is_the_one_of_the_jobs(published, scored):
    rows = scored[1]
    assert len(rows) == len(published) == N - N // 501 - 1
    for row, score in zip(rows, published, strict=True):
        assert row["time"] == iso_times(np.array([score.event_time]))[0]
        for name in ("value", "score", "threshold", "expected_low", "expected_high"):
            number = getattr(score, name)
            assert row[name] == ("" if number is None else repr(number)), (row, score)
            assert number is None or math.isfinite(number)
        assert (row["is_anomaly"], row["kind"]) == ("true" if score.is_anomaly else "false", score.kind or "")


def test_the_printed_alerts_are_those_of_the_jobs_with_their_sentences(published, scored):
    alerts = [score for score in published if score.episode == score.event_time]
    assert len(alerts) >= 2
    expected = [
        f"{iso_times(np.array([each.event_time]))[0]}  load  {each.value!r}  {each.explanation}" for each in alerts
    ]
    assert [line for line in scored[0] if "  load  " in line] == expected


def test_the_series_begins_anew_after_its_silence_in_both(published):
    first = NOW_MS - 90 * 86_400_000 + 3000 * 60_000 + 40 * 86_400_000
    assert all(score.score is None for score in published if first <= score.event_time < first + 150 * 60_000)
    assert sum(score.score is None for score in published) > 300
