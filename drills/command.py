"""`headrace drill run`: breaks one thing after another on a stack of its own, and looks for every reading."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headrace.cli.groups import noun
from headrace.cli.options import STACK_PANEL

PORT_OFFSET = 6400
"""Beside a stack on the usual ports and one of the tests."""

WIDTH = 120
"""Of the table where there is no terminal."""

drill = noun("Inject faults into a stack of its own and check that no reading is lost or doubled.")


def _names(incomplete: str) -> list[str]:
    from drills import registry

    return [name for name in registry.NAMES if name.startswith(incomplete)]


Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        help="Drills to run, as `headrace drill ls` lists them.",
        show_default="all drills",
        autocompletion=_names,
    ),
]
Keep = Annotated[bool, typer.Option("--keep", help="Leave the stack running at the end.")]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.md",
        help="Also write the results to this Markdown file. Drills that do not run keep the rows that they have.",
        show_default="none",
    ),
]
Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="Folder of the drills' own stack. It must be empty, or of earlier drills.",
        show_default="a temporary folder",
        rich_help_panel=STACK_PANEL,
    ),
]
PortOffset = Annotated[
    int,
    typer.Option(
        metavar="NUMBER",
        min=0,
        max=40000,
        help="Number that is added to every port of the drills' own stack.",
        rich_help_panel=STACK_PANEL,
    ),
]


@drill.command()
def ls() -> None:
    """List the drills and what each of them breaks."""
    from drills import registry

    console = Console(soft_wrap=True)
    for each in registry.ALL:
        console.print(f"{each.name:<26} {each.breaks}", highlight=False)


@drill.command()
def run(
    names: Names = None,
    keep: Keep = False,
    report: Report = None,
    home: Home = None,
    port_offset: PortOffset = PORT_OFFSET,
) -> None:
    """Break one component after another while numbered readings flow, and account for every reading.

    The drills start a stack of their own beside any other, and delete it at the end. Exits with 1 if a reading was
    lost or doubled.

    Example: `headrace drill run taskmanager-killed python-worker-killed`
    """
    from drills import registry
    from drills.session import run_all

    unknown = [name for name in names or () if name not in registry.NAMES]
    if unknown:
        raise typer.BadParameter(f"there is no drill {unknown[0]!r}. See all:  headrace drill ls")
    chosen = [each for each in registry.ALL if not names or each.name in names]
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    raise typer.Exit(0 if run_all(chosen, console, home, port_offset, keep, report) else 1)
