"""The command line: a file or package per command in this folder, registered here.

Commands import what they need inside: `headrace --help` is quick, and importing this has no effects.
"""

from importlib.metadata import entry_points, version
from typing import Annotated

import typer

from headrace.cli import contributed
from headrace.cli.alert import alert
from headrace.cli.balance import balance
from headrace.cli.cdc import cdc
from headrace.cli.churn import churn
from headrace.cli.device import device
from headrace.cli.dlq import dlq
from headrace.cli.endpoints import endpoints
from headrace.cli.experiment import experiment
from headrace.cli.groups import MARKUP, Program
from headrace.cli.logs import logs
from headrace.cli.model import model
from headrace.cli.privacy import privacy
from headrace.cli.publish import publish
from headrace.cli.recommend import recommend
from headrace.cli.score import score
from headrace.cli.setup import setup
from headrace.cli.source import source
from headrace.cli.status import status
from headrace.cli.submit import submit
from headrace.cli.up_down import down, up
from headrace.cli.windows import windows

COMMANDS = {
    "Local stack": (setup, up, status, logs, endpoints, down),
    "Jobs and readings": (submit, publish, score, balance),
}
NOUNS = {
    "Data": {
        "source": source,
        "device": device,
        "alert": alert,
        "dlq": dlq,
        "windows": windows,
        "cdc": cdc,
        "privacy": privacy,
    },
    "Models": {"churn": churn, "recommend": recommend, "model": model, "experiment": experiment},
}
"""Both by the heading that they stand under in `headrace --help`."""

app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=MARKUP,
    help="Streaming platform for connected products: telemetry, customer changes and interactions through Kafka and "
    "Flink to InfluxDB, Redis and models. Runs a local stack, and operates any cluster.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"headrace {version('headrace')}")
        raise typer.Exit


@app.callback()
def program(
    shown: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Options of the program itself."""


for panel, commands in COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
for panel, nouns in NOUNS.items():
    for name, group in nouns.items():
        app.add_typer(group, name=name, rich_help_panel=panel)
contributed.add_contributed(app, entry_points(group=contributed.GROUP))
