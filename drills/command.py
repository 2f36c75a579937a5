"""`headrace drill`: breaks one thing after another on a stack of its own, and looks for every reading."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home

PORT_OFFSET = 6400
"""Beside a stack on the usual ports and one of the tests."""

WIDTH = 120
"""Of the table where there is no terminal."""

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Default all; see --list.")]


def drill(
    names: Names = None,
    list_: Annotated[bool, typer.Option("--list", help="Name the drills and what they break.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack running at the end.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the results here too, as Markdown.")] = None,
    home: Home = None,
    port_offset: Annotated[int, typer.Option(min=0, max=40000, help="Added to every port.")] = PORT_OFFSET,
) -> None:
    """Break one thing after another while readings flow, and look for every reading afterwards.

    A stack of its own is started for it, beside any other, and thrown away at the end. Exits with 1 if
    anything was lost or doubled.
    """
    from drills import registry
    from drills.session import run_all

    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    if list_:
        for each in registry.ALL:
            console.print(f"{each.name:<26} {each.breaks}", highlight=False)
        return
    unknown = [name for name in names or () if name not in registry.NAMES]
    if unknown:
        raise typer.BadParameter(f"no drill {unknown[0]!r}; see them: headrace drill --list")
    chosen = [each for each in registry.ALL if not names or each.name in names]
    raise typer.Exit(0 if run_all(chosen, console, home, port_offset, keep, report) else 1)
