"""`headrace score`: a file through the detector of the job, without any service."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from headrace.cli.csv_options import (
    FILE_PANEL,
    Decimal,
    Encoding,
    HeaderLine,
    Separator,
    decimal_of,
    separator_of,
    time_format_of,
    time_zone_of,
)
from headrace.cli.training_extra import require_training_extra

if TYPE_CHECKING:
    from headrace.scoring.file_readings import FileOptions, ReadingsFile
    from headrace.scoring.file_scorer import FileScorer
    from jobs.settings import JobSettings
    from models.detectors import Scorer

PICTURES = (".png", ".svg")


def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV file with a header line, or Parquet file.")],
    scores: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.csv", help="Also write value, score and expected range of each reading.", show_default="none"
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.png",
            help="Also draw the series, their expected range and their alerts, as PNG or SVG by the file's name. Of "
            "more than 24 series, those with the most alerts.",
            show_default="none",
        ),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Detector: `novelty`, `gaussian`, `half-space-trees`, or one of River as `river:<module>:<class>`.",
            show_default="$HEADRACE_JOB_DETECTOR, else novelty",
        ),
    ] = None,
    alerts_per_week: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Alerts of a series and week that are about right while nothing is wrong with it.",
            show_default="$HEADRACE_JOB_ALERTS_PER_WEEK, else 0.3",
        ),
    ] = None,
    time_column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column with the time of each row: its name, or in a CSV file its number from 1.",
            show_default="timestamp, time, ts, date or datetime, or the only one with times",
        ),
    ] = None,
    value_column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Column with values, of one metric. Repeatable.",
            show_default="all columns with numbers",
        ),
    ] = None,
    device_column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Column that says whose values a row holds. Repeatable.",
            show_default="device, sensor, station, host and the like",
        ),
    ] = None,
    separator: Separator = None,
    header_line: HeaderLine = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    time_format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="How times are written: `iso8601`, `s`, `ms`, `us`, `ns`, or a pattern such as `%d.%m.%y %H:%M`.",
            show_default="detected",
            rich_help_panel=FILE_PANEL,
        ),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="Zone of times that name none, such as `Europe/Berlin`.",
            show_default="UTC",
            rich_help_panel=FILE_PANEL,
        ),
    ] = None,
) -> None:
    """Score the readings of a CSV or Parquet file and print the alerts. Needs no running stack.

    The detector, its settings and its results are those of `score_anomalies`. Each column with numbers is a metric. How
    the file is read is reported first; the last line counts readings, series, alerts, and what was no reading.

    Exit status: 0 when the file was scored, whether it has alerts or not.

    Example: `headrace score readings.csv --scores scores.csv --plot readings.png`
    """
    from headrace.scoring.file_readings import FileOptions

    _require_outputs(file, scores, plot)
    scorer, settings = _scorer(detector, alerts_per_week)
    options = FileOptions(
        time_column=time_column,
        value_columns=tuple(value_column or ()),
        device_columns=tuple(device_column or ()),
        separator=separator_of(separator),
        header_line=header_line,
        decimal=decimal_of(decimal),
        encoding=encoding,
        time_format=time_format_of(time_format),
        time_zone=time_zone_of(time_zone),
    )
    with _opened(file, options) as readings:
        _run(readings, scorer, settings, scores, plot)


def _run(
    file: "ReadingsFile", scorer: "Scorer", settings: "JobSettings", scores: Path | None, plot: Path | None
) -> None:
    from headrace.scoring.alert_lines import alert_lines
    from headrace.scoring.envelope import Envelopes
    from headrace.scoring.file_scorer import FileScorer
    from headrace.scoring.panels import MAX_FOLLOWED, chosen_panels
    from headrace.scoring.score_table import ScoreTable

    for line in file.report():
        _print(line)
    scoring, envelopes = FileScorer(file, scorer, settings.max_series), Envelopes(MAX_FOLLOWED)
    with ExitStack() as stack:
        table = stack.enter_context(ScoreTable(scores, file.has_devices, file.has_metrics)) if scores else None
        for scored in scoring.batches():
            for line in alert_lines(scored, scoring.keys):
                _print(line)
            if table is not None:
                table.write(scored, scoring.keys)
            if plot is not None:
                envelopes.add(scored)
    if plot is not None:
        from headrace.scoring.chart import draw

        draw(chosen_panels(envelopes.of_series, scoring.keys), plot)
    for line in scoring.left_out.lines():
        _print(line)
    _print(_last_line(scoring))


def _last_line(scoring: "FileScorer") -> str:
    readings, alerts = scoring.readings, scoring.alerts
    words = f"{readings:,} reading{'s' * (readings != 1)} of {len(scoring.keys):,} series"
    if young := readings - scoring.scored:
        words += f" ({young:,} without a score, while the series was young)"
    return f"{words}, {alerts:,} alert{'s' * (alerts != 1)}; not readings: {scoring.left_out}"


def _scorer(detector: str | None, alerts_per_week: float | None) -> "tuple[Scorer, JobSettings]":
    from pydantic import ValidationError

    from jobs.scorer import make_scorer
    from jobs.settings import JobSettings

    given = {"detector": detector, "alerts_per_week": alerts_per_week}
    given = {name: value for name, value in given.items() if value is not None}
    JobSettings()  # what the environment says is not the fault of an option
    try:
        settings = JobSettings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"], param_hint="--alerts-per-week") from None
    try:
        return make_scorer(settings), settings
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--detector") from None


@contextmanager
def _opened(path: Path, options: "FileOptions") -> Iterator["ReadingsFile"]:
    from headrace.csv_files.csv_series import CsvSeries
    from headrace.csv_files.text_file import TextFile
    from headrace.parquet_files.parquet_series import ParquetSeries, is_parquet

    if is_parquet(path):
        for name in ("separator", "header_line", "decimal", "encoding"):
            if getattr(options, name) is not None:
                raise typer.BadParameter(f"{path.name} is a Parquet file", param_hint=f"--{name.replace('_', '-')}")
        yield ParquetSeries(path, options)
        return
    with TextFile(path, options.encoding) as file:
        yield CsvSeries.check(file, options)


def _require_outputs(file: Path, scores: Path | None, plot: Path | None) -> None:
    """What cannot be written is said before a long file is scored."""
    if plot is not None and plot.suffix.lower() not in PICTURES:
        raise typer.BadParameter(f"{plot} ends with neither .png nor .svg", param_hint="--plot")
    for path, option in ((scores, "--scores"), (plot, "--plot")):
        if path is None:
            continue
        if path.is_dir() or not path.parent.is_dir():
            raise typer.BadParameter(f"{path} is a folder, or in none that is there", param_hint=option)
        if path.exists() and file.exists() and path.samefile(file):
            raise typer.BadParameter(f"{path} is the file to score", param_hint=option)
    if scores is not None and scores == plot:
        raise typer.BadParameter(f"{plot} is also that of --scores", param_hint="--plot")
    if plot is not None:
        require_training_extra(["matplotlib"], "--plot")


def _print(line: str) -> None:
    Console(file=sys.stdout, soft_wrap=True).print(line, markup=False, highlight=False)
