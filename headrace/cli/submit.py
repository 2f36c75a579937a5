"""`headrace submit`: jobs to the local cluster or to any other."""

from typing import Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home, PortOffset
from jobs.names import ALL_JOBS, JOBS, OPTIONAL_JOBS


def _names(incomplete: str) -> list[str]:
    return [name for name in ALL_JOBS if name.startswith(incomplete)]


Jobs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="JOB",
        help=f"Jobs to submit. Submitted only when named: {', '.join(OPTIONAL_JOBS)}.",
        show_default=", ".join(JOBS),
        autocompletion=_names,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Flink REST API of the cluster.", show_default="the local stack's"),
]
Savepoint = Annotated[
    str | None,
    typer.Option(
        "--from-savepoint",
        metavar="PATH",
        help="Savepoint or retained checkpoint that the job starts from. Needs exactly one JOB.",
        show_default="none",
    ),
]


def submit(
    jobs: Jobs = None,
    target: Target = None,
    from_savepoint: Savepoint = None,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Submit jobs to a Flink cluster. A job that already runs there is left alone.

    With `--target` the jobs connect to the addresses of `HEADRACE_KAFKA` and the other variables of
    docs/reference/settings.md. That cluster needs the locked Python packages, and the jars in its lib folder; the
    container image has both.

    Example: `headrace submit score_anomalies --from-savepoint file:///backup/savepoint-1a2b3c`
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
        submission.submit(layout, chosen, target, from_savepoint, report=console.print)
    console.print(f"Dashboard: http://{target}")
