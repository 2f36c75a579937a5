"""`headrace features usage`: usage features of customers at a moment, for a table to train on."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home, PortOffset

if TYPE_CHECKING:
    from connectors.pseudonym_key import PseudonymKey

features = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Features of customers.")

AsOf = Annotated[str, typer.Option("--as-of", help="What was known then: 2026-09-21T14:00:00Z, or 7d for a week ago.")]
Out = Annotated[Path, typer.Option(metavar="FILE.csv", help="Where the table goes.")]
Customers = Annotated[
    Path | None,
    typer.Option(metavar="CUSTOMERS.csv", help="Table to join the features to; else they stand alone, by pseudonym."),
]
CustomerColumn = Annotated[str, typer.Option(help="Column of CUSTOMERS.csv that has the customer's id.")]


@features.callback()
def group() -> None:
    """Features of customers."""


@features.command()
def usage(
    as_of: AsOf,
    out: Out,
    customers: Customers = None,
    customer_column: CustomerColumn = "customer_id",
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Write usage features as the stream knew them at a moment: nothing that came later is in them.

    With --customers the table goes to `headrace train churn`; a customer without usage has zeros.
    """
    from connectors.endpoints import Endpoints
    from connectors.pseudonyms import KEY_FILE
    from headrace.churn.usage_history import features_from_kafka
    from headrace.churn.usage_table import alone, joined
    from models.churn.tables import read_table
    from schemas.usage_features import NO_USAGE
    from stack.layout import Layout

    hour, layout = _hour(as_of, time.time_ns() // 1_000_000), Layout.of(home, port_offset)
    table = None if customers is None else read_table(customers)
    if table is not None:
        joined(table, customer_column, {})  # what is wrong with the table is said before Kafka is read
    known = features_from_kafka(Endpoints.load(layout.settings).kafka, hour)
    if table is None:
        made = alone(known, customer_column)
    else:
        made = joined(table, customer_column, known, _key(layout.settings.secrets / KEY_FILE).pseudonym)
    made.to_csv(out, index=False)
    n_used = int((made[list(NO_USAGE)] > 0).any(axis=1).sum())
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(hour / 1000))
    words = f"{len(made):,} customers in {out}, {n_used:,} of them with usage, as of {moment}"
    Console(soft_wrap=True).print(words, markup=False, highlight=False)


def _key(path: Path) -> "PseudonymKey":
    from connectors.pseudonyms import read_key

    return read_key(path)


def _hour(text: str, now_ms: int) -> int:
    from headrace.time_parsing import moment_ms
    from schemas.limits import MIN_EVENT_TIME_MS
    from schemas.usage_features import as_of_at

    try:
        moment = moment_ms(text, now_ms)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if moment > now_ms:
        raise typer.BadParameter(f"{text} is yet to come")
    if moment < MIN_EVENT_TIME_MS:
        raise typer.BadParameter(f"{text} is before 2010, and no event is: give a later moment")
    return as_of_at(moment)
