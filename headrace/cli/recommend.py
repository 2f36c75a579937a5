"""`headrace recommend`: a recommender of any interactions."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headrace.cli.groups import noun
from headrace.cli.options import Home
from headrace.cli.promotion import promote_or_suggest

recommend = noun("Train and evaluate recommenders.")

Interactions = Annotated[
    Path,
    typer.Argument(
        metavar="INTERACTIONS.csv",
        help="Table with the columns user, item and event_time, one row an interaction; UTF-8, with a header line.",
    ),
]
ItemsFile = Annotated[
    Path | None,
    typer.Option(
        "--items",
        metavar="ITEMS.csv",
        help="Table of items: the column item, and attributes in all others. Models of attributes need it.",
        show_default="none",
    ),
]
Kind = Annotated[
    str,
    typer.Option(
        "--model", metavar="NAME", help="Recommender to export, one of those that docs/how-to/recommend.md lists."
    ),
]
Compare = Annotated[
    bool, typer.Option("--compare", help="Evaluate every recommender, not only the exported one and popularity.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder that the model is written to, besides the registry.", show_default="registry only"
    ),
]
Promote = Annotated[
    bool, typer.Option("--promote", help="Make the new version champion: the running job recommends with it.")
]


@recommend.command()
def train(
    interactions: Interactions,
    items: ItemsFile = None,
    kind: Kind = "hybrid",
    compare: Compare = False,
    out: Out = None,
    promote: Promote = False,
    home: Home = None,
) -> None:
    """Train, evaluate and export a recommender, and register it as challenger.

    Prints how well it does compared with decayed popularity, on interactions that it has not seen.

    Example: `headrace recommend train interactions.csv --items items.csv --promote`
    """
    from headrace.cli.training_extra import require_training_extra

    require_training_extra()
    _train_recommender(interactions, items, kind, compare, out, promote, home)


def _train_recommender(
    interactions: Path, items: Path | None, kind: str, compare: bool, out: Path | None, promote: bool, home: Path | None
) -> None:
    from headrace.model_store.store import RECOMMEND, ModelStore
    from headrace.progress import progress
    from headrace.recommend.recommender_figures import WIDTH, print_interactions, print_outcome
    from headrace.recommend.training_run import PROTOCOLS, compared, run
    from models.recommend.catalogue import names
    from models.recommend.interactions import read_interactions, read_words
    from stack.layout import Layout

    console = Console(soft_wrap=True, width=max(Console().width, WIDTH))
    events = read_interactions(interactions)
    words = read_words(items, events.item_names) if items else None
    if kind not in names(words):
        raise typer.BadParameter(f"{kind!r} is not one of: {', '.join(names(words))}", param_hint="--model")
    print_interactions(events, console)
    evaluated = compared(kind, names(words) if compare else [])
    store = ModelStore.of(Layout.of(home), RECOMMEND)
    steps = len(PROTOCOLS) * len(evaluated) + 1
    with progress("evaluations, then all interactions", steps, Console(stderr=True, soft_wrap=True)) as advance:
        trained = run(events, words, kind, evaluated, lambda: advance(1), store, out)
    print_outcome(trained, console)
    version = trained.artifact.contract.version
    promote_or_suggest(store, version, promote, console)
