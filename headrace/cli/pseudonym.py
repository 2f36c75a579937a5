"""`headrace pseudonym`: what users are called in topics, in Redis and in state."""

from typing import Annotated

import typer

from headrace.cli.options import Home

Users = Annotated[list[str], typer.Argument(metavar="USER...", help="Ids, as applications have them.")]


def pseudonym(users: Users, home: Home = None) -> None:
    """Print the pseudonym of each user, for whoever reads Redis or writes to Kafka without the REST API."""
    from connectors.pseudonyms import KEY_FILE, read_key
    from stack.layout import Layout

    key = read_key(Layout.of(home).settings.secrets / KEY_FILE)
    for user in users:
        print(key.pseudonym(user))
