"""The command line: one file per command in this folder, registered here.

Commands import what they need inside: `headrace --help` is quick, and importing this has no effects.
"""

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from headrace.cli.balance import balance
from headrace.cli.cdc import cdc
from headrace.cli.churn import churn
from headrace.cli.dlq import dlq
from headrace.cli.endpoints import endpoints
from headrace.cli.experiment import experiment
from headrace.cli.features import features
from headrace.cli.forget import forget
from headrace.cli.logs import logs
from headrace.cli.model import model
from headrace.cli.predict import predict
from headrace.cli.pseudonym import pseudonym
from headrace.cli.publish import publish
from headrace.cli.setup import setup
from headrace.cli.status import status
from headrace.cli.submit import submit
from headrace.cli.train import train
from headrace.cli.up_down import down, up
from headrace.cli.windows import windows
from schemas.errors import HeadraceError, TransientError

if TYPE_CHECKING:
    from pydantic import ValidationError


class _Commands(TyperGroup):
    """Prints a HeadraceError, a wrong setting, or what the system says of a file; exits with 1.

    Any other exception is a bug, and shows.
    """

    def invoke(self, ctx: Any) -> Any:
        from pydantic import ValidationError

        from connectors import logging_setup

        try:
            logging_setup.configure("WARNING")
            return super().invoke(ctx)
        except HeadraceError as error:
            _print_error(_with_next_step(error))
        except OSError as error:
            if error.filename is None:
                raise
            _print_error(f"{error.filename}: {error.strerror}. Check that it is there, and that you may use it")
        except ValidationError as error:
            if (text := _of_settings(error)) is None:
                raise
            _print_error(text)
        raise typer.Exit(1)


def _of_settings(error: "ValidationError") -> str | None:
    """Which variables cannot be used, and why; None for an error about anything but settings."""
    from pydantic_settings import BaseSettings

    prefixes = {each.__name__: each.model_config.get("env_prefix", "") for each in BaseSettings.__subclasses__()}
    if error.title not in prefixes:
        return None
    faults = (
        f"{prefixes[error.title]}{'_'.join(map(str, each['loc']))}".upper() + f": {each['msg']}"
        for each in error.errors()
    )
    return f"{'; '.join(faults)}. The settings are in docs/operating.md"


def _with_next_step(error: HeadraceError) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, TransientError) and "headrace " not in text:
        return f"{text.rstrip('.')}. {error.next_step}"
    return text


def _print_error(text: str) -> None:
    from rich.markup import escape

    Console(stderr=True, soft_wrap=True).print(f"[red]✘[/] {escape(text)}", highlight=False)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # it would swallow the defaults in [brackets]
    help="Telemetry of a device fleet to its models: local stack, jobs, demo, balance, churn models.",
)
for command in (up, down, submit, publish, balance, status, endpoints, logs, setup, pseudonym, forget):
    app.command()(command)
app.add_typer(cdc, name="cdc")
app.add_typer(dlq, name="dlq")
app.add_typer(windows, name="windows")
app.add_typer(features, name="features")
app.add_typer(experiment, name="experiment")
app.add_typer(train, name="train")
app.add_typer(predict, name="predict")
app.add_typer(model, name="model")
app.add_typer(churn, name="churn")
for entry in sorted(entry_points(group="headrace.commands"), key=lambda entry: entry.name):
    app.command(entry.name)(entry.load())
