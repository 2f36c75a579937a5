"""One run of several drills: the stack under them, a line as each ends, the table, the report."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from headrace.drills import report as reports
from headrace.drills.drill import Drill
from headrace.drills.run import Result, run
from headrace.drills.stage import Stage
from headrace.stack.layout import Layout
from jobs.names import JOBS


def run_all(
    drills: Sequence[Drill], console: Console, home: Path | None, port_offset: int, keep: bool, report: Path | None
) -> bool:
    """Whether all of them hold. Without `home` the stack lives in a temporary folder."""
    folder = home or Path(tempfile.gettempdir()) / "headrace-drills"
    stage = Stage(Layout.of(folder, port_offset), console)
    results: list[Result] = []
    try:
        for number, drill in enumerate(drills, 1):
            console.rule(f"{number} of {len(drills)}: {drill.name}", align="left")
            console.print(drill.breaks, highlight=False)
            # What one drill left unsound must not fail the next.
            unsound = bool(results) and bool(results[-1].problems)
            stage.prepare(jobs=() if drill.cold else JOBS, fresh=unsound or drill.cold)
            results.append(run(drill, stage, lambda line: console.print(f"  {line}", style="dim", highlight=False)))
            console.print(reports.line(results[-1]), highlight=False)
            if report is not None:
                reports.write(report, results)
    finally:
        if not keep:
            stage.throw_away()
    console.print(reports.table(results))
    return all(result.holds or result.skipped for result in results)
