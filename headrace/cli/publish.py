"""`headrace publish`: a CSV file as the telemetry of a device."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
from headrace.cli.options import Home, PortOffset

if TYPE_CHECKING:
    from connectors.endpoints import Endpoints
    from headrace.csv_files.csv_readings import CsvOptions
    from headrace.csv_files.payloads import Payloads
    from headrace.csv_files.text_file import TextFile
    from headrace.publish_outcome import PublishOutcome
    from headrace.publisher import Publisher
    from stack.layout import Layout

CHECK_SHOWN_FROM_BYTES = 50_000_000
PASSES = 2
"""Over the file, in the check."""


def publish(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="CSV file with a header line.")],
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="Device that sends the readings; part of the MQTT topic.")
    ],
    metric: Annotated[
        str, typer.Option(metavar="METRIC", help="Metric that the value column measures, such as `temperature`.")
    ],
    time_column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column with the time of each reading: its name, or its number from 1.",
            show_default="timestamp, time, ts, date or datetime",
        ),
    ] = None,
    value_column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column with the values: its name, or its number from 1.",
            show_default="value, the metric's name, or the only other column with numbers",
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="UCUM code of the values' unit, such as `Cel` (docs/reference/units.md).",
            show_default="what the file says, else the metric's own unit",
        ),
    ] = None,
    keep_time: Annotated[
        bool, typer.Option("--keep-time", help="Send the times of the file instead of the current time.")
    ] = False,
    separator: Separator = None,
    header_line: HeaderLine = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    time_format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="With `--keep-time`: `iso8601`, `s`, `ms`, `us`, `ns`, or a pattern such as `%d.%m.%y %H:%M`.",
            show_default="detected",
            rich_help_panel=FILE_PANEL,
        ),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="With `--keep-time`: zone of times that name none, such as `Europe/Berlin`.",
            show_default="UTC",
            rich_help_panel=FILE_PANEL,
        ),
    ] = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Name the rows that cannot be used, and send the others.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Check the file and say how it is read; send nothing.")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not ask Kafka what became of the readings. Needs only the broker.")
    ] = False,
    rate: Annotated[
        float, typer.Option(metavar="NUMBER", min=0, help="Readings a second. 0 sends as fast as possible.")
    ] = 1000,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Publish a CSV file over MQTT as the telemetry of one device.

    Separator, decimal separator, encoding and time format are detected and reported. Nothing is sent unless every row
    can be used, or `--skip-bad-rows` names those that cannot.

    The last line says how many rows became readings. Exit status: 0 when all did, or were duplicates; else 1.

    Example: `headrace publish readings.csv --device pump-7 --metric temperature --unit Cel`
    """
    from headrace.csv_files.csv_readings import CsvOptions
    from headrace.csv_files.payloads import require_device
    from stack.layout import Layout

    require_device(device)
    layout = Layout.of(home, port_offset)
    options = CsvOptions(
        metric=metric,
        time_column=time_column,
        value_column=value_column,
        unit=unit,
        keep_time=keep_time,
        separator=separator_of(separator),
        header_line=header_line,
        decimal=decimal_of(decimal),
        time_format=time_format_of(_kept(time_format, keep_time, "--time-format")),
        time_zone=time_zone_of(_kept(time_zone, keep_time, "--time-zone")),
        skip_bad_rows=skip_bad_rows,
    )
    with _checked(file, encoding, options, layout, device) as payloads:
        if check:
            _report(payloads)
        else:
            _send(payloads, device, rate, no_wait, layout)


@contextmanager
def _checked(
    path: Path, encoding: str | None, options: "CsvOptions", layout: "Layout", device: str
) -> Iterator["Payloads"]:
    from headrace.csv_files.csv_readings import CsvReadings
    from headrace.csv_files.payloads import Payloads
    from headrace.csv_files.text_file import TextFile
    from schemas.sources_file import load_sources

    sources = load_sources(layout.settings.sources_file)
    with TextFile(path, encoding) as file:
        with _check_shown(file):
            payloads = Payloads(CsvReadings.check(file, options))
        payloads.require_understood(sources, device)
        yield payloads


@contextmanager
def _check_shown(file: "TextFile") -> Iterator[None]:
    """Progress of a check that takes long, in MB."""
    from headrace.progress import progress

    if file.size < CHECK_SHOWN_FROM_BYTES:
        yield
        return
    with progress(f"checking {file.name}, MB", PASSES * file.size // 1_000_000, _errors()) as advance:
        read = 0

        def on_bytes(count: int) -> None:
            nonlocal read
            before, read = read, read + count
            if whole := read // 1_000_000 - before // 1_000_000:
                advance(whole)

        file.on_bytes = on_bytes
        yield
        file.on_bytes = lambda _: None


def _report(payloads: "Payloads") -> None:
    for line in payloads.readings.report():
        Console(soft_wrap=True).print(line, markup=False, highlight=False)


def _send(payloads: "Payloads", device: str, rate: float, no_wait: bool, layout: "Layout") -> None:
    from connectors.endpoints import Endpoints
    from connectors.kafka.log import KafkaLog
    from headrace.publish_outcome import PublishOutcome, last_line
    from headrace.publisher import Publisher

    endpoints = Endpoints.load(layout.settings)
    publisher = Publisher(endpoints)
    if no_wait:
        _report(payloads)
        _publish_all(publisher, payloads, device, rate)
        print(f"{publisher.acknowledged:,} acknowledged by the broker. See what becomes of them:  headrace status")
        return
    with KafkaLog.connect(endpoints.kafka) as log:
        outcome = PublishOutcome(log, payloads.publish_id.encode())
        _report(payloads)
        _publish_all(publisher, payloads, device, rate)
        unfinished = _follow(outcome, publisher.acknowledged, endpoints)
    Console(soft_wrap=True).print(
        last_line(outcome, publisher.acknowledged, device, unfinished), markup=False, highlight=False
    )
    if unfinished or outcome.counts["dead letters"] or outcome.counts["ignored"]:
        raise typer.Exit(1)


def _publish_all(publisher: "Publisher", payloads: "Payloads", device: str, rate: float) -> None:
    from headrace.errors import UnusableFile
    from headrace.progress import progress
    from headrace.publisher import Pace

    pace = Pace(rate)
    with progress(f"fleet/{device}/telemetry", len(payloads), _errors()) as advance:
        try:
            for payload in payloads:
                publisher.publish(device, payload)
                advance(1)
                pace.wait()
        except UnusableFile as error:
            publisher.close()
            raise UnusableFile(f"{error}. {publisher.acknowledged:,} rows were sent before") from error
    publisher.close()


def _follow(outcome: "PublishOutcome", sent: int, endpoints: "Endpoints") -> str | None:
    from connectors.flink_rest import FlinkUnavailable
    from headrace.monitoring import jobs
    from headrace.progress import progress
    from jobs.names import CLEAN_TELEMETRY

    def job_runs() -> bool:
        """True also where Flink cannot be asked: the bound on the wait holds then."""
        try:
            return any(job.name == CLEAN_TELEMETRY and job.state != "FAILED" for job in jobs.collect(endpoints.flink))
        except FlinkUnavailable:
            return True

    with progress("processed", sent, _errors()) as advance:
        return outcome.follow(sent, job_runs, advance)


def _errors() -> Console:
    return Console(file=sys.stderr, soft_wrap=True)


def _kept(text: str | None, keep_time: bool, option: str) -> str | None:
    if text is not None and not keep_time:
        raise typer.BadParameter("the file's times are sent with --keep-time only", param_hint=option)
    return text
