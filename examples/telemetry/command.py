"""`headrace demo telemetry`: the whole system on recorded data, with one command."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home, PortOffset

if TYPE_CHECKING:
    from stack.layout import Layout


def telemetry(
    ticks: Annotated[
        int,
        typer.Option(
            metavar="NUMBER", min=50, max=1268, help="Number of ticks of the recording to send, at 21 ticks a second."
        ),
    ] = 1268,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Start the stack, submit the jobs, send a minute of recorded telemetry, and show the results.

    Exits with 0 only if every count balances. The stack keeps running.

    Example: `headrace demo telemetry --ticks 300`
    """
    from examples.telemetry.dialects import declare
    from examples.telemetry.report import print_result
    from examples.telemetry.run import stream
    from headrace import submission
    from jobs.names import JOBS
    from stack import lifecycle
    from stack.layout import Layout

    console = Console()
    layout = Layout.of(home, port_offset)
    declare(layout)
    lifecycle.up(layout, console)
    with console.status(f"submitting {len(JOBS)} jobs (about a minute)"):
        submission.submit(
            layout, JOBS, layout.endpoints.flink, report=lambda line: console.print(line, highlight=False)
        )
        submission.wait_until_running(layout.endpoints.flink, JOBS)
    _apply_sources(layout, console)
    result = stream(layout.endpoints, layout.ledger, console, ticks)
    print_result(result, layout.endpoints, console)
    raise typer.Exit(0 if result.balance.holds and not result.surprises else 1)


def _apply_sources(layout: "Layout", console: Console) -> None:
    """On a stack that ran before, the bridge and the cleaning job may have other sources than the file has now."""
    from headrace.sources.run import apply_sources, is_applied

    if not is_applied(layout):
        console.print("The stack runs with other sources than the demo needs: applying them", highlight=False)
        apply_sources(layout, console)
