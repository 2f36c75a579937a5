"""Commands of packages above headrace, such as `headrace drill run`, by the entry point group `headrace.commands`."""

from collections.abc import Iterable
from importlib.metadata import EntryPoint
from typing import Annotated

import typer

from schemas.errors import HeadraceError

GROUP = "headrace.commands"
PANEL = "Examples and fault injection"

Ignored = Annotated[list[str] | None, typer.Argument(metavar="ANYTHING", help="Ignored.", show_default="none")]


def add_contributed(app: typer.Typer, found: Iterable[EntryPoint]) -> None:
    """Add the command or group of each entry point, in the order of their names.

    One that cannot be imported becomes a command that says so: the other commands do not depend on it.
    """
    for entry in sorted(found, key=lambda each: each.name):
        try:
            contributed = entry.load()
        except Exception as error:  # code of another package: whatever it raises concerns its own command only
            _add_unavailable(app, entry, error)
            continue
        if isinstance(contributed, typer.Typer):
            app.add_typer(contributed, name=entry.name, rich_help_panel=PANEL)
        else:
            app.command(entry.name, rich_help_panel=PANEL)(contributed)


def _add_unavailable(app: typer.Typer, entry: EntryPoint, error: Exception) -> None:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    message = f"`headrace {entry.name}` is not available: {entry.module} cannot be imported ({reason})."

    def unavailable(arguments: Ignored = None) -> None:
        raise HeadraceError(f"{message} Install its package, or repair the installation: uv sync")

    accept_anything = {"ignore_unknown_options": True}
    app.command(entry.name, help=message, context_settings=accept_anything, rich_help_panel=PANEL)(unavailable)
