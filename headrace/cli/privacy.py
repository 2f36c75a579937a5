"""`headrace privacy`: erase a user, and translate user ids into pseudonyms."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headrace.cli.groups import noun
from headrace.cli.options import Home, PortOffset

privacy = noun("Erase a user's data, or print the pseudonyms of users.")

User = Annotated[
    str,
    typer.Argument(
        help="The user's id, as applications and the table `customers` have it. Write `--` before an id that "
        "begins with a hyphen."
    ),
]
Tables = Annotated[
    list[Path] | None,
    typer.Option(
        "--table",
        metavar="FILE.csv",
        help="Training table whose rows of this user are deleted as well. May be repeated.",
        show_default="none",
    ),
]
Column = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Column of the tables that holds the user's id.",
        show_default="user, customer_id or customer",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Erase without asking for confirmation.")]
Users = Annotated[list[str], typer.Argument(metavar="USER", help="Ids of users, as applications have them.")]


@privacy.command()
def forget(
    user: User,
    tables: Tables = None,
    column: Column = None,
    yes: Yes = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Erase a user from Redis, InfluxDB, the state of jobs and training tables, destroy the key, and verify.

    The user's rows in the database are the company's own: delete them there first. Exits with 1 while any data is
    left; the same command then does the rest.

    Example: `headrace privacy forget u-17 --table interactions.csv`
    """
    from connectors.endpoints import Endpoints
    from headrace.errors import NotForgotten
    from headrace.privacy.file_erasure import require_column
    from headrace.privacy.findings_list import print_findings
    from headrace.privacy.forgetting import TrainingTable, forget
    from stack.layout import Layout

    layout = Layout.of(home, port_offset)
    named = [TrainingTable(path, require_column(path, column)) for path in tables or ()]
    if not yes:
        typer.confirm(f"Forget {user}? It cannot be undone.", abort=True)
    is_gone = print_findings(forget(layout, Endpoints.load(layout.settings), user, named), Console(soft_wrap=True))
    if not is_gone:
        raise NotForgotten("Some data could not be erased. Fix the items marked above, then run the command again.")
    Console(soft_wrap=True).print(f"{user} is forgotten.", markup=False, highlight=False)


@privacy.command()
def pseudonym(users: Users, home: Home = None) -> None:
    """Print the pseudonym of each user, one a line.

    Topics, Redis and the state of jobs hold pseudonyms only. Applications need them to read Redis directly, or to
    write to Kafka without the REST API.

    Example: `headrace privacy pseudonym u-17`
    """
    from connectors.pseudonyms import KEY_FILE, read_key
    from stack.layout import Layout

    key = read_key(Layout.of(home).settings.secrets / KEY_FILE)
    for user in users:
        print(key.pseudonym(user))
