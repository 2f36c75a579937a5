"""The command line: one file per command in `headrace/commands/`, registered here.

Commands import what they need inside: `headrace --help` is quick, and importing this has no effects.
"""

from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from headrace.commands.balance import balance
from headrace.commands.cdc import cdc
from headrace.commands.churn import churn
from headrace.commands.demo import demo
from headrace.commands.demo_churn import demo_churn
from headrace.commands.demo_recommend import demo_recommend
from headrace.commands.dlq import dlq
from headrace.commands.drill import drill
from headrace.commands.endpoints import endpoints
from headrace.commands.experiment import experiment
from headrace.commands.features import features
from headrace.commands.forget import forget
from headrace.commands.logs import logs
from headrace.commands.model import model
from headrace.commands.predict import predict
from headrace.commands.pseudonym import pseudonym
from headrace.commands.publish import publish
from headrace.commands.setup import setup
from headrace.commands.status import status
from headrace.commands.submit import submit
from headrace.commands.train import train
from headrace.commands.up_down import down, up
from headrace.commands.windows import windows
from headrace.errors import HeadraceError


class _Commands(TyperGroup):
    """Prints a HeadraceError as text and exits with 1; any other exception is a programming error and shows."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except HeadraceError as error:
            Console(stderr=True, soft_wrap=True).print(f"[red]✘[/] {_plain(error)}", highlight=False)
            raise typer.Exit(1) from None


def _plain(error: HeadraceError) -> str:
    from rich.markup import escape

    return escape(str(error))


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # it would swallow the defaults in [brackets]
    help="Telemetry of a device fleet to its models: local stack, jobs, demo, balance, churn models.",
)
for command in (up, down, submit, publish, balance, status, endpoints, logs, setup, drill, pseudonym, forget):
    app.command()(command)
for demonstration in (demo, demo_churn, demo_recommend):
    app.command()(demonstration)
app.add_typer(cdc, name="cdc")
app.add_typer(dlq, name="dlq")
app.add_typer(windows, name="windows")
app.add_typer(features, name="features")
app.add_typer(experiment, name="experiment")
app.add_typer(train, name="train")
app.add_typer(predict, name="predict")
app.add_typer(model, name="model")
app.add_typer(churn, name="churn")
