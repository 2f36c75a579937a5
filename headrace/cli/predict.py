"""`headrace predict churn`: a file of customers scored, with reasons."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home

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
    from headrace.churn.printed_tally import print_tally
    from headrace.model_store.store import ModelStore
    from headrace.progress import progress
    from models.churn import ChurnModel
    from models.churn.score_table import write_scores
    from models.churn.tables import table_parts
    from stack.layout import Layout

    loaded = ChurnModel.load(model or ModelStore.of(Layout.of(home)).champion_folder())
    n_bytes = file.stat().st_size if file.is_file() else 0
    with progress(f"bytes of {file.name}", n_bytes, Console(stderr=True, soft_wrap=True)) as advance:
        tally = write_scores(loaded, table_parts(file, progress=advance), out)
    print_tally(tally, loaded.contract, out, Console(soft_wrap=True))
