"""`headrace cdc`: change capture of PostgreSQL's tables."""

import json
from dataclasses import asdict

import typer
from rich.console import Console

from headrace.commands.options import AsJson, Home, PortOffset

cdc = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Change capture of PostgreSQL's tables.")


@cdc.callback()
def group() -> None:
    """Change capture of PostgreSQL's tables."""


@cdc.command()
def status(home: Home = None, port_offset: PortOffset = None, as_json: AsJson = False) -> None:
    """Whether the connector runs, and how much of PostgreSQL's log waits for it. Exit status 1 if it does not run."""
    from headrace.health import capture
    from headrace.stack.layout import Layout

    figures = capture.collect(Layout.of(home, port_offset).capture)
    if as_json:
        print(json.dumps(asdict(figures), indent=2))
    else:
        for name, value in asdict(figures).items():
            if value != "":
                print(f"{name.replace('_', ' '):<18}", value)
    if figures.error:
        raise typer.Exit(1)


@cdc.command()
def remove(home: Home = None, port_offset: PortOffset = None) -> None:
    """Remove the connector and its replication slot, so that PostgreSQL keeps no log for it any more.

    The next `headrace up` begins with a snapshot of all rows. Topics and tables stay.
    """
    from connectors.cdc import CaptureError, connector, database
    from headrace.errors import CaptureNotAsked
    from headrace.stack.layout import Layout

    endpoints, console = Layout.of(home, port_offset).capture, Console(highlight=False)
    try:
        gone = connector.remove(endpoints)
        console.print("The connector is removed." if gone else "There was no connector.")
        gone = database.drop_slot(endpoints)
        console.print("The replication slot is removed." if gone else "There was no replication slot.")
    except CaptureError as error:
        raise CaptureNotAsked(f"{error}. Start what does not run:  headrace up --with postgres,connect") from error
