"""`headrace demo`: the whole system on recorded data, with one command."""

from typing import Annotated

import typer
from rich.console import Console

from headrace.commands.options import Home, PortOffset


def demo(
    ticks: Annotated[int, typer.Option(min=50, max=1268, help="How much of the recording, 21 ticks a second.")] = 1268,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Start the stack, submit the jobs, stream a fleet for a minute, and show what became of it.

    Exits with 0 only if every count balances. The stack keeps running.
    """
    from headrace import submission
    from headrace.demo.report import print_result
    from headrace.demo.run import stream
    from headrace.stack import lifecycle
    from headrace.stack.layout import Layout
    from jobs.names import JOBS

    console = Console()
    layout = Layout.of(home, port_offset)
    lifecycle.up(layout, console)
    with console.status(f"submitting {len(JOBS)} jobs (about a minute)"):
        submission.submit(layout, JOBS, layout.endpoints.flink, say=lambda line: console.print(line, highlight=False))
        submission.wait_until_running(layout.endpoints.flink, JOBS)
    result = stream(layout.endpoints, layout.ledger, console, ticks)
    print_result(result, layout.endpoints, console)
    raise typer.Exit(0 if result.balance.holds and not result.surprises else 1)
