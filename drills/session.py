"""One run of several drills: the stack under them, a line as each ends, the table, the report."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from drills import capture, run
from drills import report as reports
from drills.capture import CaptureDrill
from drills.drill import Drill
from drills.environment import Environment
from drills.result import Result
from jobs.names import JOBS
from stack.layout import Layout

EXTRAS = ("listener-1",)
"""Optional servers of the stack on which readings flow."""


class Session:
    """The stacks of one run, one at a time: readings need another than rows."""

    def __init__(self, home: Path | None, port_offset: int, console: Console) -> None:
        self._home = home or Path(tempfile.gettempdir()) / "headrace-drills"
        self._port_offset = port_offset
        self._console = console
        self._stage: Environment | None = None

    def run(self, drill: Drill | CaptureDrill, announce: Callable[[str], None], fresh: bool) -> Result:
        """One drill, on a stack that is whole; `fresh`: made anew."""
        if isinstance(drill, CaptureDrill):
            environment = self._on_stage(capture.EXTRAS, capture.ONLY)
            environment.prepare(jobs=(), fresh=fresh)
            return capture.run(drill, environment, announce)
        environment = self._on_stage(EXTRAS)
        environment.prepare(jobs=() if drill.cold else JOBS, fresh=fresh or drill.cold)
        return run.run(drill, environment, announce)

    def end(self) -> None:
        """Deletes the stack, if there is one."""
        if self._stage is not None:
            self._stage.throw_away()

    def _on_stage(self, extras: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> Environment:
        if self._stage is None or self._stage.layout.extras != extras:
            self.end()
            self._stage = Environment(Layout.of(self._home, self._port_offset, extras), self._console, only=only)
        return self._stage


def run_all(
    drills: Sequence[Drill | CaptureDrill],
    console: Console,
    home: Path | None,
    port_offset: int,
    keep: bool,
    report: Path | None,
) -> bool:
    """Whether all of them hold. Without `home` the stack lives in a temporary folder."""
    session = Session(home, port_offset, console)
    results: list[Result] = []

    def announce(line: str) -> None:
        console.print(f"  {line}", style="dim", highlight=False)

    try:
        for number, drill in enumerate(drills, 1):
            console.rule(f"{number} of {len(drills)}: {drill.name}", align="left")
            console.print(drill.breaks, highlight=False)
            # What one drill left unsound must not fail the next.
            unsound = bool(results) and bool(results[-1].problems)
            results.append(session.run(drill, announce, fresh=unsound))
            console.print(reports.line(results[-1]), highlight=False)
            if report is not None:
                reports.write(report, results)
    finally:
        if not keep:
            session.end()
    console.print(reports.table(results))
    return all(result.holds or result.skipped for result in results)
