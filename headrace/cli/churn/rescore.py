"""`headrace churn rescore`: customers scored again, though their rows have not changed."""

from typing import Annotated

import typer

from headrace.cli.options import Home, PortOffset

Customers = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CUSTOMER", help="Keys of the customers in the table `customers`.", show_default="all customers"
    ),
]


def rescore(customers: Customers = None, home: Home = None, port_offset: PortOffset = None) -> None:
    """Score customers again with the current champion, although their rows have not changed.

    Change capture reads their rows once more while it goes on capturing changes; the table itself is not changed.

    Example: `headrace churn rescore 7590-VHVEG`
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
