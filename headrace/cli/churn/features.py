"""`headrace churn features`: usage features of customers at a moment, for a table to train on."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home, PortOffset

if TYPE_CHECKING:
    from connectors.pseudonym_key import PseudonymKey

AsOf = Annotated[
    str,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help="Moment whose knowledge counts: `2026-09-21T14:00:00Z`, or `7d` for a week ago.",
    ),
]
Out = Annotated[Path, typer.Option(metavar="FILE.csv", help="File that the table is written to.")]
Customers = Annotated[
    Path | None,
    typer.Option(
        metavar="CUSTOMERS.csv",
        help="Table of customers that the features are joined to.",
        show_default="none: the features alone, by pseudonym",
    ),
]
CustomerColumn = Annotated[
    str, typer.Option(metavar="NAME", help="Column of CUSTOMERS.csv that holds the customer's id.")
]


def features(
    as_of: AsOf,
    out: Out,
    customers: Customers = None,
    customer_column: CustomerColumn = "customer_id",
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Write the usage features that were known at a moment; nothing that came later is in them.

    With `--customers` the result is a table for `headrace churn train`, in which a customer without usage has zeros.

    Example: `headrace churn features --as-of 7d --customers customers.csv --out with_usage.csv`
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
        raise typer.BadParameter(f"{text} is in the future")
    if moment < MIN_EVENT_TIME_MS:
        raise typer.BadParameter(f"{text} is before 2010, and no event is that old: choose a later moment")
    return as_of_at(moment)
