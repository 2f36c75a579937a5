"""`headrace model`: versions of the churn model, which of them scores, and which did before."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from headrace.commands.options import AsJson, Home

if TYPE_CHECKING:
    from headrace.churn.model_store import ModelStore

model = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Versions of a model: list, promote, roll back.")

Which = Annotated[str, typer.Argument(metavar="VERSION", help="Number, version or alias, as `model ls` shows it.")]


@model.command()
def ls(as_json: AsJson = False, home: Home = None) -> None:
    """List versions, the newest first, and the champions over time."""
    from dataclasses import asdict

    from headrace.churn.errors_in_words import in_words
    from headrace.churn.model_store import NAME

    with in_words():
        registry = _store(home).registry
        versions, reigns = registry.versions(NAME), registry.history(NAME)
    if as_json:
        shown = {"versions": [asdict(each) for each in versions], "champions": [asdict(each) for each in reigns]}
        print(json.dumps(shown, indent=2))
        return
    table = Table("number", "version", "alias", "made", "ROC AUC", "Brier", box=None, header_style="bold")
    for each in versions:
        figures = [f"{each.figures[key]:.4f}" if key in each.figures else "" for key in ("roc_auc", "brier")]
        table.add_row(each.number, each.version, ", ".join(each.aliases), _time(each.created_ms), *figures)
    Console(soft_wrap=True).print(table)
    for reign in reigns:
        print(f"champion since {_time(reign.since_ms)}: {reign.number}")


@model.command()
def promote(which: Which, home: Home = None) -> None:
    """Make a version champion: running jobs take it up without a restart."""
    from headrace.churn.errors_in_words import in_words

    with in_words():
        print(_crowned(_store(home).promote(which).version))


@model.command()
def rollback(home: Home = None) -> None:
    """Make the champion before this one champion again."""
    from headrace.churn.errors_in_words import in_words

    with in_words():
        print(_crowned(_store(home).roll_back().version))


def _crowned(version: str) -> str:
    return (
        f"{version} is champion\n"
        "It scores a customer when the row changes next. To have all scored by it now:  headrace churn rescore"
    )


def _store(home: Path | None) -> "ModelStore":
    from headrace.churn.model_store import ModelStore
    from headrace.commands.training_extra import require_training_extra
    from headrace.stack.layout import Layout

    require_training_extra()
    return ModelStore.of(Layout.of(home))


def _time(moment_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment_ms / 1000))
