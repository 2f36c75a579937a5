"""`headrace model`: versions of a model, which of them scores, and which did before."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from headrace.cli.groups import noun
from headrace.cli.options import AsJson, Home

if TYPE_CHECKING:
    from headrace.model_store.store import ModelStore

model = noun("List, promote and roll back the versions of a model.")


def _names(incomplete: str) -> list[str]:
    return [name for name in FIGURES if name.startswith(incomplete)]


Name = Annotated[str, typer.Option(metavar="MODEL", help="Which model: `churn` or `recommend`.", autocompletion=_names)]
Which = Annotated[
    str,
    typer.Argument(metavar="VERSION", help="Number, version or alias of a version, as `headrace model ls` lists them."),
]

FIGURES = {
    "churn": {"roc_auc": "ROC AUC", "brier": "Brier"},
    "recommend": {"prequential_recall": "recall@10", "time_split_ndcg": "NDCG@10, time split"},
}
"""Columns of the list, by the name of the model and of the figure."""


@model.command()
def ls(name: Name = "churn", as_json: AsJson = False, home: Home = None) -> None:
    """List the versions of a model, the newest first, and the champions over time.

    Example: `headrace model ls --name recommend`
    """
    from dataclasses import asdict

    registry = _store(home, name).registry
    versions, periods = registry.versions(name), registry.history(name)
    if as_json:
        shown = {"versions": [asdict(each) for each in versions], "champions": [asdict(each) for each in periods]}
        print(json.dumps(shown, indent=2))
        return
    columns = FIGURES[name]
    table = Table("number", "version", "alias", "made", *columns.values(), box=None, header_style="bold")
    for each in versions:
        figures = [f"{each.figures[key]:.4f}" if key in each.figures else "" for key in columns]
        table.add_row(each.number, each.version, ", ".join(each.aliases), _time(each.created_ms), *figures)
    Console(soft_wrap=True).print(table)
    for period in periods:
        print(f"champion since {_time(period.since_ms)}: {period.number}")


@model.command()
def promote(which: Which, name: Name = "churn", home: Home = None) -> None:
    """Make a version the champion. Running jobs load it without a restart.

    Example: `headrace model promote 3 --name recommend`
    """
    print(_promoted(_store(home, name).promote(which).version, name))


@model.command()
def rollback(name: Name = "churn", home: Home = None) -> None:
    """Make the previous champion the champion again. Running jobs load it without a restart."""
    print(_promoted(_store(home, name).roll_back().version, name))


def _promoted(version: str, name: str) -> str:
    message = f"{version} is champion"
    if name != "churn":
        return message
    return f"{message}\nIt scores a customer when the row changes next. To have all scored now:  headrace churn rescore"


def _store(home: Path | None, name: str) -> "ModelStore":
    from headrace.cli.training_extra import require_training_extra
    from headrace.model_store.store import ModelStore
    from stack.layout import Layout

    if name not in FIGURES:
        raise typer.BadParameter(f"{name!r} is not one of: {', '.join(FIGURES)}", param_hint="--name")
    require_training_extra()
    return ModelStore.of(Layout.of(home), name)


def _time(moment_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment_ms / 1000))
