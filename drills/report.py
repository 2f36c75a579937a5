"""The results: a line, a table, and docs/reference/reliability.md with its data beside it."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from connectors.atomic_write import atomic_write_text
from drills import registry
from drills.counts import Counts
from drills.drill import Declaration
from drills.result import Result

HEADER = ("drill", "sent", "acknowledged", "lost", "doubled", "came again", "out of order", "recovered", "balance")
PACKAGES = ("apache-flink", "kafka-python", "paho-mqtt", "river")

INTRODUCTION = """\
# Reliability

Written by `headrace drill run --report docs/reference/reliability.md` (`make drills`): do not edit. Each drill
streams numbered readings over MQTT, breaks one thing while they flow, waits for recovery, and then looks for every
reading. `headrace drill run NAME... --report docs/reference/reliability.md` runs some of them; the others keep their
rows.

* **lost**: acknowledged by the MQTT broker, or in `listener-killed` by the listener, and not in `telemetry.readings`
  or `telemetry.anomalies` at read_committed, not in InfluxDB, or not what Redis holds. The worst of these places.
* **doubled**: one identity more than once at read_committed, or a point in InfluxDB that was never sent.
* **came again**: copies that the cleaning recognised. They stand in `telemetry.duplicates` and nowhere else.
* **out of order**: readings that follow a newer one of their device in `telemetry.readings`.
* **recovered**: how long the reading waited that waited longest until it stood in both stores with its score,
  without the time that an outage was kept up on purpose.
* **balance**: `headrace balance` holds afterwards.

In `bridge-clock-stepped` and `kafka-clock-stepped` other devices send readings without `ts` as well. They do not count
in the table; the drill fails if one of them is lost, doubled, refused, or stored with a time from the future.

In `connect-killed` and `postgres-killed` changes of rows flow in place of readings: sent and acknowledged is what
PostgreSQL was given and has committed, the place looked at is the topic `customers` at read_committed, and the balance
is what `headrace cdc status` says.
"""


def line(result: Result) -> str:
    """One drill, in one line or a few."""
    if result.skipped:
        return f"[yellow]-[/] {result.name}: skipped, {result.skipped}"
    mark = "[green]✔[/]" if result.holds else "[red]✘[/]"
    figures = dict(zip(HEADER[1:], _cells(result)[1:], strict=True))
    text = ", ".join(f"{name} {value}" for name, value in figures.items())
    return "\n".join([f"{mark} {result.name}: {text}", *(f"    {each}" for each in (*result.problems, *result.notes))])


def table(results: Sequence[Result]) -> Table:
    """All of them, for the terminal."""
    shown = Table(title="Drills", title_justify="left", box=box.SIMPLE)
    for name in (*HEADER, ""):
        shown.add_column(name, justify="left" if name in (HEADER[0], "") else "right", no_wrap=True)
    for result in results:
        shown.add_row(*_cells(result), "skipped" if result.skipped else "✔" if result.holds else "✘")
    return shown


def write(path: Path, results: Sequence[Result]) -> None:
    """Renders the page.

    Drills that did not run now keep the row they had, with its date: the data are in a JSON file beside the page.
    """
    data = path.with_suffix(".json")
    kept: dict[str, Any] = json.loads(data.read_text()) if data.exists() else {}
    rows = kept | {result.name: _as_json(result) for result in results}
    rows = {name: rows[name] for name in registry.NAMES if name in rows}
    atomic_write_text(data, json.dumps(rows, indent=1) + "\n")
    atomic_write_text(path, page(rows))


def page(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The Markdown page of these rows."""
    lines = [INTRODUCTION, f"| {' | '.join(HEADER)} | holds | on |", "| --- |" + " ---: |" * 7 + " --- |" * 3]
    drills = {drill.name: drill for drill in registry.ALL}
    for name, row in rows.items():
        cells = [f"[{name}](#{name})", *row["cells"][1:]]
        verdict = "skipped" if row["skipped"] else "yes" if row["holds"] else "**no**"
        lines.append(f"| {' | '.join(cells)} | {verdict} | {row['date']} |")
    lines.append("\n## What each breaks, and what it proves\n")
    lines += [_section(drills[name], row) for name, row in rows.items()]
    return "\n".join(lines)


def _section(drill: Declaration, row: Mapping[str, Any]) -> str:
    parts = [f"### {drill.name}\n", f"{drill.breaks}\n", f"* **Protected by** {drill.protected_by}."]
    seen = drill.seen_failing or "not tried"
    parts.append(f"* **Seen to fail without it**: {seen}.")
    if drill.why_lost:
        parts.append(f"* **May lose up to {drill.may_lose}**: {drill.why_lost}")
    parts += [f"* Skipped: {row['skipped']}."] if row["skipped"] else []
    parts += [f"* {note}" for note in row["notes"]]
    parts += [f"* **Failed**: {problem}" for problem in row["problems"]]
    parts.append(f"* Run on {row['date']}: {row['on']}.\n")
    return "\n".join(parts)


def _as_json(result: Result) -> dict[str, Any]:
    return {
        "cells": _cells(result),
        "holds": result.holds,
        "skipped": result.skipped,
        "notes": list(result.notes),
        "problems": list(result.problems),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "on": f"{os.cpu_count()} cores with a load of {os.getloadavg()[1]:.1f}, Headrace {version('headrace')}, "
        + ", ".join(f"{package} {version(package)}" for package in PACKAGES),
    }


def _cells(result: Result) -> list[str]:
    if result.skipped:
        return [result.name, *[""] * (len(HEADER) - 1)]
    recovered = "never" if math.isnan(result.recovered_s) else f"{result.recovered_s:.1f} s"
    return [
        result.name, f"{result.sent:,}", f"{result.acknowledged:,}",
        _lost(result.counts), f"{result.counts.most_doubled:,}", f"{result.redelivered:,}",
        f"{result.out_of_order:,}", recovered, "holds" if result.balanced else "differs",
    ]  # fmt: skip


def _lost(counts: Counts) -> str:
    return f"{counts.most_lost:,}"
