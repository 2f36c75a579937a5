"""`headrace forget`: a user is removed from all that is kept, and looked for afterwards."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home, PortOffset

User = Annotated[str, typer.Argument(help="The id, as applications and the table `customers` have it.")]
Tables = Annotated[
    list[Path] | None, typer.Option("--table", metavar="FILE.csv", help="A table to train on: the user's rows go.")
]
Column = Annotated[
    str | None, typer.Option(help="Of the tables, the one that names users [user, customer_id or customer].")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def forget(
    user: User,
    tables: Tables = None,
    column: Column = None,
    yes: Yes = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Remove a user for good: from Redis, InfluxDB, the state of jobs and tables; destroy the key; look everywhere.

    The database's rows are the company's own: delete them there first. Exits with 1 while anything stays.
    """
    from connectors.endpoints import Endpoints
    from headrace.errors import NotForgotten
    from headrace.privacy.file_erasure import require_column
    from headrace.privacy.forgetting import Table, forget
    from headrace.privacy.printed import print_findings
    from stack.layout import Layout

    layout = Layout.of(home, port_offset)
    named = [Table(path, require_column(path, column)) for path in tables or ()]
    if not yes:
        typer.confirm(f"Forget {user}? It cannot be undone.", abort=True)
    is_gone = print_findings(forget(layout, Endpoints.load(layout.settings), user, named), Console(soft_wrap=True))
    if not is_gone:
        raise NotForgotten("Some data could not be erased. Fix the items marked above, then run the command again.")
    Console(soft_wrap=True).print(f"{user} is forgotten.", markup=False, highlight=False)
