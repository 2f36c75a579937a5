"""`headrace churn`: risks of customers in the stream."""

from typing import Annotated

import typer

from headrace.cli.options import Home, PortOffset

churn = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Risks of customers in the stream.")

Customers = Annotated[list[str] | None, typer.Argument(metavar="[CUSTOMER]...", help="Their keys [all].")]


@churn.callback()
def group() -> None:
    """Risks of customers in the stream."""


@churn.command()
def rescore(customers: Customers = None, home: Home = None, port_offset: PortOffset = None) -> None:
    """Have customers scored again by the champion, though their rows have not changed.

    Change capture reads their rows once more, beside the changes; nothing is written to the table.
    """
    from connectors.postgres_cdc import ConnectorRefused, DatabaseRefuses, connector, database
    from connectors.postgres_cdc.tables import CUSTOMERS_TABLE
    from stack.layout import Layout

    endpoints = Layout.of(home, port_offset).capture
    state = connector.state(endpoints)
    if not state.runs:
        raise ConnectorRefused(
            f"The connector is {state.connector}, its task {state.task}: nothing would be read. "
            "See why:  headrace cdc status"
        )
    found = database.read_again(endpoints, CUSTOMERS_TABLE, customers or ())
    print(f"{found:,} rows of {CUSTOMERS_TABLE.name} are read again; score_churn scores each as it comes.")
    if customers and found < len(set(customers)):
        raise DatabaseRefuses(f"of {len(set(customers))} customers only {found} are in the table")
