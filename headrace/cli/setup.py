"""`headrace setup`: everything that is installed, downloaded or built once."""

from typing import Annotated

import typer
from rich.console import Console

from headrace.cli.options import named_servers

With = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="NAMES",
        help="Also install what these optional servers need, separated by commas: `postgres`, `connect` (needs "
        "`postgres`), `serving`.",
        show_default="none",
    ),
]


def setup(extras: With = None) -> None:
    """Install missing programs, download the jars, build the operators' jar and influxd, compile the detectors.

    Debian packages are installed only when it runs as root; otherwise it prints the command to run. What is there
    already is left alone, so it can be repeated.

    Example: `headrace setup --with postgres,connect`
    """
    from models.detectors.compilation import compile_all
    from stack import influxd, jars, operators_jar, programs

    console = Console(soft_wrap=True)
    with console.status("Setting up") as status:

        def report(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                console.print(text, highlight=False)

        programs.install_missing(report, programs.of_servers(named_servers(extras) or ()))
        jars.fetch(report)
        operators_jar.build(report)
        path = influxd.build(report)
        report("Compiling the anomaly detectors")
        compile_all()
    console.print(f"Set up: programs, jars ({jars.folder()}), influxd ({path})", highlight=False)
