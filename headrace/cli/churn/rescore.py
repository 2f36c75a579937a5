"""`headrace churn rescore`: customers scored again, though their rows have not changed."""

from typing import Annotated

import typer

from headrace.cli.options import Home, PortOffset

CATCHES_UP_WITHIN_S = 120.0

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
    from connectors.postgres_cdc import (
        ConnectorRefused,
        DatabaseRefuses,
        NotCaughtUp,
        RowsNotRead,
        connector,
        database,
        rereads,
    )
    from connectors.postgres_cdc.tables import CUSTOMERS_TABLE
    from stack.layout import Layout

    layout = Layout.of(home, port_offset)
    endpoints = layout.capture
    state = connector.state(endpoints)
    if not state.runs:
        raise ConnectorRefused(
            f"The connector is {state.connector}, its task {state.task}: nothing would be read. "
            "See why:  headrace cdc status"
        )
    kafka = layout.endpoints.kafka
    try:
        found = rereads.read_again(endpoints, kafka, CUSTOMERS_TABLE, customers or (), within_s=CATCHES_UP_WITHIN_S)
    except RowsNotRead as error:
        database.note_snapshot(endpoints, str(error))
        raise RowsNotRead(f"The rows were not read again: {error}. Next:  headrace cdc repair") from error
    except NotCaughtUp as error:
        raise NotCaughtUp(f"It is not known whether rows were read again: {error}. See headrace cdc status") from error
    print(f"{found:,} rows of {CUSTOMERS_TABLE.name} were read again; score_churn scores each as it comes.")
    if customers and found < len(set(customers)):
        raise DatabaseRefuses(f"of {len(set(customers))} customers only {found} are in the table")
