"""`headrace churn predict`: a file of customers scored, with reasons."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home

File = Annotated[
    Path,
    typer.Argument(metavar="FILE.csv", help="Table of customers with the columns that the model reads, one row each."),
]
Out = Annotated[Path, typer.Option(metavar="SCORES.csv", help="File that the scores are written to.")]
Model = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of the model to score with.", show_default="the champion"),
]


def predict(file: File, out: Out, model: Model = None, home: Home = None) -> None:
    """Score a table of customers: identifier, probability, label and reasons, one row each.

    A row that cannot be scored has an empty probability and says why.

    Example: `headrace churn predict customers.csv --out scores.csv`
    """
    from headrace.churn.prediction_tally import print_tally
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
