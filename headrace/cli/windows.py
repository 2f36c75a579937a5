"""`headrace windows correct`: windows with the readings that came too late for them."""

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from headrace.cli.groups import noun
from headrace.cli.options import AsJson, Home, PortOffset

if TYPE_CHECKING:
    from headrace.late_data.recompute import CorrectionResult
    from schemas.window_summary import WindowSummary

SHOWN_CHANGES = 20

Value = TypeVar("Value")

windows = noun("Correct windows whose readings arrived late.")

Since = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Examine late readings from this moment on again: `2h` or `7d` ago, or `2026-09-21T14:00:00Z`.",
        show_default="where the last correction stopped",
    ),
]
Wait = Annotated[
    str,
    typer.Option(
        metavar="DURATION", help="Longest wait for `store_influxdb` if it is behind, as a number with s, m, h or d."
    ),
]
Every = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Repeat the correction until stopped, with this pause, such as `5m`.",
        show_default="a single correction",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be corrected, and change nothing.")]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.json",
        help="With `--every`: file for the result of the last correction.",
        show_default="where `headrace status` reads it",
    ),
]


@windows.command()
def correct(
    since: Since = None,
    dry_run: DryRun = False,
    every: Every = None,
    wait: Wait = "30s",
    report: Report = None,
    as_json: AsJson = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Recompute the windows of readings that arrived late, beginning where the last correction stopped.

    Can be repeated at any time. Late readings that InfluxDB does not have yet, or whose window is still open, are
    left for the next correction. With `--since` the point where the next correction begins does not move.

    Example: `headrace windows correct --since 7d --dry-run`
    """
    from connectors.endpoints import Endpoints
    from headrace.late_data.run import correct as run
    from headrace.time_parsing import duration_s, moment_ms
    from stack.corrector import Corrector
    from stack.layout import Layout

    _require_one_kind(every, since, dry_run, as_json, report)
    layout = Layout.of(home, port_offset)
    endpoints = Endpoints.load(layout.settings)
    wait_s = _read(duration_s, wait)
    if every is not None:
        _repeat(lambda: run(endpoints, wait_s=wait_s), _read(duration_s, every), report or Corrector(layout).report)
        return
    since_ms = None if since is None else _read(lambda text: moment_ms(text, time.time_ns() // 1_000_000), since)
    result = run(endpoints, since_ms=since_ms, dry_run=dry_run, wait_s=wait_s)
    if as_json:
        print(json.dumps(result.as_json(), indent=2))
    else:
        print_result(result, dry_run, Console())


def _require_one_kind(every: str | None, since: str | None, dry_run: bool, as_json: bool, report: Path | None) -> None:
    if every is not None and (since is not None or dry_run or as_json):
        raise typer.BadParameter("--every goes with neither --since, --dry-run nor --json: they are for a single run")
    if every is None and report is not None:
        raise typer.BadParameter("--report goes with --every only; a single run prints its outcome")


def _read(read: Callable[[str], Value], text: str) -> Value:
    try:
        return read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _repeat(run: "Callable[[], CorrectionResult]", every_s: float, report: Path) -> None:
    from connectors import logging_setup
    from headrace.late_data.schedule import Schedule

    logging_setup.configure()
    # In the middle of a run too: it is repeated from its start, to the same effect.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    Schedule(run, every_s, report).forever()


def print_result(result: "CorrectionResult", dry_run: bool, console: Console) -> None:
    """Counts, then the first windows before and after."""
    from headrace.late_data.decision import Verdict

    table = Table(show_header=False, box=None)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("late readings", f"{result.late:,}")
    for verdict in Verdict:
        words = f"windows {'to correct' if dry_run and verdict is Verdict.CORRECTED else verdict}"
        if verdict is Verdict.CORRECTED or result.windows[verdict]:
            table.add_row(words, f"{result.windows[verdict]:,}")
    for words, count in (
        ("late readings left for the next run", result.left),
        ("late readings that InfluxDB does not have", result.not_stored),
        ("records that are no late reading, skipped", result.malformed),
    ):
        if count:
            table.add_row(words, f"{count:,}")
    console.print(table)
    if result.changes:
        console.print(_changes(result))
    for each in result.malformed_records[:SHOWN_CHANGES]:
        console.print(f"skipped {each}", markup=False, soft_wrap=True)


def _changes(result: "CorrectionResult") -> Table:
    table = Table("device", "metric", "window", "from", "readings", "mean", box=None, header_style="bold")
    for change in result.changes[:SHOWN_CHANGES]:
        before, after = change.before, change.after
        start = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(after.window_start // 1000))
        readings = f"{before.count if before else 0:,} → {after.count:,}"
        table.add_row(after.device, after.metric, after.window, start, readings, f"{_mean(before)} → {_mean(after)}")
    if result.corrected > SHOWN_CHANGES:
        table.caption = f"and {result.corrected - SHOWN_CHANGES:,} more; --json has them"
    return table


def _mean(summary: "WindowSummary | None") -> str:
    return f"{summary.mean:.6g}" if summary else "none"
