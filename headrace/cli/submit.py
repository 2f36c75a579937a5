"""`headrace submit`: jobs to the local cluster or to any other."""

from typing import Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home, PortOffset
from jobs.names import ALL_JOBS, JOBS, OPTIONAL_JOBS

Jobs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[JOB]...", help=f"Default: {', '.join(JOBS)}. By name alone: {', '.join(OPTIONAL_JOBS)}."),
]
Target = Annotated[str | None, typer.Option(help="host:port of a Flink REST API [the local stack's].")]
Savepoint = Annotated[
    str | None, typer.Option("--from-savepoint", help="Savepoint or checkpoint to start one job from.")
]


def submit(
    jobs: Jobs = None,
    target: Target = None,
    from_savepoint: Savepoint = None,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Submit jobs to a Flink cluster. A job that runs there already is left alone.

    With --target the jobs read and write at the addresses of HEADRACE_KAFKA and its like; the cluster's
    Python must have our locked packages, and its lib folder our jars (our image has both).
    """
    from headrace import submission
    from stack.layout import Layout

    console = Console(soft_wrap=True)
    chosen = jobs or list(JOBS)
    unknown = [job for job in chosen if job not in ALL_JOBS]
    if unknown:
        raise typer.BadParameter(f"no job {unknown[0]!r}; there are {', '.join(ALL_JOBS)}")
    if from_savepoint and len(chosen) != 1:
        raise typer.BadParameter("--from-savepoint starts one job: name it")
    layout = Layout.of(home, port_offset)
    target = target or layout.endpoints.flink
    with console.status(f"submitting {len(chosen)} jobs to {target}"):
        submission.submit(layout, chosen, target, from_savepoint, say=console.print)
    console.print(f"Dashboard: http://{target}")
