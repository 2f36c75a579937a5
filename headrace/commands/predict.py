"""`headrace predict churn`: a file of customers scored, with reasons."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from headrace.commands.options import Home

predict = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Score a file with a model.")

File = Annotated[Path, typer.Argument(metavar="FILE.csv", help="One row a customer, with the model's columns.")]
Model = Annotated[Path | None, typer.Option(help="Folder of a model [the champion].", show_default=False)]


@predict.callback()
def group() -> None:
    """Score a file with a model."""


@predict.command()
def churn(
    file: File,
    out: Annotated[Path, typer.Option(metavar="SCORES.csv", help="Where the scores go.")],
    model: Model = None,
    home: Home = None,
) -> None:
    """Write a CSV of identifier, probability, label and reasons; a row that cannot be scored says why."""
    from headrace.churn.errors_in_words import in_words
    from headrace.churn.model_store import ModelStore
    from headrace.stack.layout import Layout
    from models.churn import ChurnModel
    from models.churn.score_table import score_table
    from models.churn.tables import read_table

    with in_words():
        loaded = ChurnModel.load(model or ModelStore.of(Layout.of(home)).champion_folder())
        table = read_table(file)
        with Progress(console=Console(stderr=True)) as shown:
            task = shown.add_task(file.name, total=len(table))
            scores = score_table(loaded, table, lambda n: shown.advance(task, n))
    scores.to_csv(out, index=False)
    n_refused, n_flagged = (
        int((scores["refused"] != "").sum()),
        int((scores["label"] == loaded.contract.positive).sum()),
    )
    words = f"{len(scores):,} rows in {out}: {n_flagged:,} labelled {loaded.contract.positive}, {n_refused:,} refused"
    Console(soft_wrap=True).print(words, markup=False, highlight=False)
