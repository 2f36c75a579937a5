"""`headrace demo recommend`: lists that follow each click, an experiment that ends, somebody who is forgotten."""

import os

import typer
from rich.console import Console

from headrace.cli.options import Home, PortOffset, named_servers

WITH = "serving=2"
JOBS = ("recommend_items", "measure_recommendations", "store_influxdb")
MEASURED_EVERY_S = "5"


def recommend(home: Home = None, port_offset: PortOffset = None) -> None:
    """Post the interactions of a generated shop, show lists after each click, end an experiment, forget a user.

    Half of the users get the list of popular items, the other half a personal one. Exits with 0 only if each click
    changed the list of its user, the experiment was decided for personal lists, and no data of the forgotten user
    are left. The stack keeps running.
    """
    from connectors.endpoints import LOOPBACK, SERVING_PORT
    from examples.recommendations.run import run
    from headrace import submission
    from stack import lifecycle
    from stack.layout import Layout
    from stack.secrets import SERVING_KEY, secret

    console = Console()
    layout = Layout.of(home, port_offset, named_servers(WITH))
    lifecycle.up(layout, console)
    os.environ.setdefault("HEADRACE_JOB_MEASURED_EVERY_S", MEASURED_EVERY_S)
    submission.submit(layout, JOBS, layout.endpoints.flink, report=lambda line: console.print(line, highlight=False))
    submission.wait_until_running(layout.endpoints.flink, JOBS)
    address = f"http://{LOOPBACK}:{layout.port(SERVING_PORT)}"
    raise typer.Exit(0 if run(layout, address, secret(layout, SERVING_KEY), console) else 1)
