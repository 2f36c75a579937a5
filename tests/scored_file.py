"""A file that `headrace score` and the jobs both score: what is sent of it, and that they say the same."""

import csv
import math
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from headrace.cli.main import app
from headrace.csv_files.csv_readings import CsvOptions, CsvReadings
from headrace.csv_files.payloads import Payloads
from headrace.csv_files.text_file import TextFile
from headrace.scoring.alert_lines import iso_times
from jobs.settings import JobSettings
from schemas.anomaly_score import AnomalyScore
from tests.raw_messages import NOW_MS, Message

SETTINGS = JobSettings(detector="novelty", alerts_per_week=20, buckets=2, micro_batch_ms=50, snapshot_every=7)
N, BLANKS = 4000, 8
SILENT_FROM, SILENCE_MS = 3000, 40 * 86_400_000
FIRST_MS = NOW_MS - 90 * 86_400_000


def written(path: Path) -> Path:
    """Two events, a gap of 40 days (longer than a series may be silent), blanks, times that come again and go back."""
    rng = np.random.default_rng(4)
    values = 20 + np.sin(np.arange(N) / 30) + rng.normal(0, 0.1, N)
    values[2500] += 9
    values[3700:3720] -= 5
    lines = ["time,load"]
    for n, value in enumerate(values.tolist()):
        at = FIRST_MS + n * 60_000 + SILENCE_MS * (n >= SILENT_FROM)
        lines.append(f"{moment(at)},{'' if n % 501 == 7 else repr(value)}")
    lines[1001], lines[1002] = lines[1002], lines[1001]
    lines[1500:1500] = [lines[1400], lines[1401].partition(",")[0] + ",7.25"]
    path.write_text("\n".join(lines) + "\n")
    return path


def sent(file: Path) -> list[Message]:
    """What `headrace publish --keep-time` sends of it."""
    with TextFile(file) as text:
        payloads = Payloads(CsvReadings.check(text, CsvOptions("load", keep_time=True)))
        return [Message(payload, "pump-1") for payload in payloads]


def scored(file: Path, table: Path) -> tuple[list[str], list[dict[str, str]]]:
    """What the command prints, and the rows of its table."""
    shown = CliRunner().invoke(app, ["score", str(file), "--scores", str(table), "--alerts-per-week", "20"])
    assert shown.exit_code == 0, shown.output
    with table.open(newline="") as lines:
        return shown.output.splitlines(), list(csv.DictReader(lines))


def require_same_scores(rows: list[dict[str, str]], scores: list[AnomalyScore]) -> None:
    """To the last bit."""
    assert len(rows) == len(scores) == N - BLANKS
    for row, score in zip(rows, scores, strict=True):
        assert row["time"] == moment(score.event_time)
        for name in ("value", "score", "threshold", "expected_low", "expected_high"):
            number = getattr(score, name)
            assert row[name] == ("" if number is None else repr(number)), (row, score)
            assert number is None or math.isfinite(number)
        assert (row["is_anomaly"], row["kind"]) == ("true" if score.is_anomaly else "false", score.kind or "")


def require_same_alerts(lines: list[str], scores: list[AnomalyScore]) -> None:
    """Each with its sentence; those before the silence, and those after it."""
    alerts = [score for score in scores if score.episode == score.event_time]
    assert len(alerts) >= 2
    expected = [f"{moment(each.event_time)}  load  {each.value!r}  {each.explanation}" for each in alerts]
    assert [line for line in lines if "  load  " in line] == expected


def require_begun_anew(scores: list[AnomalyScore]) -> None:
    """After its silence the series has no score for a while, as when it was new."""
    first = FIRST_MS + SILENT_FROM * 60_000 + SILENCE_MS
    assert all(score.score is None for score in scores if first <= score.event_time < first + 150 * 60_000)
    assert sum(score.score is None for score in scores) > 300


def moment(ms: int) -> str:
    return iso_times(np.array([ms]))[0]
