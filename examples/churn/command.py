"""`headrace demo churn`: a model is trained, and customers who change in PostgreSQL get their risk in Redis."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home, PortOffset

EXTRAS = ("postgres", "connect")
JOBS = ("score_churn", "store_redis", "store_influxdb")


Data = Annotated[
    Path | None,
    typer.Argument(metavar="DATA.csv", help="Table of customers, one row each.", show_default="a generated table"),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Column that says whether a customer left.",
        show_default="found as `headrace churn train` finds it",
    ),
]
Customers = Annotated[
    int, typer.Option(metavar="NUMBER", min=1, max=5000, help="Number of rows that are written to PostgreSQL.")
]


def churn(
    data: Data = None,
    target: Target = None,
    customers: Customers = 200,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Train a churn model, change customers in PostgreSQL, and show their risks with reasons from Redis.

    Exits with 0 only if Redis holds for each customer what the model says of the row. The stack keeps running.

    Example: `headrace demo churn customers.csv --target Churn`
    """
    from examples.churn.customers import write_example
    from examples.churn.run import run
    from headrace import submission
    from headrace.cli.churn.train import train
    from stack import lifecycle
    from stack.layout import Layout

    console = Console()
    layout = Layout.of(home, port_offset, EXTRAS)
    lifecycle.up(layout, console)
    if data is None:
        data = layout.folder("demo") / "customers.csv"
        write_example(data)
    # One kind of model and few trials: a minute, and not the best that can be had (docs/how-to/churn.md).
    train(data, target=target, models=["logistic"], trials=2, promote=True, home=layout.home)
    submission.submit(layout, JOBS, layout.endpoints.flink, report=lambda line: console.print(line, highlight=False))
    submission.wait_until_running(layout.endpoints.flink, JOBS)
    raise typer.Exit(0 if run(layout, data, customers, console) else 1)
